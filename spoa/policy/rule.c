#include "policy/rule.h"

#include "base/memory.h"
#include "base/text.h"
#include "policy/schema.h"

#define NAME_MAX_BYTES 200u
#define DEFAULT_ADJUST 5 /* WEIGH without a `weight` block */

const char *const action_names[ACTIONS] = { "ALLOW", "DENY", "CHALLENGE", "WEIGH", "DRIP" };

/* False, with a problem, if it has none. */
static bool
action_read(const struct tree *map, enum action *out, struct problems *problems)
{
	const struct tree *n = schema_get(map, "action", TREE_STRING, problems);

	if (n == NULL) {
		if (tree_get(map, "action") == NULL)
			tree_error(
			    problems, map, "has no action: ALLOW, DENY, CHALLENGE, WEIGH or DRIP");
		return false;
	}
	for (unsigned i = 0; i < ACTIONS; i++) {
		if (slice_equal(n->text, slice_of(action_names[i]))) {
			*out = (enum action)i;
			return true;
		}
	}
	if (slice_equal(n->text, SLICE("DEBUG_BENCHMARK")))
		tree_error(problems, n,
		    "DEBUG_BENCHMARK is a page of Anubis's own; take the rule out, or CHALLENGE");
	else
		tree_error(problems, n,
		    "unknown action: ALLOW, DENY, CHALLENGE, WEIGH or DRIP, in capitals");
	return false;
}

/* "PREFIX/NAME"; what a name holds goes into HAProxy variables, headers and logs. */
static struct slice
full_name(struct arena *a, const char *prefix, const struct tree *map, struct problems *problems)
{
	const struct tree *n = schema_get(map, "name", TREE_STRING, problems);
	char buf[NAME_MAX_BYTES + 16];
	struct text t = { .buf = buf, .cap = sizeof(buf) };

	if (n == NULL || n->text.len == 0) {
		tree_error(problems, n == NULL ? map : n, "a name is required");
		return SLICE("");
	}
	if (n->text.len > NAME_MAX_BYTES) {
		tree_error(problems, n, "longer than %u bytes", NAME_MAX_BYTES);
		return SLICE("");
	}
	for (size_t i = 0; i < n->text.len; i++) {
		unsigned char c = (unsigned char)n->text.ptr[i];

		if (c < 0x20 || c == 0x7f) {
			tree_error(problems, n, "no control characters in a name");
			return SLICE("");
		}
	}
	text_put(&t, slice_of(prefix));
	text_put(&t, n->text);
	return arena_copy(a, text_slice(&t));
}

static bool
has_matcher(const struct tree *node)
{
	static const char *const keys[] = { "user_agent_regex", "path_regex", "query_regex",
		"headers_regex", "remote_addresses", "remote_addresses_file", "expression", "geoip",
		"asns" };

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const struct tree *n = tree_get(node, keys[i]);

		/* An empty list or map of matchers is none. */
		if (n != NULL && n->kind != TREE_NULL &&
		    (n->count > 0 || (n->kind != TREE_LIST && n->kind != TREE_MAP)))
			return true;
	}
	return false;
}

static int32_t
read_adjust(const struct tree *node, enum action action, struct problems *problems)
{
	const struct tree *weight = schema_get(node, "weight", TREE_MAP, problems);
	static const struct schema_key keys[] = { { "adjust", SCHEMA_KNOWN }, { 0 } };

	if (weight == NULL)
		return action == ACTION_WEIGH ? DEFAULT_ADJUST : 0;
	if (action != ACTION_WEIGH) {
		tree_warn(problems, weight, "ignored: only WEIGH has a weight");
		return 0;
	}
	schema_check(weight, keys, problems);
	return (int32_t)schema_int(weight, "adjust", INT32_MIN, INT32_MAX, 0, problems);
}

static const struct schema_key rule_keys[] = { { "name", SCHEMA_KNOWN }, { "action", SCHEMA_KNOWN },
	{ "user_agent_regex", SCHEMA_KNOWN }, { "path_regex", SCHEMA_KNOWN },
	{ "query_regex", SCHEMA_KNOWN }, { "headers_regex", SCHEMA_KNOWN },
	{ "remote_addresses", SCHEMA_KNOWN }, { "remote_addresses_file", SCHEMA_KNOWN },
	{ "expression", SCHEMA_KNOWN }, { "geoip", SCHEMA_KNOWN }, { "asns", SCHEMA_KNOWN },
	{ "weight", SCHEMA_KNOWN }, { "challenge", SCHEMA_KNOWN }, { "shadow", SCHEMA_KNOWN },
	{ "verify_dns", SCHEMA_KNOWN }, { "unknown", SCHEMA_KNOWN }, { "import", SCHEMA_KNOWN },
	{ "close_circuit", SCHEMA_KNOWN }, { 0 } };

