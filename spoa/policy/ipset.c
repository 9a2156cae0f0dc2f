#include "policy/ipset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

#define INDEX_FROM 16u /* leaves: a smaller table is searched whole */
#define BUCKETS 65536u
#define GROUP ((uint32_t)1 << 31)
#define PER_LEAF4 ((size_t)8)
#define PER_LEAF6 ((size_t)10)

__extension__ typedef unsigned __int128 uint128;

/*
 * A prefix in bytes that sort as they should: its first address, its length, its list. No
 * padding: there may be millions.
 */
#define TAIL_BYTES ((size_t)4)
#define ENTRY_BYTES_MAX ((size_t)20)

struct entries {
	uint8_t *bytes;
	size_t count, cap, size; /* size: of one, 8 or 20 bytes */
};

struct node {
	uint32_t list, around;
};

/* Ranges side by side, a cache line or two: keys are first addresses, sorted. */
struct leaf4 {
	uint32_t key[8], value[8];
};

struct leaf6 {
	uint64_t key[10];   /* high halves in which a range begins */
	uint32_t value[10]; /* a node, or GROUP | index of its group in low[] */
	uint64_t unused;
};

_Static_assert(sizeof(struct leaf4) == 64 && sizeof(struct leaf6) == 128, "not whole cache lines");

/* 12 bytes, not 16: there may be millions. */
struct low {
	uint32_t half[2]; /* low half of an address, the upper part first */
	uint32_t value;
};

struct ipset {
	struct arena *arena;
	struct entries entries[2]; /* IPv4, IPv6: until it is sealed */
	size_t prefixes;

	struct node *node; /* node[0] is no list */
	uint32_t nodes, node_cap;
	uint32_t *table; /* of nodes by content, until it is sealed */
	uint32_t slots;

	struct leaf4 *leaf4;
	uint32_t *head4; /* the first key of each leaf */
	uint32_t leaves4;
	uint32_t *index4; /* [bucket]: the last leaf with a head <= bucket << 16 */

	struct leaf6 *leaf6;
	uint64_t *head6;
	uint32_t leaves6;
	/* The same for IPv6: a bucket is (high half - base6) >> shift6, for lists lie close. */
	uint32_t *index6;
	uint64_t base6;
	unsigned shift6;
	size_t keys6;    /* in leaves */
	struct low *low; /* groups: a value says how many, then the ranges, the first from 0 on */
};

struct ipset *
ipset_new(struct arena *a)
{
	struct ipset *s = xcalloc(1, sizeof(*s));

	s->arena = a;
	s->entries[0].size = 4 + TAIL_BYTES;
	s->entries[1].size = 16 + TAIL_BYTES;
	return s;
}

void
ipset_free(struct ipset *s)
{
	if (s == NULL)
		return;
	free(s->entries[0].bytes);
	free(s->entries[1].bytes);
	free(s);
}

bool
ipset_add(struct ipset *s, const struct prefix *p, uint32_t list)
{
	struct entries *e = &s->entries[p->base.family == 6];
	size_t address = e->size - TAIL_BYTES;
	uint8_t *at;

	assert(list < IPSET_LISTS_MAX);
	if (s->prefixes == IPSET_PREFIXES_MAX)
		return false;
	if (e->count == e->cap) {
		e->cap = e->cap == 0 ? 16 : e->cap * 2;
		e->bytes = xreallocarray(e->bytes, e->cap, e->size);
	}
	at = e->bytes + e->count++ * e->size;
	memcpy(at, p->base.bytes, address);
	at[address] = p->bits;
	at[address + 1] = (uint8_t)(list >> 16);
	at[address + 2] = (uint8_t)(list >> 8);
	at[address + 3] = (uint8_t)list;
	s->prefixes++;
	return true;
}

static void
insertion_sort(uint8_t *bytes, size_t n, size_t size)
{
	uint8_t one[ENTRY_BYTES_MAX];

	for (size_t i = 1; i < n; i++) {
		size_t at = i;

		memcpy(one, bytes + i * size, size);
		while (at > 0 && memcmp(bytes + (at - 1) * size, one, size) > 0)
			at--;
		memmove(bytes + (at + 1) * size, bytes + at * size, (i - at) * size);
		memcpy(bytes + at * size, one, size);
	}
}

/*
 * In place, by one byte after the other (American flag sort): qsort would take as much memory
 * again, and no list can make this one slow.
 */
