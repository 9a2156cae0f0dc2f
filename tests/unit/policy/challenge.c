#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/generation.h"
#include "policy/verdict.h"

/* A policy whose every request has the weight of its User-Agent's number, and one demand. */
static struct policy *
load(const char *challenge)
{
	char text[4096];
	struct problems problems = { 0 };
	struct policy *p;

	snprintf(text, sizeof(text),
	    "bots:\n"
	    "- { name: ten, user_agent_regex: ten, action: WEIGH, weight: { adjust: 10 } }\n"
	    "- { name: twenty, user_agent_regex: twenty, action: WEIGH, weight: { adjust: 20 } }\n"
	    "- { name: far, user_agent_regex: far, action: WEIGH, weight: { adjust: 1000 } }\n"
	    "thresholds:\n"
	    "- { name: all, expression: weight > -1, action: CHALLENGE, challenge: %s }\n",
	    challenge);
	p = policy_load("p.yaml", slice_of(text), NULL, &problems);
	problems_print(&problems, "");
	assert_non_null(p);
	assert_int_equal(problems.errors + problems.warnings, 0);
	problems_fini(&problems);
	return p;
}

static const struct {
	const char *challenge, *agent;
	double load;
	struct challenge want;
} prices[] = {
	/* Anubis's difficulties are the same expected work. */
	{ "{ algorithm: fast, difficulty: 0 }", "x", 0, { 3, 1, 1, 1, 5, false } },
	{ "{ algorithm: fast, difficulty: 2 }", "x", 0, { 3, 256, 16, 8, 5, false } },
	{ "{ algorithm: slow, difficulty: 4 }", "x", 0, { 3, 65536, 16, 16, 5, false } },
	{ "{ algorithm: fast, difficulty: 5 }", "x", 0, { 3, 1048576, 16, 20, 11, false } },
	{ "{ algorithm: fast, difficulty: 6 }", "x", 0, { 3, 16777216, 16, 24, 168, false } },
	{ "{ algorithm: metarefresh, difficulty: 1 }", "x", 0, { 3, 16, 16, 4, 2, false } },
	{ "{ algorithm: pow, hashes: 1000, wait: 7, methods: [wait, question] }", "x", 0,
	    { 10, 1000, 16, 10, 7, false } },
	{ "{ algorithm: pow, difficulty: 2, methods: [pow, video] }", "x", 0,
	    { 17, 256, 16, 8, 5, true } },
	{ "{ algorithm: pow, difficulty: 2, methods: [pow], clip: true }", "x", 0,
	    { 1, 256, 16, 8, 5, true } },

	/* By weight: flat in front and behind, straight in powers of two between. */
	{ "{ algorithm: pow, price: { 0: 256, 20: 65536 } }", "x", 0, { 3, 256, 16, 8, 5, false } },
	{ "{ algorithm: pow, price: { 0: 256, 20: 65536 } }", "ten", 0,
	    { 3, 4096, 16, 12, 5, false } },
	{ "{ algorithm: pow, price: { 0: 256, 20: 65536 } }", "twenty", 0,
	    { 3, 65536, 16, 16, 5, false } },
	{ "{ algorithm: pow, price: { 0: 256, 20: 65536 } }", "far", 0,
	    { 3, 65536, 16, 16, 5, false } },
	{ "{ algorithm: pow, price: { 5: 256, 20: 65536 } }", "x", 0, { 3, 256, 16, 8, 5, false } },
	{ "{ algorithm: pow, price: { -10: 4, 10: 16 } }", "x", 0, { 3, 8, 8, 3, 5, false } },
	{ "{ algorithm: pow, price: { 0: 1 } }", "ten", 0, { 3, 1, 1, 1, 5, false } },
	{ "{ algorithm: pow, level: 9, price: { 0: 256, 20: 65536 } }", "twenty", 0,
	    { 3, 65536, 16, 9, 5, false } },

	/* The load multiplies the work, and asks no pass for more. */
	{ "{ algorithm: pow, hashes: 1024, load: { 1: 1, 3: 5 } }", "x", 0.5,
	    { 3, 1024, 16, 10, 5, false } },
	{ "{ algorithm: pow, hashes: 1024, load: { 1: 1, 3: 5 } }", "x", 2,
	    { 3, 3072, 16, 10, 5, false } },
	{ "{ algorithm: pow, hashes: 1024, load: { 1: 1, 3: 5 } }", "x", 100,
	    { 3, 5120, 16, 10, 5, false } },
	{ "{ algorithm: pow, price: { 0: 256, 20: 65536 }, load: { 0: 1, 2: 2 } }", "ten", 1,
	    { 3, 6144, 16, 12, 5, false } },

	/* Never more than the slowest does in time. */
	{ "{ algorithm: pow, most_s: 1, price: { 0: 256, 20: 1000000 } }", "far", 0,
	    { 3, 100000, 16, 17, 5, false } },
	{ "{ algorithm: pow, most_s: 2, hashes: 150000, load: { 0: 1, 1: 1000 } }", "x", 9,
	    { 3, 200000, 16, 18, 5, false } },
	{ "{ algorithm: pow, hashes: 1000000, load: { 0: 1, 1: 1000 } }", "x", 9,
	    { 3, 18000000, 16, 20, 180, false } },
};

