#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "base/json.h"
#include "base/text.h"
#include "policy/rule.h"
#include "policy/schema.h"

#define DRONEBL "dnsbl.dronebl.org"
#define DRONEBL_FILE "(data)/dnsbl/dronebl.yaml"
#define CODE_NAME_MAX 80u
#define TTL_MAX_S 604800

/* What a listing does, while a zone is read. */
static bool
read_action(const struct tree *map, enum action *out, struct problems *p)
{
	const struct tree *n = schema_get(map, "action", TREE_STRING, p);

	if (n == NULL)
		return false;
	for (unsigned i = 0; i < ACTIONS; i++) {
		if (i == ACTION_ALLOW || !slice_equal(n->text, slice_of(action_names[i])))
			continue;
		*out = (enum action)i;
		return true;
	}
	tree_error(p, n, "must be WEIGH, CHALLENGE, DENY or DRIP: a listing lets nobody through");
	return false;
}

/* A word of a rule's name: it goes into variables, headers and logs. False with a problem. */
static bool
read_name(const struct tree *n, struct problems *p)
{
	if (n->text.len == 0 || n->text.len > CODE_NAME_MAX) {
		tree_error(p, n, "must have 1 to %u characters", CODE_NAME_MAX);
		return false;
	}
	for (size_t i = 0; i < n->text.len; i++) {
		unsigned char c = (unsigned char)n->text.ptr[i];

		if (c >= 0x20 && c != 0x7f)
			continue;
		tree_error(p, n, "no control characters in a name");
		return false;
	}
	return true;
}

static struct slice
rule_name(struct arena *a, const struct zone *z, struct slice code)
{
	char buf[DNS_NAME_MAX + 2 * CODE_NAME_MAX + 16];
	struct text t = { .buf = buf, .cap = sizeof(buf) };

	text_put(&t, SLICE("dnsbl/"));
	text_put(&t, z->name);
	if (code.len > 0) {
		text_byte(&t, '/');
		text_put(&t, code);
	}
	return arena_copy(a, text_slice(&t));
}

/* What is listed with a code that nobody names weighs nothing. */
static void
name_otherwise(struct policy *p, struct zone *z)
{
	z->otherwise = (struct zone_code){ .name = SLICE("listed"), .action = ACTION_WEIGH };
	z->otherwise.rule = rule_name(p->arena, z, (struct slice){ NULL, 0 });
}

/* What stands behind a code: a weight, or a map of weight, name and action. */
static void
read_what(struct loader *l, const struct zone *z, const struct tree *n, enum action otherwise,
    struct slice number, struct zone_code *out)
{
	static const struct schema_key keys[] = { { "weight", SCHEMA_KNOWN },
		{ "name", SCHEMA_KNOWN }, { "action", SCHEMA_KNOWN }, { 0 } };
	struct problems *p = l->problems;
	const struct tree *name = NULL;

	out->action = otherwise;
	if (n->kind == TREE_MAP) {
		schema_check(n, keys, p);
		out->weight = (int32_t)schema_int(n, "weight", INT16_MIN, INT16_MAX, 0, p);
		read_action(n, &out->action, p);
		name = schema_get(n, "name", TREE_STRING, p);
		if (name != NULL && !read_name(name, p))
			name = NULL;
		if (out->action == ACTION_WEIGH && tree_get(n, "weight") == NULL)
			tree_error(p, n, "has no weight");
	} else if (n->kind == TREE_NUMBER && n->number >= INT16_MIN && n->number <= INT16_MAX &&
		   n->number == (double)(int32_t)n->number) {
		out->weight = (int32_t)n->number;
	} else {
		tree_error(p, n, "must be a weight, from %d to %d, or {weight: 30, name: …}",
		    INT16_MIN, INT16_MAX);
	}
	if (out->action != ACTION_WEIGH)
		out->weight = 0;
	out->name = arena_copy(l->policy->arena, name != NULL ? name->text : number);
	out->rule = rule_name(l->policy->arena, z, out->name);
}

