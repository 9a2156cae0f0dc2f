#include "policy/rule.h"

#include "base/text.h"
#include "policy/schema.h"

#define NAME_MAX_BYTES 200u
#define HEADER_NAME_MAX 64u
#define DEFAULT_ADJUST 5 /* WEIGH without a `weight` block */

const char *const action_names[4] = { "ALLOW", "DENY", "CHALLENGE", "WEIGH" };

/* A rule while it is read. */
struct draft {
	struct policy *policy;
	struct rule *rule;
	struct problems *problems;
	struct matcher matcher[REQUEST_FIELDS + 2];
	bool has_address, never;
};

bool
action_read(const struct tree *map, enum action *out, struct problems *problems)
{
	const struct tree *n = schema_get(map, "action", TREE_STRING, problems);

	if (n == NULL) {
		if (tree_get(map, "action") == NULL)
			tree_error(problems, map, "has no action: ALLOW, DENY, CHALLENGE or WEIGH");
		return false;
	}
	for (unsigned i = 0; i < 4; i++) {
		if (slice_equal(n->text, slice_of(action_names[i]))) {
			*out = (enum action)i;
			return true;
		}
	}
	if (slice_equal(n->text, SLICE("DEBUG_BENCHMARK")))
		tree_error(problems, n, "DEBUG_BENCHMARK is not supported yet");
	else
		tree_error(problems, n,
		    "unknown action: ALLOW, DENY, CHALLENGE or WEIGH, in "
		    "capitals");
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

static struct field *
field_of(struct policy *p, unsigned field)
{
	for (unsigned i = 0; i < p->fields; i++)
		if (p->field[i].field == field)
			return &p->field[i];
	p->field[p->fields] =
	    (struct field){ .field = (uint8_t)field, .set = patset_new(p->arena, &p->limits) };
	return &p->field[p->fields++];
}

static void
add_matcher(struct draft *d, enum matcher_kind kind, unsigned field, uint32_t pattern)
{
	for (uint32_t i = 0; i < d->rule->matchers; i++) {
		const struct matcher *m = &d->matcher[i];

		if (m->kind == kind && m->field == field && m->pattern == pattern)
			return;
	}
	d->matcher[d->rule->matchers++] = (struct matcher){ kind, (uint8_t)field, pattern };
	d->rule->fields |= (uint64_t)1 << field;
}

static void
read_pattern(struct draft *d, const struct tree *n, unsigned field)
{
	struct regex_notes notes;
	uint32_t id;

	if (n->text.len > 0 && n->text.ptr[n->text.len - 1] == '\n') {
		tree_error(d->problems, n, "ends with a newline: in YAML write >- for >");
		return;
	}
	id = patset_add(field_of(d->policy, field)->set, slice_trim(n->text), &notes);
	if (id == PATSET_NONE && notes.has_offset)
		tree_error(d->problems, n, "%s at offset %zu", notes.why, notes.offset);
	else if (id == PATSET_NONE)
		tree_error(d->problems, n, "%s", notes.why);
	if (id == PATSET_NONE)
		return;
	if (notes.unportable != NULL)
		tree_warn(d->problems, n, "not portable, Anubis refuses it: %s at offset %zu",
		    notes.unportable, notes.offset);
	add_matcher(d, MATCHER_PATTERN, field, id);
}

/* A header's name becomes part of the HAProxy configuration: a token (RFC 9110, 5.6.2), or nothing.
 */
static bool
is_header_name(struct slice s)
{
	if (s.len == 0 || s.len > HEADER_NAME_MAX)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
			c == '-' || c == '_'))
			return false;
	}
	return true;
}

/* The field of a header, made if it is new; REQUEST_FIELD_NONE with a problem if there is no room.
 */
