#include "policy/verdict.h"

#include <dlfcn.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "unit/allocations.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const char policy_text[] =
    "{\"bots\":["
    "{\"name\":\"net\",\"action\":\"DENY\",\"remote_addresses\":[\"192.0.2.0/24\",\"2001:db8::/"
    "32\"]},"
    "{\"name\":\"inner\",\"action\":\"ALLOW\",\"remote_addresses\":[\"192.0.0.0/16\"],"
    "\"user_agent_regex\":\"InnerBot\"},"
    "{\"name\":\"onion\",\"action\":\"DENY\",\"remote_addresses\":[\"fc00::/8\"]},"
    "{\"name\":\"health\",\"action\":\"ALLOW\",\"path_regex\":\"^/health$\"},"
    "{\"name\":\"both\",\"action\":\"DENY\",\"headers_regex\":{\"User-Agent\":\"Evil\","
    "\"Accept\":\"^text/html$\",\"X-Key\":\".*\"}},"
    "{\"name\":\"missing\",\"action\":\"WEIGH\",\"weight\":{\"adjust\":3},\"headers_regex\":{"
    "\"Accept-Language\":\"^$\"}},"
    "{\"name\":\"five\",\"action\":\"WEIGH\",\"user_agent_regex\":\"Curious\"},"
    "{\"name\":\"none\",\"action\":\"WEIGH\",\"weight\":{},\"user_agent_regex\":\"Curious\"},"
    "{\"name\":\"good\",\"action\":\"WEIGH\",\"weight\":{\"adjust\":-20},\"user_agent_regex\":"
    "\"Good\"},"
    "{\"name\":\"huge\",\"action\":\"WEIGH\",\"weight\":{\"adjust\":2147483647},"
    "\"user_agent_regex\":\"Huge\"},"
    "{\"name\":\"tiny\",\"action\":\"WEIGH\",\"weight\":{\"adjust\":-2147483648},"
    "\"path_regex\":\"^/tiny\"},"
    "{\"name\":\"asked\",\"action\":\"CHALLENGE\",\"user_agent_regex\":\"Asked\"},"
    "{\"name\":\"hard\",\"action\":\"CHALLENGE\",\"user_agent_regex\":\"Hard\",\"challenge\":{"
    "\"algorithm\":\"pow\",\"hashes\":3,\"puzzles\":8,\"level\":40}},"
    "{\"name\":\"host\",\"action\":\"DENY\",\"headers_regex\":{\"Host\":\".*\"}},"
    "{\"name\":\"host-net\",\"action\":\"DENY\",\"headers_regex\":{\"Host\":\".*\"},"
    "\"remote_addresses\":[\"203.0.113.9/32\"]},"
    "{\"name\":\"backtrack\",\"action\":\"DENY\",\"path_regex\":\"^/(a+)+$\"},"
    "{\"name\":\"admin\",\"action\":\"DENY\",\"path_regex\":\"^/admin secret\"},"
    "{\"name\":\"replaced\",\"action\":\"DENY\",\"user_agent_regex\":\"bad.*bot\"},"
    "{\"name\":\"eleven\",\"action\":\"WEIGH\",\"weight\":{\"adjust\":11},"
    "\"user_agent_regex\":\"Flood\"},"
    "{\"name\":\"greedy\",\"action\":\"DRIP\",\"user_agent_regex\":\"Greedy\"}],"
    "\"thresholds\":["
    "{\"name\":\"calm\",\"action\":\"ALLOW\",\"expression\":\"weight <= 0\"},"
    "{\"name\":\"fails\",\"action\":\"DENY\",\"expression\":\"100 / (weight - 7) > 1000\"},"
    "{\"name\":\"flood\",\"action\":\"DRIP\",\"expression\":\"weight == 11\"},"
    "{\"name\":\"some\",\"action\":\"CHALLENGE\",\"expression\":\"weight < 50\",\"challenge\":{"
    "\"algorithm\":\"fast\",\"difficulty\":2}},"
    "{\"name\":\"much\",\"action\":\"DENY\",\"expression\":\"weight < 2147483647\"}],"
    "\"evidence\":{\"cut\":7,\"pass_elsewhere\":4}}";

/* Stands before PCRE2's own, and may refuse as a system does that forbids executable memory. */
static bool no_jit;
int pcre2_jit_compile_8(void *code, uint32_t options);