/* "127.0.0.9". False with a problem. */
static bool
read_code(const struct zone *z, const struct tree *n, uint8_t out[4], struct problems *p)
{
	struct address a;

	if (!address_parse(n->key, &a) || a.family != 4 || a.bytes[0] != 127) {
		tree_error(p, n, "no answer of a blocklist: 127.0.0.9 and the like, or default");
		return false;
	}
	if (a.bytes[1] == 255 && a.bytes[2] == 255) {
		tree_error(
		    p, n, "is how a blocklist refuses to answer: it never counts as a listing");
		return false;
	}
	for (unsigned i = 0; i < z->codes; i++) {
		if (memcmp(z->code[i].code, a.bytes, 4) != 0)
			continue;
		tree_error(p, n, "stands here twice");
		return false;
	}
	memcpy(out, a.bytes, 4);
	return true;
}

static void
read_codes(struct loader *l, struct zone *z, const struct tree *map, enum action action)
{
	for (const struct tree *n = map->first; n != NULL; n = n->next) {
		if (slice_equal_nocase(n->key, SLICE("default"))) {
			read_what(l, z, n, action, SLICE("other"), &z->otherwise);
		} else if (z->codes == ZONE_CODES_MAX) {
			tree_error(
			    l->problems, n, "more than %u codes of one zone", ZONE_CODES_MAX);
			return;
		} else if (read_code(z, n, z->code[z->codes].code, l->problems)) {
			read_what(l, z, n, action, n->key, &z->code[z->codes]);
			z->codes++;
		}
	}
}

static void
read_types(struct zone *z, const struct tree *map, struct problems *p)
{
	const struct tree *list = schema_get(map, "types", TREE_LIST, p);

	z->v4 = z->v6 = list == NULL;
	for (const struct tree *n = list == NULL ? NULL : list->first; n != NULL; n = n->next) {
		if (slice_equal(n->text, SLICE("A")))
			z->v4 = true;
		else if (slice_equal(n->text, SLICE("AAAA")))
			z->v6 = true;
		else
			tree_error(p, n, "must be A (IPv4 clients) or AAAA (IPv6 clients)");
	}
	if (list != NULL && list->count == 0)
		tree_error(p, list, "is empty: [A], [AAAA] or both");
}

static void
read_ttl(struct zone *z, const struct tree *map, struct problems *p)
{
	static const struct schema_key keys[] = { { "min_s", SCHEMA_KNOWN },
		{ "max_s", SCHEMA_KNOWN }, { 0 } };
	const struct tree *n = schema_get(map, "ttl", TREE_MAP, p);

	if (n == NULL)
		return;
	schema_check(n, keys, p);
	z->ttl_min_s = (uint32_t)schema_int(n, "min_s", 1, TTL_MAX_S, 0, p);
	z->ttl_max_s = (uint32_t)schema_int(n, "max_s", 1, TTL_MAX_S, 0, p);
	if (z->ttl_max_s != 0 && z->ttl_min_s > z->ttl_max_s)
		tree_error(p, n, "min_s is more than max_s");
}

/* Room for one more of that zone; NULL with *why. A zone that only expressions asked becomes one
 * that weighs. */
static struct zone *
new_zone(struct policy *p, struct slice name, bool weighs, const char **why)
{
	char store[DNS_NAME_MAX + 1];
	struct slice normal = dns_name_normal(name, store);
	struct zone *z;

	*why = "no name of a zone: bl.example.org";
	if (normal.len == 0 || normal.len > DNS_NAME_MAX - 64)
		return NULL;
	for (unsigned i = 0; i < p->zones; i++) {
		z = p->zone[i];
		if (!slice_equal(z->zone, normal))
			continue;
		*why = "stands here twice";
		return weighs && z->weighs ? NULL : z;
	}
	*why = "more than 16 zones in one policy";
	if (p->zones == ZONES_MAX)
		return NULL;
	z = arena_alloc(p->arena, sizeof(*z));
	z->zone = z->name = arena_copy(p->arena, normal);
	z->v4 = z->v6 = true;
	p->zone[p->zones++] = z;
	return z;
}

