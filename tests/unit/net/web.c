#include "net/web.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define BODY_MAX 32u
#define LONG_MS 20000

/* One connection on a loopback port: reads the question and its body, sends `answer`, closes. */
struct server {
	int listener;
	char url[64];
	struct slice answer;
	bool stays; /* does not close until the other does */
	size_t body_bytes;
	char question[2048];
	pthread_t thread;
};

static void *
serve(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->listener, NULL, NULL);
	size_t got = 0, at = 0;
	char *end = NULL, drop[256];

	while (end == NULL || got < (size_t)(end + 4 - s->question) + s->body_bytes) {
		ssize_t n = recv(fd, s->question + got, sizeof(s->question) - 1 - got, 0);

		if (n <= 0)
			break;
		got += (size_t)n;
		end = memmem(s->question, got, "\r\n\r\n", 4);
	}
	while (at < s->answer.len) {
		ssize_t n = send(fd, s->answer.ptr + at, s->answer.len - at, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		at += (size_t)n;
	}
	while (s->stays && recv(fd, drop, sizeof(drop), 0) > 0)
		;
	close(fd);
	return NULL;
}

static void
start(struct server *s, struct slice answer, size_t body_bytes, bool stays)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(at);

	*s = (struct server){ .answer = answer, .body_bytes = body_bytes, .stays = stays };
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&at, bytes), 0);
	assert_int_equal(listen(s->listener, 4), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &bytes), 0);
	snprintf(s->url, sizeof(s->url), "http://127.0.0.1:%u/a?b", (unsigned)ntohs(at.sin_port));
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
stop(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
}

#define OK "HTTP/1.1 200 OK\r\n"
#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *name, *answer;
	unsigned status;      /* 0: it fails … */
	enum web_error error; /* … so */
	const char *want;     /* body, or in the reason */
	bool stays;
} cases[] = {
	{ "length", OK "Content-Length: 5\r\n\r\nhello", 200, WEB_OK, "hello", true },
	{ "until it closes", OK "\r\nhello", 200, WEB_OK, "hello", false },
	{ "chunks", OK "Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n", 200,
	    WEB_OK, "hello", true },
	{ "longest", OK "Content-Length: 32\r\n\r\n" X32, 200, WEB_OK, X32, true },
	{ "a byte too long", OK "Content-Length: 33\r\n\r\n" X32 "x", 0, WEB_TOO_LONG,
	    "the answer is too long", true },
	{ "another status", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", 403, WEB_OK, "", true },
	{ "a redirect is not followed",
	    "HTTP/1.1 302 x\r\nLocation: /else\r\nContent-Length: 0\r\n\r\n", 302, WEB_OK, "",
	    true },
	{ "an answer in between",
	    "HTTP/1.1 103 x\r\nX-K: early\r\n\r\n" OK "Content-Length: 0\r\n\r\n", 200, WEB_OK, "",
	    true },
	{ "body cut", OK "Content-Length: 5\r\n\r\nhell", 0, WEB_OTHER, "", false },
	{ "nothing", "", 0, WEB_OTHER, "", false },
	{ "no HTTP", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, WEB_OTHER, "", false },
	{ "silent", "", 0, WEB_TIMEOUT, "no answer in time", true },
	{ "a body that stays open", OK "Content-Length: 5\r\n\r\nhell", 0, WEB_TIMEOUT,
	    "no answer in time", true },
};

static void
test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct web_request r = { .method = "GET", .proxy = "", .body_max = BODY_MAX };
		struct web_response got;
		struct server s;
		bool good;

		start(&s, slice_of(cases[i].answer), 0, cases[i].stays);
		r.url = s.url;
		/* Whoever is waited for in vain is not waited for long. */
		r.timeout_ms = cases[i].error == WEB_TIMEOUT ? 200 : LONG_MS;
		good = web_ask(&r, &got);
		stop(&s);
		if (good != (cases[i].status != 0) || got.error != cases[i].error ||
		    got.status != cases[i].status ||
		    (good && strcmp(got.body.ptr, cases[i].want) != 0) ||
		    (!good && (strstr(got.why, cases[i].want) == NULL || got.why[0] == '\0')))
			fail_msg("%s: %u %s %s", cases[i].name, got.status,
			    good ? got.body.ptr : "", got.why);
		assert_true(slice_starts(slice_of(s.question), SLICE("GET /a?b HTTP/1.1\r\n")));
		assert_null(web_header(&got, "X-K", 0).ptr);
		web_response_fini(&got);
	}
}

