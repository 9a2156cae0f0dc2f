#include "base/clock.h"
#include "unit/net/resolver_lab.h"

static void
says_what_servers_say(void **state)
{
	enum { ANSWER, REFUSAL, FAILURE, TIMEOUT, MALFORMED };
	static const struct {
		const char *name;
		enum dns_mode first, second;
		enum dns_type type;
		enum dns_state want;
		unsigned counted; /* for the first server */
		bool second_asked;
	} cases[] = {
		{ "found", SAY_FOUND, SAY_FOUND, DNS_A, DNS_FOUND, ANSWER, false },
		{ "found, 16 bytes", SAY_FOUND, SAY_FOUND, DNS_AAAA, DNS_FOUND, ANSWER, false },
		{ "found, a name", SAY_FOUND, SAY_FOUND, DNS_PTR, DNS_FOUND, ANSWER, false },
		{ "none", SAY_NONE, SAY_FOUND, DNS_A, DNS_NONE, ANSWER, false },
		{ "none, bare", SAY_NONE_BARE, SAY_FOUND, DNS_A, DNS_NONE, ANSWER, false },
		{ "no data", SAY_NO_DATA, SAY_FOUND, DNS_A, DNS_NONE, ANSWER, false },
		{ "servfail", SAY_SERVFAIL, SAY_FOUND, DNS_A, DNS_FOUND, FAILURE, true },
		{ "refused", SAY_REFUSED, SAY_FOUND, DNS_A, DNS_FOUND, REFUSAL, true },
		{ "silent", SAY_NOTHING, SAY_FOUND, DNS_A, DNS_FOUND, TIMEOUT, true },
		{ "none who knows", SAY_REFUSED, SAY_SERVFAIL, DNS_A, DNS_FAILED, REFUSAL, true },
		{ "second has none", SAY_SERVFAIL, SAY_NONE, DNS_A, DNS_NONE, FAILURE, true },
		{ "wrong id", SAY_WRONG_ID, SAY_NONE, DNS_A, DNS_FOUND, ANSWER, false },
		{ "wrong question", SAY_WRONG_QUESTION, SAY_NONE, DNS_A, DNS_FOUND, ANSWER, false },
		{ "wrong port", SAY_WRONG_PORT, SAY_NONE, DNS_A, DNS_FOUND, ANSWER, false },
		{ "truncated", SAY_TRUNCATED, SAY_NONE, DNS_A, DNS_FOUND, ANSWER, false },
		{ "truncated, TCP silent", SAY_TRUNCATED_TCP_SILENT, SAY_NONE, DNS_A, DNS_NONE,
		    TIMEOUT, true },
		{ "loop", SAY_LOOP, SAY_FOUND, DNS_A, DNS_FOUND, MALFORMED, true },
		{ "255 bytes", SAY_LONG_NAME, SAY_NONE, DNS_PTR, DNS_FOUND, ANSWER, false },
		{ "300 bytes", SAY_TOO_LONG, SAY_NONE, DNS_PTR, DNS_NONE, MALFORMED, true },
		{ "half", SAY_HALF, SAY_FOUND, DNS_A, DNS_FOUND, MALFORMED, true },
		{ "garbage", SAY_GARBAGE, SAY_FOUND, DNS_A, DNS_FOUND, TIMEOUT, true },
		{ "empty", SAY_EMPTY, SAY_FOUND, DNS_A, DNS_FOUND, TIMEOUT, true },
		{ "empty, then right", SAY_EMPTY_FIRST, SAY_NONE, DNS_A, DNS_FOUND, ANSWER, false },
	};
	struct lab l;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct resolver_server *c;
		uint64_t counted[5];

		print_message("  %s\n", cases[i].name);
		lab_open(&l, 2,
		    (struct resolver_options){ .deadline_ms = NEVER_MS,
			.attempt_ms = cases[i].counted == TIMEOUT ? 250 : NEVER_MS });
		l.server[0].mode = cases[i].first;
		l.server[1].mode = cases[i].second;
		assert_int_equal(look(&l, cases[i].type, "x.example"), DNS_UNKNOWN);
		assert_int_equal(resolve(&l, cases[i].type, "x.example"), cases[i].want);
		assert_int_equal(l.server[0].asked, 1);
		assert_int_equal(l.server[1].asked > 0, cases[i].second_asked);
		c = count(&l, 0);
		counted[ANSWER] = counter_get(&c->answers);
		counted[REFUSAL] = counter_get(&c->refused);
		counted[FAILURE] = counter_get(&c->failures);
		counted[TIMEOUT] = counter_get(&c->timeouts);
		counted[MALFORMED] = counter_get(&c->malformed);
		for (unsigned j = 0; j < 5; j++)
			assert_int_equal(counted[j], j == cases[i].counted);
		assert_int_equal(counter_get(&l.tally.queries), 1);
		assert_int_equal(counter_get(&l.tally.answers), cases[i].want != DNS_FAILED);
		assert_int_equal(counter_get(&l.tally.failures), cases[i].want == DNS_FAILED);
		assert_int_equal(counter_get(&l.tally.timeouts), 0);
		assert_int_equal(counter_get(&l.tally.lookups), 3);
		assert_int_equal(counter_get(&l.tally.cached), cases[i].type == DNS_A ? 2 : 1);
		assert_int_equal(counter_get(&resolver_counts(l.resolver)->inflight), 0);
		lab_close(&l);
	}
}

