#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "policy/zone.h"
#include "unit/policy/memory_source.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BOTS "bots: [{name: a, action: ALLOW, path_regex: x}]\n"
#define RULE(more) "bots: [{name: a, action: ALLOW, " more "}]\n"
#define NAME63 "x23456789x123456789x123456789x123456789x123456789x123456789x123"

static const struct memory_file files[] = {
	{ "one.yaml", "zone: one.test\nname: one\ncodes: {127.0.0.3: 7}\n" },
	{ "two.yaml", "- {zone: two.test, codes: {default: 2}}\n"
		      "- {zone: three.test, action: DENY}\n" },
	{ "none.yaml", "[]" },
	{ "blank.yaml", "" },
	{ "nested.yaml", "[{import: one.yaml}]" },
	{ "self.yaml", "{import: self.yaml, zone: self.test}" },
	{ "word.yaml", "[dronebl]" },
	{ "rules.yaml", "- {name: a, action: DENY}\n" },
	{ "wrong.yaml", "zone: wrong.test\ncodes: {10.0.0.1: 7}\n" },
	{ "gone.yaml", NULL },
	{ NULL, NULL },
};

/* Each is one error and no more. */
static const struct {
	const char *name, *in, *want;
} errors[] = {
	{ "a word", BOTS "dnsbl: dronebl\n",
	    "f:2:1: dnsbl: is string and must be true, false or a list of blocklists" },
	{ "a map", BOTS "dnsbl: {zone: x.test}\n", "f:2:1: dnsbl: is map and must be true" },
	{ "a list of words", BOTS "dnsbl: [x.test]\n",
	    "f:2:9: dnsbl[0]: is string and must be a map: {zone: …, codes: {…}}" },
	{ "no zone", BOTS "dnsbl: [{codes: {default: 1}}]\n",
	    "f:2:9: dnsbl[0]: has no zone: write zone: bl.example.org" },
	{ "zone a list", BOTS "dnsbl: [{zone: [x], codes: {default: 1}}]\n",
	    "f:2:10: dnsbl[0].zone: is list and must be string" },
	{ "zone of blanks", BOTS "dnsbl: [{zone: a b.test, codes: {default: 1}}]\n",
	    "dnsbl[0].zone: no name of a zone: bl.example.org" },
	{ "zone of nothing", BOTS "dnsbl: [{zone: '', codes: {default: 1}}]\n",
	    "dnsbl[0].zone: no name of a zone" },
	{ "empty label", BOTS "dnsbl: [{zone: a..test, codes: {default: 1}}]\n",
	    "dnsbl[0].zone: no name of a zone" },
	{ "no room for an IPv6 address",
	    BOTS "dnsbl: [{zone: " NAME63 "." NAME63 "." NAME63 ", codes: {default: 1}}]\n",
	    "dnsbl[0].zone: no name of a zone" },
	{ "twice", BOTS "dnsbl: [{zone: x.test, action: DENY}, {zone: X.test., action: DENY}]\n",
	    "dnsbl[1].zone: stands here twice" },
	{ "weighs nothing", BOTS "dnsbl: [{zone: x.test}]\n",
	    "f:2:9: dnsbl[0]: weighs nothing: write codes: {default: 20}, or an action" },
	{ "empty codes", BOTS "dnsbl: [{zone: x.test, codes: {}}]\n", "dnsbl[0]: weighs nothing" },
	{ "codes a list", BOTS "dnsbl: [{zone: x.test, action: DENY, codes: [1]}]\n",
	    "dnsbl[0].codes: is list and must be map" },
	{ "a code outside", BOTS "dnsbl:\n- zone: x.test\n  codes:\n    '128.0.0.1': 5\n",
	    "f:5:5: dnsbl[0].codes.128.0.0.1: no answer of a blocklist: 127.0.0.9 and the like" },
	{ "a code of IPv6", BOTS "dnsbl: [{zone: x.test, codes: {'::7f00:1': 5}}]\n",
	    "no answer of a blocklist" },
	{ "a code of IPv6 that begins like 127",
	    BOTS "dnsbl: [{zone: x.test, codes: {'7f00::1': 5}}]\n", "no answer of a blocklist" },
	{ "a word for a code", BOTS "dnsbl: [{zone: x.test, codes: {proxy: 5}}]\n",
	    "dnsbl[0].codes.proxy: no answer of a blocklist" },
	{ "how a zone refuses", BOTS "dnsbl: [{zone: x.test, codes: {'127.255.255.1': 5}}]\n",
	    "is how a blocklist refuses to answer: it never counts as a listing" },
	{ "a code twice, mapped",
	    BOTS "dnsbl: [{zone: x.test, codes: {'127.0.0.1': 5, '::ffff:127.0.0.1': 6}}]\n",
	    "dnsbl[0].codes.::ffff:127.0.0.1: stands here twice" },
	{ "weight a word", BOTS "dnsbl: [{zone: x.test, codes: {default: much}}]\n",
	    "dnsbl[0].codes.default: must be a weight, from -32768 to 32767, or {weight: 30" },
	{ "weight too large", BOTS "dnsbl: [{zone: x.test, codes: {default: 32768}}]\n",
	    "must be a weight" },
	{ "weight too small", BOTS "dnsbl: [{zone: x.test, codes: {default: -32769}}]\n",
	    "must be a weight" },
	{ "half a weight", BOTS "dnsbl: [{zone: x.test, codes: {default: 1.5}}]\n",
	    "must be a weight" },
	{ "weight too large, in a map",
	    BOTS "dnsbl: [{zone: x.test, codes: {default: {weight: 99999}}}]\n",
	    "dnsbl[0].codes.default.weight: must be a whole number from -32768 to 32767" },
	{ "no weight", BOTS "dnsbl: [{zone: x.test, codes: {'127.0.0.9': {name: x}}}]\n",
	    "dnsbl[0].codes.127.0.0.9: has no weight" },
	{ "name of a code", BOTS "dnsbl: [{zone: x.test, codes: {default: {weight: 1, name: ''}}}]",
	    "dnsbl[0].codes.default.name: must have 1 to 80 characters" },
	{ "newline in a name",
	    BOTS "dnsbl: [{zone: x.test, codes: {default: {weight: 1, name: \"a\\nb\"}}}]\n",
	    "no control characters in a name" },
	{ "name of a zone", BOTS "dnsbl: [{zone: x.test, name: '', codes: {default: 1}}]\n",
	    "dnsbl[0].name: must have 1 to 80 characters" },
	{ "action ALLOW", BOTS "dnsbl: [{zone: x.test, action: ALLOW, codes: {default: 1}}]\n",
	    "dnsbl[0].action: must be WEIGH, CHALLENGE, DENY or DRIP: a listing lets nobody "
	    "through" },
	{ "action of a code",
	    BOTS "dnsbl: [{zone: x.test, codes: {default: {weight: 1, "
		 "action: deny}}}]\n",
	    "dnsbl[0].codes.default.action: must be WEIGH, CHALLENGE, DENY or DRIP" },
	{ "types", BOTS "dnsbl: [{zone: x.test, types: [PTR], action: DENY}]\n",
	    "dnsbl[0].types[0]: must be A (IPv4 clients) or AAAA (IPv6 clients)" },
	{ "no types", BOTS "dnsbl: [{zone: x.test, types: [], action: DENY}]\n",
	    "dnsbl[0].types: is empty: [A], [AAAA] or both" },
	{ "types a word", BOTS "dnsbl: [{zone: x.test, types: A, action: DENY}]\n",
	    "dnsbl[0].types: is string and must be list" },
	{ "ttl", BOTS "dnsbl: [{zone: x.test, action: DENY, ttl: {min_s: 0}}]\n",
	    "dnsbl[0].ttl.min_s: must be a whole number from 1 to 604800" },
	{ "ttl turned round",
	    BOTS "dnsbl: [{zone: x.test, action: DENY, ttl: {min_s: 9, max_s: "
		 "8}}]\n",
	    "dnsbl[0].ttl: min_s is more than max_s" },
	{ "no file", BOTS "dnsbl: [{import: x.yaml}]\n",
	    "f:2:10: dnsbl[0].import: no file matches" },
	{ "a file that is gone", BOTS "dnsbl: [{import: gone.yaml}]\n", "it is gone" },
	{ "a file without a zone", BOTS "dnsbl: [{import: none.yaml}]\n",
	    "f:2:10: dnsbl[0].import: none.yaml describes no blocklist" },
	{ "an empty file", BOTS "dnsbl: [{import: blank.yaml}]\n", "blank.yaml" },
	{ "a file that imports", BOTS "dnsbl: [{import: nested.yaml}]\n",
	    "nested.yaml:1:2: [0]: must be a description of a blocklist" },
	{ "a file that imports itself", BOTS "dnsbl: [{import: self.yaml}]\n",
	    "self.yaml:1:1: must be a description of a blocklist" },
	{ "a file of words", BOTS "dnsbl: [{import: word.yaml}]\n",
	    "word.yaml:1:2: [0]: must be a description of a blocklist" },
	{ "an error in a file", BOTS "dnsbl: [{import: wrong.yaml}]\n",
	    "wrong.yaml:2:9: codes.10.0.0.1: no answer of a blocklist" },
	{ "a file of rules", BOTS "dnsbl: [{import: rules.yaml}]\n",
	    "rules.yaml:1:3: [0]: has no zone" },
	{ "a file twice", BOTS "dnsbl: [{import: one.yaml}, {import: one.yaml}]\n",
	    "one.yaml:1:1: zone: stands here twice" },
	{ "beside an import", BOTS "dnsbl: [{import: one.yaml, name: other}]\n",
	    "dnsbl[0].name: stands beside an import: give it an entry of its own" },
	{ "budget", BOTS "dns: {budget_ms: 1001}\n",
	    "f:2:7: dns.budget_ms: must be a whole number from 0 to 1000" },
	{ "never", BOTS "dns: {never: [10.0.0.1]}\n",
	    "f:2:15: dns.never[0]: an address without a length: write /32" },
	{ "never a number", BOTS "dns: {never: [1]}\n",
	    "dns.never[0]: must be a prefix in a string" },
	{ "never a word", BOTS "dns: {never: 10.0.0.0/8}\n",
	    "dns.never: is string and must be list" },
	{ "dns_ttl a word", BOTS "dns_ttl: {forward: x}\n",
	    "dns_ttl.forward: is string and must be number" },
	{ "half an address", BOTS "dnsbl: [{zone: x.test, codes: {127.0.0: 1}}]\n",
	    "dnsbl[0].codes.127.0.0: no answer of a blocklist" },
	{ "a blank in a suffix", RULE("path_regex: x, verify_dns: {suffixes: ['.a b']}"),
	    "no name of a host" },
	{ "unknown alone", RULE("path_regex: x, unknown: deny"),
	    "unknown: must be no_match or challenge" },
	{ "dns_ttl", BOTS "dns_ttl: {forward: -1}\n",
	    "dns_ttl.forward: must be a whole number from 0 to 604800" },
	{ "host with a list", BOTS "hosts: {a.test: {dnsbl: []}}\n",
	    "hosts.a.test.dnsbl: is list and must be true or false" },
	{ "verify alone", RULE("verify_dns: {suffixes: [.a.test]}"),
	    "with verify_dns alone every visitor's name would be asked for" },
	{ "no suffixes", RULE("path_regex: x, verify_dns: {}"),
	    "bots[0].verify_dns: needs suffixes: [.googlebot.com, …], 1 to 32" },
	{ "empty suffixes", RULE("path_regex: x, verify_dns: {suffixes: []}"), "needs suffixes" },
	{ "no dot", RULE("path_regex: x, verify_dns: {suffixes: [googlebot.com]}"),
	    "bots[0].verify_dns.suffixes[0]: must begin with a dot, or notgooglebot.com would do, "
	    "too: .googlebot.com" },
	{ "a dot alone", RULE("path_regex: x, verify_dns: {suffixes: [.]}"), "must begin with" },
	{ "two dots", RULE("path_regex: x, verify_dns: {suffixes: [..com]}"), "no name of a host" },
	{ "suffix a map", RULE("path_regex: x, verify_dns: {suffixes: [{}]}"),
	    "is map and must be the end of a name: .googlebot.com" },
	{ "forged", RULE("path_regex: x, verify_dns: {suffixes: [.a.test], forged: -1}"),
	    "bots[0].verify_dns.forged: must be a whole number from 0 to 32767" },
	{ "unknown", RULE("path_regex: x, verify_dns: {suffixes: [.a.test]}, unknown: deny"),
	    "bots[0].unknown: must be no_match or challenge" },
	{ "zone of an expression", RULE("expression: 'dnsbl(\"a b\")'"), "bots[0].expression: " },
};