static int
header_field(struct draft *d, const struct tree *n)
{
	struct policy *p = d->policy;
	char low[HEADER_NAME_MAX];

	if (slice_equal_nocase(n->key, SLICE("User-Agent")))
		return REQUEST_USER_AGENT;
	for (unsigned i = 0; i < p->headers; i++)
		if (slice_equal_nocase(p->header[i], n->key))
			return REQUEST_HEADER + (int)i;
	if (!is_header_name(n->key)) {
		tree_error(d->problems, n,
		    "no name of a header: letters, digits, - and _, at most %u", HEADER_NAME_MAX);
		return REQUEST_FIELD_NONE;
	}
	if (p->headers == REQUEST_HEADERS_MAX) {
		tree_error(
		    d->problems, n, "the policy reads more than %u headers", REQUEST_HEADERS_MAX);
		return REQUEST_FIELD_NONE;
	}
	for (size_t i = 0; i < n->key.len; i++)
		low[i] = ascii_lower(n->key.ptr[i]);
	p->header[p->headers] = arena_copy(p->arena, (struct slice){ low, n->key.len });
	return REQUEST_HEADER + (int)p->headers++;
}

static void
read_headers(struct draft *d, const struct tree *map)
{
	for (const struct tree *n = map->first; n != NULL; n = n->next) {
		int field;

		if (n->kind != TREE_STRING) {
			tree_error(d->problems, n, "is %s and must be a regex in a string",
			    tree_kind_names[n->kind]);
			continue;
		}
		if (slice_equal_nocase(n->key, SLICE("Host"))) {
			tree_warn(d->problems, n,
			    "never matches, as in Anubis: Host is not among the headers");
			d->never = true;
			continue;
		}
		field = header_field(d, n);
		if (field == REQUEST_FIELD_NONE)
			continue;
		if (slice_equal(n->text, SLICE(".*")))
			add_matcher(d, MATCHER_PRESENT, (unsigned)field, 0);
		else
			read_pattern(d, n, (unsigned)field);
	}
}

static void
read_addresses(struct draft *d, const struct tree *list)
{
	for (const struct tree *n = list->first; n != NULL; n = n->next) {
		struct prefix prefix;
		const char *why;

		if (n->kind != TREE_STRING)
			tree_error(d->problems, n, "is %s and must be a prefix in a string",
			    tree_kind_names[n->kind]);
		else if (!prefix_parse(n->text, &prefix, &why))
			tree_error(d->problems, n, "%s", why);
		else if (!ipset_add(d->policy->addresses, &prefix, d->policy->rules))
			tree_error(d->problems, n, "more than %u prefixes in one policy",
			    IPSET_PREFIXES_MAX);
		d->has_address = true;
	}
}

static void
read_matchers(struct draft *d, const struct tree *node)
{
	struct problems *p = d->problems;
	const struct tree *agent = schema_get(node, "user_agent_regex", TREE_STRING, p);
	const struct tree *path = schema_get(node, "path_regex", TREE_STRING, p);
	const struct tree *headers = schema_get(node, "headers_regex", TREE_MAP, p);
	const struct tree *addresses = schema_get(node, "remote_addresses", TREE_LIST, p);

	if (addresses != NULL)
		read_addresses(d, addresses);
	if (agent != NULL)
		read_pattern(d, agent, REQUEST_USER_AGENT);
	if (path != NULL)
		read_pattern(d, path, REQUEST_PATH);
	if (headers != NULL)
		read_headers(d, headers);
	if (agent != NULL && path != NULL)
		tree_warn(p, path,
		    "not portable: Anubis refuses user_agent_regex and path_regex in "
		    "one rule (both must match here)");
}

