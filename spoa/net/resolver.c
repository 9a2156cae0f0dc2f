#include "net/resolver.h"

#include <ev.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/memory.h"
#include "net/resolver_server.h"

#define DOWN_FAILURES 3u
#define PROBE_S 1.0
#define REFUSED 5u /* RFC 1035, 4.1.1 */
#define SLOTS_PER_QUESTION 2u
#define RESOLV_CONF "/etc/resolv.conf"

/* A question on its way. */
struct query {
	struct query *chain;      /* next in its slot; while in_table */
	TAILQ_ENTRY(query) order; /* in `young` until it is told, then in `told` until it is gone */
	struct dns_waiter *waiters;
	struct server_question attempt;
	struct resolver *resolver;
	struct dns_question question;
	uint64_t hash;
	ev_tstamp begin, deadline;
	bool in_table, out, finished, told;
	bool silence;                             /* in this round a server said nothing */
	struct server *ask[RESOLVER_SERVERS_MAX]; /* in this order */
	unsigned servers, next;
	struct dns_message message;
	char name[DNS_NAME_MAX + 1];
};

TAILQ_HEAD(queries, query);

struct resolver {
	struct ev_loop *loop;
	struct resolver_options options;
	char *servers_text;
	struct server *server[RESOLVER_SERVERS_MAX]; /* in use, in order */
	unsigned servers;
	struct server *retired; /* until no question may yet ask them */
	struct dns_cache *cache;
	uint8_t key[HASH_KEY_BYTES];
	struct query **slot;
	size_t mask;
	struct queries young;    /* oldest first */
	struct queries finished; /* to be told from the loop */
	struct queries late;     /* told, but an attempt is still out */
	unsigned inflight;
	bool freeing;
	ev_timer deadline, tell; /* tell is only fed, never started */
	struct timespec conf_time;
	off_t conf_bytes;
	struct resolver_counts counts;
};

static unsigned
or_else(unsigned value, unsigned otherwise)
{
	return value != 0 ? value : otherwise;
}

/* -- servers */

static void
init_library(void)
{
	ares_library_init(ARES_LIB_INIT_ALL);
}

static ares_channel
plain_channel(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct ares_options o = { .flags = ARES_FLAG_NOSEARCH };
	ares_channel c;

	pthread_once(&once, init_library);
	return ares_init_options(&c, &o, ARES_OPT_FLAGS) == ARES_SUCCESS ? c : NULL;
}

/* As a list that ares_free_data frees; NULL with *why. text NULL: those of resolv.conf. */
static struct ares_addr_port_node *
read_servers(const char *text, const char **why)
{
	ares_channel c = plain_channel();
	struct ares_addr_port_node *list = NULL;

	*why = "the resolver cannot be set up";
	if (c == NULL)
		return NULL;
	if (text != NULL && ares_set_servers_ports_csv(c, text) != ARES_SUCCESS)
		*why = "no list of servers: write 127.0.0.1:53,[::1]:53";
	else if (ares_get_servers_ports(c, &list) != ARES_SUCCESS || list == NULL)
		*why = "no server is named";
	ares_destroy(c);
	return list;
}

bool
resolver_servers_valid(struct slice servers, const char **why)
{
	char text[512];
	struct ares_addr_port_node *list;
	unsigned count = 0;

	*why = "no list of servers: write 127.0.0.1:53,[::1]:53";
	if (servers.len == 0 || servers.len >= sizeof(text))
		return false;
	memcpy(text, servers.ptr, servers.len);
	text[servers.len] = '\0';
	list = read_servers(text, why);
	for (const struct ares_addr_port_node *n = list; n != NULL; n = n->next)
		count++;
	ares_free_data(list);
	if (count > RESOLVER_SERVERS_MAX)
		*why = "more than 8 servers";
	return count > 0 && count <= RESOLVER_SERVERS_MAX;
}

