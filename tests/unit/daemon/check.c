#include "daemon/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "unit/generation.h"
#include "unit/net/http_client.h"

#define NOW 1900000000

static const char policy_text[] =
    "{\"bots\": ["
    "{\"name\": \"bad\", \"user_agent_regex\": \"EvilBot\", \"action\": \"DENY\"},"
    "{\"name\": \"feed\", \"path_regex\": \"^/feed$\", \"action\": \"ALLOW\"},"
    "{\"name\": \"post\", \"expression\": \"method == 'PUT'\", \"action\": \"DENY\"},"
    "{\"name\": \"tls\", \"expression\": \"tls.version == 'TLSv1.0'\", \"action\": \"DENY\"},"
    "{\"name\": \"net\", \"remote_addresses\": [\"198.51.100.0/24\"], \"action\": \"DENY\"},"
    "{\"name\": \"odd\", \"headers_regex\": {\"Accept\": \"^odd$\"}, \"action\": \"WEIGH\","
    " \"weight\": {\"adjust\": 7}},"
    "{\"name\": \"long\", \"path_regex\": \"^/aaaa\", \"action\": \"ALLOW\"},"
    "{\"name\": \"browser\", \"user_agent_regex\": \"Mozilla\", \"action\": \"CHALLENGE\"}],"
    "\"thresholds\": [{\"name\": \"all\", \"expression\": \"weight < 1000\", \"action\": "
    "\"ALLOW\"}], \"status_codes\": {\"CHALLENGE\": 429, \"DENY\": 410},"
    "\"pass\": {\"cookie\": \"soul\"}}";

static struct scene {
	struct http_lab lab;
	struct site site;
	struct zones zones;
	struct check_shared shared;
	struct check check;
	struct generation *g;
	char got[1 << 16];
} scene;

static int64_t
now(void)
{
	return NOW;
}

static int
set_up(void **state)
{
	struct scene *s = &scene;
	const char *why;

	memset(s, 0, sizeof(*s));
	*state = s;
	log_set_level(LOG_LEVEL_ERROR);
	s->g = make_generation((struct slice){ policy_text, sizeof(policy_text) - 1 }, false);
	zones_init(&s->zones, 1);
	s->shared =
	    (struct check_shared){ .dns = { .servers = "127.0.0.1:9" }, .zones = &s->zones };
	if (!peers_parse(SLICE("127.0.0.1"), &s->shared.from, &why) ||
	    !http_lab_start(&s->lab, check_handle, &s->check))
		return -1;
	s->site.keys = &s->g->keys;
	s->site.now_s = now;
	s->site.spent = spent_new(64, NOW - 100);
	s->site.seen = spent_new(64, NOW - 100);
	s->site.themes = s->g->themes;
	memcpy(s->site.cookie, "soul", sizeof("soul"));
	return check_init(&s->check, s->lab.loop, &s->shared, &s->site, generation_ref(s->g), &why)
		   ? 0
		   : -1;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	http_lab_stop(&s->lab);
	spent_free(s->site.spent);
	spent_free(s->site.seen);
	generation_unref(s->g);
	zones_fini(&s->zones);
	return 0;
}

static unsigned
ask(struct scene *s, const char *line, const char *headers)
{
	static char head[16384];
	struct text in = { .buf = head, .cap = sizeof(head) };
	struct text out = { .buf = s->got, .cap = sizeof(s->got) };
	int fd = http_lab_connect(&s->lab);

	text_printf(
	    &in, "%s HTTP/1.1\r\nHost: own.example\r\nConnection: close\r\n%s\r\n", line, headers);
	assert_false(in.cut);
	assert_true(http_lab_talk(&s->lab, fd, text_slice(&in), &out));
	close(fd);
	return (unsigned)strtoul(s->got + 9, NULL, 10);
}