int
pcre2_jit_compile_8(void *code, uint32_t options)
{
	int (*real)(void *, uint32_t) = (int (*)(void *, uint32_t))dlsym(RTLD_NEXT, __func__);

	assert_non_null(real);
	return no_jit ? -48 : real(code, options);
}

static struct policy *policy;
static struct judge *judge;
static int header_key, header_accept, header_language;

static int
set_up(void **state)
{
	struct problems p = { 0 };

	(void)state;
	policy = policy_load("f", SLICE(policy_text), NULL, &p);
	for (size_t i = 0; i < p.count; i++)
		if (!p.list[i].warning)
			print_error("%s\n", p.list[i].text);
	problems_fini(&p);
	if (policy == NULL)
		return -1;
	header_accept = policy_field(policy, SLICE("hdr.accept"));
	header_key = policy_field(policy, SLICE("hdr.x-key"));
	header_language = policy_field(policy, SLICE("hdr.accept-language"));
	judge = judge_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	judge_free(judge);
	judge_free(NULL);
	policy_free(policy);
	return 0;
}

struct visit {
	const char *name, *src, *agent, *path, *accept, *key;
	uint16_t level;
	bool elsewhere;
	const char *want; /* "VERDICT RULE WEIGHT", with " pass" behind it */
};

static struct request
request_of(const struct visit *v)
{
	struct request r = { 0 };

	assert_true(address_parse(slice_of(v->src == NULL ? "203.0.113.5" : v->src), &r.src));
	request_set(&r, REQUEST_USER_AGENT, slice_of(v->agent == NULL ? "" : v->agent));
	request_set(&r, REQUEST_PATH, slice_of(v->path == NULL ? "/" : v->path));
	request_set(&r, (unsigned)header_accept, slice_of(v->accept == NULL ? "" : v->accept));
	request_set(&r, (unsigned)header_key, slice_of(v->key == NULL ? "" : v->key));
	request_set(&r, (unsigned)header_language, SLICE("en"));
	return r;
}

static void
expect(const char *name, const struct request *r, const struct evidence *e, const char *want)
{
	struct verdict v;
	char got[300];

	policy_judge(policy, judge, r, e, &v, NULL);
	snprintf(got, sizeof(got), "%s %.*s %d%s", verdict_names[v.kind], (int)v.rule.len,
	    v.rule.ptr, (int)v.weight, v.by_pass ? " pass" : "");
	if (strcmp(got, want) != 0)
		fail_msg("%s: %s", name, got);
	assert_true((v.challenge != NULL) == (v.kind == VERDICT_CHALLENGE));
}

