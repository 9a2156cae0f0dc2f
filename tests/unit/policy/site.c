#include "policy/verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/policy/memory_source.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char sites_text[] =
    "bots:\n"
    "- {name: bad, action: DENY, user_agent_regex: BadBot}\n"
    "- {name: ask, action: CHALLENGE, user_agent_regex: AskMe}\n"
    "- {name: heavy, action: WEIGH, weight: {adjust: 10}, user_agent_regex: Heavy}\n"
    "thresholds:\n"
    "- {name: all, expression: weight >= 10, action: DENY}\n"
    "hosts:\n"
    "  git.example.org:\n"
    "    bots: [{name: own, action: ALLOW, user_agent_regex: BadBot, path_regex: ^/git}]\n"
    "    challenge: {algorithm: fast, difficulty: 1}\n"
    "  '*.example.org':\n"
    "    bots: [{name: star, action: DENY, user_agent_regex: AskMe}]\n"
    "    thresholds: [{name: star, expression: weight >= 11, action: DENY}]\n"
    "  '*.deep.example.org': {shadow: true}\n"
    "  alone.example: {inherit: false, bots: [{name: a, action: DENY, path_regex: secret}]}\n"
    "  default:\n"
    "    bots: [{name: rest, action: DENY, path_regex: ^/rest}]\n";

static const struct {
	const char *host, *path, *agent;
	enum verdict_kind want;
	const char *rule, *site;
} visits[] = {
	{ "git.example.org", "/git/x", "BadBot", VERDICT_ALLOW, "bot/own", "git.example.org" },
	{ "GIT.example.org.:443", "/git/x", "BadBot", VERDICT_ALLOW, "bot/own", "git.example.org" },
	{ "git.example.org", "/x", "BadBot", VERDICT_DENY, "bot/bad", "git.example.org" },
	{ "git.example.org", "/rest", "x", VERDICT_ALLOW, "default/allow", "git.example.org" },
	{ "git.example.org", "/", "AskMe", VERDICT_CHALLENGE, "bot/ask", "git.example.org" },
	{ "git.example.org", "/", "Heavy", VERDICT_DENY, "threshold/all", "git.example.org" },
	{ "www.example.org", "/git/x", "BadBot", VERDICT_DENY, "bot/bad", "*.example.org" },
	{ "www.example.org", "/", "AskMe", VERDICT_DENY, "bot/star", "*.example.org" },
	{ "www.example.org", "/", "Heavy", VERDICT_ALLOW, "default/allow", "*.example.org" },
	{ "a.b.example.org", "/", "AskMe", VERDICT_DENY, "bot/star", "*.example.org" },
	{ "x.deep.example.org", "/", "BadBot", VERDICT_ALLOW, "bot/bad", "*.deep.example.org" },
	{ "deep.example.org", "/", "AskMe", VERDICT_DENY, "bot/star", "*.example.org" },
	{ "example.org", "/", "AskMe", VERDICT_CHALLENGE, "bot/ask", "default" },
	{ "example.org", "/rest", "x", VERDICT_DENY, "bot/rest", "default" },
	{ "badexample.org", "/rest", "x", VERDICT_DENY, "bot/rest", "default" },
	{ "alone.example", "/", "BadBot", VERDICT_ALLOW, "default/allow", "alone.example" },
	{ "alone.example", "/secret", "x", VERDICT_DENY, "bot/a", "alone.example" },
	{ "", "/rest", "x", VERDICT_DENY, "bot/rest", "default" },
	{ "*.example.org", "/", "AskMe", VERDICT_DENY, "bot/star", "*.example.org" },
	{ "..........", "/rest", "x", VERDICT_DENY, "bot/rest", "default" },
};

static struct policy *
load(const char *text)
{
	struct problems problems = { 0 };
	const struct source source = memory_source(&(struct memory_file){ NULL, NULL });
	struct policy *p = policy_load("f.yaml", slice_of(text), &source, &problems);

	if (p == NULL)
		fail_msg("%s", problems.list[0].text);
	problems_fini(&problems);
	return p;
}

static struct verdict
judge(const struct policy *p, const char *host, const char *path, const char *agent)
{
	static struct judge *j;
	struct evidence e = { 0 };
	struct request r = { 0 };
	struct verdict v;

	if (j == NULL)
		j = judge_new();
	if (p == NULL) {
		judge_free(j);
		j = NULL;
		return (struct verdict){ .weight = 0 };
	}
	address_parse(SLICE("5.6.7.8"), &r.src);
	request_set(&r, REQUEST_HOST, slice_of(host));
	request_set(&r, REQUEST_PATH, slice_of(path));
	request_set(&r, REQUEST_USER_AGENT, slice_of(agent));
	policy_judge(p, j, &r, &e, &v, NULL);
	return v;
}

static void
each_site_has_its_own(void **state)
{
	struct policy *p = load(sites_text);

	(void)state;
	for (size_t i = 0; i < COUNT(visits); i++) {
		struct verdict v = judge(p, visits[i].host, visits[i].path, visits[i].agent);

		if (v.kind != visits[i].want || !slice_equal(v.rule, slice_of(visits[i].rule)) ||
		    !slice_equal(v.site, slice_of(visits[i].site)))
			fail_msg("%s%s by %s: %s by %.*s on %.*s", visits[i].host, visits[i].path,
			    visits[i].agent, verdict_names[v.kind], (int)v.rule.len, v.rule.ptr,
			    (int)v.site.len, v.site.ptr);
	}
	assert_int_equal(judge(p, "git.example.org", "/", "AskMe").challenge->hashes, 16);
	assert_int_equal(judge(p, "example.org", "/", "AskMe").challenge->hashes, 65536);
	assert_int_equal(policy_size(p).sites, 4);
	policy_free(p);
}

