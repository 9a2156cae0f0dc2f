#include <stdio.h>
#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "policy/addrlist.h"
#include "policy/rule.h"
#include "policy/schema.h"

#define HEADER_NAME_MAX 64u
#define SUFFIXES_MAX 32u
#define FORGED_WEIGHT 20
#define FORGED "/forged"

struct patset *
policy_patset(struct policy *p, unsigned field)
{
	if (p->field_at[field] < 0) {
		p->field_at[field] = (int8_t)p->fields;
		p->field[p->fields++] = (struct field){ .field = (uint8_t)field,
			.set = patset_new(p->arena, &p->limits) };
	}
	return p->field[p->field_at[field]].set;
}

int
policy_add_header(struct policy *p, struct slice name, const char **why)
{
	char low[HEADER_NAME_MAX], canonical[HEADER_NAME_MAX];
	bool first = true;

	if (slice_equal_nocase(name, SLICE("User-Agent")))
		return REQUEST_USER_AGENT;
	for (unsigned i = 0; i < p->headers; i++)
		if (slice_equal_nocase(p->header[i], name))
			return REQUEST_HEADER + (int)i;
	*why = "no name of a header: letters, digits, - and _, at most 64";
	/* It becomes part of the HAProxy configuration: of a token (RFC 9110, 5.6.2) no more. */
	if (name.len > HEADER_NAME_MAX || !schema_is_word(name))
		return REQUEST_FIELD_NONE;
	*why = "the policy reads more than 48 headers";
	if (p->headers == REQUEST_HEADERS_MAX)
		return REQUEST_FIELD_NONE;
	for (size_t i = 0; i < name.len; i++) {
		low[i] = ascii_lower(name.ptr[i]);
		canonical[i] = low[i];
		if (first && low[i] >= 'a' && low[i] <= 'z')
			canonical[i] = (char)(low[i] - ('a' - 'A'));
		first = low[i] == '-';
	}
	p->header[p->headers] = arena_copy(p->arena, (struct slice){ low, name.len });
	p->canonical[p->headers] = arena_copy(p->arena, (struct slice){ canonical, name.len });
	return REQUEST_HEADER + (int)p->headers++;
}

static void
add_matcher(struct draft *d, struct matcher m)
{
	const bool looks = m.kind == MATCHER_PATTERN || m.kind == MATCHER_PRESENT;

	for (uint32_t i = 0; i < d->rule->matchers && looks; i++) {
		const struct matcher *have = &d->matcher[i];

		if (have->kind == m.kind && have->field == m.field && have->pattern == m.pattern)
			return;
	}
	d->matcher[d->rule->matchers++] = m;
	if (looks)
		d->rule->fields |= (uint64_t)1 << m.field;
}

/* `what` is wrong with a regex, where in it, and what to write instead. */
static void
say_regex(struct problems *p, const struct tree *n, const char *what,
    const struct regex_notes *notes, const char *because)
{
	char at[40] = "";

	if (notes->has_offset)
		snprintf(at, sizeof(at), " at offset %zu", notes->offset);
	tree_error(p, n, "%s%s%s%s%s", what, at, because, notes->rewrite == NULL ? "" : ": ",
	    notes->rewrite == NULL ? "" : notes->rewrite);
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
	id = patset_add(policy_patset(d->policy, field), slice_trim(n->text), &notes);
	if (id == PATSET_NONE) {
		say_regex(d->problems, n, notes.why, &notes, "");
		return;
	}
	if (notes.unportable != NULL)
		say_regex(d->problems, n, notes.unportable, &notes,
		    ": the regexes of policies (Go's, RE2) have none");
	add_matcher(
	    d, (struct matcher){ .kind = MATCHER_PATTERN, .field = (uint8_t)field, .pattern = id });
}

