#include "policy/ask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "policy/policy.h"
#include "policy/verdict.h"
#include "unit/policy/ask_list.h"
#include "unit/random.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct list list;

static struct policy *
load(const char *json)
{
	struct problems problems = { 0 };
	struct policy *p = policy_load("p.json", slice_of(json), NULL, &problems);

	if (p == NULL)
		for (size_t i = 0; i < problems.count; i++)
			print_error("%s\n", problems.list[i].text);
	problems_fini(&problems);
	return p;
}

/* A policy of one rule that has `matchers`. */
static struct policy *
of_rule(const char *matchers)
{
	char json[2048];

	snprintf(
	    json, sizeof(json), "{\"bots\":[{\"name\":\"r\",\"action\":\"DENY\",%s}]}", matchers);
	return load(json);
}

/* Ways to a path or query that a rule denies: each must be asked about. */
static const struct {
	const char *matchers, *pathq;
	bool plain; /* is not asked about, and must not be denied */
} attacks[] = {
#define SECRET "\"path_regex\":\"^/secret/\""
	{ SECRET, "/secret/", false },
	{ SECRET, "/secret/x?y=1", false },
	{ SECRET, "/%73ecret/", false },
	{ SECRET, "/%2e%2e/secret/", false },
	{ SECRET, "/secret%2f", false },
	{ SECRET, "/a%2fb", false },
	{ SECRET, "/%00", false },
	{ SECRET, "/x\xc3\xa9", false },
	{ SECRET, "/x\xff", false },
	{ SECRET, "/x y", false },
	{ SECRET, "/x\r\ny", false },
	{ SECRET, "*", false },
	{ SECRET, "", false },
	{ SECRET, "secret/", false },
	{ SECRET, "/", true },
	{ SECRET, "//secret/", true },
	{ SECRET, "/SECRET/", true },
	{ SECRET, "/a;p=1/b?q=%20", true },
	{ SECRET, "/a?b=/secret/", true },
	{ SECRET, "/secret;x/", true },
	{ "\"path_regex\":\"(?i)^/admin\"", "/ADMIN", false },
	{ "\"path_regex\":\"(?i)^/kiwi\"", "/\xe2\x84\xaaiwi", false },
	{ "\"path_regex\":\"\\\\.php$\"", "/x.php", false },
	{ "\"path_regex\":\"\\\\.php$\"", "/x.php?a=b", false },
	{ "\"path_regex\":\"\\\\.php\\\\z\"", "/x.php?a=b", false },
	{ "\"path_regex\":\"\\\\.php$\"", "/x.phps", true },
	{ "\"path_regex\":\"\\\\.php$\"", "/?x.php?", false },
	{ "\"path_regex\":\"^/a$|^/b$|c$\"", "/b?", false },
	{ "\"path_regex\":\"^/a$|^/b$|c$\"", "/xc?d", false },
	{ "\"path_regex\":\"^/a$|^/b$|c$\"", "/ab", true },
	{ "\"path_regex\":\"^/$\"", "/?utm=1", false },
	{ "\"path_regex\":\"^/$\"", "/x", true },
	{ "\"path_regex\":\"^(?:/[^/]+)*/wp-login\\\\.php$\"", "/a/b/wp-login.php", false },
	{ "\"path_regex\":\"^/(?:a+)+secret\"", "/aaaaaasecret", false },
	{ "\"path_regex\":\"#frag\"", "/x#frag", false },
	{ "\"path_regex\":\"\\\\Q#\\\\E\"", "/#", false },
	{ "\"path_regex\":\"\\\\x2fetc\\\\/\"", "/etc/", false },
	{ "\"path_regex\":\"[[:digit:]]{8}\"", "/a12345678", false },
	{ "\"path_regex\":\"/id/\\\\d+\\\\b\"", "/id/7", false },
	{ "\"path_regex\":\"(?P<n>abc)(?P<m>def)\"", "/abcdef", false },
	{ "\"query_regex\":\"^id=\"", "/?id=1", false },
	{ "\"query_regex\":\"^id=\"", "/?x=1&id=2", true },
	{ "\"query_regex\":\"(?i)union.+select\"", "/?q=1+UNION+SELECT", false },
	{ "\"query_regex\":\"^$\"", "/x", false },
	{ "\"query_regex\":\"^$\"", "/x?", false },
	{ "\"query_regex\":\"^$\"", "/x?y", true },
	{ "\"query_regex\":\"^x?$\"", "/a", false },
	{ "\"query_regex\":\"=9$\"", "/a?b?c=9", false },
	{ "\"query_regex\":\"^c=9$\"", "/a?b?c=8", true },
#define EXPRESSION(text) "\"expression\":\"" text "\""
	{ EXPRESSION("path.startsWith('/api')"), "/api?x", false },
	{ EXPRESSION("path.startsWith('/api')"), "/x/api", true },
	{ EXPRESSION("!path.startsWith('/api')"), "/api", false },
	{ EXPRESSION("path.contains('..')"), "/a/../b", false },
	{ EXPRESSION("path.endsWith('.git')"), "/a.git?x", false },
	{ EXPRESSION("path == '/a' || '/b' == path"), "/b?", false },
	{ EXPRESSION("path == '/a' || '/b' == path"), "/ab", true },
	{ EXPRESSION("path in ['/a', '/b?c', '/d']"), "/d", false },
	{ EXPRESSION("path == '/b?c'"), "/b%3fc", false },
	{ EXPRESSION("path.lowerAscii().contains('admin')"), "/AdMin", false },
	{ EXPRESSION("['/x', '/y'].exists(p, path.startsWith(p))"), "/y/z", false },
	{ EXPRESSION("{'/x': 1, '/y': 2}.exists(p, path == p)"), "/y", false },
	{ EXPRESSION("path.matches('^/v[0-9]+/')"), "/v12/", false },
	{ EXPRESSION("size(path) >= 10"), "/123456789", false },
	{ EXPRESSION("10 < size(path)"), "/123456789", true },
	{ EXPRESSION("'id' in query"), "/?id=1", false },
	{ EXPRESSION("'id' in query"), "/?%69d=1", false },
	{ EXPRESSION("'id' in query"), "/?", true },
	{ EXPRESSION("query.exists(k, query[k] == '7')"), "/?a=7", false },
	{ EXPRESSION("size(query) == 0"), "/?a=7", false },
	{ EXPRESSION("path.startsWith('/a') ? path.endsWith('b') : userAgent == ''"), "/cb",
	    false },
};

