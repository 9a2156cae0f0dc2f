#include "daemon/parking.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

struct parked {
	TAILQ_ENTRY(parked) order; /* in `waiting` or `ready` */
	LIST_ENTRY(parked) sibling;
	struct parking *parking;
	struct stream *stream; /* NULL: gone, while it stood in `ready` */
	ev_tstamp since, deadline;
	struct dns_waiter waiter[LOOKUP_WANTED_MAX];
	unsigned waits;
	bool ready, spent;
	uint64_t stream_id, frame_id;
	uint32_t max_frame, bytes;
	uint8_t payload[];
};

static size_t
size_of(size_t payload)
{
	return sizeof(struct parked) + payload;
}

static size_t
payload_of(const struct spop_frame *f)
{
	return (size_t)(f->payload.end - f->payload.pos);
}

static void
forget(struct parked *k)
{
	struct parking *p = k->parking;

	for (unsigned i = 0; i < LOOKUP_WANTED_MAX; i++)
		resolver_leave(&k->waiter[i]);
	if (k->stream != NULL)
		LIST_REMOVE(k, sibling);
	p->count--;
	p->bytes -= size_of(k->bytes);
	free(k);
}

static void
make_ready(struct parked *k)
{
	struct parking *p = k->parking;

	TAILQ_REMOVE(&p->waiting, k, order);
	TAILQ_INSERT_TAIL(&p->ready, k, order);
	k->ready = true;
	ev_feed_event(p->loop, &p->finish, 0);
}

static void
on_answer(struct dns_waiter *w)
{
	struct parked *k = w->arg;

	if (--k->waits == 0 && !k->ready)
		make_ready(k);
}

static void
watch_budget(struct parking *p)
{
	const struct parked *first = TAILQ_FIRST(&p->waiting);

	if (first == NULL) {
		ev_timer_stop(p->loop, &p->budget);
	} else if (!ev_is_active(&p->budget)) {
		ev_tstamp left = first->deadline - ev_now(p->loop);

		ev_timer_set(&p->budget, left > 0.0 ? left : 0.0, 0.0);
		ev_timer_start(p->loop, &p->budget);
	}
}

static void
on_budget(EV_P_ ev_timer *t, int events)
{
	struct parking *p = t->data;
	struct parked *k;

	(void)events;
	/* A timer may be early by less than a loop's clock can tell. */
	while ((k = TAILQ_FIRST(&p->waiting)) != NULL && k->deadline <= ev_now(EV_A) + 0.0005) {
		k->spent = true;
		make_ready(k);
	}
	watch_budget(p);
}

/* What one write takes to one stream. */
struct batch {
	struct stream *stream;
	struct spop_writer out;
	uint8_t bytes[4 * WEIGH_ANSWER_MAX];
};

static void
batch_begin(struct batch *b, struct stream *s)
{
	b->stream = s;
	b->out = (struct spop_writer){ b->bytes, b->bytes + sizeof(b->bytes), false };
}

/* The stream may be gone after it, and all who waited on it. */
static void
batch_send(struct batch *b)
{
	size_t n = (size_t)(b->out.pos - b->bytes);

	if (b->stream != NULL && n > 0)
		stream_send(b->stream, b->bytes, n);
	b->stream = NULL;
}

static void
count(struct weigher *w, const struct parked *k, ev_tstamp now)
{
	counter_add(k->spent ? &w->counts.budget_spent : &w->counts.answered_in_time, 1);
	latency_add(&w->counts.wait, now > k->since ? (uint64_t)((now - k->since) * 1e6) : 0);
}

/* True: answered. False: it waits for what it wants to know next. */
static bool
judge(struct parking *p, struct parked *k, struct spop_writer *out)
{
	struct weigher *w = p->weigher;
	const struct spop_frame f = { .stream_id = k->stream_id,
		.frame_id = k->frame_id,
		.payload = { k->payload, k->payload + k->bytes, false } };

	w->again = true;
	w->may_wait = !k->spent && k->deadline > ev_now(p->loop);
	if (weigh_notify(w, &f, k->max_frame, clock_steady_s(), out) == WEIGH_WAITS) {
		k->waits = lookup_ask(&w->lookup, k->waiter, on_answer, k);
		if (k->waits > 0)
			return false;
		w->may_wait = false;
		weigh_notify(w, &f, k->max_frame, clock_steady_s(), out);
	}
	if (w->lookup.wanted > 0)
		lookup_ask(&w->lookup, NULL, NULL, NULL);
	count(w, k, ev_now(p->loop));
	return true;
}

