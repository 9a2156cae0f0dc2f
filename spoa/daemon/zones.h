#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "base/dns.h"
#include "policy/zone.h"

/*
 * What the process knows of the blocklists that its policies name: whether each is in use or
 * suspended, and what was counted. Kept by name across reloads, shared by all workers.
 */
struct zone_state {
	char zone[DNS_NAME_MAX + 1];
	/* NULL: in use; else why it is suspended, in constant words. Any thread sets and reads. */
	_Atomic(const char *) suspended;
	_Atomic uint64_t suspensions; /* ever */
	struct dns_tally *tally;      /* one a worker, each written by that worker alone */
};

#define ZONE_STATES_MAX 256u /* ever named by one process; more are not asked */

struct zones {
	unsigned workers;
	struct dns_tally *functions; /* lookups of expressions and verify_dns, one a worker */
	pthread_mutex_t lock;        /* guards the list */
	struct zone_state *state[ZONE_STATES_MAX];
	unsigned states;
};

void zones_init(struct zones *z, unsigned workers);
void zones_fini(struct zones *z);

/* The state of a zone, made if it is new; NULL: too many. Lives as long as *z. */
struct zone_state *zones_state(struct zones *z, const struct zone *zone);

/* Out of use from now on; says so, once until it is resumed. */
void zone_suspend(struct zone_state *s, const char *why);
void zone_resume(struct zone_state *s); /* legal if it is in use: nothing is said */
