#pragma once

#include <stddef.h>

/* Allocate or abort: out of memory is not an error that a caller can mend. Zeroed, n > 0. */
void *xcalloc(size_t n, size_t size);

/* Grow or abort. n * size may not wrap; new bytes are not zeroed. */
void *xreallocarray(void *old, size_t n, size_t size);

char *xstrdup(const char *text);

/* Give back what was freed after much of it was: a policy takes more to read than to keep. */
void memory_trim(void);
