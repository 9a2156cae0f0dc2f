#include "base/scalar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *in;
	enum tree_kind kind;
	double number;
} cases[] = {
	{ "", TREE_NULL, 0 },
	{ "~", TREE_NULL, 0 },
	{ "Null", TREE_NULL, 0 },
	{ "nULL", TREE_STRING, 0 },
	{ "y", TREE_BOOL, 1 },
	{ "Yes", TREE_BOOL, 1 },
	{ "TRUE", TREE_BOOL, 1 },
	{ "on", TREE_BOOL, 1 },
	{ "NO", TREE_BOOL, 0 },
	{ "n", TREE_BOOL, 0 },
	{ "off", TREE_BOOL, 0 },
	{ "False", TREE_BOOL, 0 },
	{ "tRUE", TREE_STRING, 0 },
	{ "0", TREE_NUMBER, 0 },
	{ "-1", TREE_NUMBER, -1 },
	{ "+1", TREE_NUMBER, 1 },
	{ "1_000", TREE_NUMBER, 1000 },
	{ "0x1F", TREE_NUMBER, 31 },
	{ "-0x10", TREE_NUMBER, -16 },
	{ "0b101", TREE_NUMBER, 5 },
	{ "017", TREE_NUMBER, 15 },
	{ "0o17", TREE_NUMBER, 15 },
	{ "00", TREE_NUMBER, 0 },
	{ "08", TREE_NUMBER, 8 },
	{ "18446744073709551615", TREE_NUMBER, 18446744073709551615.0 },
	{ "18446744073709551616", TREE_NUMBER, 18446744073709551616.0 },
	{ "1.50", TREE_NUMBER, 1.5 },
	{ "1.", TREE_NUMBER, 1 },
	{ ".5", TREE_NUMBER, 0.5 },
	{ "1e3", TREE_NUMBER, 1000 },
	{ "-1.5E-1", TREE_NUMBER, -0.15 },
	{ "0x", TREE_STRING, 0 },
	{ "0xg", TREE_STRING, 0 },
	{ "0x0x1", TREE_STRING, 0 },
	{ "0b2", TREE_STRING, 0 },
	{ "0x1ffffffffffffffff", TREE_STRING, 0 },
	{ "1e999", TREE_STRING, 0 },
	{ "1e", TREE_STRING, 0 },
	{ ".", TREE_STRING, 0 },
	{ "-", TREE_STRING, 0 },
	{ "--1", TREE_STRING, 0 },
	{ "- 1", TREE_STRING, 0 },
	{ "1 ", TREE_STRING, 0 },
	{ "._5", TREE_STRING, 0 },
	{ "1.2.3", TREE_STRING, 0 },
	{ "1:30", TREE_STRING, 0 },
	{ "2024-01-01", TREE_STRING, 0 },
	{ ".inf", TREE_STRING, 0 },
	{ "nan", TREE_STRING, 0 },
	{ "abc", TREE_STRING, 0 },
};

static void
looks(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		/* In a block of its own size, so that a sanitizer sees what is read behind it. */
		size_t n = strlen(cases[i].in);
		char *in = malloc(n > 0 ? n : 1);
		double number = 0;
		bool truth = false;
		enum tree_kind kind;

		assert_non_null(in);
		memcpy(in, cases[i].in, n);
		kind = scalar_kind((struct slice){ in, n }, &number, &truth);
		free(in);
		if (kind != cases[i].kind || (kind == TREE_NUMBER && number != cases[i].number) ||
		    (kind == TREE_BOOL && truth != (cases[i].number == 1)))
			fail_msg("%s: kind %d, %g", cases[i].in, (int)kind, number);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(looks) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
