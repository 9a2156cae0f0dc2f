#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/verdict.h"
#include "unit/allocations.h"
#include "unit/policy/fake_dns.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char policy_text[] =
    "bots:\n"
    "- {name: friend, action: ALLOW, user_agent_regex: Friend}\n"
    "- {name: foe, action: DENY, user_agent_regex: Foe}\n"
    "- {name: asked, action: CHALLENGE, user_agent_regex: Asked}\n"
    "- {name: five, action: WEIGH, weight: {adjust: 5}, user_agent_regex: Five}\n"
    "- {name: crawler, action: ALLOW, user_agent_regex: GoodBot, verify_dns: {suffixes: "
    "[.good.test, .FINE.test.]}}\n"
    "- {name: quiet, action: ALLOW, user_agent_regex: QuietBot, verify_dns: {suffixes: "
    "[.good.test], forged: 0}}\n"
    "- {name: strict, action: ALLOW, user_agent_regex: StrictBot, verify_dns: {suffixes: "
    "[.good.test], forged: 11}, unknown: challenge, challenge: {algorithm: pow, hashes: 3, level: "
    "40}}\n"
    "- {name: net, action: ALLOW, remote_addresses: [9.9.0.0/16], verify_dns: {suffixes: "
    "[.good.test]}}\n"
    "- {name: hidden, action: DENY, shadow: true, user_agent_regex: HiddenBot, verify_dns: "
    "{suffixes: [.good.test], forged: 70}, unknown: challenge}\n"
    "- {name: exits, action: DENY, expression: 'path == \"/x\" && dnsbl(\"exits.test\")', unknown: "
    "challenge}\n"
    "- {name: names, action: WEIGH, weight: {adjust: 3}, expression: 'path == \"/names\" && "
    "size(reverseDNS(remoteAddress)) == 2'}\n"
    "dnsbl:\n"
    "- {zone: one.test, name: one, codes: {127.0.0.3: 30, 127.0.0.9: {weight: 50, name: HTTP "
    "proxy}, 127.0.0.4: {action: DENY, name: worst}, 127.0.0.5: {action: CHALLENGE}, 127.0.0.6: "
    "{action: DRIP}}, ttl: {min_s: "
    "60, max_s: 3600}}\n"
    "- {zone: two.test, name: two, types: [A], codes: {default: 7}}\n"
    "dns_ttl: {forward: 111, reverse: 222}\n"
    "thresholds:\n"
    "- {name: some, expression: weight >= 10 && weight < 60, action: CHALLENGE, challenge: "
    "{algorithm: fast, difficulty: 1}}\n"
    "- {name: much, expression: weight >= 60, action: DENY}\n"
    "hosts:\n"
    "  quiet.test: {dnsbl: false}\n"
    "  shadow.test: {shadow: true}\n";

static const char over_text[] = "bots:\n"
				"- {name: friend, action: ALLOW, user_agent_regex: Friend}\n"
				"- {name: foe, action: DENY, user_agent_regex: Foe}\n"
				"- {name: greedy, action: DRIP, user_agent_regex: Greedy}\n"
				"- {name: asked, action: CHALLENGE, user_agent_regex: Asked}\n"
				"- {name: five, action: WEIGH, weight: {adjust: 5}, "
				"user_agent_regex: Five}\n"
				"dnsbl: true\n"
				"thresholds:\n"
				"- {name: low, expression: weight < 10, action: ALLOW}\n";

/* The DNS, and what a verdict did with it. */
struct world {
	struct fake_dns dns;
	unsigned suspended; /* bit n: zone n */
	char broken[200], bounds[400];
	struct dns_tally tally[ZONES_MAX];
	struct dns_tally *counted[8];
	unsigned looks;
};

static void
look(void *context, const struct dns_question *q, struct dns_answer *out)
{
	struct world *w = context;
	const size_t at = strlen(w->bounds);

	if (w->looks < COUNT(w->counted))
		w->counted[w->looks] = q->tally;
	w->looks++;
	snprintf(w->bounds + at, sizeof(w->bounds) - at, "%u-%u ", q->ttl_min_s, q->ttl_max_s);
	fake_look(&w->dns, q, out);
}

