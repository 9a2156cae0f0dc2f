#pragma once

#include <ev.h>

#include "daemon/generation.h"
#include "daemon/probe.h"
#include "net/resolver.h"

/*
 * Asks every zone of the policy its test points (RFC 5782, section 5) when it comes into force and
 * each hour, suspended ones more often; suspends what is not healthy and resumes what is. What
 * cannot be asked stays as it is. One for the process: on the loop of the first worker.
 */
#define HEALTH_S 3600.0
#define HEALTH_SUSPENDED_S 300.0

struct health {
	struct ev_loop *loop;
	struct resolver *resolver;
	struct generation *generation; /* borrowed from the worker */
	ev_timer timer;
	double since_all_s; /* when all were asked */
	struct checkup {
		struct probe probe; /* first */
		struct health *health;
		unsigned number; /* of the zone */
	} checkup[ZONES_MAX];
};

void health_init(struct health *h, struct ev_loop *loop, struct resolver *r);
void health_stop(struct health *h);

/* Judge by g from now on, and ask all its zones. */
void health_reload(struct health *h, struct generation *g);
