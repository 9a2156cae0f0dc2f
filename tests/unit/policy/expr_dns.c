#include "policy/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/allocations.h"
#include "unit/policy/expr_scope.h"

#define F EXPR_FALSE
#define T EXPR_TRUE
#define E EXPR_FAILED
#define U EXPR_UNKNOWN
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What the DNS of dns_cases says; the client there is 5.6.7.8. */
static const struct fake_record dns_records[] = {
	{ DNS_PTR, "8.7.6.5.in-addr.arpa", "bot-1.crawler.example own.example" },
	{ DNS_A, "own.example", "5.6.7.8" },
	{ DNS_A, "bot-1.crawler.example", "9.9.9.9" },
	{ DNS_PTR, "9.7.6.5.in-addr.arpa", "own.example bot-9.crawler.example" },
	{ DNS_A, "bot-9.crawler.example", "5.6.7.8 5.6.7.9" },
	{ DNS_AAAA, "bot-9.crawler.example", "2a0a:1::9" },
	{ DNS_PTR, "6.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.a.0.a.2.ip6.arpa",
	    "bot-6.crawler.example" },
	{ DNS_AAAA, "bot-6.crawler.example", "2a0a:1::6" },
	{ DNS_PTR, "1.0.0.10.in-addr.arpa", "never.example" },
	{ DNS_PTR, "1.7.6.5.in-addr.arpa", "?" },
	{ DNS_PTR, "2.7.6.5.in-addr.arpa", "!" },
	{ DNS_PTR, "3.7.6.5.in-addr.arpa", "unknown.example failed.example" },
	{ DNS_PTR, "4.7.6.5.in-addr.arpa", "failed.example" },
	{ DNS_PTR, "5.7.6.5.in-addr.arpa", "unknown.example own.example" },
	{ DNS_PTR, "6.7.6.5.in-addr.arpa",
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
	{ DNS_A, "unknown.example", "?" },
	{ DNS_A, "failed.example", "!" },
	{ DNS_A, "half.example", "5.6.7.8" },
	{ DNS_AAAA, "half.example", "?" },
	{ DNS_A, "torn.example", "?" },
	{ DNS_AAAA, "torn.example", "!" },
	{ DNS_AAAA, "mapped.example", "::ffff:5.6.7.8 2a0a:1::8" },
	{ 0 },
};

#define PTR8 "PTR 8.7.6.5.in-addr.arpa"
#define PTR9 "PTR 9.7.6.5.in-addr.arpa"

static const struct {
	const char *in;
	enum expr_result want;
	const char *asked; /* in order; NULL: never mind */
	const char *why;   /* of an error */
} dns_cases[] = {
	{ "reverseDNS(remoteAddress) == [\"bot-1.crawler.example\", \"own.example\"]", T, PTR8,
	    NULL },
	{ "reverseDNS(\"::ffff:5.6.7.8\").size() == 2", T, PTR8, NULL },
	{ "reverseDNS(\"5.6.7.77\") == []", T, "PTR 77.7.6.5.in-addr.arpa", NULL },
	{ "reverseDNS(remoteAddress).exists(n, n.endsWith(\".crawler.example\"))", T, PTR8, NULL },
	{ "reverseDNS(remoteAddress)[0] + reverseDNS(\"5.6.7.9\")[0] == "
	  "\"bot-1.crawler.exampleown.example\"",
	    T, PTR8 " " PTR9, NULL },
	{ "reverseDNS(\"5.6.7.1\").size() > 0", U, NULL, NULL },
	{ "reverseDNS(\"5.6.7.1\").size() == 0", U, NULL, NULL },
	{ "reverseDNS(\"5.6.7.2\") == []", E, NULL, "the DNS did not answer" },
	{ "reverseDNS(\"10.0.0.1\") == []", E, "", "no public address" },
	{ "reverseDNS(\"::1\") == []", E, "", "no public address" },
	{ "reverseDNS(\"fc00:dead:beef:4dad::1\") == []", E, "", "no public address" },
	{ "reverseDNS(\"\") == []", E, "", "no public address" },
	{ "reverseDNS(\"own.example\") == []", E, "", "no public address" },

	{ "lookupHost(\"own.example\") == [\"5.6.7.8\"]", T, "A own.example AAAA own.example",
	    NULL },
	{ "lookupHost(\"OWN.Example.\") == [\"5.6.7.8\"]", T, "A own.example AAAA own.example",
	    NULL },
	{ "lookupHost(\"bot-9.crawler.example\") == [\"5.6.7.8\", \"5.6.7.9\", \"2a0a:1::9\"]", T,
	    NULL, NULL },
	{ "lookupHost(\"mapped.example\") == [\"5.6.7.8\", \"2a0a:1::8\"]", T, NULL, NULL },
	{ "lookupHost(\"nobody.example\") == []", T, "A nobody.example AAAA nobody.example", NULL },
	{ "lookupHost(\"no name\") == []", T, "", NULL },
	{ "lookupHost(host) == [] && lookupHost(\"\") == []", T, "", NULL },
	{ "lookupHost(\"2A0A:1:0::8\") == [\"2a0a:1::8\"]", T, "", NULL },
	{ "lookupHost(\"unknown.example\") == []", U, "A unknown.example AAAA unknown.example",
	    NULL },
	{ "lookupHost(\"half.example\").size() > 0", U, NULL, NULL },
	{ "lookupHost(\"failed.example\").size() > 0", E, "A failed.example AAAA failed.example",
	    "the DNS did not answer" },
	{ "lookupHost(\"torn.example\") == []", E, NULL, "the DNS did not answer" },

	{ "verifyFCrDNS(remoteAddress)", T, PTR8 " A bot-1.crawler.example A own.example", NULL },
	{ "verifyFCrDNS(\"::ffff:5.6.7.9\")", T, NULL, NULL },
	{ "verifyFCrDNS(\"2a0a:1:0:0::6\")", T, NULL, NULL },
	{ "verifyFCrDNS(\"5.6.7.6\")", F, NULL, NULL },
	{ "verifyFCrDNS(\"5.6.7.77\")", T, NULL, NULL },
	{ "verifyFCrDNS(\"5.6.7.1\")", U, NULL, NULL },
	{ "verifyFCrDNS(\"5.6.7.2\")", E, NULL, "the DNS did not answer" },
	{ "!verifyFCrDNS(\"5.6.7.2\")", E, NULL, "the DNS did not answer" },
	{ "verifyFCrDNS(\"5.6.7.3\")", U,
	    "PTR 3.7.6.5.in-addr.arpa A unknown.example A failed.example", NULL },
	{ "verifyFCrDNS(\"5.6.7.4\")", E, NULL, "the DNS did not answer" },
	{ "!verifyFCrDNS(\"5.6.7.4\")", E, NULL, "the DNS did not answer" },
	{ "verifyFCrDNS(\"192.168.1.1\")", E, "", "no public address" },
	{ "!verifyFCrDNS(\"192.168.1.1\")", E, "", "no public address" },

	/* A crawler's name that does not confirm, and his own that does. */
	{ "verifyFCrDNS(remoteAddress, \"\\\\.crawler\\\\.example$\")", F,
	    PTR8 " A bot-1.crawler.example", NULL },
	{ "verifyFCrDNS(\"5.6.7.9\", \"\\\\.crawler\\\\.example$\")", T,
	    PTR9 " A bot-9.crawler.example", NULL },
	{ "verifyFCrDNS(\"5.6.7.9\", \"^bot-[0-9]+\")", T, NULL, NULL },
	{ "verifyFCrDNS(\"5.6.7.9\", \"^crawler\")", F, PTR9, NULL },
	{ "!verifyFCrDNS(\"5.6.7.9\", \"^crawler\")", T, PTR9, NULL },
	{ "verifyFCrDNS(\"2a0a:1::6\", \"crawler\")", T, NULL, NULL },
	{ "verifyFCrDNS(\"5.6.7.77\", \"\")", F, NULL, NULL },
	{ "verifyFCrDNS(\"5.6.7.1\", \"crawler\")", U, NULL, NULL },
	{ "verifyFCrDNS(\"5.6.7.2\", \"crawler\")", E, NULL, "the DNS did not answer" },
	{ "verifyFCrDNS(\"5.6.7.5\", \"^un\")", U, "PTR 5.7.6.5.in-addr.arpa A unknown.example",
	    NULL },
	{ "verifyFCrDNS(\"5.6.7.5\", \"^own\")", F, NULL, NULL },
	{ "verifyFCrDNS(\"5.6.7.4\", \"example\")", E, NULL, "the DNS did not answer" },
	{ "verifyFCrDNS(\"5.6.7.6\", \"^(.+)+[#~]$\")", E, NULL, "match limit" },
	{ "!verifyFCrDNS(\"5.6.7.6\", \"^(.+)+[#~]$\")", E, NULL, "match limit" },
	{ "verifyFCrDNS(\"x\", \"x\")", E, "", "no public address" },

	{ "dnsbl(\"listed.example\")", T, "dnsbl listed.example", NULL },
	{ "dnsbl(\"LISTED.example.\")", T, "dnsbl listed.example", NULL },
	{ "dnsbl(\"free.example\")", F, NULL, NULL },
	{ "!dnsbl(\"free.example\")", T, NULL, NULL },
	{ "dnsbl(\"unknown.example\")", U, NULL, NULL },
	{ "dnsbl(\"failed.example\")", E, NULL, "the DNS did not answer" },
	{ "!dnsbl(\"failed.example\")", E, NULL, "the DNS did not answer" },
	{ "dnsbl(\"broken.example\")", E, NULL, "the blocklist answers what none does" },
	{ "dnsbl(\"free.example\") || dnsbl(\"listed.example\")", T,
	    "dnsbl free.example dnsbl listed.example", NULL },

	/* From left to right: who is no crawler costs no question. */
	{ "userAgent.contains(\"Crawler\") && verifyFCrDNS(remoteAddress)", F, "", NULL },
	{ "userAgent.contains(\"GPTBot\") || verifyFCrDNS(remoteAddress)", T, "", NULL },
	{ "rate > 100 && dnsbl(\"unknown.example\") && verifyFCrDNS(remoteAddress, \"x\")", F, "",
	    NULL },
	{ "rate > 1 ? rate > 2 : dnsbl(\"listed.example\")", T, "", NULL },
	{ "dnsbl(\"free.example\") && verifyFCrDNS(remoteAddress)", F, "dnsbl free.example", NULL },
	{ "dnsbl(\"listed.example\") || verifyFCrDNS(remoteAddress)", T, "dnsbl listed.example",
	    NULL },
	{ "[\"own.example\", \"half.example\"].exists(h, lookupHost(h) == [\"5.6.7.8\"])", T,
	    "A own.example AAAA own.example", NULL },
	/* What is unknown does not hold up the next question. */
	{ "dnsbl(\"unknown.example\") && verifyFCrDNS(\"5.6.7.1\")", U,
	    "dnsbl unknown.example PTR 1.7.6.5.in-addr.arpa", NULL },
	{ "dnsbl(\"unknown.example\") || verifyFCrDNS(\"5.6.7.1\", \"x\")", U,
	    "dnsbl unknown.example PTR 1.7.6.5.in-addr.arpa", NULL },
	{ "dnsbl(\"unknown.example\") && rate < 1", F, NULL, NULL },
	{ "dnsbl(\"unknown.example\") || dnsbl(\"listed.example\")", T, NULL, NULL },
	{ "dnsbl(\"unknown.example\") ? true : true", U, NULL, NULL },
	{ "dnsbl(\"unknown.example\") == dnsbl(\"unknown.example\")", U, NULL, NULL },
	{ "int(host) > 0 || dnsbl(\"unknown.example\")", U, NULL, NULL },
	{ "int(host) > 0 && (dnsbl(\"unknown.example\") || dnsbl(\"failed.example\"))", U, NULL,
	    NULL },
	{ "reverseDNS(\"5.6.7.3\").exists(n, lookupHost(n).size() > 0)", U, NULL, NULL },
	{ "reverseDNS(\"5.6.7.3\").all(n, n != \"x\")", T, NULL, NULL },
};

/* With a DNS behind it, and a client that it may be asked about. */
static void
fill_dns(struct world *w)
{
	world_set(w, REQUEST_HOST, "git.example.org:8443");
	world_set(w, REQUEST_USER_AGENT, "Mozilla/5.0 GPTBot/1.2");
	w->request.number[REQUEST_RATE] = 30;
	w->request.known = 1u << REQUEST_RATE;
	address_parse(SLICE("5.6.7.8"), &w->request.src);
	w->dns.list = dns_records;
	w->look = world_look;
	w->listed = world_listed;
}

static void
the_dns_is_asked(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(dns_cases); i++) {
		struct world w;
		struct expr_error error;
		const char *why = "";
		struct expr *e;
		enum expr_result got;

		world_init(&w, EXPR_RULE);
		e = world_compile(&w, dns_cases[i].in, &error);
		if (e == NULL)
			fail_msg("%s: %s at %zu", dns_cases[i].in, error.why, error.offset);
		fill_dns(&w);
		got = world_eval(&w, e, &why);
		if (got != dns_cases[i].want ||
		    strcmp(why, dns_cases[i].why == NULL ? "" : dns_cases[i].why) != 0)
			fail_msg("%s: %d (%s)", dns_cases[i].in, (int)got, why);
		if (dns_cases[i].asked != NULL && strcmp(w.dns.asked, dns_cases[i].asked) != 0)
			fail_msg("%s: asked %s", dns_cases[i].in, w.dns.asked);
		assert_true(expr_varies(e));
		world_fini(&w);
	}
}