static struct dns_tally *
zone_tally(void *context, unsigned zone, bool *suspended)
{
	struct world *w = context;

	*suspended = (w->suspended >> zone & 1) != 0;
	return *suspended ? NULL : &w->tally[zone];
}

static void
zone_broken(void *context, unsigned zone, const char *why)
{
	struct world *w = context;

	snprintf(w->broken, sizeof(w->broken), "%u: %s", zone, why);
}

static struct policy *policy, *over;
static struct judge *judge;
static struct trace trace;

static struct policy *
load(const char *text)
{
	struct problems p = { 0 };
	struct policy *out = policy_load("f", slice_of(text), NULL, &p);

	for (size_t i = 0; i < p.count; i++)
		print_error("%s\n", p.list[i].text);
	assert_int_equal(p.count, 0);
	problems_fini(&p);
	return out;
}

static int
set_up(void **state)
{
	(void)state;
	policy = load(policy_text);
	over = load(over_text);
	judge = judge_new();
	judge_fit(judge, policy);
	judge_fit(judge, over);
	return policy == NULL || over == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	judge_free(judge);
	policy_free(policy);
	policy_free(over);
	return 0;
}

static struct request
request_of(const char *src, const char *agent, const char *path, const char *host)
{
	struct request r = { 0 };

	assert_true(address_parse(slice_of(src == NULL ? "5.6.7.8" : src), &r.src));
	request_set(&r, REQUEST_USER_AGENT, slice_of(agent == NULL ? "" : agent));
	request_set(&r, REQUEST_PATH, slice_of(path == NULL ? "/" : path));
	request_set(&r, REQUEST_HOST, slice_of(host == NULL ? "a.test" : host));
	return r;
}

#define PTR "8.7.6.5.in-addr.arpa"
#define ONE "8.7.6.5.one.test"
#define TWO "8.7.6.5.two.test"
#define BOTH "A " ONE " A " TWO
#define ONE6 "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.f.4.0.1.0.a.2.one.test"
#define OVER "8.7.6.5.dnsbl.dronebl.org"
#define VERIFIED                                                                                   \
	{ DNS_PTR, PTR, "c1.good.test" },                                                          \
	{                                                                                          \
		DNS_A, "c1.good.test", "5.6.7.8"                                                   \
	}
#define FORGED                                                                                     \
	{ DNS_PTR, PTR, "c1.good.test" },                                                          \
	{                                                                                          \
		DNS_A, "c1.good.test", "5.6.7.9"                                                   \
	}

struct visit {
	const char *name, *src, *agent, *path, *host;
	struct fake_record dns[6];
	bool last;
	uint16_t level;
	unsigned suspended;
	const char *want;  /* "VERDICT RULE WEIGHT", " N unknown" behind it, " pass" */
	const char *asked; /* NULL: the blocklists alone */
};