/* Counts are kept by name, and never move: other threads read them. */
static struct resolver_server *
counts_of(struct resolver *r, const struct ares_addr_port_node *address)
{
	struct resolver_counts *c = &r->counts;
	unsigned n = atomic_load(&c->servers);
	char name[sizeof(c->server[0].name)];

	server_name(address, name, sizeof(name));
	for (unsigned i = 0; i < n; i++)
		if (strcmp(c->server[i].name, name) == 0)
			return &c->server[i];
	if (n == RESOLVER_SERVERS_MAX)
		return &c->server[n - 1];
	memcpy(c->server[n].name, name, sizeof(name));
	atomic_store(&c->servers, n + 1);
	return &c->server[n];
}

static void
note_conf(struct resolver *r)
{
	struct stat st;

	r->conf_bytes = -1;
	if (stat(RESOLV_CONF, &st) != 0)
		return;
	r->conf_time = st.st_mtim;
	r->conf_bytes = st.st_size;
}

static bool
conf_changed(const struct resolver *r)
{
	struct stat st;

	if (stat(RESOLV_CONF, &st) != 0)
		return false;
	return st.st_size != r->conf_bytes || st.st_mtim.tv_sec != r->conf_time.tv_sec ||
	       st.st_mtim.tv_nsec != r->conf_time.tv_nsec;
}

/* Free those that nobody may yet ask. Not from within an answer of theirs. */
static void
sweep_retired(struct resolver *r)
{
	struct server **at = &r->retired, *s;

	while ((s = *at) != NULL) {
		if (s->users > 0) {
			at = &s->next;
			continue;
		}
		*at = s->next;
		server_free(s);
	}
}

static void
retire(struct resolver *r, struct server *s)
{
	s->next = r->retired;
	r->retired = s;
}

/* False with *why: the servers are what they were. */
static bool
open_servers(struct resolver *r, const char **why)
{
	struct ares_addr_port_node *list = read_servers(r->servers_text, why);
	struct server *fresh[RESOLVER_SERVERS_MAX];
	unsigned n = 0;

	for (const struct ares_addr_port_node *a = list; a != NULL && n < RESOLVER_SERVERS_MAX;
	     a = a->next) {
		fresh[n] = server_new(
		    r->loop, a, or_else(r->options.attempt_ms, 400), counts_of(r, a), why);
		n += fresh[n] != NULL;
	}
	ares_free_data(list);
	if (n == 0)
		return false;
	for (unsigned i = 0; i < r->servers; i++)
		retire(r, r->server[i]);
	memcpy(r->server, fresh, n * sizeof(fresh[0]));
	r->servers = n;
	sweep_retired(r);
	return true;
}

void
resolver_reload(struct resolver *r)
{
	const char *why;

	sweep_retired(r);
	if (r->servers_text != NULL || !conf_changed(r))
		return;
	note_conf(r);
	open_servers(r, &why);
}

static bool
is_down(const struct server *s)
{
	return s->failures >= DOWN_FAILURES;
}

static void
note_health(struct server *s, bool well)
{
	s->failures = well ? 0 : s->failures + 1;
	atomic_store_explicit(&s->counts->down, is_down(s), memory_order_relaxed);
}

/* -- questions */

static struct query **
find(struct resolver *r, uint64_t hash, enum dns_type type, struct slice name)
{
	struct query **at = &r->slot[hash & r->mask];

	while (*at != NULL && !((*at)->hash == hash && (*at)->question.type == type &&
				  slice_equal((*at)->question.name, name)))
		at = &(*at)->chain;
	return at;
}

static void
leave_table(struct query *q)
{
	struct query **at = find(q->resolver, q->hash, q->question.type, q->question.name);

	if (!q->in_table)
		return;
	*at = q->chain;
	q->in_table = false;
}

static void
set_inflight(struct resolver *r, unsigned n)
{
	r->inflight = n;
	counter_set(&r->counts.inflight, n);
}