#define GET "GET /.ammit/check"
#define NGINX "GET /.ammit/check?for=nginx"
#define SRC "X-Real-IP: 192.0.2.1\r\n"
#define ROOT "X-Original-URI: /\r\n"
#define CURL "User-Agent: curl/8\r\n"
#define MOZ "User-Agent: Mozilla/5.0\r\nAccept: text/html\r\n"
#define EVIL "User-Agent: EvilBot\r\n"

static const struct {
	const char *name, *line, *headers;
	unsigned status, nginx; /* with ?for=nginx; 0: as without */
	const char *said;       /* in the answer of the first */
} cases[] = {
	{ "allowed", GET, SRC ROOT CURL, 200, 0,
	    "X-Ammit-Verdict: allow\r\nX-Ammit-Rule: threshold/all\r\nX-Ammit-Weight: 0\r\n" },
	{ "denied", GET, SRC ROOT EVIL, 410, 403, "X-Ammit-Rule: bot/bad\r\n" },
	{ "challenged", GET, SRC ROOT MOZ, 429, 401, "name=\"ticket\"" },
	{ "challenged, no navigation", GET, SRC ROOT "User-Agent: Mozilla\r\n", 429, 401,
	    "Content-Type: text/plain" },
	{ "header of the policy", GET, SRC ROOT CURL "accept: odd\r\n", 200, 0,
	    "X-Ammit-Weight: 7\r\n" },
	{ "path without query", GET, SRC "X-Original-URI: /feed?x\r\n" MOZ, 200, 0, "bot/feed" },
	{ "query is no path", GET, SRC "X-Original-URI: /?/feed\r\n" MOZ, 429, 401, "bot/browser" },
	{ "method", GET, SRC ROOT CURL "X-Forwarded-Method: PUT\r\n", 410, 403, "bot/post" },
	{ "own method is not it", "PUT /.ammit/check", SRC ROOT CURL, 200, 0, "threshold/all" },
	{ "client", GET, "X-Forwarded-For: 198.51.100.7\r\n" ROOT CURL, 410, 403, "bot/net" },
	{ "not the first of a list", GET, "X-Forwarded-For: 198.51.100.7, 192.0.2.1\r\n" ROOT CURL,
	    200, 0, "threshold/all" },
	{ "TLS", GET, SRC ROOT CURL "X-Original-TLS: TLSv1.0\r\n", 410, 403, "bot/tls" },
	{ "conflict", GET, SRC ROOT "X-Forwarded-Uri: /feed\r\n", 400, 403, "contradict" },
	{ "no path", GET, SRC CURL, 400, 403, "contradict" },
	{ "nobody", GET, ROOT CURL, 400, 403, "contradict" },
	{ "a visitor's", GET, SRC ROOT CURL "X-Ammit-Src: 192.0.2.1\r\n", 404, 0, "nothing at" },
	{ "a visitor's ticket", GET, SRC ROOT CURL "X-Ammit-Ticket:\r\n", 404, 0, "nothing at" },
	{ "other path", "GET /.ammit/check/", SRC ROOT CURL, 404, 0, "nothing at" },
	{ "encoded path", "GET /.ammit/%63heck", SRC ROOT CURL, 404, 0, "nothing at" },
	{ "two slashes", "GET //.ammit/check", SRC ROOT CURL, 403, 0, "could not begin" },
	{ "pass that is none", GET, SRC ROOT MOZ "Cookie: soul=x\r\n", 429, 401, "bot/browser" },
};

static void
questions_are_answered(void **state)
{
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned status = ask(s, cases[i].line, cases[i].headers);
		char line[80];

		if (status != cases[i].status || strstr(s->got, cases[i].said) == NULL)
			fail_msg("%s: %s", cases[i].name, s->got);
		snprintf(line, sizeof(line), "%s?for=nginx", cases[i].line);
		status = ask(s, line, cases[i].headers);
		if (status != (cases[i].nginx != 0 ? cases[i].nginx : cases[i].status))
			fail_msg("%s for nginx: %s", cases[i].name, s->got);
	}
	check_fini(&s->check);
}

