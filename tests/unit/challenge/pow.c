#include "challenge/pow.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/challenge/known_puzzles.h"

static const struct {
	uint32_t hashes;
	unsigned puzzles;
	uint32_t want;
} targets[] = {
	{ 1, 1, UINT32_MAX },
	{ 16, 16, UINT32_MAX },
	{ 15, 16, UINT32_MAX },
	{ 0, 16, UINT32_MAX },
	{ 2, 1, 1u << 31 },
	{ 3, 1, 1431655765 },
	{ 17, 16, 4042322160 },
	{ 65536, 16, 1u << 20 },
	{ 1u << 26, 1, 64 },
	{ UINT32_MAX, 1, 1 },
	{ UINT32_MAX, 0, 1 },
	{ 1, UINT32_MAX, UINT32_MAX },
};

static void
test_target(void **state)
{
	uint32_t last = UINT32_MAX;

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++)
		assert_int_equal(
		    pow_target(targets[i].hashes, targets[i].puzzles), targets[i].want);
	/* More work is never easier. */
	for (uint32_t hashes = 1; hashes < 1u << 26; hashes += 1 + hashes / 7) {
		assert_true(pow_target(hashes, 16) <= last);
		last = pow_target(hashes, 16);
	}
}

/* The browser's solver must agree with them, too. */
static void
test_known(void **state)
{
	uint8_t seed[SHA256_BYTES];

	(void)state;
	pow_seed(SLICE(KNOWN_TICKET), seed);
	for (size_t k = 0; k < KNOWN_COUNT; k++) {
		assert_int_equal(pow_solve(seed, KNOWN_TARGET, known[k].i), known[k].n);
		assert_true(pow_check(seed, KNOWN_TARGET, known[k].i, known[k].n));
		assert_false(pow_check(seed, KNOWN_TARGET, known[k].i + 1, known[k].n));
		assert_false(pow_check(seed, KNOWN_TARGET, known[k].i, known[k].n + 1));
	}
}

static void
test_expected_tries(void **state)
{
	uint8_t seed[SHA256_BYTES] = { 1 };
	uint32_t target = pow_target(64 * 1024, 1024);
	uint64_t tries = 0;

	(void)state;
	for (uint32_t i = 0; i < 1024; i++)
		tries += pow_solve(seed, target, i) + 1;
	/* 1024 puzzles of 64: the deviation is 2048, a twentieth is 1.6 of it and the seed fixed.
	 */
	assert_in_range(tries, 60 * 1024, 68 * 1024);
}

static void
test_strictly_below(void **state)
{
	uint8_t seed[SHA256_BYTES] = { 0 }, in[40] = { 0 }, out[SHA256_BYTES];
	uint32_t value;

	(void)state;
	sha256_once(in, sizeof(in), out);
	value = (uint32_t)out[0] << 24 | (uint32_t)out[1] << 16 | (uint32_t)out[2] << 8 | out[3];
	assert_false(pow_check(seed, value, 0, 0));
	assert_true(pow_check(seed, value + 1, 0, 0));
	assert_false(pow_check(seed, 0, 0, 0));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_target),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_expected_tries),
		cmocka_unit_test(test_strictly_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
