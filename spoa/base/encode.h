#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Characters of n bytes in base64url without padding (RFC 4648, section 5). */
#define BASE64URL_CHARS(n) (((n)*4 + 2) / 3)

/* Writes BASE64URL_CHARS(n) characters, no NUL; returns how many. */
size_t base64url_encode(const void *bytes, size_t n, char *out);

/*
 * Strict: only the alphabet, no padding, no line breaks, unused bits zero: every value has one
 * spelling. False if it is not that or needs more than cap bytes; *n is what was written.
 */
bool base64url_decode(struct slice s, uint8_t *out, size_t cap, size_t *n);

/* Value of a hexadecimal digit of either case, -1 if it is none. */
int hex_value(char c);

/* The byte that %XX at the front of s stands for, -1 if none stands there. */
int percent_value(struct slice s);

/* Lower case, 2 n characters, no NUL. */
void hex_encode(const void *bytes, size_t n, char *out);

/* Lower case only, exactly 2 n characters; false otherwise. */
bool hex_decode(struct slice s, uint8_t *out, size_t n);