static const struct visit visits[] = {
	{ "nothing", .want = "allow threshold/calm 0" },
	{ "address", .src = "192.0.2.9", .want = "deny bot/net 0" },
	{ "address 6", .src = "2001:db8::1", .want = "deny bot/net 0" },
	{ "mapped", .src = "::ffff:192.0.2.9", .want = "deny bot/net 0" },
	{ "address and agent", .src = "192.0.3.1", .agent = "InnerBot",
	    .want = "allow bot/inner 0" },
	{ "first wins", .src = "192.0.2.1", .agent = "InnerBot", .want = "deny bot/net 0" },
	{ "agent alone", .agent = "InnerBot", .want = "allow threshold/calm 0" },
	{ "address alone", .src = "192.0.3.1", .want = "allow threshold/calm 0" },
	{ "address and Host, which never matches", .src = "203.0.113.9",
	    .want = "allow threshold/calm 0" },
	{ "near onion", .src = "fc00:dead:beef:4dae::1", .want = "deny bot/onion 0" },
	{ "circuit", .src = "fc00:dead:beef:4dad::1", .want = "allow threshold/calm 0" },
	{ "path", .path = "/health", .want = "allow bot/health 0" },
	{ "end of path", .path = "/health\n", .want = "allow threshold/calm 0" },
	{ "encoded", .path = "/he%61lth", .want = "allow bot/health 0" },
	{ "encoded newline", .path = "/health%0a", .want = "allow threshold/calm 0" },
	{ "encoded NUL", .path = "/health%00", .want = "allow threshold/calm 0" },
	{ "encoded twice", .path = "/he%2561lth", .want = "allow threshold/calm 0" },
	{ "space", .path = "/admin%20secret", .want = "deny bot/admin 0" },
	{ "bad escape", .path = "/health%zz", .want = "allow threshold/calm 0" },
	{ "half an escape", .path = "/health%4", .want = "allow threshold/calm 0" },
	{ "all of AND", .agent = "Evil", .accept = "text/html", .key = "k",
	    .want = "deny bot/both 0" },
	{ "absent header", .agent = "Evil", .accept = "text/html",
	    .want = "allow threshold/calm 0" },
	{ "other header", .agent = "Evil", .accept = "text/htm", .key = "k",
	    .want = "allow threshold/calm 0" },
	{ "other agent", .agent = "evil", .accept = "text/html", .key = "k",
	    .want = "allow threshold/calm 0" },
	{ "five and none", .agent = "Curious", .want = "challenge threshold/some 5" },
	{ "less", .agent = "Curious Good", .want = "allow threshold/calm -15" },
	{ "by rule", .agent = "Asked", .want = "challenge bot/asked 0" },
	{ "weight before it", .agent = "Curious Asked", .want = "challenge bot/asked 5" },
	{ "pass too low", .agent = "Asked", .level = 15, .want = "challenge bot/asked 0" },
	{ "pass enough", .agent = "Asked", .level = 16, .want = "allow bot/asked 0 pass" },
	{ "pass for more", .agent = "Hard", .level = 39, .want = "challenge bot/hard 0" },
	{ "pass for all", .agent = "Hard", .level = 40, .want = "allow bot/hard 0 pass" },
	{ "pass and threshold", .agent = "Curious", .level = 8,
	    .want = "allow threshold/some 5 pass" },
	{ "pass too low, threshold", .agent = "Curious", .level = 7,
	    .want = "challenge threshold/some 5" },
	{ "DENY beats a pass", .src = "192.0.2.9", .level = 65535, .want = "deny bot/net 0" },
	{ "threshold DENY too", .agent = "Huge Good", .level = 65535,
	    .want = "deny threshold/much 2147483627" },
	{ "drip", .agent = "Greedy", .want = "drip bot/greedy 0" },
	{ "weight before it, too", .agent = "Greedy Curious", .want = "drip bot/greedy 5" },
	{ "what comes before DRIP", .agent = "Greedy Asked", .want = "challenge bot/asked 0" },
	{ "DRIP beats a pass", .agent = "Greedy", .level = 65535, .want = "drip bot/greedy 0" },
	{ "threshold DRIP too", .agent = "Flood", .level = 65535,
	    .want = "drip threshold/flood 11" },
	{ "elsewhere", .elsewhere = true, .want = "challenge threshold/some 4" },
	{ "elsewhere, allowed", .path = "/health", .elsewhere = true,
	    .want = "allow bot/health 0" },
	{ "saturates up", .agent = "Huge Curious", .want = "allow default/allow 2147483647" },
	{ "saturates down", .path = "/tiny", .agent = "Good",
	    .want = "allow threshold/calm -2147483648" },
	{ "0xff hides nothing",
	    .agent = "bad\xff"
		     "bot",
	    .want = "deny bot/replaced 0" },
};

static void
verdicts(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(visits); i++) {
		struct request r = request_of(&visits[i]);
		struct evidence e = { .level = visits[i].level,
			.pass_elsewhere = visits[i].elsewhere };

		expect(visits[i].name, &r, &e, visits[i].want);
	}
}

static void
a_missing_header_is_empty(void **state)
{
	struct request r = request_of(&visits[0]);
	struct evidence e = { 0 };

	(void)state;
	request_set(&r, (unsigned)header_language, SLICE(""));
	expect("no language", &r, &e, "challenge threshold/some 3");
}

