#include "net/resolver.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "unit/net/dns_server.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define WATCHDOG_S 20. /* a test that hangs fails; none is slow */

static struct ev_loop *loop;
static struct dns_server server[2];
static struct resolver *resolver;
static struct dns_tally tally;

/* Time enough for a noisy machine where nobody is silent. */
static const struct resolver_options patient = { .attempt_ms = 5000, .deadline_ms = 15000 };
/* Where somebody is. */
static const struct resolver_options hasty = { .attempt_ms = 100, .deadline_ms = 15000 };

static void
start(enum dns_server_how first, enum dns_server_how second, struct resolver_options o)
{
	const char *why = NULL;
	char list[64];

	loop = ev_loop_new(0);
	dns_server_start(&server[0], loop, first);
	dns_server_start(&server[1], loop, second);
	snprintf(list, sizeof(list), "127.0.0.1:%u, 127.0.0.1:%u", (unsigned)server[0].port,
	    (unsigned)server[1].port);
	o.servers = list;
	memset(&tally, 0, sizeof(tally));
	resolver = resolver_new(loop, &o, &why);
	if (resolver == NULL)
		fail_msg("%s", why);
}

static void
end(void)
{
	resolver_free(resolver);
	dns_server_stop(&server[0]);
	dns_server_stop(&server[1]);
	ev_loop_destroy(loop);
}

struct one {
	struct dns_waiter w;
	struct dns_question q;
	unsigned done;
	enum dns_state seen; /* when it was told */
};

static void
on_done(struct dns_waiter *w)
{
	struct one *o = w->arg;
	struct dns_answer a;

	resolver_look(resolver, &o->q, &a);
	o->seen = a.state;
	o->done++;
}

static struct one
one(enum dns_type type, const char *name)
{
	return (struct one){ .w = { .done = on_done },
		.q = { .type = type, .name = slice_of(name), .tally = &tally } };
}

static bool
ask(struct one *o)
{
	bool asked;
	unsigned before = o->done;

	o->w.arg = o;
	asked = resolver_ask(resolver, &o->q, &o->w);
	assert_int_equal(o->done, before);
	return asked;
}

static void
on_watchdog(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l, (void)events;
	*(bool *)t->data = true;
}

static bool
is_done(void *o)
{
	return ((struct one *)o)->done > 0;
}

static void
run_until(bool (*over)(void *arg), void *arg)
{
	bool hangs = false;
	ev_timer watchdog;

	ev_timer_init(&watchdog, on_watchdog, WATCHDOG_S, 0.);
	watchdog.data = &hangs;
	ev_now_update(loop);
	ev_timer_start(loop, &watchdog);
	while (!hangs && !over(arg))
		ev_run(loop, EVRUN_ONCE);
	ev_timer_stop(loop, &watchdog);
	if (hangs)
		fail_msg("nothing came");
}

/* Ask and wait. */
static struct dns_answer
answer_to(enum dns_type type, const char *name)
{
	struct one o = one(type, name);
	struct dns_answer a;

	assert_true(ask(&o));
	run_until(is_done, &o);
	assert_int_equal(o.done, 1);
	resolver_look(resolver, &o.q, &a);
	assert_int_equal(o.seen, a.state);
	assert_int_not_equal(a.state, DNS_UNKNOWN);
	return a;
}

static uint64_t
counted(const struct counter *c)
{
	return counter_get(c);
}

static void
found(void **state)
{
	struct one o = one(DNS_A, "a.test");
	const struct resolver_counts *c;
	struct dns_answer a;

	(void)state;
	start(SAYS_FOUND, SAYS_NOTHING, patient);
	c = resolver_counts(resolver);
	resolver_look(resolver, &o.q, &a);
	assert_int_equal(a.state, DNS_UNKNOWN);
	a = answer_to(DNS_A, "a.test");
	assert_true(a.state == DNS_FOUND && a.count == 1);
	assert_true(slice_equal(a.data, SLICE("\177\0\0\11")));
	a = answer_to(DNS_PTR, "a.test");
	assert_true(a.count == 1 && slice_equal(a.data, SLICE("\14host.example")));
	a = answer_to(DNS_AAAA, "a.test");
	assert_true(a.count == 1 && a.data.len == 16 && a.data.ptr[15] == 9);
	assert_int_equal(server[0].udp_queries, 3);
	assert_int_equal(server[1].udp_queries, 0);
	assert_int_equal(counted(&tally.queries), 3);
	assert_int_equal(counted(&tally.answers), 3);
	assert_int_equal(counted(&tally.failures) + counted(&tally.timeouts), 0);
	assert_int_equal(counted(&c->server[0].answers), 3);
	assert_int_equal(atomic_load(&c->servers), 2);
	assert_int_equal(counted(&c->inflight), 0);
	assert_int_equal(counted(&c->cache_entries), 3);
	end();
}

