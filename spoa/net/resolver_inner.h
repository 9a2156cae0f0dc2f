#pragma once

#include <ev.h>

#include "base/hash.h"
#include "net/resolver.h"

/* What the files of the resolver share, and nobody else sees. */

/* One server's address. */
struct resolver_place {
	struct address address;
	uint16_t port;
};

/* "127.0.0.1:53, …" or, if empty, resolv.conf, into out; returns how many. 0 with *why. */
size_t resolver_servers_read(
    struct slice servers, struct resolver_place out[RESOLVER_SERVERS_MAX], const char **why);

/* As it stands in counts and logs; NUL-terminated. */
void resolver_place_format(const struct resolver_place *p, char *out, size_t cap);

/* How an attempt ended. */
enum channel_end {
	CHANNEL_MESSAGE, /* bytes are there */
	CHANNEL_TIMEOUT,
	CHANNEL_BROKEN, /* the socket, perhaps by another's doing */
	CHANNEL_UNSENT, /* not the server's fault */
	CHANNEL_CLOSED, /* by channel_close */
};

/* One attempt; embedded in the question. */
struct channel_query {
	void (*done)(
	    struct channel_query *q, enum channel_end end, const uint8_t *bytes, size_t n);
	struct channel *channel;
};

/* A way to one server (UDP or TCP) that asks once; embedded, does not move. */
struct channel_socket {
	ev_io io;
	struct channel *channel;
};
struct channel {
	struct ares_channeldata *ares; /* NULL: not open */
	struct ev_loop *loop;
	struct channel_socket socket[2]; /* c-ares has one UDP and one TCP socket a server at most */
	void (*after)(void *arg);        /* after each event on a socket */
	void *arg;
	unsigned inflight;
};

bool channel_open(struct channel *c, struct ev_loop *loop, const struct resolver_place *p, bool tcp,
    unsigned attempt_ms);
void channel_close(struct channel *c); /* ends what is on its way with CHANNEL_CLOSED */

/* q->done is called once, perhaps from here; q stays where it is until then. */
void channel_ask(
    struct channel *c, enum dns_type type, const char *name, struct channel_query *q);

/* Ends what has waited for too long. To be called every few milliseconds. */
void channel_tick(struct channel *c);