/* What was cut never lets anybody through, and everything else sees what is left of it. */
static void
cut_values(void **state)
{
	static char agent[600], path[1100], key[300];
	static const struct evidence nobody = { 0 };
	const struct visit inner = { .src = "192.0.3.1", .agent = agent };
	struct request r;

	(void)state;
	memset(agent, 'x', sizeof(agent) - 1);
	memset(path, '/', sizeof(path) - 1);
	memset(key, 'k', sizeof(key) - 1);
	memcpy(agent, "InnerBot", 8);
	r = request_of(&inner);
	expect("ALLOW on a cut agent", &r, &nobody, "challenge threshold/some 7");
	memcpy(agent, "Good Cur", 8);
	r = request_of(&inner);
	expect("negative WEIGH on a cut agent", &r, &nobody, "challenge threshold/some 7");
	memcpy(agent, "Curious ", 8);
	r = request_of(&inner);
	expect("positive WEIGH on a cut agent", &r, &nobody, "challenge threshold/some 12");
	memcpy(agent, "bad bot ", 8);
	r = request_of(&inner);
	expect("DENY on a cut agent", &r, &nobody, "deny bot/replaced 0");
	memcpy(agent, "Asked   ", 8);
	r = request_of(&inner);
	expect("CHALLENGE on a cut agent", &r, &nobody, "challenge bot/asked 0");
	r = request_of(&(struct visit){ .agent = "InnerBot", .src = "192.0.3.1", .path = path });
	expect("ALLOW, another field cut", &r, &nobody, "allow bot/inner 0");
	r = request_of(&(struct visit){ .path = path, .key = key });
	expect("two cuts, one weight", &r, &nobody, "challenge threshold/some 7");
	r = request_of(&(struct visit){ 0 });
	request_set(&r, REQUEST_QUERY, (struct slice){ path, sizeof(path) - 1 });
	expect("a field that nobody reads", &r, &nobody, "allow threshold/calm 0");
	/* Only the beginning is matched. */
	memset(path, 'x', sizeof(path) - 1);
	memcpy(path, "/admin secret", 13);
	r = request_of(&(struct visit){ .path = path });
	expect("DENY on a cut path", &r, &nobody, "deny bot/admin 0");
}

static void
the_trace_has_it_all(void **state)
{
	static char key[300];
	static const struct {
		const char *rule;
		enum action action;
		int32_t weight;
	} want[] = { { "bot/five", ACTION_WEIGH, 5 }, { "bot/none", ACTION_WEIGH, 0 },
		{ "ammit/cut", ACTION_WEIGH, 7 }, { "ammit/pass-elsewhere", ACTION_WEIGH, 4 },
		{ "threshold/some", ACTION_CHALLENGE, 0 } };
	struct evidence e = { .pass_elsewhere = true };
	struct request r;
	struct verdict v;
	struct trace t;

	(void)state;
	memset(key, 'k', sizeof(key) - 1);
	r = request_of(&(struct visit){ .agent = "Curious", .key = key });
	policy_judge(policy, judge, &r, &e, &v, &t);
	assert_int_equal(v.weight, 16);
	assert_int_equal(t.count, COUNT(want));
	assert_int_equal(t.errors, 0);
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_true(slice_equal(t.list[i].rule, slice_of(want[i].rule)));
		assert_int_equal(t.list[i].action, want[i].action);
		assert_int_equal(t.list[i].weight, want[i].weight);
	}
}

static void
what_fails_is_counted_and_does_not_match(void **state)
{
	static char path[1000];
	struct request r;
	struct evidence e = { 0 };
	struct verdict v;
	struct trace t;
	uint64_t before = judge_errors(judge);

	(void)state;
	memset(path, 'a', sizeof(path) - 1);
	memcpy(path, "/", 1);
	path[sizeof(path) - 2] = '!';
	r = request_of(&(struct visit){ .path = path });
	policy_judge(policy, judge, &r, &e, &v, &t);
	assert_int_equal(v.kind, VERDICT_ALLOW);
	assert_int_equal(t.errors, 1);
	assert_true(judge_errors(judge) == before + 1);
	/* weight 7: the second threshold divides by zero. */
	r = request_of(&(struct visit){ .agent = "Curious" });
	r.cut = 0;
	request_set(&r, (unsigned)header_language, SLICE(""));
	policy_judge(policy, judge, &r, &e, &v, &t);
	assert_int_equal(v.weight, 8);
	assert_int_equal(t.errors, 0);
	r.cut = (uint64_t)1 << REQUEST_PATH;
	request_set(&r, REQUEST_USER_AGENT, SLICE(""));
	request_set(&r, (unsigned)header_language, SLICE("en"));
	policy_judge(policy, judge, &r, &e, &v, &t);
	assert_int_equal(v.weight, 7);
	assert_int_equal(t.errors, 1);
	assert_true(slice_equal(v.rule, SLICE("threshold/some")));
}

