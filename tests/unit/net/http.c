#include "net/http.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/net/http_client.h"

static char got[1 << 16];
static char sent[2 << 20];

/* Says what arrived. */
static void
echo(void *arg, const struct http_request *r, struct http_response *out)
{
	static char buf[8192];
	struct text t = { .buf = buf, .cap = sizeof(buf) };
	struct slice probe = http_request_header(r, "X-Probe");
	struct slice body = { r->body, r->body_bytes < 16 ? r->body_bytes : 16 };

	(*(unsigned *)arg)++;
	text_put(&t, r->method);
	text_byte(&t, ' ');
	text_put(&t, r->target);
	text_printf(&t, " %zu%s ", r->body_bytes, r->body_too_large ? " dropped" : "");
	text_put(&t, body);
	text_byte(&t, '[');
	text_put(&t, probe.ptr == NULL ? SLICE("none") : probe);
	text_byte(&t, ']');
	out->status = 200;
	out->body = text_slice(&t);
	http_response_header(out, "X-Good", "yes");
	http_response_header(out, "X-Split", "a\r\nX-Injected: b");
	http_response_header(out, "X-Line", "a\nX-Injected: b");
}

static struct text
room(void)
{
	return (struct text){ .buf = got, .cap = sizeof(got) };
}

static const char *
body_of(const char *response)
{
	const char *end = strstr(response, "\r\n\r\n");

	return end == NULL ? "" : end + 4;
}

#define END "Host: a\r\nConnection: close\r\n\r\n"
#define FORM(n) "Host: a\r\nConnection: close\r\nContent-Length: " n "\r\n\r\n"

static const struct {
	const char *name, *head;
	size_t fill; /* bytes of 'b' behind the head */
	const char *want;
} cases[] = {
	{ "path and query as sent", "GET /a%20b//c?x=%2f&y=%0d%0a HTTP/1.1\r\n" END, 0,
	    "GET /a%20b//c?x=%2f&y=%0d%0a 0 [none]" },
	{ "a second ? stays", "GET /?a?b HTTP/1.1\r\n" END, 0, "GET /?a?b 0 [none]" },
	{ "header", "GET / HTTP/1.1\r\nX-Probe:  two words \r\n" END, 0, "GET / 0 [two words]" },
	{ "header in another case", "GET / HTTP/1.1\r\nx-pRoBe: v\r\n" END, 0, "GET / 0 [v]" },
	{ "empty header is there", "GET / HTTP/1.1\r\nX-Probe:\r\n" END, 0, "GET / 0 []" },
	{ "other method", "PUT /x HTTP/1.1\r\n" FORM("0"), 0, "PUT /x 0 [none]" },
	{ "unknown method", "BREW /x HTTP/1.1\r\n" END, 0, "BREW /x 0 [none]" },
	{ "body", "POST /x HTTP/1.1\r\n" FORM("3") "a=b", 0, "POST /x 3 a=b[none]" },
	{ "body of a GET", "GET /x HTTP/1.1\r\n" FORM("3") "a=b", 0, "GET /x 3 a=b[none]" },
	{ "chunked body",
	    "POST /x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
	    "2\r\na=\r\n1\r\nb\r\n0\r\n\r\n",
	    0, "POST /x 3 a=b[none]" },
	{ "largest body", "POST /x HTTP/1.1\r\n" FORM("16384"), 16384,
	    "POST /x 16384 bbbbbbbbbbbbbbbb[none]" },
	{ "one byte more", "POST /x HTTP/1.1\r\n" FORM("16385"), 16385,
	    "POST /x 0 dropped [none]" },
	{ "1 MB", "POST /x HTTP/1.1\r\n" FORM("1048576"), 1048576, "POST /x 0 dropped [none]" },
};