static struct policy *
policy_and_list(const char *matchers)
{
	struct policy *p = of_rule(matchers);

	assert_non_null(p);
	list_init(&list, p);
	return p;
}

static enum verdict_kind
judge_target(const struct policy *p, struct judge *j, struct slice target)
{
	struct request r = { 0 };
	struct evidence e = { 0 };
	struct verdict v;

	request_set(&r, REQUEST_METHOD, SLICE("GET"));
	request_set(&r, REQUEST_USER_AGENT, SLICE("x"));
	request_set_target(&r, target);
	policy_judge(p, j, &r, &e, &v, NULL);
	return v.kind;
}

static void
test_attacks(void **state)
{
	struct judge *j = judge_new();

	(void)state;
	for (size_t i = 0; i < COUNT(attacks); i++) {
		struct policy *p = policy_and_list(attacks[i].matchers);
		struct slice target = slice_of(attacks[i].pathq);

		if (policy_ask(p)->excepted > 0)
			fail_msg("%s: excepted\n%s", attacks[i].matchers, list.text);
		if (list_asks(&list, target) == attacks[i].plain)
			fail_msg("%s, %s\n%s", attacks[i].matchers, attacks[i].pathq, list.text);
		list_fini(&list);
		policy_free(p);
	}
	judge_free(j);
}

/* A list with a line left out would be seen here: what it caught is denied, and was plain. */
static void
test_denied_is_asked(void **state)
{
	struct judge *j = judge_new();
	unsigned denied = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(attacks); i++) {
		struct policy *p = policy_and_list(attacks[i].matchers);
		const enum verdict_kind plain = judge_target(p, j, SLICE("/_"));

		for (size_t k = 0; k < COUNT(attacks); k++) {
			struct slice target = slice_of(attacks[k].pathq);
			enum verdict_kind kind = judge_target(p, j, target);

			denied += kind != plain;
			if (kind != plain && !list_asks(&list, target) &&
			    !list_asks(&list, SLICE("/_")))
				fail_msg(
				    "%s, %s\n%s", attacks[i].matchers, attacks[k].pathq, list.text);
		}
		list_fini(&list);
		policy_free(p);
	}
	assert_true(denied > 100);
	judge_free(j);
}

