#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/verdict.h"
#include "unit/allocations.h"

#include "unit/policy/fake_dns.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char text[] =
    "bots:\n"
    "- {name: trusted, user_agent_regex: Trusted, action: ALLOW}\n"
    "- {name: bad, user_agent_regex: Bad, action: DENY}\n"
    "- name: google\n"
    "  user_agent_regex: Googlebot\n"
    "  action: ALLOW\n"
    "  verify_dns: {suffixes: [.google.test, .other.test], forged: 25}\n"
    "- name: careful\n"
    "  user_agent_regex: Careful\n"
    "  action: ALLOW\n"
    "  unknown: challenge\n"
    "  verify_dns: {suffixes: [.google.test]}\n"
    "- {name: shy, user_agent_regex: Shy, action: ALLOW, shadow: true,\n"
    "   verify_dns: {suffixes: [.google.test], forged: 9}}\n"
    "- {name: asked, user_agent_regex: Asked, action: CHALLENGE}\n"
    "- {name: listed, path_regex: ^/login, action: DENY, expression: dnsbl(\"other.test\")}\n"
    "- {name: expr, user_agent_regex: Expr, action: DENY,\n"
    "   expression: \"!verifyFCrDNS(remoteAddress, '[.]google[.]test$')\"}\n"
    "thresholds: [{name: t, expression: weight < 1000, action: ALLOW}]\n"
    "dns: {never: [5.200.0.0/16]}\n"
    "hosts: {quiet.test: {dnsbl: false}}\n";

#define BY_WEIGHT                                                                                  \
	"dnsbl:\n"                                                                                 \
	"- {zone: bl.test, name: bl, codes: {'127.0.0.9': 30, default: 10}}\n"                     \
	"- {zone: six.test, types: [AAAA], codes: {default: 7}}\n"                                 \
	"- {zone: hard.test, action: DENY}\n"

static struct fake_dns dns;
static bool zone_suspended;
static char broken_said[128];

static void
look(void *context, const struct dns_question *q, struct dns_answer *out)
{
	(void)context;
	fake_look(&dns, q, out);
}

static struct dns_tally *
find_zone(void *context, unsigned zone, bool *suspended)
{
	(void)context;
	(void)zone;
	*suspended = zone_suspended;
	return NULL;
}

static void
note_broken(void *context, unsigned zone, const char *why)
{
	(void)context;
	snprintf(broken_said, sizeof(broken_said), "%u: %s", zone, why);
}

static const struct fake_record world[] = {
	{ DNS_A, "1.0.0.5.bl.test", "127.0.0.9" },
	{ DNS_A, "2.0.0.5.bl.test", "127.0.0.77" },
	{ DNS_A, "3.0.0.5.bl.test", "?" },
	{ DNS_A, "4.0.0.5.bl.test", "!" },
	{ DNS_A, "5.0.0.5.bl.test", "198.51.100.1" },
	{ DNS_A, "6.0.0.5.hard.test", "127.0.0.2" },
	{ DNS_A, "6.0.0.5.bl.test", "127.0.0.9" },
	{ DNS_A, "7.0.0.5.other.test", "127.0.0.2" },
	{ DNS_A, "8.0.0.5.other.test", "?" },
	{ DNS_A, "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.a.2.six.test",
	    "127.0.0.2" },
	{ DNS_PTR, "1.0.1.5.in-addr.arpa", "crawl.google.test" },
	{ DNS_A, "crawl.google.test", "5.1.0.1" },
	{ DNS_PTR, "2.0.1.5.in-addr.arpa", "crawl.google.test me.example" },
	{ DNS_A, "me.example", "5.1.0.2" },
	{ DNS_PTR, "3.0.1.5.in-addr.arpa", "?" },
	{ DNS_PTR, "4.0.1.5.in-addr.arpa", "!" },
	{ DNS_PTR, "5.0.1.5.in-addr.arpa", "slow.google.test" },
	{ DNS_A, "slow.google.test", "?" },
	{ DNS_PTR, "6.0.1.5.in-addr.arpa", "evil-google.test" },
	{ DNS_A, "evil-google.test", "5.1.0.6" },
	{ DNS_PTR, "7.0.1.5.in-addr.arpa", "x.other.test" },
	{ DNS_A, "x.other.test", "5.1.0.7" },
	{ DNS_A, NULL, NULL },
};

