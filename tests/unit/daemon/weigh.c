#include "daemon/weigh.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/ask.h"
#include "unit/allocations.h"
#include "unit/generation.h"

#define NOW 1900000000

static const char policy_text[] =
    "{\"bots\": ["
    "{\"name\": \"bad\", \"user_agent_regex\": \"EvilBot\", \"action\": \"DENY\"},"
    "{\"name\": \"good\", \"path_regex\": \"^/robots\\\\.txt$\", \"action\": \"ALLOW\"},"
    "{\"name\": \"net\", \"remote_addresses\": [\"198.51.100.0/24\"], \"action\": \"DENY\"},"
    "{\"name\": \"browser\", \"user_agent_regex\": \"Mozilla\", \"action\": \"CHALLENGE\","
    " \"challenge\": {\"algorithm\": \"fast\", \"difficulty\": 1}},"
    "{\"name\": \"odd\", \"headers_regex\": {\"Accept\": \"^odd$\"}, \"action\": \"WEIGH\","
    " \"weight\": {\"adjust\": 7}}],"
    "\"thresholds\": [{\"name\": \"all\", \"expression\": \"weight < 1000\", \"action\": "
    "\"ALLOW\"}],"
    "\"status_codes\": {\"CHALLENGE\": 200, \"DENY\": 404}}";

struct bench {
	struct weigher w;
	struct generation *g;
};

static void
setup_bench(struct bench *b, bool shadow)
{
	b->g = make_generation((struct slice){ policy_text, sizeof(policy_text) - 1 }, shadow);
	weigher_init(&b->w, b->g);
}

struct argument {
	const char *name, *value; /* value NULL: NULL on the wire */
};

struct question {
	const char *name;
	const char *message;
	const char *src; /* dotted quad */
	struct argument args[8];
	const char *verdict, *rule; /* verdict NULL: none */
	int64_t weight;
};

static const struct question questions[] = {
	{ "plain", "weigh", "192.0.2.1", { { "ua", "curl/8" }, { "path", "/" } }, "allow",
	    "threshold/all", 0 },
	{ "denied", "weigh", "192.0.2.1", { { "ua", "EvilBot/1" }, { "path", "/" } }, "deny",
	    "bot/bad", 0 },
	{ "by address", "weigh", "198.51.100.7", { { "ua", "curl" } }, "deny", "bot/net", 0 },
	{ "challenged", "weigh", "192.0.2.1",
	    { { "ua", "Mozilla/5.0" }, { "host", "Git.Example.org:443" } }, "challenge",
	    "bot/browser", 0 },
	{ "robots", "weigh", "192.0.2.1", { { "ua", "Mozilla/5.0" }, { "path", "/robots%2etxt" } },
	    "allow", "bot/good", 0 },
	{ "header", "weigh", "192.0.2.1", { { "hdr.accept", "odd" } }, "allow", "threshold/all",
	    7 },
	{ "nothing said", "weigh", "192.0.2.1", { { "ua", NULL }, { "path", NULL } }, "allow",
	    "threshold/all", 0 },
	{ "unknown argument", "weigh", "192.0.2.1", { { "moon", "full" } }, "allow",
	    "threshold/all", 0 },
	{ "unknown message", "wiegh", "192.0.2.1", { { "ua", "curl" } }, NULL, "ammit/no-message",
	    0 },
};

static size_t
build_notify(const struct question *q, uint8_t *buf, size_t room)
{
	struct spop_writer w = { buf, buf + room, false };
	uint8_t *begin = spop_frame_begin(&w, SPOP_NOTIFY, 0, 1);
	struct address src;
	struct spop_value v = { .type = SPOP_IPV4 };
	uint8_t count = 1;

	while (count <= 8 && q->args[count - 1].name != NULL)
		count++;
	spop_write_string(&w, slice_of(q->message));
	spop_write_byte(&w, count);
	assert_true(address_parse(slice_of(q->src), &src));
	v.bytes = (struct slice){ (const char *)src.bytes, 4 };
	spop_write_string(&w, SLICE("src"));
	spop_write_value(&w, &v);
	for (uint8_t i = 0; i + 1 < count; i++) {
		v.type = q->args[i].value != NULL ? SPOP_STRING : SPOP_NULL;
		if (q->args[i].value != NULL)
			v.bytes = slice_of(q->args[i].value);
		spop_write_string(&w, slice_of(q->args[i].name));
		spop_write_value(&w, &v);
	}
	assert_true(spop_frame_end(&w, begin, SPOP_FRAME_MAX));
	return (size_t)(w.pos - buf);
}

