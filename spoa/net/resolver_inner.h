#pragma once

#include <ev.h>
#include <sys/types.h>
#include <time.h>

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
	void (*done)(struct channel_query *q, enum channel_end end, const uint8_t *bytes, size_t n);
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
	struct channel_socket
	    socket[2];            /* c-ares has one UDP and one TCP socket a server at most */
	void (*after)(void *arg); /* after each event on a socket */
	void *arg;
	unsigned inflight;
};

bool channel_open(struct channel *c, struct ev_loop *loop, const struct resolver_place *p, bool tcp,
    unsigned attempt_ms);
void channel_close(struct channel *c); /* ends what is on its way with CHANNEL_CLOSED */

/* q->done is called once, perhaps from here; q stays where it is until then. */
void channel_ask(struct channel *c, enum dns_type type, const char *name, struct channel_query *q);

/* Ends what has waited for too long. To be called every few milliseconds. */
void channel_tick(struct channel *c);

/* A server as long as anything is on its way to it: those of an older resolv.conf, too. */
struct upstream {
	struct resolver_place place;
	struct channel udp, tcp; /* tcp: opened for the first truncated answer */
	unsigned bad_in_row;
	int64_t probe_ms; /* while down: when it may be tried first again */
	bool retired;
	struct resolver_server *count; /* of a retired one: nobody's */
	struct upstream *next;         /* among all */
};

/* Where a question is. On its way it belongs to c-ares, in READY to `ready`. */
enum question_at { QUESTION_ON_ITS_WAY, QUESTION_READY };

struct question {
	struct channel_query attempt; /* first: c-ares gives it back */
	struct resolver *resolver;
	enum question_at at;
	enum dns_type type;
	bool answered, truncated; /* how the attempt ended, while READY */
	bool refused_once;        /* somebody said something, if nothing good */
	bool expired;             /* the waiters know; only a late answer is of use */
	unsigned tried;           /* this round: bit i is server i */
	unsigned broken, no;      /* its socket broke once; it will not say */
	unsigned generation;      /* of the servers that the bits mean */
	struct upstream *server;
	unsigned index;
	int64_t start_us, sent_us;
	uint32_t ttl_min_s, ttl_max_s;
	struct dns_tally *tally;
	struct dns_waiter *waiters;
	struct question *chain;           /* in its bucket; when free, of the free */
	struct question *older, *younger; /* not expired */
	struct question *ready;           /* the next */
	size_t len;
	char name[DNS_NAME_MAX + 1];
};

struct resolver {
	struct ev_loop *loop;
	struct resolver_options o;
	struct dns_cache *cache;
	uint8_t key[HASH_KEY_BYTES];
	struct upstream *server[RESOLVER_SERVERS_MAX], *all;
	unsigned servers, generation;
	bool from_system;
	struct timespec conf_mtime;
	off_t conf_bytes;

	struct question **bucket, *unused;
	size_t bucket_mask, inflight;
	struct question *oldest, *youngest;
	struct question *ready, **ready_end;
	bool ending;

	ev_timer tick; /* while anything is on its way */
	ev_timer soon; /* for what ended within a call from outside */
	struct resolver_counts counts;
	struct resolver_server nobody;
};

/* In microseconds, of the same clock as clock_mono_ms. */
static inline int64_t
resolver_now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* What the cache holds now, for the counts. */
void resolver_note_cache(struct resolver *r);

/* Out of those that have a deadline. */
void question_expire(struct question *q);
void question_free(struct question *q); /* out of all tables */

/* Its waiters as a list of their own: one who is told may ask the same again, leave, and make
 * others leave. */
void waiters_take(struct question *q, struct dns_waiter **head);
void waiters_tell(struct dns_waiter **head);

/* Ask the first server. Tells nobody anything yet. */
void question_start(struct question *q);

/* Nobody has said: keep that, and give its waiters back. */
void question_fail(struct question *q, bool timeout, struct dns_waiter **waiters);

/* Go on with the questions whose attempt has ended; arg: the resolver. */
void resolver_settle(void *arg);
