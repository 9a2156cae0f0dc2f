#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/hash.h"
#include "base/slice.h"
#include "token/ticket.h"

/*
 * The method video: a clip of a few hundred bytes that browsers with a player load, and tell the
 * size and the length of. There are several; which one a visitor gets hangs on the ticket and on a
 * secret, so whoever only reads the page does not know. Evidence, no proof: it is never the only
 * way.
 */
struct clip {
	struct slice bytes; /* MP4, H.264 baseline */
	unsigned width, height, length_ms;
};

/* The clip of this ticket. */
const struct clip *clip_of(const uint8_t secret[HASH_KEY_BYTES], const struct ticket *t);

/* Is what the page says right: "WIDTHxHEIGHT@MILLISECONDS", the time to a tenth of a second? */
bool clip_right(const uint8_t secret[HASH_KEY_BYTES], const struct ticket *t, struct slice said);
