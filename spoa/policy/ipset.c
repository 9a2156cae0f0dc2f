#include "policy/ipset.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define INDEX_FROM 64u /* ranges: a smaller table is searched whole */

__extension__ typedef unsigned __int128 uint128;

struct entry {
	uint128 first;
	uint32_t list;
	uint8_t bits;
};

struct node {
	uint32_t list, around;
};

struct ranges {
	uint128 *key; /* first addresses of ranges, gaps included: never empty */
	uint32_t *value;
	size_t count;
};

struct ipset {
	struct arena *arena;
	struct entry *entry[2]; /* IPv4, IPv6: until it is sealed */
	size_t entries[2], prefixes;

	struct node *node; /* node[0] is no list */
	uint32_t nodes;
	uint32_t *table; /* of nodes by content, until it is sealed */
	uint32_t slots;

	uint32_t *key4, *value4, *index4; /* index4[high half]: the last key <= high half << 16 */
	uint32_t count4;
	uint128 *key6;
	uint32_t *value6;
	size_t count6;
};

struct ipset *
ipset_new(struct arena *a)
{
	struct ipset *s = xcalloc(1, sizeof(*s));

	s->arena = a;
	s->nodes = 1;
	return s;
}

static void
drop_scratch(struct ipset *s)
{
	free(s->entry[0]);
	free(s->entry[1]);
	free(s->table);
	s->entry[0] = s->entry[1] = NULL;
	s->table = NULL;
}

void
ipset_free(struct ipset *s)
{
	if (s == NULL)
		return;
	drop_scratch(s);
	free(s);
}

static uint128
number(const struct address *a)
{
	uint128 n = 0;

	for (unsigned i = 0; i < (a->family == 4 ? 4 : 16); i++)
		n = n << 8 | a->bytes[i];
	return n;
}

bool
ipset_add(struct ipset *s, const struct prefix *p, uint32_t list)
{
	unsigned six = p->base.family == 6;
	size_t n = s->entries[six];

	if (s->prefixes == IPSET_PREFIXES_MAX)
		return false;
	if ((n & (n - 1)) == 0)
		s->entry[six] =
		    xreallocarray(s->entry[six], n == 0 ? 1 : n * 2, sizeof(struct entry));
	s->entry[six][s->entries[six]++] = (struct entry){ number(&p->base), list, p->bits };
	s->prefixes++;
	return true;
}

static int
by_range(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;

	if (a->first != b->first)
		return a->first < b->first ? -1 : 1;
	if (a->bits != b->bits)
		return a->bits < b->bits ? -1 : 1;
	return a->list < b->list ? -1 : a->list > b->list;
}

/* The node for `list` inside `around`, made once. */
static uint32_t
inside(struct ipset *s, uint32_t around, uint32_t list)
{
	uint64_t hash = ((uint64_t)around << 32 | list) * 0x9e3779b97f4a7c15u;
	uint32_t at = (uint32_t)(hash >> 32) & (s->slots - 1);

	if (around != 0 && s->node[around].list == list)
		return around;
	for (; s->table[at] != 0; at = (at + 1) & (s->slots - 1)) {
		const struct node *n = &s->node[s->table[at]];

		if (n->list == list && n->around == around)
			return s->table[at];
	}
	s->node[s->nodes] = (struct node){ list, around };
	s->table[at] = s->nodes;
	return s->nodes++;
}

/* From `key` on the value holds, until the next key. */
static void
from(struct ranges *r, uint128 key, uint32_t value)
{
	if (r->count > 0 && r->key[r->count - 1] == key)
		r->count--;
	if (r->count > 0 && r->value[r->count - 1] == value)
		return;
	r->key[r->count] = key;
	r->value[r->count++] = value;
}

struct open {
	uint128 first, last;
	uint32_t node;
};

