#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/policy.h"
#include "unit/policy/memory_source.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define RULE "\"name\":\"a\",\"action\":\"ALLOW\",\"path_regex\":\"/x\""
#define BOT(members) "{\"bots\":[{\"name\":\"a\",\"action\":\"ALLOW\"," members "}]}"
#define TOP(members) "{\"bots\":[{" RULE "}]," members "}"
#define CHALLENGED(block)                                                                          \
	"{\"bots\":[{\"name\":\"a\",\"action\":\"CHALLENGE\",\"path_regex\":\"/x\",\"challenge\":" \
	"" block "}]}"
#define THRESHOLD(members) TOP("\"thresholds\":[{" members "}]")

/* Each is one error and no more. */
static const struct {
	const char *name, *in, *want;
} errors[] = {
	{ "no map", "[]", "f:1:1: is list and must be a map with `bots` in it" },
	{ "no bots", "{}", "f:1:1: no rule: `bots` needs one at least" },
	{ "bots empty", "{\"bots\":[]}", "f:1:2: bots: no rule: `bots` needs one at least" },
	{ "bots null", "{\"bots\":null}", "no rule" },
	{ "bots a map", "{\"bots\":{}}", "bots: is map and must be list" },
	{ "rule a string", "{\"bots\":[\"x\"]}", "bots[0]: is string and must be a map: a rule" },
	{ "no name", "{\"bots\":[{\"action\":\"ALLOW\",\"path_regex\":\"x\"}]}",
	    "bots[0]: a name is required" },
	{ "empty name", "{\"bots\":[{\"name\":\"\",\"action\":\"ALLOW\",\"path_regex\":\"x\"}]}",
	    "bots[0].name: a name is required" },
	{ "newline in a name",
	    "{\"bots\":[{\"name\":\"a\\nb\",\"action\":\"ALLOW\",\"path_regex\":\"x\"}]}",
	    "no control characters" },
	{ "no action", "{\"bots\":[{\"name\":\"a\",\"path_regex\":\"x\"}]}",
	    "bots[0]: has no action" },
	{ "small action", "{\"bots\":[{\"name\":\"a\",\"action\":\"allow\",\"path_regex\":\"x\"}]}",
	    "bots[0].action: unknown action: ALLOW, DENY, CHALLENGE, WEIGH or DRIP, in capitals" },
	{ "benchmark",
	    "{\"bots\":[{\"name\":\"a\",\"action\":\"DEBUG_BENCHMARK\",\"path_regex\":\"x\"}]}",
	    "DEBUG_BENCHMARK is a page of Anubis" },
	{ "no matcher", "{\"bots\":[{\"name\":\"a\",\"action\":\"DENY\"}]}", "matches on nothing" },
	{ "empty matchers", BOT("\"headers_regex\":{},\"remote_addresses\":[]"),
	    "matches on nothing" },
	{ "regex", BOT("\n\"path_regex\":\"a(b\""),
	    "f:2:1: bots[0].path_regex: missing closing parenthesis at offset 3" },
	{ "regex not a string", BOT("\"path_regex\":1"), "is number and must be string" },
	{ "newline", BOT("\"user_agent_regex\":\"foo\\n\""),
	    "bots[0].user_agent_regex: ends with a newline: in YAML write >- for >" },
	{ "header regex", BOT("\"headers_regex\":{\"Accept\":\"[\"}"),
	    "bots[0].headers_regex.Accept: missing terminating ]" },
	{ "header not a string", BOT("\"headers_regex\":{\"Accept\":true}"),
	    "must be a regex in a string" },
	{ "header injection", BOT("\"headers_regex\":{\"a),bool(1\":\"x\"}"),
	    "no name of a header" },
	{ "a circuit, not by true", BOT("\"path_regex\":\"x\",\"close_circuit\":\"yes\""),
	    "bots[0].close_circuit: is string and must be " },
	{ "a threshold that lets through and closes",
	    THRESHOLD("\"name\":\"t\",\"expression\":\"weight > 0\",\"action\":\"ALLOW\","
		      "\"close_circuit\":true"),
	    "thresholds[0].close_circuit: only DENY and DRIP close a circuit" },
	{ "a circuit that is challenged",
	    "{\"bots\":[{\"name\":\"a\",\"action\":\"CHALLENGE\",\"path_regex\":\"x\","
	    "\"close_circuit\":true}]}",
	    "bots[0].close_circuit: only DENY and DRIP close a circuit: take it out, or make the "
	    "action DENY" },
	{ "bare address", BOT("\"remote_addresses\":[\"192.0.2.1\"]"),
	    "bots[0].remote_addresses[0]: an address without a length: write /32" },
	{ "no address", BOT("\"remote_addresses\":[\"example.org\"]"), "not a prefix" },
	{ "address a number", BOT("\"remote_addresses\":[10]"), "must be a prefix in a string" },
	{ "import", "{\"bots\":[{\"import\":\"(data)/x.yaml\"}]}",
	    "bots[0].import: nothing can be imported here" },
	{ "import beside", "{\"bots\":[{\"import\":\"x.yaml\",\"action\":\"DENY\"}]}",
	    "bots[0].action: stands beside an import" },
	{ "expression", BOT("\"expression\":\"path ==\""),
	    "bots[0].expression: it ends where a value is expected at offset 7" },
	{ "expression of a wrong type", BOT("\"expression\":\"path\""), "bots[0].expression: " },
	{ "expression all", BOT("\"expression\":{\"all\":[\"true\",\"pth == path\"]}"),
	    "bots[0].expression.all[1]: " },
	{ "expression all and any", BOT("\"expression\":{\"all\":[\"true\"],\"any\":[\"true\"]}"),
	    "bots[0].expression: has all and any" },
	{ "expression of nothing", BOT("\"expression\":{\"all\":[]}"),
	    "bots[0].expression.all: is empty" },
	{ "expression a number", BOT("\"expression\":1"),
	    "bots[0].expression: is number and must be an expression in a string" },
	{ "expression, no list", BOT("\"expression\":{\"al\":1}"),
	    "bots[0].expression: needs a string, or all: […], or any: […]" },
	{ "geoip", BOT("\"geoip\":{\"countries\":[\"NOR\"]}"),
	    "bots[0].geoip.countries[0]: no country" },
	{ "geoip of nothing", BOT("\"geoip\":{\"countries\":[]}"), "needs countries" },
	{ "asns", BOT("\"asns\":{\"match\":[\"AS1\"]}"), "bots[0].asns.match[0]: no number" },
	{ "address file", BOT("\"remote_addresses_file\":\"x\""), "no file can be read here" },
	{ "database", TOP("\"databases\":{\"country\":\"x.mmdb\"}"),
	    "databases.country: x.mmdb cannot be used: no file can be read here" },
	{ "lookahead", BOT("\"path_regex\":\"a(?=b)\""),
	    "bots[0].path_regex: a lookaround at offset 1: the regexes of policies (Go's, RE2) "
	    "have none" },
	{ "shadow", BOT("\"path_regex\":\"x\",\"shadow\":\"yes\""), "is string and must be true" },
	{ "host", TOP("\"hosts\":{\"a.*.example\":{}}"), "hosts.a.*.example: no name of a host" },
	{ "host twice", TOP("\"hosts\":{\"a.example\":{},\"a.example.:443\":{}}"),
	    "hosts: has a.example twice" },
	{ "host a list", TOP("\"hosts\":{\"a.example\":[]}"), "is list and must be a map: a site" },
	{ "dnsbl", TOP("\"dnsbl\":\"on\""), "dnsbl: is string and must be true, false or a list" },
	{ "weight",
	    "{\"bots\":[{\"name\":\"a\",\"action\":\"WEIGH\",\"path_regex\":\"x\",\"weight\":{"
	    "\"adjust\":1.5}}]}",
	    "bots[0].weight.adjust: must be a whole number" },
	{ "weight too large",
	    "{\"bots\":[{\"name\":\"a\",\"action\":\"WEIGH\",\"path_regex\":\"x\",\"weight\":{"
	    "\"adjust\":2147483648}}]}",
	    "bots[0].weight.adjust: must be a whole number" },
	{ "difficulty", CHALLENGED("{\"algorithm\":\"fast\",\"difficulty\":65}"),
	    "bots[0].challenge.difficulty: must be a whole number from 0 to 64" },
	{ "no method", CHALLENGED("{\"algorithm\":\"pow\",\"methods\":[]}"), "names no method" },
	{ "unknown method", CHALLENGED("{\"algorithm\":\"pow\",\"methods\":[\"pow\",\"captcha\"]}"),
	    "methods[1]: no such method: pow, wait, resource, question or video" },
	{ "video_failed is none",
	    CHALLENGED("{\"algorithm\":\"pow\",\"methods\":[\"video_failed\"]}"),
	    "no such method" },
	{ "number as a method", CHALLENGED("{\"algorithm\":\"pow\",\"methods\":[1]}"),
	    "no such method" },
	{ "video alone", CHALLENGED("{\"algorithm\":\"pow\",\"methods\":[\"video\"]}"),
	    "has video alone" },
	{ "waits too long", CHALLENGED("{\"algorithm\":\"pow\",\"wait\":301}"),
	    "must be a whole number from 1 to 300" },
	{ "no points", CHALLENGED("{\"algorithm\":\"pow\",\"price\":{}}"),
	    "must have 1 to 16 points" },
	{ "points out of order", CHALLENGED("{\"algorithm\":\"pow\",\"price\":{\"10\":5,\"9\":6}}"),
	    "must come in order" },
	{ "no number", CHALLENGED("{\"algorithm\":\"pow\",\"price\":{\"ten\":5}}"),
	    "must be a number in front" },
	{ "no price", CHALLENGED("{\"algorithm\":\"pow\",\"price\":{\"10\":0.5}}"),
	    "must be a number from 1" },
	{ "no factor", CHALLENGED("{\"algorithm\":\"pow\",\"load\":{\"1\":1001}}"),
	    "must be a number from 1 to 1000" },
	{ "no algorithm", CHALLENGED("{\"difficulty\":4}"), "has no algorithm" },
	{ "unknown algorithm", CHALLENGED("{\"algorithm\":\"quick\"}"), "unknown algorithm" },
	{ "hashes", CHALLENGED("{\"algorithm\":\"pow\",\"hashes\":0}"), "hashes: must be" },
	{ "puzzles", CHALLENGED("{\"algorithm\":\"pow\",\"puzzles\":33}"), "puzzles: must be" },
	{ "level", CHALLENGED("{\"algorithm\":\"pow\",\"level\":0}"), "level: must be" },
	{ "threshold WEIGH",
	    THRESHOLD("\"name\":\"t\",\"expression\":\"weight > 0\",\"action\":\"WEIGH\""),
	    "thresholds[0]: a threshold cannot WEIGH" },
	{ "threshold without challenge",
	    THRESHOLD("\"name\":\"t\",\"expression\":\"weight > 0\",\"action\":\"CHALLENGE\""),
	    "thresholds[0]: CHALLENGE needs a challenge" },
	{ "threshold without expression", THRESHOLD("\"name\":\"t\",\"action\":\"DENY\""),
	    "thresholds[0]: has no expression" },
	{ "threshold's expression",
	    THRESHOLD("\"name\":\"t\",\"expression\":\"weight >\",\"action\":\"DENY\""),
	    "thresholds[0].expression: it ends where a value is expected at offset 8" },
	{ "status", TOP("\"status_codes\":{\"CHALLENGE\":600}"),
	    "status_codes.CHALLENGE: must be a whole number from 200 to 599" },
	{ "status 0", TOP("\"status_codes\":{\"DENY\":0}"), "status_codes.DENY: must be" },
	{ "cookie", TOP("\"pass\":{\"cookie\":\"a;b\"}"), "no name of a cookie" },
	{ "cookie empty", TOP("\"pass\":{\"cookie\":\"\"}"), "must have 1 to 63 characters" },
	{ "binding", TOP("\"pass\":{\"binding\":\"ip\"}"), "unknown binding" },
	{ "expiry", TOP("\"pass\":{\"expiry_s\":59}"), "from 60 to 31536000" },
	{ "robots", TOP("\"robots\":[]"), "robots: is list and must be true, false or a file" },
	{ "robots of a file", TOP("\"robots\":\"x.txt\""),
	    "robots: x.txt cannot be used: no file can be read here" },
	{ "evidence", TOP("\"evidence\":{\"cut\":\"10\"}"), "is string and must be number" },
};