static const struct visit visits[] = {
	/* Blocklists. */
	{ "on no list", .want = "allow default/allow 0" },
	{ "listed", .dns = { { DNS_A, ONE, "127.0.0.3" } }, .want = "challenge threshold/some 30" },
	{ "by name", .dns = { { DNS_A, ONE, "127.0.0.9" } },
	    .want = "challenge threshold/some 50" },
	{ "the worst counts once", .dns = { { DNS_A, ONE, "127.0.0.3 127.0.0.9" } },
	    .want = "challenge threshold/some 50" },
	{ "on two lists", .dns = { { DNS_A, ONE, "127.0.0.9" }, { DNS_A, TWO, "127.0.0.2" } },
	    .want = "challenge threshold/some 57" },
	{ "with a rule's weight", .agent = "Five", .dns = { { DNS_A, TWO, "127.0.0.2" } },
	    .want = "challenge threshold/some 12" },
	{ "a code that nobody named", .dns = { { DNS_A, ONE, "127.0.0.77" } },
	    .want = "allow default/allow 0" },
	{ "DENY", .dns = { { DNS_A, ONE, "127.0.0.4" }, { DNS_A, TWO, "127.0.0.2" } },
	    .want = "deny dnsbl/one/worst 0", .asked = "A " ONE },
	{ "DRIP", .dns = { { DNS_A, ONE, "127.0.0.6 127.0.0.4" } }, .level = 65535,
	    .want = "drip dnsbl/one/127.0.0.6 0", .asked = "A " ONE },
	{ "CHALLENGE", .dns = { { DNS_A, ONE, "127.0.0.5" } },
	    .want = "challenge dnsbl/one/127.0.0.5 0", .asked = "A " ONE },
	{ "CHALLENGE, and a pass", .dns = { { DNS_A, ONE, "127.0.0.5" } }, .level = 16,
	    .want = "allow dnsbl/one/127.0.0.5 0 pass", .asked = "A " ONE },
	{ "IPv6, and a list of IPv4", .src = "2a01:4f8::1", .dns = { { DNS_A, ONE6, "127.0.0.3" } },
	    .want = "challenge threshold/some 30", .asked = "A " ONE6 },
	{ "mapped", .src = "::ffff:5.6.7.8", .dns = { { DNS_A, ONE, "127.0.0.3" } },
	    .want = "challenge threshold/some 30" },
	{ "nobody who is decided is asked about", .agent = "Friend",
	    .dns = { { DNS_A, ONE, "127.0.0.4" } }, .want = "allow bot/friend 0", .asked = "" },
	{ "nor who is challenged", .agent = "Asked", .dns = { { DNS_A, ONE, "127.0.0.4" } },
	    .want = "challenge bot/asked 0", .asked = "" },
	{ "a site without", .host = "quiet.test", .dns = { { DNS_A, ONE, "127.0.0.4" } },
	    .want = "allow default/allow 0", .asked = "" },
	{ "a site in shadow", .host = "shadow.test", .dns = { { DNS_A, ONE, "127.0.0.4" } },
	    .want = "allow dnsbl/one/worst 0", .asked = "A " ONE },
	{ "not known", .dns = { { DNS_A, ONE, "?" } }, .want = "allow default/allow 0 1 unknown" },
	{ "neither known", .dns = { { DNS_A, ONE, "?" }, { DNS_A, TWO, "?" } },
	    .want = "allow default/allow 0 2 unknown" },
	{ "not known at last", .dns = { { DNS_A, ONE, "?" }, { DNS_A, TWO, "127.0.0.2" } },
	    .last = true, .want = "allow default/allow 7 1 unknown" },
	{ "nobody can say", .dns = { { DNS_A, ONE, "!" } }, .want = "allow default/allow 0" },
	{ "broken", .dns = { { DNS_A, ONE, "127.0.0.4 192.0.2.1" } },
	    .want = "allow default/allow 0 0: it answers" },
	{ "refuses", .dns = { { DNS_A, TWO, "127.255.255.254" } },
	    .want = "allow default/allow 0 1: it refuses" },
	{ "suspended", .dns = { { DNS_A, ONE, "127.0.0.4" }, { DNS_A, TWO, "127.0.0.2" } },
	    .suspended = 1, .want = "allow default/allow 7", .asked = "A " TWO },

	/* verify_dns. */
	{ "verified", .agent = "GoodBot", .dns = { VERIFIED }, .want = "allow bot/crawler 0",
	    .asked = "PTR " PTR " A c1.good.test" },
	{ "the other suffix", .agent = "GoodBot",
	    .dns = { { DNS_PTR, PTR, "x.fine.test" }, { DNS_A, "x.fine.test", "5.6.7.8" } },
	    .want = "allow bot/crawler 0", .asked = "PTR " PTR " A x.fine.test" },
	{ "not who he says", .agent = "GoodBot", .dns = { FORGED },
	    .want = "challenge threshold/some 20", .asked = "PTR " PTR " A c1.good.test " BOTH },
	{ "another's name", .agent = "GoodBot",
	    .dns = { { DNS_PTR, PTR, "c1.other.test" }, { DNS_A, "c1.other.test", "5.6.7.8" } },
	    .want = "challenge threshold/some 20", .asked = "PTR " PTR " " BOTH },
	{ "a name that only ends so", .agent = "GoodBot",
	    .dns = { { DNS_PTR, PTR, "notgood.test" }, { DNS_A, "notgood.test", "5.6.7.8" } },
	    .want = "challenge threshold/some 20", .asked = "PTR " PTR " " BOTH },
	{ "the suffix alone", .agent = "GoodBot",
	    .dns = { { DNS_PTR, PTR, "good.test" }, { DNS_A, "good.test", "5.6.7.8" } },
	    .want = "challenge threshold/some 20", .asked = "PTR " PTR " " BOTH },
	{ "without a name", .agent = "GoodBot", .want = "challenge threshold/some 20",
	    .asked = "PTR " PTR " " BOTH },
	{ "without a name, that weighs nothing", .agent = "QuietBot",
	    .want = "allow default/allow 0", .asked = "PTR " PTR " " BOTH },
	{ "a failure weighs nothing", .agent = "GoodBot", .dns = { { DNS_PTR, PTR, "!" } },
	    .want = "allow default/allow 0", .asked = "PTR " PTR " " BOTH },
	{ "nor a failure of the name", .agent = "GoodBot",
	    .dns = { { DNS_PTR, PTR, "c1.good.test" }, { DNS_A, "c1.good.test", "!" } },
	    .want = "allow default/allow 0", .asked = "PTR " PTR " A c1.good.test " BOTH },
	{ "a claim not known", .agent = "GoodBot", .dns = { { DNS_PTR, PTR, "?" } },
	    .want = "allow default/allow 0 1 unknown", .asked = "PTR " PTR " " BOTH },
	{ "a claim not known at last", .agent = "GoodBot", .dns = { { DNS_PTR, PTR, "?" } },
	    .last = true, .want = "allow default/allow 0 1 unknown", .asked = "PTR " PTR " " BOTH },
	{ "unknown: challenge, but the answer may come", .agent = "StrictBot",
	    .dns = { { DNS_PTR, PTR, "?" } }, .want = "allow default/allow 0 1 unknown",
	    .asked = "PTR " PTR " " BOTH },
	{ "unknown: challenge at last", .agent = "StrictBot", .dns = { { DNS_PTR, PTR, "?" } },
	    .last = true, .want = "challenge bot/strict 0 1 unknown", .asked = "PTR " PTR },
	{ "unknown: challenge, and a pass", .agent = "StrictBot", .dns = { { DNS_PTR, PTR, "?" } },
	    .last = true, .level = 40, .want = "allow bot/strict 0 1 unknown pass",
	    .asked = "PTR " PTR },
	{ "unknown: challenge, its own", .agent = "StrictBot", .dns = { { DNS_PTR, PTR, "?" } },
	    .last = true, .level = 39, .want = "challenge bot/strict 0 1 unknown",
	    .asked = "PTR " PTR },
	{ "unknown: challenge, and it is known", .agent = "StrictBot", .dns = { VERIFIED },
	    .last = true, .want = "allow bot/strict 0", .asked = "PTR " PTR " A c1.good.test" },
	{ "unknown: challenge, and it failed", .agent = "StrictBot",
	    .dns = { { DNS_PTR, PTR, "!" } }, .last = true, .want = "allow default/allow 0",
	    .asked = "PTR " PTR " " BOTH },
	{ "beside addresses", .src = "9.9.1.1",
	    .dns = { { DNS_PTR, "1.1.9.9.in-addr.arpa", "a.good.test" },
		{ DNS_A, "a.good.test", "9.9.1.1" } },
	    .want = "allow bot/net 0", .asked = "PTR 1.1.9.9.in-addr.arpa A a.good.test" },
	{ "in shadow", .agent = "HiddenBot",
	    .want = "allow default/allow 0, deny threshold/much 70", .asked = "PTR " PTR " " BOTH },
	{ "in shadow, verified", .agent = "HiddenBot", .dns = { VERIFIED },
	    .want = "allow default/allow 0, deny bot/hidden 0",
	    .asked = "PTR " PTR " A c1.good.test " BOTH },
	{ "in shadow, not known", .agent = "HiddenBot", .dns = { { DNS_PTR, PTR, "?" } },
	    .last = true, .want = "allow default/allow 0 1 unknown, challenge bot/hidden 0",
	    .asked = "PTR " PTR " " BOTH },
	{ "a claim and a listing", .agent = "GoodBot",
	    .dns = { FORGED, { DNS_A, ONE, "127.0.0.9" } }, .want = "deny threshold/much 70",
	    .asked = "PTR " PTR " A c1.good.test " BOTH },

	/* Expressions. */
	{ "dnsbl()", .path = "/x", .dns = { { DNS_A, "8.7.6.5.exits.test", "127.0.0.100" } },
	    .want = "deny bot/exits 0", .asked = "A 8.7.6.5.exits.test" },
	{ "dnsbl() not", .path = "/x", .want = "allow default/allow 0",
	    .asked = "A 8.7.6.5.exits.test " BOTH },
	{ "dnsbl() not known", .path = "/x", .dns = { { DNS_A, "8.7.6.5.exits.test", "?" } },
	    .want = "allow default/allow 0 1 unknown", .asked = "A 8.7.6.5.exits.test " BOTH },
	{ "dnsbl() not known at last", .path = "/x",
	    .dns = { { DNS_A, "8.7.6.5.exits.test", "?" } }, .last = true,
	    .want = "challenge bot/exits 0 1 unknown", .asked = "A 8.7.6.5.exits.test" },
	{ "dnsbl() broken", .path = "/x", .dns = { { DNS_A, "8.7.6.5.exits.test", "1.2.3.4" } },
	    .want = "allow default/allow 0 2: it answers", .asked = "A 8.7.6.5.exits.test " BOTH },
	{ "dnsbl() suspended", .path = "/x",
	    .dns = { { DNS_A, "8.7.6.5.exits.test", "127.0.0.2" } }, .suspended = 4,
	    .want = "allow default/allow 0", .asked = BOTH },
	{ "reverseDNS()", .path = "/names", .dns = { { DNS_PTR, PTR, "a.test b.test" } },
	    .want = "allow default/allow 3", .asked = "PTR " PTR " " BOTH },
};

