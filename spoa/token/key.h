#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/slice.h"

#define KEYS_MAX 4u
#define KEY_MASTER_BYTES 32u

/* JWT header of a key, in base64url, its dot included: {"alg":"HS256","typ":"JWT","kid":"…"} */
#define KEY_JWT_HEADER_MAX 96u

/*
 * What is derived from one master key, by HKDF with one label a purpose. The pass secret is text,
 * since HAProxy's jwt_verify takes its secret as text.
 */
struct key {
	uint8_t id[4];
	struct hmac_key ticket, pass;
	char pass_secret[2 * SHA256_BYTES + 1]; /* hex, NUL-terminated */
	char jwt_header[KEY_JWT_HEADER_MAX];
	size_t jwt_header_len;
};

/* The first key seals; all of them open. Immutable once loaded: threads share it. */
struct keyring {
	struct key key[KEYS_MAX];
	unsigned count;
};

/*
 * The key file: comment lines with #, blank lines, and one key a line, newest first, as 64 lower
 * case hex digits. At least one, at most KEYS_MAX. False with *why (and *line, from 1, 0 if it is
 * the whole file); the text of a key never stands in *why.
 */
bool keyring_parse(struct keyring *k, struct slice text, unsigned *line, const char **why);

/* The text of a key file with a fresh key in front of the first `keep` keys of old (NULL: none).
 * NUL-terminated. */
#define KEY_FILE_MAX 1024u
size_t keyring_write(
    const uint8_t fresh[KEY_MASTER_BYTES], struct slice old, unsigned keep, char out[KEY_FILE_MAX]);

/* The key with this id, or NULL. */
const struct key *keyring_find(const struct keyring *k, const uint8_t id[4]);

void keyring_wipe(struct keyring *k);