static void
errors_say_what_and_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(errors); i++) {
		struct problems p = { 0 };

		assert_null(policy_load("f", slice_of(errors[i].in), NULL, &p));
		if (p.errors != 1 || strstr(p.list[0].text, errors[i].want) == NULL)
			fail_msg("%s: %zu, %s", errors[i].name, p.errors, p.list[0].text);
		problems_fini(&p);
	}
}

static const struct {
	const char *name, *in, *want;
} warnings[] = {
	{ "unknown key", TOP("\"bot\":[]"), "bot: unknown key, ignored" },
	{ "unknown key of a rule", BOT("\"path_regex\":\"x\",\"pathregex\":\"y\""),
	    "bots[0].pathregex: unknown key" },
	{ "store", TOP("\"store\":{\"backend\":\"memory\"}"), "store: ignored" },
	{ "openGraph", TOP("\"openGraph\":{}"), "openGraph: ignored" },
	{ "impressum", TOP("\"impressum\":{}"), "impressum: ignored" },
	{ "logging", TOP("\"logging\":{}"), "logging: ignored" },
	{ "metrics", TOP("\"metrics\":{}"), "metrics: ignored" },
	{ "honeypot", TOP("\"honeypot\":{\"ip_log_file\":\"x\"}"),
	    "honeypot.ip_log_file: ignored" },
	{ "dns_ttl", TOP("\"dns_ttl\":{\"froward\":1}"), "dns_ttl.froward: unknown key" },
	{ "geoip without a database", BOT("\"geoip\":{\"countries\":[\"NO\"]}"),
	    "bots[0].geoip: the whole rule is skipped" },
	{ "asns without a database", BOT("\"asns\":{\"match\":[64500]}"),
	    "bots[0].asns: the whole rule is skipped" },
	{ "site of nothing", TOP("\"hosts\":{\"a.example\":{\"inherit\":false}}"),
	    "hosts.a.example: has no rule at all" },
	{ "key of a site", TOP("\"hosts\":{\"a.example\":{\"bot\":[]}}"),
	    "hosts.a.example.bot: unknown key" },
	{ "agent and path", BOT("\"path_regex\":\"a\",\"user_agent_regex\":\"b\""),
	    "not portable: Anubis refuses user_agent_regex and path_regex in one rule" },
	{ "Host", BOT("\"headers_regex\":{\"host\":\"a\"}"), "never matches, as in Anubis" },
	{ "weight without WEIGH", BOT("\"path_regex\":\"x\",\"weight\":{\"adjust\":1}"),
	    "only WEIGH has a weight" },
	{ "challenge without CHALLENGE", BOT("\"path_regex\":\"x\",\"challenge\":{}"),
	    "only CHALLENGE has a challenge" },
	{ "preact", CHALLENGED("{\"algorithm\":\"preact\",\"difficulty\":1}"),
	    "preact is served as a proof of work" },
	{ "more than the slowest can",
	    CHALLENGED("{\"algorithm\":\"pow\",\"hashes\":2000000,\"most_s\":10}"),
	    "is more than the slowest browser does in 10 s: taken as 1000000 hashes" },
	{ "too difficult", CHALLENGED("{\"algorithm\":\"fast\",\"difficulty\":7}"),
	    "taken as 18000000 hashes" },
};

