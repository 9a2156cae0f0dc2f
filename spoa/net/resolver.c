#include "net/resolver.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/memory.h"
#include "net/resolver_inner.h"

#define RESOLV_CONF "/etc/resolv.conf"
#define TICKS_AN_ATTEMPT 16u

/* What is asked. */

static struct question **
bucket_of(struct resolver *r, enum dns_type type, struct slice name)
{
	uint64_t h = hash_bytes(r->key, name.ptr, name.len) + (uint64_t)type;

	return &r->bucket[h & r->bucket_mask];
}

static struct question *
question_find(struct resolver *r, enum dns_type type, struct slice name)
{
	for (struct question *q = *bucket_of(r, type, name); q != NULL; q = q->chain)
		if (q->type == type && slice_equal((struct slice){ q->name, q->len }, name))
			return q;
	return NULL;
}

static struct question *
question_new(struct resolver *r, const struct dns_question *asked)
{
	struct question **bucket = bucket_of(r, asked->type, asked->name), *q = r->unused;

	if (q != NULL)
		r->unused = q->chain;
	else
		q = xcalloc(1, sizeof(*q));
	*q = (struct question){
		.resolver = r,
		.type = asked->type,
		.generation = r->generation,
		.start_us = resolver_now_us(),
		.ttl_min_s = asked->ttl_min_s,
		.ttl_max_s = asked->ttl_max_s,
		.tally = asked->tally,
		.len = asked->name.len,
		.chain = *bucket,
		.older = r->youngest,
	};
	memcpy(q->name, asked->name.ptr, q->len);
	*bucket = q;
	*(r->youngest != NULL ? &r->youngest->younger : &r->oldest) = q;
	r->youngest = q;
	counter_set(&r->counts.inflight, ++r->inflight);
	return q;
}

void
question_expire(struct question *q)
{
	struct resolver *r = q->resolver;

	assert(!q->expired);
	q->expired = true;
	*(q->older != NULL ? &q->older->younger : &r->oldest) = q->younger;
	*(q->younger != NULL ? &q->younger->older : &r->youngest) = q->older;
}

void
question_free(struct question *q)
{
	struct resolver *r = q->resolver;
	struct question **p = bucket_of(r, q->type, (struct slice){ q->name, q->len });

	if (!q->expired)
		question_expire(q);
	while (*p != q)
		p = &(*p)->chain;
	*p = q->chain;
	q->chain = r->unused;
	r->unused = q;
	counter_set(&r->counts.inflight, --r->inflight);
}

void
waiters_take(struct question *q, struct dns_waiter **head)
{
	*head = q->waiters;
	if (*head != NULL)
		(*head)->back = head;
	q->waiters = NULL;
}

void
waiters_tell(struct dns_waiter **head)
{
	for (struct dns_waiter *w; (w = *head) != NULL;) {
		resolver_leave(w);
		w->done(w);
	}
}

static void
on_soon(struct ev_loop *loop, ev_timer *t, int events)
{
	(void)loop, (void)events;
	resolver_settle(t->data);
}

static void
upstream_free(struct upstream *u)
{
	channel_close(&u->udp);
	channel_close(&u->tcp);
	free(u);
}

/* Servers that resolv.conf no longer names go when nothing is on its way to them. */
static void
upstreams_sweep(struct resolver *r)
{
	for (struct upstream **p = &r->all, *u; (u = *p) != NULL;) {
		channel_tick(&u->udp);
		channel_tick(&u->tcp);
		if (u->retired && u->udp.inflight == 0 && u->tcp.inflight == 0) {
			*p = u->next;
			upstream_free(u);
		} else {
			p = &u->next;
		}
	}
}

static void
deadlines_check(struct resolver *r)
{
	int64_t limit = resolver_now_us() - (int64_t)r->o.deadline_ms * 1000;
	struct dns_waiter *waiters;

	while (r->oldest != NULL && r->oldest->start_us <= limit) {
		struct question *q = r->oldest;

		question_expire(q);
		question_fail(q, !q->refused_once, &waiters);
		waiters_tell(&waiters);
	}
}

