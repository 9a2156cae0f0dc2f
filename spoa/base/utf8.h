#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Bytes of the character that s begins with if it is well-formed UTF-8 (RFC 3629), else 0. */
size_t utf8_length(struct slice s);

/* The same, and which character it is. */
size_t utf8_decode(struct slice s, uint32_t *character);

/* Is all of it characters? */
bool utf8_is_valid(struct slice s);

/* No byte above 0x7f: nothing to check. */
bool utf8_is_ascii(struct slice s);

/* The most that utf8_repair writes for n bytes. */
#define UTF8_ROOM(n) ((n)*3)

/*
 * A copy in which each byte that is part of no well-formed character is U+FFFD, as Go reads such
 * text. Returns the length.
 */
size_t utf8_repair(struct slice s, char *out);
