#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "policy/generation.h"
#include "policy/rule.h"
#include "policy/schema.h"

static const struct schema_key policy_keys[] = { { "bots", SCHEMA_KNOWN },
	{ "thresholds", SCHEMA_KNOWN }, { "status_codes", SCHEMA_KNOWN }, { "pass", SCHEMA_KNOWN },
	{ "evidence", SCHEMA_KNOWN }, { "dnsbl", SCHEMA_KNOWN }, { "store", SCHEMA_IGNORED },
	{ "openGraph", SCHEMA_IGNORED }, { "impressum", SCHEMA_IGNORED },
	{ "logging", SCHEMA_IGNORED }, { "metrics", SCHEMA_IGNORED },
	{ "honeypot", SCHEMA_IGNORED }, { "dns_ttl", SCHEMA_IGNORED }, { 0 } };

static void
read_status(struct policy_settings *s, const struct tree *root, struct problems *problems)
{
	static const struct schema_key keys[] = { { "CHALLENGE", SCHEMA_KNOWN },
		{ "DENY", SCHEMA_KNOWN }, { 0 } };
	const struct tree *n = schema_get(root, "status_codes", TREE_MAP, problems);

	if (n == NULL)
		return;
	schema_check(n, keys, problems);
	s->status_challenge =
	    (uint16_t)schema_int(n, "CHALLENGE", 200, 599, s->status_challenge, problems);
	s->status_deny = (uint16_t)schema_int(n, "DENY", 200, 599, s->status_deny, problems);
}

static void
read_cookie(struct policy_settings *s, const struct tree *pass, struct problems *problems)
{
	const struct tree *n = schema_get(pass, "cookie", TREE_STRING, problems);

	if (n == NULL)
		return;
	if (n->text.len == 0 || n->text.len >= sizeof(s->cookie)) {
		tree_error(problems, n, "must have 1 to %zu characters", sizeof(s->cookie) - 1);
		return;
	}
	for (size_t i = 0; i < n->text.len; i++) {
		char c = n->text.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '_')) {
			tree_error(problems, n, "no name of a cookie: letters, digits, - and _");
			return;
		}
	}
	memcpy(s->cookie, n->text.ptr, n->text.len);
	s->cookie[n->text.len] = '\0';
}

static void
read_pass(struct policy_settings *s, const struct tree *root, struct problems *problems)
{
	static const struct schema_key keys[] = { { "cookie", SCHEMA_KNOWN },
		{ "binding", SCHEMA_KNOWN }, { "expiry_s", SCHEMA_KNOWN }, { 0 } };
	const struct tree *pass = schema_get(root, "pass", TREE_MAP, problems), *n;
	unsigned b = 0;

	if (pass == NULL)
		return;
	schema_check(pass, keys, problems);
	read_cookie(s, pass, problems);
	s->pass_s = (uint32_t)schema_int(pass, "expiry_s", 60, 31536000, s->pass_s, problems);
	n = schema_get(pass, "binding", TREE_STRING, problems);
	if (n == NULL)
		return;
	while (b < 4 && !slice_equal(n->text, slice_of(binding_names[b])))
		b++;
	if (b == 4)
		tree_error(problems, n, "unknown binding: none, net, exact or circuit");
	else
		s->binding = (enum binding)b;
}

static void
read_evidence(struct policy_settings *s, const struct tree *root, struct problems *problems)
{
	static const struct schema_key keys[] = { { "cut", SCHEMA_KNOWN },
		{ "pass_elsewhere", SCHEMA_KNOWN }, { 0 } };
	const struct tree *n = schema_get(root, "evidence", TREE_MAP, problems);

	if (n == NULL)
		return;
	schema_check(n, keys, problems);
	s->cut_weight =
	    (int32_t)schema_int(n, "cut", INT32_MIN, INT32_MAX, s->cut_weight, problems);
	s->mismatch_weight = (int32_t)schema_int(
	    n, "pass_elsewhere", INT32_MIN, INT32_MAX, s->mismatch_weight, problems);
}