/* `dnsbl: true`: any listing is DENY, and comes before ALLOW and CHALLENGE. */
static const struct visit over_visits[] = {
	{ "on no list", .want = "allow threshold/low 0", .asked = "A " OVER },
	{ "listed", .dns = { { DNS_A, OVER, "127.0.0.9" } },
	    .want = "deny dnsbl/dnsbl.dronebl.org 0", .asked = "A " OVER },
	{ "allowed", .agent = "Friend", .dns = { { DNS_A, OVER, "127.0.0.9" } },
	    .want = "deny dnsbl/dnsbl.dronebl.org 0", .asked = "A " OVER },
	{ "challenged", .agent = "Asked", .dns = { { DNS_A, OVER, "127.0.0.9" } },
	    .want = "deny dnsbl/dnsbl.dronebl.org 0", .asked = "A " OVER },
	{ "passed", .agent = "Asked", .level = 60000, .dns = { { DNS_A, OVER, "127.0.0.9" } },
	    .want = "deny dnsbl/dnsbl.dronebl.org 0", .asked = "A " OVER },
	{ "weighed", .agent = "Five", .dns = { { DNS_A, OVER, "127.0.0.9" } },
	    .want = "deny dnsbl/dnsbl.dronebl.org 5", .asked = "A " OVER },
	{ "denied", .agent = "Foe", .dns = { { DNS_A, OVER, "127.0.0.9" } },
	    .want = "deny bot/foe 0", .asked = "" },
	{ "dripped", .agent = "Greedy", .dns = { { DNS_A, OVER, "127.0.0.9" } },
	    .want = "drip bot/greedy 0", .asked = "" },
	{ "allowed, not listed", .agent = "Friend", .want = "allow bot/friend 0",
	    .asked = "A " OVER },
	{ "allowed, not known", .agent = "Friend", .dns = { { DNS_A, OVER, "?" } },
	    .want = "allow bot/friend 0 1 unknown", .asked = "A " OVER },
	{ "passed, not listed", .agent = "Asked", .level = 60000, .want = "allow bot/asked 0 pass",
	    .asked = "A " OVER },
	{ "allowed, broken", .agent = "Friend", .dns = { { DNS_A, OVER, "6.6.6.6" } },
	    .want = "allow bot/friend 0 0: it answers", .asked = "A " OVER },
	{ "allowed, suspended", .agent = "Friend", .dns = { { DNS_A, OVER, "127.0.0.9" } },
	    .suspended = 1, .want = "allow bot/friend 0", .asked = "" },
};