/* Every pair of true, false, an error and what is unknown. */
static void
the_unknown_is_absorbed(void **state)
{
	static const char *const asked[] = { "dnsbl(\"free.example\")", "dnsbl(\"listed.example\")",
		"dnsbl(\"failed.example\")", "dnsbl(\"unknown.example\")" };
	const enum expr_result and[4][4] = { { F, F, F, F }, { F, T, E, U }, { F, E, E, U },
		{ F, U, U, U } };
	const enum expr_result or [4][4] = { { F, T, E, U }, { T, T, T, T }, { E, T, E, U },
		{ U, T, U, U } };

	(void)state;
	for (unsigned i = 0; i < 64; i++) {
		const unsigned a = i % 4, b = i / 4 % 4;
		const enum expr_result want = (i / 16 % 2 == 0 ? and : or)[a][b];
		const bool all = i / 16 % 2 == 0;
		struct slice item[2] = { slice_of(asked[a]), slice_of(asked[b]) };
		struct expr_error error;
		const struct expr *e;
		struct world w;
		char text[128];

		world_init(&w, EXPR_RULE);
		fill_dns(&w);
		if (i < 32)
			snprintf(
			    text, sizeof(text), "%s %s %s", asked[a], all ? "&&" : "||", asked[b]);
		else
			snprintf(text, sizeof(text), "[%u, 77].%s(x, x != 77 ? %s : %s)", i,
			    all ? "all" : "exists", asked[a], asked[b]);
		e = world_compile(&w, text, &error);
		if (e == NULL || world_eval(&w, e, NULL) != want)
			fail_msg("%s: not %d", text, (int)want);
		e = expr_compile(w.arena, &w.scope, item, 2, !all, &error);
		assert_int_equal(world_eval(&w, e, NULL), want);
		world_fini(&w);
	}
}