static struct policy *
load(const char *text, struct problems *p)
{
	const struct source source = memory_source(files);

	return policy_load("f", slice_of(text), &source, p);
}

static struct policy *
good(const char *text)
{
	struct problems p = { 0 };
	struct policy *policy = load(text, &p);

	if (policy == NULL || p.count > 0)
		fail_msg("%s: %s", text, p.count > 0 ? p.list[0].text : "");
	problems_fini(&p);
	return policy;
}

static void
errors_say_what_and_where(void **state)
{
	unsigned wrong = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		struct problems p = { 0 };

		struct policy *policy = load(errors[i].in, &p);

		if (policy != NULL || p.errors != 1 ||
		    strstr(p.list[0].text, errors[i].want) == NULL) {
			print_error("%s: %zu, %s\n", errors[i].name, p.errors,
			    p.count > 0 ? p.list[0].text : "good");
			wrong++;
		}
		policy_free(policy);
		problems_fini(&p);
	}
	assert_int_equal(wrong, 0);
}

static void
unknown_keys_are_warnings(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ BOTS "dnsbl: [{zone: x.test, action: DENY, code: 1}]\n",
		    "dnsbl[0].code: unknown" },
		{ BOTS "dnsbl: [{zone: x.test, codes: {default: {weight: 1, nam: x}}}]\n",
		    "dnsbl[0].codes.default.nam: unknown" },
		{ BOTS "dnsbl: [{zone: x.test, action: DENY, ttl: {min: 1}}]\n",
		    "dnsbl[0].ttl.min: unknown" },
		{ BOTS "dns: {budget: 1}\n", "dns.budget: unknown" },
		{ BOTS "dns_ttl: {back: 1}\n", "dns_ttl.back: unknown" },
		{ RULE("path_regex: x, verify_dns: {suffixes: [.a.test], forge: 1}"),
		    "bots[0].verify_dns.forge: unknown" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct problems p = { 0 };
		struct policy *policy = load(cases[i].in, &p);

		if (policy == NULL || p.warnings != 1 ||
		    strstr(p.list[0].text, cases[i].want) == NULL)
			fail_msg("%s: %s", cases[i].in, p.count > 0 ? p.list[0].text : "");
		policy_free(policy);
		problems_fini(&p);
	}
}

