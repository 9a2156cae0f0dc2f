#include "challenge/mine.h"

#include <stddef.h>

#include "base/clock.h"
#include "challenge/pow.h"

#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#define ON_X86 1
#else
#define ON_X86 0
#endif

#define GIVEN_WORDS 9 /* of the block, the same for all numbers: the seed and the puzzle */
#define TRIAL_COUNT 4096u
#define TRIAL_MS 1
#define WORTH_A_TRIAL (UINT64_C(1) << 24) /* hashes: about half a second of the slowest */

const char *const mine_engine_names[MINE_ENGINES] = { "openssl", "four", "avx2", "avx512", "sha" };

/* FIPS 180-4, 4.2.2 and 5.3.3 */
static const uint32_t constants[64] __attribute__((aligned(16))) = { 0x428a2f98, 0x71374491,
	0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
	0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc,
	0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
	0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354,
	0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3,
	0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c,
	0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f,
	0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2 };
static const uint32_t first_state[8] = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
	0x9b05688c, 0x1f83d9ab, 0x5be0cd19 };

/* A puzzle, as far as it can be computed before a number is known. */
struct work {
	uint32_t word[GIVEN_WORDS]; /* of the block */
	uint32_t eight[8];          /* the state after the rounds of the seed … */
	uint32_t nine[8];           /* … and after that of the puzzle */
	uint32_t target;
};

/*
 * One round of SHA-256 (FIPS 180-4, 6.2.2), on words or on vectors of them; written out, since a
 * function that takes vectors would belong to one instruction set.
 */
#define ROR(x, n) ((x) >> (n) | (x) << (32 - (n)))
#define ROUND(a, b, c, d, e, f, g, h, k, w)                                                        \
	do {                                                                                       \
		h += (ROR(e, 6) ^ ROR(e, 11) ^ ROR(e, 25)) + (g ^ (e & (f ^ g))) + (k) + (w);      \
		d += h;                                                                            \
		h += (ROR(a, 2) ^ ROR(a, 13) ^ ROR(a, 22)) + ((a & b) | (c & (a | b)));            \
	} while (0)
/* Word r of the schedule, in a ring of 16. */
#define NEXT(w, r)                                                                                 \
	(w[(r)&15] +=                                                                              \
	    (ROR(w[((r) + 14) & 15], 17) ^ ROR(w[((r) + 14) & 15], 19) ^                           \
		w[((r) + 14) & 15] >> 10) +                                                        \
	    w[((r) + 9) & 15] +                                                                    \
	    (ROR(w[((r) + 1) & 15], 7) ^ ROR(w[((r) + 1) & 15], 18) ^ w[((r) + 1) & 15] >> 3))
/* Eight rounds from round r on: every name is itself again after them. */
#define ROUNDS8(k, WORD, w, r)                                                                     \
	do {                                                                                       \
		ROUND(a, b, c, d, e, f, g, h, (k)[r], WORD(w, (r)));                               \
		ROUND(h, a, b, c, d, e, f, g, (k)[(r) + 1], WORD(w, (r) + 1));                     \
		ROUND(g, h, a, b, c, d, e, f, (k)[(r) + 2], WORD(w, (r) + 2));                     \
		ROUND(f, g, h, a, b, c, d, e, (k)[(r) + 3], WORD(w, (r) + 3));                     \
		ROUND(e, f, g, h, a, b, c, d, (k)[(r) + 4], WORD(w, (r) + 4));                     \
		ROUND(d, e, f, g, h, a, b, c, (k)[(r) + 5], WORD(w, (r) + 5));                     \
		ROUND(c, d, e, f, g, h, a, b, (k)[(r) + 6], WORD(w, (r) + 6));                     \
		ROUND(b, c, d, e, f, g, h, a, (k)[(r) + 7], WORD(w, (r) + 7));                     \
	} while (0)
#define GIVEN(w, r) w[r]

static void
keep_state(uint32_t to[8], const uint32_t s[8])
{
	for (unsigned i = 0; i < 8; i++)
		to[i] = s[i];
}

