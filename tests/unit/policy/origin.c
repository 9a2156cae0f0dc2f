#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy/verdict.h"
#include "unit/allocations.h"
#include "unit/policy/memory_source.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* The databases are made by tests/data/mmdb/make.pl: what is where stands there. */
static const char policy_text[] =
    "databases: {country: tests/data/mmdb/nested.mmdb, asn: tests/data/mmdb/nested.mmdb}\n"
    "bots:\n"
    "- {name: agent-too, action: DENY, user_agent_regex: Bot, geoip: {countries: [eg]}}\n"
    "- {name: list-too, action: DENY, remote_addresses: [192.0.2.200/32], asns: {match: [1]}}\n"
    "- {name: both, action: DENY, geoip: {countries: [NO, SE]}, asns: {match: [5, 64511]}}\n"
    "- {name: country, action: ALLOW, geoip: {countries: [EG, NO]}}\n"
    "- {name: high, action: DENY, asns: {match: [4294967295]}}\n"
    "- {name: expression, action: DENY, expression: 'country == \"DE\" || asn == 64496'}\n"
    "- {name: onion, action: WEIGH, expression: 'onion && country == \"\" && asn == 0'}\n"
    "thresholds: [{name: t, expression: weight > 0, action: DENY}]\n";

static const struct {
	const char *address, *agent, *want;
} cases[] = {
	{ "192.0.2.1", "x", "bot/country" },
	{ "192.0.2.1", "Bot", "bot/agent-too" },
	{ "192.0.2.130", "Bot", "bot/expression" },
	{ "192.0.2.200", "x", "bot/expression" },
	{ "198.51.100.1", "x", "default/allow" },
	{ "2001:db8::1", "x", "bot/both" },
	{ "2001:db8:2::1", "x", "default/allow" },
	{ "203.0.113.1", "x", "bot/high" },
	{ "203.0.113.100", "x", "bot/expression" },
	{ "8.8.8.8", "x", "default/allow" },
	/* Countries and networks are none of a circuit's, whatever stands for its range. */
	{ "fc00:dead:beef:4dad::7", "x", "threshold/t" },
};

static struct policy *
load(const char *text)
{
	static const struct memory_file files[] = {
		{ "tests/data/mmdb/nested.mmdb", "" },
		{ "tests/data/mmdb/make.pl", "" },
		{ NULL, NULL },
	};
	const struct source source = memory_source(files);
	struct problems problems = { 0 };
	struct policy *p = policy_load("f.yaml", slice_of(text), &source, &problems);

	if (p == NULL)
		printf("%s\n", problems.list[0].text);
	problems_fini(&problems);
	return p;
}

static void
countries_and_networks(void **state)
{
	struct policy *p = load(policy_text);
	struct judge *j = judge_new();
	struct evidence e = { 0 };
	struct verdict v;
	unsigned before;

	(void)state;
	assert_non_null(p);
	judge_fit(j, p);
	before = allocations;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r = { 0 };

		assert_true(address_parse(slice_of(cases[i].address), &r.src));
		request_set(&r, REQUEST_USER_AGENT, slice_of(cases[i].agent));
		policy_judge(p, j, &r, &e, &v, NULL);
		if (!slice_equal(v.rule, slice_of(cases[i].want)))
			fail_msg("%s %s: %.*s", cases[i].address, cases[i].agent, (int)v.rule.len,
			    v.rule.ptr);
	}
	assert_int_equal(allocations, before);
	judge_free(j);
	policy_free(p);
}

static void
what_is_no_database(void **state)
{
	(void)state;
	assert_null(
	    load("databases: {asn: tests/data/mmdb/make.pl}\nbots: [{name: a, action: DENY, "
		 "path_regex: x}]\n"));
	assert_null(load("databases: {asn: gone.mmdb}\nbots: [{name: a, action: DENY, path_regex: "
			 "x}]\n"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(countries_and_networks),
		cmocka_unit_test(what_is_no_database),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
