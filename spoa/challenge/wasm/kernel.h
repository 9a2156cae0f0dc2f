#pragma once

#include <stdint.h>

/*
 * SHA-256 (FIPS 180-4, 6.2.2) of the puzzle's one block (challenge/pow.h), of which only word 9, n,
 * changes from try to try: kernel_begin does rounds 0 to 8 once, kernel_try the others. No libc.
 * KERNEL_LANES numbers are tried at once, 1 unless defined before: a power of two.
 */
#ifndef KERNEL_LANES
#define KERNEL_LANES 1
#endif

#if KERNEL_LANES == 1
typedef uint32_t kernel_lanes;
#else
typedef uint32_t kernel_lanes __attribute__((vector_size(4 * KERNEL_LANES)));
#endif

struct kernel {
	uint32_t w[9]; /* of the block: seed, then puzzle; to be set */
	uint32_t v[8]; /* a to h after round 8 */
};

/* clang-format off */
static const uint32_t kernel_k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

#define KERNEL_ROR(x, n) ((x) >> (n) | (x) << (32 - (n)))
/* Σ0, Σ1, σ0, σ1, Ch and Maj of 4.1.2. */
#define KERNEL_SUM0(x) (KERNEL_ROR(x, 2) ^ KERNEL_ROR(x, 13) ^ KERNEL_ROR(x, 22))
#define KERNEL_SUM1(x) (KERNEL_ROR(x, 6) ^ KERNEL_ROR(x, 11) ^ KERNEL_ROR(x, 25))
#define KERNEL_LOW0(x) (KERNEL_ROR(x, 7) ^ KERNEL_ROR(x, 18) ^ (x) >> 3)
#define KERNEL_LOW1(x) (KERNEL_ROR(x, 17) ^ KERNEL_ROR(x, 19) ^ (x) >> 10)
#define KERNEL_CHOOSE(e, f, g) ((g) ^ ((e) & ((f) ^ (g))))
#define KERNEL_MAJOR(a, b, c) ((b) ^ (((a) ^ (b)) & ((b) ^ (c))))

/*
 * A round leaves its new a in h: the next one takes its arguments turned by one. Written like this
 * it is the fastest of 48 in the SIMD of Chromium and Firefox; without the brackets, a tenth slower.
 */
#define KERNEL_ROUND(a, b, c, d, e, f, g, h, kw) \
	{ kernel_lanes t = h + KERNEL_CHOOSE(e, f, g) + KERNEL_SUM1(e) + (kw); \
	d += t; \
	h = t + (KERNEL_SUM0(a) + KERNEL_MAJOR(a, b, c)); }
#define KERNEL_8_ROUNDS(i) \
	KERNEL_ROUND(a, b, c, d, e, f, g, h, KERNEL_NEXT(i))     KERNEL_ROUND(h, a, b, c, d, e, f, g, KERNEL_NEXT(i + 1)) \
	KERNEL_ROUND(g, h, a, b, c, d, e, f, KERNEL_NEXT(i + 2)) KERNEL_ROUND(f, g, h, a, b, c, d, e, KERNEL_NEXT(i + 3)) \
	KERNEL_ROUND(e, f, g, h, a, b, c, d, KERNEL_NEXT(i + 4)) KERNEL_ROUND(d, e, f, g, h, a, b, c, KERNEL_NEXT(i + 5)) \
	KERNEL_ROUND(c, d, e, f, g, h, a, b, KERNEL_NEXT(i + 6)) KERNEL_ROUND(b, c, d, e, f, g, h, a, KERNEL_NEXT(i + 7))
/* The word of the schedule 16 later, in its place, and the constant of its round. */
#define KERNEL_NEXT(i) \
	(w[i] += KERNEL_LOW1(w[((i) + 14) & 15]) + w[((i) + 9) & 15] + KERNEL_LOW0(w[((i) + 1) & 15])) + k[i]
/* clang-format on */

/* Rounds 0 to 8. */
static inline void
kernel_begin(struct kernel *s)
{
	static const uint32_t initial[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
		0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };
	uint32_t *v = s->v;

	for (int i = 0; i < 8; i++)
		v[i] = initial[i];
	for (int i = 0; i < 9; i++) {
		uint32_t t = v[7] + KERNEL_SUM1(v[4]) + KERNEL_CHOOSE(v[4], v[5], v[6]) +
			     kernel_k[i] + s->w[i];
		uint32_t first = t + KERNEL_SUM0(v[0]) + KERNEL_MAJOR(v[0], v[1], v[2]);

		for (int j = 7; j > 0; j--)
			v[j] = v[j - 1];
		v[4] += t;
		v[0] = first;
	}
}

/* The first word of the hash for each n, which the puzzle compares with its target. */
static inline kernel_lanes
kernel_try(const struct kernel *s, kernel_lanes n)
{
	const kernel_lanes z = { 0 };
	const uint32_t *k = kernel_k;
	/* After n: the bit that ends the message, and its length of 320 bits. */
	kernel_lanes w[16] = { z + s->w[0], z + s->w[1], z + s->w[2], z + s->w[3], z + s->w[4],
		z + s->w[5], z + s->w[6], z + s->w[7], z + s->w[8], n, z + 0x80000000, z, z, z, z,
		z + 320 };
	/* Named as they are in the second round of eight, so that they are back after seven. */
	kernel_lanes h = z + s->v[0], a = z + s->v[1], b = z + s->v[2], c = z + s->v[3];
	kernel_lanes d = z + s->v[4], e = z + s->v[5], f = z + s->v[6], g = z + s->v[7];

	KERNEL_ROUND(h, a, b, c, d, e, f, g, n + kernel_k[9])
	KERNEL_ROUND(g, h, a, b, c, d, e, f, 0x80000000 + kernel_k[10])
	KERNEL_ROUND(f, g, h, a, b, c, d, e, kernel_k[11])
	KERNEL_ROUND(e, f, g, h, a, b, c, d, kernel_k[12])
	KERNEL_ROUND(d, e, f, g, h, a, b, c, kernel_k[13])
	KERNEL_ROUND(c, d, e, f, g, h, a, b, kernel_k[14])
	KERNEL_ROUND(b, c, d, e, f, g, h, a, 320 + kernel_k[15])
	for (int turn = 1; turn < 4; turn++) {
		k += 16;
		KERNEL_8_ROUNDS(0)
		KERNEL_8_ROUNDS(8)
	}
	return a + 0x6a09e667;
}