/* Back among those who wait, by its age. */
static void
wait_on(struct parking *p, struct parked *k)
{
	struct parked *at = TAILQ_LAST(&p->waiting, parked_queue);

	k->ready = false;
	while (at != NULL && at->deadline > k->deadline)
		at = TAILQ_PREV(at, parked_queue, order);
	if (at != NULL)
		TAILQ_INSERT_AFTER(&p->waiting, at, k, order);
	else
		TAILQ_INSERT_HEAD(&p->waiting, k, order);
}

static void
finish_ready(struct parking *p)
{
	struct batch b;
	struct parked *k;

	b.stream = NULL;
	while ((k = TAILQ_FIRST(&p->ready)) != NULL) {
		if (b.stream != NULL && (b.stream != k->stream ||
					    b.out.end - b.out.pos < (ptrdiff_t)WEIGH_ANSWER_MAX)) {
			batch_send(&b);
			continue; /* k may have lost its stream by that */
		}
		TAILQ_REMOVE(&p->ready, k, order);
		if (k->stream == NULL) {
			forget(k);
			continue;
		}
		if (b.stream == NULL)
			batch_begin(&b, k->stream);
		if (judge(p, k, &b.out))
			forget(k);
		else
			wait_on(p, k);
	}
	batch_send(&b);
	watch_budget(p);
}

static void
on_finish(EV_P_ ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	finish_ready(t->data);
}

void
parking_init(struct parking *p, struct ev_loop *loop, struct weigher *w)
{
	*p = (struct parking){ .loop = loop, .weigher = w };
	TAILQ_INIT(&p->waiting);
	TAILQ_INIT(&p->ready);
	ev_timer_init(&p->budget, on_budget, 0.0, 0.0);
	ev_timer_init(&p->finish, on_finish, 0.0, 0.0);
	ev_set_priority(&p->finish, EV_MINPRI);
	p->budget.data = p->finish.data = p;
}

void
parking_fini(struct parking *p)
{
	struct parked *k;

	while ((k = TAILQ_FIRST(&p->ready)) != NULL) {
		TAILQ_REMOVE(&p->ready, k, order);
		forget(k);
	}
	ev_timer_stop(p->loop, &p->budget);
	ev_clear_pending(p->loop, &p->finish);
}

bool
parking_has_room(const struct parking *p, const struct spop_frame *f)
{
	return p->count < PARKING_MAX && size_of(payload_of(f)) <= PARKING_BYTES_MAX - p->bytes;
}

bool
parking_take(struct parking *p, struct stream *s, struct parked_list *list,
    const struct spop_frame *f, uint32_t max_frame)
{
	const size_t n = payload_of(f);
	const uint32_t budget_ms = policy_settings(p->weigher->generation->policy)->dns_budget_ms;
	struct parked *k = xcalloc(1, size_of(n));

	k->waits = lookup_ask(&p->weigher->lookup, k->waiter, on_answer, k);
	if (k->waits == 0) {
		free(k);
		return false;
	}
	k->parking = p;
	k->stream = s;
	k->since = ev_now(p->loop);
	k->deadline = k->since + budget_ms / 1000.0;
	k->stream_id = f->stream_id;
	k->frame_id = f->frame_id;
	k->max_frame = max_frame;
	k->bytes = (uint32_t)n;
	memcpy(k->payload, f->payload.pos, n);
	LIST_INSERT_HEAD(list, k, sibling);
	p->count++;
	p->bytes += size_of(n);
	wait_on(p, k);
	watch_budget(p);
	counter_add(&p->weigher->counts.waited, 1);
	return true;
}

void
parking_leave(struct parking *p, struct parked_list *list)
{
	struct parked *k;

	while ((k = LIST_FIRST(list)) != NULL) {
		if (k->ready) {
			LIST_REMOVE(k, sibling);
			k->stream = NULL;
			continue;
		}
		TAILQ_REMOVE(&p->waiting, k, order);
		forget(k);
	}
}

void
parking_finish(struct parking *p)
{
	struct parked *k;

	while ((k = TAILQ_FIRST(&p->waiting)) != NULL) {
		k->spent = true;
		make_ready(k);
	}
	finish_ready(p);
}
