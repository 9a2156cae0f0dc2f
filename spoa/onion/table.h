#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "onion/circuit.h"

/*
 * Tor's circuits that visitors of an onion service came by, by id: the effort that each proved, how
 * many of its requests were denied, and whether it is being closed. Fixed in size, a cache line a
 * bucket, and nobody waits: one thread keeps it, any number ask. What finds no room is not in it.
 */
struct circuit_table;

#define CIRCUIT_TABLE_SLOTS 32768u
#define CIRCUIT_TABLE_BUCKET 8u

struct circuit_table *circuit_table_new(void);
void circuit_table_free(struct circuit_table *t); /* NULL is legal */

/* ---- the thread that keeps it ---- */

/*
 * What tor says of a circuit: it joins, changes or leaves. Only one whose purpose is
 * HS_SERVICE_REND is kept, and no longer than that is its purpose. False: there is no room for it.
 */
bool circuit_table_take(struct circuit_table *t, const struct circuit *c);

void circuit_table_drop(struct circuit_table *t, uint32_t id);

/* Forget all of them: the ids of another tor mean other circuits. */
void circuit_table_clear(struct circuit_table *t);

/* How many there are. */
unsigned circuit_table_count(const struct circuit_table *t);

/* ---- any thread ---- */

enum circuit_known { CIRCUIT_UNKNOWN, CIRCUIT_OPEN, CIRCUIT_CLOSING };

/* It is to be closed, or is not any more. What it was: of several who ask at once one is told that
 * it was open. */
enum circuit_known circuit_table_mark(struct circuit_table *t, uint32_t id, bool closing);

enum circuit_known circuit_table_find(const struct circuit_table *t, uint32_t id);

/* 0: none, or it is not known. At most CIRCUIT_EFFORT_MAX. */
#define CIRCUIT_EFFORT_MAX ((uint32_t)INT32_MAX)
uint32_t circuit_table_effort(const struct circuit_table *t, uint32_t id);

/* One more of its requests was denied: how many there are now. 0: it is not known. */
uint32_t circuit_table_deny(struct circuit_table *t, uint32_t id);