/* The records of a false answer end in 66, those of the right one in 2 and more. */
static void
believes_the_right_answer(void **state)
{
	static const enum dns_mode modes[] = { SAY_WRONG_ID, SAY_WRONG_QUESTION, SAY_WRONG_PORT,
		SAY_TRUNCATED };
	struct lab l;

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		struct dns_question q;
		struct dns_answer a;
		struct slice record;
		size_t at = 0;

		lab_open(&l, 1, patient);
		l.server[0].mode = modes[i];
		resolve(&l, DNS_A, "x.example");
		q = question(&l, DNS_A, "x.example");
		resolver_look(l.resolver, &q, &a);
		assert_int_equal(a.count, modes[i] == SAY_TRUNCATED ? 40 : 1);
		for (char last = 2; dns_answer_next(&a, &at, &record); last++) {
			assert_int_equal(record.len, 4);
			assert_int_equal(record.ptr[3], last);
		}
		assert_int_equal(l.server[0].asked_tcp, modes[i] == SAY_TRUNCATED);
		lab_close(&l);
	}
}

/* A TCP connection that is refused may not cost those their answer that are on their way by UDP. */
static void
survives_broken_sockets(void **state)
{
	struct asker a[1] = { 0 };
	struct lab l;

	(void)state;
	lab_open(&l, 1, patient);
	l.server[0].mode = SAY_LATER;
	assert_true(ask(&a[0], &l, DNS_A, "held"));
	run_until(&l, l.server[0].asked == 1);
	dns_server_close_tcp(&l.server[0]);
	l.server[0].mode = SAY_TRUNCATED;
	assert_int_equal(resolve(&l, DNS_A, "large"), DNS_FAILED);
	assert_int_equal(a[0].done, 0);
	dns_server_release(&l.server[0]);
	run_until(&l, a[0].done == 1);
	assert_int_equal(a[0].state, DNS_FOUND);
	assert_int_equal(counter_get(&count(&l, 0)->answers), 1);
	lab_close(&l);
}

static bool
take_left(void *arg, const struct dns_cached *e)
{
	*(int64_t *)arg = e->left_ms;
	return true;
}

