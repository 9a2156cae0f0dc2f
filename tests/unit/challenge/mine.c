#include "challenge/mine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/slice.h"
#include "challenge/pow.h"
#include "unit/challenge/known_puzzles.h"

#define SKIPPED(e) (!mine_engine_runs(e))

static void
test_known(void **state)
{
	uint8_t seed[SHA256_BYTES];
	uint32_t n;

	(void)state;
	pow_seed(SLICE(KNOWN_TICKET), seed);
	for (enum mine_engine e = 0; e < MINE_ENGINES; e++) {
		for (size_t k = 0; !SKIPPED(e) && k < KNOWN_COUNT; k++) {
			n = 0;
			assert_true(
			    mine_search(e, seed, KNOWN_TARGET, known[k].i, 0, UINT32_MAX, &n));
			assert_int_equal(n, known[k].n);
		}
	}
}

/*
 * Against pow_check, number by number: every count up to some more than the widest engine has
 * lanes, targets from none to all, places up to the last number there is.
 */
static void
test_agree(void **state)
{
	static const uint32_t targets[] = { 0, 1, 1u << 20, 1u << 27, 1u << 29, 1u << 31,
		UINT32_MAX };
	static const uint32_t places[] = { 0, 1, 255, 65535, 0x7fffffff, UINT32_MAX - 40 };
	uint32_t random = 1;

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		uint8_t seed[SHA256_BYTES];
		uint32_t i = round % 3 == 0 ? round : UINT32_MAX - round;

		for (unsigned b = 0; b < SHA256_BYTES; b++)
			seed[b] = (uint8_t)(random = random * 1664525 + 1013904223, random >> 24);
		for (unsigned t = 0; t < sizeof(targets) / sizeof(targets[0]); t++) {
			uint32_t from = places[(round + t) % 6];

			for (uint32_t count = 0; count <= 41; count++) {
				uint32_t want = 0;

				while (want < count && !pow_check(seed, targets[t], i, from + want))
					want++;
				for (enum mine_engine e = 0; e < MINE_ENGINES; e++) {
					uint32_t n = 77;
					bool found;

					if (SKIPPED(e))
						continue;
					found =
					    mine_search(e, seed, targets[t], i, from, count, &n);
					if (found != (want < count) ||
					    n != (found ? from + want : 77))
						fail_msg("%s: target %u, %u of %u",
						    mine_engine_names[e], targets[t], want, count);
				}
			}
		}
	}
}

/* None of many is missed: as many as one by one. */
static void
test_none_is_missed(void **state)
{
	uint8_t seed[SHA256_BYTES] = { 9 };
	const uint32_t target = 1u << 24, all = 1u << 16;
	unsigned want = 0;

	(void)state;
	for (uint32_t n = 0; n < all; n++)
		want += pow_check(seed, target, 5, n);
	assert_in_range(want, 150, 400);
	for (enum mine_engine e = 0; e < MINE_ENGINES; e++) {
		unsigned got = 0;

		if (SKIPPED(e))
			continue;
		for (uint32_t at = 0, n; mine_search(e, seed, target, 5, at, all - at, &n);
		     at = n + 1)
			got++;
		assert_int_equal(got, want);
	}
}

static void
test_best_runs(void **state)
{
	(void)state;
	assert_true(mine_engine_runs(MINE_OPENSSL));
	assert_true(mine_engine_runs(MINE_FOUR));
	assert_true(mine_engine_runs(mine_engine_best(1)));
	assert_true(mine_engine_runs(mine_engine_best(UINT64_MAX)));
	/* No time is spent on trials for a little. */
	assert_int_not_equal(mine_engine_best(1), MINE_OPENSSL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_agree),
		cmocka_unit_test(test_none_is_missed),
		cmocka_unit_test(test_best_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
