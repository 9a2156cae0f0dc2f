/* Four numbers at once, as the browsers' SIMD does it. */
#define KERNEL_LANES 4
#include "challenge/wasm/kernel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "challenge/pow.h"

static void
begin(struct kernel *s, const uint8_t seed[SHA256_BYTES], uint32_t i)
{
	for (unsigned at = 0; at < 8; at++) {
		const uint8_t *p = seed + 4 * at;

		s->w[at] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
	}
	s->w[8] = i;
	kernel_begin(s);
}

/* What is below a target is just what pow_check says, to the bit: the first word is the same. */
static void
test_first_word(void **state)
{
	static const struct {
		const char *ticket;
		uint32_t i, n;
	} cases[] = {
		{ "", 0, 0 },
		{ "abc", 0, 1 },
		{ "abc", 15, 0x12345678 },
		{ "a ticket", 0xffffffff, 0xfffffffc },
		{ "a ticket", 0x80000000, 0x7ffffffe },
		{ "another", 3, 0x00ffffff },
	};

	(void)state;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++) {
		uint32_t n = cases[c].n;
		uint8_t seed[SHA256_BYTES];
		kernel_lanes hash;
		struct kernel s;

		pow_seed(slice_of(cases[c].ticket), seed);
		begin(&s, seed, cases[c].i);
		hash = kernel_try(&s, (kernel_lanes){ n, n + 1, n + 2, n + 3 });
		for (uint32_t lane = 0; lane < KERNEL_LANES; lane++) {
			uint32_t h = hash[lane];

			assert_false(pow_check(seed, h, cases[c].i, n + lane));
			assert_true(pow_check(seed, h + 1, cases[c].i, n + lane));
		}
	}
}

static void
test_same_solution(void **state)
{
	uint8_t seed[SHA256_BYTES];
	uint32_t target = pow_target(1u << 14, 4);

	(void)state;
	pow_seed(SLICE("abc"), seed);
	for (uint32_t i = 0; i < 4; i++) {
		uint32_t n = 0, found = UINT32_MAX;
		struct kernel s;

		begin(&s, seed, i);
		for (; found == UINT32_MAX; n += KERNEL_LANES) {
			kernel_lanes hash = kernel_try(&s, n + (kernel_lanes){ 0, 1, 2, 3 });

			for (uint32_t lane = KERNEL_LANES; lane-- > 0;)
				if (hash[lane] < target)
					found = n + lane;
		}
		assert_int_equal(found, pow_solve(seed, target, i));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_word),
		cmocka_unit_test(test_same_solution),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