static void
warnings_do_not_stop(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(warnings); i++) {
		struct problems p = { 0 };
		struct policy *policy = policy_load("f", slice_of(warnings[i].in), NULL, &p);

		if (policy == NULL || p.warnings != 1 || p.errors != 0 ||
		    strstr(p.list[0].text, warnings[i].want) == NULL)
			fail_msg("%s: %s", warnings[i].name, p.count > 0 ? p.list[0].text : "");
		policy_free(policy);
		problems_fini(&p);
	}
}

static void
all_errors_in_one_go(void **state)
{
	static const char text[] =
	    "{\"bots\":[{\"name\":\"a\"},\n"
	    "{\"name\":\"b\",\"action\":\"DENY\",\"path_regex\":\"(\"},\n"
	    "{\"action\":\"DENY\",\"remote_addresses\":[\"1.2.3.4\",\"x\"]}],\n"
	    "\"thresholds\":[{}],\"dnsbl\":1}";
	struct problems p = { 0 };

	(void)state;
	assert_null(policy_load("f", slice_of(text), NULL, &p));
	assert_int_equal(p.errors, 10);
	problems_fini(&p);
}

static void
clean_policies_are_silent(void **state)
{
	static const char *const clean[] = {
		TOP("\"dnsbl\":false,\"status_codes\":{\"CHALLENGE\":200,\"DENY\":403}"),
		TOP("\"robots\":false"),
		BOT("\"path_regex\":\"x\",\"close_circuit\":false"),
		"{\"bots\":[{\"name\":\"a\",\"action\":\"DENY\",\"path_regex\":\"x\","
		"\"close_circuit\":true},{\"name\":\"b\",\"action\":\"DRIP\",\"expression\":"
		"\"circuit.effort < 10\",\"close_circuit\":true}],\"thresholds\":[{\"name\":\"t\","
		"\"expression\":\"weight > 5\",\"action\":\"DENY\",\"close_circuit\":true}]}",
		TOP("\"robots\":null"),
		TOP("\"thresholds\":null,\"pass\":null,\"dns\":null,\"dnsbl\":null"),
		TOP("\"dnsbl\":true,\"dns_ttl\":{},\"hosts\":{\"a.test\":{\"dnsbl\":false}}"),
		BOT("\"path_regex\":\"x\",\"verify_dns\":{\"suffixes\":[\".a.test\"]},"
		    "\"unknown\":\"challenge\",\"challenge\":{\"algorithm\":\"fast\","
		    "\"difficulty\":1}"),
		"{\"Bots\":[{\"NAME\":\"a\",\"Action\":\"DENY\",\"PATH_regex\":\"x\",\"geoip\":"
		"null}]}",
		BOT("\"headers_regex\":{\"Accept\":\".*\",\"X-Y\":\"^$\"}"),
		BOT("\"remote_addresses\":[\"192.0.2.0/24\",\"2001:db8::/32\"]"),
		CHALLENGED("{\"algorithm\":\"fast\",\"difficulty\":1,\"report_as\":4}"),
		CHALLENGED("{\"algorithm\":\"pow\",\"hashes\":100000,\"puzzles\":4,\"level\":9}"),
	};

	(void)state;
	for (size_t i = 0; i < COUNT(clean); i++) {
		struct problems p = { 0 };
		struct policy *policy = policy_load("f", slice_of(clean[i]), NULL, &p);

		if (policy == NULL || p.count > 0)
			fail_msg("%s: %s", clean[i], p.count > 0 ? p.list[0].text : "");
		policy_free(policy);
	}
}