static void
read_headers(struct draft *d, const struct tree *map)
{
	for (const struct tree *n = map->first; n != NULL; n = n->next) {
		const char *why;
		int field;

		if (n->kind != TREE_STRING && !n->plain) {
			tree_error(d->problems, n, "is %s and must be a regex in a string",
			    tree_kind_names[n->kind]);
			continue;
		}
		if (slice_equal_nocase(n->key, SLICE("Host"))) {
			tree_warn(d->problems, n,
			    "never matches, as in Anubis: Host is not among the headers");
			add_matcher(d, (struct matcher){ .kind = MATCHER_NEVER });
			continue;
		}
		field = policy_add_header(d->policy, n->key, &why);
		if (field == REQUEST_FIELD_NONE)
			tree_error(d->problems, n, "%s", why);
		else if (slice_equal(n->text, SLICE(".*")))
			add_matcher(d,
			    (struct matcher){ .kind = MATCHER_PRESENT, .field = (uint8_t)field });
		else
			read_pattern(d, n, (unsigned)field);
	}
}

static bool
take_prefix(void *context, const struct prefix *p)
{
	struct draft *d = context;

	return ipset_add(d->policy->addresses, p, d->policy->rules);
}

static void
read_addresses(struct draft *d, const struct tree *list)
{
	for (const struct tree *n = list->first; n != NULL; n = n->next) {
		struct prefix prefix;
		const char *why;

		d->has_address = true;
		if (n->kind != TREE_STRING)
			tree_error(d->problems, n, "is %s and must be a prefix in a string",
			    tree_kind_names[n->kind]);
		else if (!prefix_parse(n->text, &prefix, &why))
			tree_error(d->problems, n, "%s", why);
		else if (!take_prefix(d, &prefix))
			tree_error(d->problems, n, "more than %u prefixes in one policy",
			    IPSET_PREFIXES_MAX);
	}
}

/* The files that `n` names, each a list of addresses. */
static void
read_address_file(struct draft *d, const struct tree *n)
{
	struct loader *l = d->loader;
	const char **names = NULL, *why = "";
	size_t count;

	d->has_address = true;
	if (n->kind != TREE_STRING && !n->plain) {
		tree_error(d->problems, n, "is %s and must be the name of a file",
		    tree_kind_names[n->kind]);
		return;
	}
	if (l->source == NULL) {
		tree_error(d->problems, n, "no file can be read here");
		return;
	}
	count = l->source->find(l->source->context, l->scratch, n->file, n->text, &names, &why);
	if (count == 0)
		tree_error(d->problems, n, "%s", why);
	for (size_t i = 0; i < count; i++) {
		size_t bytes;
		char *text = loader_read(l, n, names[i], JSON_BYTES_MAX, &bytes);

		if (text != NULL)
			addrlist_read(
			    names[i], (struct slice){ text, bytes }, take_prefix, d, d->problems);
		free(text);
	}
}

static int
by_number(const void *x, const void *y)
{
	uint32_t a = *(const uint32_t *)x, b = *(const uint32_t *)y;

	return a < b ? -1 : a > b;
}

/* The one of a list of countries or networks that `n` is, 0 with a problem if it is none. */
static uint32_t
origin_number(struct draft *d, const struct tree *n, bool country)
{
	char code[2];

	if (!country) {
		if (n->kind == TREE_NUMBER && n->number >= 1 && n->number <= UINT32_MAX &&
		    n->number == (double)(uint32_t)n->number)
			return (uint32_t)n->number;
		tree_error(d->problems, n, "no number of a network: 1 to 4294967295, without AS");
		return 0;
	}
	if ((n->kind == TREE_STRING || n->plain) && n->text.len == 2) {
		code[0] = (char)(ascii_lower(n->text.ptr[0]) - ('a' - 'A'));
		code[1] = (char)(ascii_lower(n->text.ptr[1]) - ('a' - 'A'));
		if (country_number(code) != 0)
			return country_number(code);
	}
	tree_error(d->problems, n, "no country: two letters (ISO 3166), as DE");
	return 0;
}