static void
describe(const struct verdict *v, const struct world *w, char *out, size_t size)
{
	size_t n = (size_t)snprintf(out, size, "%s %.*s %d", verdict_names[v->kind],
	    (int)v->rule.len, v->rule.ptr, v->weight);

	if (v->unknown > 0)
		n += (size_t)snprintf(out + n, size - n, " %u unknown", v->unknown);
	if (v->by_pass)
		n += (size_t)snprintf(out + n, size - n, " pass");
	if (w->broken[0] != '\0')
		n += (size_t)snprintf(out + n, size - n, " %.13s", w->broken);
	if (v->would.kind != v->kind && v->site.len != strlen("shadow.test"))
		snprintf(out + n, size - n, ", %s %.*s %d", verdict_names[v->would.kind],
		    (int)v->would.rule.len, v->would.rule.ptr, v->would.weight);
}

static struct verdict
visit(const struct policy *p, const struct visit *at, struct world *w, struct trace *t)
{
	struct request r = request_of(at->src, at->agent, at->path, at->host);
	const struct dns_view view = { w, look, zone_tally, zone_broken, at->last };
	const struct evidence e = { .level = at->level, .dns = &view };
	struct fake_record list[COUNT(at->dns) + 1] = { 0 };
	struct verdict v;

	memcpy(list, at->dns, sizeof(at->dns));
	*w = (struct world){ .dns.list = list, .suspended = at->suspended };
	policy_judge(p, judge, &r, &e, &v, t);
	w->dns.list = NULL;
	return v;
}