static bool
see_left(void *arg, const struct dns_cached *e)
{
	*(int64_t *)arg = e->left_ms;
	return true;
}

/* Within how many seconds, rounded up, what is in the cache will be too old. */
static unsigned
left_s(void)
{
	int64_t left = 0;

	dns_cache_walk(resolver_cache(resolver), clock_mono_ms(), see_left, &left);
	return (unsigned)((left + 999) / 1000);
}

/* The time that is left is at most what was meant, and more than half of it. */
static void
how_long_it_is_known(void **state)
{
	static const struct {
		const char *what;
		enum dns_server_how how;
		uint32_t ttl_s, zone_min_s, zone_max_s, want_s;
	} cases[] = {
		{ "its own", SAYS_FOUND, 1000, 0, 0, 1000 },
		{ "the resolver's least", SAYS_FOUND, 1, 0, 0, 200 },
		{ "the resolver's most", SAYS_FOUND, 100000, 0, 0, 5000 },
		{ "a TTL that looks negative", SAYS_FOUND, UINT32_MAX, 0, 0, 200 },
		{ "the zone's least", SAYS_FOUND, 1, 800, 0, 800 },
		{ "the zone's most", SAYS_FOUND, 1000, 0, 400, 400 },
		{ "the zone's most is below the resolver's least", SAYS_FOUND, 1, 0, 60, 60 },
		{ "and the answer's own is above both", SAYS_FOUND, 1000, 0, 60, 60 },
		{ "of none", SAYS_NONE, 900, 0, 0, 900 },
		{ "the least of none", SAYS_NONE, 1, 0, 0, 300 },
		{ "the most of none", SAYS_NONE, 100000, 0, 0, 3000 },
		{ "without SOA", SAYS_NO_SOA, 1000, 0, 0, 300 },
		{ "none, and the zone's most", SAYS_NONE, 900, 0, 60, 60 },
		{ "none is not known for longer by a zone's least", SAYS_NONE, 400, 2000, 0, 400 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct one o = one(DNS_A, "a.test");
		struct resolver_options options = patient;
		unsigned left;

		options.ttl_min_s = 200;
		options.ttl_max_s = 5000;
		options.none_min_s = 300;
		options.none_max_s = 3000;
		start(cases[i].how, SAYS_NOTHING, options);
		server[0].ttl_s = cases[i].ttl_s;
		o.q.ttl_min_s = cases[i].zone_min_s;
		o.q.ttl_max_s = cases[i].zone_max_s;
		assert_true(ask(&o));
		run_until(is_done, &o);
		assert_int_equal(o.seen, cases[i].how == SAYS_FOUND ? DNS_FOUND : DNS_NONE);
		left = left_s();
		if (left > cases[i].want_s || left <= cases[i].want_s / 2)
			fail_msg("%s: %u", cases[i].what, left);
		end();
	}
}

static void
the_next_one_is_asked(void **state)
{
	static const struct {
		const char *what;
		enum dns_server_how how;
		size_t counter;
	} cases[] = {
		{ "server failure", SAYS_SERVFAIL, offsetof(struct resolver_server, failures) },
		{ "refused", SAYS_REFUSED, offsetof(struct resolver_server, refused) },
		{ "silent", SAYS_NOTHING, offsetof(struct resolver_server, timeouts) },
		{ "malformed", SAYS_LOOP, offsetof(struct resolver_server, malformed) },
		{ "garbage", GARBAGE_ONLY, offsetof(struct resolver_server, timeouts) },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const struct resolver_server *s;
		struct dns_answer a;

		start(cases[i].how, SAYS_FOUND, hasty);
		a = answer_to(DNS_A, "a.test");
		s = &resolver_counts(resolver)->server[0];
		if (a.state != DNS_FOUND || server[0].udp_queries == 0 ||
		    counted((const struct counter *)(const void *)((const char *)s +
								   cases[i].counter)) == 0)
			fail_msg("%s", cases[i].what);
		assert_int_equal(counted(&tally.queries), 1);
		assert_int_equal(counted(&tally.answers), 1);
		assert_int_equal(counted(&tally.failures) + counted(&tally.timeouts), 0);
		end();
	}
}

static bool
is_forgotten(void *arg)
{
	struct dns_question *q = arg;
	struct dns_answer a;

	resolver_look(resolver, q, &a);
	return a.state == DNS_UNKNOWN;
}

/* A timer that does nothing: the loop turns. */
static void
on_turn(struct ev_loop *l, ev_timer *t, int events)
{
	(void)l, (void)t, (void)events;
}

static void
nobody_says(void **state)
{
	static const struct {
		enum dns_server_how how;
		bool timeout;
	} cases[] = { { SAYS_NOTHING, true }, { SAYS_SERVFAIL, false }, { SAYS_REFUSED, false },
		{ SAYS_LOOP, false } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct resolver_options o = {
			.attempt_ms = 100, .deadline_ms = 1000, .failed_s = 1
		};
		struct one first = one(DNS_A, "a.test"), again = one(DNS_A, "a.test");
		ev_timer turn;

		if (!cases[i].timeout)
			o.attempt_ms = o.deadline_ms = 10000;
		start(cases[i].how, cases[i].how, o);
		assert_true(ask(&first));
		run_until(is_done, &first);
		assert_int_equal(first.seen, DNS_FAILED);
		assert_true(server[0].udp_queries > 0 && server[1].udp_queries > 0);
		assert_int_equal(counted(&tally.timeouts), cases[i].timeout);
		assert_int_equal(counted(&tally.failures), !cases[i].timeout);
		/* And then it is asked again. */
		ev_timer_init(&turn, on_turn, 0.01, 0.01);
		ev_timer_start(loop, &turn);
		run_until(is_forgotten, &first.q);
		ev_timer_stop(loop, &turn);
		server[0].how = server[1].how = SAYS_FOUND;
		assert_true(ask(&again));
		run_until(is_done, &again);
		assert_int_equal(again.seen, DNS_FOUND);
		assert_int_equal(first.done, 1);
		end();
	}
}

static void
lies_are_ignored(void **state)
{
	static const struct {
		const char *what;
		enum dns_server_how how;
	} cases[] = { { "wrong id", WRONG_ID_FIRST }, { "wrong question", WRONG_QUESTION_FIRST },
		{ "from another port", OTHER_PORT_FIRST }, { "empty", EMPTY_FIRST },
		{ "garbage", GARBAGE_FIRST } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct dns_answer a;

		start(cases[i].how, SAYS_NOTHING, patient);
		a = answer_to(DNS_A, "a.test");
		if (a.state != DNS_FOUND || !slice_equal(a.data, SLICE("\177\0\0\11")))
			fail_msg("%s", cases[i].what);
		assert_int_equal(server[0].udp_queries, 1);
		assert_int_equal(server[1].udp_queries, 0);
		end();
	}
}

static void
what_is_truncated_comes_over_tcp(void **state)
{
	struct dns_answer a;

	(void)state;
	start(SAYS_TRUNCATED, SAYS_NOTHING, patient);
	a = answer_to(DNS_A, "a.test");
	assert_true(a.state == DNS_FOUND && a.count == 60);
	assert_int_equal(server[0].tcp_queries, 1);
	a = answer_to(DNS_A, "b.test");
	assert_true(a.state == DNS_FOUND && a.count == 60);
	assert_int_equal(server[0].tcp_queries, 2);
	assert_int_equal(server[1].udp_queries, 0);
	end();
	/* Who has no TCP is no help. */
	start(SAYS_TRUNCATED, SAYS_FOUND, patient);
	dns_server_no_tcp(&server[0]);
	a = answer_to(DNS_A, "a.test");
	assert_true(a.state == DNS_FOUND && a.count == 1);
	end();
	start(SAYS_TRUNCATED, SAYS_TRUNCATED, patient);
	dns_server_no_tcp(&server[0]);
	dns_server_no_tcp(&server[1]);
	a = answer_to(DNS_A, "a.test");
	assert_int_equal(a.state, DNS_FAILED);
	end();
}

static bool
was_asked(void *arg)
{
	return ((struct dns_server *)arg)->udp_queries > 0;
}

static void
one_question_for_many(void **state)
{
	enum { MANY = 100 };
	static struct one many[MANY];

	(void)state;
	start(SAYS_NOTHING, SAYS_NOTHING, patient);
	for (size_t i = 0; i < MANY; i++) {
		many[i] = one(DNS_A, "a.test");
		assert_true(ask(&many[i]));
	}
	resolver_leave(&many[0].w);
	resolver_leave(&many[50].w);
	resolver_leave(&many[50].w);
	resolver_leave(&many[MANY - 1].w);
	run_until(was_asked, &server[0]);
	dns_server_release(&server[0]);
	run_until(is_done, &many[1]);
	for (size_t i = 0; i < MANY; i++) {
		const bool left = i == 0 || i == 50 || i == MANY - 1;

		assert_int_equal(many[i].done, !left);
		assert_null(many[i].w.back);
	}
	assert_int_equal(server[0].udp_queries + server[1].udp_queries, 1);
	assert_int_equal(counted(&resolver_counts(resolver)->coalesced), MANY - 1);
	assert_int_equal(counted(&tally.queries), 1);
	end();
}

static void
not_more_than_so_many(void **state)
{
	enum { MANY = 4 };
	struct resolver_options o = patient;
	struct one many[MANY + 1];
	char name[MANY + 1][32];

	(void)state;
	o.inflight_max = MANY;
	start(SAYS_NOTHING, SAYS_NOTHING, o);
	for (unsigned i = 0; i <= MANY; i++) {
		snprintf(name[i], sizeof(name[i]), "n%u.test", i);
		many[i] = one(DNS_A, name[i]);
		assert_int_equal(ask(&many[i]), i < MANY);
	}
	assert_null(many[MANY].w.back);
	assert_int_equal(counted(&resolver_counts(resolver)->dropped), 1);
	assert_int_equal(counted(&resolver_counts(resolver)->inflight), MANY);
	assert_int_equal(counted(&tally.dropped), 1);
	/* What is on its way can be waited for by anybody. */
	many[MANY] = one(DNS_A, name[0]);
	assert_true(ask(&many[MANY]));
	/* Freed with all of it on its way: nobody is told. */
	run_until(was_asked, &server[0]);
	end();
	for (unsigned i = 0; i <= MANY; i++) {
		assert_int_equal(many[i].done, 0);
		assert_null(many[i].w.back);
	}
}

/* One who is told asks again, and makes another leave. */
static struct one told, sent_away, asked_then;

static void
on_done_meddle(struct dns_waiter *w)
{
	(void)w;
	told.done++;
	resolver_leave(&sent_away.w);
	resolver_leave(&told.w);
	assert_true(ask(&asked_then));
}

static void
waiters_may_meddle(void **state)
{
	(void)state;
	start(SAYS_FOUND, SAYS_FOUND, patient);
	/* The last that asks is told first. */
	sent_away = one(DNS_A, "a.test");
	told = one(DNS_A, "a.test");
	asked_then = one(DNS_A, "a.test");
	told.w.done = on_done_meddle;
	assert_true(ask(&sent_away) && ask(&told));
	run_until(is_done, &told);
	run_until(is_done, &asked_then);
	assert_int_equal(told.done, 1);
	assert_int_equal(sent_away.done, 0);
	assert_int_equal(asked_then.seen, DNS_FOUND);
	assert_int_equal(server[0].udp_queries, 2);
	end();
}

static bool
is_found(void *arg)
{
	struct dns_answer a;

	resolver_look(resolver, arg, &a);
	return a.state == DNS_FOUND;
}

static void
what_is_late_is_kept(void **state)
{
	const struct resolver_options o = { .attempt_ms = 15000, .deadline_ms = 50 };
	struct one first = one(DNS_A, "a.test"), next = one(DNS_A, "a.test");

	(void)state;
	start(SAYS_NOTHING, SAYS_NOTHING, o);
	assert_true(ask(&first));
	run_until(is_done, &first);
	assert_int_equal(first.seen, DNS_FAILED);
	/* Who asks meanwhile waits for the same. */
	assert_true(ask(&next));
	run_until(was_asked, &server[0]);
	dns_server_release(&server[0]);
	run_until(is_found, &first.q);
	run_until(is_done, &next);
	assert_int_equal(next.seen, DNS_FOUND);
	assert_int_equal(first.done, 1);
	assert_int_equal(counted(&resolver_counts(resolver)->late), 1);
	assert_int_equal(counted(&resolver_counts(resolver)->inflight), 0);
	assert_int_equal(server[0].udp_queries, 1);
	end();
}

static void
ask_another(void)
{
	static unsigned n;
	char name[32];

	snprintf(name, sizeof(name), "another%u.test", n++);
	assert_int_equal(answer_to(DNS_A, name).state, DNS_FOUND);
}

static void
who_is_down_is_asked_last(void **state)
{
	const struct resolver_server *s;
	unsigned before, asked = 0;

	(void)state;
	start(SAYS_NOTHING, SAYS_FOUND,
	    (struct resolver_options){ .attempt_ms = 30, .deadline_ms = 15000 });
	s = &resolver_counts(resolver)->server[0];
	for (unsigned i = 0; i < 3; i++) {
		assert_false(atomic_load(&s->down));
		ask_another();
	}
	assert_true(atomic_load(&s->down));
	assert_false(atomic_load(&s[1].down));
	/* But for one now and then that finds out. */
	before = server[0].udp_queries;
	for (unsigned i = 0; i < 20; i++)
		ask_another();
	assert_in_range(server[0].udp_queries - before, 0, 10);
	server[0].how = SAYS_FOUND;
	while (atomic_load(&s->down) && ++asked < 100000)
		ask_another();
	assert_false(atomic_load(&s->down));
	before = server[0].udp_queries;
	ask_another();
	assert_int_equal(server[0].udp_queries, before + 1);
	end();
}

static void
names(void **state)
{
	static const char *const bad[] = { "", ".", "A.test", "a.test.", "a..test", "a b.test",
		"a/b.test" };
	char longest[DNS_NAME_MAX + 1];

	(void)state;
	start(SAYS_FOUND, SAYS_FOUND, patient);
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct one o = one(DNS_A, bad[i]);

		if (ask(&o) || o.w.back != NULL)
			fail_msg("%s", bad[i]);
	}
	/* 255 bytes on the wire. */
	for (size_t i = 0; i < DNS_NAME_MAX; i++)
		longest[i] = i % 64 == 63 ? '.' : 'x';
	longest[DNS_NAME_MAX] = '\0';
	assert_int_equal(answer_to(DNS_A, longest).state, DNS_FOUND);
	assert_int_equal(server[0].udp_queries, 1);
	end();
}