static void
forget(struct query *q)
{
	for (unsigned i = 0; i < q->servers; i++)
		q->ask[i]->users--;
	set_inflight(q->resolver, q->resolver->inflight - 1);
	free(q);
}

static uint32_t
clamp(uint32_t x, uint32_t least, uint32_t most)
{
	return x < least ? least : x > most ? most : x;
}

static uint32_t
life_of(const struct resolver *r, const struct dns_question *q, const struct dns_message *m)
{
	const struct resolver_options *o = &r->options;
	const uint32_t most = q->ttl_max_s;
	uint32_t s;

	if (m->state == DNS_FAILED)
		return or_else(o->failed_s, 5);
	if (m->state == DNS_NONE) {
		s = clamp(m->ttl_s, or_else(o->none_min_s, 30), or_else(o->none_max_s, 3600));
		return most != 0 && s > most ? most : s;
	}
	return clamp(m->ttl_s, or_else(q->ttl_min_s, or_else(o->ttl_min_s, 30)),
	    or_else(most, or_else(o->ttl_max_s, 86400)));
}

static void
keep(struct resolver *r, const struct query *q)
{
	struct dns_cache_size size;

	dns_cache_put(r->cache, q->question.type, q->question.name, &q->message,
	    life_of(r, &q->question, &q->message), clock_coarse_ms());
	size = dns_cache_size(r->cache);
	counter_set(&r->counts.cache_entries, size.entries);
	counter_set(&r->counts.cache_bytes, size.bytes);
	counter_set(&r->counts.cache_evictions, size.evictions);
}

static void
count_end(struct query *q, bool in_time)
{
	struct dns_tally *t = q->question.tally;

	if (t == NULL)
		return;
	if (q->message.state == DNS_FAILED) {
		counter_add(in_time && !q->silence ? &t->failures : &t->timeouts, 1);
		return;
	}
	counter_add(&t->answers, 1);
	latency_add(&t->latency, (uint64_t)((ev_now(q->resolver->loop) - q->begin) * 1e6));
}

static void
watch_deadline(struct resolver *r)
{
	const struct query *first = TAILQ_FIRST(&r->young);
	ev_tstamp left;

	if (first == NULL) {
		ev_timer_stop(r->loop, &r->deadline);
	} else if (!ev_is_active(&r->deadline)) {
		left = first->deadline - ev_now(r->loop);
		ev_timer_set(&r->deadline, left > 0.0 ? left : 0.0, 0.0);
		ev_timer_start(r->loop, &r->deadline);
	}
}

/* Its message is what it came to: known from now on, told from the loop. */
static void
finish(struct query *q, bool in_time)
{
	struct resolver *r = q->resolver;

	count_end(q, in_time);
	keep(r, q);
	leave_table(q);
	TAILQ_REMOVE(&r->young, q, order);
	TAILQ_INSERT_TAIL(&r->finished, q, order);
	q->finished = true;
	ev_feed_event(r->loop, &r->tell, 0);
}

static void ask_next(struct query *q);

/* The server at hand has not answered it. */
static void
go_on(struct query *q)
{
	struct resolver *r = q->resolver;

	if (q->next == q->servers && !q->silence) {
		/* All have said no. */
		q->message = (struct dns_message){ .state = DNS_FAILED };
		finish(q, true);
		return;
	}
	if (q->next == q->servers) {
		q->next = 0;
		q->silence = false;
	}
	/* The deadline itself has its timer. */
	if (ev_now(r->loop) < q->deadline)
		ask_next(q);
}

