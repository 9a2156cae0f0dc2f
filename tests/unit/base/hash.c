#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Of the all-zero key: Python 3.11 hashes bytes with it when PYTHONHASHSEED is 0. */
static void
vectors(void **state)
{
	static const struct {
		const char *in;
		uint64_t want;
	} cases[] = {
		{ "a", 0x407448d2b89b1813 },
		{ "seven77", 0xa6db6108ea1ca0c6 },
		{ "eight888", 0xde3012c86e77952f },
		{ "nine99999", 0xc277005464d2dae5 },
		{ "2.0.0.127.dnsbl.example.org", 0xf1b609019b07f939 },
		{ "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		    0x1c308a9f11b6a742 },
		{ "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy",
		    0x51f083dd772d5cd1 },
		{ "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		  "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		  "zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz"
		  "zzzzzzzzzzzzzzz",
		    0xa43867d0f7c6fd8f },
	};
	static const uint8_t key[HASH_KEY_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(hash_bytes(key, cases[i].in, strlen(cases[i].in)), cases[i].want);
}

/* Of the key 00 01 … 0f and the bytes 00 01 …, of a second implementation, which knows the vector
 * of the paper (SipHash-2-4, appendix A). */
static void
vectors_with_a_key(void **state)
{
	static const struct {
		size_t n;
		uint64_t want;
	} cases[] = { { 0, 0xabac0158050fc4dc }, { 1, 0xc9f49bf37d57ca93 },
		{ 7, 0xd3927d989bb11140 }, { 8, 0x369095118d299a8e }, { 9, 0x25a48eb36c063de4 },
		{ 15, 0xd320d86d2a519956 }, { 16, 0xcc4fdd1a7d908b66 },
		{ 63, 0x9d199062b7bbb3a8 } };
	uint8_t bytes[64];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(hash_bytes(bytes, bytes, cases[i].n), cases[i].want);
}

static void
every_bit_of_the_key_counts(void **state)
{
	uint8_t key[HASH_KEY_BYTES] = { 0 };
	const uint64_t plain = hash_bytes(key, "x", 1);

	(void)state;
	for (unsigned i = 0; i < 8 * HASH_KEY_BYTES; i++) {
		key[i / 8] = (uint8_t)(1 << i % 8);
		assert_int_not_equal(hash_bytes(key, "x", 1), plain);
		key[i / 8] = 0;
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(vectors),
		cmocka_unit_test(vectors_with_a_key),
		cmocka_unit_test(every_bit_of_the_key_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