static bool
has_matcher(const struct tree *node)
{
	static const char *const keys[] = { "user_agent_regex", "path_regex", "headers_regex",
		"remote_addresses", "expression", "geoip", "asns", "remote_addresses_file" };

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

/* Bind the rule to its key, or note that it has none. */
static void
choose_key(struct draft *d)
{
	struct policy *p = d->policy;
	uint32_t number = p->rules;

	if (d->has_address || d->never)
		return;
	for (uint32_t i = 0; i < d->rule->matchers; i++) {
		const struct matcher *m = &d->matcher[i];

		if (m->kind != MATCHER_PATTERN)
			continue;
		if (patset_filtered(field_of(p, m->field)->set, m->pattern)) {
			patset_own(field_of(p, m->field)->set, m->pattern, number);
			return;
		}
	}
	p->unkeyed[number / 64] |= (uint64_t)1 << number % 64;
}

static const struct schema_key rule_keys[] = { { "name", SCHEMA_KNOWN }, { "action", SCHEMA_KNOWN },
	{ "user_agent_regex", SCHEMA_KNOWN }, { "path_regex", SCHEMA_KNOWN },
	{ "headers_regex", SCHEMA_KNOWN }, { "remote_addresses", SCHEMA_KNOWN },
	{ "weight", SCHEMA_KNOWN }, { "challenge", SCHEMA_KNOWN }, { "import", SCHEMA_UNSUPPORTED },
	{ "expression", SCHEMA_UNSUPPORTED }, { "geoip", SCHEMA_UNSUPPORTED },
	{ "asns", SCHEMA_UNSUPPORTED }, { "remote_addresses_file", SCHEMA_UNSUPPORTED }, { 0 } };

void
rule_read(struct policy *p, const struct tree *node, struct problems *problems)
{
	struct rule *r = &p->rule[p->rules];
	struct draft d = { .policy = p, .rule = r, .problems = problems };
	struct matcher *matcher;
	const struct tree *challenge;

	if (node->kind != TREE_MAP) {
		tree_error(
		    problems, node, "is %s and must be a map: a rule", tree_kind_names[node->kind]);
		return;
	}
	schema_check(node, rule_keys, problems);
	if (tree_get(node, "import") != NULL)
		return;
	r->name = full_name(p->arena, "bot/", node, problems);
	if (!has_matcher(node))
		tree_error(problems, node,
		    "matches on nothing: give user_agent_regex, path_regex, "
		    "headers_regex or remote_addresses");
	if (!action_read(node, &r->action, problems))
		return;
	r->adjust = read_adjust(node, r->action, problems);
	r->lets_through = r->action == ACTION_ALLOW || (r->action == ACTION_WEIGH && r->adjust < 0);
	challenge = schema_get(node, "challenge", TREE_MAP, problems);
	if (challenge != NULL && r->action != ACTION_CHALLENGE)
		tree_warn(problems, challenge, "ignored: only CHALLENGE has a challenge");
	else if (r->action == ACTION_CHALLENGE)
		r->challenge =
		    challenge == NULL ? challenge_default() : challenge_read(challenge, problems);
	read_matchers(&d, node);
	matcher = arena_alloc(p->arena, r->matchers * sizeof(*matcher));
	for (uint32_t i = 0; i < r->matchers; i++)
		matcher[i] = d.matcher[i];
	r->matcher = matcher;
	p->read |= r->fields;
	choose_key(&d);
	p->rules++;
}

void
threshold_read(
    struct policy *p, struct threshold *t, const struct tree *node, struct problems *problems)
{
	static const struct schema_key keys[] = { { "name", SCHEMA_KNOWN },
		{ "expression", SCHEMA_KNOWN }, { "action", SCHEMA_KNOWN },
		{ "challenge", SCHEMA_KNOWN }, { 0 } };
	const struct tree *expression, *challenge;
	struct expr_error error;

	if (node->kind != TREE_MAP) {
		tree_error(problems, node, "is %s and must be a map: a threshold",
		    tree_kind_names[node->kind]);
		return;
	}
	schema_check(node, keys, problems);
	t->name = full_name(p->arena, "threshold/", node, problems);
	expression = schema_get(node, "expression", TREE_STRING, problems);
	if (expression != NULL) {
		t->expr = expr_compile(p->arena, expression->text, &error);
		if (t->expr == NULL)
			tree_error(
			    problems, expression, "%s at offset %zu", error.why, error.offset);
	} else if (tree_get(node, "expression") == NULL) {
		tree_error(problems, node, "has no expression: write weight > 0, for example");
	}
	if (!action_read(node, &t->action, problems))
		return;
	if (t->action == ACTION_WEIGH)
		tree_error(problems, node, "a threshold cannot WEIGH: ALLOW, DENY or CHALLENGE");
	challenge = schema_get(node, "challenge", TREE_MAP, problems);
	if (t->action == ACTION_CHALLENGE && challenge != NULL)
		t->challenge = challenge_read(challenge, problems);
	else if (t->action == ACTION_CHALLENGE && tree_get(node, "challenge") == NULL)
		tree_error(problems, node,
		    "CHALLENGE needs a challenge: {\"algorithm\": \"fast\", "
		    "\"difficulty\": 4}");
	else if (challenge != NULL)
		tree_warn(problems, challenge, "ignored: only CHALLENGE has a challenge");
}
