#include "policy/expr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "unit/allocations.h"
#include "unit/policy/expr_cases.h"
#include "unit/policy/expr_scope.h"

/* The request that all of expr_cases.h is asked about. */
static void
fill(struct world *w)
{
	world_set(w, REQUEST_METHOD, "GET");
	world_set(w, REQUEST_HOST, "git.example.org:8443");
	world_set(w, REQUEST_PATH, "/a/caf\xc3\xa9/b.html");
	world_set(w, REQUEST_QUERY,
	    "q=one+two&q=%33&empty&bad=%zz&semi;colon=1&x=%C3%A9&=nameless&y=%ff&z=1%3D2=3");
	world_set(w, REQUEST_USER_AGENT, "Mozilla/5.0 (X11; Linux x86_64) GPTBot/1.2");
	world_set(w, REQUEST_VERSION, "1.1");
	world_set(w, REQUEST_TLS, "TLSv1.3");
	world_set_header(w, "Accept", "text/html, */*");
	world_set_header(w, "Content-Length", "42");
	world_set_header(w, "X-Number", "17");
	address_parse(SLICE("192.0.2.7"), &w->request.src);
	w->request.number[REQUEST_RATE] = 30;
	w->request.known = 1u << REQUEST_RATE;
	w->load[0] = 1.5;
	w->load[2] = 0.25;
	w->asn = 64500;
	w->country = "DE";
}

static void
evaluate(enum expr_place place, const char *text, int64_t weight, enum expr_result want)
{
	struct world w;
	struct expr_error error;
	struct expr *e;
	const char *why = "";
	enum expr_result got;

	world_init(&w, place);
	e = world_compile(&w, text, &error);
	if (e == NULL)
		fail_msg("%s: %s at %zu", text, error.why, error.offset);
	fill(&w);
	w.weight = weight;
	got = world_eval(&w, e, &why);
	if (got != want)
		fail_msg("%s: %d (%s)", text, (int)got, why);
	if (got == EXPR_TRUE && !world_keyed(&w, e))
		fail_msg("%s: true without a key", text);
	assert_true((got == EXPR_FAILED) == (why[0] != '\0'));
	world_fini(&w);
}

static void
rules_evaluate(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rule_cases); i++)
		evaluate(EXPR_RULE, rule_cases[i].in, 0, rule_cases[i].want);
}

static void
thresholds_evaluate(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(threshold_cases); i++)
		evaluate(EXPR_THRESHOLD, threshold_cases[i].in, threshold_cases[i].weight,
		    threshold_cases[i].want);
}

static void
wrong_ones_are_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken_cases); i++) {
		struct world w;
		struct expr_error error;

		world_init(&w, broken_cases[i].place);
		assert_null(world_compile(&w, broken_cases[i].in, &error));
		if (error.offset != broken_cases[i].offset ||
		    strstr(error.why, broken_cases[i].why) == NULL)
			fail_msg("%s: %s at %zu", broken_cases[i].in, error.why, error.offset);
		world_fini(&w);
	}
}

static const struct {
	const char *in, *why;
} failures[] = {
	{ "headers[\"X-None\"] == \"\"", "no such key" },
	{ "query[\"none\"] == \"\"", "no such key" },
	{ "segments(path)[9] == \"\"", "no such element" },
	{ "rate / (rate - 30) == 0", "division by zero" },
	{ "rate + 9223372036854775807 > 0", "the number does not fit" },
	{ "pass.rate > 0", "not known of this request" },
	{ "int(host) > 0", "the string is no such number" },
	{ "userAgent.matches(\"^(.+)+[#~]$\")", "match limit" },
	{ "verifyFCrDNS(remoteAddress)", "nothing is asked about this client" },
	{ "verifyFCrDNS(remoteAddress, \"x\")", "nothing is asked about this client" },
	{ "reverseDNS(\"x\") == []", "nothing is asked about this client" },
	{ "lookupHost(\"x\") == []", "nothing is asked about this client" },
	{ "dnsbl(\"x.example\")", "nothing is asked about this client" },
	{ "segments(userAgent).size() > 0", "the path does not begin with /" },
	{ "arpaReverseIP(host) == \"\"", "the string is no IP address" },
	{ "randInt(rate - 30) == 0", "randInt() needs a number above 0" },
	{ "userAgent.charAt(1000) == \"\"", "the place is not in the string" },
	{ "{host: 1, host: 2}.size() == 2", "a key stands twice in a map" },
	{ "[1,2,3,4,5,6,7,8,9,10,11,12].all(a, [1,2,3,4,5,6,7,8,9,10,11,12].all(b, "
	  "[1,2,3,4,5,6,7,8,9,10,11,12].all(c, [1,2,3,4,5,6,7,8,9,10,11,12].all(d, a+b+c+d>0))))",
	    "too much for one expression" },
	{ "userAgent.replace(\"\", userAgent).replace(\"\", userAgent).replace(\"\", userAgent) "
	  "== \"\"",
	    "too much for one expression" },
};

