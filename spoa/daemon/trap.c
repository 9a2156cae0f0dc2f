#include "daemon/trap.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/hash.h"
#include "base/memory.h"

#define SLOTS 8192u
#define PROBES 8u

/*
 * A slot is 32 bits of hash and 32 bits of time, so that it is read and written in one go. Times
 * are counted from the first one, so that they fit.
 */
struct trap {
	uint8_t key[HASH_KEY_BYTES];
	_Atomic uint64_t slot[SLOTS];
	_Atomic uint32_t used; /* 0: nobody is in it, and nobody hashes */
	int64_t base_s;
};

struct trap *
trap_new(void)
{
	struct trap *t = xcalloc(1, sizeof(*t));

	random_bytes(t->key, sizeof(t->key));
	return t;
}

void
trap_free(struct trap *t)
{
	free(t);
}

static uint64_t
hash_of(const struct trap *t, const struct address *client)
{
	struct address a = address_is_circuit(client) ? *client : address_mask(client, 32, 64);

	return hash_bytes(t->key, &a, sizeof(a));
}

/* 0 is a slot that was never used. */
static uint32_t
tag_of(uint64_t hash)
{
	return (uint32_t)hash | 1u;
}

static _Atomic uint64_t *
probe(const struct trap *t, uint64_t hash, unsigned i)
{
	return (_Atomic uint64_t *)(uintptr_t)&t->slot[((hash >> 32) + i) % SLOTS];
}

/* Seconds since the first one, at least 1. */
static uint32_t
ticks(const struct trap *t, int64_t at_s)
{
	int64_t since = at_s - t->base_s;

	return since < 1 ? 1 : since > UINT32_MAX ? UINT32_MAX : (uint32_t)since;
}

void
trap_add(struct trap *t, const struct address *client, int64_t now_s, int64_t until_s)
{
	uint64_t hash = hash_of(t, client);
	_Atomic uint64_t *best = NULL;
	uint32_t least = UINT32_MAX;

	if (client->family == 0)
		return;
	if (atomic_load_explicit(&t->used, memory_order_relaxed) == 0)
		t->base_s = now_s - 1;
	for (unsigned i = 0; i < PROBES; i++) {
		_Atomic uint64_t *slot = probe(t, hash, i);
		uint64_t was = atomic_load_explicit(slot, memory_order_relaxed);
		uint32_t until = (uint32_t)was;

		if ((uint32_t)(was >> 32) == tag_of(hash)) {
			best = slot;
			break;
		}
		if (until < ticks(t, now_s))
			until = 0;
		if (best == NULL || until < least) {
			best = slot;
			least = until;
		}
	}
	atomic_store_explicit(
	    best, (uint64_t)tag_of(hash) << 32 | ticks(t, until_s), memory_order_relaxed);
	/* base_s is seen by whoever sees that somebody is in it. */
	atomic_store_explicit(&t->used, 1, memory_order_release);
}

bool
trap_holds(const struct trap *t, const struct address *client, int64_t now_s)
{
	uint64_t hash;

	if (atomic_load_explicit(&t->used, memory_order_acquire) == 0)
		return false;
	hash = hash_of(t, client);
	for (unsigned i = 0; i < PROBES; i++) {
		uint64_t slot = atomic_load_explicit(probe(t, hash, i), memory_order_relaxed);

		if ((uint32_t)(slot >> 32) == tag_of(hash))
			return (uint32_t)slot >= ticks(t, now_s);
	}
	return false;
}
