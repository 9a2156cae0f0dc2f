#include "challenge/form.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *name, *in;
	bool good;
	unsigned count;
	const char *key, *want; /* want NULL: there is none */
} cases[] = {
	{ "empty", "", true, 0, "a", NULL },
	{ "one", "a=1", true, 1, "a", "1" },
	{ "second", "a=1&b=2", true, 2, "b", "2" },
	{ "no value", "a", true, 1, "a", "" },
	{ "empty value", "a=", true, 1, "a", "" },
	{ "empty name", "=1", true, 1, "", "1" },
	{ "two equals signs", "a=b=c", true, 1, "a", "b=c" },
	{ "blank", "a=b+c", true, 1, "a", "b c" },
	{ "percent", "a=%2Fx%2f%3D%26", true, 1, "a", "/x/=&" },
	{ "percent in a name", "%61=1", true, 1, "a", "1" },
	{ "decoded once", "a=%2541", true, 1, "a", "%41" },
	{ "decoded bytes", "a=%ff%C3%A4", true, 1, "a", "\xff\xc3\xa4" },
	{ "nothing between", "&&a=1&&b=2&", true, 2, "b", "2" },
	{ "another name", "a=1", true, 1, "A", NULL },
	{ "a prefix of a name", "solution=1", true, 1, "sol", NULL },
	{ "twice", "a=1&a=2", false, 0, "a", NULL },
	{ "twice, spelled otherwise", "a=1&%61=2", false, 0, "a", NULL },
	{ "twice no name", "=1&=2", false, 0, "", NULL },
	{ "percent at the end", "a=1%", false, 0, "a", NULL },
	{ "percent and a digit", "a=1%4", false, 0, "a", NULL },
	{ "percent and a digit, then a field", "a=%4&b=1", false, 0, "b", NULL },
	{ "percent, no digits", "a=%zz", false, 0, "a", NULL },
	{ "percent, second no digit", "a=%4g", false, 0, "a", NULL },
	{ "percent in a bad name", "%=1", false, 0, "a", NULL },
	{ "16 fields", "a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p", true, 16, "p", "" },
	{ "17 fields", "a&b&c&d&e&f&g&h&i&j&k&l&m&n&o&p&q", false, 0, "a", NULL },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char body[256];
		struct form f;
		struct slice got;
		size_t n = strlen(cases[i].in);
		bool good;

		memcpy(body, cases[i].in, n);
		good = form_parse(body, n, &f);
		got = form_get(&f, cases[i].key);
		if (good != cases[i].good || f.count != cases[i].count ||
		    (got.ptr == NULL) != (cases[i].want == NULL) ||
		    (got.ptr != NULL && !slice_equal(got, slice_of(cases[i].want))))
			fail_msg("%s: %d, %u fields, '%.*s'", cases[i].name, good, f.count,
			    (int)got.len, got.ptr);
	}
}

static void
test_nul_is_a_byte(void **state)
{
	char body[] = "a%00b=c%00d";
	struct form f;

	(void)state;
	assert_true(form_parse(body, sizeof(body) - 1, &f));
	assert_null(form_get(&f, "a").ptr);
	assert_int_equal(f.field[0].value.len, 3);
	assert_memory_equal(f.field[0].value.ptr, "c\0d", 3);
}

static void
test_length(void **state)
{
	static char body[FORM_BYTES_MAX + 1];
	struct form f;

	(void)state;
	memset(body, 'a', sizeof(body));
	assert_true(form_parse(body, FORM_BYTES_MAX, &f));
	assert_int_equal(f.field[0].name.len, FORM_BYTES_MAX);
	assert_false(form_parse(body, FORM_BYTES_MAX + 1, &f));
	assert_int_equal(f.count, 0);
	assert_true(form_parse(NULL, 0, &f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_nul_is_a_byte),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