/* Prefixes are nested or apart, so those open at one place are a stack no deeper than 129. */
static struct ranges
flatten(struct ipset *s, unsigned six)
{
	const uint128 highest = six ? ~(uint128)0 : UINT32_MAX;
	const unsigned width = six ? 128 : 32;
	const size_t n = s->entries[six];
	struct entry *e = s->entry[six];
	struct ranges r = { NULL, NULL, 0 };
	struct open open[130];
	unsigned depth = 0;

	r.key = xcalloc(2 * n + 1, sizeof(*r.key));
	r.value = xcalloc(2 * n + 1, sizeof(*r.value));
	if (n > 0)
		qsort(e, n, sizeof(*e), by_range);
	from(&r, 0, 0);
	for (size_t i = 0; i <= n; i++) {
		uint128 last = 0;

		while (depth > 0 && (i == n || open[depth - 1].last < e[i].first)) {
			uint128 end = open[--depth].last;

			if (end != highest)
				from(&r, end + 1, depth > 0 ? open[depth - 1].node : 0);
		}
		if (i == n)
			break;
		last = e[i].first |
		       (e[i].bits == 0 ? highest : ((uint128)1 << (width - e[i].bits)) - 1);
		/* The same prefix in another list takes no place of its own. */
		if (depth == 0 || open[depth - 1].first != e[i].first ||
		    open[depth - 1].last != last) {
			uint32_t around = depth > 0 ? open[depth - 1].node : 0;

			open[depth++] = (struct open){ e[i].first, last, around };
		}
		open[depth - 1].node = inside(s, open[depth - 1].node, e[i].list);
		from(&r, e[i].first, open[depth - 1].node);
	}
	return r;
}

static void
seal4(struct ipset *s)
{
	struct ranges r = flatten(s, 0);
	uint32_t at = 0;

	s->count4 = (uint32_t)r.count;
	s->key4 = arena_alloc(s->arena, r.count * sizeof(*s->key4));
	s->value4 = arena_alloc(s->arena, r.count * sizeof(*s->value4));
	for (size_t i = 0; i < r.count; i++) {
		s->key4[i] = (uint32_t)r.key[i];
		s->value4[i] = r.value[i];
	}
	free(r.key);
	free(r.value);
	if (s->count4 < INDEX_FROM)
		return;
	s->index4 = arena_alloc(s->arena, 65537 * sizeof(*s->index4));
	for (uint32_t high = 0; high < 65536; high++) {
		while (at + 1 < s->count4 && s->key4[at + 1] <= high << 16)
			at++;
		s->index4[high] = at;
	}
	s->index4[65536] = s->count4 - 1;
}

static void
seal6(struct ipset *s)
{
	struct ranges r = flatten(s, 1);

	s->count6 = r.count;
	s->key6 = arena_alloc(s->arena, r.count * sizeof(*s->key6));
	s->value6 = arena_alloc(s->arena, r.count * sizeof(*s->value6));
	memcpy(s->key6, r.key, r.count * sizeof(*s->key6));
	memcpy(s->value6, r.value, r.count * sizeof(*s->value6));
	free(r.key);
	free(r.value);
}

void
ipset_seal(struct ipset *s)
{
	/* A prefix makes one node at most, and the table stays half empty. */
	for (s->slots = 64; s->slots < 2 * s->prefixes; s->slots *= 2)
		;
	s->table = xcalloc(s->slots, sizeof(*s->table));
	s->node = arena_alloc(s->arena, (s->prefixes + 1) * sizeof(*s->node));
	seal4(s);
	seal6(s);
	drop_scratch(s);
}

size_t
ipset_count(const struct ipset *s)
{
	return s->prefixes;
}

static uint32_t
find4(const struct ipset *s, uint32_t a)
{
	uint32_t base = 0, n = s->count4;
	const uint32_t *k;

	if (s->index4 != NULL) {
		base = s->index4[a >> 16];
		n = s->index4[(a >> 16) + 1] - base + 1;
	}
	k = s->key4 + base;
	while (n > 1) {
		uint32_t half = n / 2;

		k += (k[half] <= a) * half; /* a conditional move, not a branch to mispredict */
		n -= half;
	}
	return s->value4[k - s->key4];
}

static uint32_t
find6(const struct ipset *s, uint128 a)
{
	const uint128 *k = s->key6;
	size_t n = s->count6;

	while (n > 1) {
		size_t half = n / 2;

		k = k[half] <= a ? k + half : k;
		n -= half;
	}
	return s->value6[k - s->key6];
}

uint32_t
ipset_find(const struct ipset *s, const struct address *a)
{
	if (a->family == 4)
		return find4(s, (uint32_t)number(a));
	return a->family == 6 ? find6(s, number(a)) : 0;
}

uint32_t
ipset_list(const struct ipset *s, uint32_t node, uint32_t *next)
{
	*next = s->node[node].around;
	return s->node[node].list;
}
