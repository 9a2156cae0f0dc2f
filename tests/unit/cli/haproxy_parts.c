#include "cli/haproxy_parts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "policy/ask.h"

static char room[HAPROXY_ROOM(65536)];

static struct policy *
load(const char *json)
{
	struct problems problems = { 0 };
	struct policy *p = policy_load("f", slice_of(json), NULL, &problems);

	assert_non_null(p);
	problems_fini(&problems);
	return p;
}

static const char *
written(const char *text, const char *policy, struct haproxy_style style)
{
	struct text out = { .buf = room, .cap = sizeof(room) - 1 };
	struct policy *p = load(policy);

	haproxy_write(slice_of(text), p, style, &out);
	assert_false(out.cut);
	room[out.len] = '\0';
	policy_free(p);
	return room;
}

#define RULE(matchers) "{\"bots\":[{\"name\":\"r\",\"action\":\"DENY\"," matchers "}]}"
#define NOTHING RULE("\"user_agent_regex\":\"abc\"")
#define VERSIONS                                                                                   \
	"a\n.if version_atleast(3.1-dev0)\n new\n.if defined(X)\n x\n.else\n y\n.endif\n.else\n "  \
	"old\n.endif\nb\n"
#define MESSAGE(args) "spoe-message weigh\n    # Why.\n" args "\nspoe-group weigh\n"

static const struct {
	const char *name, *text, *policy;
	struct haproxy_style style;
	const char *want; /* NULL: as it was */
} cases[] = {
	{ "any version", VERSIONS, NOTHING, { 0, 0 }, NULL },
	{ "old", VERSIONS, NOTHING, { 3, 0 }, "a\n old\nb\n" },
	{ "new", VERSIONS, NOTHING, { 3, 2 },
	    "a\n new\n.if defined(X)\n x\n.else\n y\n.endif\nb\n" },
	{ "cookie", " req.cook(ammit),field(3,.) cook(ammit)\n",
	    "{\"bots\":[{\"name\":\"r\",\"action\":\"DENY\",\"path_regex\":\"abc\"}],\"pass\":{"
	    "\"cookie\":\"my-pass\"}}",
	    { 0, 0 }, " req.cook(my-pass),field(3,.) cook(my-pass)\n" },
	{ "header that nobody reads", MESSAGE("    args src=src\n    args hdr.a=req.fhdr(a)\n"),
	    NOTHING, { 0, 0 }, MESSAGE("    args src=src\n") },
	{ "header that is missing", MESSAGE("    args src=src\n"),
	    RULE("\"headers_regex\":{\"X-Key\":\"abc\"}"), { 0, 0 },
	    MESSAGE("    args src=src\n    args hdr.x-key=req.fhdr(x-key),bytes(0,257)\n") },
	{ "headers, one of them there", MESSAGE("    args hdr.x-b=req.fhdr(x-b),bytes(0,257)\n"),
	    RULE("\"headers_regex\":{\"X-A\":\"abc\",\"X-B\":\"abc\"}"), { 0, 0 },
	    MESSAGE("    args hdr.x-b=req.fhdr(x-b),bytes(0,257)\n"
		    "    args hdr.x-a=req.fhdr(x-a),bytes(0,257)\n") },
	{ "what a visitor is remembered by",
	    "    capture request header host len 256\n    capture request header x-a len 257\n"
	    "    capture request header x-b len 257\n    acl a b\n",
	    RULE("\"headers_regex\":{\"X-B\":\"abc\",\"X-C\":\"abc\"}"), { 0, 0 },
	    "    capture request header host len 256\n    capture request header x-b len 257\n"
	    "    capture request header x-c len 257\n    acl a b\n" },
	{ "and at the end", "    capture request header user-agent len 513\n",
	    RULE("\"headers_regex\":{\"X-C\":\"abc\"}"), { 0, 0 },
	    "    capture request header user-agent len 513\n"
	    "    capture request header x-c len 257\n" },
	{ "JA4, which nobody is remembered by", "    presetenv AMMIT_FAST_FOR \"0123\"\n",
	    RULE("\"expression\":\"tls.ja4 == 'x'\""), { 0, 0 }, NULL },
	{ "numbers that are wrong", MESSAGE("    args path=path,bytes(0,9)\n"), NOTHING, { 0, 0 },
	    MESSAGE("    args path=path,bytes(0,1025)\n") },
	{ "tls and rate that nobody reads",
	    MESSAGE("    args tls.version=ssl_fc_protocol,bytes(0,17)\n.if defined(AMMIT_RATES)\n"
		    "    # Why.\n    args rate=sc_http_req_rate(0)\n.endif\n"),
	    NOTHING, { 0, 0 }, MESSAGE("") },
	{ "tls and rate that are read",
	    MESSAGE("    args tls.version=ssl_fc_protocol,bytes(0,17)\n.if defined(AMMIT_RATES)\n"
		    "    args rate=sc_http_req_rate(0)\n    args pass.rate=sc_http_req_rate(1)\n"
		    ".endif\n"),
	    RULE("\"expression\":\"tls.version == '' && rate > 20\""), { 0, 0 },
	    MESSAGE("    args tls.version=ssl_fc_protocol,bytes(0,17)\n.if defined(AMMIT_RATES)\n"
		    "    args rate=sc_http_req_rate(0)\n.endif\n") },
	{ "a switch that is needed", "    #presetenv AMMIT_RATES      \"1\" # why\n",
	    RULE("\"expression\":\"rate > 20\""), { 0, 0 },
	    "    presetenv AMMIT_RATES      \"1\" # why\n" },
	{ "a switch that is not", "    #presetenv AMMIT_RATES      \"1\"\n", NOTHING, { 0, 0 },
	    NULL },
	{ "the rate", "    presetenv AMMIT_FAST_RATE \"50\"\n",
	    RULE("\"expression\":\"rate > 20\""), { 0, 0 },
	    "    presetenv AMMIT_FAST_RATE \"20\"\n" },
	{ "a number of a switch that the operator turns on",
	    "    #presetenv AMMIT_FAST_LEVEL \"9\"\n", NOTHING, { 0, 0 },
	    "    #presetenv AMMIT_FAST_LEVEL \"16\"\n" },
	{ "robots", "    #presetenv AMMIT_ROBOTS \"1\"\n", NOTHING, { 0, 0 }, NULL },
	{ "another variable",
	    "    #presetenv AMMIT_FAST_FORM \"1\"\n    presetenv AMMIT_FAST_FOR 1\n", NOTHING,
	    { 0, 0 }, NULL },
	{ "no end of line", "abc", NOTHING, { 0, 0 }, "abc\n" },
	{ "too many ends", ".endif\n.else\n", NOTHING, { 3, 0 }, NULL },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *got = written(cases[i].text, cases[i].policy, cases[i].style);
		const char *want = cases[i].want != NULL ? cases[i].want : cases[i].text;

		if (strcmp(got, want) != 0)
			fail_msg("%s:\n%s\nwanted:\n%s", cases[i].name, got, want);
	}
}

