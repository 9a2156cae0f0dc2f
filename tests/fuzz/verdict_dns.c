/*
 * A verdict with a DNS that answers anything: 16 bytes of address, one of its length, one of agent
 * and path; from then on a byte or more an answer, the same for the same name. What must hold
 * whatever it says: nobody is asked about who is not to be asked about, silence and failures deny
 * nobody, and what hangs on no unknown answer is the same when all is answered.
 */
#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"
#include "policy/verdict.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char text[] =
    "bots:\n"
    "- {name: trusted, user_agent_regex: Trusted, action: ALLOW}\n"
    "- {name: google, user_agent_regex: Googlebot, action: ALLOW,\n"
    "   verify_dns: {suffixes: [.a, .bb.a], forged: 25}}\n"
    "- {name: careful, user_agent_regex: Careful, action: ALLOW, unknown: challenge,\n"
    "   verify_dns: {suffixes: [.a]}, shadow: true}\n"
    "- {name: listed, path_regex: ^/login, action: DENY, expression: dnsbl(\"x.test\")}\n"
    "- {name: expr, user_agent_regex: Expr, action: DENY,\n"
    "   expression: \"!verifyFCrDNS(remoteAddress, '[.]a$') && size(reverseDNS(remoteAddress)) > "
    "0\"}\n"
    "thresholds: [{name: t, expression: weight < 1000, action: ALLOW}]\n"
    "dns: {never: [5.200.0.0/16]}\n"
    "dnsbl:\n"
    "- {zone: bl.test, codes: {'127.0.0.9': 30, '127.0.0.7': {action: DENY}, default: 10}}\n"
    "- {zone: six.test, types: [AAAA], action: CHALLENGE}\n";

struct world {
	const uint8_t *data;
	size_t size;
	unsigned looks;
	bool all_unknown, all_failed, none_unknown;
	uint8_t answer[DNS_DATA_MAX];
};

static uint8_t
pick(const struct world *w, uint64_t *at)
{
	*at = *at * 6364136223846793005u + 1442695040888963407u;
	return w->size == 0 ? 0 : w->data[(*at >> 33) % w->size];
}

static void
look(void *context, const struct dns_question *q, struct dns_answer *out)
{
	static const uint8_t key[HASH_KEY_BYTES] = { 1 };
	struct world *w = context;
	uint64_t at = hash_bytes(key, q->name.ptr, q->name.len) + (uint64_t)q->type;
	size_t n = 0;

	w->looks++;
	assert(q->name.len > 0 && q->name.len <= DNS_NAME_MAX);
	*out = (struct dns_answer){ .state = (enum dns_state)(pick(w, &at) % 4), .type = q->type };
	if (w->all_unknown)
		out->state = DNS_UNKNOWN;
	if (w->all_failed || (w->none_unknown && out->state == DNS_UNKNOWN))
		out->state = DNS_FAILED;
	if (out->state != DNS_FOUND)
		return;
	for (unsigned k = pick(w, &at) % 5 + 1u; k > 0; k--, out->count++) {
		if (q->type == DNS_PTR) {
			static const char *const names[] = { "x.a", "y.bb.a", "a", "evil-a",
				"x.b" };
			const char *name = names[pick(w, &at) % 5];

			w->answer[n++] = (uint8_t)strlen(name);
			memcpy(w->answer + n, name, strlen(name));
			n += strlen(name);
		} else {
			for (unsigned i = 0; i < (q->type == DNS_A ? 4u : 16u); i++)
				w->answer[n++] =
				    i == 0 && q->type == DNS_A ? 127 : pick(w, &at) & 15;
		}
	}
	out->data = (struct slice){ (const char *)w->answer, n };
}

static struct dns_tally *
find_zone(void *context, unsigned zone, bool *suspended)
{
	(void)context;
	assert(zone < 3);
	*suspended = false;
	return NULL;
}

static void
broken(void *context, unsigned zone, const char *why)
{
	(void)context;
	assert(zone < 3 && why != NULL);
}

static struct policy *policy;
static struct judge *judge;

static struct verdict
judge_it(struct world *w, const struct request *r, bool last)
{
	static struct trace trace;
	const struct dns_view view = { w, look, find_zone, broken, last };
	const struct evidence e = { .dns = &view };
	struct verdict v, again;

	w->looks = 0;
	policy_judge(policy, judge, r, &e, &v, &trace);
	policy_judge(policy, judge, r, &e, &again, NULL);
	assert(v.kind == again.kind && v.weight == again.weight && v.unknown == again.unknown);
	assert(v.listings <= ZONES_MAX && trace.asks <= TRACE_ASKED_MAX);
	assert((v.challenge != NULL) == (v.kind == VERDICT_CHALLENGE));
	if (!policy_may_ask(policy, &r->src))
		assert(w->looks == 0 && v.unknown == 0 && v.weight == 0);
	return v;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const agents[] = { "Googlebot", "Careful", "Expr", "Trusted", "curl" };
	struct problems problems = { 0 };
	struct request r = { 0 };
	struct world w = { 0 };
	struct verdict v, whole;

	if (policy == NULL) {
		policy = policy_load("f.yaml", SLICE(text), NULL, &problems);
		judge = judge_new();
		problems_fini(&problems);
	}
	assert(policy != NULL);
	if (size < 18)
		return 0;
	r.src = address_from_bytes(data, data[16] % 3 == 0 ? 4 : data[16] % 3 == 1 ? 16 : 0);
	request_set(&r, REQUEST_USER_AGENT, slice_of(agents[data[17] % 5]));
	request_set(&r, REQUEST_PATH, (data[17] & 128) != 0 ? SLICE("/login") : SLICE("/"));
	w.data = data + 18;
	w.size = size - 18;
	v = judge_it(&w, &r, false);
	judge_it(&w, &r, true);
	w.none_unknown = true;
	whole = judge_it(&w, &r, true);
	assert(whole.unknown == 0);
	if (v.unknown == 0)
		assert(whole.kind == v.kind && whole.weight == v.weight);
	w.all_unknown = true;
	w.none_unknown = false;
	v = judge_it(&w, &r, true);
	assert(v.kind != VERDICT_DENY && v.weight == 0);
	w.all_unknown = false;
	w.all_failed = true;
	v = judge_it(&w, &r, true);
	assert(v.kind == VERDICT_ALLOW && v.weight == 0 && v.unknown == 0);
	return 0;
}