static void
a_site_in_shadow(void **state)
{
	struct policy *p = load(sites_text);
	struct verdict v = judge(p, "x.deep.example.org", "/", "BadBot");

	(void)state;
	assert_int_equal(v.kind, VERDICT_ALLOW);
	assert_int_equal(v.would.kind, VERDICT_DENY);
	assert_true(slice_equal(v.would.rule, SLICE("bot/bad")));
	v = judge(p, "x.deep.example.org", "/", "AskMe");
	assert_int_equal(v.would.kind, VERDICT_CHALLENGE);
	assert_null(v.challenge);
	v = judge(p, "git.example.org", "/", "BadBot");
	assert_int_equal(v.kind, VERDICT_DENY);
	assert_int_equal(v.would.kind, VERDICT_DENY);
	policy_free(p);
}

static void
all_in_shadow(void **state)
{
	struct policy *p = load("shadow: true\nbots: [{name: a, action: DENY, path_regex: x}]\n"
				"hosts: {real.example: {shadow: false}}\n");
	struct verdict v = judge(p, "a.example", "x", "");

	(void)state;
	assert_int_equal(v.kind, VERDICT_ALLOW);
	assert_int_equal(v.would.kind, VERDICT_DENY);
	assert_int_equal(judge(p, "real.example", "x", "").kind, VERDICT_DENY);
	policy_free(p);
}

/* What is in force, and what would be if the rules in shadow counted. */
static void
rules_in_shadow(void **state)
{
	static const struct {
		const char *path, *rule;
		enum verdict_kind kind;
		int32_t weight;
		const char *would_rule;
		enum verdict_kind would;
		int32_t would_weight;
	} cases[] = {
		{ "/deny", "default/allow", VERDICT_ALLOW, 0, "bot/deny", VERDICT_DENY, 0 },
		{ "/allow", "bot/late", VERDICT_DENY, 0, "bot/allow", VERDICT_ALLOW, 0 },
		{ "/drip", "default/allow", VERDICT_ALLOW, 0, "bot/drip", VERDICT_DRIP, 0 },
		{ "/weigh", "default/allow", VERDICT_ALLOW, 0, "threshold/much", VERDICT_DENY, 20 },
		{ "/both", "bot/late", VERDICT_DENY, 0, "bot/late", VERDICT_DENY, 0 },
		{ "/weigh/heavy", "threshold/some", VERDICT_CHALLENGE, 10, "threshold/much",
		    VERDICT_DENY, 30 },
		{ "/heavy", "threshold/some", VERDICT_CHALLENGE, 10, "threshold/some",
		    VERDICT_CHALLENGE, 10 },
		{ "/", "default/allow", VERDICT_ALLOW, 0, "default/allow", VERDICT_ALLOW, 0 },
	};
	struct policy *p =
	    load("bots:\n"
		 "- {name: deny, action: DENY, path_regex: ^/deny, shadow: true}\n"
		 "- {name: allow, action: ALLOW, path_regex: ^/allow, shadow: true}\n"
		 "- {name: drip, action: DRIP, path_regex: ^/drip, shadow: true}\n"
		 "- {name: w, action: WEIGH, weight: {adjust: 20}, path_regex: "
		 "^/weigh, shadow: true}\n"
		 "- {name: late, action: DENY, path_regex: '^/(allow|both)'}\n"
		 "- {name: h, action: WEIGH, weight: {adjust: 10}, path_regex: "
		 "heavy}\n"
		 "thresholds:\n"
		 "- {name: much, expression: weight >= 20, action: DENY}\n"
		 "- {name: some, expression: weight >= 10, action: CHALLENGE, "
		 "challenge: {algorithm: fast}}\n");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct verdict v = judge(p, "h", cases[i].path, "");

		if (v.kind != cases[i].kind || v.weight != cases[i].weight ||
		    !slice_equal(v.rule, slice_of(cases[i].rule)) ||
		    v.would.kind != cases[i].would || v.would.weight != cases[i].would_weight ||
		    !slice_equal(v.would.rule, slice_of(cases[i].would_rule)))
			fail_msg("%s: %s by %.*s, would be %s by %.*s", cases[i].path,
			    verdict_names[v.kind], (int)v.rule.len, v.rule.ptr,
			    verdict_names[v.would.kind], (int)v.would.rule.len, v.would.rule.ptr);
	}
	policy_free(p);
}

/* A site may be without the blocklists; its rules may still ask one. */
static void
blocklists(void **state)
{
	static const struct {
		const char *host, *path;
		unsigned unknown;
	} cases[] = { { "a.example", "/", 1 }, { "none.example", "/", 0 },
		{ "none.example", "/asks", 1 }, { "some.example", "/", 1 },
		{ "a.example", "/asks", 2 } };
	struct policy *p =
	    load("bots: [{name: a, action: DENY, expression: 'path == \"/asks\" && "
		 "dnsbl(\"b.test\")'}]\n"
		 "dnsbl: [{zone: a.test, action: DENY}]\n"
		 "hosts: {none.example: {dnsbl: false}, some.example: {dnsbl: true}}\n");

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct verdict v = judge(p, cases[i].host, cases[i].path, "");

		if (v.unknown != cases[i].unknown)
			fail_msg("%s%s: %u", cases[i].host, cases[i].path, v.unknown);
	}
	policy_free(p);
}

static int
fini(void **state)
{
	(void)state;
	judge(NULL, "", "", "");
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_site_has_its_own),
		cmocka_unit_test(a_site_in_shadow),
		cmocka_unit_test(all_in_shadow),
		cmocka_unit_test(rules_in_shadow),
		cmocka_unit_test(blocklists),
	};

	return cmocka_run_group_tests(tests, NULL, fini);
}
