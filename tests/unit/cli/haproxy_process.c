#include "cli/haproxy_process.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void
access_by_mode(void **state)
{
	static const struct {
		uid_t uid;
		gid_t gid, other;
		mode_t mode;
		int how;
		bool want;
	} cases[] = {
		{ 0, 0, 0, 0000, W_OK, true },
		{ 10, 99, 99, 0200, W_OK, true },
		{ 10, 20, 99, 0070, W_OK, false }, /* the owner's bits count, however few */
		{ 11, 20, 99, 0660, W_OK, true },
		{ 11, 98, 20, 0660, W_OK, true }, /* a group beside his own */
		{ 11, 98, 99, 0660, W_OK, false },
		{ 11, 98, 99, 0666, W_OK, true },
		{ 11, 20, 99, 0606, W_OK, false },
		{ 11, 98, 99, 0701, X_OK, true },
		{ 11, 98, 99, 0700, X_OK, false },
		{ 11, 20, 99, 0710, X_OK, true },
		{ 11, 20, 99, 0710, X_OK | W_OK, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct who who = { .uid = cases[i].uid, .gid = cases[i].gid, .groups = 1 };
		struct stat st = { .st_mode = cases[i].mode, .st_uid = 10, .st_gid = 20 };

		who.group[0] = cases[i].other;
		if (who_may(&who, &st, cases[i].how) != cases[i].want)
			fail_msg("case %zu", i);
	}
}

static void
ourselves(void **state)
{
	static const char *const files[] = { "/nonexistent/haproxy.cfg" };
	struct haproxy_process p;
	struct who who;

	(void)state;
	assert_true(who_of_process(getpid(), &who));
	assert_int_equal(who.uid, geteuid());
	assert_int_equal(who.gid, getegid());
	assert_false(who_of_process(0, &who));
	assert_false(haproxy_process_find(&p, files, 1));
	assert_int_equal(p.pid, 0);
	haproxy_process_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(access_by_mode),
		cmocka_unit_test(ourselves) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
