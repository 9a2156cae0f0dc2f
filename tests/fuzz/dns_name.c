#include "base/dns.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Labels of 1 to 63 of its letters, a dot between them, as the header has it. */
static void
is_normal(struct slice s)
{
	struct slice rest = s;

	assert(s.len > 0 && s.len <= DNS_NAME_MAX && s.ptr[s.len] == '\0');
	assert(s.ptr[0] != '.' && s.ptr[s.len - 1] != '.');
	while (rest.len > 0) {
		struct slice label = slice_split(rest, '.', &rest);

		assert(label.len >= 1 && label.len <= 63);
		for (size_t i = 0; i < label.len; i++)
			assert(label.ptr[i] != '\0' &&
			       strchr("abcdefghijklmnopqrstuvwxyz0123456789-_", label.ptr[i]));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice in = { (const char *)data, size }, name, again;
	char out[DNS_NAME_MAX + 1], twice[DNS_NAME_MAX + 1];
	struct address a;

	name = dns_name_normal(in, out);
	if (name.ptr != NULL) {
		is_normal(name);
		again = dns_name_normal(name, twice);
		assert(slice_equal(name, again));
		assert(size == name.len || (size == name.len + 1 && data[size - 1] == '.'));
		assert(slice_equal_nocase(name, (struct slice){ in.ptr, name.len }));
	}
	if (size < 16)
		return 0;
	/* The same bytes as an address and the zone that it is asked of. */
	a = address_from_bytes(data, data[0] & 1 ? 4 : 16);
	name = dns_name_normal((struct slice){ in.ptr + 16, size - 16 }, out);
	if (name.ptr == NULL)
		return 0;
	again = dns_reverse(&a, name, twice);
	if (again.ptr == NULL) {
		assert(name.len + (a.family == 4 ? 16 : 64) > DNS_NAME_MAX);
		return 0;
	}
	is_normal(again);
	assert(a.family == 4 ? again.len <= name.len + 16 : again.len == name.len + 64);
	assert(slice_equal((struct slice){ again.ptr + again.len - name.len, name.len }, name));
	return 0;
}