static void
test_long_targets_are_asked(void **state)
{
	/* Of the longest path that is not asked about whatever the policy says. */
	static const struct {
		const char *matchers;
		bool asks;
	} sizes[] = { { EXPRESSION("size(path) >= 512"), true },
		{ EXPRESSION("511 < size(path)"), true }, { EXPRESSION("size(path) > 512"), false },
		{ EXPRESSION("size(path) >= 513"), false } };
	struct policy *p = policy_and_list(SECRET);
	char target[2000];

	(void)state;
	memset(target, 'a', sizeof(target));
	target[0] = '/';
	assert_false(list_asks(&list, (struct slice){ target, ASK_TARGET_MAX }));
	assert_true(list_asks(&list, (struct slice){ target, ASK_TARGET_MAX + 1 }));
	target[5] = '?';
	assert_false(list_asks(&list, (struct slice){ target, ASK_TARGET_MAX }));
	assert_true(list_asks(&list, (struct slice){ target, 1500 }));
	list_fini(&list);
	policy_free(p);
	target[5] = 'a';
	for (size_t i = 0; i < COUNT(sizes); i++) {
		p = policy_and_list(sizes[i].matchers);
		if (list_asks(&list, (struct slice){ target, ASK_TARGET_MAX }) != sizes[i].asks)
			fail_msg("%s", sizes[i].matchers);
		list_fini(&list);
		policy_free(p);
	}
}

/* A visitor who makes HAProxy's PCRE give up would have "no match": list_asks sees that. */
static void
test_nothing_backtracks_for_long(void **state)
{
	static const char *const regexes[] = { "^/(?:a|aa)+$", "^/(a*)*$", "(?:a+b?)+$",
		"(?:(?:a|b)+c?)*d$", "^/(?:a{1,3}){4,}$", "a*a*$", "^[^?]*a[^?]*b$" };

	(void)state;
	for (size_t i = 0; i < COUNT(regexes); i++) {
		char matchers[100], target[ASK_TARGET_MAX];
		struct policy *p;

		snprintf(matchers, sizeof(matchers), "\"path_regex\":\"%s\"", regexes[i]);
		p = policy_and_list(matchers);
		memset(target, 'a', sizeof(target));
		target[0] = '/';
		target[sizeof(target) - 1] = '!';
		list_asks(&list, (struct slice){ target, sizeof(target) });
		target[100] = '?';
		list_asks(&list, (struct slice){ target, sizeof(target) });
		list_fini(&list);
		policy_free(p);
	}
}

/* What cannot be listed: nobody is remembered at such a site, and the list says because of what. */
static const struct {
	const char *matchers, *why; /* why NULL: it can */
} exceptions[] = {
	{ "\"path_regex\":\"[a-z]*\"", NULL },
	{ "\"path_regex\":\"([a-z]/)*\"", NULL },
	{ "\"path_regex\":\"a*?b{2,}(c|d)*[ef]+\"", "its path_regex fits nearly any path" },
	{ "\"path_regex\":\"a*b*c*d*e*\"", "its path_regex fits nearly any path" },
	{ "\"query_regex\":\"(?:.[=]+)+x*y*\"", "its query_regex fits" },
	{ EXPRESSION("size(path) < 10"), "it computes with the path" },
	{ EXPRESSION("path == host"), "it computes with the path" },
	{ EXPRESSION("segments(path)[0] == 'x'"), "it computes with the path" },
	{ EXPRESSION("path.split('/').exists(s, s == 'x')"), "it computes with the path" },
	{ EXPRESSION("['/a'].map(p, path + p).exists(p, p == userAgent)"),
	    "it computes with the path" },
	{ EXPRESSION("host.contains(path)"), "it computes with the path" },
	{ EXPRESSION("'/abc'.startsWith(path)"), "it computes with the path" },
	{ EXPRESSION("path.startsWith(headers['Referer'])"), "it computes with the path" },
	{ EXPRESSION("path.lowerAscii().matches('abc')"), "it computes with the path" },
	{ EXPRESSION("path < '/m'"), "it computes with the path" },
	{ EXPRESSION("randInt(10) < 5"), "it asks randInt()" },
	{ EXPRESSION("path == '/x' && [1, 2].exists(i, randInt(3) == i)"), "it asks randInt()" },
	{ EXPRESSION("rate * 2 > 100"), "it computes with a rate" },
	{ EXPRESSION("rate > pass.rate"), "it computes with a rate" },
	{ EXPRESSION("method == 'POST' && host.endsWith('x') && load_1m > 2.0"), NULL },
	{ EXPRESSION("headers['Accept'].contains('html') && remoteAddress != ''"), NULL },
};