static void
test_requests(void **state)
{
	unsigned calls = 0;
	struct http_lab lab;

	(void)state;
	assert_true(http_lab_start(&lab, echo, &calls));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text out = room();
		size_t n = strlen(cases[i].head);
		int fd = http_lab_connect(&lab);

		memcpy(sent, cases[i].head, n);
		memset(sent + n, 'b', cases[i].fill);
		assert_true(
		    http_lab_talk(&lab, fd, (struct slice){ sent, n + cases[i].fill }, &out));
		if (strcmp(body_of(got), cases[i].want) != 0)
			fail_msg("%s: %s", cases[i].name, got);
		assert_int_equal(calls, i + 1);
		assert_non_null(strstr(got, "X-Good: yes\r\n"));
		assert_null(strstr(got, "X-Split"));
		assert_null(strstr(got, "X-Injected"));
		assert_true(http_server_idle(lab.server));
		close(fd);
	}
	http_lab_stop(&lab);
}

static void
test_head_has_no_body(void **state)
{
	unsigned calls = 0;
	struct http_lab lab;
	struct text out = room();
	int fd;

	(void)state;
	assert_true(http_lab_start(&lab, echo, &calls));
	fd = http_lab_connect(&lab);
	assert_true(http_lab_talk(&lab, fd, SLICE("HEAD /x HTTP/1.1\r\n" END), &out));
	assert_non_null(strstr(got, "Content-Length: 16\r\n"));
	assert_string_equal(body_of(got), "");
	close(fd);
	http_lab_stop(&lab);
}

static void
test_pipelined(void **state)
{
	unsigned calls = 0;
	struct http_lab lab;
	struct text out = room();
	int fd;

	(void)state;
	assert_true(http_lab_start(&lab, echo, &calls));
	fd = http_lab_connect(&lab);
	assert_true(http_lab_talk(&lab, fd,
	    SLICE("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\n"
		  "Content-Length: 1\r\n\r\nzGET /3 HTTP/1.1\r\n" END),
	    &out));
	assert_int_equal(calls, 3);
	assert_non_null(strstr(got, "GET /1 0 [none]"));
	assert_non_null(strstr(got, "POST /2 1 z[none]"));
	assert_non_null(strstr(got, "GET /3 0 [none]"));
	close(fd);
	http_lab_stop(&lab);
}

/* What is not HTTP never reaches the handler, and the server goes on. */
static void
test_nonsense(void **state)
{
	static const char *const heads[] = { "\x16\x03\x01\x02", "GET\r\n\r\n", "\r\n\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
		"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab",
		"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n" };
	unsigned calls = 0;
	struct http_lab lab;
	struct text out;
	int fd;

	(void)state;
	assert_true(http_lab_start(&lab, echo, &calls));
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		fd = http_lab_connect(&lab);
		assert_true(send(fd, heads[i], strlen(heads[i]), MSG_NOSIGNAL) > 0);
		for (unsigned turn = 0; turn < 10; turn++)
			http_lab_turn(&lab, fd, POLLPRI);
		close(fd);
		for (unsigned turn = 0; turn < 10; turn++)
			http_lab_turn(&lab, -1, 0);
		assert_true(http_server_idle(lab.server));
	}
	/* 40 KB of one header. */
	memcpy(sent, "GET / HTTP/1.1\r\nX-Probe: ", 25);
	memset(sent + 25, 'x', 40000);
	memcpy(sent + 40025, "\r\n\r\n", 4);
	fd = http_lab_connect(&lab);
	out = room();
	assert_true(http_lab_talk(&lab, fd, (struct slice){ sent, 40029 }, &out));
	close(fd);
	assert_int_equal(calls, 0);
	assert_true(http_server_idle(lab.server));

	fd = http_lab_connect(&lab);
	out = room();
	assert_true(http_lab_talk(&lab, fd, SLICE("GET / HTTP/1.1\r\n" END), &out));
	assert_int_equal(calls, 1);
	close(fd);
	http_lab_stop(&lab);
}