static void
a_pass_is_read_from_the_cookie(void **state)
{
	struct scene *s = *state;
	char text[PASS_TEXT_MAX], headers[2 * PASS_TEXT_MAX];
	struct pass pass = {
		.issued_s = NOW, .expires_s = NOW + 100, .level = 60000, .host = SLICE("a.example")
	};
	static const struct {
		const char *format;
		unsigned status;
	} ways[] = { { "Cookie: a=b; soul=%.*s; c=d\r\n", 200 },
		{ "Cookie: a=b\r\nCookie: soul=%.*s\r\n", 200 },
		{ "Cookie: soul=\"%.*s\"\r\n", 429 }, { "Cookie: ammit=%.*s\r\n", 429 },
		{ "Cookie: soul=x\r\nCookie: soul=%.*s\r\n", 429 },
		{ "X-Forwarded-Host: b.example\r\nCookie: soul=%.*s\r\n", 400 } };
	int n = (int)pass_seal(&s->g->keys, &pass, text);

	assert_true(n > 0);
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		int at = snprintf(
		    headers, sizeof(headers), SRC ROOT MOZ "X-Original-Host: A.example:443\r\n");

		/* The format is one of the few above. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		snprintf(headers + at, sizeof(headers) - (size_t)at, ways[i].format, n, text);
#pragma GCC diagnostic pop
		if (ask(s, GET, headers) != ways[i].status)
			fail_msg("%s: %s", ways[i].format, s->got);
	}
	check_fini(&s->check);
}

/* A path longer than its limit is marked: no rule that lets through matches on it. */
static void
what_is_cut_lets_nobody_through(void **state)
{
	struct scene *s = *state;
	char headers[4096];
	struct text t = { .buf = headers, .cap = sizeof(headers) - 1 };

	text_printf(&t, SRC MOZ "X-Original-URI: /");
	for (unsigned i = 0; i < 1023; i++)
		text_byte(&t, 'a');
	headers[t.len] = '\0';
	text_put(&t, SLICE("\r\n"));
	headers[t.len] = '\0';
	assert_int_equal(ask(s, GET, headers), 200);
	t.len -= 2;
	text_put(&t, SLICE("a\r\n"));
	headers[t.len] = '\0';
	assert_int_equal(ask(s, GET, headers), 429);
	check_fini(&s->check);
}

static void
only_those_in_the_list_may_ask(void **state)
{
	struct scene *s = *state;
	const char *why;

	assert_true(peers_parse(SLICE("127.0.0.2,unix"), &s->shared.from, &why));
	assert_int_equal(ask(s, GET, SRC ROOT CURL), 404);
	assert_non_null(strstr(s->got, "nothing at"));
	check_fini(&s->check);
}

static void
a_reload_counts_at_once(void **state)
{
	struct scene *s = *state;

	assert_int_equal(ask(s, GET, SRC ROOT EVIL), 410);
	check_reload(&s->check,
	    make_generation((struct slice){ policy_text, sizeof(policy_text) - 1 }, true));
	assert_int_equal(ask(s, GET, SRC ROOT EVIL), 200);
	assert_non_null(strstr(s->got, "X-Ammit-Verdict: allow\r\n"));
	assert_non_null(strstr(s->got, "X-Ammit-Would: deny\r\n"));
	assert_int_equal(ask(s, GET, SRC ROOT MOZ), 200);
	assert_null(strstr(s->got, "X-Ammit-Ticket"));
	check_fini(&s->check);
	assert_int_equal(counter_get(&s->check.weigher.counts.verdict[VERDICT_DENY]), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(questions_are_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pass_is_read_from_the_cookie, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_cut_lets_nobody_through, set_up, tear_down),
		cmocka_unit_test_setup_teardown(only_those_in_the_list_may_ask, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_reload_counts_at_once, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