static void
test_exceptions(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(exceptions); i++) {
		struct policy *p = policy_and_list(exceptions[i].matchers);
		char want[200];

		snprintf(want, sizeof(want), "# never remembered because of bot/r (p.json:1): %s",
		    exceptions[i].why == NULL ? "" : exceptions[i].why);
		if ((policy_ask(p)->excepted > 0) != (exceptions[i].why != NULL) ||
		    (strstr(list.text, want) != NULL) != (exceptions[i].why != NULL))
			fail_msg("%s\n%s", exceptions[i].matchers, list.text);
		list_fini(&list);
		policy_free(p);
	}
}

static const struct {
	const char *expression;
	int rate;
} rates[] = {
	{ "path == '/'", 50 },
	{ "rate > 1000", 50 },
	{ "rate > 30", 30 },
	{ "rate >= 30", 29 },
	{ "30 < rate", 30 },
	{ "30 <= rate", 29 },
	{ "rate < 30", 29 },
	{ "rate <= 30", 30 },
	{ "rate == 30", 29 },
	{ "30 != rate", 29 },
	{ "pass.rate > 20 || rate > 40", 20 },
	{ "rate > -1", 50 },
	{ "rate >= 0", 0 },
};

static void
test_rates(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rates); i++) {
		char matchers[100];
		struct policy *p;

		snprintf(matchers, sizeof(matchers), EXPRESSION("%s"), rates[i].expression);
		p = of_rule(matchers);
		assert_non_null(p);
		assert_int_equal(policy_ask(p)->numbers,
		    (strstr(rates[i].expression, "pass.rate") != NULL ? 2 : 0) | (i > 0 ? 1 : 0));
		if (policy_ask(p)->rate != rates[i].rate || policy_ask(p)->excepted != 0)
			fail_msg("%s: %d", rates[i].expression, (int)policy_ask(p)->rate);
		policy_free(p);
	}
}

#define CHALLENGE(more) "\"path_regex\":\"abc\",\"challenge\":{\"algorithm\":\"fast\"," more "}"

static const struct {
	const char *rest; /* of a policy, behind the rule's name */
	unsigned level;
} levels[] = {
	/* The legacy threshold asks for 16^4 hashes, if nothing else is said. */
	{ "\"action\":\"DENY\",\"path_regex\":\"abc\"}]", 16 },
	{ "\"action\":\"DENY\",\"path_regex\":\"abc\"}],\"thresholds\":[{\"name\":\"t\",\"action\":"
	  "\"DENY\",\"expression\":\"weight > 9\"}]",
	    0 },
	{ "\"action\":\"CHALLENGE\"," CHALLENGE("\"difficulty\":2") "}]", 16 },
	{ "\"action\":\"CHALLENGE\"," CHALLENGE("\"difficulty\":5") "}]", 20 },
	{ "\"action\":\"CHALLENGE\"," CHALLENGE("\"difficulty\":2,\"level\":90") "}]", 90 },
	{ "\"action\":\"DENY\",\"path_regex\":\"abc\"}],\"hosts\":{\"a\":{\"thresholds\":[{"
	  "\"name\":"
	  "\"t\",\"action\":\"CHALLENGE\",\"expression\":\"weight > 9\",\"challenge\":{"
	  "\"algorithm\":\"fast\",\"difficulty\":2,\"level\":70}}]}}",
	    70 },
	{ "\"action\":\"CHALLENGE\"," CHALLENGE(
	      "\"price\":{\"0\":1024,\"10\":1048576,\"20\":2048}") "}]",
	    20 },
};

static void
test_levels(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(levels); i++) {
		char json[600];
		struct policy *p;

		snprintf(json, sizeof(json), "{\"bots\":[{\"name\":\"r\",%s}", levels[i].rest);
		p = load(json);
		assert_non_null(p);
		if (policy_ask(p)->level != levels[i].level)
			fail_msg("%s: %u", levels[i].rest, policy_ask(p)->level);
		policy_free(p);
	}
}

