#pragma once

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>

#include "daemon/agent.h"

/*
 * A verdict thread: one loop, one agent. Other threads reach it by its inbox only, which an
 * ev_async announces.
 */
struct worker {
	struct agent agent;
	struct ev_loop *loop;
	ev_async wake;
	ev_timer drain_limit, load;
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	int *inbox;
	unsigned waiting, room;
	struct generation *next;
	bool stop;
};

/* Takes over a reference of g. False with errno set if no thread can be had. */
bool worker_start(struct worker *w, struct generation *g);

/* Takes over fd. */
void worker_give(struct worker *w, int fd);

/* Judge by g from the next read on; takes over a reference. */
void worker_reload(struct worker *w, struct generation *g);

/* Ask it to drain; worker_join waits for that and frees everything. */
void worker_stop(struct worker *w);
void worker_join(struct worker *w);