/* In a list as between signs: what stands on the left keeps the DNS from being asked. */
static void
a_list_asks_in_order(void **state)
{
	const struct slice text[] = { SLICE("userAgent.contains(\"Crawler\")"),
		SLICE("verifyFCrDNS(remoteAddress)"), SLICE("dnsbl(\"listed.example\")") };
	struct expr_error error;
	const struct expr *e;
	struct world w;

	(void)state;
	world_init(&w, EXPR_RULE);
	fill_dns(&w);
	e = expr_compile(w.arena, &w.scope, text, 3, false, &error);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_FALSE);
	assert_string_equal(w.dns.asked, "");
	world_set(&w, REQUEST_USER_AGENT, "Crawler");
	assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	assert_string_equal(w.dns.asked,
	    "PTR 8.7.6.5.in-addr.arpa A bot-1.crawler.example A own.example dnsbl listed.example");
	world_fini(&w);
}

/* Nobody hides behind many names: they are all seen, or the expression fails. */
static void
many_names_fit(void **state)
{
	struct fake_record records[] = { { DNS_PTR, "8.7.6.5.in-addr.arpa", NULL }, { 0 } };
	char names[4 * DNS_RECORDS_MAX + 1];
	struct expr_error error;
	const struct expr *e;
	struct world w;

	(void)state;
	for (unsigned i = 0; i < DNS_RECORDS_MAX; i++)
		snprintf(names + 4 * i, 5, "a%02u ", i);
	names[sizeof(names) - 2] = '\0';
	records[0].says = names;
	world_init(&w, EXPR_RULE);
	fill_dns(&w);
	w.dns.list = records;
	e = world_compile(&w,
	    "reverseDNS(remoteAddress).size() == 64 && reverseDNS(remoteAddress)[63] == \"a63\" && "
	    "reverseDNS(remoteAddress).all(n, lookupHost(n) == [])",
	    &error);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	world_fini(&w);
}