static struct policy *
load(const char *text)
{
	struct problems p = { 0 };
	struct policy *policy = policy_load("f", slice_of(text), NULL, &p);

	assert_non_null(policy);
	problems_fini(&p);
	return policy;
}

static void
settings(void **state)
{
	struct policy *p = load(TOP("\"store\":{}"));
	const struct policy_settings *s = policy_settings(p);

	(void)state;
	assert_int_equal(s->status_challenge, 403);
	assert_int_equal(s->status_deny, 403);
	assert_string_equal(s->cookie, "ammit");
	assert_int_equal(s->binding, BINDING_NET);
	assert_int_equal(s->pass_s, 604800);
	assert_int_equal(s->cut_weight, 10);
	assert_int_equal(s->mismatch_weight, 10);
	policy_free(p);
	p = load(TOP("\"status_codes\":{\"CHALLENGE\":401,\"DENY\":429},\"evidence\":{\"cut\":-1,"
		     "\"pass_elsewhere\":3},\"pass\":{\"cookie\":\"x_1\",\"binding\":\"circuit\","
		     "\"expiry_s\":60}"));
	s = policy_settings(p);
	assert_int_equal(s->status_challenge, 401);
	assert_int_equal(s->status_deny, 429);
	assert_string_equal(s->cookie, "x_1");
	assert_int_equal(s->binding, BINDING_CIRCUIT);
	assert_int_equal(s->pass_s, 60);
	assert_int_equal(s->cut_weight, -1);
	assert_int_equal(s->mismatch_weight, 3);
	policy_free(p);
}

