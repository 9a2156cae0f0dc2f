#include "net/dns_cache.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/memory.h"

#define BYTES_LEAST ((size_t)64 * 1024)
#define ENTRY_BYTES 96u  /* about what one takes: how many slots the table has */
#define MALLOC_BYTES 16u /* what the allocator adds, and rounds up to */
#define FREQUENCY_MAX 3u
/* A request that waited for an answer looks at it when it is there: that alone is no second use. */
#define FREQUENCY_KEPT 2u
#define TURNS_MAX 1000u /* nobody waits longer for room, however much is in use */

struct entry {
	struct entry *chain; /* next in its slot */
	TAILQ_ENTRY(entry) order;
	uint64_t hash;
	int64_t until_ms;
	uint8_t type, state, frequency, name_len, count;
	bool in_main;
	uint16_t data_len;
	char bytes[]; /* name, data */
};

TAILQ_HEAD(queue, entry); /* newest first */

struct dns_cache {
	uint8_t key[HASH_KEY_BYTES];
	struct entry **slot;
	uint32_t *ghost; /* fingerprints of what left `small` lately, by the low bits of the hash */
	size_t mask;
	struct queue small, main;
	size_t bytes_max, fixed_bytes, small_bytes, main_bytes;
	size_t entries;
	uint64_t hits, misses, evictions;
};

static size_t
round_up(size_t n)
{
	return (n + MALLOC_BYTES + MALLOC_BYTES - 1) / MALLOC_BYTES * MALLOC_BYTES;
}

static size_t
bytes_of(const struct entry *e)
{
	return round_up(sizeof(*e) + e->name_len + e->data_len);
}

struct dns_cache *
dns_cache_new(size_t bytes_max, const uint8_t key[HASH_KEY_BYTES])
{
	struct dns_cache *c = xcalloc(1, sizeof(*c));
	size_t slots = 64;

	if (bytes_max < BYTES_LEAST)
		bytes_max = BYTES_LEAST;
	while (slots < bytes_max / ENTRY_BYTES)
		slots *= 2;
	memcpy(c->key, key, sizeof(c->key));
	c->mask = slots - 1;
	c->slot = xcalloc(slots, sizeof(struct entry *));
	c->ghost = xcalloc(slots, sizeof(*c->ghost));
	c->bytes_max = bytes_max;
	/* And one entry more than there is room for, while it is put. */
	c->fixed_bytes = round_up(sizeof(*c)) +
			 slots * (sizeof(struct entry *) + sizeof(*c->ghost)) +
			 round_up(sizeof(struct entry) + DNS_NAME_MAX + DNS_DATA_MAX);
	TAILQ_INIT(&c->small);
	TAILQ_INIT(&c->main);
	return c;
}

void
dns_cache_free(struct dns_cache *c)
{
	if (c == NULL)
		return;
	dns_cache_flush(c);
	free(c->slot);
	free(c->ghost);
	free(c);
}

static uint64_t
hash_of(const struct dns_cache *c, enum dns_type type, struct slice name)
{
	return hash_bytes(c->key, name.ptr, name.len) + (uint64_t)type * 0x9e3779b97f4a7c15u;
}

/* Where it hangs, or would. */
static struct entry **
find(struct dns_cache *c, uint64_t hash, enum dns_type type, struct slice name)
{
	struct entry **at = &c->slot[hash & c->mask];

	for (; *at != NULL; at = &(*at)->chain) {
		const struct entry *e = *at;

		if (e->hash == hash && e->type == type && e->name_len == name.len &&
		    memcmp(e->bytes, name.ptr, name.len) == 0)
			break;
	}
	return at;
}

static struct queue *
queue_of(struct dns_cache *c, const struct entry *e)
{
	return e->in_main ? &c->main : &c->small;
}

static size_t *
bytes_in(struct dns_cache *c, const struct entry *e)
{
	return e->in_main ? &c->main_bytes : &c->small_bytes;
}

/* `at` is where it hangs. */
static void
drop(struct dns_cache *c, struct entry **at)
{
	struct entry *e = *at;

	*at = e->chain;
	TAILQ_REMOVE(queue_of(c, e), e, order);
	*bytes_in(c, e) -= bytes_of(e);
	c->entries--;
	free(e);
}

static void
drop_entry(struct dns_cache *c, struct entry *e)
{
	struct entry **at = &c->slot[e->hash & c->mask];

	while (*at != e)
		at = &(*at)->chain;
	drop(c, at);
}

static uint32_t
fingerprint(uint64_t hash)
{
	return (uint32_t)(hash >> 32) | 1; /* 0: none */
}

static void
to_head(struct dns_cache *c, struct entry *e)
{
	TAILQ_REMOVE(queue_of(c, e), e, order);
	TAILQ_INSERT_HEAD(queue_of(c, e), e, order);
}

static void
move_to_main(struct dns_cache *c, struct entry *e)
{
	TAILQ_REMOVE(&c->small, e, order);
	c->small_bytes -= bytes_of(e);
	e->in_main = true;
	e->frequency = 0;
	TAILQ_INSERT_HEAD(&c->main, e, order);
	c->main_bytes += bytes_of(e);
}

/*
 * Make some room: from `small` while it has more than its tenth, else from main. What is used stays
 * for another turn, while *turns last; `newest` does whatever happens, for somebody waits for it.
 */