static struct policy *policy;
static struct judge *judge;

static struct policy *
load(const char *dnsbl)
{
	char whole[4096];
	struct problems p = { 0 };
	int n = snprintf(whole, sizeof(whole), "%s%s", text, dnsbl);
	struct policy *out = policy_load("f.yaml", (struct slice){ whole, (size_t)n }, NULL, &p);

	if (out == NULL || p.warnings > 0)
		fail_msg("%s", p.count > 0 ? p.list[0].text : "?");
	problems_fini(&p);
	return out;
}

struct visit {
	const char *name, *src, *agent, *path, *want; /* "verdict rule weight unknown" */
	const char *asked;                            /* NULL: whatever */
};

static void
judge_visit(const struct visit *v, const struct dns_view *view, const char *host, char *got)
{
	struct request r = { 0 };
	struct evidence e = { .dns = view };
	struct verdict out;
	uint64_t before;

	assert_true(address_parse(slice_of(v->src), &r.src));
	request_set(&r, REQUEST_HOST, slice_of(host));
	request_set(&r, REQUEST_USER_AGENT, slice_of(v->agent == NULL ? "curl" : v->agent));
	request_set(&r, REQUEST_PATH, slice_of(v->path == NULL ? "/" : v->path));
	dns.length = 0;
	dns.asked[0] = '\0';
	judge_fit(judge, policy);
	before = allocations;
	policy_judge(policy, judge, &r, &e, &out, NULL);
	assert_int_equal(allocations, before);
	snprintf(got, 256, "%s %.*s %d %u", verdict_names[out.kind], (int)out.rule.len,
	    out.rule.ptr, out.weight, out.unknown);
}

static void
expect(const struct visit *v, const struct dns_view *view)
{
	char got[256];

	judge_visit(v, view, "example.org", got);
	if (strcmp(got, v->want) != 0)
		fail_msg("%s: %s, not %s (asked %s)", v->name, got, v->want, dns.asked);
	if (v->asked != NULL && strcmp(dns.asked, v->asked) != 0)
		fail_msg("%s: asked %s, not %s", v->name, dns.asked, v->asked);
}

