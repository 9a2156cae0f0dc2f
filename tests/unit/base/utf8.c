#include "base/utf8.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define BAD "\xef\xbf\xbd"

/* As Go's utf8.DecodeRune sees them: one U+FFFD for each byte that fits nowhere. */
static const struct {
	const char *name, *in, *want;
} cases[] = {
	{ "ASCII", "abc", "abc" },
	{ "two bytes", "\xc3\xa9", "\xc3\xa9" },
	{ "three bytes", "\xe2\x82\xac", "\xe2\x82\xac" },
	{ "four bytes", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80" },
	{ "largest", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf" },
	{ "beyond it", "\xf4\x90\x80\x80", BAD BAD BAD BAD },
	{ "0xff",
	    "a\xff"
	    "b",
	    "a" BAD "b" },
	{ "continuation alone", "\x80x", BAD "x" },
	{ "overlong, two", "\xc0\xaf", BAD BAD },
	{ "overlong, three", "\xe0\x9f\xbf", BAD BAD BAD },
	{ "overlong, four", "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD },
	{ "surrogate", "\xed\xa0\x80", BAD BAD BAD },
	{ "cut short", "\xe2\x82", BAD BAD },
	{ "cut short, then more", "\xe2\x82z", BAD BAD "z" },
	{ "empty", "", "" },
};

static void
repair(void **state)
{
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice in = slice_of(cases[i].in);
		size_t n = utf8_repair(in, out);

		assert_true(n <= UTF8_ROOM(in.len));
		if (!slice_equal((struct slice){ out, n }, slice_of(cases[i].want)))
			fail_msg("%s", cases[i].name);
	}
}

static void
decode(void **state)
{
	static const struct {
		const char *in;
		size_t length;
		uint32_t want;
	} characters[] = {
		{ "", 0, 7 },
		{ "\x7f", 1, 0x7f },
		{ "\xc2\x80x", 2, 0x80 },
		{ "\xdf\xbf", 2, 0x7ff },
		{ "\xe0\xa0\x80", 3, 0x800 },
		{ "\xef\xbf\xbf", 3, 0xffff },
		{ "\xf0\x90\x80\x80", 4, 0x10000 },
		{ "\xf4\x8f\xbf\xbf", 4, 0x10ffff },
		{ "\xf4\x90\x80\x80", 0, 7 },
		{ "\xed\xa0\x80", 0, 7 },
		{ "\xc3", 0, 7 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(characters) / sizeof(characters[0]); i++) {
		uint32_t got = 7;

		assert_int_equal(
		    utf8_decode(slice_of(characters[i].in), &got), characters[i].length);
		assert_int_equal(got, characters[i].want);
	}
}

static void
ascii(void **state)
{
	char text[40];

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_true(utf8_is_ascii((struct slice){ NULL, 0 }));
	for (size_t n = 1; n <= sizeof(text); n++) {
		assert_true(utf8_is_ascii((struct slice){ text, n }));
		for (size_t at = 0; at < n; at++) {
			text[at] = (char)0x80;
			assert_false(utf8_is_ascii((struct slice){ text, n }));
			text[at] = 'a';
		}
	}
}

static void
valid(void **state)
{
	static const struct {
		struct slice text;
		bool good;
	} texts[] = { { { NULL, 0 }, true }, { SLICE("a\0b"), true }, { SLICE("ä€😀"), true },
		{ SLICE("a\xff"), false }, { SLICE("\xc3"), false },
		{ SLICE("\xed\xa0\x80"), false } };

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(utf8_is_valid(texts[i].text), texts[i].good);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(repair),
		cmocka_unit_test(decode),
		cmocka_unit_test(ascii),
		cmocka_unit_test(valid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
