#include "base/encode.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* RFC 4648, section 10, without the padding, and the two characters that are base64url's own. */
static const struct {
	struct slice bytes;
	const char *base64url, *hex;
} pairs[] = {
	{ { "", 0 }, "", "" },
	{ { "f", 1 }, "Zg", "66" },
	{ { "fo", 2 }, "Zm8", "666f" },
	{ { "foo", 3 }, "Zm9v", "666f6f" },
	{ { "foob", 4 }, "Zm9vYg", "666f6f62" },
	{ { "fooba", 5 }, "Zm9vYmE", "666f6f6261" },
	{ { "foobar", 6 }, "Zm9vYmFy", "666f6f626172" },
	{ { "\xfb\xff\xbf", 3 }, "-_-_", "fbffbf" },
	{ { "\0\0", 2 }, "AAA", "0000" },
};

static void
both_ways(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++) {
		struct slice in = pairs[i].bytes, text = slice_of(pairs[i].base64url);
		char out[32];
		uint8_t back[8];
		size_t n = base64url_encode(in.ptr, in.len, out), len = 99;

		assert_int_equal(n, BASE64URL_CHARS(in.len));
		assert_true(slice_equal((struct slice){ out, n }, text));
		assert_true(base64url_decode(text, back, in.len, &len));
		assert_int_equal(len, in.len);
		assert_memory_equal(back, in.ptr, in.len);
		if (in.len > 0)
			assert_false(base64url_decode(text, back, in.len - 1, &len));
		hex_encode(in.ptr, in.len, out);
		assert_memory_equal(out, pairs[i].hex, 2 * in.len);
		assert_true(hex_decode(slice_of(pairs[i].hex), back, in.len));
		assert_memory_equal(back, in.ptr, in.len);
	}
}

static const struct {
	const char *name;
	struct slice in;
} bad64[] = {
	{ "one character", { "Z", 1 } },
	{ "five characters", { "Zm9vY", 5 } },
	{ "padding", { "Zg==", 4 } },
	{ "bits left over in two", { "Zh", 2 } },
	{ "low bit left over in three", { "Zm9", 3 } },
	{ "high bit left over in three", { "Zm-", 3 } },
	{ "plus", { "+_-_", 4 } },
	{ "slash", { "-/-_", 4 } },
	{ "newline", { "Zm9v\n", 5 } },
	{ "blank", { "Zm9 ", 4 } },
	{ "NUL", { "Zm9\0", 4 } },
	{ "high byte", { "Zm9\xc3", 4 } },
	{ "just outside the alphabet", { "A@[`", 4 } },
	{ "brace", { "AAA{", 4 } },
};

static void
strict_base64url(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad64); i++) {
		uint8_t out[8];
		size_t n;

		if (base64url_decode(bad64[i].in, out, sizeof(out), &n))
			fail_msg("%s is taken", bad64[i].name);
	}
}

/* Of all texts of two characters exactly one means each byte. */
static void
one_spelling(void **state)
{
	unsigned seen[256] = { 0 };

	(void)state;
	for (int a = 0; a < 256; a++) {
		for (int b = 0; b < 256; b++) {
			char text[2] = { (char)a, (char)b };
			uint8_t out;
			size_t n;

			if (base64url_decode((struct slice){ text, 2 }, &out, 1, &n))
				seen[out]++;
		}
	}
	for (int i = 0; i < 256; i++)
		assert_int_equal(seen[i], 1);
}

static const char *const bad_hex[] = { "6", "666", "66 6", "6G", "6F", "g0", "/0", ":0", "`0" };

static void
strict_hex(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(bad_hex); i++) {
		uint8_t out[2];

		if (hex_decode(slice_of(bad_hex[i]), out, (strlen(bad_hex[i]) + 1) / 2))
			fail_msg("%s is taken", bad_hex[i]);
	}
	assert_true(hex_decode(SLICE(""), NULL, 0));
	assert_false(hex_decode(SLICE("6666"), (uint8_t[1]){ 0 }, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_ways),
		cmocka_unit_test(strict_base64url),
		cmocka_unit_test(one_spelling),
		cmocka_unit_test(strict_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