static const struct visit visits[] = {
	{ "listed", "5.0.0.1", NULL, NULL, "allow threshold/t 30 0",
	    "A 1.0.0.5.bl.test A 1.0.0.5.hard.test" },
	{ "another code", "5.0.0.2", NULL, NULL, "allow threshold/t 10 0", NULL },
	{ "not listed", "5.0.0.9", NULL, NULL, "allow threshold/t 0 0", NULL },
	{ "not known", "5.0.0.3", NULL, NULL, "allow threshold/t 0 1", NULL },
	{ "nobody could say", "5.0.0.4", NULL, NULL, "allow threshold/t 0 0", NULL },
	{ "odd", "5.0.0.5", NULL, NULL, "allow threshold/t 0 0", NULL },
	{ "denied by a list", "5.0.0.6", NULL, NULL, "deny dnsbl/hard.test 30 0", NULL },
	{ "IPv6", "2a01::1", NULL, NULL, "allow threshold/t 7 0", NULL },
	{ "IPv6, mapped", "::ffff:5.0.0.1", NULL, NULL, "allow threshold/t 30 0", NULL },
	{ "allowed by a rule", "5.0.0.1", "Trusted", NULL, "allow bot/trusted 0 0", "" },
	{ "denied by a rule", "5.0.0.1", "Bad", NULL, "deny bot/bad 0 0", "" },
	{ "challenged by a rule", "5.0.0.1", "Asked", NULL, "challenge bot/asked 0 0", "" },
	{ "private", "10.0.0.1", NULL, NULL, "allow threshold/t 0 0", "" },
	{ "never", "5.200.0.1", "Googlebot", "/login", "allow threshold/t 0 0", "" },
	{ "circuit", "fc00:dead:beef:4dad::5", "Googlebot", "/login", "allow threshold/t 0 0", "" },
	{ "documentation", "2001:db8::1", "Expr", "/login", "allow threshold/t 0 0", "" },
	{ "expression", "5.0.0.7", NULL, "/login", "deny bot/listed 0 0", "A 7.0.0.5.other.test" },
	{ "expression, not known", "5.0.0.8", NULL, "/login", "allow threshold/t 0 1", NULL },
	{ "verified", "5.1.0.1", "Googlebot", NULL, "allow bot/google 0 0",
	    "PTR 1.0.1.5.in-addr.arpa A crawl.google.test" },
	{ "verified by another name", "5.1.0.7", "Googlebot", NULL, "allow bot/google 0 0", NULL },
	{ "two names", "5.1.0.2", "Googlebot", NULL, "allow threshold/t 25 0", NULL },
	{ "an ending that is none", "5.1.0.6", "Googlebot", NULL, "allow threshold/t 25 0", NULL },
	{ "nameless", "5.1.0.99", "Googlebot", NULL, "allow threshold/t 25 0", NULL },
	{ "name not known", "5.1.0.3", "Googlebot", NULL, "allow threshold/t 0 1", NULL },
	{ "address not known", "5.1.0.5", "Googlebot", NULL, "allow threshold/t 0 1", NULL },
	{ "name failed", "5.1.0.4", "Googlebot", NULL, "allow threshold/t 0 0", NULL },
	{ "not asked without a claim", "5.1.0.3", "curl", NULL, "allow threshold/t 0 0",
	    "A 3.0.1.5.bl.test A 3.0.1.5.hard.test" },
	{ "careful, not yet", "5.1.0.3", "Careful", NULL, "allow threshold/t 0 1", NULL },
	{ "careful, failed", "5.1.0.4", "Careful", NULL, "allow threshold/t 0 0", NULL },
	{ "careful, forged by default", "5.1.0.2", "Careful", NULL, "allow threshold/t 20 0",
	    NULL },
	{ "not verified, by expression", "5.1.0.2", "Expr", NULL, "deny bot/expr 0 0", NULL },
	{ "a failure is no proof", "5.1.0.4", "Expr", NULL, "allow threshold/t 0 0", NULL },
	{ "shadow", "5.1.0.2", "Shy", NULL, "allow threshold/t 0 0", NULL },
};

static void
verdicts(void **state)
{
	const struct dns_view view = { NULL, look, find_zone, note_broken, false };

	(void)state;
	policy = load(BY_WEIGHT);
	dns.list = world;
	for (size_t i = 0; i < COUNT(visits); i++) {
		broken_said[0] = '\0';
		expect(&visits[i], &view);
		assert_int_equal(strcmp(visits[i].name, "odd") == 0, broken_said[0] != '\0');
	}
	policy_free(policy);
}

/* The last time, nobody judges again: then a rule's own choice counts. */
static void
what_stays_unknown(void **state)
{
	static const struct visit last[] = {
		{ "list", "5.0.0.3", NULL, NULL, "allow threshold/t 0 1", NULL },
		{ "no match", "5.1.0.3", "Googlebot", NULL, "allow threshold/t 0 1", NULL },
		{ "challenge", "5.1.0.3", "Careful", NULL, "challenge bot/careful 0 1", NULL },
		{ "known after all", "5.1.0.1", "Careful", NULL, "allow bot/careful 0 0", NULL },
	};
	const struct dns_view view = { NULL, look, find_zone, note_broken, true };
	static const struct visit without = { "nobody is asked", "5.1.0.1", "Careful", NULL,
		"challenge bot/careful 0 1", "" };

	(void)state;
	policy = load(BY_WEIGHT);
	dns.list = world;
	for (size_t i = 0; i < COUNT(last); i++)
		expect(&last[i], &view);
	expect(&without, NULL);
	policy_free(policy);
}