static void
read_bots(struct policy *p, const struct tree *root, struct problems *problems)
{
	const struct tree *bots = schema_get(root, "bots", TREE_LIST, problems);

	if (bots == NULL || bots->count == 0) {
		if (bots != NULL || tree_get(root, "bots") == NULL ||
		    tree_get(root, "bots")->kind == TREE_NULL)
			tree_error(problems, bots == NULL ? root : bots,
			    "no rule: `bots` needs one at least");
		return;
	}
	if (bots->count > RULES_MAX) {
		tree_error(problems, bots, "more than %u rules", RULES_MAX);
		return;
	}
	p->rule = arena_alloc(p->arena, bots->count * sizeof(*p->rule));
	p->unkeyed = arena_alloc(p->arena, BITSET_WORDS(bots->count) * sizeof(uint64_t));
	for (const struct tree *n = bots->first; n != NULL; n = n->next)
		rule_read(p, n, problems);
}

static void
read_thresholds(struct policy *p, const struct tree *root, struct problems *problems)
{
	const struct tree *list = schema_get(root, "thresholds", TREE_LIST, problems);
	unsigned count = list == NULL ? 0 : list->count;
	struct expr_error error;

	p->threshold = arena_alloc(p->arena, (count + 1u) * sizeof(*p->threshold));
	if (count == 0) {
		p->thresholds = 1;
		p->threshold[0] = (struct threshold){ SLICE("threshold/legacy-anubis-behaviour"),
			ACTION_CHALLENGE, expr_compile(p->arena, SLICE("weight > 0"), &error),
			challenge_default() };
		return;
	}
	for (const struct tree *n = list->first; n != NULL; n = n->next)
		threshold_read(p, &p->threshold[p->thresholds++], n, problems);
}

/* Build what a verdict reads, and give each field its place in the judge's bit sets. */
static void
seal(struct policy *p)
{
	for (unsigned i = 0; i < p->fields; i++) {
		struct field *f = &p->field[i];

		patset_seal(f->set);
		f->hit_at = p->hits;
		f->word_at = p->words;
		p->hits += (uint32_t)BITSET_WORDS(patset_count(f->set));
		p->words += (uint32_t)BITSET_WORDS(patset_words(f->set));
	}
	ipset_seal(p->addresses);
}

struct policy *
policy_compile(const struct tree *root, struct problems *problems)
{
	const size_t errors = problems->errors;
	const struct tree *dnsbl;
	struct policy *p;

	if (root->kind != TREE_MAP) {
		tree_error(problems, root, "is %s and must be a map with `bots` in it",
		    tree_kind_names[root->kind]);
		return NULL;
	}
	p = xcalloc(1, sizeof(*p));
	p->arena = arena_new();
	p->addresses = ipset_new(p->arena);
	p->settings = (struct policy_settings){ .status_challenge = 403,
		.status_deny = 403,
		.cookie = "ammit",
		.binding = BINDING_NET,
		.pass_s = 7 * 24 * 3600,
		.cut_weight = 10,
		.mismatch_weight = 10 };
	schema_check(root, policy_keys, problems);
	read_status(&p->settings, root, problems);
	read_pass(&p->settings, root, problems);
	read_evidence(&p->settings, root, problems);
	dnsbl = schema_get(root, "dnsbl", TREE_BOOL, problems);
	if (dnsbl != NULL && dnsbl->truth)
		tree_error(problems, dnsbl, "not supported yet: set it to false");
	read_bots(p, root, problems);
	read_thresholds(p, root, problems);
	if (problems->errors > errors) {
		policy_free(p);
		return NULL;
	}
	seal(p);
	return p;
}

struct policy *
policy_load(const char *file, struct slice text, struct problems *problems)
{
	struct arena *a = arena_new();
	struct tree *root = json_parse(a, file, text, problems);
	struct policy *p = root == NULL ? NULL : policy_compile(root, problems);

	arena_free(a);
	return p;
}
