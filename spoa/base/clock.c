#include "base/clock.h"

#include <stdatomic.h>
#include <time.h>

int64_t
clock_wall_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec;
}

int64_t
clock_mono_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
clock_coarse_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

int64_t
clock_steady_from(_Atomic int64_t *lead_ms, int64_t wall_ms, int64_t mono_ms)
{
	int64_t lead = atomic_load_explicit(lead_ms, memory_order_relaxed);

	while (wall_ms - mono_ms > lead &&
	       !atomic_compare_exchange_weak_explicit(
		   lead_ms, &lead, wall_ms - mono_ms, memory_order_relaxed, memory_order_relaxed))
		continue;
	lead = atomic_load_explicit(lead_ms, memory_order_relaxed);
	return (mono_ms + lead) / 1000;
}

int64_t
clock_steady_s(void)
{
	static _Atomic int64_t lead_ms = INT64_MIN / 2;
	struct timespec wall, mono;

	clock_gettime(CLOCK_REALTIME_COARSE, &wall);
	clock_gettime(CLOCK_MONOTONIC_COARSE, &mono);
	return clock_steady_from(&lead_ms, (int64_t)wall.tv_sec * 1000 + wall.tv_nsec / 1000000,
	    (int64_t)mono.tv_sec * 1000 + mono.tv_nsec / 1000000);
}