static void
check(const struct policy *p, const struct visit *at)
{
	static struct world w;
	struct verdict v = visit(p, at, &w, &trace), again;
	char got[400], quiet[400];

	describe(&v, &w, got, sizeof(got));
	if (strcmp(got, at->want) != 0)
		fail_msg("%s: %s", at->name, got);
	if (strcmp(w.dns.asked, at->asked == NULL ? BOTH : at->asked) != 0)
		fail_msg("%s: asked %s", at->name, w.dns.asked);
	assert_int_equal(trace.unknowns, v.unknown);
	assert_int_equal(trace.asks, w.looks);
	/* Watched or not, it is the same verdict. */
	again = visit(p, at, &w, NULL);
	describe(&again, &w, quiet, sizeof(quiet));
	assert_string_equal(got, quiet);
}

static void
verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(visits); i++)
		check(policy, &visits[i]);
}

static void
true_comes_before_allow(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(over_visits); i++)
		check(over, &over_visits[i]);
}

static const char *const agents[] = { "", "Friend", "Asked", "Five", "GoodBot", "QuietBot",
	"StrictBot", "HiddenBot" };
static const char *const paths[] = { "/", "/x", "/names" };

/* Whatever asks: nothing about the LAN, the onion or documentation leaves the machine. */
static void
nobody_else_is_asked_about(void **state)
{
	static const char *const clients[] = { "10.1.2.3", "172.16.0.1", "192.168.1.1", "127.0.0.1",
		"169.254.1.1", "100.64.0.9", "192.0.2.7", "198.51.100.7", "203.0.113.9", "0.0.0.0",
		"224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fd00::5", "2001:db8::5",
		"ff02::1", "fc00:dead:beef:4dad::7:1", "::ffff:10.0.0.1", "9.8.7.6", "2a03::6" };
	static char text[sizeof(policy_text) + 80];
	static struct world w;
	struct policy *never;

	(void)state;
	snprintf(text, sizeof(text), "%sdns: {never: [9.8.7.0/24, '2a03::/16']}\n", policy_text);
	never = load(text);
	for (size_t i = 0; i < COUNT(clients) * COUNT(agents) * COUNT(paths); i++) {
		struct visit at = { .src = clients[i % COUNT(clients)],
			.agent = agents[i / COUNT(clients) % COUNT(agents)],
			.path = paths[i / COUNT(clients) / COUNT(agents)],
			.last = i % 2 == 0 };
		struct verdict v = visit(never, &at, &w, &trace);
		struct request r = request_of(at.src, at.agent, at.path, NULL);
		const struct evidence blind = { .level = 0 };

		if (w.looks > 0 || v.unknown > 0 || v.listings > 0 || trace.asks > 0)
			fail_msg("%s by %s: %s", at.src, at.agent, w.dns.asked);
		policy_judge(never, judge, &r, &blind, &v, NULL);
		assert_int_equal(v.unknown, 0);
		policy_judge(over, judge, &r, &blind, &v, NULL);
		assert_true(v.unknown == (i % COUNT(clients) > 19));
	}
	policy_free(never);
}

