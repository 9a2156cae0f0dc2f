#include "cli/program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
runs(void **state)
{
	static const struct {
		const char *script, *said;
		int status;
	} cases[] = {
		{ "echo out; echo err >&2", "out\nerr\n", 0 },
		{ "exit 3", "", 3 },
		{ "kill -9 $$", "", 128 + 9 },
		{ "echo \"$SOME $HOME\"", "thing \n", 0 },
		{ "cat", "", 0 }, /* nothing stands on its input */
		{ "yes | head -c 100000", NULL, 0 },
	};
	char *environment[] = { (char *)(uintptr_t) "SOME=thing",
		(char *)(uintptr_t) "PATH=/usr/bin:/bin", NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *argv[] = { (char *)(uintptr_t) "/bin/sh", (char *)(uintptr_t) "-c",
			(char *)(uintptr_t)cases[i].script, NULL };
		char buf[4096];
		struct text said = { .buf = buf, .cap = sizeof(buf) };
		const char *why;
		int status = -1;

		assert_true(program_run(argv, environment, 10000, &said, &status, &why));
		assert_int_equal(status, cases[i].status);
		assert_int_equal(said.cut, cases[i].said == NULL);
		if (cases[i].said != NULL)
			assert_true(slice_equal(text_slice(&said), slice_of(cases[i].said)));
	}
}

static void
fails(void **state)
{
	char *none[] = { (char *)(uintptr_t) "/nonexistent/program", NULL };
	char *slow[] = { (char *)(uintptr_t) "/bin/sleep", (char *)(uintptr_t) "60", NULL };
	char buf[64];
	struct text said = { .buf = buf, .cap = sizeof(buf) };
	const char *why;
	int status;

	(void)state;
	assert_false(program_run(none, NULL, 10000, &said, &status, &why));
	assert_string_equal(why, "No such file or directory");
	assert_false(program_run(slow, NULL, 50, &said, &status, &why));
	assert_string_equal(why, "it did not end in time");
	assert_int_equal(status, 128 + 9);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(runs), cmocka_unit_test(fails) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