/* Says what http_request_each_header gave, and what it looks like to one who is handed it on. */
static void
list(void *arg, struct slice name, struct slice value)
{
	struct text *t = arg;

	if (name.len < 2 || name.ptr[1] != '-')
		return;
	text_put(t, name);
	text_byte(t, '=');
	text_put(t, value);
	text_byte(t, ' ');
}

static void
hand_on(void *arg, const struct http_request *r, struct http_response *out)
{
	static char buf[4096];
	const struct http_header instead[] = { { "X-A", SLICE("new") }, { "X-B", { NULL, 0 } } };
	struct text t = { .buf = buf, .cap = sizeof(buf) };
	struct http_request other = *r;
	char peer[ADDRESS_TEXT_MAX];

	(void)arg;
	other.instead = instead;
	other.insteads = 2;
	peer_format(&r->peer, peer);
	text_printf(&t, "%s ", peer);
	http_request_each_header(&other, list, &t);
	text_put(&t, http_request_header(&other, "x-a"));
	text_put(&t, http_request_header(&other, "X-B").ptr == NULL ? SLICE(" gone ") : SLICE(" "));
	text_put(&t, http_request_header(&other, "X-C"));
	out->status = 200;
	out->body = text_slice(&t);
}

static void
test_headers_are_listed_and_replaced(void **state)
{
	struct http_lab lab;
	struct text out = room();
	int fd;

	(void)state;
	assert_true(http_lab_start(&lab, hand_on, NULL));
	fd = http_lab_connect(&lab);
	assert_true(http_lab_talk(&lab, fd,
	    SLICE("GET / HTTP/1.1\r\nX-A: 1 \r\nX-C:\r\nX-B: 2\r\nx-a: 3\r\nX-C: 4\r\n" END),
	    &out));
	assert_string_equal(body_of(got), "127.0.0.1 X-A=1 X-C= X-B=2 x-a=3 X-C=4 new gone ");
	close(fd);
	http_lab_stop(&lab);
}

static void
send_half(int fd)
{
	static const char half[] = "POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\na";

	assert_int_equal(send(fd, half, sizeof(half) - 1, MSG_NOSIGNAL), sizeof(half) - 1);
}

static void
test_quiesce(void **state)
{
	unsigned calls = 0;
	struct http_lab lab;
	struct text out = room();
	int fd;

	(void)state;
	assert_true(http_lab_start(&lab, echo, &calls));
	fd = http_lab_connect(&lab);
	assert_true(http_server_idle(lab.server));
	send_half(fd);
	for (unsigned i = 0; i < 1000 && http_server_idle(lab.server); i++)
		http_lab_turn(&lab, fd, POLLIN);
	assert_false(http_server_idle(lab.server));

	http_server_quiesce(lab.server);
	http_server_quiesce(lab.server);
	assert_int_equal(http_lab_connect(&lab), -1);
	/* Kept alive otherwise: the answer itself says that this was the last. */
	assert_true(http_lab_talk(&lab, fd, SLICE("b"), &out));
	assert_string_equal(body_of(got), "POST /x 2 ab[none]");
	assert_non_null(strstr(got, "Connection: close\r\n"));
	assert_true(http_server_idle(lab.server));
	close(fd);
	http_lab_stop(&lab);
}

static void
test_free_in_the_middle(void **state)
{
	unsigned calls = 0;
	struct http_lab lab;
	int fd;

	(void)state;
	assert_true(http_lab_start(&lab, echo, &calls));
	fd = http_lab_connect(&lab);
	send_half(fd);
	for (unsigned i = 0; i < 1000 && http_server_idle(lab.server); i++)
		http_lab_turn(&lab, fd, POLLIN);
	http_lab_stop(&lab);
	assert_int_equal(calls, 0);
	close(fd);
	http_server_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_head_has_no_body),
		cmocka_unit_test(test_headers_are_listed_and_replaced),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_nonsense),
		cmocka_unit_test(test_quiesce),
		cmocka_unit_test(test_free_in_the_middle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
