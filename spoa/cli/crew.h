#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"
#include "policy/policy.h"

/* Threads that solve all puzzles of one ticket (challenge/pow.h), shared out among them. */
#define CREW_THREADS_MAX 256u

struct crew_job {
	uint8_t seed[SHA256_BYTES];
	uint32_t target;  /* above 0 */
	unsigned puzzles; /* 1 to CHALLENGE_PUZZLES_MAX */
	unsigned threads; /* 1 to CREW_THREADS_MAX */
	int64_t end_ms;   /* by clock_mono_ms: give up then */
	/* Each fifth of a second, on the caller's thread: share done (0 to 1), and seconds left as
	 * they are to be expected. NULL: nobody looks. */
	void (*progress)(double done, double left_s);
};

enum crew_end {
	CREW_SOLVED,
	CREW_LATE,
	CREW_NONE, /* a puzzle has no solution: one in e^target of them */
};

/* Blocks. number[i] solves puzzle i; *hashes is how many were tried. */
enum crew_end crew_solve(
    const struct crew_job *job, uint32_t number[CHALLENGE_PUZZLES_MAX], uint64_t *hashes);