static void
private_clients_are_not_listed(void **state)
{
	static const char *const clients[] = { "192.168.1.1", "::1", "fc00:dead:beef:4dad::7",
		"127.0.0.2" };
	struct expr_error error;
	const struct expr *e;
	struct world w;

	(void)state;
	world_init(&w, EXPR_RULE);
	fill_dns(&w);
	e = world_compile(&w, "dnsbl(\"listed.example\")", &error);
	for (size_t i = 0; i < COUNT(clients); i++) {
		const char *why = "";

		address_parse(slice_of(clients[i]), &w.request.src);
		assert_int_equal(world_eval(&w, e, &why), EXPR_FAILED);
		assert_string_equal(why, "no public address");
	}
	w.request.src = (struct address){ 0 };
	assert_int_equal(world_eval(&w, e, NULL), EXPR_FAILED);
	assert_string_equal(w.dns.asked, "");
	address_parse(SLICE("5.6.7.8"), &w.request.src);
	w.listed = NULL;
	assert_int_equal(world_eval(&w, e, NULL), EXPR_FAILED);
	world_fini(&w);
}

static void
nothing_is_allocated(void **state)
{
	struct world w;
	struct expr_error error;
	struct expr *e;
	unsigned before;

	(void)state;
	world_init(&w, EXPR_RULE);
	e = world_compile(&w,
	    "verifyFCrDNS(\"5.6.7.9\", \"crawler\") && !dnsbl(\"free.example\") && "
	    "reverseDNS(remoteAddress).exists(n, remoteAddress in lookupHost(n))",
	    &error);
	fill_dns(&w);
	before = allocations;
	assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	assert_int_equal(allocations, before);
	world_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_dns_is_asked),
		cmocka_unit_test(the_unknown_is_absorbed),
		cmocka_unit_test(a_list_asks_in_order),
		cmocka_unit_test(many_names_fit),
		cmocka_unit_test(private_clients_are_not_listed),
		cmocka_unit_test(nothing_is_allocated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
