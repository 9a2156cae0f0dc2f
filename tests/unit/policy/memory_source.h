#pragma once

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/source.h"

/* Files that stand in a table; the last row has no name. A pattern names one file, or "*" all. */
struct memory_file {
	const char *name, *text;
};

static inline size_t
memory_find(void *context, struct arena *a, const char *from, struct slice pattern,
    const char ***names, const char **why)
{
	const struct memory_file *f = context;
	size_t count = 0, n = 0;

	(void)from;
	for (count = 0; f[count].name != NULL; count++)
		;
	*names = arena_alloc(a, (count + 1) * sizeof(**names));
	for (; f->name != NULL; f++)
		if (slice_equal(pattern, SLICE("*")) || slice_equal(pattern, slice_of(f->name)))
			(*names)[n++] = f->name;
	*why = "no file matches";
	return n;
}

static inline char *
memory_read(void *context, const char *name, size_t most, size_t *bytes, const char **why)
{
	const struct memory_file *f = context;

	(void)most;
	*why = "it is gone";
	for (; f->name != NULL; f++) {
		if (strcmp(f->name, name) != 0 || f->text == NULL)
			continue;
		*bytes = strlen(f->text);
		return strdup(f->text);
	}
	return NULL;
}

static inline struct mmdb *
memory_open(void *context, const char *name, const char **why)
{
	(void)context;
	return mmdb_open(name, why);
}

static inline struct source
memory_source(const struct memory_file *files)
{
	return (struct source){ memory_find, memory_read, memory_open, (void *)(uintptr_t)files };
}
