#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "policy/zone.h"

#include "unit/policy/memory_source.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct memory_file files[] = {
	{ "one.yaml", "zone: one.test\ncodes: {\"127.0.0.9\": {weight: 7, name: nine}}\n" },
	{ "two.yaml",
	    "- {zone: two.test, action: DENY}\n- {zone: three.test, codes: {default: 3}}\n" },
	{ "(data)/dnsbl/dronebl.yaml",
	    "zone: dnsbl.dronebl.org\nname: dronebl\ncodes: {\"127.0.0.9\": {weight: 7, name: "
	    "HTTP}}\n" },
	{ "empty.yaml", "# nothing\n" },
	{ "rules.yaml", "- {name: a, path_regex: x, action: DENY}\n" },
	{ "round.yaml", "- import: round.yaml\n" },
	{ NULL, NULL },
};

static const struct source source = { memory_find, memory_read, NULL, (void *)(uintptr_t)files };

#define BOTS "bots: [{name: a, path_regex: x, action: DENY}]\n"

static struct policy *
load(const char *more, const struct source *s, struct problems *p)
{
	char text[4096];
	int n = snprintf(text, sizeof(text), "%s%s\n", BOTS, more);

	return policy_load("f.yaml", (struct slice){ text, (size_t)n }, s, p);
}

static bool
is_said(const struct problems *p, const char *what)
{
	for (size_t i = 0; i < p->count; i++)
		if (strstr(p->list[i].text, what) != NULL)
			return true;
	return false;
}

static void
errors_say_what_and_where(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "dnsbl: {}", "f.yaml:2:1: dnsbl: is map and must be true, false or a list" },
		{ "dnsbl: [x]", "dnsbl[0]: is string and must be a map" },
		{ "dnsbl: [{name: x}]", "dnsbl[0]: has no zone" },
		{ "dnsbl: [{zone: 'a b', action: DENY}]", "dnsbl[0].zone: no name of a zone" },
		{ "dnsbl: [{zone: a..b, action: DENY}]", "no name of a zone" },
		{ "dnsbl: [{zone: a.b}]", "dnsbl[0]: weighs nothing" },
		{ "dnsbl: [{zone: a.b, codes: {}}]", "dnsbl[0]: weighs nothing" },
		{ "dnsbl: [{zone: a.b, action: ALLOW, codes: {default: 1}}]",
		    "a listing lets nobody through" },
		{ "dnsbl: [{zone: a.b, action: deny, codes: {default: 1}}]",
		    "must be WEIGH, CHALLENGE or DENY" },
		{ "dnsbl: [{zone: a.b, action: DENY}, {zone: A.b., action: DENY}]",
		    "dnsbl[1].zone: stands here twice" },
		{ "dnsbl: [{zone: a.b, codes: {'128.0.0.1': 1}}]", "no answer of a blocklist" },
		{ "dnsbl: [{zone: a.b, codes: {'127.0.0': 1}}]", "no answer of a blocklist" },
		{ "dnsbl: [{zone: a.b, codes: {'::1': 1}}]", "no answer of a blocklist" },
		{ "dnsbl: [{zone: a.b, codes: {'127.255.255.1': 1}}]",
		    "is how a blocklist refuses to answer" },
		{ "dnsbl: [{zone: a.b, codes: {'127.0.0.3': 1, '::ffff:127.0.0.3': 1}}]",
		    "stands here twice" },
		{ "dnsbl: [{zone: a.b, codes: {'127.0.0.3': much}}]", "must be a weight" },
		{ "dnsbl: [{zone: a.b, codes: {'127.0.0.3': 1.5}}]", "must be a weight" },
		{ "dnsbl: [{zone: a.b, codes: {'127.0.0.3': 40000}}]", "from -32768 to 32767" },
		{ "dnsbl: [{zone: a.b, codes: {'127.0.0.3': {name: x}}}]", "has no weight" },
		{ "dnsbl: [{zone: a.b, codes: {'127.0.0.3': {weight: 1, name: ''}}}]",
		    "must have 1 to 80 characters" },
		{ "dnsbl: [{zone: a.b, action: DENY, types: [MX]}]", "must be A (IPv4 clients)" },
		{ "dnsbl: [{zone: a.b, action: DENY, types: []}]", "is empty" },
		{ "dnsbl: [{zone: a.b, action: DENY, ttl: {min_s: 9, max_s: 3}}]",
		    "min_s is more than max_s" },
		{ "dnsbl: [{import: gone.yaml}]", "dnsbl[0].import: no file matches" },
		{ "dnsbl: [{import: empty.yaml}]", "empty.yaml:1:1: nothing is in this file" },
		{ "dnsbl: [{import: rules.yaml}]", "[0]: has no zone" },
		{ "dnsbl: [{import: round.yaml}]", "must be a description of a blocklist" },
		{ "dnsbl: [{import: one.yaml, name: x}]", "stands beside an import" },
		{ "dns: {budget_ms: 1001}",
		    "dns.budget_ms: must be a whole number from 0 to 1000" },
		{ "dns: {never: [10.0.0.1]}", "dns.never[0]: an address without a length" },
		{ "dns: {never: 10.0.0.0/8}", "dns.never: is string and must be list" },
		{ "dns_ttl: {forward: x}", "dns_ttl.forward: is string and must be number" },
		{ "hosts: {x.example: {dnsbl: []}}", "dnsbl: is list and must be true or false" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct problems p = { 0 };
		struct policy *policy = load(cases[i].in, &source, &p);

		if (policy != NULL || p.errors != 1 || !is_said(&p, cases[i].want))
			fail_msg("%s: %zu, %s", cases[i].in, p.errors,
			    p.count > 0 ? p.list[0].text : "no error");
		problems_fini(&p);
	}
}