static void
test_fingerprint(void **state)
{
	static const char text[] = "    #presetenv AMMIT_FAST_FOR  \"\"\n";
	struct policy *p = load(NOTHING);
	char want[64];

	(void)state;
	snprintf(want, sizeof(want), "    presetenv AMMIT_FAST_FOR  \"%s\"\n",
	    policy_ask(p)->fingerprint);
	assert_string_equal(written(text, NOTHING, (struct haproxy_style){ 0, 0 }), want);
	policy_free(p);
}

/* A policy that reads all that the shipped file sends gets it as it is: so its numbers are ours. */
static void
test_shipped_file_has_our_numbers(void **state)
{
	struct slice text = haproxy_file("ammit.spoe.conf"), rest, line;
	static char copy[65536], policy[16384];
	struct text json = { .buf = policy, .cap = sizeof(policy) - 1 };

	(void)state;
	assert_true(text.len > 1000 && text.len < sizeof(copy));
	memcpy(copy, text.ptr, text.len);
	text_put(&json, SLICE("{\"bots\":[{\"name\":\"r\",\"action\":\"DENY\",\"expression\":"
			      "\"tls.version + tls.ja3 + tls.ja4 == '' || rate + pass.rate > 5\","
			      "\"headers_regex\":{"));
	for (rest = text; rest.len > 0;) {
		static const char *before = "";
		struct slice value, name;

		line = slice_trim(slice_split(rest, '\n', &rest));
		name = slice_split(line, '=', &value);
		if (!slice_starts(name, SLICE("args hdr.")))
			continue;
		text_printf(&json, "%s\"%.*s\":\".*\"", before, (int)name.len - 9, name.ptr + 9);
		before = ",";
	}
	text_put(&json, SLICE("}}]}"));
	assert_false(json.cut);
	assert_string_equal(written(copy, policy, (struct haproxy_style){ 0, 0 }), copy);
}

static void
test_versions(void **state)
{
	static const struct {
		const char *text;
		unsigned major, minor; /* 0: none */
	} rows[] = { { "2.6", 2, 6 }, { "2.8", 2, 8 }, { "3.0", 3, 0 }, { "3.2", 3, 2 },
		{ "3.1", 0, 0 }, { "", 0, 0 }, { "6 2", 0, 0 }, { "2.6 2.8", 0, 0 },
		{ "v3.2", 0, 0 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct haproxy_style s = { 0, 0 };

		assert_int_equal(haproxy_style_parse(rows[i].text, &s), rows[i].major > 0);
		assert_int_equal(s.major, rows[i].major);
		assert_int_equal(s.minor, rows[i].minor);
	}
	assert_null(haproxy_file("demo-site.cfg").ptr);
	assert_null(haproxy_file("").ptr);
	assert_non_null(haproxy_file("edge.cfg").ptr);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_fingerprint),
		cmocka_unit_test(test_shipped_file_has_our_numbers),
		cmocka_unit_test(test_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