static void
test_sites_are_excepted_one_by_one(void **state)
{
	struct policy *p = load(
	    "{\"bots\":[],\"hosts\":{"
	    "\"a.example\":{\"bots\":[{\"name\":\"a\",\"action\":\"DENY\",\"expression\":"
	    "\"path == host\"}]},"
	    "\"b.example\":{\"bots\":[{\"name\":\"b\",\"action\":\"DENY\",\"path_regex\":\"^/b\"}]"
	    "},"
	    "\"c.example\":{\"thresholds\":[{\"name\":\"t\",\"action\":\"DENY\",\"expression\":"
	    "\"randInt(2) == 0\"}]}}}");
	struct judge *j = judge_new();
	static const struct {
		const char *host;
		bool excepted;
	} hosts[] = { { "a.example", true }, { "b.example:80", false }, { "c.example", true },
		{ "d.example", false } };

	(void)state;
	assert_non_null(p);
	assert_int_equal(policy_ask(p)->excepted, 2);
	list_init(&list, p);
	assert_non_null(strstr(list.text, "at c.example because of threshold/t: it asks randInt"));
	assert_non_null(strstr(list.text, "never remembered at a.example\n"));
	for (size_t i = 0; i < COUNT(hosts); i++) {
		struct request r = { 0 };
		struct evidence e = { 0 };
		struct verdict v;

		request_set(&r, REQUEST_HOST, slice_of(hosts[i].host));
		policy_judge(p, j, &r, &e, &v, NULL);
		assert_int_equal(v.excepted, hosts[i].excepted);
	}
	list_fini(&list);
	judge_free(j);
	policy_free(p);
}

/* What changes it: lines, rate and key; not the order of rules, nor their names. */
static void
test_fingerprint(void **state)
{
	static const char *const same[] = { "\"path_regex\":\"^/a\"",
		"\"path_regex\":\"^/a\",\"shadow\":true" };
	static const char *const others[] = { "\"path_regex\":\"^/b\"",
		"\"path_regex\":\"^/a\",\"user_agent_regex\":\"abc\"",
		"\"path_regex\":\"^/a\",\"headers_regex\":{\"X-A\":\"abc\"}",
		"\"path_regex\":\"^/a\",\"expression\":\"rate > 7\"" };
	struct policy *first = of_rule(same[0]), *again = of_rule(same[1]);

	(void)state;
	assert_string_equal(policy_ask(first)->fingerprint, policy_ask(again)->fingerprint);
	assert_int_equal(strlen(policy_ask(first)->fingerprint), ASK_FINGERPRINT_CHARS);
	for (size_t i = 0; i < COUNT(others); i++) {
		struct policy *p = of_rule(others[i]);

		assert_string_not_equal(policy_ask(first)->fingerprint, policy_ask(p)->fingerprint);
		list_init(&list, p);
		assert_memory_equal(list.text + 14, policy_ask(p)->fingerprint, 16);
		assert_memory_equal(list.text, "# fingerprint ", 14);
		list_fini(&list);
		policy_free(p);
	}
	policy_free(first);
	policy_free(again);
}

/* Pieces of regexes, expressions and targets, put together by chance. */
static const char *const regex_pieces[] = { "a", "b", "/", "x", "abc", "\\.", "[ab]", "[^/]", ".",
	"\\d", "\\w", "\\b", "\\s", "^", "$", "\\A", "\\z", "|", "(?:", ")", "*", "+", "?", "{1,2}",
	"(?i)", "(a|b)", "=", "&", "\\?", ";", "\\x61", "#", "%", "A", "é", "(?:^|b)", "(?:/|$)" };
static const char *const expression_pieces[] = { "path.startsWith('/a')", "path.endsWith('b')",
	"path.contains('x')", "path == '/'", "path != '/a'", "path in ['/a', '/b']",
	"path.matches('^/[ab]+$')", "path.lowerAscii() == '/a'", "'a' in query", "size(path) > 3",
	"['a', 'b'].exists(c, path.contains(c))", "query.all(k, size(query[k]) > 1)",
	"userAgent == 'x'", "method == 'GET'", "host == 'x'" };
static const char *const joints[] = { " && ", " || ", " && !", " || !" };
static const char *const target_pieces[] = { "a", "b", "/", "x", "abc", ".", "?", "=", "&", "1",
	"A", "%61", "%2f", "é", " ", ";", "#", "//", "..", "é" };

