#include "challenge/spent.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/memory.h"

#define CAPACITY_MAX (1u << 24)

struct record {
	uint8_t id[TICKET_ID_BYTES];
	uint8_t client[16];
	int64_t issued_s, at_s;
	uint32_t slot; /* where the index points here */
	uint8_t family;
};

/*
 * Records stand one behind the other and an index of twice their number finds them, so memory is
 * touched as it fills, and emptying costs what was in it.
 */
struct epoch {
	struct record *record;
	uint32_t *index; /* number of a record + 1; 0: free */
	uint32_t used;
	int64_t began_s, newest_issued_s;
};

struct spent {
	struct epoch epoch[2];
	unsigned newer;           /* which of the two */
	uint32_t capacity, slots; /* powers of two */
	int64_t floor_s;
	uint64_t secret[2];
};

struct spent *
spent_new(uint32_t capacity, int64_t now_s)
{
	struct spent *s = xcalloc(1, sizeof(*s));

	s->capacity = 1;
	while (s->capacity < capacity && s->capacity < CAPACITY_MAX)
		s->capacity *= 2;
	s->slots = 2 * s->capacity;
	for (unsigned i = 0; i < 2; i++) {
		s->epoch[i].record = xcalloc(s->capacity, sizeof(struct record));
		s->epoch[i].index = xcalloc(s->slots, sizeof(uint32_t));
		s->epoch[i].began_s = now_s;
	}
	s->floor_s = now_s;
	random_bytes(s->secret, sizeof(s->secret));
	return s;
}

void
spent_free(struct spent *s)
{
	if (s == NULL)
		return;
	for (unsigned i = 0; i < 2; i++) {
		free(s->epoch[i].record);
		free(s->epoch[i].index);
	}
	free(s);
}

int64_t
spent_floor(const struct spent *s)
{
	return s->floor_s;
}

/* Where to begin to look. The secret keeps anybody from choosing ids that fall together. */
static uint32_t
first_slot(const struct spent *s, const uint8_t id[TICKET_ID_BYTES])
{
	uint64_t half[2], h;

	memcpy(half, id, sizeof(half));
	h = (half[0] ^ s->secret[0]) * UINT64_C(0x9e3779b97f4a7c15);
	h = (h ^ h >> 32 ^ half[1] ^ s->secret[1]) * UINT64_C(0xd6e8feb86659fd93);
	return (uint32_t)(h >> 32) & (s->slots - 1);
}

/* The record of this id, or NULL and *slot is where it would go. */
static const struct record *
find(
    const struct spent *s, const struct epoch *e, const uint8_t id[TICKET_ID_BYTES], uint32_t *slot)
{
	/* Half of the slots are free at least, so this ends. */
	for (*slot = first_slot(s, id); e->index[*slot] != 0;
	     *slot = (*slot + 1) & (s->slots - 1)) {
		const struct record *r = &e->record[e->index[*slot] - 1];

		if (memcmp(r->id, id, sizeof(r->id)) == 0)
			return r;
	}
	return NULL;
}

/*
 * The older epoch is forgotten and becomes the newer. No ticket that was in it may come back, so
 * the floor rises above the youngest of them; by the time of issue, not of redemption, as the
 * clock of who issued it may be ahead.
 */
static void
rotate(struct spent *s, int64_t now_s)
{
	struct epoch *e = &s->epoch[s->newer ^ 1];

	if (e->used > 0 && e->newest_issued_s >= s->floor_s)
		s->floor_s = e->newest_issued_s < INT64_MAX ? e->newest_issued_s + 1 : INT64_MAX;
	for (uint32_t i = 0; i < e->used; i++)
		e->index[e->record[i].slot] = 0;
	e->used = 0;
	e->began_s = now_s;
	s->newer ^= 1;
}

static bool
is_old(int64_t began_s, int64_t now_s)
{
	return now_s > began_s && (uint64_t)now_s - (uint64_t)began_s >= TICKET_LIFE_S;
}

/* In either epoch; *slot is where it would go in the newer one. */
static bool
look_up(const struct spent *s, const uint8_t id[TICKET_ID_BYTES], struct spent_entry *first,
    uint32_t *slot)
{
	const struct record *known = find(s, &s->epoch[s->newer ^ 1], id, slot);

	if (known == NULL)
		known = find(s, &s->epoch[s->newer], id, slot);
	if (known == NULL)
		return false;
	memcpy(first->id, known->id, sizeof(first->id));
	memcpy(first->client.bytes, known->client, sizeof(known->client));
	first->client.family = known->family;
	first->issued_s = known->issued_s;
	first->at_s = known->at_s;
	return true;
}

bool
spent_find(const struct spent *s, const uint8_t id[TICKET_ID_BYTES], struct spent_entry *first)
{
	uint32_t slot;

	return look_up(s, id, first, &slot);
}

bool
spent_add(struct spent *s, const struct spent_entry *entry, struct spent_entry *first)
{
	struct epoch *e = &s->epoch[s->newer];
	struct record *r;
	uint32_t slot;

	if (look_up(s, entry->id, first, &slot))
		return false;
	if (e->used == s->capacity || is_old(e->began_s, entry->at_s)) {
		rotate(s, entry->at_s);
		e = &s->epoch[s->newer];
		slot = first_slot(s, entry->id);
	}
	r = &e->record[e->used];
	memcpy(r->id, entry->id, sizeof(r->id));
	memcpy(r->client, entry->client.bytes, sizeof(r->client));
	r->family = entry->client.family;
	r->issued_s = entry->issued_s;
	r->at_s = entry->at_s;
	r->slot = slot;
	if (e->used == 0 || entry->issued_s > e->newest_issued_s)
		e->newest_issued_s = entry->issued_s;
	e->index[slot] = ++e->used;
	return true;
}
