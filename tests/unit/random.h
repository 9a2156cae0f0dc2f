#pragma once

#include <stdint.h>

/* Below n, and the same row of numbers in each run (xorshift64). */
static inline uint32_t
next_random(uint32_t n)
{
	static uint64_t seed = 88172645463325252u;

	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)((seed >> 16) % n);
}