static void
on_tick(struct ev_loop *loop, ev_timer *t, int events)
{
	struct resolver *r = t->data;

	(void)events;
	upstreams_sweep(r);
	resolver_settle(r);
	deadlines_check(r);
	if (r->inflight == 0)
		ev_timer_stop(loop, t);
}

/* By name: other threads read them, so one that has a name keeps it. */
static struct resolver_server *
count_of(struct resolver *r, const struct resolver_place *place)
{
	const unsigned n = atomic_load_explicit(&r->counts.servers, memory_order_relaxed);
	struct resolver_server *c;
	char name[sizeof(c->name)];

	resolver_place_format(place, name, sizeof(name));
	for (unsigned i = 0; i < n; i++)
		if (strcmp(r->counts.server[i].name, name) == 0)
			return &r->counts.server[i];
	if (n == RESOLVER_COUNTED_MAX)
		return &r->nobody;
	c = &r->counts.server[n];
	memcpy(c->name, name, sizeof(name));
	atomic_store_explicit(&r->counts.servers, n + 1, memory_order_release);
	return c;
}

/* From the list of servers: those that stay where they are keep what is known of them. */
static bool
servers_read(struct resolver *r, const char **why)
{
	struct resolver_place place[RESOLVER_SERVERS_MAX];
	const char *list = r->o.servers != NULL ? r->o.servers : "";
	unsigned n = (unsigned)resolver_servers_read(slice_of(list), place, why);

	for (unsigned i = 0; i < r->servers || i < n; i++) {
		struct upstream *u = i < r->servers ? r->server[i] : NULL;

		if (u != NULL && i < n && u->place.port == place[i].port &&
		    address_equal(&u->place.address, &place[i].address))
			continue;
		if (u != NULL) {
			u->retired = true;
			atomic_store_explicit(&u->count->down, false, memory_order_relaxed);
			u->count = &r->nobody;
		}
		if (i >= n)
			continue;
		u = xcalloc(1, sizeof(*u));
		u->place = place[i];
		u->count = count_of(r, &place[i]);
		u->udp.after = u->tcp.after = resolver_settle;
		u->udp.arg = u->tcp.arg = r;
		u->next = r->all;
		r->all = u;
		r->server[i] = u;
	}
	r->servers = n;
	r->generation++;
	return n > 0;
}

static bool
conf_changed(struct resolver *r)
{
	struct stat st;

	if (stat(RESOLV_CONF, &st) != 0)
		return false;
	if (st.st_mtim.tv_sec == r->conf_mtime.tv_sec &&
	    st.st_mtim.tv_nsec == r->conf_mtime.tv_nsec && st.st_size == r->conf_bytes)
		return false;
	r->conf_mtime = st.st_mtim;
	r->conf_bytes = st.st_size;
	return true;
}

static void
options_fill(struct resolver_options *o)
{
#define OR(field, value) o->field = o->field != 0 ? o->field : (value)
	OR(attempt_ms, 400);
	OR(deadline_ms, 2000);
	OR(inflight_max, 4096);
	OR(cache_bytes, (size_t)4 << 20);
	OR(ttl_min_s, 30);
	OR(ttl_max_s, 86400);
	OR(none_min_s, 30);
	OR(none_max_s, 3600);
	OR(failed_s, 5);
#undef OR
}

struct resolver *
resolver_new(struct ev_loop *loop, const struct resolver_options *o, const char **why)
{
	struct resolver *r = xcalloc(1, sizeof(*r));
	size_t buckets = 16;
	double tick_s;

	r->loop = loop;
	r->o = *o;
	options_fill(&r->o);
	r->o.servers = o->servers != NULL && o->servers[0] != 0 ? xstrdup(o->servers) : NULL;
	r->ready_end = &r->ready;
	random_bytes(r->key, sizeof(r->key));
	r->cache = dns_cache_new(r->o.cache_bytes, r->key);
	resolver_note_cache(r);
	while (buckets < r->o.inflight_max)
		buckets *= 2;
	r->bucket = xcalloc(buckets, sizeof(struct question *));
	r->bucket_mask = buckets - 1;
	tick_s = r->o.attempt_ms / (1000. * TICKS_AN_ATTEMPT);
	ev_timer_init(&r->tick, on_tick, 0., tick_s > 0.025 ? 0.025 : tick_s);
	ev_timer_init(&r->soon, on_soon, 0., 0.);
	r->tick.data = r->soon.data = r;
	conf_changed(r);
	/* resolv.conf may come later; a list that we were given will not mend. */
	if (!servers_read(r, why) && r->o.servers != NULL) {
		resolver_free(r);
		return NULL;
	}
	return r;
}

