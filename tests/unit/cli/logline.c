#include "cli/logline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HEAD "192.0.2.1:5 [23/Nov/2026:22:33:51.315] f b/s 0/0/0/1/1 200 49 - - ---- 1/1/0/0/0 0/0 "
#define TLS "192.0.2.1:5 [23/Nov/2026:22:33:51.315] f~ b/s 0/0/0/1/1 200 49 - - ---- 1/1/0/0/0 0/0 "

/* client method path query host agent version tls verdict header, "-" for what is not there. */
static const struct {
	const char *name, *in, *want;
	enum logline_kind kind;
} good[] = {
	{ "plain", HEAD "\"GET /x HTTP/1.1\"", "192.0.2.1|GET|/x||-|-|1.1||-|", LOGLINE_HTTPLOG },
	{ "captures", HEAD "{ua#7C|h|en} {r} \"GET /x?y=z HTTP/1.1\"",
	    "192.0.2.1|GET|/x|y=z|h|ua||1.1||-|en", LOGLINE_HTTPLOG },
	{ "few captures", HEAD "{ua} \"GET / HTTP/1.1\"", "192.0.2.1|GET|/||-|ua|1.1||-|",
	    LOGLINE_HTTPLOG },
	{ "syslog", "<6>Nov 3 host haproxy[1]: " HEAD "\"GET / HTTP/1.1\"",
	    "192.0.2.1|GET|/||-|-|1.1||-|", LOGLINE_HTTPLOG },
	{ "encoded", HEAD "\"GET /#22#23#E9 HTTP/1.1\"", "192.0.2.1|GET|/\"#\xe9||-|-|1.1||-|",
	    LOGLINE_HTTPLOG },
	{ "target with a host", HEAD "\"GET https://h:1/x?y HTTP/2.0\"",
	    "192.0.2.1|GET|/x|y|h:1|-|2.0||-|", LOGLINE_HTTPLOG },
	{ "host header wins", HEAD "{u|H} \"GET http://h HTTP/1.1\"",
	    "192.0.2.1|GET|/||H|u|1.1||-|", LOGLINE_HTTPLOG },
	{ "http in the path", HEAD "\"GET /http://h HTTP/1.1\"",
	    "192.0.2.1|GET|/http://h||-|-|1.1||-|", LOGLINE_HTTPLOG },
	{ "TLS", TLS "\"GET / HTTP/1.1\"", "192.0.2.1|GET|/||-|-|1.1|-|-|", LOGLINE_HTTPLOG },
	{ "httpslog", TLS "\"GET / HTTP/1.1\" 0/0/0/0/0 h/TLSv1.3/AES",
	    "192.0.2.1|GET|/||-|-|1.1|TLSv1.3|-|", LOGLINE_HTTPLOG },
	{ "IPv6",
	    "2001:db8::1:5 [23/Nov/2026:22:33:51.315] f b/s 0/0/0/1/1 200 49 - - ---- 1/1/0/0/0 "
	    "0/0 \"GET / HTTP/1.1\"",
	    "2001:db8::1|GET|/||-|-|1.1||-|", LOGLINE_HTTPLOG },
	{ "edge", "192.0.2.1 GET /a=b status=200 verdict=allow rule=\"x\" weight=0",
	    "192.0.2.1|GET|/a=b|-|-|-|-|-|allow|", LOGLINE_EDGE },
	{ "edge behind a syslog", "Nov 3 h haproxy[1]: 2001:db8::1 GET / status=200 verdict=- x",
	    "2001:db8::1|GET|/|-|-|-|-|-|-|", LOGLINE_EDGE },
	{ "full",
	    "time=1 src=192.0.2.1 method=GET host=\"h\" path=\"/\" query=\"\" ver=HTTP/1.1 "
	    "tls.version=- ua=\"a b\" hdr.x=\"y\" verdict=deny",
	    "192.0.2.1|GET|/||h|a b|1.1|-|deny|y", LOGLINE_FULL },
	{ "full, hostile",
	    "src=192.0.2.1 method=GET path=\"/\" ua=\"\\\" verdict=allow src=1 \\\\\" verdict=deny",
	    "192.0.2.1|GET|/|-|-|\" verdict=allow src=1 \\|-|-|deny|", LOGLINE_FULL },
};

static void
put(struct text *t, struct slice s)
{
	text_put(t, s.ptr == NULL ? SLICE("-") : s);
	text_byte(t, '|');
}

static void
reads(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++) {
		char store[1024], got[1024];
		struct text t = { .buf = got, .cap = sizeof(got) };
		struct logline l;
		const char *why = "";

		if (!logline_parse(slice_of(good[i].in), SLICE("user-agent, host,accept-language"),
			store, &l, &why))
			fail_msg("%s: %s", good[i].name, why);
		put(&t, l.client);
		put(&t, l.method);
		put(&t, l.path);
		put(&t, l.query);
		put(&t, l.host);
		put(&t, l.agent);
		put(&t, l.version);
		put(&t, l.tls);
		put(&t, l.verdict);
		text_put(&t, l.headers > 0 ? l.header[0].value : SLICE(""));
		if (!slice_equal(text_slice(&t), slice_of(good[i].want)) || l.kind != good[i].kind)
			fail_msg("%s: %.*s", good[i].name, (int)t.len, got);
	}
}

static void
numbers(void **state)
{
	char store[256];
	struct logline l;
	const char *why;

	(void)state;
	assert_true(
	    logline_parse(SLICE("src=x method=GET path=/ pass.level=8 pass.by=5 pass.age=9 rate=-"),
		SLICE(""), store, &l, &why));
	assert_int_equal(l.level, 8);
	assert_int_equal(l.pass_by, 5);
	assert_int_equal(l.pass_age_s, 9);
	assert_int_equal(l.rate, -1);
	assert_int_equal(l.pass_rate, -1);
}

static void
refuses(void **state)
{
	static const char *const bad[] = { "", " ", "nonsense", HEAD, HEAD "\"<BADREQ>\"",
		HEAD "\"\"", HEAD "\"GET", HEAD "\"GET / HTT", HEAD "{a",
		"192.0.2.1 <BADREQ> <BADREQ> status=400 x", " status=200",
		"192.0.2.1  / status=200 x", "192.0.2.1 GET / status=200 path=\"\"",
		HEAD "\" /x HTTP/1.1\"", "src=x method=GET", "src=x method=GET path=\"/",
		"src=x method=GET path=-", "192.0.2.1 [23/Nov/2026:22:33:51.315] x",
		"[23/Nov/2026:22:33:51.315]",
		"192.0.2.1:5 [23/Nov/2026:22:33:51.315] f b/<NOSRV> -1/-1/0 0 SC 0/0/0/0/0 0/0" };

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		char store[1024];
		struct logline l;
		const char *why = NULL;

		if (logline_parse(slice_of(bad[i]), SLICE("host"), store, &l, &why) || why == NULL)
			fail_msg("taken: %s", bad[i]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads),
		cmocka_unit_test(numbers),
		cmocka_unit_test(refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