static void
failures_have_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(failures); i++) {
		struct world w;
		struct expr_error error;
		struct expr *e;
		const char *why = "";

		world_init(&w, EXPR_RULE);
		e = world_compile(&w, failures[i].in, &error);
		if (e == NULL)
			fail_msg("%s: %s", failures[i].in, error.why);
		fill(&w);
		if (world_eval(&w, e, &why) != EXPR_FAILED || strcmp(why, failures[i].why) != 0)
			fail_msg("%s: %s", failures[i].in, why);
		assert_int_equal(world_eval(&w, e, NULL), EXPR_FAILED);
		world_fini(&w);
	}
}

/* Of true, false and an error: every pair under && and ||, folded and not. */
static void
errors_are_absorbed(void **state)
{
	static const char *const known[] = { "false", "true", "1 / 0 == 1" };
	static const char *const asked[] = { "rate == 1", "rate == 30", "1 / (rate - 30) == 1" };
	const enum expr_result and[3][3] = { { F, F, F }, { F, T, E }, { F, E, E } };
	const enum expr_result or [3][3] = { { F, T, E }, { T, T, T }, { E, T, E } };

	(void)state;
	for (unsigned i = 0; i < 36; i++) {
		const unsigned a = i % 3, b = i / 3 % 3;
		const char *sign = i % 2 == 0 ? "&&" : "||";
		enum expr_result want = (i % 2 == 0 ? and : or)[a][b];
		char text[96];

		snprintf(text, sizeof(text), "%s %s %s", asked[a], sign, asked[b]);
		evaluate(EXPR_RULE, text, 0, want);
		snprintf(text, sizeof(text), "[%u, 7].%s(x, x == 7 ? %s : %s)", i,
		    i % 2 == 0 ? "all" : "exists", asked[a], asked[b]);
		evaluate(EXPR_RULE, text, 0, want);
		snprintf(text, sizeof(text), "%s %s %s", known[a], sign, asked[b]);
		evaluate(EXPR_RULE, text, 0, want);
		snprintf(text, sizeof(text), "%s %s %s", asked[a], sign, known[b]);
		evaluate(EXPR_RULE, text, 0, want);
	}
}

static const struct {
	const char *in, *want; /* NULL: no warning */
} warnings[] = {
	{ "\"Accept\" in headers", NULL },
	{ "\"user-agent\" in headers", "write \"User-Agent\"" },
	{ "headers[\"sec-CH-ua\"] == \"x\" || rate > 1", "write \"Sec-Ch-Ua\"" },
	{ "missingHeader(headers, \"Host\")", "use the variable host" },
	{ "has(headers.accept)", "write \"Accept\"" },
	{ "\"no name\" in headers", "no name of a header" },
	{ "headers.exists(h, h == \"X\")", "the policy reads elsewhere" },
	{ "headers.size() > 3", "the policy reads elsewhere" },
	{ "headers[method] == \"x\"", "without a constant name" },
	{ "[\"Accept\", \"Dnt\"].all(h, h in headers)", NULL },
	{ "[\"Accept\", \"dnt\"].all(h, h in headers)", "write \"Dnt\"" },
	{ "verifyFCrDNS(remoteAddress, \"x$\")", NULL },
	{ "verifyFCrDNS(remoteAddress, \"(?=x)\")", "not portable" },
	{ "dnsbl(\"zone.example\") || rate > 1", NULL },
	{ "1 / 0 == 1 || rate > 1", "at offset 2 it always fails: division by zero" },
	{ "userAgent.matches(\"(?=x)\")", "not portable" },
	{ "rate > 1", NULL },
};

