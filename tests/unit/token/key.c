#include "token/key.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"

#define A "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define B "1111111111111111111111111111111111111111111111111111111111111111"
#define C "2222222222222222222222222222222222222222222222222222222222222222"
#define D "3333333333333333333333333333333333333333333333333333333333333333"
#define E "4444444444444444444444444444444444444444444444444444444444444444"

static const struct {
	const char *name, *in;
	unsigned want; /* keys; 0: refused */
	unsigned line; /* of the complaint */
} cases[] = {
	{ "one", A "\n", 1, 0 },
	{ "no line end", A, 1, 0 },
	{ "two", A "\n" B "\n", 2, 0 },
	{ "comments and blank lines", "# new\n\n" A "\n\t \n# old\n" B "\n\n", 2, 0 },
	{ "as Windows writes it", A "\r\n" B "\r\n", 2, 0 },
	{ "four", A "\n" B "\n" C "\n" D "\n", 4, 0 },
	{ "five", A "\n" B "\n" C "\n" D "\n" E "\n", 0, 5 },
	{ "empty", "", 0, 0 },
	{ "comments only", "# nothing\n#" A "\n", 0, 0 },
	{ "upper case", "# x\n000102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n",
	    0, 2 },
	{ "a digit short", "1111\n", 0, 1 },
	{ "a digit long", A "0\n", 0, 1 },
	{ "two on a line", A " " B "\n", 0, 1 },
	{ "comment behind a key", A " # mine\n", 0, 1 },
	{ "no hex", "g00102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f", 0, 1 },
	{ "twice the same", A "\n" B "\n" A "\n", 0, 3 },
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct keyring k;
		unsigned line = 99;
		const char *why;
		bool good = keyring_parse(&k, slice_of(cases[i].in), &line, &why);

		if (good != (cases[i].want > 0) || k.count != cases[i].want ||
		    line != cases[i].line || (why == NULL) != good)
			fail_msg("%s: %d keys, line %u, %s", cases[i].name, (int)k.count, line,
			    why == NULL ? "good" : why);
		if (!good && (strstr(why, "1111") != NULL || strstr(why, "0001") != NULL))
			fail_msg("%s: a key in the message", cases[i].name);
	}
}

static void
test_nul_is_no_key(void **state)
{
	char text[] = A "\n" B "\n";
	struct keyring k;
	unsigned line;
	const char *why;

	(void)state;
	text[70] = '\0';
	assert_false(keyring_parse(&k, (struct slice){ text, sizeof(text) - 1 }, &line, &why));
	assert_int_equal(line, 2);
}

/* Figures from an independent HKDF, so that two versions of us open each other's tokens. */
static void
test_derived(void **state)
{
	static const uint8_t id[4] = { 0x95, 0x9e, 0xf7, 0x54 };
	static const uint8_t none[4] = { 0 };
	struct keyring k;
	unsigned line;
	const char *why;

	(void)state;
	assert_true(keyring_parse(&k, SLICE(B "\n" A), &line, &why));
	assert_memory_equal(k.key[1].id, id, 4);
	assert_string_equal(k.key[1].pass_secret,
	    "10a577579e416231a374d8736c149341db5e91170b1513d99c75bcf5b4e213d7");
	assert_int_equal(k.key[1].jwt_header_len, 60);
	assert_memory_equal(k.key[1].jwt_header,
	    "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6Ijk1OWVmNzU0In0.", 60);
	assert_ptr_equal(keyring_find(&k, id), &k.key[1]);
	assert_null(keyring_find(&k, none));
	assert_memory_not_equal(&k.key[1].ticket, &k.key[1].pass, sizeof(k.key[1].pass));
	keyring_wipe(&k);
	assert_null(keyring_find(&k, id));
	assert_int_equal(k.key[1].pass_secret[0], 0);
}

static void
test_write(void **state)
{
	uint8_t fresh[KEY_MASTER_BYTES];
	char first[KEY_FILE_MAX], second[KEY_FILE_MAX];
	struct keyring k;
	unsigned line;
	const char *why;
	size_t n;

	(void)state;
	memset(fresh, 0x11, sizeof(fresh));
	n = keyring_write(fresh, (struct slice){ NULL, 0 }, 3, first);
	assert_int_equal(n, strlen(first));
	assert_true(keyring_parse(&k, slice_of(first), &line, &why));
	assert_int_equal(k.count, 1);

	for (unsigned keep = 0; keep <= 9; keep++) {
		struct slice old = SLICE("# four\n" A "\n\nrubbish\n" C "\r\n" D "\n" E);

		keyring_write(fresh, old, keep, second);
		assert_true(keyring_parse(&k, slice_of(second), &line, &why));
		assert_int_equal(k.count, 1 + (keep < 3 ? keep : 3));
		assert_non_null(strstr(second, B "\n"));
		assert_int_equal(strstr(second, A) != NULL, keep >= 1);
		assert_int_equal(strstr(second, C) != NULL, keep >= 2);
		assert_null(strstr(second, E));
		if (keep > 0)
			assert_true(strstr(second, B) < strstr(second, A));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_nul_is_no_key),
		cmocka_unit_test(test_derived),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