static void
expect_code(const struct zone_code *c, const char *rule, enum action action, int weight)
{
	if (!slice_equal(c->rule, slice_of(rule)) || c->action != action || c->weight != weight)
		fail_msg("%.*s: %d, %d", (int)c->rule.len, c->rule.ptr, c->action, c->weight);
}

static void
a_zone_as_written(void **state)
{
	struct policy *p =
	    good(BOTS "dnsbl:\n"
		      "- zone: BL.Example.ORG.\n"
		      "  name: mine\n"
		      "  types: [AAAA]\n"
		      "  action: CHALLENGE\n"
		      "  codes: {'127.0.0.3': {weight: 30, action: WEIGH}, 127.0.0.9: {name: HTTP "
		      "proxy},\n"
		      "    127.0.0.10: {weight: 50, action: DENY}, default: {weight: -3, action: "
		      "WEIGH, name: rest}}\n"
		      "  ttl: {min_s: 60, max_s: 3600}\n"
		      "- {zone: plain.test, codes: {'127.0.0.2': 4}}\n"
		      "- {zone: deny.test, types: [A], action: DENY}\n");
	const struct zone *z = policy_zone(p, 0);

	(void)state;
	assert_int_equal(policy_zones(p), 3);
	assert_true(slice_equal(z->zone, SLICE("bl.example.org")));
	assert_true(slice_equal(z->name, SLICE("mine")));
	assert_true(z->v6 && !z->v4 && z->weighs && !z->over_allow);
	assert_int_equal(z->ttl_min_s, 60);
	assert_int_equal(z->ttl_max_s, 3600);
	assert_int_equal(z->codes, 3);
	assert_memory_equal(z->code[1].code, "\x7f\0\0\x09", 4);
	expect_code(&z->code[0], "dnsbl/mine/127.0.0.3", ACTION_WEIGH, 30);
	expect_code(&z->code[1], "dnsbl/mine/HTTP proxy", ACTION_CHALLENGE, 0);
	expect_code(&z->code[2], "dnsbl/mine/127.0.0.10", ACTION_DENY, 0);
	expect_code(&z->otherwise, "dnsbl/mine/rest", ACTION_WEIGH, -3);
	z = policy_zone(p, 1);
	assert_true(slice_equal(z->name, SLICE("plain.test")));
	assert_true(z->v4 && z->v6);
	assert_int_equal(z->ttl_min_s, 0);
	assert_int_equal(z->ttl_max_s, 0);
	expect_code(&z->code[0], "dnsbl/plain.test/127.0.0.2", ACTION_WEIGH, 4);
	expect_code(&z->otherwise, "dnsbl/plain.test", ACTION_WEIGH, 0);
	z = policy_zone(p, 2);
	assert_true(z->v4 && !z->v6);
	assert_int_equal(z->codes, 0);
	expect_code(&z->otherwise, "dnsbl/deny.test", ACTION_DENY, 0);
	policy_free(p);
}

