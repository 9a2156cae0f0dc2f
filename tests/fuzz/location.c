#include "challenge/location.h"

#include <assert.h>
#include <stdint.h>
#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Is the segment a dot, or two, as the WHATWG URL standard (4.4) knows them? Length of it, or 0. */
static size_t
dots(const char *p, size_t n)
{
	size_t count = 0, i = 0;

	while (i < n) {
		if (p[i] == '.')
			i++;
		else if (n - i >= 3 && p[i] == '%' && p[i + 1] == '2' && (p[i + 2] | 0x20) == 'e')
			i += 3;
		else
			return 0;
		count++;
	}
	return count <= 2 ? count : 0;
}

/* The path as a browser resolves it: dot segments out. Writes it to `out`, NUL-terminated. */
static void
resolve(const uint8_t *data, size_t size, char *out)
{
	const char *p = (const char *)data, *end = p + size;
	size_t len = 0;

	for (const char *q = p; q < end; q++)
		if (*q == '?' || *q == '#')
			end = q;
	while (p < end) {
		const char *slash = memchr(p + 1, '/', (size_t)(end - p - 1));
		const char *stop = slash ? slash : end;
		size_t n = (size_t)(stop - p - 1), d = dots(p + 1, n);

		if (d == 2)
			while (len > 0 && out[--len] != '/')
				;
		if (d == 0) {
			memcpy(out + len, p, n + 1);
			len += n + 1;
		} else if (slash == NULL) {
			out[len++] = '/';
		}
		p = stop;
	}
	out[len] = '\0';
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char path[LOCATION_MAX + 2];

	if (!location_valid((struct slice){ (const char *)data, size }))
		return 0;
	assert(size > 0 && size <= LOCATION_MAX && data[0] == '/');
	assert(size == 1 || (data[1] != '/' && data[1] != '\\'));
	for (size_t i = 0; i < size; i++)
		assert(data[i] > 0x20 && data[i] < 0x7f && data[i] != '\\');
	resolve(data, size, path);
	assert(path[0] == '/' && path[1] != '/');
	assert(strncmp(path, "/.ammit/", 8) != 0 && strncmp(path, "/%2eammit/", 10) != 0 &&
	       strncmp(path, "/%2Eammit/", 10) != 0);
	return 0;
}
