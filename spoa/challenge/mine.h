#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"

/*
 * The native search for solutions of challenge/pow.h's puzzles, in as many ways as machines have
 * better and worse instructions for it. One binary runs everywhere: what this machine cannot do is
 * found out when it runs.
 */
enum mine_engine {
	MINE_OPENSSL, /* pow_check, one at a time */
	MINE_FOUR,    /* 4 at once, in vectors that every compiler makes something of */
	MINE_AVX2,    /* 8 at once */
	MINE_AVX512,  /* 16 at once */
	MINE_SHA,     /* the SHA instructions of x86, 2 interleaved */
};
#define MINE_ENGINES 5

extern const char *const mine_engine_names[MINE_ENGINES]; /* "openssl", "four", … */

/* Does this machine run it? The first two: always. */
bool mine_engine_runs(enum mine_engine e);

/* The fastest one here for that much work: of much, each is tried for some milliseconds. */
enum mine_engine mine_engine_best(uint64_t hashes);

/*
 * The lowest number of from … from + count - 1 that solves puzzle i, into *n; false if none does.
 * from + count is 2^32 at most. Any thread.
 */
bool mine_search(enum mine_engine e, const uint8_t seed[SHA256_BYTES], uint32_t target, uint32_t i,
    uint32_t from, uint32_t count, uint32_t *n);
