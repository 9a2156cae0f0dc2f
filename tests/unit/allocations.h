#pragma once

#include <stddef.h>

/*
 * Every allocation of the program that includes this, and of its libraries, is counted: glibc's own
 * functions stay reachable under their second names. A sanitizer has its own: then nothing is.
 */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t n);

void *malloc(size_t n);
void *calloc(size_t n, size_t size);
void *realloc(void *old, size_t n);

static unsigned allocations;

void *
malloc(size_t n)
{
	allocations++;
	return __libc_malloc(n);
}

void *
calloc(size_t n, size_t size)
{
	allocations++;
	return __libc_calloc(n, size);
}

void *
realloc(void *old, size_t n)
{
	allocations++;
	return __libc_realloc(old, n);
}
#else
static const unsigned allocations;
#endif
