#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"

/*
 * Words that a text must hold for a regex to match: at least one of the set occurs in every match.
 * Wrong in one direction only: an empty set is "no idea, always try", never a word that a match
 * could lack.
 */
#define LITERAL_MIN 3u  /* shorter words stand everywhere */
#define LITERAL_MAX 64u /* what follows in a longer one is left out */
#define LITERALS_MAX 2048u

struct literal {
	struct literal *next;
	struct slice text;
	bool caseless; /* ASCII letters match in either case */
	bool exact;    /* a text that holds it matches: the regex asks for nothing else beside it */
};

struct literals {
	const struct literal *first;
	unsigned count;
};

/* `pattern` is one that PCRE2 has compiled, as it got it (regex_text). */
struct literals literal_extract(struct arena *a, struct slice pattern);
