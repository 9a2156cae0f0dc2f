#pragma once

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"
#include "net/acceptor.h"

/*
 * A page that never quite ends, for those whose time is to be wasted: HTML without meaning, a few
 * bytes now and then, for as long as the client stays. Behind HAProxy on a unix socket or loopback,
 * never on the network. There is no HTTP parser: a request is read until its empty line and thrown
 * away, whatever it says; then the answer goes out as chunks (RFC 9112, 7.1), which a proxy passes
 * on one by one. One thread: the loop's.
 *
 * Bounded in each direction. Who comes when all places are taken is answered 403 and closed. When
 * the places want more bytes than the rate allows, each gets his next piece later, in turn; there
 * are never more places than the rate can serve once in DRIP_SILENCE_S, which must stay below the
 * proxy's timeout. And it takes no descriptor above `descriptors`, so that what else the process
 * serves has the rest.
 */
#define DRIP_SILENCE_S 15u

struct drip_bounds {
	unsigned visitors;     /* at once */
	uint32_t rate_bytes_s; /* of all of them together; no second's worth is ever saved up */
	uint32_t time_s;       /* who has stayed as long gets an end */
	int descriptors;       /* numbers of descriptors from here on are closed at once */
	uint32_t pace_ms;      /* between two pieces of a visitor; DRIP_PACE_MS */
	uint32_t head_ms;      /* until the empty line must have come; DRIP_HEAD_MS */
};

#define DRIP_PACE_MS 1000u
#define DRIP_HEAD_MS 10000u

/* More of a request than any proxy holds: it is closed. Nothing of it is kept. */
#define DRIP_HEAD_BYTES_MAX 65536u

struct drip_counts {
	struct counter visitors; /* now */
	struct counter served, refused;
	struct counter bytes;   /* sent to those who are served */
	struct counter held_ms; /* how long they have waited for them, all together */
};

enum drip_state {
	DRIP_READING,  /* waits for the end of the request */
	DRIP_GREETED,  /* next is the header: it waits for its turn, if there is room in the rate */
	DRIP_DRIPPING, /* next is a piece, when a pace has passed since the last */
	DRIP_LEAVING,  /* has had the last bytes, our side is shut: waits for the peer to close */
};
#define DRIP_STATES 4u

struct drip_visitor;

/* In the order in which they came into this state, or had their last piece. */
struct drip_list {
	struct drip_visitor *first, *last;
	unsigned count;
};

struct drip {
	struct ev_loop *loop;
	struct acceptor acceptor;
	ev_timer tick; /* one for all; stands still when nobody is there */
	struct drip_bounds bounds;
	struct drip_list list[DRIP_STATES];
	int64_t credit, earned_ms; /* bytes that may be sent, as of then */
	bool greets;               /* whose turn it is: of those who wait for the header */
	uint32_t seed;
	struct drip_counts counts;
};

void drip_start(
    struct drip *d, struct ev_loop *loop, int listen_fd, const struct drip_bounds *bounds);

/* Closes all at once; the listening descriptor stays open. After it was started, or zeroed. */
void drip_stop(struct drip *d);

/* How many places there are: bounds.visitors, or fewer if the rate cannot serve so many. */
unsigned drip_places(const struct drip_bounds *b);

/* The next piece of a page, one whole chunk; the state of a page is its seed, which is not 0. */
#define DRIP_PIECE_MAX 40u
size_t drip_piece(uint32_t *seed, char out[DRIP_PIECE_MAX]);
