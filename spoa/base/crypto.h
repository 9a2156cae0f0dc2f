#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

#define SHA256_BYTES 32

/*
 * The state of a running SHA-256: a plain value, copied with `=`, so that a keyed HMAC costs no
 * key schedule and no allocation (OpenSSL 3's EVP allocates for each copy).
 */
struct sha256 {
	uint32_t opaque[28];
};

void sha256_init(struct sha256 *h);
void sha256_update(struct sha256 *h, const void *bytes, size_t n);
void sha256_final(struct sha256 *h, uint8_t out[SHA256_BYTES]);

/* All in one. */
void sha256_once(const void *bytes, size_t n, uint8_t out[SHA256_BYTES]);

/* HMAC-SHA-256 (RFC 2104) under a key that was taken in once. */
struct hmac_key {
	struct sha256 inner, outer;
};

void hmac_key_init(struct hmac_key *k, const void *key, size_t n);

/* MAC of one piece. */
void hmac_once(const struct hmac_key *k, const void *bytes, size_t n, uint8_t out[SHA256_BYTES]);

/* HKDF-SHA-256 (RFC 5869), no salt, the label as info: one key a purpose from one master key. */
void hkdf_derive(const void *master, size_t n, const char *label, uint8_t out[SHA256_BYTES]);

/* Takes the same time wherever the difference stands. */
bool secret_equal(const void *a, const void *b, size_t n);

/* Not optimised away. */
void secret_wipe(void *p, size_t n);

/* From the system's generator; aborts if it has none. Not for the verdict path. */
void random_bytes(void *out, size_t n);
