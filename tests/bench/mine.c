/*
 * How fast this machine solves: each engine of challenge/mine.h on one thread, OpenSSL one at a
 * time beside them in the same run, best of ROUNDS.
 */
#include <stdio.h>
#include <time.h>

#include "challenge/mine.h"

#define ROUNDS 7
#define COUNT (1u << 20)
#define SLOW_COUNT (1u << 17)

static double
cpu_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int
main(void)
{
	static const uint8_t seed[SHA256_BYTES] = { 1 };
	double best[MINE_ENGINES] = { 0 };
	uint32_t n;

	for (unsigned round = 0; round < ROUNDS; round++) {
		for (enum mine_engine e = 0; e < MINE_ENGINES; e++) {
			uint32_t count = e == MINE_OPENSSL ? SLOW_COUNT : COUNT;
			double begun_s = cpu_s(), rate;

			if (!mine_engine_runs(e) || mine_search(e, seed, 0, 0, 0, count, &n))
				continue;
			rate = count / (cpu_s() - begun_s) / 1e6;
			if (rate > best[e])
				best[e] = rate;
		}
	}
	for (enum mine_engine e = 0; e < MINE_ENGINES; e++)
		if (best[e] > 0)
			printf("engine=%s mhs=%.1f ratio=%.2f\n", mine_engine_names[e], best[e],
			    best[e] / best[MINE_OPENSSL]);
	printf("best=%s\n", mine_engine_names[mine_engine_best(UINT64_MAX)]);
	return 0;
}
