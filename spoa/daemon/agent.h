#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/parking.h"
#include "daemon/weigh.h"
#include "net/stream.h"
#include "spop/session.h"

/*
 * The SPOP connections of one worker: streams of frames on its loop, each with a session, all
 * weighed by one weigher.
 */
struct agent {
	struct stream_home home; /* first: a stream's home is its agent */
	struct weigher weigher;
	struct parking parking;
	bool draining;
};

/* Takes over a reference of g. It asks no DNS until lookup_init on its weigher's lookup. */
void agent_init(struct agent *a, struct ev_loop *loop, struct generation *g);
void agent_fini(struct agent *a); /* closes what is left */

/* A new connection; takes over fd. */
void agent_connect(struct agent *a, int fd);

/*
 * Answer what has come, then say goodbye on every connection. Breaks the loop when the last one is
 * gone.
 */
void agent_drain(struct agent *a);
