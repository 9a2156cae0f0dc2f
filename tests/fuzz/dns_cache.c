#include "net/dns_cache.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

/*
 * Beside a model that forgets nothing: what the cache has is what was put last and is not too old
 * yet, it has nothing else, and its bytes are bounded. Each step is three bytes: what, which name,
 * how long or how large.
 */
#define NAMES 256u
#define BYTES_MAX ((size_t)64 * 1024)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct known {
	unsigned serial; /* 0: was never put */
	size_t bytes;
	int64_t until_ms;
	enum dns_state state;
} known[3][NAMES];

static const enum dns_type types[] = { DNS_A, DNS_PTR, DNS_AAAA };
static int64_t now_ms;

/* Several lengths, so that the one begins with the other. */
static struct slice
name_of(unsigned i, char text[NAMES])
{
	memset(text, 'a', NAMES);
	text[i / 16] = (char)('a' + i % 16);
	return (struct slice){ text, 1 + i / 16 + (i % 16 == 15 ? 200 : 0) };
}

/* Two numbers may name the same one. */
static unsigned
index_of(unsigned i)
{
	char a[NAMES], b[NAMES];
	struct slice name = name_of(i, a);
	unsigned k = 0;

	while (!slice_equal(name_of(k, b), name))
		k++;
	return k;
}

static void
fill(uint8_t *out, size_t n, unsigned serial)
{
	for (size_t i = 0; i < n; i++)
		out[i] = (uint8_t)(serial + i * 7);
}

static void
check(const struct known *k, const struct dns_answer *a)
{
	uint8_t want[DNS_DATA_MAX];

	assert(k->serial > 0 && k->until_ms > now_ms && a->state == k->state);
	assert(a->count == (k->state == DNS_FOUND) && a->data.len == k->bytes);
	fill(want, k->bytes, k->serial);
	assert(k->bytes == 0 || memcmp(a->data.ptr, want, k->bytes) == 0);
}

static bool
each(void *arg, const struct dns_cached *e)
{
	char text[NAMES];
	unsigned type = e->answer.type == DNS_A ? 0 : e->answer.type == DNS_PTR ? 1 : 2;

	for (unsigned i = 0; i < NAMES; i++) {
		if (!slice_equal(name_of(i, text), e->name))
			continue;
		check(&known[type][i], &e->answer);
		assert(e->left_ms == known[type][i].until_ms - now_ms);
		break;
	}
	++*(size_t *)arg;
	return true;
}

static void
put(struct dns_cache *c, unsigned type, unsigned i, uint8_t how, unsigned serial)
{
	static struct dns_message m;
	struct known *k = &known[type][i];
	uint32_t ttl_s = how % 16;
	struct dns_answer a;
	char text[NAMES];

	m.state = how < 200 ? DNS_FOUND : how < 230 ? DNS_NONE : DNS_FAILED;
	m.count = m.state == DNS_FOUND;
	m.bytes = m.state == DNS_FOUND ? (size_t)how * 5 + 1 : 0;
	fill(m.data, m.bytes, serial);
	*k = (struct known){ serial, m.bytes, now_ms + ttl_s * 1000, m.state };
	dns_cache_put(c, types[type], name_of(i, text), &m, ttl_s, now_ms);
	/* Whatever was pushed out for it. */
	assert(dns_cache_get(c, types[type], name_of(i, text), now_ms, &a) == (ttl_s > 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[HASH_KEY_BYTES];
	struct dns_cache *c = dns_cache_new(BYTES_MAX, key);
	const size_t empty = dns_cache_size(c).bytes;
	size_t seen = 0;

	memset(known, 0, sizeof(known));
	now_ms = 0;
	for (size_t at = 0; size - at >= 3 && at < 3 * 4096; at += 3) {
		const unsigned type = data[at] / 16 % 3, i = index_of(data[at + 1]);
		struct dns_cache_size now;
		struct dns_answer a;
		char text[NAMES];

		switch (data[at] % 16) {
		case 0:
			now_ms += data[at + 2] * 10;
			break;
		case 1:
			if (data[at + 2] != 1)
				break;
			dns_cache_flush(c);
			assert(dns_cache_size(c).bytes == empty);
			memset(known, 0, sizeof(known));
			break;
		case 2:
		case 3:
		case 4:
		case 5:
		case 6:
			if (dns_cache_get(c, types[type], name_of(i, text), now_ms, &a))
				check(&known[type][i], &a);
			break;
		default:
			put(c, type, i, data[at + 2], (unsigned)at + 1);
		}
		now = dns_cache_size(c);
		assert(now.bytes <= now.bytes_max && now.bytes_max == BYTES_MAX);
		assert((now.entries == 0) == (now.bytes == empty));
	}
	dns_cache_walk(c, now_ms, each, &seen);
	assert(seen <= dns_cache_size(c).entries);
	dns_cache_free(c);
	return 0;
}
