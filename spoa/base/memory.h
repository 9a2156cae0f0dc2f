#pragma once

#include <stddef.h>

/* Allocate or abort: out of memory is not an error that a caller can mend. Zeroed, n > 0. */
void *xcalloc(size_t n, size_t size);

/* Grow or abort. n * size may not wrap; new bytes are not zeroed. */
void *xreallocarray(void *old, size_t n, size_t size);

char *xstrdup(const char *text);

/*
 * Before the first thread of a process that lives long: what is large, as most of what loading a
 * policy takes, goes back to the system when it is freed. (glibc would learn from the first such
 * block to keep the next ones.)
 */
void memory_modest(void);

/* Give back what was freed after much of it was: a policy takes more to read than to keep. */
void memory_trim(void);

/*
 * Once all is started: the code that only the start needed is no longer counted as ours. It is read
 * from the files of the program and its libraries again, should somebody run it.
 */
void memory_drop_code(void);
