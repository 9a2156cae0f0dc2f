#include "base/hash.h"

#include <string.h>

static uint64_t
rotate(uint64_t x, unsigned by)
{
	return x << by | x >> (64 - by);
}

static uint64_t
little_endian(const uint8_t *p, size_t n)
{
	uint64_t x = 0;

	for (size_t i = 0; i < n; i++)
		x |= (uint64_t)p[i] << 8 * i;
	return x;
}

static void
turn(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

uint64_t
hash_bytes(const uint8_t key[HASH_KEY_BYTES], const void *bytes, size_t n)
{
	const uint8_t *p = bytes;
	const uint64_t k0 = little_endian(key, 8), k1 = little_endian(key + 8, 8);
	uint64_t v[4] = { k0 ^ 0x736f6d6570736575u, k1 ^ 0x646f72616e646f6du,
		k0 ^ 0x6c7967656e657261u, k1 ^ 0x7465646279746573u };
	uint64_t last = (uint64_t)n << 56;

	for (; n >= 8; n -= 8, p += 8) {
		const uint64_t m = little_endian(p, 8);

		v[3] ^= m;
		turn(v);
		v[0] ^= m;
	}
	last |= little_endian(p, n);
	v[3] ^= last;
	turn(v);
	v[0] ^= last;
	v[2] ^= 0xff;
	turn(v);
	turn(v);
	turn(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}