static void
suspended_zones_and_quiet_sites(void **state)
{
	const struct dns_view view = { NULL, look, find_zone, note_broken, false };
	static const struct visit v = { "suspended", "5.0.0.6", NULL, NULL, "allow threshold/t 0 0",
		"" };
	char got[256];

	(void)state;
	policy = load(BY_WEIGHT);
	dns.list = world;
	zone_suspended = true;
	expect(&v, &view);
	zone_suspended = false;
	judge_visit(&v, &view, "quiet.test", got);
	assert_string_equal(got, "allow threshold/t 0 0");
	assert_string_equal(dns.asked, "");
	judge_visit(&v, &view, "loud.test", got);
	assert_string_equal(got, "deny dnsbl/hard.test 30 0");
	policy_free(policy);
}

static void
true_comes_before_an_allow(void **state)
{
	static const struct fake_record listed[] = {
		{ DNS_A, "1.0.0.5.dnsbl.dronebl.org", "127.0.0.9" }, { DNS_A, NULL, NULL }
	};
	static const struct visit cases[] = {
		{ "plain", "5.0.0.1", NULL, NULL, "deny dnsbl/dnsbl.dronebl.org 0 0", NULL },
		{ "allowed", "5.0.0.1", "Trusted", NULL, "deny dnsbl/dnsbl.dronebl.org 0 0", NULL },
		{ "challenged", "5.0.0.1", "Asked", NULL, "deny dnsbl/dnsbl.dronebl.org 0 0",
		    NULL },
		{ "denied already", "5.0.0.1", "Bad", NULL, "deny bot/bad 0 0", "" },
		{ "allowed, not listed", "5.0.0.2", "Trusted", NULL, "allow bot/trusted 0 0",
		    NULL },
	};
	const struct dns_view view = { NULL, look, find_zone, note_broken, false };

	(void)state;
	policy = load("dnsbl: true\n");
	dns.list = listed;
	for (size_t i = 0; i < COUNT(cases); i++)
		expect(&cases[i], &view);
	policy_free(policy);
}

static void
the_trace_shows_each_answer(void **state)
{
	const struct dns_view view = { NULL, look, find_zone, note_broken, false };
	const struct evidence e = { .dns = &view };
	struct request r = { 0 };
	struct verdict v;
	struct trace *t = calloc(1, sizeof(*t));

	(void)state;
	policy = load(BY_WEIGHT);
	dns.list = world;
	address_parse(SLICE("5.1.0.2"), &r.src);
	request_set(&r, REQUEST_USER_AGENT, SLICE("Googlebot"));
	policy_judge(policy, judge, &r, &e, &v, t);
	assert_int_equal(t->asks, 4);
	assert_string_equal(t->asked[0].name, "2.0.1.5.in-addr.arpa");
	assert_string_equal(t->asked[0].said, "crawl.google.test, me.example");
	assert_string_equal(t->asked[1].said, "5.1.0.1");
	assert_int_equal(t->asked[2].state, DNS_NONE);
	assert_true(slice_equal(t->list[0].rule, SLICE("bot/google/forged")));
	assert_int_equal(t->list[0].weight, 25);
	address_parse(SLICE("5.0.0.3"), &r.src);
	policy_judge(policy, judge, &r, &e, &v, t);
	assert_int_equal(t->unknowns, 1);
	assert_true(slice_equal(t->unknown[0], SLICE("bl")));
	assert_int_equal(v.listings, 0);
	address_parse(SLICE("5.0.0.6"), &r.src);
	policy_judge(policy, judge, &r, &e, &v, t);
	assert_int_equal(v.listings, 2);
	assert_int_equal(v.listed[1].zone, 2);
	assert_int_equal(v.listed[1].code, ZONE_CODES_MAX);
	policy_free(policy);
	free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(what_stays_unknown),
		cmocka_unit_test(suspended_zones_and_quiet_sites),
		cmocka_unit_test(true_comes_before_an_allow),
		cmocka_unit_test(the_trace_shows_each_answer),
	};
	int failed;

	judge = judge_new();
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	judge_free(judge);
	return failed;
}