struct reply {
	char verdict[32], rule[64], ticket[TICKET_TEXT_MAX + 1], would[32];
	int64_t weight, status, new_pass, remember;
	unsigned actions;
};

static void
read_reply(const uint8_t *bytes, size_t n, struct reply *out)
{
	struct spop_frame f;
	enum spop_status status;

	memset(out, 0, sizeof(*out));
	assert_int_equal(spop_frame_split(bytes, n, SPOP_FRAME_MAX, &f, &status), SPOP_FRAME);
	assert_int_equal(f.bytes, n);
	assert_int_equal(f.type, SPOP_ACK);
	assert_int_equal(f.flags, SPOP_FIN);
	assert_int_equal(f.stream_id, 0);
	assert_int_equal(f.frame_id, 1);
	for (; f.payload.pos < f.payload.end; out->actions++) {
		char *to = NULL;
		struct slice name;
		struct spop_value v;

		assert_int_equal(spop_read_byte(&f.payload), 1);
		assert_int_equal(spop_read_byte(&f.payload), 3);
		assert_int_equal(spop_read_byte(&f.payload), 2);
		name = spop_read_string(&f.payload);
		v = spop_read_value(&f.payload);
		assert_false(f.payload.bad);
		if (slice_equal(name, SLICE("verdict")))
			to = out->verdict;
		else if (slice_equal(name, SLICE("rule")))
			to = out->rule;
		else if (slice_equal(name, SLICE("ticket")))
			to = out->ticket;
		else if (slice_equal(name, SLICE("would")))
			to = out->would;
		else if (slice_equal(name, SLICE("weight")))
			out->weight = v.number;
		else if (slice_equal(name, SLICE("status")))
			out->status = v.number;
		else if (slice_equal(name, SLICE("new_pass")))
			out->new_pass = v.number;
		else if (slice_equal(name, SLICE("remember")))
			out->remember = v.number;
		else
			fail_msg("unknown variable %.*s", (int)name.len, name.ptr);
		if (to != NULL)
			memcpy(to, v.bytes.ptr, v.bytes.len);
	}
}

static void
ask(struct bench *b, const struct question *q, struct reply *out)
{
	uint8_t in[4096], answer[WEIGH_ANSWER_MAX];
	size_t n = build_notify(q, in, sizeof(in));
	struct spop_frame f;
	enum spop_status status;
	struct spop_writer w = { answer, answer + sizeof(answer), false };

	assert_int_equal(spop_frame_split(in, n, SPOP_FRAME_MAX, &f, &status), SPOP_FRAME);
	assert_true(weigh_notify(&b->w, &f, SPOP_FRAME_MAX, NOW, &w));
	read_reply(answer, (size_t)(w.pos - answer), out);
	assert_true(out->actions >= 1);
}

static void
questions_are_answered(void **state)
{
	struct bench b;

	(void)state;
	setup_bench(&b, false);
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		const struct question *q = &questions[i];
		struct reply r;

		ask(&b, q, &r);
		if (strcmp(r.verdict, q->verdict != NULL ? q->verdict : "") != 0 ||
		    strcmp(r.rule, q->rule) != 0 || r.weight != q->weight)
			fail_msg(
			    "%s: %s by %s, weight %d", q->name, r.verdict, r.rule, (int)r.weight);
		assert_int_equal(r.ticket[0] != '\0',
		    q->verdict != NULL && strcmp(q->verdict, "challenge") == 0);
		assert_int_equal(
		    r.status, q->verdict != NULL && strcmp(q->verdict, "deny") == 0 ? 404 : 0);
	}
	weigher_fini(&b.w);
}