static void
work_begin(struct work *w, const uint8_t seed[SHA256_BYTES], uint32_t target, uint32_t puzzle)
{
	uint32_t a = first_state[0], b = first_state[1], c = first_state[2], d = first_state[3];
	uint32_t e = first_state[4], f = first_state[5], g = first_state[6], h = first_state[7];

	for (unsigned i = 0; i < 8; i++)
		w->word[i] = (uint32_t)seed[4 * i] << 24 | (uint32_t)seed[4 * i + 1] << 16 |
			     (uint32_t)seed[4 * i + 2] << 8 | seed[4 * i + 3];
	w->word[8] = puzzle;
	w->target = target;
	ROUNDS8(constants, GIVEN, w->word, 0);
	keep_state(w->eight, (uint32_t[8]){ a, b, c, d, e, f, g, h });
	ROUND(a, b, c, d, e, f, g, h, constants[8], w->word[8]);
	/* The names have moved by one. */
	keep_state(w->nine, (uint32_t[8]){ h, a, b, c, d, e, f, g });
}

/*
 * LANES numbers at once, in vectors of that size. Gives the index of the first that solves it, or
 * how many were tried: all but what is left of a division by LANES.
 */
#define VECTOR_ENGINE(NAME, LANES, TARGET)                                                         \
	typedef uint32_t NAME##_word __attribute__((vector_size(4 * (LANES))));                    \
	TARGET static uint32_t NAME##_search(const struct work *p, uint32_t from, uint32_t count)  \
	{                                                                                          \
		const NAME##_word zero = { 0 };                                                    \
		NAME##_word lane = zero;                                                           \
                                                                                                   \
		for (uint32_t l = 0; l < (LANES); l++)                                             \
			lane[l] = l;                                                               \
		for (uint32_t i = 0; count - i >= (LANES); i += (LANES)) {                         \
			NAME##_word w[16] = { zero + p->word[0], zero + p->word[1],                \
				zero + p->word[2], zero + p->word[3], zero + p->word[4],           \
				zero + p->word[5], zero + p->word[6], zero + p->word[7],           \
				zero + p->word[8], lane + (from + i), zero + 0x80000000u, zero,    \
				zero, zero, zero, zero + 320u };                                   \
			/* Nine rounds are done: what follows calls the names as after eight. */   \
			NAME##_word h = zero + p->nine[0], a = zero + p->nine[1],                  \
				    b = zero + p->nine[2], c = zero + p->nine[3],                  \
				    d = zero + p->nine[4], e = zero + p->nine[5],                  \
				    f = zero + p->nine[6], g = zero + p->nine[7];                  \
			const uint32_t *k = constants;                                             \
                                                                                                   \
			ROUND(h, a, b, c, d, e, f, g, k[9], w[9]);                                 \
			ROUND(g, h, a, b, c, d, e, f, k[10], w[10]);                               \
			ROUND(f, g, h, a, b, c, d, e, k[11], w[11]);                               \
			ROUND(e, f, g, h, a, b, c, d, k[12], w[12]);                               \
			ROUND(d, e, f, g, h, a, b, c, k[13], w[13]);                               \
			ROUND(c, d, e, f, g, h, a, b, k[14], w[14]);                               \
			ROUND(b, c, d, e, f, g, h, a, k[15], w[15]);                               \
			for (unsigned turn = 1; turn < 4; turn++) {                                \
				k += 16;                                                           \
				ROUNDS8(k, NEXT, w, 0);                                            \
				ROUNDS8(k, NEXT, w, 8);                                            \
			}                                                                          \
			a += first_state[0];                                                       \
			for (uint32_t l = 0; l < (LANES); l++)                                     \
				if (a[l] < p->target)                                              \
					return i + l;                                              \
		}                                                                                  \
		return count - count % (LANES);                                                    \
	}

VECTOR_ENGINE(four, 4, )

#if ON_X86
VECTOR_ENGINE(avx2, 8, __attribute__((target("avx2"))))
VECTOR_ENGINE(avx512, 16, __attribute__((target("avx512f"))))

/* Two at once: each hides how long the other's instructions take. */
#define PAIR 2u

