#include "daemon/control.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "unit/net/http_client.h"

static char got[1 << 16], answer[1 << 12], asked[512];
static bool good;

static bool
note(const char *what, struct slice part, struct text *out)
{
	snprintf(asked, sizeof(asked), "%s %.*s", what, (int)part.len, part.ptr);
	text_put(out, SLICE("said\n"));
	return good;
}

static bool
on_metrics(void *arg, struct text *out)
{
	(void)arg;
	return note("metrics", SLICE(""), out);
}

static bool
on_stat(void *arg, struct text *out)
{
	(void)arg;
	return note("stat", SLICE(""), out);
}

static bool
on_dns(void *arg, struct slice part, struct text *out)
{
	(void)arg;
	return note("dns", part, out);
}

static bool
on_flush(void *arg, struct text *out)
{
	(void)arg;
	return note("flush", SLICE(""), out);
}

static bool
on_reload(void *arg, struct text *out)
{
	(void)arg;
	return note("reload", SLICE(""), out);
}

static const struct control_tasks tasks = { on_metrics, on_stat, on_dns, on_flush, on_reload };

#define HERE "Host: localhost\r\n"
#define PAGE "Origin: http://evil.example\r\n"
#define GET(target) "GET " target " HTTP/1.1\r\n"
#define POST(target) "POST " target " HTTP/1.1\r\nContent-Length: 0\r\n"

static const struct {
	const char *name, *head;
	bool good; /* the task's own success */
	unsigned status;
	const char *asked; /* "": nobody was */
	const char *want;  /* in the answer */
} cases[] = {
	{ "metrics", GET("/metrics") HERE, true, 200, "metrics ", "text/plain; version=0.0.4" },
	{ "metrics of any name", GET("/metrics") "Host: ammit.example:9210\r\n", true, 200,
	    "metrics ", "said" },
	{ "metrics, POST", POST("/metrics") HERE, true, 405, "", "Allow: GET, HEAD\r\n" },
	{ "metrics, too long", GET("/metrics") HERE, false, 503, "metrics ", "said" },
	{ "stat", GET("/stat") HERE, true, 200, "stat ", "said" },
	{ "dns", GET("/dns") HERE, true, 200, "dns ", "said" },
	{ "dns of a name", GET("/dns?name=BL-1.ex_ample") HERE, true, 200, "dns BL-1.ex_ample",
	    "said" },
	{ "dns of no name", GET("/dns?name=") HERE, true, 200, "dns ", "said" },
	{ "dns, escape", GET("/dns?name=a%20b") HERE, true, 400, "", "?name=PART" },
	{ "dns, other query", GET("/dns?zone=a") HERE, true, 400, "", "?name=PART" },
	{ "a query elsewhere", GET("/stat?name=a") HERE, true, 400, "", "only /dns" },
	{ "dns, another name", GET("/dns") "Host: evil.example\r\n", true, 403, "", "Host: " },
	{ "dns, a page", GET("/dns") HERE PAGE, true, 403, "", "no Origin" },
	{ "a worker is silent", GET("/dns") HERE, false, 503, "dns ", "said" },
	{ "flush", POST("/dns/flush") HERE, true, 200, "flush ", "said" },
	{ "flush, GET", GET("/dns/flush") HERE, true, 405, "", "Allow: POST\r\n" },
	{ "reload", POST("/reload") HERE, true, 200, "reload ", "said" },
	{ "reload, bad policy", POST("/reload") HERE, false, 422, "reload ", "said" },
	{ "reload, GET", GET("/reload") HERE, true, 405, "", "POST it" },
	{ "reload, HEAD", "HEAD /reload HTTP/1.1\r\n" HERE, true, 405, "", "Allow: POST" },
	{ "reload, PUT", "PUT /reload HTTP/1.1\r\n" HERE, true, 405, "", "POST it" },
	{ "reload, OPTIONS", "OPTIONS /reload HTTP/1.1\r\n" HERE, true, 405, "", "POST it" },
	{ "reload, a page", POST("/reload") HERE PAGE, true, 403, "", "no Origin" },
	{ "reload, a page without a name", POST("/reload") HERE "Origin: null\r\n", true, 403, "",
	    "no Origin" },
	{ "reload, an empty Origin", POST("/reload") HERE "Origin:\r\n", true, 403, "",
	    "no Origin" },
	{ "reload, no name", POST("/reload") "Host:\r\n", true, 200, "reload ", "said" },
	{ "reload, LOCALHOST", POST("/reload") "Host: LocalHost:80\r\n", true, 200, "reload ",
	    "said" },
	{ "reload, IPv4", POST("/reload") "Host: 127.0.0.1:9210\r\n", true, 200, "reload ",
	    "said" },
	{ "reload, IPv6", POST("/reload") "Host: [::1]:9210\r\n", true, 200, "reload ", "said" },
	{ "reload, bare IPv6", POST("/reload") "Host: [::1]\r\n", true, 200, "reload ", "said" },
	{ "reload, rebound", POST("/reload") "Host: evil.example:9210\r\n", true, 403, "",
	    "localhost" },
	{ "reload, begins well", POST("/reload") "Host: localhost.evil.example\r\n", true, 403, "",
	    "localhost" },
	{ "reload, an address in a name", POST("/reload") "Host: 127.0.0.1.evil.example\r\n", true,
	    403, "", "localhost" },
	{ "reload, no address", POST("/reload") "Host: [evil.example]\r\n", true, 403, "",
	    "localhost" },
	{ "reload, no bracket", POST("/reload") "Host: [::1\r\n", true, 403, "", "localhost" },
	{ "reload, behind the bracket", POST("/reload") "Host: [::1].evil.example\r\n", true, 403,
	    "", "localhost" },
	{ "nothing", GET("/") HERE, true, 404, "", "there are GET /metrics" },
	{ "no such", POST("/dns/flush/") HERE, true, 404, "", "there are GET /metrics" },
};