static void
clamps_how_long_it_is_known(void **state)
{
	static const struct {
		enum dns_mode mode;
		uint32_t ttl_s, soa_ttl_s, soa_minimum_s, question_min_s, question_max_s, want_s;
	} cases[] = {
		{ SAY_FOUND, 3000, 0, 0, 0, 0, 3000 },
		{ SAY_FOUND, 10, 0, 0, 0, 0, 1000 },
		{ SAY_FOUND, 90000, 0, 0, 0, 0, 5000 },
		{ SAY_FOUND, UINT32_MAX, 0, 0, 0, 0, 1000 }, /* RFC 2181, 8: zero */
		{ SAY_FOUND, 10, 0, 0, 600, 0, 600 },
		{ SAY_FOUND, 3000, 0, 0, 0, 2000, 2000 },
		{ SAY_FOUND, 9000, 0, 0, 500, 8000, 8000 },
		{ SAY_NONE, 0, 3000, 2500, 0, 0, 2500 },
		{ SAY_NONE, 0, 2600, 90000, 0, 0, 2600 },
		{ SAY_NONE, 0, 10, 10, 0, 0, 1500 },
		{ SAY_NONE, 0, 90000, 90000, 0, 0, 4000 },
		{ SAY_NO_DATA, 0, 3000, 3000, 0, 0, 3000 },
		{ SAY_NONE_BARE, 0, 0, 0, 0, 0, 1500 },
		{ SAY_SERVFAIL, 0, 0, 0, 700, 800, 6000 },
	};
	struct lab l;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct asker a = { .waiter.done = on_done, .name = "x.example", .lab = &l };
		struct dns_question q;
		int64_t left_ms = 0;

		print_message("  %zu\n", i);
		lab_open(&l, 1,
		    (struct resolver_options){ .attempt_ms = NEVER_MS,
			.deadline_ms = NEVER_MS,
			.ttl_min_s = 1000,
			.ttl_max_s = 5000,
			.none_min_s = 1500,
			.none_max_s = 4000,
			.failed_s = 6000 });
		l.server[0].mode = cases[i].mode;
		l.server[0].ttl_s = cases[i].ttl_s;
		l.server[0].soa_ttl_s = cases[i].soa_ttl_s;
		l.server[0].soa_minimum_s = cases[i].soa_minimum_s;
		q = question(&l, DNS_A, a.name);
		q.ttl_min_s = cases[i].question_min_s;
		q.ttl_max_s = cases[i].question_max_s;
		assert_true(resolver_ask(l.resolver, &q, &a.waiter));
		run_until(&l, a.done == 1);
		dns_cache_walk(resolver_cache(l.resolver), 0, take_left, &left_ms);
		assert_int_not_equal(left_ms, 0);
		dns_cache_walk(resolver_cache(l.resolver), clock_mono_ms(), take_left, &left_ms);
		/* A minute for a machine that is busy. */
		assert_in_range(
		    left_ms, cases[i].want_s * 1000ll - 60000, cases[i].want_s * 1000ll);
		lab_close(&l);
	}
}

static void
forgets_a_failure(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l, 1,
	    (struct resolver_options){
		.attempt_ms = NEVER_MS, .deadline_ms = NEVER_MS, .failed_s = 1 });
	l.server[0].mode = SAY_REFUSED;
	assert_int_equal(resolve(&l, DNS_A, "x.example"), DNS_FAILED);
	run_until(&l, look(&l, DNS_A, "x.example") == DNS_UNKNOWN);
	l.server[0].mode = SAY_FOUND;
	assert_int_equal(resolve(&l, DNS_A, "x.example"), DNS_FOUND);
	lab_close(&l);
}

static void
asks_once_for_all(void **state)
{
	static struct asker a[100];
	struct asker other = { 0 };
	struct lab l;

	(void)state;
	memset(a, 0, sizeof(a));
	lab_open(&l, 1, patient);
	l.server[0].mode = SAY_LATER;
	for (unsigned i = 0; i < 100; i++)
		assert_true(ask(&a[i], &l, DNS_A, "x.example"));
	run_until(&l, l.server[0].asked == 1);
	assert_int_equal(counter_get(&resolver_counts(l.resolver)->inflight), 1);
	/* Another type is another question. */
	assert_true(ask(&other, &l, DNS_AAAA, "x.example"));
	run_until(&l, l.server[0].asked == 2);
	dns_server_release(&l.server[0]);
	for (unsigned i = 0; i < 100; i++)
		run_until(&l, a[i].done == 1);
	assert_int_equal(l.server[0].asked, 2);
	assert_int_equal(counter_get(&l.tally.queries), 2);
	run_until(&l, counter_get(&l.tally.answers) == 2);
	assert_int_equal(counter_get(&resolver_counts(l.resolver)->coalesced), 99);
	run_until(&l, other.done == 1);
	assert_int_equal(look(&l, DNS_AAAA, "x.example"), DNS_FOUND);
	lab_close(&l);
}

static void
bounds_what_is_on_its_way(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	struct resolver_options o = patient;
	struct asker a[4] = { 0 }, more = { 0 };
	struct lab l;

	(void)state;
	o.inflight_max = 4;
	lab_open(&l, 1, o);
	l.server[0].mode = SAY_LATER;
	for (unsigned i = 0; i < 4; i++)
		assert_true(ask(&a[i], &l, DNS_A, names[i]));
	assert_false(ask(&more, &l, DNS_A, "e"));
	assert_null(more.waiter.back);
	assert_int_equal(counter_get(&resolver_counts(l.resolver)->dropped), 1);
	assert_int_equal(counter_get(&l.tally.dropped), 1);
	assert_true(ask(&more, &l, DNS_A, "a")); /* is on its way */
	run_until(&l, l.server[0].asked == 4);
	dns_server_release(&l.server[0]);
	run_until(&l, a[0].done + a[1].done + a[2].done + a[3].done + more.done == 5);
	assert_int_equal(resolve(&l, DNS_A, "e"), DNS_FOUND);
	lab_close(&l);
}