/* Room for one more; NULL with a problem. */
static struct rule *
next_rule(struct loader *l, const struct tree *node)
{
	struct policy *p = l->policy;

	if (p->rules == RULES_MAX) {
		tree_error(l->problems, node, "more than %u rules in one policy", RULES_MAX);
		p->rules++; /* said once */
		return NULL;
	}
	/* Doubles: full whenever the count is a power of two. */
	if ((p->rules & (p->rules - 1)) == 0)
		p->rule = xreallocarray(
		    p->rule, p->rules == 0 ? 1 : (size_t)p->rules * 2, sizeof(*p->rule));
	p->rule[p->rules] = (struct rule){ .name = SLICE("") };
	return &p->rule[p->rules];
}

static void
read_challenge(struct loader *l, struct rule *r, const struct tree *node)
{
	const struct tree *challenge = schema_get(node, "challenge", TREE_MAP, l->problems);

	if (challenge == NULL)
		return;
	if (r->action != ACTION_CHALLENGE && !r->unknown_challenges) {
		tree_warn(l->problems, challenge, "ignored: only CHALLENGE has a challenge");
		return;
	}
	r->own_challenge = true;
	r->challenge = challenge_read(l, challenge);
}

/* What it does while the DNS has not answered. */
static void
read_unknown(struct rule *r, const struct tree *node, struct problems *p)
{
	const struct tree *n = schema_get(node, "unknown", TREE_STRING, p);

	if (n == NULL)
		return;
	r->unknown_challenges = slice_equal(n->text, SLICE("challenge"));
	if (!r->unknown_challenges && !slice_equal(n->text, SLICE("no_match")))
		tree_error(p, n,
		    "must be no_match or challenge: what the rule does if the DNS has "
		    "not answered in time");
}

/* Whom nothing is denied, nothing is closed. */
static bool
read_close_circuit(const struct tree *node, enum action action, struct problems *p)
{
	const struct tree *n = schema_get(node, "close_circuit", TREE_BOOL, p);

	if (n == NULL || !n->truth)
		return false;
	if (action == ACTION_DENY || action == ACTION_DRIP)
		return true;
	tree_error(
	    p, n, "only DENY and DRIP close a circuit: take it out, or make the action DENY");
	return false;
}

/* The files of neighbours are the same ones: a name is kept once for them all. */
static const char *
file_of(const struct policy *p, const struct tree *node)
{
	const char *last = p->rules == 0 ? NULL : p->rule[p->rules - 1].file;

	if (last != NULL && strcmp(last, node->file) == 0)
		return last;
	return arena_copy(p->arena, slice_of(node->file)).ptr;
}

void
rule_read(struct loader *l, const struct tree *node)
{
	struct policy *p = l->policy;
	struct rule *r = next_rule(l, node);
	struct draft d = { .loader = l, .policy = p, .rule = r, .problems = l->problems };
	const struct tree *shadow;
	struct matcher *matcher;

	if (r == NULL)
		return;
	schema_check(node, rule_keys, l->problems);
	r->name = full_name(p->arena, "bot/", node, l->problems);
	r->file = file_of(p, node);
	r->line = node->line;
	if (!has_matcher(node))
		tree_error(l->problems, node,
		    "matches on nothing: give user_agent_regex, path_regex, query_regex, "
		    "headers_regex, "
		    "remote_addresses, remote_addresses_file, geoip, asns or expression%s",
		    tree_get(node, "verify_dns") != NULL
			? "; with verify_dns alone every visitor's name would be asked for"
			: "");
	if (!action_read(node, &r->action, l->problems))
		return;
	r->adjust = read_adjust(node, r->action, l->problems);
	r->lets_through = r->action == ACTION_ALLOW || (r->action == ACTION_WEIGH && r->adjust < 0);
	shadow = schema_get(node, "shadow", TREE_BOOL, l->problems);
	r->shadow = shadow != NULL && shadow->truth;
	p->shadows |= r->shadow;
	r->close_circuit = read_close_circuit(node, r->action, l->problems);
	read_unknown(r, node, l->problems);
	read_challenge(l, r, node);
	matchers_read(&d, node);
	matcher = arena_alloc(p->arena, r->matchers * sizeof(*matcher));
	for (uint32_t i = 0; i < r->matchers; i++)
		matcher[i] = d.matcher[i];
	r->matcher = matcher;
	p->read |= r->fields;
	matchers_choose_key(&d);
	p->rules++;
}

