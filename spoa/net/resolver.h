#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/dns.h"
#include "net/dns_cache.h"

struct ev_loop;

/*
 * Questions to DNS servers (c-ares) on one loop, and the cache of their answers. One thread: the
 * loop's. Nothing here waits: look for what is known, ask for what is not.
 *
 * Each server has a channel of its own with one try: who is asked next, and when, is decided here.
 * A server that times out or fails several times in a row is asked last until it answers again
 * (one question now and then finds out). A question goes to the next server when one refuses,
 * fails or is silent for attempt_ms; after deadline_ms it has failed, and a good answer that comes
 * later still reaches the cache.
 */
struct resolver;

#define RESOLVER_SERVERS_MAX 8u
#define RESOLVER_COUNTED_MAX 16u /* servers ever; those after them are not counted */

struct resolver_options {
	const char *servers; /* "127.0.0.1:53,[::1]:5353", a port is optional; NULL or "": those of
				resolv.conf */
	unsigned attempt_ms, deadline_ms; /* 0: 400 and 2000 */
	unsigned inflight_max;            /* questions on their way; 0: 4096 */
	size_t cache_bytes;               /* 0: 4 MiB */
	uint32_t ttl_min_s, ttl_max_s;    /* of what was found; 0: 30 and 86400 */
	uint32_t none_min_s, none_max_s;  /* of what there is not; 0: 30 and 3600 */
	uint32_t failed_s;                /* how long a failure is remembered; 0: 5 */
};

/* "127.0.0.1", "127.0.0.1:5353", "[::1]:53", separated by commas; false with *why. */
bool resolver_servers_valid(struct slice servers, const char **why);

/* NULL with *why (constant words). */
struct resolver *resolver_new(
    struct ev_loop *loop, const struct resolver_options *o, const char **why);

/* Waiters that are left are not called. */
void resolver_free(struct resolver *r); /* not from within a waiter's `done` */

/* resolv.conf may have changed: read it again, if it is what servers come from. What is on its way
 * goes on. */
void resolver_reload(struct resolver *r);

/* What is known, DNS_UNKNOWN if nothing; asks nobody and allocates nothing. *out borrows until the
 * loop goes on. */
void resolver_look(struct resolver *r, const struct dns_question *q, struct dns_answer *out);

/* One who waits for one answer; embed it. */
struct dns_waiter {
	void (*done)(struct dns_waiter *w); /* what came is known to resolver_look by now */
	void *arg;                          /* the owner's */
	struct dns_waiter *next, **back;    /* the resolver's; back NULL: not waiting */
};

/*
 * Ask, unless the same question is on its way already, and tell `w` (NULL: nobody) when it is
 * answered or has failed, once, from the loop, never from here. False: too many are on their way,
 * or no server; then nobody is told. A question with a name that is not normal is a failure, too.
 */
bool resolver_ask(struct resolver *r, const struct dns_question *q, struct dns_waiter *w);

/* Is an answer to be expected? Not while every server is down: questions are still asked, and find
 * out when one answers again. */
bool resolver_is_up(const struct resolver *r);

/* Wait no longer; the question goes on. Legal if it does not wait. */
void resolver_leave(struct dns_waiter *w);

/* Forget all that is known. */
void resolver_flush(struct resolver *r);

struct dns_cache *resolver_cache(
    struct resolver *r); /* to be looked through, on the loop's thread */

/* Counted since the start; any thread may read them. */
struct resolver_server {
	char name[64]; /* "127.0.0.1:53" */
	_Atomic bool down;
	struct counter queries, answers, refused, failures, timeouts, malformed;
	struct latency latency;
};
struct resolver_counts {
	struct resolver_server
	    server[RESOLVER_COUNTED_MAX]; /* the first `servers`; they stay, used or not */
	_Atomic unsigned servers;
	struct counter hits, misses; /* of resolver_look */
	struct counter coalesced;    /* asked while it was on its way */
	struct counter dropped;      /* not asked: too many were on their way */
	struct counter late;         /* good answers after the deadline */
	struct counter inflight;     /* now */
	struct counter cache_entries, cache_bytes, cache_evictions; /* now, now, ever */
};
const struct resolver_counts *resolver_counts(const struct resolver *r);
