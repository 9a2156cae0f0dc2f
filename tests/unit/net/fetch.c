#include "net/fetch.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/slice.h"

#define BODY_MAX 32u

/* One connection on a loopback port: reads the question, sends `answer` in pieces, closes it. */
struct server {
	int listener;
	struct endpoint at;
	struct slice answer;
	size_t piece;
	bool stays; /* does not close until the other does */
	char question[1024];
	pthread_t thread;
};

static void *
serve(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->listener, NULL, NULL);
	size_t got = 0;
	char drop[256];

	while (got < sizeof(s->question) - 1 && memmem(s->question, got, "\r\n\r\n", 4) == NULL) {
		ssize_t n = recv(fd, s->question + got, sizeof(s->question) - 1 - got, 0);

		if (n <= 0)
			break;
		got += (size_t)n;
	}
	for (size_t at = 0; at < s->answer.len;) {
		size_t left = s->answer.len - at, n = left < s->piece ? left : s->piece;

		if (send(fd, s->answer.ptr + at, n, MSG_NOSIGNAL) < 0)
			break;
		at += n;
	}
	while (s->stays && recv(fd, drop, sizeof(drop), 0) > 0)
		;
	close(fd);
	return NULL;
}

static void
start(struct server *s, struct slice answer, size_t piece, bool stays)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t bytes = sizeof(at);
	char text[64];
	const char *why;

	*s = (struct server){ .answer = answer, .piece = piece, .stays = stays };
	s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->listener, (struct sockaddr *)&at, bytes), 0);
	assert_int_equal(listen(s->listener, 4), 0);
	assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &bytes), 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", (unsigned)ntohs(at.sin_port));
	assert_true(endpoint_parse(slice_of(text), &s->at, &why));
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
}

static void
stop(struct server *s)
{
	pthread_join(s->thread, NULL);
	close(s->listener);
}

#define OK "HTTP/1.1 200 OK\r\n"
#define CHUNKED OK "Transfer-Encoding: chunked\r\n\r\n"
#define LENGTH(n) OK "Content-Length: " n "\r\n\r\n"
#define X32 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static const struct {
	const char *name, *answer;
	unsigned status;  /* 0: it fails */
	const char *want; /* body, or in the reason */
	bool stays;       /* the server leaves the connection open: the length must do */
} cases[] = {
	{ "length", LENGTH("5") "hello", 200, "hello", false },
	{ "length, kept open", LENGTH("5") "hello", 200, "hello", true },
	{ "more than its length", LENGTH("5") "hello world", 200, "hello", false },
	{ "no body", LENGTH("0"), 200, "", true },
	{ "until it closes", OK "\r\nhello", 200, "hello", false },
	{ "another status", "HTTP/1.1 403 Forbidden\r\ncontent-length:  3 \r\n\r\nno\n", 403,
	    "no\n", true },
	{ "no reason phrase", "HTTP/1.0 404\r\n\r\nx", 404, "x", false },
	{ "chunks", CHUNKED "5\r\nhello\r\n6;x=y\r\n world\r\n0\r\n\r\n", 200, "hello world",
	    false },
	{ "a large digit", CHUNKED "0A\r\n0123456789\r\n0\r\n\r\n", 200, "0123456789", false },
	{ "no chunk", CHUNKED "0\r\n\r\n", 200, "", false },
	{ "chunks and a trailer", CHUNKED "1\r\na\r\n0\r\nX: y\r\n\r\n", 200, "a", false },
	{ "longest", LENGTH("32") X32, 200, X32, true },
	{ "longest, until it closes", OK "\r\n" X32, 200, X32, false },
	{ "longest in chunks", CHUNKED "20\r\n" X32 "\r\n0\r\n\r\n", 200, X32, false },
	{ "a byte too long", LENGTH("33") X32 "x", 0, "too long", false },
	{ "a byte too long, until it closes", OK "\r\n" X32 "x", 0, "too long", false },
	{ "a byte too long in chunks", CHUNKED "21\r\n" X32 "x\r\n0\r\n\r\n", 0, "too long",
	    false },
	{ "much too long", LENGTH("99999999999999999999999"), 0, "wrong Content-Length", false },
	{ "body cut", LENGTH("5") "hell", 0, "cut off", false },
	{ "chunk cut", CHUNKED "5\r\nhell", 0, "cut off", false },
	{ "last chunk missing", CHUNKED "5\r\nhello\r\n", 0, "cut off", false },
	{ "chunk without its end", CHUNKED "5\r\nhelloXX0\r\n\r\n", 0, "cut off", false },
	{ "chunk that wraps", CHUNKED "fffffffffffffffe\r\nhello\r\n0\r\n\r\n", 0, "cut off",
	    false },
	{ "chunk of no number", CHUNKED "zz\r\nhello\r\n0\r\n\r\n", 0, "cut off", false },
	{ "empty chunk size", CHUNKED "\r\nhello\r\n0\r\n\r\n", 0, "cut off", false },
	{ "head cut", OK "Content-Le", 0, "cut off", false },
	{ "nothing", "", 0, "closed without an answer", false },
	{ "garbage", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 0, "no HTTP", false },
	{ "short garbage", "\r\n\r\n", 0, "no HTTP", false },
	{ "no status", "HTTP/1.1 abc OK\r\n\r\n", 0, "no status", false },
	{ "status 999", "HTTP/1.1 999 OK\r\n\r\n", 0, "no status", false },
	{ "two lengths", OK "Content-Length: 1\r\nContent-Length: 2\r\n\r\nab", 0,
	    "wrong Content-Length", false },
	{ "negative", LENGTH("-1"), 0, "wrong Content-Length", false },
	{ "both", OK "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 0,
	    "two lengths", false },
	{ "gzip", OK "Transfer-Encoding: gzip\r\n\r\n", 0, "Transfer-Encoding", false },
	{ "a head that stays open", OK "X: y\r\n", 0, "no answer in time", true },
	{ "a body that stays open", LENGTH("5") "hell", 0, "no answer in time", true },
	{ "silent", "", 0, "no answer in time", true },
};

