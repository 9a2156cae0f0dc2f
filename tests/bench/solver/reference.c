/*
 * The puzzle as the standard (FIPS 180-4) has it, for WebAssembly with SIMD: what the shipped
 * solver is measured beside. Every round of every try, no midstate.
 */
#define KERNEL_LANES 4
#include "challenge/wasm/kernel.h"

typedef kernel_lanes lanes;

static uint32_t words[9];

__attribute__((export_name("at"))) uint32_t *
at(void)
{
	return words;
}

#define ROR(x, n) ((x) >> (n) | (x) << (32 - (n)))

#define GIVEN(i) w[i]
#define LOW0(x) (ROR(x, 7) ^ ROR(x, 18) ^ (x) >> 3)
#define LOW1(x) (ROR(x, 17) ^ ROR(x, 19) ^ (x) >> 10)
#define NEXT(i) (w[i] += LOW1(w[((i) + 14) & 15]) + w[((i) + 9) & 15] + LOW0(w[((i) + 1) & 15]))

/* clang-format off */
/* The new a is left in h: the next round takes its arguments turned by one. */
#define ROUND(a, b, c, d, e, f, g, h, i, word) { \
	lanes t = h + (ROR(e, 6) ^ ROR(e, 11) ^ ROR(e, 25)) + (g ^ (e & (f ^ g))) + kernel_k[turn + (i)] + word(i); \
	d += t; \
	h = t + (ROR(a, 2) ^ ROR(a, 13) ^ ROR(a, 22)) + ((a & b) | (c & (a | b))); }
#define ROUNDS(i, word) \
	ROUND(a, b, c, d, e, f, g, h, i, word)     ROUND(h, a, b, c, d, e, f, g, i + 1, word) \
	ROUND(g, h, a, b, c, d, e, f, i + 2, word) ROUND(f, g, h, a, b, c, d, e, i + 3, word) \
	ROUND(e, f, g, h, a, b, c, d, i + 4, word) ROUND(d, e, f, g, h, a, b, c, i + 5, word) \
	ROUND(c, d, e, f, g, h, a, b, i + 6, word) ROUND(b, c, d, e, f, g, h, a, i + 7, word)
/* clang-format on */

static inline lanes
hash(lanes n)
{
	const lanes z = { 0 };
	lanes w[16] = { z + words[0], z + words[1], z + words[2], z + words[3], z + words[4],
		z + words[5], z + words[6], z + words[7], z + words[8], n, z + 0x80000000, z, z, z,
		z, z + 320 };
	lanes a = z + 0x6a09e667, b = z + 0xbb67ae85, c = z + 0x3c6ef372, d = z + 0xa54ff53a;
	lanes e = z + 0x510e527f, f = z + 0x9b05688c, g = z + 0x1f83d9ab, h = z + 0x5be0cd19;
	int turn = 0;

	ROUNDS(0, GIVEN)
	ROUNDS(8, GIVEN)
	for (turn = 16; turn < 64; turn += 16) {
		ROUNDS(0, NEXT)
		ROUNDS(8, NEXT)
	}
	return a + 0x6a09e667;
}

/* The first of start … start + count - 1 that solves, as what is added to start; count: none. */
__attribute__((export_name("go"))) uint32_t
go(uint32_t start, uint32_t count, uint32_t target)
{
	for (uint32_t i = 0; i < count; i += 4) {
		lanes first = hash(start + i + (lanes){ 0, 1, 2, 3 });

		for (uint32_t j = 0; j < 4; j++)
			if (first[j] < target)
				return i + j;
	}
	return count;
}