static void
warnings_name_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(warnings); i++) {
		struct world w;
		struct expr_error error;
		struct expr *e;
		const char *said;

		world_init(&w, EXPR_RULE);
		e = world_compile(&w, warnings[i].in, &error);
		if (e == NULL)
			fail_msg("%s: %s", warnings[i].in, error.why);
		said = expr_warning(e);
		if ((said == NULL) != (warnings[i].want == NULL) ||
		    (said != NULL && strstr(said, warnings[i].want) == NULL))
			fail_msg("%s: %s", warnings[i].in, said == NULL ? "nothing" : said);
		world_fini(&w);
	}
}

static const struct {
	const char *in;
	unsigned keys;
	const char *first; /* the pattern of the first one */
} keyed[] = {
	{ "userAgent.contains(\"GPTBot\")", 1, "GPTBot" },
	{ "userAgent.contains(\"a.b\")", 1, "a\\.b" },
	{ "userAgent.contains(\"ab\")", 0, NULL },
	{ "!userAgent.contains(\"GPTBot\")", 0, NULL },
	{ "path.startsWith(\"/api/\")", 1, "/api/" },
	{ "path.endsWith(\".atom\")", 1, "\\.atom" },
	{ "method == \"POST\"", 1, "POST" },
	{ "\"POST\" == method", 1, "POST" },
	{ "method != \"POST\"", 0, NULL },
	{ "method in [\"POST\", \"PUT\"]", 2, "POST" },
	{ "method in [\"POST\", \"X\"]", 0, NULL },
	{ "userAgent.matches(\"GPT|CC\")", 1, "GPT|CC" },
	{ "headers[\"Accept\"] == \"*/*\"", 1, "\\*/\\*" },
	{ "\"Accept\" in headers", 0, NULL },
	{ "userAgent.lowerAscii().contains(\"bot\")", 1, "(?i)bot" },
	{ "rate > 3 && userAgent.contains(\"bot\")", 1, "bot" },
	{ "userAgent.contains(\"bot\") && path.contains(\"/blame/\")", 1, "/blame/" },
	{ "userAgent.matches(\"bot\") && path.contains(\"/x/\")", 1, "/x/" },
	{ "method in [\"POST\", \"PUT\"] && path.contains(\"/x/\")", 1, "/x/" },
	{ "userAgent.contains(\"bot\") || path.contains(\"/blame/\")", 2, "bot" },
	{ "userAgent.contains(\"bot\") || userAgent.contains(\"bot\")", 1, "bot" },
	{ "userAgent.contains(\"bot\") || rate > 3", 0, NULL },
	{ "rate > 3 ? userAgent.contains(\"bot\") : path.contains(\"/x/\")", 2, "bot" },
	{ "rate > 3 ? userAgent.contains(\"bot\") : false", 1, "bot" },
	{ "[\"one\", \"two\"].exists(x, userAgent.contains(x))", 2, "one" },
	{ "[\"one\", \"two\"].all(x, userAgent.contains(x))", 0, NULL },
	{ "[\"one\", \"tw\"].exists(x, userAgent.contains(x))", 0, NULL },
	{ "host.contains(userAgent)", 0, NULL },
	{ "rate > 3", 0, NULL },
};

