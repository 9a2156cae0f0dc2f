#include "base/counter.h"

const uint32_t latency_limit_us[LATENCY_BUCKETS - 1] = { 100, 250, 500, 1000, 2500, 5000, 10000,
	20000, 50000, 100000, 250000, 500000, 1000000 };

void
latency_add(struct latency *l, uint64_t us)
{
	unsigned i = 0;

	while (i < LATENCY_BUCKETS - 1 && us > latency_limit_us[i])
		i++;
	counter_add(&l->bucket[i], 1);
	counter_add(&l->sum_us, us);
}
