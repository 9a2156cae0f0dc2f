#include "base/clock.h"
#include "net/resolver_inner.h"

#define DOWN_AFTER 3u    /* failures in a row */
#define PROBE_MS 1000    /* how often a server that is down is tried first */
#define RCODE_REFUSED 5u /* RFC 1035, 4.1.1 */
#define HEADER_TC 0x02u  /* in byte 2 of a message */

/* Its answer, or none: keep it. */

/* The most comes last: who wants to know anew after 10 seconds does, whatever the least is. */
static uint32_t
clamp(uint32_t n, uint32_t min, uint32_t max)
{
	n = n < min ? min : n;
	return n > max ? max : n;
}

static void
keep(struct question *q, const struct dns_message *m)
{
	const struct resolver_options *o = &q->resolver->o;
	uint32_t ttl_s = o->failed_s;

	if (m->state == DNS_FOUND)
		ttl_s = clamp(m->ttl_s, q->ttl_min_s != 0 ? q->ttl_min_s : o->ttl_min_s,
		    q->ttl_max_s != 0 ? q->ttl_max_s : o->ttl_max_s);
	else if (m->state == DNS_NONE)
		ttl_s = clamp(m->ttl_s, o->none_min_s,
		    q->ttl_max_s != 0 && q->ttl_max_s < o->none_max_s ? q->ttl_max_s
								      : o->none_max_s);
	dns_cache_put(q->resolver->cache, q->type, (struct slice){ q->name, q->len }, m, ttl_s,
	    clock_mono_ms());
}

void
question_fail(struct question *q, bool timeout, struct dns_waiter **waiters)
{
	const struct dns_message failed = { .state = DNS_FAILED };

	keep(q, &failed);
	if (q->tally != NULL)
		counter_add(timeout ? &q->tally->timeouts : &q->tally->failures, 1);
	waiters_take(q, waiters);
}

/* Whom to ask. */

static void
server_good(struct upstream *u)
{
	u->bad_in_row = 0;
	atomic_store_explicit(&u->count->down, false, memory_order_relaxed);
}

static void
server_bad(struct upstream *u)
{
	if (++u->bad_in_row < DOWN_AFTER)
		return;
	if (u->bad_in_row == DOWN_AFTER)
		u->probe_ms = clock_mono_ms() + PROBE_MS;
	atomic_store_explicit(&u->count->down, true, memory_order_relaxed);
}

static bool
is_down(const struct upstream *u)
{
	return u->bad_in_row >= DOWN_AFTER;
}

bool
resolver_is_up(const struct resolver *r)
{
	for (unsigned i = 0; i < r->servers; i++)
		if (!is_down(r->server[i]))
			return true;
	return false;
}

/* The index of who is to be asked next; r->servers: nobody is left. */
static unsigned
server_next(struct resolver *r, struct question *q)
{
	unsigned down = r->servers, all = (1u << r->servers) - 1;

	if (q->generation != r->generation) {
		q->generation = r->generation;
		q->tried = q->broken = q->no = 0;
	}
	if (((q->tried | q->no) & all) == all) {
		if ((q->no & all) == all)
			return r->servers;
		q->tried = 0;
	}
	for (unsigned i = 0; q->tried == 0 && q->no == 0 && i < r->servers; i++) {
		struct upstream *u = r->server[i];

		if (is_down(u) && clock_mono_ms() >= u->probe_ms) {
			u->probe_ms = clock_mono_ms() + PROBE_MS;
			return i;
		}
	}
	for (unsigned i = 0; i < r->servers; i++) {
		if (((q->tried | q->no) >> i & 1) != 0)
			continue;
		if (!is_down(r->server[i]))
			return i;
		if (down == r->servers)
			down = i;
	}
	return down;
}

/* Attempts. */

static void
ready_put(struct question *q)
{
	struct resolver *r = q->resolver;

	q->at = QUESTION_READY;
	q->ready = NULL;
	*r->ready_end = q;
	r->ready_end = &q->ready;
	if (!ev_is_active(&r->soon)) {
		ev_timer_set(&r->soon, 0., 0.);
		ev_timer_start(r->loop, &r->soon);
	}
}

