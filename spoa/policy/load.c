#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "base/json.h"
#include "base/memory.h"
#include "policy/rule.h"
#include "policy/schema.h"
#include "policy/site.h"

static const struct schema_key policy_keys[] = { { "bots", SCHEMA_KNOWN },
	{ "thresholds", SCHEMA_KNOWN }, { "status_codes", SCHEMA_KNOWN }, { "pass", SCHEMA_KNOWN },
	{ "evidence", SCHEMA_KNOWN }, { "dnsbl", SCHEMA_KNOWN }, { "shadow", SCHEMA_KNOWN },
	{ "databases", SCHEMA_KNOWN }, { "hosts", SCHEMA_KNOWN }, { "store", SCHEMA_IGNORED },
	{ "openGraph", SCHEMA_IGNORED }, { "impressum", SCHEMA_IGNORED },
	{ "logging", SCHEMA_IGNORED }, { "metrics", SCHEMA_IGNORED }, { "honeypot", SCHEMA_KNOWN },
	{ "dns", SCHEMA_KNOWN }, { "dns_ttl", SCHEMA_KNOWN }, { "robots", SCHEMA_KNOWN },
	{ "page", SCHEMA_KNOWN }, { 0 } };

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
	if (!schema_is_word(n->text)) {
		tree_error(problems, n, "no name of a cookie: letters, digits, - and _");
		return;
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

/* By how a pass was earned. */
static void
read_by(struct policy_settings *s, const struct tree *evidence, struct problems *problems)
{
	const struct tree *by = schema_get(evidence, "pass_by", TREE_MAP, problems);
	struct schema_key keys[METHODS + 1] = { { 0 } };

	if (by == NULL)
		return;
	for (unsigned i = 0; i < METHODS; i++) {
		keys[i] = (struct schema_key){ method_names[i], SCHEMA_KNOWN };
		s->by_weight[i] =
		    (int32_t)schema_int(by, method_names[i], INT32_MIN, INT32_MAX, 0, problems);
	}
	schema_check(by, keys, problems);
}

static void
read_evidence(struct policy_settings *s, const struct tree *root, struct problems *problems)
{
	static const struct schema_key keys[] = { { "cut", SCHEMA_KNOWN },
		{ "pass_elsewhere", SCHEMA_KNOWN }, { "pass_by", SCHEMA_KNOWN }, { 0 } };
	const struct tree *n = schema_get(root, "evidence", TREE_MAP, problems);

	if (n == NULL)
		return;
	schema_check(n, keys, problems);
	s->cut_weight =
	    (int32_t)schema_int(n, "cut", INT32_MIN, INT32_MAX, s->cut_weight, problems);
	s->mismatch_weight = (int32_t)schema_int(
	    n, "pass_elsewhere", INT32_MIN, INT32_MAX, s->mismatch_weight, problems);
	read_by(s, n, problems);
}

/* What speaks against who went where no person goes. Anubis has it on unless told otherwise; here
 * it is on where it is asked for. */
static void
read_honeypot(struct policy_settings *s, const struct tree *root, struct problems *problems)
{
	static const struct schema_key keys[] = { { "enabled", SCHEMA_KNOWN },
		{ "weight", SCHEMA_KNOWN }, { "expiry_s", SCHEMA_KNOWN },
		{ "implementation", SCHEMA_IGNORED }, { "ip_log_file", SCHEMA_IGNORED }, { 0 } };
	const struct tree *n = schema_get(root, "honeypot", TREE_MAP, problems), *enabled;

	if (n == NULL)
		return;
	schema_check(n, keys, problems);
	enabled = schema_get(n, "enabled", TREE_BOOL, problems);
	s->trap_weight =
	    (int32_t)schema_int(n, "weight", INT32_MIN, INT32_MAX, s->trap_weight, problems);
	s->trap_s = (uint32_t)schema_int(n, "expiry_s", 1, 604800, 3600, problems);
	if (enabled == NULL || !enabled->truth)
		s->trap_s = 0;
}

const char *
loader_find(struct loader *l, const struct tree *n, struct slice name, const char **why)
{
	const char **names = NULL;
	size_t found;

	*why = "no file can be read here";
	if (l->source == NULL)
		return NULL;
	found = l->source->find(l->source->context, l->scratch, n->file, name, &names, why);
	if (found > 1)
		*why = "several files match";
	return found == 1 ? names[0] : NULL;
}

/* One of `databases`; NULL: not named, or a problem. */
static struct mmdb *
open_database(struct loader *l, const struct tree *map, const char *key)
{
	const struct tree *n = schema_get(map, key, TREE_STRING, l->problems);
	const char *name, *why;
	struct mmdb *m = NULL;

	if (n == NULL)
		return NULL;
	name = loader_find(l, n, n->text, &why);
	if (name != NULL)
		m = l->source->open(l->source->context, name, &why);
	if (m == NULL)
		tree_error(
		    l->problems, n, "%.*s cannot be used: %s", (int)n->text.len, n->text.ptr, why);
	return m;
}

/* A robots.txt for crawlers: ours, or the operator's. */
static void
read_robots(struct loader *l, const struct tree *root)
{
	const struct tree *n = tree_get(root, "robots");
	struct slice file = SLICE("(data)/robots.txt");
	const char *name, *why;
	size_t bytes;
	char *text;

	if (n == NULL || n->kind == TREE_NULL || (n->kind == TREE_BOOL && !n->truth))
		return;
	if (n->kind != TREE_BOOL && n->kind != TREE_STRING) {
		tree_error(l->problems, n, "is %s and must be true, false or a file",
		    tree_kind_names[n->kind]);
		return;
	}
	if (n->kind == TREE_STRING)
		file = n->text;
	name = loader_find(l, n, file, &why);
	if (name == NULL) {
		tree_error(l->problems, n, "%.*s cannot be used: %s", (int)file.len, file.ptr, why);
		return;
	}
	text = loader_read(l, n, name, JSON_BYTES_MAX, &bytes);
	if (text == NULL)
		return;
	if (bytes > POLICY_ROBOTS_BYTES_MAX)
		tree_error(l->problems, n, "%s has more than %u bytes, which no crawler reads",
		    name, POLICY_ROBOTS_BYTES_MAX);
	else
		l->policy->settings.robots =
		    arena_copy(l->policy->arena, (struct slice){ text, bytes });
	free(text);
}

static void
read_databases(struct loader *l, const struct tree *root)
{
	static const struct schema_key keys[] = { { "country", SCHEMA_KNOWN },
		{ "asn", SCHEMA_KNOWN }, { 0 } };
	const struct tree *map = schema_get(root, "databases", TREE_MAP, l->problems);

	if (map == NULL)
		return;
	schema_check(map, keys, l->problems);
	l->policy->country_db = open_database(l, map, "country");
	l->policy->asn_db = open_database(l, map, "asn");
}

static void
seal_rules(struct policy *p)
{
	size_t words = BITSET_WORDS(p->rules);

	p->unkeyed = arena_alloc(p->arena, words * sizeof(uint64_t));
	p->unkeyed_summary = arena_alloc(p->arena, BITSET_WORDS(words) * sizeof(uint64_t));
	for (uint32_t i = 0; i < p->rules; i++)
		if (!p->rule[i].keyed)
			patset_mark(p->unkeyed, p->unkeyed_summary, i);
}

static int
by_origin(const void *x, const void *y)
{
	const struct origin *a = x, *b = y;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->rule < b->rule ? -1 : a->rule > b->rule;
}

/* Build what a verdict reads, and give each field its place in the judge's room. */
static void
seal(struct policy *p)
{
	for (unsigned i = 0; i < p->fields; i++) {
		struct field *f = &p->field[i];

		patset_seal(f->set);
		f->room_at = p->room;
		p->room += patset_room(f->set);
	}
	ipset_seal(p->addresses);
	seal_rules(p);
	if (p->asn.count > 0)
		qsort(p->asn.list, p->asn.count, sizeof(*p->asn.list), by_origin);
	if (p->country.count > 0)
		qsort(p->country.list, p->country.count, sizeof(*p->country.list), by_origin);
	ask_seal(p);
}

static struct policy *
policy_new(void)
{
	struct policy *p = xcalloc(1, sizeof(*p));

	p->arena = arena_new();
	p->addresses = ipset_new(p->arena);
	memset(p->field_at, -1, sizeof(p->field_at));
	p->settings = (struct policy_settings){ .status_challenge = 403,
		.status_deny = 403,
		.cookie = "ammit",
		.binding = BINDING_NET,
		.pass_s = 7 * 24 * 3600,
		.cut_weight = 10,
		.mismatch_weight = 10,
		.trap_weight = 30,
		.dns_budget_ms = 20 };
	return p;
}

static void
read_policy(struct loader *l, const struct tree *root, const struct opened *in)
{
	struct policy_settings *s = &l->policy->settings;

	if (root->kind != TREE_MAP) {
		tree_error(l->problems, root, "is %s and must be a map with `bots` in it",
		    tree_kind_names[root->kind]);
		return;
	}
	schema_check(root, policy_keys, l->problems);
	read_status(s, root, l->problems);
	read_pass(s, root, l->problems);
	read_evidence(s, root, l->problems);
	read_honeypot(s, root, l->problems);
	read_databases(l, root);
	read_robots(l, root);
	dns_read(l, root, in);
	sites_read(l, root, in);
}

/* Of a blocklist, or a list of them, as `dnsbl` imports it. */
static bool
is_description(const struct tree *n)
{
	if (n->kind == TREE_LIST && n->first != NULL)
		n = n->first;
	return n->kind == TREE_MAP && tree_get(n, "zone") != NULL;
}

/* A policy, or what an import names. */
static void
read_any(struct loader *l, const struct tree *root, const struct opened *in)
{
	const struct tree *first = root;

	while (first->kind == TREE_NULL && first->next != NULL)
		first = first->next;
	if (is_description(first)) {
		descriptions_read(l, root);
		sites_none(l);
	} else if (first->kind == TREE_LIST) {
		documents_read(l, root, in);
		sites_none(l);
	} else {
		read_policy(l, root, in);
	}
}

typedef void reader(struct loader *l, const struct tree *root, const struct opened *in);

static struct policy *
load(const char *file, struct slice text, const struct source *source, struct problems *problems,
    reader *read)
{
	const size_t errors = problems->errors;
	struct loader l = { policy_new(), source, problems, arena_new(), 0 };
	const struct opened in = { file, NULL, 0 };
	const struct tree *root = document_parse(l.scratch, file, text, problems);

	if (root != NULL)
		read(&l, root, &in);
	arena_free(l.scratch);
	if (root == NULL || problems->errors > errors) {
		policy_free(l.policy);
		return NULL;
	}
	seal(l.policy);
	return l.policy;
}

struct policy *
policy_load(
    const char *file, struct slice text, const struct source *source, struct problems *problems)
{
	return load(file, text, source, problems, read_policy);
}

struct policy *
policy_load_any(
    const char *file, struct slice text, const struct source *source, struct problems *problems)
{
	return load(file, text, source, problems, read_any);
}