/* What would be asked is unknown then, and nobody judges again. */
static void
without_a_dns(void **state)
{
	static const struct {
		const char *agent, *path, *want;
	} cases[] = {
		{ "", "/", "allow default/allow 0 2 unknown" },
		{ "Friend", "/", "allow bot/friend 0" },
		{ "GoodBot", "/", "allow default/allow 0 3 unknown" },
		{ "StrictBot", "/", "challenge bot/strict 0 1 unknown" },
		{ "", "/x", "challenge bot/exits 0 1 unknown" },
		{ "", "/names", "allow default/allow 0 3 unknown" },
	};
	const struct evidence blind = { .level = 0 };
	const struct world w = { .looks = 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r = request_of(NULL, cases[i].agent, cases[i].path, NULL);
		struct verdict v;
		char got[400];

		policy_judge(policy, judge, &r, &blind, &v, NULL);
		describe(&v, &w, got, sizeof(got));
		assert_string_equal(got, cases[i].want);
	}
}

/* What lets through never matches on a value that was cut: then its DNS is not asked either. */
static void
a_cut_claim(void **state)
{
	static char agent[600];
	static struct world w;
	const struct visit at = { .agent = agent, .host = "quiet.test", .dns = { VERIFIED } };
	struct verdict v;

	(void)state;
	memset(agent, 'x', sizeof(agent) - 1);
	memcpy(agent, "GoodBot", 7);
	v = visit(policy, &at, &w, NULL);
	assert_int_equal(w.looks, 0);
	assert_true(slice_equal(v.rule, SLICE("threshold/some")));
}