/* True: it is an answer to the question. Counted for the server. */
static bool
take(struct query *q, struct server *s, enum server_said said, const uint8_t *bytes, size_t n)
{
	struct resolver_server *c = s->counts;

	if (said == SERVER_SILENT) {
		counter_add(&c->timeouts, 1);
		q->silence = true;
		note_health(s, false);
		return false;
	}
	if (said != SERVER_ANSWERED) {
		counter_add(&c->failures, 1);
		note_health(s, false);
		return false;
	}
	dns_message_read(bytes, n, &q->question, &q->message);
	if (q->message.state == DNS_FAILED) {
		counter_add(q->message.malformed          ? &c->malformed
			    : q->message.rcode == REFUSED ? &c->refused
							  : &c->failures,
		    1);
		/* A zone that fails says nothing against the server. */
		note_health(s, !q->message.malformed && q->message.rcode != REFUSED);
		return false;
	}
	counter_add(&c->answers, 1);
	latency_add(&c->latency, (uint64_t)((ev_now(q->resolver->loop) - q->begin) * 1e6));
	note_health(s, true);
	return true;
}

static void
on_said(void *arg, enum server_said said, const uint8_t *bytes, size_t n)
{
	struct query *q = arg;
	struct resolver *r = q->resolver;
	bool good;

	q->out = false;
	if (r->freeing)
		return;
	good = take(q, q->attempt.server, said, bytes, n);
	if (q->finished) {
		if (good) {
			counter_add(&r->counts.late, 1);
			keep(r, q);
		}
		if (!q->told)
			return;
		TAILQ_REMOVE(&r->late, q, order);
		forget(q);
	} else if (good) {
		finish(q, true);
	} else {
		go_on(q);
	}
}

static void
ask_next(struct query *q)
{
	struct server *s = q->ask[q->next++];

	q->attempt.said = on_said;
	q->attempt.arg = q;
	q->out = true;
	counter_add(&s->counts->queries, 1);
	server_ask(s, q->name, q->question.type, &q->attempt);
}

/* Those that answer in their order, then those that do not; a probe of one of these goes first. */
static void
choose(struct resolver *r, struct query *q)
{
	const ev_tstamp now = ev_now(r->loop);
	struct server *probe = NULL;

	for (unsigned i = 0; i < r->servers && probe == NULL && r->servers > 1; i++)
		if (is_down(r->server[i]) && now - r->server[i]->probed >= PROBE_S)
			probe = r->server[i];
	if (probe != NULL) {
		probe->probed = now;
		q->ask[q->servers++] = probe;
	}
	for (int down = 0; down < 2; down++)
		for (unsigned i = 0; i < r->servers; i++)
			if (is_down(r->server[i]) == (down == 1) && r->server[i] != probe)
				q->ask[q->servers++] = r->server[i];
	for (unsigned i = 0; i < q->servers; i++)
		q->ask[i]->users++;
}

static void
wait_for(struct query *q, struct dns_waiter *w)
{
	if (w == NULL)
		return;
	w->next = q->waiters;
	w->back = &q->waiters;
	if (w->next != NULL)
		w->next->back = &w->next;
	q->waiters = w;
}

bool
resolver_ask(struct resolver *r, const struct dns_question *question, struct dns_waiter *w)
{
	const struct slice name = question->name;
	const uint64_t hash = hash_bytes(r->key, name.ptr, name.len) + (uint64_t)question->type;
	struct query **at, *q;

	if (w != NULL)
		w->back = NULL;
	if (name.len == 0 || name.len > DNS_NAME_MAX)
		return false;
	at = find(r, hash, question->type, name);
	if (*at != NULL) {
		counter_add(&r->counts.coalesced, 1);
		wait_for(*at, w);
		return true;
	}
	if (r->inflight >= or_else(r->options.inflight_max, 4096) || r->servers == 0) {
		counter_add(&r->counts.dropped, 1);
		if (question->tally != NULL)
			counter_add(&question->tally->dropped, 1);
		return false;
	}
	q = xcalloc(1, sizeof(*q));
	*at = q;
	q->in_table = true;
	q->hash = hash;
	q->resolver = r;
	q->question = *question;
	memcpy(q->name, name.ptr, name.len);
	q->question.name.ptr = q->name;
	q->begin = ev_now(r->loop);
	q->deadline = q->begin + or_else(r->options.deadline_ms, 2000) / 1000.0;
	TAILQ_INSERT_TAIL(&r->young, q, order);
	set_inflight(r, r->inflight + 1);
	if (question->tally != NULL)
		counter_add(&question->tally->queries, 1);
	choose(r, q);
	wait_for(q, w);
	watch_deadline(r);
	ask_next(q);
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
	w->back = NULL;
}

