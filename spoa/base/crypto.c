/* The only file that knows OpenSSL. SHA256_Init and its kin are deprecated in 3.0, but nothing that
 * replaces them leaves a state that can be copied without an allocation. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "base/crypto.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct sha256) == sizeof(SHA256_CTX), "struct sha256 is SHA256_CTX");
_Static_assert(_Alignof(struct sha256) == _Alignof(SHA256_CTX), "struct sha256 is SHA256_CTX");

static SHA256_CTX *
state(struct sha256 *h)
{
	return (SHA256_CTX *)h->opaque;
}

void
sha256_init(struct sha256 *h)
{
	SHA256_Init(state(h));
}

void
sha256_update(struct sha256 *h, const void *bytes, size_t n)
{
	SHA256_Update(state(h), bytes, n);
}

void
sha256_final(struct sha256 *h, uint8_t out[SHA256_BYTES])
{
	SHA256_Final(out, state(h));
}

void
sha256_once(const void *bytes, size_t n, uint8_t out[SHA256_BYTES])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_update(&h, bytes, n);
	sha256_final(&h, out);
}

static void
absorb_pad(struct sha256 *h, const uint8_t key[SHA256_CBLOCK], uint8_t pad)
{
	uint8_t block[SHA256_CBLOCK];

	for (size_t i = 0; i < sizeof(block); i++)
		block[i] = key[i] ^ pad;
	sha256_init(h);
	sha256_update(h, block, sizeof(block));
	secret_wipe(block, sizeof(block));
}

void
hmac_key_init(struct hmac_key *k, const void *key, size_t n)
{
	uint8_t block[SHA256_CBLOCK] = { 0 };

	if (n > sizeof(block))
		sha256_once(key, n, block);
	else if (n > 0)
		memcpy(block, key, n);
	absorb_pad(&k->inner, block, 0x36);
	absorb_pad(&k->outer, block, 0x5c);
	secret_wipe(block, sizeof(block));
}

void
hmac_once(const struct hmac_key *k, const void *bytes, size_t n, uint8_t out[SHA256_BYTES])
{
	struct sha256 h = k->inner;

	sha256_update(&h, bytes, n);
	sha256_final(&h, out);
	h = k->outer;
	sha256_update(&h, out, SHA256_BYTES);
	sha256_final(&h, out);
}

static void
die(const char *what)
{
	fprintf(stderr, "ammit: OpenSSL: %s failed\n", what);
	abort();
}

void
hkdf_derive(const void *master, size_t n, const char *label, uint8_t out[SHA256_BYTES])
{
	EVP_PKEY_CTX *c = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
	size_t bytes = SHA256_BYTES;

	if (c == NULL || EVP_PKEY_derive_init(c) <= 0 ||
	    EVP_PKEY_CTX_set_hkdf_md(c, EVP_sha256()) <= 0 ||
	    EVP_PKEY_CTX_set1_hkdf_key(c, master, (int)n) <= 0 ||
	    EVP_PKEY_CTX_add1_hkdf_info(c, (const unsigned char *)label, (int)strlen(label)) <= 0 ||
	    EVP_PKEY_derive(c, out, &bytes) <= 0 || bytes != SHA256_BYTES)
		die("HKDF");
	EVP_PKEY_CTX_free(c);
}

bool
secret_equal(const void *a, const void *b, size_t n)
{
	return CRYPTO_memcmp(a, b, n) == 0;
}

void
secret_wipe(void *p, size_t n)
{
	OPENSSL_cleanse(p, n);
}

void
random_bytes(void *out, size_t n)
{
	if (RAND_bytes(out, (int)n) != 1)
		die("RAND_bytes");
}