static void
threshold_read(struct loader *l, struct threshold *t, const struct tree *node)
{
	static const struct schema_key keys[] = { { "name", SCHEMA_KNOWN },
		{ "expression", SCHEMA_KNOWN }, { "action", SCHEMA_KNOWN },
		{ "challenge", SCHEMA_KNOWN }, { "close_circuit", SCHEMA_KNOWN }, { 0 } };
	struct problems *problems = l->problems;
	const struct tree *expression, *challenge;
	uint64_t fields = 0;

	if (node->kind != TREE_MAP) {
		tree_error(problems, node, "is %s and must be a map: a threshold",
		    tree_kind_names[node->kind]);
		return;
	}
	schema_check(node, keys, problems);
	t->name = full_name(l->policy->arena, "threshold/", node, problems);
	expression = tree_get(node, "expression");
	if (expression != NULL && expression->kind != TREE_NULL)
		t->expr = expression_read(l, expression, EXPR_THRESHOLD, &fields);
	else
		tree_error(problems, node, "has no expression: write weight > 0, for example");
	if (!action_read(node, &t->action, problems))
		return;
	if (t->action == ACTION_WEIGH)
		tree_error(
		    problems, node, "a threshold cannot WEIGH: ALLOW, DENY, CHALLENGE or DRIP");
	t->close_circuit = read_close_circuit(node, t->action, problems);
	challenge = schema_get(node, "challenge", TREE_MAP, problems);
	if (t->action == ACTION_CHALLENGE && challenge != NULL)
		t->challenge = challenge_read(l, challenge);
	else if (t->action == ACTION_CHALLENGE && tree_get(node, "challenge") == NULL)
		tree_error(problems, node,
		    "CHALLENGE needs a challenge: {algorithm: fast, difficulty: 4}");
	else if (challenge != NULL)
		tree_warn(problems, challenge, "ignored: only CHALLENGE has a challenge");
}

/* The first that holds at this weight, evaluated once and for all. */
static uint8_t
holds_at(const struct site *s, struct expr_store *store, int weight)
{
	const struct expr_input in = { .weight = weight, .store = store };

	for (unsigned i = 0; i < s->thresholds; i++) {
		const struct expr *e = s->threshold[i].expr;

		if (i == THRESHOLD_NONE || expr_varies(e))
			return THRESHOLD_ASK;
		switch (expr_eval(e, &in, NULL)) {
		case EXPR_TRUE:
			return (uint8_t)i;
		case EXPR_FAILED:
		case EXPR_UNKNOWN:
			return THRESHOLD_ASK;
		case EXPR_FALSE:
			break;
		}
	}
	return THRESHOLD_NONE;
}

static void
tabulate(struct loader *l, struct site *s)
{
	struct expr_store *store;

	for (unsigned i = 0; i < s->thresholds; i++)
		if (s->threshold[i].expr == NULL)
			return;
	store = expr_store_new();
	s->at_weight = arena_alloc(l->policy->arena, THRESHOLD_WEIGHTS);
	for (int i = 0; i < THRESHOLD_WEIGHTS; i++)
		s->at_weight[i] = holds_at(s, store, THRESHOLD_FROM + i);
	expr_store_free(store);
}

void
thresholds_read(struct loader *l, struct site *s, const struct tree *list)
{
	struct arena *a = l->policy->arena;
	const unsigned count = list == NULL ? 0 : list->count;

	s->threshold = arena_alloc(a, (count + 1u) * sizeof(*s->threshold));
	s->thresholds = 0;
	if (count == 0) {
		static const struct slice above = { "weight > 0", 10 };
		const struct expr_scope scope = { .place = EXPR_THRESHOLD };
		struct expr_error error;

		s->threshold[s->thresholds++] = (struct threshold){
			SLICE("threshold/legacy-anubis-behaviour"), ACTION_CHALLENGE, false,
			expr_compile(a, &scope, &above, 1, false, &error), challenge_default()
		};
	}
	for (const struct tree *n = count == 0 ? NULL : list->first; n != NULL; n = n->next)
		threshold_read(l, &s->threshold[s->thresholds++], n);
	tabulate(l, s);
}
