#pragma once

#include <ev.h>
#include <sys/queue.h>

#include "daemon/weigh.h"
#include "net/stream.h"

/*
 * Requests that wait for the DNS, on the loop of a worker: a copy of each frame, judged again when
 * its answers are there, or, with what is known, when the policy's budget is spent. Everybody else
 * on the connection goes on. Bounded in number and bytes.
 */
#define PARKING_MAX 4096u
#define PARKING_BYTES_MAX ((size_t)8 * 1024 * 1024)

struct parked;
TAILQ_HEAD(parked_queue, parked);
LIST_HEAD(parked_list, parked);

struct parking {
	struct ev_loop *loop;
	struct weigher *weigher;
	struct parked_queue waiting; /* oldest first */
	struct parked_queue ready;   /* to be judged before the loop waits again */
	unsigned count;
	size_t bytes;
	ev_timer budget;
	ev_timer finish; /* never started: fed when something is ready, behind all that has come */
};

void parking_init(struct parking *p, struct ev_loop *loop, struct weigher *w);
void parking_fini(struct parking *p); /* all connections are gone */

bool parking_has_room(const struct parking *p, const struct spop_frame *f);

/*
 * Keep a request of this stream that weigh_notify said WEIGH_WAITS of, and ask what it wants.
 * False: nobody could be asked, nothing is kept. `list` is the stream's, of those who wait on it.
 */
bool parking_take(struct parking *p, struct stream *s, struct parked_list *list,
    const struct spop_frame *f, uint32_t max_frame);

/* The stream is gone, and so are those who waited on it. */
void parking_leave(struct parking *p, struct parked_list *list);

/* Judge all with what is known, and answer. Streams may be closed by it. */
void parking_finish(struct parking *p);
