#include <assert.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Any bytes are a policy, or errors with a place; a policy that loads can judge. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct judge *judge;
	static struct trace trace;
	const struct evidence nobody = { .level = 0 };
	struct problems problems = { 0 };
	struct request r = { 0 };
	struct verdict v;
	struct policy *p;

	if (judge == NULL)
		judge = judge_new();
	p = policy_load("f", (struct slice){ (const char *)data, size }, NULL, &problems);
	assert((p == NULL) == (problems.errors > 0));
	for (size_t i = 0; i < problems.count; i++)
		assert(strncmp(problems.list[i].text, "f:", 2) == 0);
	if (p != NULL) {
		address_parse(SLICE("5.6.7.8"), &r.src);
		request_set(&r, REQUEST_USER_AGENT, SLICE("Mozilla/5.0 (compatible; FooBot/1.0)"));
		request_set(&r, REQUEST_PATH, SLICE("/a%20b/c.atom"));
		policy_judge(p, judge, &r, &nobody, &v, &trace);
		assert(v.rule.len > 0);
		assert((v.challenge != NULL) == (v.kind == VERDICT_CHALLENGE));
		assert(v.challenge == NULL ||
		       (v.challenge->hashes >= 1 && v.challenge->hashes <= CHALLENGE_HASHES_MAX &&
			   v.challenge->puzzles >= 1 &&
			   v.challenge->puzzles <= CHALLENGE_PUZZLES_MAX &&
			   v.challenge->puzzles <= v.challenge->hashes && v.challenge->level >= 1));
		assert(policy_settings(p)->cookie[0] != '\0');
	}
	policy_free(p);
	problems_fini(&problems);
	return 0;
}
