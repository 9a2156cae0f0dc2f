#pragma once

#include <stddef.h>

#include "base/slice.h"

/*
 * Memory that is freed all at once: one policy generation lives in one arena. Not thread-safe;
 * what was allocated may be read by any thread.
 */
struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a); /* NULL is legal */

/* Zeroed, aligned for any type. Never NULL (aborts); bytes may be 0. */
void *arena_alloc(struct arena *a, size_t bytes);

/* A copy with a NUL behind it that is not counted. */
struct slice arena_copy(struct arena *a, struct slice s);

/* What the arena holds, its own overhead included. */
size_t arena_bytes(const struct arena *a);
