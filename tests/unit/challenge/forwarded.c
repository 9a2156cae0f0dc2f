#include "challenge/forwarded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void
feed(struct forwarded *f, const char *lines)
{
	struct slice rest = slice_of(lines);

	*f = (struct forwarded){ .seen = 0 };
	while (rest.len > 0) {
		struct slice value, name = slice_split(slice_split(rest, '\n', &rest), ':', &value);

		forwarded_take(f, name, slice_trim(value));
	}
}

#define FOR "X-Real-IP: 192.0.2.1\n"
#define ASKED "X-Original-URI: /\n"

/* want: "METHOD host target tls client scheme", or what is wrong behind a '!'. */
static const struct {
	const char *name, *headers, *want;
} originals[] = {
	{ "nginx",
	    "Host: a.example\nX-Original-Method: POST\nX-Original-URI: /a?b=c\n"
	    "X-Original-Host: a.example\nX-Original-Proto: https\nX-Original-TLS: TLSv1.3\n" FOR,
	    "POST a.example /a?b=c TLSv1.3 192.0.2.1 https" },
	{ "Traefik",
	    "Host: 127.0.0.1:8089\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-Host: a.example\n"
	    "X-Forwarded-Method: GET\nX-Forwarded-Port: 443\nX-Forwarded-Proto: https\n"
	    "X-Forwarded-Server: e\nX-Forwarded-Uri: /a?b\nX-Real-Ip: 192.0.2.1\n",
	    "GET a.example /a?b TLS 192.0.2.1 https" },
	{ "Caddy",
	    "Host: a.example\nX-Forwarded-For: 192.0.2.1\nX-Forwarded-Host: a.example\n"
	    "X-Forwarded-Method: HEAD\nX-Forwarded-Proto: http\nX-Forwarded-Uri: /\n",
	    "HEAD a.example /  192.0.2.1 http" },
	{ "ingress of nginx",
	    "Host: ammit\nX-Original-URL: https://a.example:8443/a?b=http://c/\n"
	    "X-Original-Method: GET\nX-Forwarded-For: 192.0.2.1\n" FOR,
	    "GET a.example:8443 /a?b=http://c/ TLS 192.0.2.1 https" },
	{ "the least", "Host: h\n" ASKED FOR, "GET h /  192.0.2.1 http" },
	{ "no host", ASKED FOR, "GET  /  192.0.2.1 http" },
	{ "WebSocket", "X-Forwarded-Proto: wss\n" ASKED FOR, "GET  / TLS 192.0.2.1 https" },
	{ "the whole server", "X-Original-URI: *\n" FOR, "GET  *  192.0.2.1 http" },
	{ "the last of a list", "X-Forwarded-For: 198.51.100.1, x,2001:db8::1\n" ASKED,
	    "GET  /  2001:db8::1 http" },
	{ "mapped", "X-Real-IP: ::ffff:192.0.2.1\nX-Forwarded-For: 192.0.2.1\n" ASKED,
	    "GET  /  192.0.2.1 http" },
	{ "twice the same",
	    "X-Original-URI: /a\nX-Forwarded-Uri: /a\nX-Original-URL: http://h/a\n"
	    "X-Forwarded-Host: H\n" FOR,
	    "GET h /a  192.0.2.1 http" },
	{ "empty says nothing", "X-Original-URI:\nX-Forwarded-Uri: /a\nX-Original-Method:\n" FOR,
	    "GET  /a  192.0.2.1 http" },
	{ "a second ? stays", "X-Original-URI: /a?b?c\n" FOR, "GET  /a?b?c  192.0.2.1 http" },
	{ "other bytes", "X-Original-URI: /\xc3\xa4%2f\\\n" FOR,
	    "GET  /\xc3\xa4%2f\\  192.0.2.1 http" },

	{ "no path", FOR, "!no header says what was asked for" },
	{ "nobody", ASKED, "!no header says who asked" },
	{ "nothing", "", "!no header says what was asked for" },
	{ "two paths", "X-Original-URI: /\nX-Forwarded-Uri: /feed.xml\n" FOR,
	    "!two headers say different things" },
	{ "two queries", "X-Original-URI: /?a\nX-Forwarded-Uri: /?b\n" FOR,
	    "!two headers say different things" },
	{ "path and URL", "X-Original-URI: /a\nX-Original-URL: http://h/b\n" FOR,
	    "!two headers say different things" },
	{ "two methods", "X-Original-Method: GET\nX-Forwarded-Method: get\n" ASKED FOR,
	    "!two headers say different things" },
	{ "two hosts", "X-Original-Host: a\nX-Forwarded-Host: b\n" ASKED FOR,
	    "!two headers say different things" },
	{ "URL of another host", "X-Original-URL: http://a/\nX-Forwarded-Host: b\n" FOR,
	    "!two headers say different things" },
	{ "URL of another scheme", "X-Original-URL: http://a/\nX-Forwarded-Proto: https\n" FOR,
	    "!two headers say different things" },
	{ "two schemes", "X-Original-Proto: http\nX-Forwarded-Proto: https\n" ASKED FOR,
	    "!two headers say different things" },
	{ "two clients", "X-Forwarded-For: 192.0.2.2\n" FOR ASKED,
	    "!two headers say different things" },
	{ "one header twice", "X-Original-URI: /\nx-original-uri: /\n" FOR,
	    "!the header is there twice" },
	{ "once empty", "X-Original-URI: /\nX-Original-URI:\n" FOR, "!the header is there twice" },
	{ "client twice", FOR FOR ASKED, "!the header is there twice" },
	{ "list twice", "X-Forwarded-For: 192.0.2.1\nX-Forwarded-For: 192.0.2.1\n" ASKED,
	    "!the header is there twice" },
	{ "own host twice", "Host: a\nHost: b\n" ASKED FOR, "!the header is there twice" },
	{ "fragment", "X-Original-URI: /secret#.css\n" FOR, "!no path" },
	{ "blank", "X-Original-URI: /a b\n" FOR, "!no path" },
	{ "control", "X-Original-URI: /a\001\n" FOR, "!no path" },
	{ "relative", "X-Original-URI: a\n" FOR, "!no path" },
	{ "absolute as a path", "X-Original-URI: http://h/\n" FOR, "!no path" },
	{ "URL without a path", "X-Original-URL: http://h\n" FOR, "!no path" },
	{ "URL with a query alone", "X-Original-URL: http://h?x\n" FOR, "!no path" },
	{ "URL of nothing", "X-Original-URL: http:/h/\n" FOR, "!neither a path nor a URL" },
	{ "URL with a user", "X-Original-URL: http://a@h/\n" FOR, "!no host" },
	{ "URL of a file", "X-Original-URL: file://h/\n" FOR, "!neither http nor https" },
	{ "list of hosts", "X-Forwarded-Host: a, b\n" ASKED FOR, "!no host" },
	{ "list of schemes", "X-Forwarded-Proto: https,http\n" ASKED FOR,
	    "!neither http nor https" },
	{ "no method", "X-Original-Method: GET /\n" ASKED FOR, "!no method" },
	{ "client with a port", "X-Real-IP: 192.0.2.1:80\n" ASKED, "!no address" },
	{ "list without an end", "X-Forwarded-For: 192.0.2.1,\n" ASKED, "!no address" },
	{ "unknown", "X-Forwarded-For: 192.0.2.1, unknown\n" ASKED, "!no address" },
	{ "list as a client", "X-Real-IP: 192.0.2.1, 192.0.2.1\n" ASKED, "!no address" },
	{ "names are exact", "X_Original_URI: /\nX-Original-URIs: /\nOriginal-URI: /\n" FOR,
	    "!no header says what was asked for" },
};

