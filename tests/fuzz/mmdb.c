#include "base/mmdb.h"

#include <assert.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libmaxminddb 1.7.1 forgets a page where a list in the metadata is damaged. */
const char *
__lsan_default_suppressions(void)
{
	return "leak:libmaxminddb";
}

/* The library maps files: the bytes become one that has no name. */
int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const texts[] = { "192.0.2.1", "198.51.100.7", "203.0.113.99", "0.0.0.0",
		"255.255.255.255", "2001:db8::1", "2001:db8:1::", "::", "fd00::1" };
	int fd = memfd_create("mmdb", MFD_CLOEXEC);
	const char *why = NULL;
	struct mmdb *m;
	char path[64];

	assert(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	m = mmdb_open(path, &why);
	assert((m == NULL) == (why != NULL));
	for (size_t i = 0; m != NULL && i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct address a;
		char c[2];

		assert(address_parse(slice_of(texts[i]), &a));
		if (mmdb_country(m, &a, c))
			assert(c[0] >= 'A' && c[0] <= 'Z' && c[1] >= 'A' && c[1] <= 'Z');
		mmdb_asn(m, &a);
	}
	mmdb_close(m);
	close(fd);
	return 0;
}