static void
test_headers(void **state)
{
	struct web_request r = { .method = "GET",
		.header = { "User-Agent: me", "X-A: b" },
		.headers = 2,
		.timeout_ms = LONG_MS,
		.proxy = "",
		.body_max = BODY_MAX };
	struct web_response got;
	struct server s;

	(void)state;
	start(&s,
	    SLICE("HTTP/1.1 303 See\r\nSet-Cookie: a=1\r\nLocation: https://x.example/y\r\n"
		  "SET-COOKIE:  b=2 \r\nEmpty:\r\nContent-Length: 0\r\n\r\n"),
	    0, true);
	r.url = s.url;
	assert_true(web_ask(&r, &got));
	stop(&s);
	assert_true(slice_equal(web_header(&got, "set-cookie", 0), SLICE("a=1")));
	assert_true(slice_equal(web_header(&got, "set-cookie", 1), SLICE("b=2")));
	assert_null(web_header(&got, "set-cookie", 2).ptr);
	assert_non_null(web_header(&got, "Empty", 0).ptr);
	assert_int_equal(web_header(&got, "Empty", 0).len, 0);
	assert_null(web_header(&got, "HTTP/1.1 303 See", 0).ptr);
	assert_string_equal(got.redirect, "https://x.example/y");
	assert_non_null(strstr(s.question, "\r\nUser-Agent: me\r\n"));
	assert_non_null(strstr(s.question, "\r\nX-A: b\r\n"));
	web_response_fini(&got);
}

static void
test_post(void **state)
{
	struct web_request r = { .method = "POST",
		.body = { "a=b\0c", 5 },
		.timeout_ms = LONG_MS,
		.proxy = "",
		.body_max = BODY_MAX };
	struct web_response got;
	struct server s;

	(void)state;
	start(&s, SLICE(OK "Content-Length: 2\r\n\r\nok"), 5, true);
	r.url = s.url;
	assert_true(web_ask(&r, &got));
	stop(&s);
	assert_true(slice_starts(slice_of(s.question), SLICE("POST /a?b HTTP/1.1\r\n")));
	assert_non_null(strstr(s.question, "\r\nContent-Length: 5\r\n"));
	assert_memory_equal(strstr(s.question, "\r\n\r\n") + 4, "a=b\0c", 5);
	web_response_fini(&got);
}

/* Heads of one long line, below and above what libcurl itself takes, and of many lines. */
static void
test_long_heads(void **state)
{
	static const struct {
		size_t bytes, line;
		bool fits;
	} heads[] = { { 60000, 59000, true }, { 60000, 50, true }, { 70000, 69000, false },
		{ 70000, 50, false }, { 150000, 149000, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct web_request r = {
			.method = "GET", .timeout_ms = LONG_MS, .proxy = "", .body_max = BODY_MAX
		};
		struct web_response got;
		struct server s;
		char *head = malloc(heads[i].bytes);
		size_t n = heads[i].bytes;

		memset(head, 'x', n);
		memcpy(head, OK, sizeof(OK) - 1);
		for (size_t at = sizeof(OK) - 1; at + 4 < n - 4; at += heads[i].line) {
			memcpy(head + at, "\r\nX:", 4);
			if (at == sizeof(OK) - 1)
				memcpy(head + at, "Y: ", 3);
		}
		memcpy(head + n - 4, "\r\n\r\n", 4);
		start(&s, (struct slice){ head, n }, 0, false);
		r.url = s.url;
		if (web_ask(&r, &got) != heads[i].fits ||
		    (!heads[i].fits && got.error != WEB_TOO_LONG))
			fail_msg("%zu: %s", i, got.why);
		stop(&s);
		web_response_fini(&got);
		free(head);
	}
}

/* A port that was free a moment ago: nobody listens there. */
static void
closed_port(char url[64])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&at, bytes), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &bytes), 0);
	close(fd);
	snprintf(url, 64, "http://127.0.0.1:%u/", (unsigned)ntohs(at.sin_port));
}