static void
check_case(size_t i, size_t piece)
{
	struct server s;
	struct fetched got;
	bool in_time = cases[i].status == 0 && strcmp(cases[i].want, "no answer in time") == 0;
	/* Whoever is waited for in vain is not waited for long. */
	struct fetch f = { &s.at, "GET", "/metrics", BODY_MAX, in_time ? 50 : 10000 };
	bool good;

	start(&s, slice_of(cases[i].answer), piece, cases[i].stays);
	good = fetch(&f, &got);
	stop(&s);
	if (good != (cases[i].status != 0) || got.connect_errno != 0 ||
	    (good && (got.status != cases[i].status || got.body_bytes != strlen(cases[i].want) ||
			 strcmp(got.body, cases[i].want) != 0)) ||
	    (!good && (strstr(got.why, cases[i].want) == NULL || got.body != NULL)))
		fail_msg("%s, %zu: %u %s %s", cases[i].name, piece, got.status,
		    good ? got.body : "", good ? "" : got.why);
	assert_true(strncmp(s.question, "GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:", 39) == 0);
	assert_non_null(strstr(s.question, "\r\nConnection: close\r\n"));
	free(got.body);
}

static void
test_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		check_case(i, 1);
		check_case(i, 4096);
	}
}

/* A server that says anything for ever. */
static void
test_endless(void **state)
{
	static char head[40000];
	struct server s;
	struct fetched got;
	struct fetch f = { &s.at, "GET", "/", 1 << 20, 10000 };

	(void)state;
	memset(head, 'x', sizeof(head));
	memcpy(head, OK "X: ", sizeof(OK "X: ") - 1);
	start(&s, (struct slice){ head, sizeof(head) }, 4096, true);
	assert_false(fetch(&f, &got));
	assert_non_null(strstr(got.why, "too long"));
	stop(&s);
}

static void
test_post(void **state)
{
	struct server s;
	struct fetched got;
	struct fetch f = { &s.at, "POST", "/reload", BODY_MAX, 10000 };

	(void)state;
	start(&s, SLICE(LENGTH("2") "ok"), 4096, false);
	assert_true(fetch(&f, &got));
	assert_int_equal(strncmp(s.question, "POST /reload HTTP/1.1\r\n", 23), 0);
	assert_non_null(strstr(s.question, "\r\nContent-Length: 0\r\n"));
	free(got.body);
	stop(&s);
}

static void
test_nobody_there(void **state)
{
	static const struct {
		const char *at;
		int want;
	} nobody[] = { { "unix@/nonexistent/ammit.sock", ENOENT },
		{ "unix@/dev/null", ECONNREFUSED } };
	const char *why;
	struct endpoint e;
	struct fetched got;
	struct fetch f = { &e, "GET", "/", BODY_MAX, 10000 };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		assert_true(endpoint_parse(slice_of(nobody[i].at), &e, &why));
		assert_false(fetch(&f, &got));
		assert_int_equal(got.connect_errno, nobody[i].want);
		assert_string_equal(got.why, strerror(nobody[i].want));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_endless),
		cmocka_unit_test(test_post),
		cmocka_unit_test(test_nobody_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