static void
test_prices(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(prices) / sizeof(prices[0]); i++) {
		const double loads[3] = { prices[i].load, 0, 0 };
		const struct challenge *want = &prices[i].want;
		struct policy *p = load(prices[i].challenge);
		struct judge *j = judge_new();
		struct request r = { 0 };
		struct evidence e = { 0 };
		struct verdict v;

		judge_set_load(j, loads);
		request_set(&r, REQUEST_USER_AGENT, slice_of(prices[i].agent));
		policy_judge(p, j, &r, &e, &v, NULL);
		assert_int_equal(v.kind, VERDICT_CHALLENGE);
		if (v.challenge->methods != want->methods || v.challenge->hashes != want->hashes ||
		    v.challenge->puzzles != want->puzzles || v.challenge->level != want->level ||
		    v.challenge->wait_s != want->wait_s || v.challenge->clip != want->clip)
			fail_msg("%s at %s: %u, %u hashes, %u puzzles, level %u, %u s",
			    prices[i].challenge, prices[i].agent, v.challenge->methods,
			    v.challenge->hashes, v.challenge->puzzles, v.challenge->level,
			    v.challenge->wait_s);
		/* A pass of this level is enough, whatever the load is. */
		e.level = want->level;
		policy_judge(p, j, &r, &e, &v, NULL);
		assert_int_equal(v.kind, VERDICT_ALLOW);
		assert_true(v.by_pass);
		e.level = (uint16_t)(want->level - 1);
		policy_judge(p, j, &r, &e, &v, NULL);
		assert_int_equal(v.kind, VERDICT_CHALLENGE);
		judge_free(j);
		policy_free(p);
	}
}

/* What speaks for or against a pass by how it was earned, and against who went into the honeypot.
 */
static void
test_evidence(void **state)
{
	static const char text[] =
	    "bots:\n"
	    "- { name: none, user_agent_regex: none, action: ALLOW }\n"
	    "evidence: { pass_by: { wait: 3, video: -5, video_failed: 7 } }\n"
	    "honeypot: { enabled: true, weight: 40, expiry_s: 60 }\n"
	    "thresholds:\n"
	    "- { name: some, expression: weight > 0, action: DENY }\n";
	static const struct {
		uint8_t by;
		bool trapped;
		int32_t weight;
	} cases[] = { { METHOD_POW, false, 0 }, { METHOD_WAIT, false, 3 },
		{ METHOD_POW | METHOD_VIDEO, false, -5 },
		{ METHOD_WAIT | METHOD_VIDEO_FAILED, false, 10 }, { METHOD_POW, true, 40 } };
	struct problems problems = { 0 };
	struct policy *p = policy_load("p.yaml", SLICE(text), NULL, &problems);
	struct judge *j = judge_new();

	(void)state;
	assert_non_null(p);
	assert_int_equal(policy_settings(p)->trap_s, 60);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct evidence e = {
			.level = 5, .by = cases[i].by, .trapped = cases[i].trapped
		};
		struct request r = { 0 };
		struct verdict v;

		policy_judge(p, j, &r, &e, &v, NULL);
		assert_int_equal(v.weight, cases[i].weight);
		assert_int_equal(v.kind, cases[i].weight > 0 ? VERDICT_DENY : VERDICT_ALLOW);
	}
	judge_free(j);
	policy_free(p);
	problems_fini(&problems);
}

static void
test_names(void **state)
{
	char text[METHODS_TEXT_MAX];

	(void)state;
	methods_format(0, text);
	assert_string_equal(text, "");
	methods_format(METHOD_POW | METHOD_QUESTION, text);
	assert_string_equal(text, "pow question");
	methods_format(~0u, text);
	assert_string_equal(text, "pow wait resource question video video_failed");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prices),
		cmocka_unit_test(test_evidence),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
