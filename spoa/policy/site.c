#include "policy/site.h"

#include <stdlib.h>

#include "base/host.h"
#include "policy/schema.h"

/* A name of `hosts` as requests have it: "a.example", "*.example", or "default". */
static struct slice
site_name(struct loader *l, const struct tree *n)
{
	char store[HOST_MAX];
	struct slice name = host_normal(n->key, store), rest = name;

	if (slice_starts(name, SLICE("*.")))
		rest = (struct slice){ name.ptr + 2, name.len - 2 };
	for (size_t i = 0; i < rest.len; i++) {
		char c = rest.ptr[i];

		if (c == '*' || c == '/' || c == ' ' || (unsigned char)c < 0x21) {
			tree_error(l->problems, n,
			    "no name of a host: git.example.org, *.example.org or default");
			break;
		}
	}
	if (rest.len == 0 || n->key.len > HOST_MAX)
		tree_error(l->problems, n, "no name of a host: too short or too long");
	return arena_copy(l->policy->arena, name);
}

static void
read_shadow(struct loader *l, const struct tree *map, bool *shadow)
{
	const struct tree *n = schema_get(map, "shadow", TREE_BOOL, l->problems);

	if (n != NULL)
		*shadow = n->truth;
}

static void
read_challenge(struct loader *l, const struct tree *map, struct demand *c)
{
	const struct tree *n = schema_get(map, "challenge", TREE_MAP, l->problems);

	if (n != NULL)
		*c = challenge_read(l, n);
}

/* One of `hosts`, on top of what stands beside `hosts`. */
static void
read_site(struct loader *l, struct site *s, const struct tree *n, const struct opened *in)
{
	static const struct schema_key keys[] = { { "bots", SCHEMA_KNOWN },
		{ "thresholds", SCHEMA_KNOWN }, { "challenge", SCHEMA_KNOWN },
		{ "shadow", SCHEMA_KNOWN }, { "inherit", SCHEMA_KNOWN }, { "dnsbl", SCHEMA_KNOWN },
		{ "page", SCHEMA_KNOWN }, { 0 } };
	const struct tree *bots, *thresholds, *inherit, *dnsbl;

	if (n->kind != TREE_MAP) {
		tree_error(
		    l->problems, n, "is %s and must be a map: a site", tree_kind_names[n->kind]);
		return;
	}
	schema_check(n, keys, l->problems);
	s->first = l->policy->rules;
	bots = schema_get(n, "bots", TREE_LIST, l->problems);
	if (bots != NULL)
		rules_read(l, bots, in);
	s->end = l->policy->rules;
	inherit = schema_get(n, "inherit", TREE_BOOL, l->problems);
	s->common = inherit == NULL || inherit->truth;
	if (!s->common && s->end == s->first)
		tree_warn(
		    l->problems, n, "has no rule at all: inherit is false, and there are no bots");
	dnsbl = schema_get(n, "dnsbl", TREE_BOOL, l->problems);
	s->dnsbl = dnsbl == NULL || dnsbl->truth;
	read_shadow(l, n, &s->shadow);
	read_challenge(l, n, &s->challenge);
	s->page = page_read(l, n, s->page);
	thresholds = schema_get(n, "thresholds", TREE_LIST, l->problems);
	if (thresholds != NULL && thresholds->count > 0)
		thresholds_read(l, s, thresholds);
}

static int
by_name(const void *x, const void *y)
{
	struct slice a = ((const struct site *)x)->name, b = ((const struct site *)y)->name;
	size_t n = a.len < b.len ? a.len : b.len;
	int order = n == 0 ? 0 : memcmp(a.ptr, b.ptr, n);

	return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

static void
read_hosts(struct loader *l, const struct tree *hosts, const struct opened *in)
{
	struct policy *p = l->policy;
	struct site all = p->site[0];

	for (const struct tree *n = hosts->first; n != NULL; n = n->next) {
		struct site *s = &p->site[p->sites];

		*s = all;
		s->name = site_name(l, n);
		read_site(l, s, n, in);
		if (slice_equal(s->name, SLICE("default")))
			p->site[0] = *s;
		else
			p->sites++;
	}
	qsort(p->site + 1, p->sites - 1, sizeof(*p->site), by_name);
	/* The document has each key once; without port, dot and case two may still be one. */
	for (uint32_t i = 2; i < p->sites; i++)
		if (slice_equal(p->site[i].name, p->site[i - 1].name))
			tree_error(l->problems, hosts, "has %.*s twice", (int)p->site[i].name.len,
			    p->site[i].name.ptr);
}

static bool
any_site_has_bots(const struct tree *hosts)
{
	for (const struct tree *n = hosts == NULL ? NULL : hosts->first; n != NULL; n = n->next)
		if (tree_get(n, "bots") != NULL)
			return true;
	return false;
}

static void
site_init(struct loader *l, unsigned sites)
{
	struct policy *p = l->policy;

	p->site = arena_alloc(p->arena, (sites + 1u) * sizeof(*p->site));
	p->site[0] = (struct site){ .name = SLICE(""),
		.common = true,
		.dnsbl = true,
		.challenge = challenge_default(),
		.page = page_default(p) };
	p->sites = 1;
}

void
sites_read(struct loader *l, const struct tree *root, const struct opened *in)
{
	struct policy *p = l->policy;
	const size_t errors = l->problems->errors;
	const struct tree *hosts = schema_get(root, "hosts", TREE_MAP, l->problems), *bots;

	if (hosts != NULL && hosts->count > SITES_MAX) {
		tree_error(l->problems, hosts, "more than %u sites", SITES_MAX);
		return;
	}
	site_init(l, hosts == NULL ? 0 : hosts->count);
	read_shadow(l, root, &p->site[0].shadow);
	p->site[0].page = page_read(l, root, p->site[0].page);
	thresholds_read(l, &p->site[0], schema_get(root, "thresholds", TREE_LIST, l->problems));
	if (hosts != NULL)
		read_hosts(l, hosts, in);
	p->common = p->rules;
	bots = schema_get(root, "bots", TREE_LIST, l->problems);
	if (bots != NULL)
		rules_read(l, bots, in);
	if (p->rules == 0 && l->problems->errors == errors && !any_site_has_bots(hosts))
		tree_error(
		    l->problems, bots == NULL ? root : bots, "no rule: `bots` needs one at least");
}

void
sites_none(struct loader *l)
{
	site_init(l, 0);
	thresholds_read(l, &l->policy->site[0], NULL);
}

static const struct site *
find(const struct policy *p, struct slice name)
{
	const struct site wanted = { .name = name };

	return bsearch(&wanted, p->site + 1, p->sites - 1, sizeof(*p->site), by_name);
}

const struct site *
site_find(const struct policy *p, struct slice host)
{
	/* One byte in front, where the * of a suffix goes. */
	char store[1 + HOST_MAX] = "";
	const struct site *s;
	struct slice name;

	if (p->sites == 1)
		return &p->site[0];
	name = host_normal(host, store + 1);
	s = find(p, name);
	for (size_t i = 0; s == NULL && i < name.len; i++) {
		char before = store[i];

		if (name.ptr[i] != '.')
			continue;
		store[i] = '*'; /* the byte before the dot */
		s = find(p, (struct slice){ store + i, name.len - i + 1 });
		store[i] = before;
	}
	return s != NULL ? s : &p->site[0];
}
