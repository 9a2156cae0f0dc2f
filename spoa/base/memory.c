#include "base/memory.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
checked(void *p)
{
	if (p == NULL) {
		fputs("ammit: out of memory\n", stderr);
		abort();
	}
	return p;
}

void *
xcalloc(size_t n, size_t size)
{
	return checked(calloc(n, size));
}

void *
xreallocarray(void *old, size_t n, size_t size)
{
	return checked(reallocarray(old, n, size));
}

char *
xstrdup(const char *text)
{
	return checked(strdup(text));
}

void
memory_modest(void)
{
	mallopt(M_MMAP_THRESHOLD, 64 * 1024);
	mallopt(M_TOP_PAD, 4096);
}

void
memory_trim(void)
{
	malloc_trim(0);
}