static void
evict(struct dns_cache *c, int64_t now_ms, const struct entry *newest, unsigned *turns)
{
	const size_t room = c->bytes_max - c->fixed_bytes;
	struct entry *e = TAILQ_LAST(&c->small, queue);

	if (e == NULL || (c->small_bytes <= room / 10 && !TAILQ_EMPTY(&c->main)))
		e = TAILQ_LAST(&c->main, queue);
	if (e == newest) {
		to_head(c, e);
		return;
	}
	if (*turns > 0 && e->until_ms > now_ms) {
		(*turns)--;
		if (!e->in_main && e->frequency >= FREQUENCY_KEPT) {
			move_to_main(c, e);
			return;
		}
		if (e->in_main && e->frequency > 0) {
			e->frequency--;
			to_head(c, e);
			return;
		}
	}
	/* In main only what was in use: too old, its next answer may be on its way. */
	if (!e->in_main || e->frequency > 0)
		c->ghost[e->hash & c->mask] = fingerprint(e->hash);
	c->evictions += e->until_ms > now_ms;
	drop_entry(c, e);
}

bool
dns_cache_get(struct dns_cache *c, enum dns_type type, struct slice name, int64_t now_ms,
    struct dns_answer *out)
{
	struct entry *e = *find(c, hash_of(c, type, name), type, name);

	/* What is too old keeps its place for the answer that comes next. */
	if (e == NULL || e->until_ms <= now_ms) {
		c->misses++;
		return false;
	}
	c->hits++;
	if (e->frequency < FREQUENCY_MAX)
		e->frequency++;
	*out = (struct dns_answer){ (enum dns_state)e->state, type, e->count,
		{ e->bytes + e->name_len, e->data_len } };
	return true;
}

static struct entry *
entry_new(uint64_t hash, enum dns_type type, struct slice name, const struct dns_message *m)
{
	struct entry *e = xcalloc(1, sizeof(*e) + name.len + m->bytes);

	e->hash = hash;
	e->type = (uint8_t)type;
	e->state = (uint8_t)m->state;
	e->name_len = (uint8_t)name.len;
	e->count = (uint8_t)m->count;
	e->data_len = (uint16_t)m->bytes;
	memcpy(e->bytes, name.ptr, name.len);
	memcpy(e->bytes + name.len, m->data, m->bytes);
	return e;
}

void
dns_cache_put(struct dns_cache *c, enum dns_type type, struct slice name,
    const struct dns_message *m, uint32_t ttl_s, int64_t now_ms)
{
	const uint64_t hash = hash_of(c, type, name);
	const bool fits = name.len > 0 && name.len <= DNS_NAME_MAX && m->bytes <= DNS_DATA_MAX;
	struct entry **at = find(c, hash, type, name), *old = *at, *e = NULL;
	unsigned turns = TURNS_MAX;

	if (fits && ttl_s > 0) {
		e = entry_new(hash, type, name, m);
		e->until_ms = now_ms + (int64_t)ttl_s * 1000;
	}
	if (old != NULL) {
		if (e != NULL) {
			e->in_main = old->in_main;
			e->frequency = old->frequency;
		}
		drop(c, at);
	} else if (e != NULL && c->ghost[hash & c->mask] == fingerprint(hash)) {
		c->ghost[hash & c->mask] = 0;
		e->in_main = true;
	}
	if (e == NULL)
		return;
	TAILQ_INSERT_HEAD(queue_of(c, e), e, order);
	e->chain = c->slot[hash & c->mask];
	c->slot[hash & c->mask] = e;
	*bytes_in(c, e) += bytes_of(e);
	c->entries++;
	while (c->small_bytes + c->main_bytes > c->bytes_max - c->fixed_bytes)
		evict(c, now_ms, e, &turns);
}

void
dns_cache_flush(struct dns_cache *c)
{
	struct entry *e;

	while ((e = TAILQ_FIRST(&c->small)) != NULL || (e = TAILQ_FIRST(&c->main)) != NULL)
		drop_entry(c, e);
}

struct dns_cache_size
dns_cache_size(const struct dns_cache *c)
{
	return (struct dns_cache_size){ .entries = c->entries,
		.bytes = c->fixed_bytes + c->small_bytes + c->main_bytes,
		.bytes_max = c->bytes_max,
		.hits = c->hits,
		.misses = c->misses,
		.evictions = c->evictions };
}

static bool
walk(const struct queue *q, int64_t now_ms, bool (*each)(void *arg, const struct dns_cached *e),
    void *arg)
{
	const struct entry *e;

	TAILQ_FOREACH(e, q, order)
	{
		const struct dns_cached one = { { e->bytes, e->name_len },
			{ (enum dns_state)e->state, (enum dns_type)e->type, e->count,
			    { e->bytes + e->name_len, e->data_len } },
			e->until_ms - now_ms };

		if (e->until_ms > now_ms && !each(arg, &one))
			return false;
	}
	return true;
}

void
dns_cache_walk(const struct dns_cache *c, int64_t now_ms,
    bool (*each)(void *arg, const struct dns_cached *e), void *arg)
{
	if (walk(&c->main, now_ms, each, arg))
		walk(&c->small, now_ms, each, arg);
}