static void
imports(void **state)
{
	struct policy *p = good(
	    BOTS "dnsbl: [{import: two.yaml}, {import: one.yaml}, {zone: own.test, action: DENY}]");

	(void)state;
	assert_int_equal(policy_zones(p), 4);
	assert_true(slice_equal(policy_zone(p, 1)->zone, SLICE("three.test")));
	expect_code(&policy_zone(p, 0)->otherwise, "dnsbl/two.test/other", ACTION_WEIGH, 2);
	expect_code(&policy_zone(p, 2)->code[0], "dnsbl/one/127.0.0.3", ACTION_WEIGH, 7);
	policy_free(p);
}

/* `ammit check` is given such a file, too. */
static void
a_description_is_checked_alone(void **state)
{
	struct problems problems = { 0 };
	struct policy *p = policy_load_any("f", slice_of(files[1].text), NULL, &problems);

	(void)state;
	assert_non_null(p);
	assert_int_equal(problems.count, 0);
	assert_int_equal(policy_zones(p), 2);
	policy_free(p);
	p = policy_load_any("f", SLICE("zone: x.test\n"), NULL, &problems);
	assert_null(p);
	assert_int_equal(problems.errors, 1);
	assert_string_equal(problems.list[0].text,
	    "f:1:1: weighs nothing: write codes: {default: 20}, or an action");
	problems_fini(&problems);
}

