#include "policy/fcrdns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/policy/fake_dns.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ARPA4 "8.7.6.5.in-addr.arpa"
#define ARPA6 "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.a.0.a.2.ip6.arpa"

static const struct {
	const char *name, *client;
	const char *wanted; /* what a wanted name ends with; NULL: any name */
	struct fake_record dns[8];
	enum fcrdns want;
	const char *asked; /* behind the PTR; NULL: never mind */
} cases[] = {
	{ "a name that has the address", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a.example" }, { DNS_A, "a.example", "5.6.7.8" } }, FCRDNS_VERIFIED,
	    " A a.example" },
	{ "among others", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a.example" }, { DNS_A, "a.example", "1.1.1.1 5.6.7.8 9.9.9.9" } },
	    FCRDNS_VERIFIED, NULL },
	{ "IPv6, in binary", "2a0a:1::5", NULL,
	    { { DNS_PTR, ARPA6, "a.example" },
		{ DNS_AAAA, "a.example", "2a0a:1::4 2a0a:0001:0000::0005" } },
	    FCRDNS_VERIFIED, " AAAA a.example" },
	{ "IPv6, another", "2a0a:1::5", NULL,
	    { { DNS_PTR, ARPA6, "a.example" }, { DNS_AAAA, "a.example", "2a0a:1::4" },
		{ DNS_A, "a.example", "42.10.0.1" } },
	    FCRDNS_REFUTED, " AAAA a.example" },
	{ "IPv4 as IPv6 is IPv4", "::ffff:5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a.example" }, { DNS_A, "a.example", "5.6.7.8" } }, FCRDNS_VERIFIED,
	    " A a.example" },
	{ "an AAAA that is IPv4 is no AAAA", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a.example" }, { DNS_AAAA, "a.example", "::ffff:5.6.7.8" } },
	    FCRDNS_REFUTED, " A a.example" },
	{ "no PTR", "5.6.7.8", NULL, { { DNS_PTR, ARPA4, "" } }, FCRDNS_NAMELESS, "" },
	{ "no PTR, a name is wanted", "5.6.7.8", "example", { { DNS_PTR, ARPA4, "" } },
	    FCRDNS_NAMELESS, "" },
	{ "PTR not known", "5.6.7.8", NULL, { { DNS_PTR, ARPA4, "?" } }, FCRDNS_UNKNOWN, "" },
	{ "PTR failed", "5.6.7.8", NULL, { { DNS_PTR, ARPA4, "!" } }, FCRDNS_FAILED, "" },
	{ "no such name", "5.6.7.8", NULL, { { DNS_PTR, ARPA4, "a.example" } }, FCRDNS_REFUTED,
	    " A a.example" },
	{ "the name not known", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a.example" }, { DNS_A, "a.example", "?" } }, FCRDNS_UNKNOWN,
	    NULL },
	{ "the name failed", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a.example" }, { DNS_A, "a.example", "!" } }, FCRDNS_FAILED, NULL },
	{ "unknown, verified", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a.example b.example" }, { DNS_A, "a.example", "?" },
		{ DNS_A, "b.example", "5.6.7.8" } },
	    FCRDNS_VERIFIED, " A a.example A b.example" },
	{ "verified, failed", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "b.example a.example" }, { DNS_A, "a.example", "!" },
		{ DNS_A, "b.example", "5.6.7.8" } },
	    FCRDNS_VERIFIED, NULL },
	{ "unknown, failed: both asked", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a.example b.example" }, { DNS_A, "a.example", "?" },
		{ DNS_A, "b.example", "!" } },
	    FCRDNS_UNKNOWN, " A a.example A b.example" },
	{ "failed, unknown", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "b.example a.example" }, { DNS_A, "a.example", "?" },
		{ DNS_A, "b.example", "!" } },
	    FCRDNS_UNKNOWN, " A b.example A a.example" },
	{ "unknown, refuted", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a.example b.example" }, { DNS_A, "a.example", "?" },
		{ DNS_A, "b.example", "9.9.9.9" } },
	    FCRDNS_UNKNOWN, NULL },
	{ "refuted, failed", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a.example b.example" }, { DNS_A, "b.example", "!" } },
	    FCRDNS_FAILED, NULL },
	{ "names, none of them wanted", "5.6.7.8", "crawler.example",
	    { { DNS_PTR, ARPA4, "own.example" }, { DNS_A, "own.example", "5.6.7.8" } },
	    FCRDNS_REFUTED, "" },
	{ "two names: his own has the address, the crawler's has not", "5.6.7.8", "crawler.example",
	    { { DNS_PTR, ARPA4, "bot-1.crawler.example own.example" },
		{ DNS_A, "bot-1.crawler.example", "9.9.9.9" },
		{ DNS_A, "own.example", "5.6.7.8" } },
	    FCRDNS_REFUTED, " A bot-1.crawler.example" },
	{ "two names, the other way round", "5.6.7.8", "crawler.example",
	    { { DNS_PTR, ARPA4, "own.example bot-1.crawler.example" },
		{ DNS_A, "own.example", "5.6.7.8" } },
	    FCRDNS_REFUTED, " A bot-1.crawler.example" },
	{ "two names, and the crawler's has it", "5.6.7.8", "crawler.example",
	    { { DNS_PTR, ARPA4, "own.example bot-1.crawler.example" },
		{ DNS_A, "own.example", "9.9.9.9" },
		{ DNS_A, "bot-1.crawler.example", "5.6.7.8" } },
	    FCRDNS_VERIFIED, " A bot-1.crawler.example" },
	{ "the ninth name", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a b c d e f g h i" }, { DNS_A, "i", "5.6.7.8" } }, FCRDNS_REFUTED,
	    " A a A b A c A d A e A f A g A h" },
	{ "the eighth", "5.6.7.8", NULL,
	    { { DNS_PTR, ARPA4, "a b c d e f g h i" }, { DNS_A, "h", "5.6.7.8" } }, FCRDNS_VERIFIED,
	    NULL },
	{ "the ninth, but the only one that is wanted", "5.6.7.8", "i",
	    { { DNS_PTR, ARPA4, "a b c d e f g h i" }, { DNS_A, "i", "5.6.7.8" } }, FCRDNS_VERIFIED,
	    " A i" },
};