static void
test_failures(void **state)
{
	char closed[64];
	const struct {
		const char *url, *header;
		enum web_error error;
	} failures[] = {
		{ closed, NULL, WEB_CONNECT },
		{ "http://nobody.invalid/", NULL, WEB_NAME },
		{ "file:///etc/passwd", NULL, WEB_BAD },
		{ "ftp://127.0.0.1/", NULL, WEB_BAD },
		{ "http://[", NULL, WEB_BAD },
		{ "", NULL, WEB_BAD },
		{ closed, "X-A: b\r\nX-C: d", WEB_BAD },
		{ closed, "X-A", WEB_BAD },
	};

	(void)state;
	closed_port(closed);
	for (size_t i = 0; i < sizeof(failures) / sizeof(failures[0]); i++) {
		struct web_request r = { .method = "GET",
			.url = failures[i].url,
			.header = { failures[i].header },
			.headers = failures[i].header != NULL,
			.timeout_ms = LONG_MS,
			.proxy = "",
			.body_max = BODY_MAX };
		struct web_response got;

		assert_false(web_ask(&r, &got));
		if (got.error != failures[i].error || got.why[0] == '\0')
			fail_msg("%s: %d %s", failures[i].url, got.error, got.why);
		web_response_fini(&got);
	}
}

/* TLS is asked of a server that speaks none. */
static void
test_no_tls(void **state)
{
	struct web_request r = {
		.method = "GET", .timeout_ms = LONG_MS, .proxy = "", .body_max = BODY_MAX
	};
	struct web_response got;
	struct server s;
	char url[80];

	(void)state;
	start(&s, SLICE("HTTP/1.1 400 Bad\r\n\r\n\r\n\r\n"), 0, false);
	snprintf(url, sizeof(url), "https%.60s", s.url + 4);
	r.url = url;
	/* It reads until the other gives up. */
	r.timeout_ms = 300;
	assert_false(web_ask(&r, &got));
	assert_true(got.error == WEB_TLS || got.error == WEB_TIMEOUT);
	stop(&s);
	web_response_fini(&got);
}

static void
test_urls(void **state)
{
	static const struct {
		const char *url, *origin, *host, *port; /* NULL: it is none */
		bool has_user;
	} urls[] = {
		{ "https://Example.ORG/a?b#c", "https://example.org", "example.org", "443", false },
		{ "https://example.org:443", "https://example.org", "example.org", "443", false },
		{ "http://example.org:8080/", "http://example.org:8080", "example.org", "8080",
		    false },
		{ "http://u:p@example.org/", "http://example.org", "example.org", "80", true },
		{ "HTTP://[::1]:81/x", "http://[::1]:81", "[::1]", "81", false },
		{ "https://a.example\\@b.example/", "https://b.example", "b.example", "443", true },
		{ "ftp://example.org/", NULL, NULL, NULL, false },
		{ "javascript:alert(1)", NULL, NULL, NULL, false },
		{ "example.org", NULL, NULL, NULL, false },
		{ "https://", NULL, NULL, NULL, false },
		{ "https://exa mple.org/", NULL, NULL, NULL, false },
		{ "https://example.org:99999/", NULL, NULL, NULL, false },
		{ "https://b\xc3\xbc"
		  "cher.example/",
		    NULL, NULL, NULL, false },
		{ "", NULL, NULL, NULL, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		enum web_error error = WEB_OK;
		const char *why = NULL;
		struct web_url got;

		if (web_url_read(urls[i].url, &got, &error, &why) != (urls[i].origin != NULL))
			fail_msg("%s", urls[i].url);
		if (urls[i].origin == NULL) {
			assert_int_equal(error, WEB_BAD);
			assert_non_null(why);
			continue;
		}
		assert_string_equal(got.origin, urls[i].origin);
		assert_string_equal(got.host, urls[i].host);
		assert_string_equal(got.port, urls[i].port);
		assert_int_equal(got.has_user, urls[i].has_user);
	}
}

static void *
ask_in_a_thread(void *arg)
{
	struct server *s = arg;
	struct web_request r = { .method = "GET",
		.url = s->url,
		.timeout_ms = LONG_MS,
		.proxy = "",
		.body_max = BODY_MAX };
	struct web_response got;
	uintptr_t good = web_ask(&r, &got) && strcmp(got.body.ptr, "hi") == 0;

	web_response_fini(&got);
	return (void *)good;
}

static void
test_threads(void **state)
{
	struct server s[4];
	pthread_t thread[4];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		start(&s[i], SLICE(OK "Content-Length: 2\r\n\r\nhi"), 0, true);
		assert_int_equal(pthread_create(&thread[i], NULL, ask_in_a_thread, &s[i]), 0);
	}
	for (size_t i = 0; i < 4; i++) {
		void *good = NULL;

		pthread_join(thread[i], &good);
		stop(&s[i]);
		assert_non_null(good);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_headers),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_long_heads),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_no_tls),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