static void
robots(void **state)
{
	static char large[POLICY_ROBOTS_BYTES_MAX + 2];
	const struct memory_file files[] = { { "(data)/robots.txt", "ours" }, { "own.txt", "own" },
		{ "empty.txt", "" }, { "large.txt", large }, { NULL, NULL } };
	const struct source source = memory_source(files);
	const struct {
		const char *in, *want; /* NULL: none; "!…": an error */
	} cases[] = {
		{ TOP("\"robots\":true"), "ours" },
		{ TOP("\"robots\":\"own.txt\""), "own" },
		{ TOP("\"robots\":\"empty.txt\""), "" },
		{ TOP("\"robots\":false"), NULL },
		{ TOP("\"shadow\":false"), NULL },
		{ TOP("\"robots\":\"large.txt\""), "!has more than 512000 bytes" },
		{ TOP("\"robots\":\"*\""), "!robots: * cannot be used: several" },
		{ TOP("\"robots\":\"none.txt\""), "!robots: none.txt cannot be used: " },
	};

	(void)state;
	memset(large, '#', sizeof(large) - 1);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct problems problems = { 0 };
		struct policy *p = policy_load("f", slice_of(cases[i].in), &source, &problems);
		const char *want = cases[i].want;

		if (want != NULL && want[0] == '!') {
			assert_null(p);
			if (problems.errors != 1 || strstr(problems.list[0].text, want + 1) == NULL)
				fail_msg("%s: %s", cases[i].in, problems.list[0].text);
		} else {
			struct slice got;

			assert_non_null(p);
			got = policy_settings(p)->robots;
			assert_int_equal(got.ptr == NULL, want == NULL);
			assert_true(want == NULL || slice_equal(got, slice_of(want)));
		}
		policy_free(p);
		problems_fini(&problems);
	}
}