/* Memory that has "(data)/dnsbl/dronebl.yaml" for one, and none for the other. */
static void
true_is_dronebl(void **state)
{
	static const struct memory_file data[] = { { "(data)/dnsbl/dronebl.yaml",
						       "zone: dnsbl.dronebl.org\nname: dronebl\n"
						       "codes: {127.0.0.9: {weight: 20, name: HTTP "
						       "proxy}, default: 5}\n" },
		{ NULL, NULL } };
	const struct source source = memory_source(data);
	struct problems problems = { 0 };
	struct policy *p = policy_load("f", SLICE(BOTS "dnsbl: true\n"), &source, &problems);
	const struct zone *z;

	(void)state;
	assert_non_null(p);
	z = policy_zone(p, 0);
	assert_int_equal(policy_zones(p), 1);
	assert_true(slice_equal(z->zone, SLICE("dnsbl.dronebl.org")));
	assert_true(z->weighs && z->over_allow && z->v4 && z->v6);
	expect_code(&z->code[0], "dnsbl/dronebl/HTTP proxy", ACTION_DENY, 0);
	expect_code(&z->otherwise, "dnsbl/dronebl/other", ACTION_DENY, 0);
	policy_free(p);
	p = policy_load("f", SLICE(BOTS "dnsbl: true\n"), NULL, &problems);
	assert_non_null(p);
	z = policy_zone(p, 0);
	assert_int_equal(z->codes, 0);
	assert_true(z->weighs && z->over_allow && z->v4 && z->v6);
	expect_code(&z->otherwise, "dnsbl/dnsbl.dronebl.org", ACTION_DENY, 0);
	policy_free(p);
	assert_int_equal(problems.count, 0);
	p = good(BOTS "dnsbl: false\n");
	assert_int_equal(policy_zones(p), 0);
	policy_free(p);
	p = good(BOTS "dnsbl: []\n");
	assert_int_equal(policy_zones(p), 0);
	policy_free(p);
}

static void
an_expression_adds_its_zone(void **state)
{
	struct policy *p = good("bots:\n"
				"- {name: a, action: DENY, expression: 'dnsbl(\"new.test\")'}\n"
				"- {name: b, action: DENY, expression: 'dnsbl(\"NEW.test.\") && "
				"dnsbl(\"old.test\")'}\n"
				"dnsbl: [{zone: old.test, types: [A], codes: {127.0.0.2: 3}}]\n");
	const struct zone *z = policy_zone(p, 1);

	(void)state;
	assert_int_equal(policy_zones(p), 2);
	assert_true(policy_zone(p, 0)->weighs && !policy_zone(p, 0)->v6);
	assert_true(slice_equal(z->zone, SLICE("new.test")));
	assert_true(!z->weighs && !z->over_allow && z->v4 && z->v6);
	policy_free(p);
}

