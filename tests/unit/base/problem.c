#include "base/problem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	bool warning;
	struct place at;
	const char *want;
} cases[] = {
	{ false, { "p.yaml", 12, 3, "bots[3].path_regex" },
	    "p.yaml:12:3: bots[3].path_regex: missing )" },
	{ true, { "p.yaml", 12, 3, "bots[3]" }, "p.yaml:12:3: warning: bots[3]: missing )" },
	{ false, { "p.yaml", 12, 0, NULL }, "p.yaml:12: missing )" },
	{ false, { "p.yaml", 0, 3, "" }, "p.yaml: missing )" },
	{ false, { NULL, 12, 3, "bots" }, "bots: missing )" },
	{ true, { NULL, 0, 0, NULL }, "warning: missing )" },
};

static void
lines(void **state)
{
	struct problems p = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		if (cases[i].warning)
			problem_warn(&p, &cases[i].at, "missing %c", ')');
		else
			problem_error(&p, &cases[i].at, "missing %c", ')');
		assert_int_equal(p.count, i + 1);
		assert_string_equal(p.list[i].text, cases[i].want);
		assert_int_equal(p.list[i].warning, cases[i].warning);
	}
	assert_int_equal(p.errors, 4);
	assert_int_equal(p.warnings, 2);
	problems_fini(&p);
	assert_null(p.list);
	assert_int_equal(p.count + p.errors + p.warnings, 0);
	problems_fini(&p);
}

static void
more_than_kept(void **state)
{
	struct place at = { "f", 1, 1, NULL };
	struct problems p = { 0 };

	(void)state;
	for (unsigned i = 0; i < PROBLEMS_MAX + 5; i++)
		problem_error(&p, &at, "%u", i);
	problem_warn(&p, &at, "late");
	assert_int_equal(p.count, PROBLEMS_MAX);
	assert_int_equal(p.errors, PROBLEMS_MAX + 5);
	assert_int_equal(p.warnings, 1);
	assert_string_equal(p.list[PROBLEMS_MAX - 1].text, "f:1:1: 199");
	problems_fini(&p);
}

/* A message that quotes a very long pattern still says where it is and how it begins. */
static void
long_message(void **state)
{
	static char big[100000];
	struct place at = { "f", 7, 1, "bots[0]" };
	struct problems p = { 0 };

	(void)state;
	memset(big, 'a', sizeof(big) - 1);
	problem_error(&p, &at, "not a pattern: %s", big);
	assert_int_equal(p.count, 1);
	assert_ptr_equal(
	    strstr(p.list[0].text, "f:7:1: bots[0]: not a pattern: aaaa"), p.list[0].text);
	assert_true(strlen(p.list[0].text) < 2000);
	assert_string_equal(p.list[0].text + strlen(p.list[0].text) - 4, "a...");
	at.file = big;
	problem_error(&p, &at, "still %s", "said");
	assert_non_null(strstr(p.list[1].text, "still said"));
	problems_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(more_than_kept),
		cmocka_unit_test(long_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
