#include "policy/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void
a_long_value_is_cut_and_marked(void **state)
{
	static char big[4096];
	struct request r = { 0 };

	(void)state;
	for (unsigned f = 0; f < REQUEST_FIELDS; f++) {
		size_t limit = request_limit(f);

		assert_true(limit > 0 && limit < sizeof(big));
		request_set(&r, f, (struct slice){ big, limit });
		assert_int_equal(r.field[f].len, limit);
		assert_int_equal(r.cut, 0);
		request_set(&r, f, (struct slice){ big, limit + 1 });
		assert_int_equal(r.field[f].len, limit);
		assert_true(r.cut == (uint64_t)1 << f);
		request_set(&r, f, SLICE(""));
		assert_true(r.cut == 0);
	}
}

static void
names_and_limits_are_those_of_the_configuration(void **state)
{
	(void)state;
	assert_string_equal(request_argument[REQUEST_USER_AGENT], "ua");
	assert_string_equal(request_argument[REQUEST_VERSION], "ver");
	assert_int_equal(request_limit(REQUEST_METHOD), 32);
	assert_int_equal(request_limit(REQUEST_PATH), 1024);
	assert_int_equal(request_limit(REQUEST_HOST), 255);
	assert_int_equal(request_limit(REQUEST_USER_AGENT), 512);
	assert_int_equal(request_limit(REQUEST_HEADER + 3), 256);
}

static void
a_target_is_parted_once(void **state)
{
	static const char *const cases[][3] = { { "/", "/", "" }, { "/a?b=c", "/a", "b=c" },
		{ "/a?b?c", "/a", "b?c" }, { "?x", "", "x" }, { "/a?", "/a", "" },
		{ "/a%3fb", "/a%3fb", "" }, { "*", "*", "" } };
	struct request r = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		request_set_target(&r, slice_of(cases[i][0]));
		assert_true(slice_equal(r.field[REQUEST_PATH], slice_of(cases[i][1])));
		assert_true(slice_equal(r.field[REQUEST_QUERY], slice_of(cases[i][2])));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_long_value_is_cut_and_marked),
		cmocka_unit_test(a_target_is_parted_once),
		cmocka_unit_test(names_and_limits_are_those_of_the_configuration),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
