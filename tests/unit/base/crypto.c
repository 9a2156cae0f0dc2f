#include "base/crypto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
is_hex(const uint8_t *got, const char *want)
{
	uint8_t bytes[SHA256_BYTES];

	assert_true(hex_decode(slice_of(want), bytes, sizeof(bytes)));
	assert_memory_equal(got, bytes, sizeof(bytes));
}

/* FIPS 180-4 examples. */
static const struct {
	const char *in, *want;
} hashes[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
};

static void
sha256(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(hashes); i++) {
		size_t n = strlen(hashes[i].in);
		uint8_t out[SHA256_BYTES];

		sha256_once(hashes[i].in, n, out);
		is_hex(out, hashes[i].want);
		for (size_t cut = 0; cut <= n; cut++) {
			struct sha256 h, copy;

			sha256_init(&h);
			sha256_update(&h, hashes[i].in, cut);
			copy = h;
			sha256_update(&h, "something else", 14);
			sha256_update(&copy, hashes[i].in + cut, n - cut);
			sha256_final(&copy, out);
			is_hex(out, hashes[i].want);
		}
	}
}

/* RFC 4231, cases 1, 2 and 6; then no key and no data. */
static const struct {
	const char *name, *key;
	int fill; /* the key is this byte, key_len times, when key is NULL */
	size_t key_len;
	const char *data, *want;
} macs[] = {
	{ "1", NULL, 0x0b, 20, "Hi There",
	    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7" },
	{ "2", "Jefe", 0, 4, "what do ya want for nothing?",
	    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843" },
	{ "6, key longer than a block", NULL, 0xaa, 131,
	    "Test Using Larger Than Block-Size Key - Hash Key First",
	    "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54" },
	{ "nothing", "", 0, 0, "",
	    "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad" },
};

static void
hmac(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(macs); i++) {
		uint8_t key[200], out[SHA256_BYTES];
		struct hmac_key k;

		if (macs[i].key == NULL)
			memset(key, macs[i].fill, macs[i].key_len);
		else
			memcpy(key, macs[i].key, macs[i].key_len);
		hmac_key_init(&k, key, macs[i].key_len);
		for (int twice = 0; twice < 2; twice++) {
			hmac_once(&k, macs[i].data, strlen(macs[i].data), out);
			is_hex(out, macs[i].want);
		}
	}
	hmac_key_init(&(struct hmac_key){ 0 }, NULL, 0);
}

/* RFC 5869, case 3: no salt, no info; the first 32 of its 42 bytes. */
static void
hkdf(void **state)
{
	uint8_t master[22], a[SHA256_BYTES], b[SHA256_BYTES], mac[SHA256_BYTES];
	struct hmac_key extract, expand;

	(void)state;
	memset(master, 0x0b, sizeof(master));
	hkdf_derive(master, sizeof(master), "", a);
	is_hex(a, "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d");
	hkdf_derive(master, sizeof(master), "ticket", a);
	hkdf_derive(master, sizeof(master), "pass", b);
	assert_memory_not_equal(a, b, sizeof(a));

	/* With a label, from the definition: HMAC(HMAC(0, master), label 0x01). */
	hmac_key_init(&extract, (uint8_t[32]){ 0 }, 32);
	hmac_once(&extract, master, sizeof(master), mac);
	hmac_key_init(&expand, mac, sizeof(mac));
	hmac_once(&expand, "ticket\x01", 7, mac);
	assert_memory_equal(a, mac, sizeof(a));
}

static void
equal_and_wipe(void **state)
{
	uint8_t a[64] = { 0 }, b[64] = { 0 };

	(void)state;
	assert_true(secret_equal(a, b, sizeof(a)));
	assert_true(secret_equal(a, b, 0));
	for (size_t i = 0; i < sizeof(a); i++) {
		b[i] = 0x80;
		assert_false(secret_equal(a, b, sizeof(a)));
		assert_true(secret_equal(a, b, i));
		b[i] = 0;
	}
	memset(a, 0xff, sizeof(a));
	secret_wipe(a, sizeof(a));
	assert_memory_equal(a, b, sizeof(a));
}

static void
random_differs(void **state)
{
	uint8_t a[32] = { 0 }, b[33] = { 0 };

	(void)state;
	random_bytes(a, sizeof(a));
	random_bytes(b, 32);
	assert_memory_not_equal(a, b, sizeof(a));
	assert_int_equal(b[32], 0);
	random_bytes(a, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sha256),
		cmocka_unit_test(hmac),
		cmocka_unit_test(hkdf),
		cmocka_unit_test(equal_and_wipe),
		cmocka_unit_test(random_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
