#pragma once

#include "base/text.h"
#include "challenge/site_counts.h"
#include "daemon/circuits.h"
#include "daemon/oracle.h"
#include "daemon/weigh_counts.h"
#include "daemon/zones.h"
#include "net/drip.h"
#include "net/resolver.h"

/* Where the counts of a process stand. All borrowed; read while others count. */
struct metrics {
	struct metrics_worker {
		const struct weigh_counts *weigh;
		const struct resolver_counts *dns;
	} worker[65]; /* the last may be the one of /.ammit/check */
	unsigned workers, verdict_threads;
	struct metrics_zone {
		const struct zone *zone;
		const struct zone_state *state;
	} zone[ZONES_MAX]; /* of the policy in force */
	unsigned zones;
	const struct dns_tally *functions; /* one a worker */
	const struct site_counts *site;
	const struct oracle_counts *oracle;     /* NULL: nobody is asked */
	const struct drip_counts *drip;         /* NULL: nobody drips */
	const struct circuits_counts *circuits; /* NULL: nobody asks tor */
	uint64_t uptime_s;
	size_t rules;
};

/* Room that is enough for all of it. */
#define METRICS_BYTES_MAX ((size_t)1024 * 1024)

/* Prometheus's text format, 0.0.4. Workers are summed. */
void metrics_write(const struct metrics *m, struct text *out);

/* A few lines for people. */
void metrics_write_stat(const struct metrics *m, struct text *out);