static void
the_original_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(originals) / sizeof(originals[0]); i++) {
		char got[512], client[ADDRESS_TEXT_MAX];
		const char *why = NULL;
		struct forwarded f;
		struct original o;

		feed(&f, originals[i].headers);
		if (forwarded_original(&f, &o, &why)) {
			address_format(&o.client, client);
			snprintf(got, sizeof(got), "%.*s %.*s %.*s %.*s %s %s", (int)o.method.len,
			    o.method.ptr, (int)o.host.len, o.host.ptr, (int)o.target.len,
			    o.target.ptr, (int)o.tls.len, o.tls.ptr, client,
			    o.https ? "https" : "http");
		} else {
			snprintf(got, sizeof(got), "!%s", why);
		}
		if (strcmp(got, originals[i].want) != 0)
			fail_msg("%s: %s, not %s", originals[i].name, got, originals[i].want);
		assert_false(forwarded_by_haproxy(&f));
	}
}

static const struct {
	const char *name, *headers, *want; /* "ADDRESS scheme" */
} visitors[] = {
	{ "HAProxy", "X-Ammit-Src: 192.0.2.1\nX-Ammit-Proto: https\n", "192.0.2.1 https" },
	{ "HAProxy, which says more",
	    "X-Ammit-Src: 192.0.2.1\nX-Ammit-Proto: http\nX-Forwarded-Proto: https\n",
	    "192.0.2.1 http" },
	{ "nginx", "X-Ammit-Src: 192.0.2.1\nX-Ammit-Proto: https\nX-Forwarded-For: 192.0.2.1\n" FOR,
	    "192.0.2.1 https" },
	{ "Traefik", "X-Forwarded-For: 192.0.2.1\nX-Forwarded-Proto: https\n" FOR,
	    "192.0.2.1 https" },
	{ "through two of ours", "X-Forwarded-For: 198.51.100.1, 192.0.2.1\n", "192.0.2.1 http" },
	{ "nobody", "Host: h\n", "- http" },
	{ "a client's word", "X-Ammit-Src: 198.51.100.1\nX-Forwarded-For: 192.0.2.1\n", "- http" },
	{ "an empty word", "X-Ammit-Src:\nX-Forwarded-For: 192.0.2.1\n", "- http" },
	{ "no address", "X-Ammit-Src: me\nX-Forwarded-For: 192.0.2.1\n", "- http" },
	{ "twice", "X-Ammit-Src: 192.0.2.1\nX-Ammit-Src: 192.0.2.1\n", "- http" },
	{ "two words", "X-Forwarded-For: 198.51.100.1\n" FOR, "- http" },
	{ "no word", "X-Ammit-Src: 192.0.2.1\nX-Forwarded-For: unknown\n", "- http" },
	{ "other things do not matter", "X-Original-URI: x\nX-Forwarded-Host: a,b\n" FOR,
	    "192.0.2.1 http" },
};

static void
the_visitor_is_known_or_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(visitors) / sizeof(visitors[0]); i++) {
		char got[ADDRESS_TEXT_MAX + 8];
		struct forwarded f;
		struct visitor v;
		size_t n;

		feed(&f, visitors[i].headers);
		v = forwarded_visitor(&f);
		n = address_format(&v.address, got);
		snprintf(got + n, sizeof(got) - n, " %s", v.https ? "https" : "http");
		if (strcmp(got, visitors[i].want) != 0)
			fail_msg("%s: %s, not %s", visitors[i].name, got, visitors[i].want);
	}
}

static void
a_visitors_request_is_seen(void **state)
{
	static const char *const lines[] = { "X-Ammit-Src: 192.0.2.1\n", "x-ammit-src:\n",
		"X-Ammit-Ticket: x\n", "X-AMMIT-PROTO: https\n", "X-Ammit-Src: x\n" };
	struct forwarded f;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		feed(&f, lines[i]);
		assert_true(forwarded_by_haproxy(&f));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_original_is_read),
		cmocka_unit_test(the_visitor_is_known_or_not),
		cmocka_unit_test(a_visitors_request_is_seen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
