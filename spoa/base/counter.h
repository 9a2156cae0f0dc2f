#pragma once

#include <stdatomic.h>
#include <stdint.h>

/*
 * A count that one thread adds to and any thread may read: as cheap as a plain integer. Two threads
 * that add lose some.
 */
struct counter {
	_Atomic uint64_t n;
};

static inline uint64_t
counter_get(const struct counter *c)
{
	return atomic_load_explicit(&c->n, memory_order_relaxed);
}

static inline void
counter_set(struct counter *c, uint64_t n)
{
	atomic_store_explicit(&c->n, n, memory_order_relaxed);
}

static inline void
counter_add(struct counter *c, uint64_t n)
{
	counter_set(c, counter_get(c) + n);
}

/* How long things took: bucket i counts those of at most latency_limit_us[i], the last the rest. */
#define LATENCY_BUCKETS 14u

extern const uint32_t latency_limit_us[LATENCY_BUCKETS - 1];

struct latency {
	struct counter bucket[LATENCY_BUCKETS], sum_us;
};

void latency_add(struct latency *l, uint64_t us);