static void
ticket_says_what_was_asked(void **state)
{
	struct bench b;
	struct reply r;
	struct ticket t;
	char store[TICKET_HOST_MAX], net[ADDRESS_TEXT_MAX];

	(void)state;
	setup_bench(&b, false);
	ask(&b, &questions[3], &r);
	assert_int_equal(ticket_open(&b.g->keys, slice_of(r.ticket), NOW, &t, store), TICKET_OK);
	assert_int_equal(t.challenge.hashes, 16);
	assert_int_equal(t.status, 200);
	assert_int_equal(t.issued_s, NOW);
	assert_int_equal(t.binding, BINDING_NET);
	address_format(&t.client, net);
	assert_string_equal(net, "192.0.2.0");
	assert_true(slice_equal(t.host, SLICE("git.example.org")));
	weigher_fini(&b.w);
}

static void
a_pass_answers_a_challenge_and_no_denial(void **state)
{
	struct bench b;
	struct reply r;
	char text[PASS_TEXT_MAX + 1] = "";
	struct pass pass = {
		.issued_s = NOW, .expires_s = NOW + 100, .level = 100, .host = SLICE("a.example")
	};
	struct question q = { "pass", "weigh", "192.0.2.1",
		{ { "ua", "Mozilla" }, { "host", "a.example" }, { "pass", text } }, NULL, NULL, 0 };

	(void)state;
	setup_bench(&b, false);
	assert_true(pass_seal(&b.g->keys, &pass, text) > 0);
	ask(&b, &q, &r);
	assert_string_equal(r.verdict, "allow");
	q.args[0].value = "Mozilla EvilBot";
	ask(&b, &q, &r);
	assert_string_equal(r.verdict, "deny");
	q.args[0].value = "Mozilla";
	q.args[1].value = "b.example";
	ask(&b, &q, &r);
	assert_string_equal(r.verdict, "challenge");
	q.args[1].value = "a.example";
	text[strlen(text) - 3] ^= 1;
	ask(&b, &q, &r);
	assert_string_equal(r.verdict, "challenge");
	weigher_fini(&b.w);
}

/* A key for HAProxy's table of passes costs a pass: rubbish, nothing and one of another host make
 * none. */
static void
only_a_good_pass_is_to_be_counted(void **state)
{
	char text[PASS_TEXT_MAX + 1] = "";
	const struct {
		const char *agent, *host, *rate, *pass;
		bool asked, counted;
	} cases[] = {
		{ "Mozilla", "a.example", NULL, text, true, true },
		/* Good, whatever the verdict is. */
		{ "Mozilla EvilBot", "a.example", NULL, text, true, true },
		/* HAProxy counts none, or this one already (a number, which this is not, but no
		   NULL). */
		{ "Mozilla", "a.example", NULL, text, false, false },
		{ "Mozilla", "a.example", "7", text, true, false },
		{ "Mozilla", "b.example", NULL, text, true, false },
		{ "Mozilla", "a.example", NULL, "", true, false },
		{ "Mozilla", "a.example", NULL, "a.b.0123456789012345678901234567890123456789012",
		    true, false },
	};
	struct pass pass = {
		.issued_s = NOW, .expires_s = NOW + 100, .level = 100, .host = SLICE("a.example")
	};
	struct bench b;

	(void)state;
	setup_bench(&b, false);
	assert_true(pass_seal(&b.g->keys, &pass, text) > 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct question q = { "pass", "weigh", "192.0.2.1",
			{ { "ua", cases[i].agent }, { "host", cases[i].host },
			    { "pass", cases[i].pass },
			    { cases[i].asked ? "pass.rate" : NULL, cases[i].rate } },
			NULL, NULL, 0 };
		struct reply r;

		ask(&b, &q, &r);
		if (r.new_pass != cases[i].counted)
			fail_msg("%zu: %d", i, (int)r.new_pass);
	}
	weigher_fini(&b.w);
}