static void
test_requests(void **state)
{
	struct control c = { &tasks, NULL, { .buf = answer, .cap = sizeof(answer) } };
	struct http_lab lab;

	(void)state;
	assert_true(http_lab_start(&lab, control_handle, &c));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text out = { .buf = got, .cap = sizeof(got) };
		char head[1024], status[32];
		int fd = http_lab_connect(&lab);

		asked[0] = '\0';
		good = cases[i].good;
		snprintf(head, sizeof(head), "%sConnection: close\r\n\r\n", cases[i].head);
		snprintf(status, sizeof(status), "HTTP/1.1 %u ", cases[i].status);
		assert_true(http_lab_talk(&lab, fd, slice_of(head), &out));
		if (strncmp(got, status, strlen(status)) != 0 ||
		    strcmp(asked, cases[i].asked) != 0 || strstr(got, cases[i].want) == NULL)
			fail_msg("%s: asked \"%s\", %s", cases[i].name, asked, got);
		assert_non_null(strstr(got, "Cache-Control: no-store\r\n"));
		assert_null(strstr(got, "Access-Control"));
		close(fd);
	}
	http_lab_stop(&lab);
}

/* An answer does not begin with the one before. */
static void
test_twice(void **state)
{
	struct control c = { &tasks, NULL, { .buf = answer, .cap = sizeof(answer) } };
	struct http_lab lab;

	(void)state;
	good = true;
	assert_true(http_lab_start(&lab, control_handle, &c));
	for (unsigned i = 0; i < 2; i++) {
		struct text out = { .buf = got, .cap = sizeof(got) };
		int fd = http_lab_connect(&lab);

		assert_true(http_lab_talk(
		    &lab, fd, SLICE(GET("/stat") HERE "Connection: close\r\n\r\n"), &out));
		assert_string_equal(strstr(got, "\r\n\r\n"), "\r\n\r\nsaid\n");
		close(fd);
	}
	http_lab_stop(&lab);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
