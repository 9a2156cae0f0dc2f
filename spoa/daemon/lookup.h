#pragma once

#include "daemon/zones.h"
#include "net/resolver.h"
#include "policy/dns_view.h"

#define LOOKUP_WANTED_MAX 16u /* of one request and one turn; more are asked in the next */

/*
 * Between a verdict and the resolver of its thread: what the policy looks for is looked up in the
 * cache, and what is not there is noted, to be asked for. No allocation.
 */
struct lookup {
	struct dns_view view;           /* give it to the policy; its context is this */
	struct resolver *resolver;      /* NULL: there is none, do not use the view */
	struct zone_state *const *zone; /* of the policy, by number */
	struct dns_tally *functions;    /* for what no zone asks */
	unsigned worker;                /* whose tallies of the zones */
	bool again;                     /* the same request again: its lookups are counted */
	unsigned wanted;
	struct wanted {
		struct dns_question question; /* its name stands in `name` */
		char name[DNS_NAME_MAX + 1];
	} want[LOOKUP_WANTED_MAX];
};

void lookup_init(
    struct lookup *l, struct resolver *r, unsigned worker, struct dns_tally *functions);

/* Before each turn of a verdict. `again`: of the same request. */
void lookup_begin(struct lookup *l, struct zone_state *const *zone, bool again, bool last);

/*
 * Ask for all that is wanted. waiter NULL: nobody waits; else LOOKUP_WANTED_MAX of them, of which
 * none waits, and the first so many, which is returned, do now: `done` is told, with `arg` in it.
 */
unsigned lookup_ask(
    struct lookup *l, struct dns_waiter *waiter, void (*done)(struct dns_waiter *w), void *arg);
