#include "base/memory.h"

#include <link.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

/* Code alone: it is never written to, so nothing is lost. What has no file has no name but ours. */
static int
drop_code(struct dl_phdr_info *object, size_t bytes, void *arg)
{
	const uintptr_t page = *(const uintptr_t *)arg;

	(void)bytes;
	if (strncmp(object->dlpi_name, "linux-", 6) == 0)
		return 0;
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *h = &object->dlpi_phdr[i];
		const uintptr_t from = (object->dlpi_addr + h->p_vaddr) & ~(page - 1);
		const uintptr_t to = object->dlpi_addr + h->p_vaddr + h->p_filesz;

		if (h->p_type == PT_LOAD && (h->p_flags & (PF_X | PF_W)) == PF_X)
			madvise((void *)from, to - from, MADV_DONTNEED);
	}
	return 0;
}

void
memory_drop_code(void)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);

	dl_iterate_phdr(drop_code, &page);
}