static void
lets_waiters_leave(void **state)
{
	struct asker a[4] = { 0 };
	struct lab l;

	(void)state;
	lab_open(&l, 1, patient);
	l.server[0].mode = SAY_LATER;
	resolver_leave(&a[0].waiter); /* it does not wait yet */
	for (unsigned i = 0; i < 4; i++)
		assert_true(ask(&a[i], &l, DNS_A, "x.example"));
	resolver_leave(&a[2].waiter);
	resolver_leave(&a[2].waiter);
	/* Whoever of the two is told first makes the other leave. */
	a[0].leaves = &a[1].waiter;
	a[1].leaves = &a[0].waiter;
	run_until(&l, l.server[0].asked == 1);
	dns_server_release(&l.server[0]);
	run_until(&l, a[3].done == 1 && a[0].done + a[1].done == 1);
	for (unsigned i = 0; i < 4; i++)
		assert_null(a[i].waiter.back);
	assert_int_equal(a[2].done, 0);
	assert_int_equal(a[0].done + a[1].done, 1);

	/* All may leave; what was asked is known all the same. */
	l.server[0].mode = SAY_LATER;
	memset(a, 0, sizeof(a));
	assert_true(ask(&a[0], &l, DNS_A, "y.example"));
	run_until(&l, l.server[0].held_count == 1);
	resolver_leave(&a[0].waiter);
	dns_server_release(&l.server[0]);
	run_until(&l, look(&l, DNS_A, "y.example") == DNS_FOUND);
	assert_int_equal(a[0].done, 0);
	lab_close(&l);
}

static void
goes_with_questions_on_their_way(void **state)
{
	struct asker a[3] = { 0 };
	struct lab l;

	(void)state;
	lab_open(&l, 2, patient);
	l.server[0].mode = SAY_TRUNCATED_TCP_SILENT;
	assert_true(ask(&a[0], &l, DNS_A, "tcp.example"));
	run_until(&l, l.server[0].asked_tcp == 1);
	l.server[0].mode = SAY_LATER;
	assert_true(ask(&a[1], &l, DNS_A, "udp.example"));
	assert_true(ask(&a[2], &l, DNS_A, "now.onion")); /* has ended, is not told */
	lab_close(&l);
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(a[i].done, 0);
		resolver_leave(&a[i].waiter);
	}
}

/* c-ares refuses names under onion at once; on_done sees to it that nobody is told from within. */
static void
tells_from_the_loop(void **state)
{
	struct asker a = { .asks_again = true };
	struct lab l;

	(void)state;
	lab_open(&l, 2, patient);
	assert_true(ask(&a, &l, DNS_A, "abc.onion"));
	assert_int_equal(a.done, 0);
	run_until(&l, a.done == 2);
	assert_int_equal(a.state, DNS_FAILED);
	assert_int_equal(l.server[0].asked + l.server[1].asked, 0);
	assert_false(atomic_load(&count(&l, 0)->down));
	lab_close(&l);
}

static void
refuses_names_that_are_not_normal(void **state)
{
	char long_name[300], long_label[80] = "x.";
	struct lab l;

	(void)state;
	memset(long_name, 'a', sizeof(long_name) - 1);
	for (unsigned i = 60; i < 299; i += 60)
		long_name[i] = '.';
	long_name[299] = '\0';
	memset(long_label + 2, 'b', 64);
	{
		const char *const names[] = { "", ".", "A.example", "a..b", "a.b.", "a b", "a\\.b",
			long_name, long_label };

		lab_open(&l, 1, patient);
		for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
			struct asker a = { .done = 0 };

			assert_false(ask(&a, &l, DNS_A, names[i]));
		}
	}
	long_name[DNS_NAME_MAX] = '\0';
	assert_int_equal(resolve(&l, DNS_A, long_name), DNS_FOUND);
	lab_close(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_servers_say),
		cmocka_unit_test(believes_the_right_answer),
		cmocka_unit_test(survives_broken_sockets),
		cmocka_unit_test(clamps_how_long_it_is_known),
		cmocka_unit_test(forgets_a_failure),
		cmocka_unit_test(asks_once_for_all),
		cmocka_unit_test(bounds_what_is_on_its_way),
		cmocka_unit_test(lets_waiters_leave),
		cmocka_unit_test(goes_with_questions_on_their_way),
		cmocka_unit_test(tells_from_the_loop),
		cmocka_unit_test(refuses_names_that_are_not_normal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