static void
verify_dns_is_held_to_its_form(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "verify_dns: {suffixes: [.a.b]}", "with verify_dns alone every visitor's name" },
		{ "path_regex: x, verify_dns: {}", "needs suffixes" },
		{ "path_regex: x, verify_dns: {suffixes: []}", "needs suffixes" },
		{ "path_regex: x, verify_dns: {suffixes: [a.b]}", "must begin with a dot" },
		{ "path_regex: x, verify_dns: {suffixes: ['.a b']}", "no name of a host" },
		{ "path_regex: x, verify_dns: {suffixes: [.]}", "must begin with a dot" },
		{ "path_regex: x, verify_dns: {suffixes: [.a.b], forged: -1}",
		    "forged: must be a whole number from 0" },
		{ "path_regex: x, unknown: deny", "unknown: must be no_match or challenge" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct problems p = { 0 };
		char text[512];
		int n = snprintf(
		    text, sizeof(text), "bots: [{name: a, action: ALLOW, %s}]\n", cases[i].in);

		assert_null(policy_load("f.yaml", (struct slice){ text, (size_t)n }, NULL, &p));
		if (p.errors != 1 || strstr(p.list[0].text, cases[i].want) == NULL)
			fail_msg("%s: %zu, %s", cases[i].in, p.errors, p.list[0].text);
		problems_fini(&p);
	}
}

static struct policy *
good(const char *more, const struct source *s)
{
	struct problems p = { 0 };
	struct policy *policy = load(more, s, &p);

	if (policy == NULL || p.warnings > 0)
		fail_msg("%s: %s", more, p.count > 0 ? p.list[0].text : "");
	problems_fini(&p);
	return policy;
}