__attribute__((target("sha,sse4.1,ssse3"))) static uint32_t
sha_search(const struct work *p, uint32_t from, uint32_t count)
{
	const __m128i *in = (const __m128i *)p->word, *k = (const __m128i *)constants;
	const uint32_t *s8 = p->eight;
	/* The order that the instructions want: a, b, e, f and c, d, g, h from the top. */
	const __m128i abef = _mm_set_epi32((int)s8[0], (int)s8[1], (int)s8[4], (int)s8[5]);
	const __m128i cdgh = _mm_set_epi32((int)s8[2], (int)s8[3], (int)s8[6], (int)s8[7]);

	for (uint32_t i = 0; count - i >= PAIR; i += PAIR) {
		__m128i s[PAIR], t[PAIR], w[PAIR][4];

#pragma GCC unroll 2
		for (unsigned l = 0; l < PAIR; l++) {
			s[l] = abef;
			t[l] = cdgh;
			w[l][0] = _mm_loadu_si128(in);
			w[l][1] = _mm_loadu_si128(in + 1);
			w[l][2] = _mm_set_epi32(0, INT32_MIN, (int)(from + i + l), (int)p->word[8]);
			w[l][3] = _mm_set_epi32(320, 0, 0, 0);
		}
		/* Four rounds a turn; those of the seed are done, its words go into the schedule.
		 */
#pragma GCC unroll 16
		for (unsigned r = 0; r < 16; r++) {
#pragma GCC unroll 2
			for (unsigned l = 0; l < PAIR; l++) {
				__m128i *a = &w[l][r & 3], b = w[l][(r + 1) & 3],
					c = w[l][(r + 2) & 3], d = w[l][(r + 3) & 3];

				if (r >= 2) {
					__m128i x = _mm_add_epi32(*a, _mm_load_si128(k + r));

					t[l] = _mm_sha256rnds2_epu32(t[l], s[l], x);
					s[l] = _mm_sha256rnds2_epu32(
					    s[l], t[l], _mm_shuffle_epi32(x, 0x0e));
				}
				if (r < 12)
					*a = _mm_sha256msg2_epu32(
					    _mm_add_epi32(_mm_sha256msg1_epu32(*a, b),
						_mm_alignr_epi8(d, c, 4)),
					    d);
			}
		}
#pragma GCC unroll 2
		for (unsigned l = 0; l < PAIR; l++)
			if ((uint32_t)_mm_extract_epi32(s[l], 3) + first_state[0] < p->target)
				return i + l;
	}
	return count - count % PAIR;
}
#endif

bool
mine_engine_runs(enum mine_engine e)
{
#if ON_X86
	unsigned a, b, c, d;

	__builtin_cpu_init();
	switch (e) {
	case MINE_AVX2:
		return __builtin_cpu_supports("avx2");
	case MINE_AVX512:
		return __builtin_cpu_supports("avx512f");
	case MINE_SHA:
		/* GCC 12 has no name for it: leaf 7, EBX, bit 29. */
		return __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3") &&
		       __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (b >> 29 & 1) != 0;
	default:
		return true;
	}
#else
	return e <= MINE_FOUR;
#endif
}

bool
mine_search(enum mine_engine e, const uint8_t seed[SHA256_BYTES], uint32_t target, uint32_t i,
    uint32_t from, uint32_t count, uint32_t *n)
{
	uint32_t tried = 0;
	struct work w;

	if (e != MINE_OPENSSL)
		work_begin(&w, seed, target, i);
	if (e == MINE_FOUR)
		tried = four_search(&w, from, count);
#if ON_X86
	if (e == MINE_AVX2)
		tried = avx2_search(&w, from, count);
	if (e == MINE_AVX512)
		tried = avx512_search(&w, from, count);
	if (e == MINE_SHA)
		tried = sha_search(&w, from, count);
#endif
	/* What it found, what it left at the end, or all of it. */
	for (; tried < count; tried++) {
		if (pow_check(seed, target, i, from + tried)) {
			*n = from + tried;
			return true;
		}
	}
	return false;
}

/* Numbers that it tries from one tick of the clock to another. */
static uint64_t
trial(enum mine_engine e)
{
	static const uint8_t seed[SHA256_BYTES];
	int64_t begun_ms = clock_mono_ms();
	uint64_t done = 0;
	uint32_t n;

	while (clock_mono_ms() == begun_ms)
		;
	do {
		/* Nothing is below 0. */
		(void)mine_search(e, seed, 0, 0, 0, TRIAL_COUNT, &n);
		done += TRIAL_COUNT;
	} while (clock_mono_ms() - begun_ms <= TRIAL_MS);
	return done;
}

enum mine_engine
mine_engine_best(uint64_t hashes)
{
	enum mine_engine best = MINE_FOUR;
	uint64_t most = 0;

	/* Twice around: somebody else's work may have been in the way of one. */
	for (unsigned k = 0; k < 2 * MINE_ENGINES; k++) {
		enum mine_engine e = (enum mine_engine)(k % MINE_ENGINES);
		uint64_t done;

		if (!mine_engine_runs(e))
			continue;
		done = hashes < WORTH_A_TRIAL ? (uint64_t)e : trial(e);
		if (done >= most) {
			most = done;
			best = e;
		}
	}
	return best;
}
