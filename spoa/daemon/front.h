#pragma once

#include <ev.h>
#include <pthread.h>
#include <stdbool.h>

#include "challenge/site.h"
#include "daemon/check.h"
#include "daemon/generation.h"
#include "daemon/oracle.h"
#include "daemon/trap.h"

/*
 * The challenge loop: a thread with its own libev loop, the HTTP server and the spent set. As with
 * the workers, other threads reach it by its ev_async only.
 */
struct front {
	struct ev_loop *loop;
	ev_async wake;
	ev_timer drain;
	int drain_turns;
	struct http_server *http;
	struct site site;
	struct check check;
	bool checks; /* somebody may ask: `check` is there */
	struct generation *generation;
	struct trap *trap; /* its only writer */
	pthread_t thread;
	pthread_mutex_t lock; /* guards what follows */
	struct generation *next;
	bool stop, forget;
};

/* *f is zeroed. Takes over listen_fd and a reference of g; *shared and the oracle (NULL: none) stay
 * the caller's. False with *why. */
bool front_start(struct front *f, int listen_fd, const struct check_shared *shared,
    struct trap *trap, struct oracle *oracle, struct generation *g, const char **why);
void front_reload(struct front *f, struct generation *g);
void front_forget_dns(struct front *f); /* what check knows of the DNS */
void front_stop(struct front *f);
void front_join(struct front *f);
