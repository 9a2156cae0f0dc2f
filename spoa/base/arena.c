#include "base/arena.h"

#include <assert.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/memory.h"

#define BLOCK_BYTES ((size_t)64 * 1024)
#define ALIGN alignof(max_align_t)

struct block {
	struct block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *first; /* the one that is being filled */
	size_t total;
};

struct arena *
arena_new(void)
{
	return xcalloc(1, sizeof(struct arena));
}

void
arena_free(struct arena *a)
{
	if (a == NULL)
		return;
	while (a->first != NULL) {
		struct block *b = a->first;

		a->first = b->next;
		free(b);
	}
	free(a);
}

static struct block *
block_new(struct arena *a, size_t size)
{
	struct block *b = xcalloc(1, sizeof(*b) + size);

	b->size = size;
	a->total += sizeof(*b) + size;
	return b;
}

void *
arena_alloc(struct arena *a, size_t bytes)
{
	struct block *b = a->first;
	void *p;

	/* Rounding up, and the header in front, may not wrap. */
	assert(bytes <= PTRDIFF_MAX);
	bytes = (bytes + ALIGN - 1) & ~(ALIGN - 1);
	if (bytes > BLOCK_BYTES / 4) {
		/* A block of its own, behind the one that is being filled. */
		struct block *own = block_new(a, bytes);

		own->used = bytes;
		if (b == NULL) {
			a->first = own;
		} else {
			own->next = b->next;
			b->next = own;
		}
		return own->bytes;
	}
	if (b == NULL || b->size - b->used < bytes) {
		b = block_new(a, BLOCK_BYTES);
		b->next = a->first;
		a->first = b;
	}
	p = b->bytes + b->used;
	b->used += bytes;
	return p;
}

struct slice
arena_copy(struct arena *a, struct slice s)
{
	char *p;

	assert(s.len < PTRDIFF_MAX);
	p = arena_alloc(a, s.len + 1);
	if (s.len > 0)
		memcpy(p, s.ptr, s.len);
	return (struct slice){ p, s.len };
}

size_t
arena_bytes(const struct arena *a)
{
	return sizeof(*a) + a->total;
}
