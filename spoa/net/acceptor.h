#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Accepts connections on one listening socket and hands the descriptors out (non-blocking,
 * close-on-exec, TCP_NODELAY). When descriptors or memory run out it stops listening for a second
 * and says so once a minute; connections wait in the backlog.
 */
struct acceptor {
	ev_io io;
	ev_timer pause;
	struct ev_loop *loop;
	int fd;
	void (*give)(void *arg, int fd);
	void *arg;
	uint64_t accepted, pauses;
};

void acceptor_start(struct acceptor *a, struct ev_loop *loop, int listen_fd,
    void (*give)(void *arg, int fd), void *arg);

/* Stop for good; the descriptor stays open. Calling it again does nothing. */
void acceptor_stop(struct acceptor *a);