static void
keys_are_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(keyed); i++) {
		struct world w;
		struct expr_error error;
		const struct expr_key *key;
		struct expr *e;
		unsigned count;

		world_init(&w, EXPR_RULE);
		e = world_compile(&w, keyed[i].in, &error);
		if (e == NULL)
			fail_msg("%s: %s", keyed[i].in, error.why);
		count = expr_keys(e, &key);
		if (count != keyed[i].keys)
			fail_msg("%s: %u keys", keyed[i].in, count);
		if (count > 0 &&
		    !slice_equal(w.pattern[key[0].pattern].source, slice_of(keyed[i].first)))
			fail_msg("%s: %s", keyed[i].in, w.pattern[key[0].pattern].source.ptr);
		/* Nothing is registered that nobody uses. */
		if (strstr(keyed[i].in, "matches") == NULL)
			assert_int_equal(w.patterns, count);
		world_fini(&w);
	}
}

static unsigned
pick(uint64_t *seed, unsigned n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(*seed >> 33) % n;
}

static const char *const words[] = { "bot", "BOT", "Mozilla", "/api/", "a.b", "x", "Bo",
	"caf\xc3\xa9" };

/* A random expression over words. */
static void
grow(struct text *t, uint64_t *seed, unsigned depth)
{
	static const char *const fields[] = { "userAgent", "path", "headers[\"Accept\"]",
		"userAgent.lowerAscii()", "path.upperAscii()" };
	const char *field = fields[pick(seed, COUNT(fields))];
	const char *word = words[pick(seed, COUNT(words))];

	if (depth > 0 && pick(seed, 3) > 0) {
		static const char *const signs[] = { " && ", " && ", " || ", " || ", " ? " };
		const unsigned sign = pick(seed, COUNT(signs));

		text_put(t, slice_of(pick(seed, 5) == 0 ? "!(" : "("));
		grow(t, seed, depth - 1);
		text_put(t, slice_of(signs[sign]));
		if (sign == 4) {
			grow(t, seed, depth - 1);
			text_put(t, SLICE(" : "));
		}
		grow(t, seed, depth - 1);
		text_byte(t, ')');
		return;
	}
	switch (pick(seed, 8)) {
	case 0:
		text_printf(t, "%s.contains(\"%s\")", field, word);
		break;
	case 1:
		text_printf(t, "%s.startsWith(\"%s\")", field, word);
		break;
	case 2:
		text_printf(t, "%s.endsWith(\"%s\")", field, word);
		break;
	case 3:
		text_printf(t, "\"%s\" == %s", word, field);
		break;
	case 4:
		text_printf(t, "%s in [\"%s\", \"bot\"]", field, word);
		break;
	case 5:
		text_printf(t, "[\"%s\", \"Mozilla\"].exists(w, %s.contains(w))", word, field);
		break;
	case 6:
		text_printf(t, "%s.matches(\"%s\")", field, word);
		break;
	default:
		text_printf(t, "%s != \"%s\"", field, word);
	}
}

static void
what_is_true_has_a_key(void **state)
{
	uint64_t seed = 7;
	unsigned trues = 0, with_keys = 0;

	(void)state;
	for (unsigned i = 0; i < 400; i++) {
		char buf[EXPR_BYTES_MAX];
		struct text t = { buf, sizeof(buf) - 1, 0, false };
		struct expr_error error;
		const struct expr_key *key;
		struct expr *e;
		struct world w;

		world_init(&w, EXPR_RULE);
		grow(&t, &seed, 3);
		buf[t.len] = '\0';
		e = world_compile(&w, buf, &error);
		if (e == NULL)
			fail_msg("%s: %s", buf, error.why);
		with_keys += expr_keys(e, &key) > 0;
		for (unsigned k = 0; k < 60; k++) {
			char value[3][64];

			for (unsigned f = 0; f < 3; f++) {
				struct text v = { value[f], 63, 0, false };

				for (unsigned n = pick(&seed, 4); n > 0; n--)
					text_put(&v, slice_of(words[pick(&seed, COUNT(words))]));
				value[f][v.len] = '\0';
			}
			world_set(&w, REQUEST_USER_AGENT, value[0]);
			world_set(&w, REQUEST_PATH, value[1]);
			world_set_header(&w, "Accept", value[2]);
			if (world_eval(&w, e, NULL) != EXPR_TRUE)
				continue;
			trues++;
			if (!world_keyed(&w, e))
				fail_msg("%s: true for %s, %s, %s without a key", buf, value[0],
				    value[1], value[2]);
		}
		world_fini(&w);
	}
	/* Else this showed nothing. */
	assert_true(trues > 2000 && with_keys > 50);
}