/* geoip: {countries: […]} and asns: {match: […]}. */
static void
read_origins(struct draft *d, const struct tree *node, bool country)
{
	static const struct schema_key keys[2][2] = { { { "match", SCHEMA_KNOWN }, { 0 } },
		{ { "countries", SCHEMA_KNOWN }, { 0 } } };
	const struct tree *map =
	    schema_get(node, country ? "geoip" : "asns", TREE_MAP, d->problems);
	const struct tree *list;
	struct matcher m = { .kind = country ? MATCHER_COUNTRY : MATCHER_ASN };
	uint32_t *number;

	if (map == NULL)
		return;
	schema_check(map, keys[country], d->problems);
	list = schema_get(map, country ? "countries" : "match", TREE_LIST, d->problems);
	if (list == NULL || list->count == 0) {
		tree_error(d->problems, map,
		    country ? "needs countries: [DE, …]" : "needs match: [64500, …]");
		return;
	}
	number = arena_alloc(d->policy->arena, list->count * sizeof(*number));
	for (const struct tree *n = list->first; n != NULL; n = n->next)
		number[m.origins++] = origin_number(d, n, country);
	qsort(number, m.origins, sizeof(*number), by_number);
	m.origin = number;
	add_matcher(d, m);
	if ((country ? d->policy->country_db : d->policy->asn_db) != NULL)
		return;
	/* As in Anubis without its service: nobody is known to be from anywhere. */
	tree_warn(d->problems, map,
	    "the whole rule is skipped: name a database with databases: {%s: FILE.mmdb}",
	    country ? "country" : "asn");
}

/* ".googlebot.com"; an empty slice with a problem. */
static struct slice
read_suffix(struct draft *d, const struct tree *n)
{
	char store[1 + DNS_NAME_MAX + 1];
	struct slice name = { NULL, 0 };

	if (n->kind != TREE_STRING && !n->plain) {
		tree_error(d->problems, n, "is %s and must be the end of a name: .googlebot.com",
		    tree_kind_names[n->kind]);
		return name;
	}
	if (n->text.len < 2 || n->text.ptr[0] != '.') {
		tree_error(d->problems, n,
		    "must begin with a dot, or notgooglebot.com would do, too: .%.*s",
		    (int)n->text.len, n->text.ptr);
		return name;
	}
	store[0] = '.';
	name = dns_name_normal((struct slice){ n->text.ptr + 1, n->text.len - 1 }, store + 1);
	if (name.len == 0 || n->text.len > DNS_NAME_MAX) {
		tree_error(d->problems, n, "no name of a host");
		return (struct slice){ NULL, 0 };
	}
	return arena_copy(d->policy->arena, (struct slice){ store, name.len + 1 });
}

static void
read_verify(struct draft *d, const struct tree *node)
{
	static const struct schema_key keys[] = { { "suffixes", SCHEMA_KNOWN },
		{ "forged", SCHEMA_KNOWN }, { 0 } };
	const struct tree *map = schema_get(node, "verify_dns", TREE_MAP, d->problems), *list;
	struct arena *a = d->policy->arena;
	struct verify *v;
	struct slice *suffix;
	char *name;

	if (map == NULL)
		return;
	schema_check(map, keys, d->problems);
	list = schema_get(map, "suffixes", TREE_LIST, d->problems);
	if (list == NULL || list->count == 0 || list->count > SUFFIXES_MAX) {
		tree_error(
		    d->problems, map, "needs suffixes: [.googlebot.com, …], 1 to %u", SUFFIXES_MAX);
		return;
	}
	v = arena_alloc(a, sizeof(*v));
	suffix = arena_alloc(a, list->count * sizeof(*suffix));
	for (const struct tree *n = list->first; n != NULL; n = n->next)
		suffix[v->suffixes++] = read_suffix(d, n);
	v->suffix = suffix;
	v->forged = (int32_t)schema_int(map, "forged", 0, INT16_MAX, FORGED_WEIGHT, d->problems);
	name = arena_alloc(a, d->rule->name.len + sizeof(FORGED));
	memcpy(name, d->rule->name.ptr, d->rule->name.len);
	memcpy(name + d->rule->name.len, FORGED, sizeof(FORGED) - 1);
	v->forged_name = (struct slice){ name, d->rule->name.len + sizeof(FORGED) - 1 };
	add_matcher(d, (struct matcher){ .kind = MATCHER_VERIFY, .verify = v });
}