/* So many and no more, of zones and of codes. */
static void
limits(void **state)
{
	(void)state;
	for (unsigned over = 0; over < 2; over++) {
		struct problems p = { 0 };
		char text[8192];
		struct text t = { .buf = text, .cap = sizeof(text) - 1 };
		struct policy *policy;

		text_put(&t, SLICE(BOTS "dnsbl:\n"));
		for (unsigned i = 0; i < ZONES_MAX + over; i++)
			text_printf(&t, "- {zone: z%u.test, action: DENY}\n", i);
		text[t.len] = '\0';
		policy = load(text, &p);
		assert_true((policy == NULL) == (over > 0));
		assert_int_equal(p.errors, over);
		if (over > 0)
			assert_non_null(strstr(
			    p.list[0].text, "dnsbl[16].zone: more than 16 zones in one policy"));
		policy_free(policy);
		t.len = 0;
		text_put(&t, SLICE(BOTS "dnsbl:\n- zone: z.test\n  codes:\n    default: 1\n"));
		for (unsigned i = 0; i < ZONE_CODES_MAX + over * 2; i++)
			text_printf(&t, "    127.0.1.%u: 1\n", i);
		text[t.len] = '\0';
		problems_fini(&p);
		p = (struct problems){ 0 };
		policy = load(text, &p);
		assert_true((policy == NULL) == (over > 0));
		assert_int_equal(p.errors, over);
		if (over > 0)
			assert_non_null(strstr(p.list[0].text, "more than 64 codes of one zone"));
		policy_free(policy);
		problems_fini(&p);
	}
}

static void
settings(void **state)
{
	struct policy *p = good(BOTS);
	const struct policy_settings *s = policy_settings(p);

	(void)state;
	assert_int_equal(s->dns_budget_ms, 20);
	assert_int_equal(s->dns_forward_s, 0);
	assert_int_equal(s->dns_reverse_s, 0);
	policy_free(p);
	p = good(BOTS "dns: {budget_ms: 0, never: []}\ndns_ttl: {forward: 300, reverse: 600}\n");
	s = policy_settings(p);
	assert_int_equal(s->dns_budget_ms, 0);
	assert_int_equal(s->dns_forward_s, 300);
	assert_int_equal(s->dns_reverse_s, 600);
	policy_free(p);
}

static void
who_may_be_asked_about(void **state)
{
	static const struct {
		const char *client;
		bool without, with;
	} cases[] = {
		{ "5.6.7.8", true, true },
		{ "2a01:4f8::1", true, true },
		{ "9.8.6.255", true, true },
		{ "9.8.7.0", true, false },
		{ "9.8.7.255", true, false },
		{ "::ffff:9.8.7.1", true, false },
		{ "2a02:1:ffff::1", true, false },
		{ "2a02:2::", true, true },
		{ "10.1.2.3", false, false },
		{ "127.0.0.1", false, false },
		{ "100.64.0.1", false, false },
		{ "192.0.2.1", false, false },
		{ "169.254.0.1", false, false },
		{ "::1", false, false },
		{ "fe80::1", false, false },
		{ "fd00::1", false, false },
		{ "2001:db8::1", false, false },
		{ "fc00:dead:beef:4dad::7:1", false, false },
		{ "::ffff:192.168.0.1", false, false },
	};
	struct policy *without = good(BOTS);
	struct policy *with = good(BOTS "dns: {never: [9.8.7.0/24, '2a02:1::/32', 0.0.0.0/32]}\n");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address a;

		assert_true(address_parse(slice_of(cases[i].client), &a));
		if (policy_may_ask(without, &a) != cases[i].without ||
		    policy_may_ask(with, &a) != cases[i].with)
			fail_msg("%s", cases[i].client);
	}
	policy_free(without);
	policy_free(with);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_say_what_and_where),
		cmocka_unit_test(unknown_keys_are_warnings),
		cmocka_unit_test(a_zone_as_written),
		cmocka_unit_test(imports),
		cmocka_unit_test(a_description_is_checked_alone),
		cmocka_unit_test(true_is_dronebl),
		cmocka_unit_test(an_expression_adds_its_zone),
		cmocka_unit_test(limits),
		cmocka_unit_test(settings),
		cmocka_unit_test(who_may_be_asked_about),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
