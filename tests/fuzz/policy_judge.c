#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "policy/policy.h"
#include "policy/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
    "{\"bots\":["
    "{\"name\":\"net\",\"action\":\"DENY\",\"remote_addresses\":[\"10.0.0.0/8\",\"2001:db8::/"
    "32\"]},"
    "{\"name\":\"net-agent\",\"action\":\"ALLOW\",\"remote_addresses\":[\"10.1.0.0/16\","
    "\"192.0.2.0/24\"],\"user_agent_regex\":\"Good\"},"
    "{\"name\":\"well-known\",\"action\":\"ALLOW\",\"path_regex\":\"^/\\\\.well-known/\"},"
    "{\"name\":\"feed\",\"action\":\"ALLOW\",\"path_regex\":\"\\\\.(?:atom|rss)$\"},"
    "{\"name\":\"git\",\"action\":\"ALLOW\",\"headers_regex\":{\"User-Agent\":\"^git/\","
    "\"Git-Protocol\":\"version=[12]\"},\"path_regex\":\"/info/refs$\"},"
    "{\"name\":\"bots\",\"action\":\"DENY\",\"user_agent_regex\":\"(?i)badbot|evil.*bot|[Ss]"
    "craper\"},"
    "{\"name\":\"slow\",\"action\":\"DENY\",\"path_regex\":\"^/(a+)+$\"},"
    "{\"name\":\"friend\",\"action\":\"WEIGH\",\"weight\":{\"adjust\":-30},\"headers_regex\":{"
    "\"X-Key\":\".*\"}},"
    "{\"name\":\"browser\",\"action\":\"WEIGH\",\"weight\":{\"adjust\":10},\"user_agent_regex\":"
    "\"Mozilla|Opera\"},"
    "{\"name\":\"empty\",\"action\":\"WEIGH\",\"user_agent_regex\":\"^$\"},"
    "{\"name\":\"asked\",\"action\":\"CHALLENGE\",\"path_regex\":\"/(?:blame|archive)/\"},"
    "{\"name\":\"unicode\",\"action\":\"WEIGH\",\"user_agent_regex\":\"\\\\p{Greek}|caf\xc3\xa9\"}]"
    ","
    "\"thresholds\":["
    "{\"name\":\"a\",\"expression\":\"weight <= 0\",\"action\":\"ALLOW\"},"
    "{\"name\":\"b\",\"expression\":\"weight < 20\",\"action\":\"CHALLENGE\",\"challenge\":{"
    "\"algorithm\":\"fast\",\"difficulty\":3}},"
    "{\"name\":\"c\",\"expression\":\"true\",\"action\":\"DENY\"}]}";

static struct policy *policy;
static struct judge *judge;
static struct trace trace;

/* The next line of the input, in a block of its own size, so that a byte read behind it is seen. */
static struct slice
take(struct slice *rest, char **block)
{
	struct slice line = slice_split(*rest, '\n', rest);

	*block = malloc(line.len > 0 ? line.len : 1);
	if (line.len > 0)
		memcpy(*block, line.ptr, line.len);
	return (struct slice){ *block, line.len };
}

static void
check(const struct request *r, const struct evidence *e, const struct verdict *v)
{
	int64_t sum = 0;

	for (unsigned i = 0; i < trace.count; i++) {
		const struct matched *m = &trace.list[i];

		sum += m->weight;
		/* What lets through has not looked at a value that was cut. */
		if (slice_equal(m->rule, SLICE("bot/well-known")) ||
		    slice_equal(m->rule, SLICE("bot/feed")) ||
		    slice_equal(m->rule, SLICE("bot/git")))
			assert((r->cut >> REQUEST_PATH & 1) == 0);
		if (address_is_circuit(&r->src))
			assert(!slice_equal(m->rule, SLICE("bot/net")));
	}
	assert(trace.count > 0 && trace.count < TRACE_MAX);
	assert(sum == v->weight);
	assert((v->challenge != NULL) == (v->kind == VERDICT_CHALLENGE));
	assert(v->kind != VERDICT_CHALLENGE || e->level < v->challenge->level);
	assert(!v->by_pass || (v->kind == VERDICT_ALLOW && e->level > 0));
}

/* 16 bytes of address, one of its length, one of level, one of flags; then a line a field. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct problems problems = { 0 };
	struct request r = { 0 };
	struct evidence e = { 0 };
	struct verdict first, again;
	struct slice rest;
	char *block[REQUEST_HEADER + 2];

	if (policy == NULL) {
		policy = policy_load("f", SLICE(text), NULL, &problems);
		judge = judge_new();
		problems_fini(&problems);
	}
	assert(policy != NULL);
	if (size < 19)
		return 0;
	r.src = address_from_bytes(data, data[16] % 3 == 0 ? 4 : data[16] % 3 == 1 ? 16 : 0);
	e = (struct evidence){ .level = data[17], .pass_elsewhere = (data[18] & 1) != 0 };
	rest = (struct slice){ (const char *)data + 19, size - 19 };
	for (unsigned i = 0; i < REQUEST_HEADER + 2; i++)
		request_set(&r, i, take(&rest, &block[i]));
	policy_judge(policy, judge, &r, &e, &first, &trace);
	check(&r, &e, &first);
	policy_judge(policy, judge, &r, &e, &again, NULL);
	assert(first.kind == again.kind && first.weight == again.weight &&
	       first.rule.ptr == again.rule.ptr);
	for (unsigned i = 0; i < REQUEST_HEADER + 2; i++)
		free(block[i]);
	return 0;
}
