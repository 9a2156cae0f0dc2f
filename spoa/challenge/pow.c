#include "challenge/pow.h"

#include <string.h>

/* One padded block takes up to 55 bytes: seed, puzzle and number are 40. */
#define INPUT_BYTES (SHA256_BYTES + 8)

static void
put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void
pow_seed(struct slice ticket_text, uint8_t seed[SHA256_BYTES])
{
	sha256_once(ticket_text.ptr, ticket_text.len, seed);
}

uint32_t
pow_target(uint32_t hashes, unsigned puzzles)
{
	/* A try succeeds with target / 2^32, so all puzzles take puzzles * 2^32 / target. */
	uint64_t target = ((uint64_t)puzzles << 32) / (hashes == 0 ? 1 : hashes);

	if (target > UINT32_MAX)
		return UINT32_MAX;
	return target == 0 ? 1 : (uint32_t)target;
}

bool
pow_check(const uint8_t seed[SHA256_BYTES], uint32_t target, uint32_t i, uint32_t n)
{
	uint8_t in[INPUT_BYTES], out[SHA256_BYTES];

	memcpy(in, seed, SHA256_BYTES);
	put_u32(in + SHA256_BYTES, i);
	put_u32(in + SHA256_BYTES + 4, n);
	sha256_once(in, sizeof(in), out);
	return ((uint32_t)out[0] << 24 | (uint32_t)out[1] << 16 | (uint32_t)out[2] << 8 | out[3]) <
	       target;
}

uint64_t
pow_solve(const uint8_t seed[SHA256_BYTES], uint32_t target, uint32_t i)
{
	for (uint64_t n = 0; n <= UINT32_MAX; n++)
		if (pow_check(seed, target, i, (uint32_t)n))
			return n;
	return UINT64_MAX;
}