static void
radix_sort(uint8_t *bytes, size_t n, size_t size, size_t digit)
{
	size_t begin[257] = { 0 }, next[256], end = 0;
	uint8_t one[ENTRY_BYTES_MAX], other[ENTRY_BYTES_MAX];

	if (n <= 24) {
		insertion_sort(bytes, n, size);
		return;
	}
	for (size_t i = 0; i < n; i++)
		begin[bytes[i * size + digit] + 1]++;
	for (unsigned d = 0; d < 256; d++) {
		next[d] = end;
		begin[d + 1] = end += begin[d + 1];
	}
	for (unsigned d = 0; d < 256; d++)
		while (next[d] < begin[d + 1]) {
			memcpy(one, bytes + next[d] * size, size);
			/* Around the circle, until one comes back that belongs here. */
			while (one[digit] != d) {
				uint8_t *place = bytes + next[one[digit]]++ * size;

				memcpy(other, place, size);
				memcpy(place, one, size);
				memcpy(one, other, size);
			}
			memcpy(bytes + next[d]++ * size, one, size);
		}
	if (digit + 1 == size)
		return;
	for (unsigned d = 0; d < 256; d++)
		radix_sort(bytes + begin[d] * size, begin[d + 1] - begin[d], size, digit + 1);
}

static uint32_t *
node_slot(const struct ipset *s, struct node node)
{
	uint64_t hash = ((uint64_t)node.around << 32 | node.list) * 0x9e3779b97f4a7c15u;
	uint32_t at = (uint32_t)(hash >> 32) & (s->slots - 1);

	for (; s->table[at] != 0; at = (at + 1) & (s->slots - 1)) {
		const struct node *n = &s->node[s->table[at]];

		if (n->list == node.list && n->around == node.around)
			break;
	}
	return &s->table[at];
}

/* Room for one node more; the table stays half empty. */
static void
node_room(struct ipset *s)
{
	if (s->nodes < s->node_cap)
		return;
	s->node_cap = s->node_cap == 0 ? 64 : s->node_cap * 2;
	s->node = xreallocarray(s->node, s->node_cap, sizeof(*s->node));
	s->slots = s->node_cap * 2;
	free(s->table);
	s->table = xcalloc(s->slots, sizeof(*s->table));
	if (s->nodes == 0)
		s->node[s->nodes++] = (struct node){ 0, 0 };
	for (uint32_t i = 1; i < s->nodes; i++)
		*node_slot(s, s->node[i]) = i;
}

/* The node for `list` inside `around`, made once. */
static uint32_t
inside(struct ipset *s, uint32_t around, uint32_t list)
{
	const struct node node = { list, around };
	uint32_t *slot;

	if (around != 0 && s->node[around].list == list)
		return around;
	node_room(s);
	slot = node_slot(s, node);
	if (*slot == 0) {
		*slot = s->nodes;
		s->node[s->nodes++] = node;
	}
	return *slot;
}

/* What flatten writes. It goes over the entries twice: to count, then to fill in. */
struct ranges {
	struct ipset *set;
	bool six, fill;
	bool waiting; /* key and value: the next range may begin at the same place */
	uint128 key;
	uint32_t value, last; /* last: value of the range before */
	uint64_t high;        /* IPv6: the last high half, */
	size_t group;         /* and where its group begins, 0: it has none */
	size_t count, lows;
};

static void
put_value(const struct ranges *r, size_t at, uint64_t key, uint32_t value)
{
	if (!r->fill)
		return;
	if (r->six) {
		r->set->leaf6[at / PER_LEAF6].key[at % PER_LEAF6] = key;
		r->set->leaf6[at / PER_LEAF6].value[at % PER_LEAF6] = value;
	} else {
		r->set->leaf4[at / PER_LEAF4].key[at % PER_LEAF4] = (uint32_t)key;
		r->set->leaf4[at / PER_LEAF4].value[at % PER_LEAF4] = value;
	}
}

static void
put_high(struct ranges *r, uint64_t high, uint32_t value)
{
	put_value(r, r->count++, high, value);
	r->high = high;
	r->group = 0;
}

static void
put_low(struct ranges *r, uint64_t low, uint32_t value)
{
	if (r->fill) {
		r->set->low[r->lows] =
		    (struct low){ { (uint32_t)(low >> 32), (uint32_t)low }, value };
		r->set->low[r->group].value++;
	}
	r->lows++;
}

/* Inside one high half another range begins. */
static void
put_inside(struct ranges *r, uint64_t high, uint64_t low)
{
	if (r->high != high)
		put_high(r, high, r->last);
	if (r->group == 0) {
		r->group = r->lows++;
		put_value(r, r->count - 1, high, GROUP | (uint32_t)r->group);
		put_low(r, 0, r->last);
	}
	put_low(r, low, r->value);
}

/* The range that waits is written: the next one begins behind it. */
static void
put(struct ranges *r)
{
	uint64_t high = (uint64_t)(r->key >> 64), low = (uint64_t)r->key;

	if (!r->waiting || (r->count > 0 && r->last == r->value))
		return;
	if (!r->six)
		put_value(r, r->count++, low, r->value);
	else if (low == 0)
		put_high(r, high, r->value);
	else
		put_inside(r, high, low);
	r->last = r->value;
}