static void
challenges(void **state)
{
	struct evidence e = { 0 };
	struct verdict v;
	struct request r = request_of(&(struct visit){ .agent = "Asked" });

	(void)state;
	policy_judge(policy, judge, &r, &e, &v, NULL);
	assert_int_equal(v.challenge->methods, METHOD_POW | METHOD_WAIT);
	assert_int_equal(v.challenge->hashes, 65536);
	assert_int_equal(v.challenge->puzzles, 16);
	assert_int_equal(v.challenge->level, 16);
	r = request_of(&(struct visit){ .agent = "Hard" });
	policy_judge(policy, judge, &r, &e, &v, NULL);
	assert_int_equal(v.challenge->hashes, 3);
	assert_int_equal(v.challenge->puzzles, 3);
	assert_int_equal(v.challenge->level, 40);
	r = request_of(&(struct visit){ .agent = "Curious" });
	policy_judge(policy, judge, &r, &e, &v, NULL);
	assert_int_equal(v.challenge->hashes, 256);
	assert_int_equal(v.challenge->level, 8);
}

static void
without_thresholds(void **state)
{
	static const char text[] =
	    "{\"bots\":[{\"name\":\"a\",\"action\":\"WEIGH\",\"weight\":{"
	    "\"adjust\":1},\"user_agent_regex\":\"Curious\"},{\"name\":\"z\","
	    "\"action\":\"CHALLENGE\",\"challenge\":{\"algorithm\":\"fast\"},"
	    "\"user_agent_regex\":\"Zero\"}]}";
	struct problems problems = { 0 };
	struct policy *p = policy_load("f", slice_of(text), NULL, &problems);
	struct evidence e = { 0 };
	struct request r = { 0 };
	struct verdict v;

	(void)state;
	request_set(&r, REQUEST_USER_AGENT, SLICE("Curious"));
	policy_judge(p, judge, &r, &e, &v, NULL);
	assert_true(slice_equal(v.rule, SLICE("threshold/legacy-anubis-behaviour")));
	assert_int_equal(v.kind, VERDICT_CHALLENGE);
	assert_int_equal(v.challenge->hashes, 65536);
	/* Difficulty 0: one hash, one puzzle, and the lowest level there is. */
	request_set(&r, REQUEST_USER_AGENT, SLICE("Zero"));
	policy_judge(p, judge, &r, &e, &v, NULL);
	assert_int_equal(v.challenge->hashes, 1);
	assert_int_equal(v.challenge->puzzles, 1);
	assert_int_equal(v.challenge->level, 1);
	request_set(&r, REQUEST_USER_AGENT, SLICE(""));
	policy_judge(p, judge, &r, &e, &v, NULL);
	assert_true(slice_equal(v.rule, SLICE("default/allow")));
	policy_free(p);
	problems_fini(&problems);
}

