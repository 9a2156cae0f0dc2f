#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/*
 * A page as an operator wrote it, in place of one of ours: what it must have follows from ours, so
 * that the script finds what it works with, and nobody is kept out by a page that cannot let in.
 */
struct template_fault {
	unsigned line; /* 0: of the whole */
	char why[768]; /* NUL-terminated; what would be right, too */
};

/*
 * Every name between {{ and }} must be one that ours has, too, or satisfy `more`. Names that ours
 * has must all be there but those that `optional` knows; so must elements with an id. What fills a
 * script or style in ours must do that in theirs, alone: browsers are told its hash. False with
 * *fault.
 */
bool template_valid(struct slice theirs, struct slice ours, bool (*more)(struct slice name),
    bool (*optional)(struct slice name), struct template_fault *fault);

/* The next name between {{ and }} from *at on, which moves behind it; *before is what stands in
 * front. False at the end, with what is left in *before. */
bool template_next(struct slice *at, struct slice *before, struct slice *name);
