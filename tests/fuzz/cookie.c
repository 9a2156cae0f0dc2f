/* A Cookie header: what is found stands in it between "ammit=" and a semicolon or the end. */
#include "challenge/cookie.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice header = { (const char *)data, size };
	struct slice got = cookie_get(header, SLICE("ammit"));
	const char *end, *after, *before = got.ptr;

	if (got.ptr == NULL)
		return 0;
	end = header.ptr + size;
	after = got.ptr + got.len;
	assert(got.ptr >= header.ptr && got.len <= (size_t)(end - got.ptr));
	assert(got.len == 0 || memchr(got.ptr, ';', got.len) == NULL);
	assert(slice_equal(slice_trim(got), got));
	if (got.len == 0)
		return 0;
	while (after < end && *after != ';')
		assert(slice_trim((struct slice){ after++, 1 }).len == 0);
	while (slice_trim((struct slice){ before - 1, 1 }).len == 0)
		before--;
	assert(before - header.ptr >= 6 && before[-1] == '=');
	return 0;
}