static void
lists_are_joined(void **state)
{
	const struct slice text[] = { SLICE("rate > 10"), SLICE("method == \"PUT\" || false"),
		SLICE("1 +") };
	struct world w;
	struct expr_error error;
	struct expr *e;

	(void)state;
	world_init(&w, EXPR_RULE);
	e = expr_compile(w.arena, &w.scope, text, 2, false, &error);
	fill(&w);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_FALSE);
	e = expr_compile(w.arena, &w.scope, text, 2, true, &error);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	assert_null(expr_compile(w.arena, &w.scope, text, 3, true, &error));
	assert_int_equal(error.item, 2);
	assert_int_equal(error.offset, 3);
	assert_null(expr_compile(w.arena, &w.scope, text, 0, true, &error));
	assert_int_not_equal(error.why[0], 0);
	world_fini(&w);
}

static void
places_know_what_they_are(void **state)
{
	struct world w;
	struct expr_error error;
	struct expr *e;

	(void)state;
	world_init(&w, EXPR_RULE);
	e = world_compile(&w,
	    "onion && circuit == 0x01020304 && remoteAddress == \"\" && circuit == circuit",
	    &error);
	address_parse(SLICE("fc00:dead:beef:4dad::102:304"), &w.request.src);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	e = world_compile(&w, "circuit.effort == 731 && circuit == 0x01020304", &error);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_FALSE);
	request_set_number(&w.request, REQUEST_EFFORT, 731);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	assert_null(world_compile(&w, "circuit.efort > 0", &error));
	assert_string_equal(
	    error.why, "'circuit.efort' is not known: did you mean circuit.effort?");
	address_parse(SLICE("2001:db8::102:304"), &w.request.src);
	e = world_compile(
	    &w, "!onion && circuit == 0 && remoteAddress == \"2001:db8::102:304\"", &error);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	/* Asked for once, however often it is used; and only if it is. */
	e = world_compile(&w,
	    "rate < 0 || country == \"\" && country == country && asn == 0 && asn == asn", &error);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	assert_int_equal(w.asked, 2);
	e = world_compile(&w, "onion && asn == 0", &error);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_FALSE);
	assert_int_equal(w.asked, 2);
	world_fini(&w);
}

static void
fields_are_told(void **state)
{
	static const struct {
		const char *in;
		uint64_t want;
	} cases[] = {
		{ "rate > 1", 0 },
		{ "userAgent == path", 1u << REQUEST_USER_AGENT | 1u << REQUEST_PATH },
		{ "\"x\" in query", 1u << REQUEST_QUERY },
		{ "\"Accept\" in headers", 1u << REQUEST_HEADER },
		{ "headers[\"User-Agent\"] == \"\"", 1u << REQUEST_USER_AGENT },
		{ "contentLength > 1", 1u << REQUEST_HEADER },
		{ "tls.ja4 == http.version", 1u << REQUEST_JA4 | 1u << REQUEST_VERSION },
		{ "headers.exists(h, h == host)",
		    UINT64_MAX << REQUEST_HEADER | 1u << REQUEST_HOST | 1u << REQUEST_USER_AGENT },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct world w;
		struct expr_error error;
		struct expr *e;

		world_init(&w, EXPR_RULE);
		e = world_compile(&w, cases[i].in, &error);
		if (e == NULL || expr_fields(e) != cases[i].want)
			fail_msg("%s: %s", cases[i].in, error.why);
		world_fini(&w);
	}
}