/* Whether HAProxy may remember a visitor: strictly, since nobody looks at him then. */
static void
who_may_be_remembered(void **state)
{
	static const char big[600] = { [0 ... 598] = 'a' };
	char text[PASS_TEXT_MAX + 1] = "", broken[PASS_TEXT_MAX + 1] = "", right[17];
	struct pass pass = {
		.issued_s = NOW, .expires_s = NOW + 100, .level = 100, .host = SLICE("a.example")
	};
	const struct {
		const char *name, *src, *ua, *host, *pass, *fast;
		bool shadow, remember, stale;
	} cases[] = {
		{ "good", "192.0.2.1", "Mozilla", "a.example", text, right, false, true, false },
		{ "a threshold lets him in", "192.0.2.1", "curl", "a.example", text, right, false,
		    true, false },
		{ "no pass", "192.0.2.1", "curl", "a.example", "", right, false, false, false },
		{ "forged pass", "192.0.2.1", "curl", "a.example", broken, right, false, false,
		    false },
		{ "pass of another host", "192.0.2.1", "curl", "b.example", text, right, false,
		    false, false },
		{ "denied", "192.0.2.1", "EvilBot", "a.example", text, right, false, false, false },
		{ "denied address", "198.51.100.7", "Mozilla", "a.example", text, right, false,
		    false, false },
		{ "cut", "192.0.2.1", big, "a.example", text, right, false, false, false },
		{ "shadow", "192.0.2.1", "Mozilla", "a.example", text, right, true, false, false },
		{ "not asked for", "192.0.2.1", "Mozilla", "a.example", text, NULL, false, false,
		    false },
		{ "empty", "192.0.2.1", "Mozilla", "a.example", text, "", false, false, false },
		{ "another list", "192.0.2.1", "Mozilla", "a.example", text, "0123456789abcdef",
		    false, false, true },
		{ "longer", "192.0.2.1", "Mozilla", "a.example", text, "0123456789abcdef0", false,
		    false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct question q = { cases[i].name, "weigh", cases[i].src,
			{ { "ua", cases[i].ua }, { "host", cases[i].host },
			    { "pass", cases[i].pass }, { "fast", cases[i].fast } },
			NULL, NULL, 0 };
		struct bench b;
		struct reply r;

		setup_bench(&b, cases[i].shadow);
		assert_true(pass_seal(&b.g->keys, &pass, text) > 0);
		memcpy(broken, text, sizeof(text));
		broken[strlen(broken) - 3] ^= 1;
		memcpy(right, policy_ask(b.g->policy)->fingerprint, sizeof(right));
		ask(&b, &q, &r);
		if (r.remember != (cases[i].remember ? 10 : 0))
			fail_msg("%s: remember %d", cases[i].name, (int)r.remember);
		assert_int_equal(counter_get(&b.w.counts.remembered), cases[i].remember);
		assert_int_equal(counter_get(&b.w.counts.fast_stale), cases[i].stale);
		assert_int_equal(b.g->fast_told, cases[i].stale);
		weigher_fini(&b.w);
	}
}

/* A verdict that left something open says nothing about the next request. */
static void
what_was_left_open_is_not_remembered(void **state)
{
	static const struct {
		const char *rule;
		bool steady;
	} rows[] = {
		{ "\"user_agent_regex\":\"EvilBot\"", true },
		{ "\"user_agent_regex\":\"Mozilla\",\"shadow\":true", false },
		/* The whole site is. */
		{ "\"user_agent_regex\":\"Mozilla\"}],\"shadow\":true,\"thresholds\":["
		  "{\"name\":\"t\",\"action\":\"DENY\",\"expression\":\"true\"",
		    false },
		{ "\"expression\":\"path == host\"", false },
		{ "\"expression\":\"randInt(1000) == 1000\"", false },
		{ "\"expression\":\"rate > 1000\"", false }, /* which nobody counts */
		{ "\"user_agent_regex\":\"Mozilla\",\"verify_dns\":{\"suffixes\":[\".example\"]}",
		    false },
	};
	static const struct pass pass = {
		.issued_s = NOW, .expires_s = NOW + 100, .level = 100, .host = { "a.example", 9 }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char json[256], text[PASS_TEXT_MAX];
		struct request r = { .cut = 0 };
		struct weigher w;
		struct weighed it;
		int n = snprintf(json, sizeof(json),
		    "{\"bots\":[{\"name\":\"r\",\"action\":\"DENY\",%s}]}", rows[i].rule);

		weigher_init(&w, make_generation((struct slice){ json, (size_t)n }, false));
		assert_true(address_parse(SLICE("8.8.8.8"), &r.src));
		request_set(&r, REQUEST_HOST, SLICE("a.example"));
		request_set(&r, REQUEST_USER_AGENT, SLICE("Mozilla"));
		request_set(&r, REQUEST_PASS,
		    (struct slice){ text, pass_seal(&w.generation->keys, &pass, text) });
		assert_int_equal(weigh_request(&w, &r, NOW, &it), WEIGH_ANSWERED);
		assert_int_equal(it.kind, VERDICT_ALLOW);
		if (weigh_is_steady(&w, &r, &it) != rows[i].steady)
			fail_msg("%s: %d", rows[i].rule, !rows[i].steady);
		weigher_fini(&w);
	}
}

static void
shadow_lets_through_and_tells(void **state)
{
	struct bench b;
	struct reply r;

	(void)state;
	setup_bench(&b, true);
	ask(&b, &questions[1], &r);
	assert_string_equal(r.verdict, "allow");
	assert_string_equal(r.would, "deny");
	ask(&b, &questions[3], &r);
	assert_string_equal(r.verdict, "allow");
	assert_string_equal(r.would, "challenge");
	assert_string_equal(r.ticket, "");
	weigher_fini(&b.w);
}

static void
bad_payloads_are_refused(void **state)
{
	struct bench b;
	uint8_t in[4096], answer[WEIGH_ANSWER_MAX];
	size_t n = build_notify(&questions[0], in, sizeof(in));

	(void)state;
	setup_bench(&b, false);
	for (size_t cut = 1; cut < 20; cut++) {
		struct spop_frame f;
		enum spop_status status;
		struct spop_writer w = { answer, answer + sizeof(answer), false };

		assert_int_equal(spop_frame_split(in, n, SPOP_FRAME_MAX, &f, &status), SPOP_FRAME);
		f.payload.end -= cut;
		assert_false(weigh_notify(&b.w, &f, SPOP_FRAME_MAX, NOW, &w));
		assert_ptr_equal(w.pos, answer);
	}
	weigher_fini(&b.w);
}

static void
an_answer_that_does_not_fit_is_still_an_answer(void **state)
{
	static const char host[] =
	    "a-name-that-makes-the-ticket-longer-than-the-smallest-frame.example.org";
	const struct question q = { "long", "weigh", "192.0.2.1",
		{ { "ua", "Mozilla" }, { "host", host } }, NULL, NULL, 0 };
	struct bench b;
	uint8_t in[4096], answer[WEIGH_ANSWER_MAX];
	size_t n = build_notify(&q, in, sizeof(in));
	struct spop_frame f;
	enum spop_status status;
	struct spop_writer w = { answer, answer + sizeof(answer), false };
	struct reply r;

	(void)state;
	setup_bench(&b, false);
	assert_int_equal(spop_frame_split(in, n, SPOP_FRAME_MAX, &f, &status), SPOP_FRAME);
	assert_true(weigh_notify(&b.w, &f, SPOP_FRAME_LEAST, NOW, &w));
	read_reply(answer, (size_t)(w.pos - answer), &r);
	assert_string_equal(r.rule, "ammit/answer-too-long");
	assert_string_equal(r.verdict, "");
	weigher_fini(&b.w);
}

/* DESIGN: no allocation on the verdict path. The counter itself is checked first. */
static void
nothing_is_allocated(void **state)
{
	struct bench b;
	uint8_t in[16][4096], answer[WEIGH_ANSWER_MAX];
	size_t n[16], count = sizeof(questions) / sizeof(questions[0]);
	unsigned before = allocations;

	(void)state;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
	skip();
#endif
	setup_bench(&b, false);
	assert_true(allocations > before);
	for (size_t i = 0; i < count; i++)
		n[i] = build_notify(&questions[i], in[i], sizeof(in[i]));
	before = allocations;
	for (size_t i = 0; i < 1000 * count; i++) {
		struct spop_frame f;
		enum spop_status status;
		struct spop_writer w = { answer, answer + sizeof(answer), false };

		spop_frame_split(in[i % count], n[i % count], SPOP_FRAME_MAX, &f, &status);
		weigh_notify(&b.w, &f, SPOP_FRAME_MAX, NOW, &w);
	}
	assert_int_equal(allocations, before);
	weigher_fini(&b.w);
}

/* As the check endpoint asks, without a frame: the same verdicts, and nothing is allocated. */
static void
a_request_without_a_frame_is_weighed_alike(void **state)
{
	struct bench b;
	struct weighed it;
	struct request r = { .cut = 0 };
	struct ticket t;
	char store[TICKET_HOST_MAX], text[PASS_TEXT_MAX];
	const struct pass pass = { .issued_s = NOW,
		.expires_s = NOW + 100,
		.level = 100,
		.host = SLICE("git.example.org") };
	unsigned before;

	(void)state;
	setup_bench(&b, false);
	before = allocations;
	assert_true(address_parse(SLICE("192.0.2.1"), &r.src));
	request_set(&r, REQUEST_USER_AGENT, SLICE("Mozilla/5.0"));
	request_set(&r, REQUEST_HOST, SLICE("Git.Example.org:443"));
	for (unsigned i = 0; i < 100; i++)
		assert_int_equal(weigh_request(&b.w, &r, NOW, &it), WEIGH_ANSWERED);
	assert_int_equal(it.kind, VERDICT_CHALLENGE);
	assert_int_equal(allocations, before);
	assert_int_equal(ticket_open(&b.g->keys, it.ticket, NOW, &t, store), TICKET_OK);
	assert_true(slice_equal(t.host, SLICE("git.example.org")));
	/* Nobody is remembered whose requests are so many that a rule might look at their number.
	 */
	request_set(&r, REQUEST_PASS, (struct slice){ text, pass_seal(&b.g->keys, &pass, text) });
	for (int rate = 49; rate <= 51; rate++) {
		request_set_number(&r, REQUEST_RATE, rate);
		assert_int_equal(weigh_request(&b.w, &r, NOW, &it), WEIGH_ANSWERED);
		assert_int_equal(it.kind, VERDICT_ALLOW);
		assert_int_equal(weigh_is_steady(&b.w, &r, &it), rate <= ASK_RATE_DEFAULT);
	}
	request_set(&r, REQUEST_USER_AGENT, SLICE("EvilBot"));
	weigh_request(&b.w, &r, NOW, &it);
	assert_int_equal(it.kind, VERDICT_DENY);
	assert_int_equal(it.ticket.len, 0);
	assert_false(weighed_would_differ(&it));
	weigher_fini(&b.w);
	setup_bench(&b, true);
	weigh_request(&b.w, &r, NOW, &it);
	assert_int_equal(it.kind, VERDICT_ALLOW);
	assert_int_equal(it.verdict.kind, VERDICT_DENY);
	assert_true(weighed_would_differ(&it));
	weigher_fini(&b.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(questions_are_answered),
		cmocka_unit_test(ticket_says_what_was_asked),
		cmocka_unit_test(a_pass_answers_a_challenge_and_no_denial),
		cmocka_unit_test(only_a_good_pass_is_to_be_counted),
		cmocka_unit_test(who_may_be_remembered),
		cmocka_unit_test(what_was_left_open_is_not_remembered),
		cmocka_unit_test(shadow_lets_through_and_tells),
		cmocka_unit_test(bad_payloads_are_refused),
		cmocka_unit_test(an_answer_that_does_not_fit_is_still_an_answer),
		cmocka_unit_test(nothing_is_allocated),
		cmocka_unit_test(a_request_without_a_frame_is_weighed_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