/* From `key` on the value holds, until the next key. */
static void
from(struct ranges *r, uint128 key, uint32_t value)
{
	if (!r->waiting || r->key != key)
		put(r);
	r->waiting = true;
	r->key = key;
	r->value = value;
}

struct open {
	uint128 first, last;
	uint32_t node;
};

static struct open
entry_open(const struct entries *e, size_t i, uint32_t *list)
{
	const size_t address = e->size - TAIL_BYTES;
	const uint8_t *p = e->bytes + i * e->size;
	struct open o = { 0, 0, 0 };
	unsigned host;

	for (size_t k = 0; k < address; k++)
		o.first = o.first << 8 | p[k];
	host = (unsigned)address * 8 - p[address];
	o.last = o.first | (host == 128 ? ~(uint128)0 : ((uint128)1 << host) - 1);
	*list = (uint32_t)p[address + 1] << 16 | (uint32_t)p[address + 2] << 8 | p[address + 3];
	return o;
}

/* Prefixes are nested or apart, so those open at one place are a stack no deeper than 129. */
static struct ranges
flatten(struct ipset *s, bool six, bool fill)
{
	const uint128 highest = six ? ~(uint128)0 : UINT32_MAX;
	const struct entries *e = &s->entries[six];
	struct ranges r = { .set = s, .six = six, .fill = fill, .lows = 1 };
	struct open open[130];
	unsigned depth = 0;

	from(&r, 0, 0);
	for (size_t i = 0; i <= e->count; i++) {
		uint32_t list = 0;
		struct open next = { 0, 0, 0 };

		if (i < e->count)
			next = entry_open(e, i, &list);
		while (depth > 0 && (i == e->count || open[depth - 1].last < next.first)) {
			uint128 end = open[--depth].last;

			if (end != highest)
				from(&r, end + 1, depth > 0 ? open[depth - 1].node : 0);
		}
		if (i == e->count)
			break;
		/* The same prefix in another list takes no place of its own. */
		if (depth == 0 || open[depth - 1].first != next.first ||
		    open[depth - 1].last != next.last) {
			next.node = depth > 0 ? open[depth - 1].node : 0;
			open[depth++] = next;
		}
		open[depth - 1].node = inside(s, open[depth - 1].node, list);
		from(&r, next.first, open[depth - 1].node);
	}
	put(&r);
	return r;
}

/* On a border of cache lines. */
static void *
aligned(struct ipset *s, size_t bytes)
{
	uint8_t *p = arena_alloc(s->arena, bytes + 128);

	return p + (128 - (uintptr_t)p % 128) % 128;
}

static void
seal4(struct ipset *s)
{
	size_t n = flatten(s, false, false).count;
	struct leaf4 *last;
	uint32_t at = 0;

	s->leaves4 = (uint32_t)((n + PER_LEAF4 - 1) / PER_LEAF4);
	s->leaf4 = aligned(s, s->leaves4 * sizeof(*s->leaf4));
	flatten(s, false, true);
	last = &s->leaf4[s->leaves4 - 1];
	for (size_t i = (n - 1) % PER_LEAF4 + 1; i < PER_LEAF4; i++) {
		last->key[i] = UINT32_MAX;
		last->value[i] = last->value[i - 1];
	}
	s->head4 = arena_alloc(s->arena, s->leaves4 * sizeof(*s->head4));
	for (uint32_t i = 0; i < s->leaves4; i++)
		s->head4[i] = s->leaf4[i].key[0];
	if (s->leaves4 < INDEX_FROM)
		return;
	s->index4 = arena_alloc(s->arena, (BUCKETS + 1) * sizeof(*s->index4));
	for (uint32_t high = 0; high < BUCKETS; high++) {
		while (at + 1 < s->leaves4 && s->head4[at + 1] <= high << 16)
			at++;
		s->index4[high] = at;
	}
	s->index4[BUCKETS] = s->leaves4 - 1;
}

/* Leaf 0 begins at ::, far from the others: the buckets begin with the next one. */
static void
index6(struct ipset *s)
{
	const uint64_t span = s->head6[s->leaves6 - 1] - s->head6[1];
	uint32_t at = 0;

	s->base6 = s->head6[1];
	while (span >> s->shift6 >= BUCKETS)
		s->shift6++;
	s->index6 = arena_alloc(s->arena, (BUCKETS + 1) * sizeof(*s->index6));
	for (uint32_t bucket = 0; bucket < BUCKETS; bucket++) {
		uint128 begin = s->base6 + ((uint128)bucket << s->shift6);

		while (at + 1 < s->leaves6 && s->head6[at + 1] <= begin)
			at++;
		s->index6[bucket] = at;
	}
	s->index6[BUCKETS] = s->leaves6 - 1;
}