static void
the_trace_has_it_all(void **state)
{
	static const struct {
		const char *name, *said;
		enum dns_type type;
		enum dns_state dns;
	} asked[] = { { PTR, "a.test, c1.good.test", DNS_PTR, DNS_FOUND },
		{ "c1.good.test", "5.6.7.9, 1.2.3.4", DNS_A, DNS_FOUND },
		{ ONE, "127.0.0.3, 127.0.0.9", DNS_A, DNS_FOUND },
		{ TWO, "", DNS_A, DNS_UNKNOWN } };
	static const struct visit at = { .agent = "GoodBot QuietBot",
		.dns = { { DNS_PTR, PTR, "a.test c1.good.test" },
		    { DNS_A, "c1.good.test", "5.6.7.9 1.2.3.4" },
		    { DNS_A, ONE, "127.0.0.3 127.0.0.9" }, { DNS_A, TWO, "?" } } };
	static struct world w;
	struct verdict v = visit(policy, &at, &w, &trace);

	(void)state;
	/* Two rules ask the same: each question stands once. */
	assert_int_equal(w.looks, 6);
	assert_int_equal(trace.asks, COUNT(asked));
	for (size_t i = 0; i < COUNT(asked); i++) {
		assert_string_equal(trace.asked[i].name, asked[i].name);
		assert_string_equal(trace.asked[i].said, asked[i].said);
		assert_int_equal(trace.asked[i].type, asked[i].type);
		assert_int_equal(trace.asked[i].state, asked[i].dns);
	}
	assert_int_equal(trace.unknowns, 1);
	assert_true(slice_equal(trace.unknown[0], SLICE("two")));
	assert_int_equal(trace.count, 3);
	assert_true(slice_equal(trace.list[0].rule, SLICE("bot/crawler/forged")));
	assert_int_equal(trace.list[0].action, ACTION_WEIGH);
	assert_int_equal(trace.list[0].weight, 20);
	assert_true(slice_equal(trace.list[1].rule, SLICE("dnsbl/one/HTTP proxy")));
	assert_int_equal(trace.list[1].weight, 50);
	assert_true(slice_equal(trace.list[2].rule, SLICE("threshold/much")));
	assert_int_equal(v.listings, 1);
	assert_int_equal(v.listed[0].zone, 0);
	assert_int_equal(v.listed[0].code, 1);
	assert_string_equal(w.bounds, "0-222 0-111 0-222 0-111 60-3600 0-0 ");
	assert_null(w.counted[0]);
	assert_null(w.counted[1]);
	assert_ptr_equal(w.counted[4], &w.tally[0]);
	assert_ptr_equal(w.counted[5], &w.tally[1]);
	/* The next verdict begins anew. */
	visit(policy, &(struct visit){ .agent = "Friend" }, &w, &trace);
	assert_int_equal(trace.asks + trace.unknowns, 0);
}

/* 32 rules and more that are unknown: all are counted, the first are named. */
static void
many_unknown(void **state)
{
	static char text[8192];
	static struct world w;
	struct text t = { .buf = text, .cap = sizeof(text) - 1 };
	const struct visit at = { .dns = { { DNS_PTR, PTR, "?" } } };
	struct policy *p;
	struct verdict v;

	(void)state;
	text_put(&t, SLICE("bots:\n"));
	for (unsigned i = 0; i < TRACE_FAILED_MAX + 8; i++)
		text_printf(&t,
		    "- {name: r%u, action: DENY, path_regex: /, verify_dns: {suffixes: [.t]}}\n",
		    i);
	text[t.len] = '\0';
	p = load(text);
	v = visit(p, &at, &w, &trace);
	assert_int_equal(v.unknown, TRACE_FAILED_MAX + 8);
	assert_int_equal(trace.unknowns, TRACE_FAILED_MAX + 8);
	assert_true(slice_equal(trace.unknown[TRACE_FAILED_MAX - 1], SLICE("bot/r31")));
	assert_int_equal(trace.asks, 1);
	policy_free(p);
}

static void
nothing_is_allocated(void **state)
{
	static struct world w;
	const unsigned before = allocations;

	(void)state;
	for (size_t i = 0; i < COUNT(visits); i++)
		visit(policy, &visits[i], &w, &trace);
	for (size_t i = 0; i < COUNT(over_visits); i++)
		visit(over, &over_visits[i], &w, NULL);
	assert_int_equal(allocations, before);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(before > 0);
#endif
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(true_comes_before_allow),
		cmocka_unit_test(nobody_else_is_asked_about),
		cmocka_unit_test(without_a_dns),
		cmocka_unit_test(a_cut_claim),
		cmocka_unit_test(the_trace_has_it_all),
		cmocka_unit_test(many_unknown),
		cmocka_unit_test(nothing_is_allocated),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
