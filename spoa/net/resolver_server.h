#pragma once

#include <ares.h>
#include <ev.h>

#include "net/resolver.h"

/*
 * Inside of resolver.h: one DNS server, a channel of c-ares on the loop. One try a question, no
 * search, no aliases; a truncated answer is asked for again over TCP.
 */
enum server_said {
	SERVER_ANSWERED, /* bytes of a message, whatever it says */
	SERVER_SILENT,   /* within attempt_ms */
	SERVER_GONE,     /* it cannot be asked: refused by its host, no route */
	SERVER_ENDED,    /* the channel is being freed: nobody is to be asked again */
};

struct server {
	struct ev_loop *loop;
	ares_channel channel;
	struct watch *watches; /* sockets of the channel */
	ev_timer tick;         /* lets c-ares look at its time-outs while questions are out */
	unsigned out;          /* questions on their way */
	unsigned failures;     /* in a row */
	ev_tstamp probed;      /* when it was last tried although it is down */
	unsigned users;        /* questions that ask it now or may yet: the resolver's */
	struct server *next;   /* of those that are no longer configured */
	struct resolver_server *counts;
};

/* NULL with *why. counts->name is set. */
struct server *server_new(struct ev_loop *loop, const struct ares_addr_port_node *address,
    unsigned attempt_ms, struct resolver_server *counts, const char **why);

/* What is on its way ends with SERVER_ENDED, from within. */
void server_free(struct server *s);

/* `said` is called once, maybe before this returns. */
typedef void server_callback(void *arg, enum server_said said, const uint8_t *bytes, size_t n);
struct server_question {
	server_callback *said;
	void *arg;
	struct server *server; /* set by server_ask */
};
void server_ask(struct server *s, const char *name, enum dns_type type, struct server_question *q);

/* "127.0.0.1:53", "[::1]:53". */
void server_name(const struct ares_addr_port_node *address, char *out, size_t bytes);