/* What a server said; true: it will not say anything else. */
static bool
message_in(struct question *q, const uint8_t *bytes, size_t n)
{
	struct resolver *r = q->resolver;
	struct upstream *u = q->server;
	const struct dns_question asked = { .type = q->type, .name = { q->name, q->len } };
	struct dns_message m;
	int64_t now = resolver_now_us();

	if (n > 2 && (bytes[2] & HEADER_TC) != 0 && q->attempt.channel == &u->udp) {
		q->truncated = true;
		return false;
	}
	dns_message_read(bytes, n, &asked, &m);
	if (m.state == DNS_FOUND || m.state == DNS_NONE) {
		q->answered = true;
		server_good(u);
		keep(q, &m);
		counter_add(&u->count->answers, 1);
		latency_add(&u->count->latency, (uint64_t)(now - q->sent_us));
		if (q->expired)
			counter_add(&r->counts.late, 1);
		if (q->expired || q->tally == NULL)
			return false;
		counter_add(&q->tally->answers, 1);
		latency_add(&q->tally->latency, (uint64_t)(now - q->start_us));
		return false;
	}
	counter_add(m.malformed                ? &u->count->malformed
		    : m.rcode == RCODE_REFUSED ? &u->count->refused
					       : &u->count->failures,
	    1);
	/* A zone that fails says nothing against who was asked. */
	if (m.malformed || m.rcode == RCODE_REFUSED)
		server_bad(u);
	else
		server_good(u);
	return true;
}

static void
on_attempt(struct channel_query *attempt, enum channel_end end, const uint8_t *bytes, size_t n)
{
	struct question *q = (struct question *)attempt;
	unsigned bit = 1u << q->index;

	if (q->resolver->ending || end == CHANNEL_CLOSED)
		return; /* resolver_free has its own list of questions */
	switch (end) {
	case CHANNEL_MESSAGE:
		if (message_in(q, bytes, n))
			q->no |= bit;
		q->refused_once |= (q->no & bit) != 0;
		break;
	case CHANNEL_TIMEOUT:
		counter_add(&q->server->count->timeouts, 1);
		server_bad(q->server);
		break;
	case CHANNEL_BROKEN:
		/* A refused port ends all that is on its socket: they may try once more. */
		counter_add(&q->server->count->failures, 1);
		server_bad(q->server);
		q->no |= q->broken & bit;
		q->broken |= bit;
		q->refused_once = true;
		break;
	default:
		q->no = ~0u;
		q->refused_once = true;
		break;
	}
	ready_put(q);
}

static void
attempt_start(struct question *q, unsigned index, bool tcp)
{
	struct resolver *r = q->resolver;
	struct upstream *u = r->server[index];
	struct channel *c = tcp ? &u->tcp : &u->udp;

	q->at = QUESTION_ON_ITS_WAY;
	q->answered = q->truncated = false;
	q->server = u;
	q->index = index;
	q->tried |= 1u << index;
	q->attempt.done = on_attempt;
	q->sent_us = resolver_now_us();
	counter_add(&u->count->queries, 1);
	if (!ev_is_active(&r->tick))
		ev_timer_again(r->loop, &r->tick);
	if (c->ares == NULL && !channel_open(c, r->loop, &u->place, tcp, r->o.attempt_ms)) {
		q->no |= 1u << index;
		ready_put(q);
		return;
	}
	channel_ask(c, q->type, q->name, &q->attempt);
}

static bool
past_deadline(const struct question *q, int64_t now)
{
	return now - q->start_us >= (int64_t)q->resolver->o.deadline_ms * 1000;
}

void
question_start(struct question *q)
{
	attempt_start(q, server_next(q->resolver, q), false);
}

/* An attempt has ended: what now? */
static void
question_go_on(struct question *q)
{
	struct resolver *r = q->resolver;
	struct dns_waiter *waiters = NULL;
	bool over = q->expired || past_deadline(q, resolver_now_us());

	if (q->answered) {
		waiters_take(q, &waiters);
		question_free(q);
		waiters_tell(&waiters);
		return;
	}
	if (!over && q->truncated && q->generation == r->generation) {
		attempt_start(q, q->index, true);
		return;
	}
	if (!over) {
		unsigned next = server_next(r, q);

		if (next < r->servers) {
			attempt_start(q, next, false);
			return;
		}
	}
	if (!q->expired)
		question_fail(q, !q->refused_once, &waiters);
	else
		waiters_take(q, &waiters); /* who asked again after the deadline */
	question_free(q);
	waiters_tell(&waiters);
}

/* Only what is ready now: what ends at once again waits for the loop's next turn. */
void
resolver_settle(void *arg)
{
	struct resolver *r = arg;
	struct question *q = r->ready, *next;

	if (q == NULL)
		return;
	ev_timer_stop(r->loop, &r->soon);
	r->ready = NULL;
	r->ready_end = &r->ready;
	for (; q != NULL; q = next) {
		next = q->ready;
		question_go_on(q);
	}
	resolver_note_cache(r);
}