static void
put_random(struct text *t, const char *const *pieces, size_t count, unsigned most)
{
	for (unsigned n = next_random(most) + 1; n > 0; n--)
		text_put(t, slice_of(pieces[next_random((uint32_t)count)]));
}

static void
put_rule(struct text *json, unsigned n)
{
	char room[512];
	struct text t = { .buf = room, .cap = sizeof(room) };
	static const char *const keys[] = { "path_regex", "query_regex", "expression" };
	static const char *const actions[] = { "ALLOW", "DENY", "CHALLENGE", "WEIGH" };
	const unsigned kind = next_random(3);

	if (kind < 2) {
		put_random(&t, regex_pieces, COUNT(regex_pieces), 6);
	} else {
		put_random(&t, expression_pieces, COUNT(expression_pieces), 1);
		for (unsigned i = next_random(3); i > 0; i--) {
			put_random(&t, joints, COUNT(joints), 1);
			put_random(&t, expression_pieces, COUNT(expression_pieces), 1);
		}
	}
	text_printf(json, "%s{\"name\":\"r%u\",\"action\":\"%s\",\"%s\":", n > 0 ? "," : "", n,
	    actions[next_random(4)], keys[kind]);
	text_quote_json_utf8(json, text_slice(&t));
	text_put(json, SLICE("}"));
}

static struct policy *
random_policy(void)
{
	char room[4096];
	struct text json = { .buf = room, .cap = sizeof(room) - 1 };
	struct problems problems = { 0 };
	struct policy *p;

	text_put(&json, SLICE("{\"bots\":["));
	for (unsigned i = 0, n = next_random(3) + 1; i < n; i++)
		put_rule(&json, i);
	text_put(&json, SLICE("]}"));
	p = policy_load("f", text_slice(&json), NULL, &problems);
	problems_fini(&problems);
	return p;
}

static void
random_target(struct text *t)
{
	t->len = 0;
	text_put(t, SLICE("/"));
	put_random(t, target_pieces, COUNT(target_pieces), 5);
}

/*
 * The argument itself: of two requests that differ in nothing but path and query, and that HAProxy
 * need not ask about, what is right for one is right for the other.
 */
static void
test_plain_requests_are_judged_alike(void **state)
{
	struct judge *j = judge_new();
	unsigned policies = 0, pairs = 0, asked = 0;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct policy *p = random_policy();
		struct verdict first = { 0 }, v;
		bool has_first = false;

		if (p == NULL || policy_ask(p)->excepted > 0) {
			policy_free(p);
			continue;
		}
		policies++;
		list_init(&list, p);
		for (unsigned i = 0; i < 12; i++) {
			char room[256];
			struct text t = { .buf = room, .cap = sizeof(room) };
			struct request r = { 0 };
			const struct evidence e = { 0 };
			const uint64_t errors = judge_errors(j);

			random_target(&t);
			if (list_asks(&list, text_slice(&t))) {
				asked++;
				continue;
			}
			request_set(&r, REQUEST_METHOD, SLICE("GET"));
			request_set(&r, REQUEST_USER_AGENT, SLICE("x"));
			request_set_target(&r, text_slice(&t));
			policy_judge(p, j, &r, &e, &v, NULL);
			if (judge_errors(j) != errors)
				continue;
			if (has_first && (v.kind != first.kind || v.weight != first.weight ||
					     v.rule.ptr != first.rule.ptr))
				fail_msg("%.*s: %.*s, not %.*s\n%s", (int)t.len, room,
				    (int)v.rule.len, v.rule.ptr, (int)first.rule.len,
				    first.rule.ptr, list.text);
			pairs += has_first;
			has_first = true;
			first = v;
		}
		list_fini(&list);
		policy_free(p);
	}
	judge_free(j);
	print_message("%u policies, %u plain, %u asked\n", policies, pairs, asked);
	assert_true(policies > 2000 && pairs > 4000 && asked > 10000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_attacks),
		cmocka_unit_test(test_denied_is_asked),
		cmocka_unit_test(test_long_targets_are_asked),
		cmocka_unit_test(test_nothing_backtracks_for_long),
		cmocka_unit_test(test_exceptions),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_levels),
		cmocka_unit_test(test_sites_are_excepted_one_by_one),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_plain_requests_are_judged_alike),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
