#pragma once

#include "base/counter.h"

/* What one worker's verdicts come to. Written by that worker, read by any thread. */
struct weigh_counts {
	struct counter verdict[4]; /* by enum verdict_kind, before shadow mode */
	struct counter waited;     /* requests that waited for the DNS */
	struct counter answered_in_time, budget_spent; /* of these */
	struct counter not_waited;  /* would have, but too many did, or nobody could be asked */
	struct counter unknown;     /* rules and zones that stayed unknown in a verdict */
	struct counter rule_errors; /* rules that failed and counted as no match */
	struct counter remembered;  /* visitors that HAProxy was told to remember */
	struct counter fast_stale; /* requests that came with the fingerprint of another ask list */
	struct latency wait;
};