static void
seal6(struct ipset *s)
{
	struct ranges r = flatten(s, true, false);

	s->keys6 = r.count;
	s->leaves6 = (uint32_t)((r.count + PER_LEAF6 - 1) / PER_LEAF6);
	s->leaf6 = aligned(s, s->leaves6 * sizeof(*s->leaf6));
	/* What is behind the last key looks like the highest there can be. */
	memset(&s->leaf6[s->leaves6 - 1], 0xff, sizeof(*s->leaf6));
	s->low = arena_alloc(s->arena, r.lows * sizeof(*s->low));
	flatten(s, true, true);
	s->head6 = arena_alloc(s->arena, s->leaves6 * sizeof(*s->head6));
	for (uint32_t i = 0; i < s->leaves6; i++)
		s->head6[i] = s->leaf6[i].key[0];
	if (s->leaves6 >= INDEX_FROM)
		index6(s);
}

void
ipset_seal(struct ipset *s)
{
	struct node *node;

	node_room(s);
	for (unsigned six = 0; six < 2; six++) {
		struct entries *e = &s->entries[six];

		radix_sort(e->bytes, e->count, e->size, 0);
		if (six)
			seal6(s);
		else
			seal4(s);
		free(e->bytes);
		*e = (struct entries){ .size = e->size };
	}
	node = arena_alloc(s->arena, s->nodes * sizeof(*node));
	memcpy(node, s->node, s->nodes * sizeof(*node));
	free(s->node);
	free(s->table);
	s->node = node;
	s->table = NULL;
}

size_t
ipset_count(const struct ipset *s)
{
	return s->prefixes;
}

static uint32_t
find4(const struct ipset *s, uint32_t a)
{
	uint32_t base = 0, n = s->leaves4, at = 0;
	const struct leaf4 *leaf;
	const uint32_t *k;

	if (s->index4 != NULL) {
		base = s->index4[a >> 16];
		n = s->index4[(a >> 16) + 1] - base + 1;
	}
	k = s->head4 + base;
	while (n > 1) {
		uint32_t half = n / 2;

		k += (k[half] <= a) * half; /* a conditional move, not a branch to mispredict */
		n -= half;
	}
	leaf = &s->leaf4[k - s->head4];
	for (size_t i = 0; i < PER_LEAF4; i++)
		at += leaf->key[i] <= a;
	return leaf->value[at - 1];
}

static uint64_t
low_half(const struct low *l)
{
	return (uint64_t)l->half[0] << 32 | l->half[1];
}

static uint32_t
find_low(const struct low *group, uint64_t low)
{
	const struct low *k = group + 1;
	uint32_t n = group->value;

	while (n > 1) {
		uint32_t half = n / 2;

		k = low_half(k + half) <= low ? k + half : k;
		n -= half;
	}
	return k->value;
}

/* The last leaf with a head <= high. */
static const struct leaf6 *
find_leaf6(const struct ipset *s, uint64_t high)
{
	const uint64_t *k = s->head6;
	uint32_t n = s->leaves6;

	if (s->index6 != NULL) {
		uint64_t bucket = (high - s->base6) >> s->shift6;

		if (high < s->base6)
			return s->leaf6;
		bucket = bucket < BUCKETS ? bucket : BUCKETS - 1;
		k += s->index6[bucket];
		n = s->index6[bucket + 1] - s->index6[bucket] + 1;
	}
	while (n > 1) {
		uint32_t half = n / 2;

		k += (k[half] <= high) * half;
		n -= half;
	}
	return &s->leaf6[k - s->head6];
}

static uint32_t
find6(const struct ipset *s, uint64_t high, uint64_t low)
{
	const struct leaf6 *leaf = find_leaf6(s, high);
	size_t before = (size_t)(leaf - s->leaf6) * PER_LEAF6, at = 0;

	for (size_t i = 0; i < PER_LEAF6; i++)
		at += leaf->key[i] <= high;
	at = at <= s->keys6 - before ? at - 1 : s->keys6 - before - 1; /* not what is behind */
	if ((leaf->value[at] & GROUP) == 0)
		return leaf->value[at];
	return find_low(
	    s->low + (leaf->value[at] & ~GROUP), leaf->key[at] == high ? low : UINT64_MAX);
}

static uint64_t
big_endian(const uint8_t *p, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v = v << 8 | p[i];
	return v;
}

uint32_t
ipset_find(const struct ipset *s, const struct address *a)
{
	if (a->family == 4)
		return find4(s, (uint32_t)big_endian(a->bytes, 4));
	return a->family == 6 ? find6(s, big_endian(a->bytes, 8), big_endian(a->bytes + 8, 8)) : 0;
}

uint32_t
ipset_list(const struct ipset *s, uint32_t node, uint32_t *next)
{
	*next = s->node[node].around;
	return s->node[node].list;
}
