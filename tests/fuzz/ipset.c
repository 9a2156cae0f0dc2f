#include "policy/ipset.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PREFIXES_MAX 64u
#define ROW 18u /* family and list, bits, address */

/* One row of the input: a prefix, or the address to look for. */
static struct prefix
row(const uint8_t *p)
{
	struct address a = { { 0 }, (p[0] & 1) != 0 ? 6 : 4 };
	unsigned most = a.family == 6 ? 128 : 32, bits = p[1] % (most + 1);

	memcpy(a.bytes, p + 2, most / 8);
	return (struct prefix){ address_mask(&a, bits, bits), (uint8_t)bits };
}

static bool
covers(const struct prefix *p, const struct address *a)
{
	struct address masked = address_mask(a, p->bits, p->bits);

	return address_equal(&masked, &p->base);
}

/* The lists that cover an address are those that a look at every prefix finds, and no others. */
static void
compare(const struct ipset *s, const struct prefix *p, const uint32_t *list, unsigned n,
    const struct address *a)
{
	uint64_t want = 0, got = 0;

	for (unsigned i = 0; i < n; i++)
		want |= (uint64_t)covers(&p[i], a) << list[i];
	for (uint32_t node = ipset_find(s, a); node != 0;)
		got |= (uint64_t)1 << ipset_list(s, node, &node);
	assert(got == want);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct prefix p[PREFIXES_MAX];
	uint32_t list[PREFIXES_MAX];
	unsigned n = 0;
	struct arena *arena = arena_new();
	struct ipset *s = ipset_new(arena);

	for (; n < PREFIXES_MAX && size - n * ROW >= ROW && n * ROW < size; n++) {
		p[n] = row(data + n * ROW);
		list[n] = data[n * ROW] >> 1 & 63;
		assert(ipset_add(s, &p[n], list[n]));
	}
	ipset_seal(s);
	assert(ipset_count(s) == n);
	for (unsigned i = 0; i < n; i++) {
		struct address a = p[i].base;
		unsigned bytes = a.family == 6 ? 16 : 4;

		/* Where it begins, before that, where it ends, and behind. */
		compare(s, p, list, n, &a);
		for (unsigned k = bytes; k > 0 && a.bytes[k - 1]-- == 0; k--)
			;
		compare(s, p, list, n, &a);
		a = p[i].base;
		for (unsigned k = p[i].bits; k < bytes * 8; k++)
			a.bytes[k / 8] |= (uint8_t)(0x80 >> k % 8);
		compare(s, p, list, n, &a);
		for (unsigned k = bytes; k > 0 && ++a.bytes[k - 1] == 0; k--)
			;
		compare(s, p, list, n, &a);
	}
	ipset_free(s);
	arena_free(arena);
	return 0;
}