/* Which verdict closes a circuit: the one in force, of a rule or threshold that says so. */
static void
circuits_are_closed(void **state)
{
	static const char text[] =
	    "{\"bots\":["
	    "{\"name\":\"shy\",\"action\":\"DENY\",\"close_circuit\":true,\"shadow\":true,"
	    "\"user_agent_regex\":\"Shy\"},"
	    "{\"name\":\"mild\",\"action\":\"DENY\",\"user_agent_regex\":\"Mild\"},"
	    "{\"name\":\"hard\",\"action\":\"DRIP\",\"close_circuit\":true,"
	    "\"user_agent_regex\":\"Hard\"},"
	    "{\"name\":\"heavy\",\"action\":\"WEIGH\",\"weight\":{\"adjust\":50},"
	    "\"user_agent_regex\":\"Heavy\"},"
	    "{\"name\":\"idle\",\"action\":\"DENY\",\"close_circuit\":true,\"expression\":"
	    "\"onion && circuit.effort < 100 && userAgent.contains('Idle')\"}],"
	    "\"hosts\":{\"quiet.example\":{\"shadow\":true}},"
	    "\"thresholds\":[{\"name\":\"t\",\"action\":\"DENY\",\"expression\":\"weight > 40\","
	    "\"close_circuit\":true},{\"name\":\"rest\",\"action\":\"ALLOW\",\"expression\":"
	    "\"true\"}]}";
	static const struct {
		const char *agent, *host;
		int64_t effort; /* -1: not known */
		enum verdict_kind kind;
		bool closes;
	} cases[] = {
		{ "curl", "a.example", -1, VERDICT_ALLOW, false },
		{ "Shy", "a.example", -1, VERDICT_ALLOW, false },
		{ "Mild", "a.example", -1, VERDICT_DENY, false },
		{ "Mild Hard", "a.example", -1, VERDICT_DENY, false },
		{ "Shy Mild", "a.example", -1, VERDICT_DENY, false },
		{ "Hard", "a.example", -1, VERDICT_DRIP, true },
		{ "Shy Hard", "a.example", -1, VERDICT_DRIP, true },
		{ "Heavy", "a.example", -1, VERDICT_DENY, true },
		{ "Idle", "a.example", -1, VERDICT_DENY, true },
		{ "Idle", "a.example", 99, VERDICT_DENY, true },
		{ "Idle", "a.example", 100, VERDICT_ALLOW, false },
		{ "Hard", "quiet.example", -1, VERDICT_ALLOW, false },
		{ "Heavy", "quiet.example", -1, VERDICT_ALLOW, false },
	};
	struct problems problems = { 0 };
	struct policy *p = policy_load("f", slice_of(text), NULL, &problems);
	struct evidence e = { 0 };

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r = { 0 };
		struct verdict v;

		assert_true(address_parse(SLICE("fc00:dead:beef:4dad::1:0"), &r.src));
		request_set(&r, REQUEST_USER_AGENT, slice_of(cases[i].agent));
		request_set(&r, REQUEST_HOST, slice_of(cases[i].host));
		if (cases[i].effort >= 0)
			request_set_number(&r, REQUEST_EFFORT, cases[i].effort);
		policy_judge(p, judge, &r, &e, &v, NULL);
		if (v.kind != cases[i].kind || v.close_circuit != cases[i].closes)
			fail_msg("%s %s %d: %s", cases[i].agent, cases[i].host,
			    (int)cases[i].effort, verdict_names[v.kind]);
	}
	policy_free(p);
	problems_fini(&problems);
}

/* Everything in it, and a path on which a pattern backtracks without end. */
static void
judge_all(const struct policy *p, struct judge *j)
{
	static char path[1000];
	struct evidence e = { 0 };
	struct verdict v, w;

	memset(path, 'a', sizeof(path) - 1);
	memcpy(path, "/", 1);
	path[sizeof(path) - 2] = '!';
	for (size_t i = 0; i < COUNT(visits); i++) {
		struct request r = request_of(&visits[i]);

		policy_judge(p, j, &r, &e, &v, NULL);
		policy_judge(policy, judge, &r, &e, &w, NULL);
		assert_true(
		    v.kind == w.kind && v.weight == w.weight && slice_equal(v.rule, w.rule));
		request_set(&r, REQUEST_PATH, slice_of(path));
		policy_judge(p, j, &r, &e, &v, NULL);
	}
	assert_true(judge_errors(j) > 0);
}

static void
nothing_is_allocated(void **state)
{
	struct judge *fresh = judge_new();
	unsigned before;

	(void)state;
	judge_fit(fresh, policy);
	before = allocations;
	judge_all(policy, fresh);
	assert_int_equal(allocations, before);
	judge_free(fresh);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	assert_true(allocations > 0);
#endif
}

static void
nor_without_jit_and_the_verdicts_are_the_same(void **state)
{
	struct problems problems = { 0 };
	struct judge *fresh = judge_new();
	struct policy *interpreted;
	unsigned before;

	(void)state;
	no_jit = true;
	interpreted = policy_load("f", SLICE(policy_text), NULL, &problems);
	no_jit = false;
	assert_non_null(interpreted);
	judge_fit(fresh, interpreted);
	before = allocations;
	judge_all(interpreted, fresh);
	assert_int_equal(allocations, before);
	judge_free(fresh);
	policy_free(interpreted);
	problems_fini(&problems);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(a_missing_header_is_empty),
		cmocka_unit_test(cut_values),
		cmocka_unit_test(the_trace_has_it_all),
		cmocka_unit_test(what_fails_is_counted_and_does_not_match),
		cmocka_unit_test(challenges),
		cmocka_unit_test(without_thresholds),
		cmocka_unit_test(circuits_are_closed),
		cmocka_unit_test(nothing_is_allocated),
		cmocka_unit_test(nor_without_jit_and_the_verdicts_are_the_same),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