void
resolver_free(struct resolver *r)
{
	if (r == NULL)
		return;
	r->ending = true;
	ev_timer_stop(r->loop, &r->tick);
	ev_timer_stop(r->loop, &r->soon);
	for (struct upstream *u; (u = r->all) != NULL;) {
		r->all = u->next;
		upstream_free(u);
	}
	for (size_t i = 0; i <= r->bucket_mask; i++)
		for (struct question *q; (q = r->bucket[i]) != NULL;) {
			while (q->waiters != NULL)
				resolver_leave(q->waiters);
			question_free(q);
		}
	for (struct question *q; (q = r->unused) != NULL;) {
		r->unused = q->chain;
		free(q);
	}
	dns_cache_free(r->cache);
	free(r->bucket);
	free((char *)(uintptr_t)r->o.servers);
	free(r);
}

void
resolver_reload(struct resolver *r)
{
	const char *why;

	if (r->o.servers == NULL && conf_changed(r))
		servers_read(r, &why);
}

void
resolver_look(struct resolver *r, const struct dns_question *q, struct dns_answer *out)
{
	bool known = dns_cache_get(r->cache, q->type, q->name, clock_coarse_ms(), out);

	if (!known)
		*out = (struct dns_answer){ .state = DNS_UNKNOWN, .type = q->type };
	if (q->again)
		return;
	counter_add(known ? &r->counts.hits : &r->counts.misses, 1);
	if (q->tally == NULL)
		return;
	counter_add(&q->tally->lookups, 1);
	if (known)
		counter_add(&q->tally->cached, 1);
}

bool
resolver_ask(struct resolver *r, const struct dns_question *asked, struct dns_waiter *w)
{
	char normal[DNS_NAME_MAX + 1];
	struct question *q;

	if (r->servers == 0 || !slice_equal(dns_name_normal(asked->name, normal), asked->name) ||
	    asked->name.len == 0)
		return false;
	if ((q = question_find(r, asked->type, asked->name)) != NULL) {
		counter_add(&r->counts.coalesced, 1);
	} else if (r->inflight >= r->o.inflight_max) {
		counter_add(&r->counts.dropped, 1);
		if (asked->tally != NULL)
			counter_add(&asked->tally->dropped, 1);
		return false;
	} else {
		q = question_new(r, asked);
		if (q->tally != NULL)
			counter_add(&q->tally->queries, 1);
		question_start(q);
	}
	if (w == NULL)
		return true;
	assert(w->back == NULL);
	w->next = q->waiters;
	w->back = &q->waiters;
	if (w->next != NULL)
		w->next->back = &w->next;
	q->waiters = w;
	return true;
}

void
resolver_leave(struct dns_waiter *w)
{
	if (w->back == NULL)
		return;
	*w->back = w->next;
	if (w->next != NULL)
		w->next->back = w->back;
	w->next = NULL;
	w->back = NULL;
}

void
resolver_note_cache(struct resolver *r)
{
	const struct dns_cache_size size = dns_cache_size(r->cache);

	counter_set(&r->counts.cache_entries, size.entries);
	counter_set(&r->counts.cache_bytes, size.bytes);
	counter_set(&r->counts.cache_evictions, size.evictions);
}

void
resolver_flush(struct resolver *r)
{
	dns_cache_flush(r->cache);
	resolver_note_cache(r);
}

struct dns_cache *
resolver_cache(struct resolver *r)
{
	return r->cache;
}

const struct resolver_counts *
resolver_counts(const struct resolver *r)
{
	return &r->counts;
}