static void
on_deadline(EV_P_ ev_timer *t, int events)
{
	struct resolver *r = t->data;
	struct query *q;

	(void)events;
	while ((q = TAILQ_FIRST(&r->young)) != NULL && q->deadline <= ev_now(EV_A) + 0.0005) {
		q->message = (struct dns_message){ .state = DNS_FAILED };
		finish(q, false);
	}
	watch_deadline(r);
}

static void
on_tell(EV_P_ ev_timer *t, int events)
{
	struct resolver *r = t->data;
	struct query *q;

	(void)loop;
	(void)events;
	while ((q = TAILQ_FIRST(&r->finished)) != NULL) {
		struct dns_waiter *w;

		while ((w = q->waiters) != NULL) {
			resolver_leave(w);
			w->done(w);
		}
		TAILQ_REMOVE(&r->finished, q, order);
		q->told = true;
		if (q->out)
			TAILQ_INSERT_TAIL(&r->late, q, order);
		else
			forget(q);
	}
	watch_deadline(r);
}

/* -- all of it */

struct resolver *
resolver_new(struct ev_loop *loop, const struct resolver_options *o, const char **why)
{
	struct resolver *r = xcalloc(1, sizeof(*r));
	size_t slots = 64;

	*why = NULL;
	r->loop = loop;
	r->options = *o;
	r->options.servers = NULL;
	if (o->servers != NULL && o->servers[0] != '\0')
		r->servers_text = xstrdup(o->servers);
	while (slots < or_else(o->inflight_max, 4096) * SLOTS_PER_QUESTION)
		slots *= 2;
	r->mask = slots - 1;
	r->slot = xcalloc(slots, sizeof(struct query *));
	random_bytes(r->key, sizeof(r->key));
	r->cache = dns_cache_new(o->cache_bytes != 0 ? o->cache_bytes : (size_t)4 << 20, r->key);
	TAILQ_INIT(&r->young);
	TAILQ_INIT(&r->finished);
	TAILQ_INIT(&r->late);
	ev_timer_init(&r->deadline, on_deadline, 0.0, 0.0);
	ev_timer_init(&r->tell, on_tell, 0.0, 0.0);
	r->deadline.data = r->tell.data = r;
	note_conf(r);
	if (open_servers(r, why))
		return r;
	resolver_free(r);
	return NULL;
}

static void
free_queries(struct queries *list)
{
	struct query *q;

	while ((q = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, q, order);
		while (q->waiters != NULL)
			resolver_leave(q->waiters);
		free(q);
	}
}

void
resolver_free(struct resolver *r)
{
	r->freeing = true;
	for (unsigned i = 0; i < r->servers; i++)
		server_free(r->server[i]);
	while (r->retired != NULL) {
		struct server *s = r->retired;

		r->retired = s->next;
		server_free(s);
	}
	ev_timer_stop(r->loop, &r->deadline);
	ev_clear_pending(r->loop, &r->tell);
	free_queries(&r->young);
	free_queries(&r->finished);
	free_queries(&r->late);
	dns_cache_free(r->cache);
	free(r->slot);
	free(r->servers_text);
	free(r);
}

void
resolver_look(struct resolver *r, const struct dns_question *q, struct dns_answer *out)
{
	const bool known = dns_cache_get(r->cache, q->type, q->name, clock_coarse_ms(), out);

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