int
policy_add_zone(struct policy *p, struct slice name, const char **why)
{
	struct zone *z = new_zone(p, name, false, why);

	if (z != NULL && z->otherwise.rule.len == 0)
		name_otherwise(p, z);
	for (unsigned i = 0; i < p->zones; i++)
		if (p->zone[i] == z)
			return (int)i;
	return -1;
}

static void
read_zone(struct loader *l, const struct tree *map)
{
	static const struct schema_key keys[] = { { "zone", SCHEMA_KNOWN },
		{ "name", SCHEMA_KNOWN }, { "types", SCHEMA_KNOWN }, { "codes", SCHEMA_KNOWN },
		{ "action", SCHEMA_KNOWN }, { "ttl", SCHEMA_KNOWN }, { 0 } };
	struct problems *p = l->problems;
	const struct tree *name, *zone, *codes;
	enum action action = ACTION_WEIGH;
	const char *why;
	struct zone *z;

	schema_check(map, keys, p);
	zone = schema_get(map, "zone", TREE_STRING, p);
	if (zone == NULL) {
		if (tree_get(map, "zone") == NULL)
			tree_error(p, map, "has no zone: write zone: bl.example.org");
		return;
	}
	z = new_zone(l->policy, zone->text, true, &why);
	if (z == NULL) {
		tree_error(p, zone, "%s", why);
		return;
	}
	z->weighs = true;
	name = schema_get(map, "name", TREE_STRING, p);
	if (name != NULL && read_name(name, p))
		z->name = arena_copy(l->policy->arena, name->text);
	read_types(z, map, p);
	read_ttl(z, map, p);
	read_action(map, &action, p);
	codes = schema_get(map, "codes", TREE_MAP, p);
	if (codes != NULL)
		read_codes(l, z, codes, action);
	if (z->otherwise.rule.len == 0)
		name_otherwise(l->policy, z);
	if (codes != NULL && codes->count > 0)
		return;
	if (action == ACTION_WEIGH)
		tree_error(p, map, "weighs nothing: write codes: {default: 20}, or an action");
	z->otherwise.action = action; /* any listing, then */
}

void
descriptions_read(struct loader *l, const struct tree *document)
{
	for (; document != NULL; document = document->next) {
		const struct tree *n = document;

		if (n->kind == TREE_NULL)
			continue;
		if (n->kind == TREE_LIST)
			n = n->first;
		for (; n != NULL; n = document->kind == TREE_LIST ? n->next : NULL) {
			if (n->kind != TREE_MAP || tree_get(n, "import") != NULL)
				tree_error(l->problems, n,
				    "must be a description of a blocklist: {zone: …, codes: {…}}");
			else
				read_zone(l, n);
		}
	}
}

static void
read_file(struct loader *l, const struct tree *node, const char *name)
{
	const unsigned before = l->policy->zones;
	const size_t errors = l->problems->errors;
	size_t bytes;
	char *text = loader_read(l, node, name, JSON_BYTES_MAX, &bytes);

	if (text == NULL)
		return;
	descriptions_read(
	    l, document_parse(l->scratch, name, (struct slice){ text, bytes }, l->problems));
	free(text);
	if (l->policy->zones == before && l->problems->errors == errors)
		tree_error(l->problems, node, "%s describes no blocklist", name);
}

static void
read_import(struct loader *l, const struct tree *node, const struct opened *in)
{
	const char **names = NULL;
	size_t count;
	const struct tree *what = import_find(l, node, in, &names, &count);

	for (size_t i = 0; i < count && l->files++ < ZONES_MAX * 4; i++)
		read_file(l, what, names[i]);
}

static void
deny(struct zone_code *c)
{
	c->action = ACTION_DENY;
	c->weight = 0;
}