void
matchers_read(struct draft *d, const struct tree *node)
{
	struct problems *p = d->problems;
	const struct tree *agent = schema_get(node, "user_agent_regex", TREE_STRING, p);
	const struct tree *path = schema_get(node, "path_regex", TREE_STRING, p);
	const struct tree *query = schema_get(node, "query_regex", TREE_STRING, p);
	const struct tree *headers = schema_get(node, "headers_regex", TREE_MAP, p);
	const struct tree *addresses = schema_get(node, "remote_addresses", TREE_LIST, p);
	const struct tree *file = tree_get(node, "remote_addresses_file");
	const struct tree *expression = tree_get(node, "expression");

	if (addresses != NULL)
		read_addresses(d, addresses);
	if (file != NULL && file->kind == TREE_LIST)
		for (const struct tree *n = file->first; n != NULL; n = n->next)
			read_address_file(d, n);
	else if (file != NULL && file->kind != TREE_NULL)
		read_address_file(d, file);
	if (agent != NULL)
		read_pattern(d, agent, REQUEST_USER_AGENT);
	if (path != NULL)
		read_pattern(d, path, REQUEST_PATH);
	if (query != NULL)
		read_pattern(d, query, REQUEST_QUERY);
	if (headers != NULL)
		read_headers(d, headers);
	read_origins(d, node, false);
	read_origins(d, node, true);
	if (expression != NULL && expression->kind != TREE_NULL) {
		const struct expr *e =
		    expression_read(d->loader, expression, EXPR_RULE, &d->rule->fields);

		if (e != NULL)
			add_matcher(d, (struct matcher){ .kind = MATCHER_EXPR, .expr = e });
	}
	read_verify(d, node);
	if (agent != NULL && path != NULL)
		tree_warn(p, path,
		    "not portable: Anubis refuses user_agent_regex and path_regex in one rule "
		    "(both must match here)");
}

static bool
key_by_pattern(struct draft *d)
{
	for (uint32_t i = 0; i < d->rule->matchers; i++) {
		const struct matcher *m = &d->matcher[i];
		struct patset *set;

		if (m->kind != MATCHER_PATTERN)
			continue;
		set = policy_patset(d->policy, m->field);
		if (!patset_filtered(set, m->pattern))
			continue;
		patset_own(set, m->pattern, d->policy->rules);
		return true;
	}
	return false;
}

static bool
key_by_expression(struct draft *d)
{
	for (uint32_t i = 0; i < d->rule->matchers; i++) {
		const struct expr_key *key;
		unsigned count, filtered = 0;

		if (d->matcher[i].kind != MATCHER_EXPR)
			continue;
		count = expr_keys(d->matcher[i].expr, &key);
		for (unsigned k = 0; k < count; k++)
			filtered +=
			    patset_filtered(policy_patset(d->policy, key[k].field), key[k].pattern);
		if (count == 0 || filtered < count)
			continue;
		for (unsigned k = 0; k < count; k++)
			patset_own(policy_patset(d->policy, key[k].field), key[k].pattern,
			    d->policy->rules);
		return true;
	}
	return false;
}

static bool
key_by_origin(struct draft *d)
{
	for (uint32_t i = 0; i < d->rule->matchers; i++) {
		const struct matcher *m = &d->matcher[i];
		struct origins *o = m->kind == MATCHER_ASN ? &d->policy->asn : &d->policy->country;

		if (m->kind != MATCHER_ASN && m->kind != MATCHER_COUNTRY)
			continue;
		o->list = xreallocarray(o->list, o->count + m->origins, sizeof(*o->list));
		for (uint32_t k = 0; k < m->origins; k++)
			o->list[o->count++] = (struct origin){ m->origin[k], d->policy->rules };
		return true;
	}
	return false;
}

void
matchers_choose_key(struct draft *d)
{
	d->rule->keyed =
	    d->has_address || key_by_pattern(d) || key_by_expression(d) || key_by_origin(d);
}
