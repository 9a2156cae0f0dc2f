#pragma once

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>

#include "daemon/agent.h"
#include "daemon/health.h"
#include "daemon/load.h"
#include "net/resolver.h"

struct worker;

/* Something that is to be done on a worker's thread. */
struct worker_call {
	void (*run)(struct worker_call *c, struct worker *w);
	void (*free)(struct worker_call *c);
	struct worker_call *next;
	pthread_mutex_t lock;
	pthread_cond_t done_signal;
	bool done;
	unsigned users;
};

/* What workers share and outlives them. */
struct worker_shared {
	const struct resolver_options *dns;
	struct zones *zones;
	const struct trap *trap;
	struct circuits *circuits; /* NULL: nobody asks tor */
};

/*
 * A verdict thread: one loop, one agent, one resolver. Other threads reach it by its inbox only,
 * which an ev_async announces.
 */
struct worker {
	struct agent agent;
	struct resolver *resolver;
	struct health health; /* of the first worker alone */
	unsigned number;
	struct ev_loop *loop;
	ev_async wake;
	ev_timer drain_limit;
	struct load load;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	int *inbox;
	unsigned waiting, room;
	struct generation *next;
	struct worker_call *calls;
	bool stop;
};

/* Takes over a reference of g. False with *why if it cannot be. */
bool worker_start(struct worker *w, unsigned number, const struct worker_shared *shared,
    struct generation *g, const char **why);

/* Takes over fd. */
void worker_give(struct worker *w, int fd);

/* Judge by g from the next read on; takes over a reference. */
void worker_reload(struct worker *w, struct generation *g);

/*
 * Run c on its thread, and wait for at most a second until it has. False: it has not, and will run
 * later, or never. c->run is set by the caller, c->free is called when the last of both is done
 * with it; so what it needs and gives stands in what it is embedded in.
 */
bool worker_call(struct worker *w, struct worker_call *c);
/* After worker_call, when the caller has read what it gave. */
void worker_call_done(struct worker_call *c);

/* Ask it to drain; worker_join waits for that and frees everything. */
void worker_stop(struct worker *w);
void worker_join(struct worker *w);