static void
depth_and_length_are_limited(void **state)
{
	static const char *const piece[] = { "(", "!", "[", "-", "{1:", "true?", "a[", "size(",
		"true?true:", "1+", "\"\"+", "a.b", "[1].all(x,", "\"\".trim()" };
	static char text[EXPR_BYTES_MAX + 1];
	struct expr_error error;
	struct world w;

	(void)state;
	world_init(&w, EXPR_RULE);
	for (size_t i = 0; i < COUNT(piece); i++) {
		size_t n = strlen(piece[i]);

		for (size_t at = 0; at < sizeof(text); at++)
			text[at] = piece[i][at % n];
		for (size_t len = EXPR_BYTES_MAX - n; len <= sizeof(text); len++) {
			struct slice s = { text, len };

			assert_null(expr_compile(w.arena, &w.scope, &s, 1, false, &error));
			assert_int_not_equal(error.why[0], 0);
		}
	}
	memset(text, '(', 99);
	memcpy(text + 99, "true", 4);
	memset(text + 103, ')', 99);
	text[202] = '\0';
	assert_non_null(world_compile(&w, text, &error));
	/* Many operands are no depth. */
	text[0] = '\0';
	while (strlen(text) < 4000)
		memcpy(text + strlen(text), "onion || ", 10);
	memcpy(text + strlen(text), "onion", 6);
	assert_non_null(world_compile(&w, text, &error));
	assert_int_equal(world_eval(&w, world_compile(&w, text, &error), NULL), EXPR_FALSE);
	world_fini(&w);
}

static void
a_query_of_any_shape_is_read(void **state)
{
	static char text[1025];
	struct expr_error error;
	struct expr *e;
	struct world w;

	(void)state;
	world_init(&w, EXPR_RULE);
	e = world_compile(&w,
	    "query.size() >= 0 && !query.exists(k, k == \"none\") && segments(path).size() > 0 && "
	    "(query.size() == 0 || !(\"zzz\" in query))",
	    &error);
	world_set(&w, REQUEST_PATH, "/x");
	for (unsigned shape = 0; shape < 5; shape++) {
		static const char *const piece[] = { "&", "a&", "=", "%ff&%fe=%fd&", "%zz&;&+&" };

		for (size_t at = 0; at < 1024; at++)
			text[at] = piece[shape][at % strlen(piece[shape])];
		world_set(&w, REQUEST_QUERY, text);
		assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	}
	/* 512 names, all different. */
	for (unsigned i = 0; i < 341; i++) {
		text[3 * i] = (char)('a' + i % 26);
		text[3 * i + 1] = (char)('a' + i / 26);
		text[3 * i + 2] = '&';
	}
	text[1023] = '\0';
	world_set(&w, REQUEST_QUERY, text);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	assert_int_equal(
	    world_eval(&w, world_compile(&w, "query.size() == 341", &error), NULL), EXPR_TRUE);
	world_fini(&w);
}

static void
nothing_is_allocated(void **state)
{
	struct world w;
	struct expr_error error;
	struct expr *e;
	unsigned before;

	(void)state;
	world_init(&w, EXPR_RULE);
	e = world_compile(&w,
	    "userAgent.contains(\"GPTBot\") && query[\"q\"].split(\" \").size() == 2 && "
	    "userAgent.matches(\"GPTBot\") && segments(path).exists(s, s.matches(\"html$\")) && "
	    "headers.exists(h, headers[h].size() > 3) && string(load_1m) == \"1.5\" && "
	    "remoteAddress.startsWith(\"192.\") && country + \"x\" == \"DEx\"",
	    &error);
	assert_non_null(e);
	fill(&w);
	before = allocations;
	assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	assert_int_equal(world_eval(&w, e, NULL), EXPR_TRUE);
	assert_int_equal(allocations, before);
	world_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_evaluate),
		cmocka_unit_test(thresholds_evaluate),
		cmocka_unit_test(wrong_ones_are_refused),
		cmocka_unit_test(failures_have_words),
		cmocka_unit_test(errors_are_absorbed),
		cmocka_unit_test(warnings_name_it),
		cmocka_unit_test(keys_are_found),
		cmocka_unit_test(what_is_true_has_a_key),
		cmocka_unit_test(lists_are_joined),
		cmocka_unit_test(places_know_what_they_are),
		cmocka_unit_test(fields_are_told),
		cmocka_unit_test(depth_and_length_are_limited),
		cmocka_unit_test(a_query_of_any_shape_is_read),
		cmocka_unit_test(nothing_is_allocated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