static void
a_list_says_everything(void **state)
{
	struct policy *p =
	    good("dnsbl: [{import: one.yaml}, {import: two.yaml}, {zone: Four.TEST., "
		 "name: four, types: [AAAA], ttl: {min_s: 60, max_s: 90}, action: "
		 "CHALLENGE, codes: {'127.0.0.3': 30, '127.0.0.4': {action: DENY}, "
		 "'127.0.0.5': {weight: 5, action: WEIGH}}}]",
		&source);
	const struct zone *z;

	(void)state;
	assert_int_equal(policy_zones(p), 4);
	z = policy_zone(p, 0);
	assert_string_equal(z->zone.ptr, "one.test");
	assert_true(z->v4 && z->v6 && z->weighs && !z->over_allow);
	assert_string_equal(z->code[0].rule.ptr, "dnsbl/one.test/nine");
	assert_int_equal(z->code[0].weight, 7);
	assert_int_equal(z->otherwise.weight, 0);
	assert_int_equal(z->otherwise.action, ACTION_WEIGH);
	z = policy_zone(p, 1);
	assert_int_equal(z->otherwise.action, ACTION_DENY);
	assert_string_equal(z->otherwise.rule.ptr, "dnsbl/two.test");
	assert_int_equal(policy_zone(p, 2)->otherwise.weight, 3);
	z = policy_zone(p, 3);
	assert_string_equal(z->zone.ptr, "four.test");
	assert_true(!z->v4 && z->v6);
	assert_int_equal(z->ttl_min_s, 60);
	assert_int_equal(z->ttl_max_s, 90);
	assert_int_equal(z->code[0].action, ACTION_CHALLENGE);
	assert_int_equal(z->code[1].action, ACTION_DENY);
	assert_int_equal(z->code[2].action, ACTION_WEIGH);
	assert_string_equal(z->code[0].rule.ptr, "dnsbl/four/127.0.0.3");
	policy_free(p);
}

static void
true_is_dronebl_and_denies(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct policy *p = good("dnsbl: true", i == 0 ? &source : NULL);
		const struct zone *z = policy_zone(p, 0);

		assert_int_equal(policy_zones(p), 1);
		assert_string_equal(z->zone.ptr, "dnsbl.dronebl.org");
		assert_true(z->over_allow && z->weighs);
		assert_int_equal(z->otherwise.action, ACTION_DENY);
		if (i == 0)
			assert_string_equal(z->code[0].rule.ptr, "dnsbl/dronebl/HTTP");
		for (unsigned k = 0; k < z->codes; k++)
			assert_int_equal(z->code[k].action, ACTION_DENY);
		policy_free(p);
	}
	for (int i = 0; i < 3; i++) {
		static const char *const none[] = { "dnsbl: false", "dnsbl: []", "dnsbl:" };
		struct policy *p = good(none[i], &source);

		assert_int_equal(policy_zones(p), 0);
		policy_free(p);
	}
}

static void
settings(void **state)
{
	static const struct {
		const char *address;
		bool may;
	} cases[] = { { "8.8.8.8", true }, { "5.4.255.255", true }, { "5.5.0.0", false },
		{ "5.5.255.255", false }, { "10.0.0.1", false }, { "2a02::1", false },
		{ "2a01:0:0:1::1", false }, { "2a01::1", true },
		{ "fc00:dead:beef:4dad::5", false } };
	struct policy *p = good("dns: {budget_ms: 7, never: [5.5.0.0/16, '2a01:0:0:1::/64', "
				"'2a02::/16']}\ndns_ttl: {forward: 9, reverse: 8}",
	    NULL);

	(void)state;
	assert_int_equal(policy_settings(p)->dns_budget_ms, 7);
	assert_int_equal(policy_settings(p)->dns_forward_s, 9);
	assert_int_equal(policy_settings(p)->dns_reverse_s, 8);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address a;

		assert_true(address_parse(slice_of(cases[i].address), &a));
		if (policy_may_ask(p, &a) != cases[i].may)
			fail_msg("%s", cases[i].address);
	}
	policy_free(p);
	p = good("", NULL);
	assert_int_equal(policy_settings(p)->dns_budget_ms, 20);
	policy_free(p);
}

static void
sixteen_zones_and_no_more(void **state)
{
	char text[2048] = "dnsbl: [";
	struct problems p = { 0 };

	(void)state;
	for (int i = 0; i < 17; i++) {
		size_t n = strlen(text);

		snprintf(text + n, sizeof(text) - n, "{zone: z%d.test, action: DENY}, ", i);
	}
	memcpy(text + strlen(text) - 2, "]", 2);
	assert_null(load(text, NULL, &p));
	assert_int_equal(p.errors, 1);
	assert_non_null(strstr(p.list[0].text, "dnsbl[16].zone: more than 16 zones"));
	problems_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_say_what_and_where),
		cmocka_unit_test(verify_dns_is_held_to_its_form),
		cmocka_unit_test(a_list_says_everything),
		cmocka_unit_test(true_is_dronebl_and_denies),
		cmocka_unit_test(settings),
		cmocka_unit_test(sixteen_zones_and_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
