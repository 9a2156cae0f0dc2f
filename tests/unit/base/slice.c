#include "base/slice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name, *in;
	unsigned long long max, want;
	bool good;
} numbers[] = {
	{ "0", "0", 10, 0, true },
	{ "at max", "128", 128, 128, true },
	{ "above max", "129", 128, 0, false },
	{ "leading zeros", "007", 10, 7, true },
	{ "19 digits", "9999999999999999999", UINT64_MAX, 9999999999999999999ull, true },
	{ "20 digits", "18446744073709551616", UINT64_MAX, 0, false },
	{ "20 digits, small", "00000000000000000001", UINT64_MAX, 0, false },
	{ "empty", "", 10, 0, false },
	{ "sign", "+1", 10, 0, false },
	{ "minus", "-1", 10, 0, false },
	{ "blank before", " 1", 10, 0, false },
	{ "blank behind", "1 ", 10, 0, false },
	{ "hex", "0x1", 100, 0, false },
	{ "just below 0", "/", 100, 0, false },
	{ "just above 9", ":", 100, 0, false },
};

static void
number(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		unsigned long long got = 77;
		bool good = slice_number(slice_of(numbers[i].in), numbers[i].max, &got);

		if (good != numbers[i].good || got != (good ? numbers[i].want : 77))
			fail_msg("%s: %d, %llu", numbers[i].name, good, got);
	}
}

static const struct {
	const char *name;
	struct slice in;
	const char *first, *rest;
	bool more;
} splits[] = {
	{ "two", { "a,bc", 4 }, "a", "bc", true },
	{ "three", { "a,b,c", 5 }, "a", "b,c", true },
	{ "none", { "abc", 3 }, "abc", "", false },
	{ "at the end", { "abc,", 4 }, "abc", "", true },
	{ "at the start", { ",abc", 4 }, "", "abc", true },
	{ "empty", { "", 0 }, "", "", false },
	{ "NULL", { NULL, 0 }, "", "", false },
	{ "not behind the end", { "ab,c", 2 }, "ab", "", false },
};

static void
split(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(splits); i++) {
		struct slice rest, first = slice_split(splits[i].in, ',', &rest);

		if (!slice_equal(first, slice_of(splits[i].first)) ||
		    !slice_equal(rest, slice_of(splits[i].rest)) ||
		    (rest.ptr != NULL) != splits[i].more)
			fail_msg("%s: %.*s | %.*s", splits[i].name, (int)first.len, first.ptr,
			    (int)rest.len, rest.ptr);
	}
}

static const struct {
	const char *in, *want;
} trims[] = {
	{ "", "" },
	{ " \t\r\n", "" },
	{ "a", "a" },
	{ " a b\t", "a b" },
	{ "\r\na\r\n", "a" },
	{ "\va", "\va" },
};

static void
trim(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(trims); i++)
		assert_true(
		    slice_equal(slice_trim(slice_of(trims[i].in)), slice_of(trims[i].want)));
	assert_int_equal(slice_trim((struct slice){ NULL, 0 }).len, 0);
}

static const struct {
	const char *a, *b;
	bool same, nocase, starts;
} pairs[] = {
	{ "", "", true, true, true },
	{ "abc", "abc", true, true, true },
	{ "aBc", "AbC", false, true, false },
	{ "abc", "ab", false, false, true },
	{ "ab", "abc", false, false, false },
	{ "abc", "", false, false, true },
	{ "[", "{", false, false, false },
	{ "@", "`", false, false, false },
	{ "\xc3\x84", "\xc3\xa4", false, false, false },
};

static void
compare(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct slice a = slice_of(pairs[i].a), b = slice_of(pairs[i].b);

		if (slice_equal(a, b) != pairs[i].same ||
		    slice_equal_nocase(a, b) != pairs[i].nocase ||
		    slice_starts(a, b) != pairs[i].starts)
			fail_msg("%s, %s", pairs[i].a, pairs[i].b);
	}
	assert_true(slice_equal((struct slice){ NULL, 0 }, SLICE("")));
	assert_true(slice_starts((struct slice){ NULL, 0 }, (struct slice){ NULL, 0 }));
}

static const struct {
	const char *s, *word;
	bool want;
} contained[] = {
	{ "a </STYLE>", "</style", true },
	{ "</styl", "</style", false },
	{ "abc", "bC", true },
	{ "abc", "", true },
	{ "", "a", false },
};

static void
contains(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(contained); i++)
		if (slice_contains_nocase(slice_of(contained[i].s), slice_of(contained[i].word)) !=
		    contained[i].want)
			fail_msg("%s, %s", contained[i].s, contained[i].word);
	assert_true(slice_contains_nocase((struct slice){ NULL, 0 }, SLICE("")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(number),
		cmocka_unit_test(split),
		cmocka_unit_test(trim),
		cmocka_unit_test(compare),
		cmocka_unit_test(contains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
