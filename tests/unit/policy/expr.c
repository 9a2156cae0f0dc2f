#include "policy/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define F EXPR_FALSE
#define T EXPR_TRUE
#define E EXPR_FAILED

static const struct {
	const char *in;
	int64_t weight;
	enum expr_result want;
} values[] = {
	{ "weight > 0", 1, T },
	{ "weight > 0", 0, F },
	{ "weight>0", INT64_MAX, T },
	{ "weight <= 0", -5, T },
	{ "weight <= 0", 0, T },
	{ "weight <= 0", 1, F },
	{ "weight >= 3", 3, T },
	{ "weight >= 3", 2, F },
	{ "weight < 3", 3, F },
	{ "weight > 3", 3, F },
	{ "weight == 3", 4, F },
	{ "weight != 3", 3, F },
	{ "weight >= 10 && weight < 20", 10, T },
	{ "weight >= 10 && weight < 20", 20, F },
	{ "weight < 0 || weight > 10", 11, T },
	{ "!(weight == 3)", 3, F },
	{ "weight != 3", 4, T },
	{ "true", 0, T },
	{ "!true", 0, F },
	{ "!!true", 0, T },
	{ "true == false", 0, F },
	{ "(weight > 1) != (weight > 2)", 2, T },
	{ "1 + 2 * 3 == 7", 0, T },
	{ "(1 + 2) * 3 == 9", 0, T },
	{ "10 - 3 - 2 == 5", 0, T },
	{ "100 / 10 / 2 == 5", 0, T },
	{ "-7 / 2 == -3", 0, T },
	{ "-7 % 3 == -1", 0, T },
	{ "- weight == -(-5)", -5, T },
	{ "0x1F == 31", 0, T },
	{ "true || false && false", 0, T },
	{ "weight\n\t> \r\n 0", 1, T },
	{ "-9223372036854775808 < 0", 0, T },
	{ "9223372036854775807 > 0", 0, T },
	/* Overflow and division by zero fail, */
	{ "1 / 0 == 1", 0, E },
	{ "1 % 0 == 1", 0, E },
	{ "weight / -1 > 0", INT64_MIN, E },
	{ "weight % -1 == 0", INT64_MIN, E },
	{ "-weight > 0", INT64_MIN, E },
	{ "weight + 1 > 0", INT64_MAX, E },
	{ "weight - 1 > 0", INT64_MIN, E },
	{ "weight * 2 > 0", INT64_MAX, E },
	{ "!(1 / 0 == 1)", 0, E },
	/* and are absorbed by what decides, on either side. */
	{ "1 / 0 == 1 || true", 0, T },
	{ "true || 1 / 0 == 1", 0, T },
	{ "1 / 0 == 1 && false", 0, F },
	{ "false && 1 / 0 == 1", 0, F },
	{ "1 / 0 == 1 && true", 0, E },
	{ "false || 1 / 0 == 1", 0, E },
};

static void
evaluates(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		struct arena *a = arena_new();
		struct expr_error error;
		struct expr *e = expr_compile(a, slice_of(values[i].in), &error);

		if (e == NULL)
			fail_msg("%s: %s at %zu", values[i].in, error.why, error.offset);
		if (expr_eval(e, values[i].weight) != values[i].want)
			fail_msg("%s", values[i].in);
		arena_free(a);
	}
}

static const struct {
	const char *in;
	size_t offset;
	const char *why;
} broken[] = {
	{ "", 0, "it is empty" },
	{ "  ", 2, "it ends where a value is expected" },
	{ "weight >", 8, "it ends where a value is expected" },
	{ "weight", 0, "it gives a number, not true or false: compare it" },
	{ "weigth > 0", 0, "'weigth' is not known here: only weight, true and false are" },
	{ "weight > 0 0", 11, "an operator is expected here" },
	{ "weight = 0", 7, "an operator is expected here" },
	{ "weight > 0 & true", 11, "an operator is expected here" },
	{ "(weight > 0", 11, "a ')' is missing" },
	{ "weight > 0)", 10, "an operator is expected here" },
	{ "weight > )", 9, "a value is expected here" },
	{ "weight && true", 7, "'&&' needs true or false on both sides" },
	{ "true > 1", 5,
	    "'>' needs a number on both sides: comparisons do not chain, write a < b && "
	    "b < c" },
	{ "1 < weight < 3", 11,
	    "'<' needs a number on both sides: comparisons do not chain, write a "
	    "< b && b < c" },
	{ "weight == true", 7, "'==' needs the same kind of value on both sides" },
	{ "true + 1 > 2", 5, "'+' needs a number on both sides" },
	{ "!weight", 0, "'!' needs true or false, not a number" },
	{ "-true", 0, "'-' needs a number, not true or false" },
	{ "weight > 1.5", 10, "only whole numbers are known here" },
	{ "weight > 10u", 9, "not a whole number" },
	{ "weight > 0x", 9, "not a whole number" },
	{ "9223372036854775808 > 0", 0, "larger than 64 bits hold" },
	{ "-9223372036854775809 < 0", 1, "larger than 64 bits hold" },
	{ "weight > \"a\"", 9, "a value is expected here" },
};

static void
errors_have_an_offset(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++) {
		struct arena *a = arena_new();
		struct expr_error error;

		assert_null(expr_compile(a, slice_of(broken[i].in), &error));
		if (error.offset != broken[i].offset || strcmp(error.why, broken[i].why) != 0)
			fail_msg("%s: %s at %zu", broken[i].in, error.why, error.offset);
		arena_free(a);
	}
}

static void
depth_and_length_are_limited(void **state)
{
	static char text[EXPR_BYTES_MAX + 1];
	struct arena *a = arena_new();
	struct expr_error error;

	(void)state;
	memset(text, '(', sizeof(text));
	assert_null(expr_compile(a, (struct slice){ text, 2000 }, &error));
	assert_string_equal(error.why, "nested too deep");
	memset(text, '!', sizeof(text));
	assert_null(expr_compile(a, (struct slice){ text, 2000 }, &error));
	assert_null(expr_compile(a, (struct slice){ text, sizeof(text) }, &error));
	memset(text, '(', 99);
	memcpy(text + 99, "true", 4);
	memset(text + 103, ')', 99);
	assert_non_null(expr_compile(a, (struct slice){ text, 202 }, &error));
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(evaluates),
		cmocka_unit_test(errors_have_an_offset),
		cmocka_unit_test(depth_and_length_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