static void
fields_and_headers(void **state)
{
	struct policy *p = load(BOT("\"headers_regex\":{\"X-Api-Key\":\"k\",\"ACCEPT\":\".*\","
				    "\"User-Agent\":\"git\"}"));
	struct policy_size size = policy_size(p);

	(void)state;
	assert_int_equal(policy_field(p, SLICE("method")), REQUEST_METHOD);
	assert_int_equal(policy_field(p, SLICE("pass")), REQUEST_PASS);
	assert_int_equal(policy_field(p, SLICE("ua")), REQUEST_USER_AGENT);
	assert_int_equal(policy_field(p, SLICE("hdr.x-api-key")), REQUEST_HEADER);
	assert_int_equal(policy_field(p, SLICE("hdr.accept")), REQUEST_HEADER + 1);
	assert_int_equal(policy_field(p, SLICE("hdr.user-agent")), REQUEST_FIELD_NONE);
	assert_int_equal(policy_field(p, SLICE("src")), REQUEST_FIELD_NONE);
	assert_int_equal(policy_field(p, SLICE("")), REQUEST_FIELD_NONE);
	assert_true(slice_equal(policy_header(p, 0), SLICE("x-api-key")));
	assert_true(slice_equal(policy_header(p, 1), SLICE("accept")));
	assert_null(policy_header(p, 2).ptr);
	assert_int_equal(size.rules, 1);
	assert_int_equal(size.patterns, 2);
	assert_true(size.bytes > 1000);
	policy_free(p);
	policy_free(NULL);
}

static void
only_so_many_headers(void **state)
{
	char text[4096];
	int n = snprintf(text, sizeof(text),
	    "{\"bots\":[{\"name\":\"a\",\"action\":\"DENY\","
	    "\"headers_regex\":{");
	struct problems p = { 0 };

	(void)state;
	for (int i = 0; i <= REQUEST_HEADERS_MAX; i++)
		n += snprintf(
		    text + n, sizeof(text) - (size_t)n, "%s\"X-%d\":\"x\"", i > 0 ? "," : "", i);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "}}]}");
	assert_null(policy_load("f", (struct slice){ text, (size_t)n }, NULL, &p));
	assert_int_equal(p.errors, 1);
	assert_non_null(strstr(p.list[0].text, "more than 48 headers"));
	problems_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_say_what_and_where),
		cmocka_unit_test(warnings_do_not_stop),
		cmocka_unit_test(all_errors_in_one_go),
		cmocka_unit_test(clean_policies_are_silent),
		cmocka_unit_test(settings),
		cmocka_unit_test(robots),
		cmocka_unit_test(fields_and_headers),
		cmocka_unit_test(only_so_many_headers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
