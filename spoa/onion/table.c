#include "onion/table.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/memory.h"

#define BUCKETS (CIRCUIT_TABLE_SLOTS / CIRCUIT_TABLE_BUCKET)
#define CLOSING ((uint64_t)1 << 31)

_Static_assert(BUCKETS == 1u << 12, "a bucket is the top 12 bits of a product");

/*
 * A slot is the id in its upper half, CLOSING and the effort in the lower, so that it is read and
 * written in one go; 0: it is free. Whoever counts a denial while the slot gets another circuit
 * counts it for that one, which is not closed by it: who is closed is always who was denied.
 */
struct circuit_table {
	_Alignas(64) _Atomic uint64_t slot[CIRCUIT_TABLE_SLOTS];
	_Atomic uint32_t denied[CIRCUIT_TABLE_SLOTS];
	uint64_t
	    factor; /* odd, and nobody knows it: who knows ids cannot fill a bucket with them */
	unsigned count;
};

struct circuit_table *
circuit_table_new(void)
{
	struct circuit_table *t = aligned_alloc(64, sizeof(*t));

	if (t == NULL)
		abort();
	for (unsigned i = 0; i < CIRCUIT_TABLE_SLOTS; i++) {
		atomic_init(&t->slot[i], 0);
		atomic_init(&t->denied[i], 0);
	}
	random_bytes(&t->factor, sizeof(t->factor));
	t->factor |= 1;
	t->count = 0;
	return t;
}

void
circuit_table_free(struct circuit_table *t)
{
	free(t);
}

static uint64_t
load(const struct circuit_table *t, unsigned slot)
{
	return atomic_load_explicit(&t->slot[slot], memory_order_relaxed);
}

/* Its first slot. Ids come in a row, or many rows apart, so they are stirred before they are
 * multiplied (the constant is that of MurmurHash3). */
static unsigned
bucket(const struct circuit_table *t, uint32_t id)
{
	uint64_t h = (id ^ t->factor) * 0xff51afd7ed558ccd;

	h = (h ^ h >> 33) * t->factor;
	return (unsigned)(h >> 52) * CIRCUIT_TABLE_BUCKET;
}

/* CIRCUIT_TABLE_SLOTS: there is none. id 0: one that is free, in the bucket of `of`. */
static unsigned
find(const struct circuit_table *t, uint32_t of, uint32_t id)
{
	unsigned first = bucket(t, of);

	for (unsigned i = first; i < first + CIRCUIT_TABLE_BUCKET; i++)
		if ((uint32_t)(load(t, i) >> 32) == id)
			return i;
	return CIRCUIT_TABLE_SLOTS;
}

static void
store(struct circuit_table *t, unsigned slot, uint64_t value)
{
	atomic_store_explicit(&t->slot[slot], value, memory_order_relaxed);
}

/* Unless it is another meanwhile, which *was then is. */
static bool
change(struct circuit_table *t, unsigned slot, uint64_t *was, uint64_t value)
{
	return atomic_compare_exchange_weak_explicit(
	    &t->slot[slot], was, value, memory_order_relaxed, memory_order_relaxed);
}

void
circuit_table_drop(struct circuit_table *t, uint32_t id)
{
	unsigned slot = id == 0 ? CIRCUIT_TABLE_SLOTS : find(t, id, id);

	if (slot == CIRCUIT_TABLE_SLOTS)
		return;
	store(t, slot, 0);
	t->count--;
}

bool
circuit_table_take(struct circuit_table *t, const struct circuit *c)
{
	uint64_t effort = c->effort < CIRCUIT_EFFORT_MAX ? c->effort : CIRCUIT_EFFORT_MAX, old;
	unsigned slot;

	if (c->gone || (c->purpose_known && !c->service)) {
		circuit_table_drop(t, c->id);
		return true;
	}
	slot = find(t, c->id, c->id);
	if (slot != CIRCUIT_TABLE_SLOTS) {
		old = load(t, slot);
		while (c->effort_known &&
		       !change(t, slot, &old, (old & ~(uint64_t)CIRCUIT_EFFORT_MAX) | effort))
			;
		return true;
	}
	if (!c->service)
		return true;
	slot = find(t, c->id, 0);
	if (slot == CIRCUIT_TABLE_SLOTS)
		return false;
	atomic_store_explicit(&t->denied[slot], 0, memory_order_relaxed);
	store(t, slot, (uint64_t)c->id << 32 | effort);
	t->count++;
	return true;
}

void
circuit_table_clear(struct circuit_table *t)
{
	for (unsigned i = 0; i < CIRCUIT_TABLE_SLOTS && t->count > 0; i++)
		store(t, i, 0);
	t->count = 0;
}

unsigned
circuit_table_count(const struct circuit_table *t)
{
	return t->count;
}

/* Its slot as it stands; 0: it is not there. */
static uint64_t
get(const struct circuit_table *t, uint32_t id)
{
	unsigned first = bucket(t, id);

	for (unsigned i = first; i < first + CIRCUIT_TABLE_BUCKET; i++) {
		uint64_t is = load(t, i);

		if (is >> 32 == id)
			return id == 0 ? 0 : is;
	}
	return 0;
}

static enum circuit_known
known(uint64_t is)
{
	return is == 0 ? CIRCUIT_UNKNOWN : (is & CLOSING) != 0 ? CIRCUIT_CLOSING : CIRCUIT_OPEN;
}

enum circuit_known
circuit_table_mark(struct circuit_table *t, uint32_t id, bool closing)
{
	unsigned slot = id == 0 ? CIRCUIT_TABLE_SLOTS : find(t, id, id);
	uint64_t was;

	if (slot == CIRCUIT_TABLE_SLOTS)
		return CIRCUIT_UNKNOWN;
	was = load(t, slot);
	do {
		if (was >> 32 != id)
			return CIRCUIT_UNKNOWN;
	} while (!change(t, slot, &was, closing ? was | CLOSING : was & ~CLOSING));
	return known(was);
}

enum circuit_known
circuit_table_find(const struct circuit_table *t, uint32_t id)
{
	return known(get(t, id));
}

uint32_t
circuit_table_effort(const struct circuit_table *t, uint32_t id)
{
	return (uint32_t)get(t, id) & CIRCUIT_EFFORT_MAX;
}

uint32_t
circuit_table_deny(struct circuit_table *t, uint32_t id)
{
	unsigned slot = id == 0 ? CIRCUIT_TABLE_SLOTS : find(t, id, id);
	uint32_t was;

	if (slot == CIRCUIT_TABLE_SLOTS)
		return 0;
	was = atomic_fetch_add_explicit(&t->denied[slot], 1, memory_order_relaxed);
	return was == UINT32_MAX ? was : was + 1;
}