static void
lists_of_servers(void **state)
{
	static const struct {
		const char *in;
		bool valid;
	} cases[] = {
		{ "127.0.0.1", true },
		{ "127.0.0.1:5353", true },
		{ "::1", true },
		{ "[::1]", true },
		{ "[::1]:65535", true },
		{ " 127.0.0.1 , [::1]:53 ", true },
		{ "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8", true },
		{ "1.1.1.1,1.1.1.2,1.1.1.3,1.1.1.4,1.1.1.5,1.1.1.6,1.1.1.7,1.1.1.8,1.1.1.9",
		    false },
		{ "", false },
		{ ",", false },
		{ "127.0.0.1,", false },
		{ "127.0.0.1:", false },
		{ "127.0.0.1:0", false },
		{ "127.0.0.1:65536", false },
		{ "127.0.0.1:53x", false },
		{ "127.0.0.1:-1", false },
		{ "[127.0.0.1]:53", false },
		{ "[::1", false },
		{ "[]", false },
		{ "[", false },
		{ "[::1]53", false },
		{ "[::1]:", false },
		{ "::1]:53", false },
		{ "dns.example", false },
		{ "127.0.0.1 127.0.0.2", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		/* A copy of exactly its size, so that a sanitizer sees a step beyond. */
		size_t n = strlen(cases[i].in);
		char *exact = malloc(n + 1);
		const char *why = NULL;

		exact = realloc(memcpy(exact, cases[i].in, n + 1), n > 0 ? n : 1);
		if (resolver_servers_valid((struct slice){ exact, n }, &why) != cases[i].valid ||
		    (why == NULL) != cases[i].valid)
			fail_msg("%s", cases[i].in);
		free(exact);
	}
}

static void
a_wrong_list_is_refused(void **state)
{
	const struct resolver_options o = { .servers = "not a server" };
	const char *why = NULL;

	(void)state;
	loop = ev_loop_new(0);
	assert_null(resolver_new(loop, &o, &why));
	assert_non_null(why);
	resolver_free(NULL);
	ev_loop_destroy(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(how_long_it_is_known),
		cmocka_unit_test(the_next_one_is_asked),
		cmocka_unit_test(nobody_says),
		cmocka_unit_test(lies_are_ignored),
		cmocka_unit_test(what_is_truncated_comes_over_tcp),
		cmocka_unit_test(one_question_for_many),
		cmocka_unit_test(not_more_than_so_many),
		cmocka_unit_test(waiters_may_meddle),
		cmocka_unit_test(what_is_late_is_kept),
		cmocka_unit_test(who_is_down_is_asked_last),
		cmocka_unit_test(names),
		cmocka_unit_test(lists_of_servers),
		cmocka_unit_test(a_wrong_list_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