/* `dnsbl: true`: as it was when the idea was born, DroneBL, and whoever is listed is denied. */
static void
read_true(struct loader *l, const struct tree *node)
{
	const char **names = NULL, *why;
	struct zone *z;

	if (l->source != NULL && l->source->find(l->source->context, l->scratch, NULL,
				     SLICE(DRONEBL_FILE), &names, &why) == 1)
		read_file(l, node, names[0]);
	z = new_zone(l->policy, SLICE(DRONEBL), false, &why);
	if (z == NULL)
		return;
	z->weighs = z->over_allow = true;
	if (z->otherwise.rule.len == 0)
		name_otherwise(l->policy, z);
	deny(&z->otherwise);
	for (unsigned i = 0; i < z->codes; i++)
		deny(&z->code[i]);
}

static void
read_dnsbl(struct loader *l, const struct tree *root, const struct opened *in)
{
	const struct tree *node = tree_get(root, "dnsbl");

	if (node == NULL || node->kind == TREE_NULL)
		return;
	if (node->kind == TREE_BOOL) {
		if (node->truth)
			read_true(l, node);
		return;
	}
	if (node->kind != TREE_LIST) {
		tree_error(l->problems, node,
		    "is %s and must be true, false or a list of blocklists",
		    tree_kind_names[node->kind]);
		return;
	}
	for (const struct tree *n = node->first; n != NULL; n = n->next) {
		const struct tree *import = n->kind == TREE_MAP ? tree_get(n, "import") : NULL;

		if (n->kind != TREE_MAP)
			tree_error(l->problems, n, "is %s and must be a map: {zone: …, codes: {…}}",
			    tree_kind_names[n->kind]);
		else if (import != NULL && import->kind != TREE_NULL)
			read_import(l, n, in);
		else
			read_zone(l, n);
	}
}

static void
read_never(struct loader *l, const struct tree *map)
{
	const struct tree *list = schema_get(map, "never", TREE_LIST, l->problems);
	struct policy *p = l->policy;

	if (list == NULL || list->count == 0)
		return;
	p->never = ipset_new(p->arena);
	for (const struct tree *n = list->first; n != NULL; n = n->next) {
		struct prefix prefix;
		const char *why = "must be a prefix in a string";

		if (n->kind != TREE_STRING || !prefix_parse(n->text, &prefix, &why))
			tree_error(l->problems, n, "%s", why);
		else if (!ipset_add(p->never, &prefix, 0))
			tree_error(l->problems, n, "more than %u prefixes", IPSET_PREFIXES_MAX);
	}
	ipset_seal(p->never);
}

void
dns_read(struct loader *l, const struct tree *root, const struct opened *in)
{
	static const struct schema_key dns_keys[] = { { "budget_ms", SCHEMA_KNOWN },
		{ "never", SCHEMA_KNOWN }, { 0 } };
	static const struct schema_key ttl_keys[] = { { "forward", SCHEMA_KNOWN },
		{ "reverse", SCHEMA_KNOWN }, { 0 } };
	struct policy_settings *s = &l->policy->settings;
	struct problems *p = l->problems;
	const struct tree *dns = schema_get(root, "dns", TREE_MAP, p);
	const struct tree *ttl = schema_get(root, "dns_ttl", TREE_MAP, p);

	if (dns != NULL) {
		schema_check(dns, dns_keys, p);
		s->dns_budget_ms =
		    (uint32_t)schema_int(dns, "budget_ms", 0, 1000, s->dns_budget_ms, p);
		read_never(l, dns);
	}
	if (ttl != NULL) {
		schema_check(ttl, ttl_keys, p);
		s->dns_forward_s = (uint32_t)schema_int(ttl, "forward", 0, TTL_MAX_S, 0, p);
		s->dns_reverse_s = (uint32_t)schema_int(ttl, "reverse", 0, TTL_MAX_S, 0, p);
	}
	read_dnsbl(l, root, in);
}

bool
policy_may_ask(const struct policy *p, const struct address *client)
{
	return address_is_public(client) && (p->never == NULL || ipset_find(p->never, client) == 0);
}