static void
look(void *context, const struct dns_question *q, struct dns_answer *out)
{
	fake_look(context, q, out);
}

static bool
wanted(void *arg, struct slice name)
{
	const struct slice end = slice_of(arg);

	return name.len >= end.len &&
	       slice_equal((struct slice){ name.ptr + name.len - end.len, end.len }, end);
}

static void
addresses_are_confirmed(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		static struct fake_dns dns;
		struct address a;
		enum fcrdns got;
		const char *behind;

		dns = (struct fake_dns){ .list = cases[i].dns };
		assert_true(address_parse(slice_of(cases[i].client), &a));
		got = fcrdns_check(look, &dns, &a, cases[i].wanted == NULL ? NULL : wanted,
		    (void *)(uintptr_t)cases[i].wanted);
		if (got != cases[i].want)
			fail_msg("%s: %d, asked %s", cases[i].name, (int)got, dns.asked);
		assert_memory_equal(dns.asked, "PTR ", 4);
		behind = strstr(dns.asked, ".arpa") + 5;
		if (cases[i].asked != NULL && strcmp(behind, cases[i].asked) != 0)
			fail_msg("%s: asked%s", cases[i].name, behind);
	}
}

static void
no_address_is_not_asked_about(void **state)
{
	static const struct fake_record none[1];
	static struct fake_dns dns = { .list = none };
	const struct address a = { 0 };

	(void)state;
	assert_int_equal(fcrdns_check(look, &dns, &a, NULL, NULL), FCRDNS_FAILED);
	assert_string_equal(dns.asked, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_confirmed),
		cmocka_unit_test(no_address_is_not_asked_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
