#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "token/ticket.h"

/*
 * The method video: a clip of a few hundred bytes that browsers with a player load, and tell the
 * size and the length of. There are several, and the ticket says which one a visitor gets; whoever
 * only reads the page does not know which it is. Evidence, no proof: it is never the only way.
 */
struct clip {
	struct slice bytes; /* MP4, H.264 baseline */
	unsigned width, height, length_ms;
};

/* The clip of this ticket. */
const struct clip *clip_of(const struct ticket *t);

/* Is what the page says right: "WIDTHxHEIGHT@MILLISECONDS", the time to a tenth of a second? */
bool clip_right(const struct ticket *t, struct slice said);
