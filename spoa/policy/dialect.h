#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "base/text.h"

/*
 * Go's regular expressions (RE2 syntax), which policies are written in, said in PCRE2's words:
 * \s \S \v, \Q…\E, octal escapes and the hyphen and bracket inside a class mean another thing there
 * or are refused.
 */
struct dialect {
	const char *refused;    /* what cannot be supported, NULL: nothing */
	const char *unportable; /* the first thing that Go refuses and PCRE2 takes, NULL: none */
	const char *rewrite; /* of either: what to write instead, constant; NULL: there is none */
	size_t offset;       /* of either, in the pattern as written */
};

/* Room that any translation of n bytes fits into. */
#define DIALECT_ROOM(n) ((n)*8 + 16)

/* Writes the pattern to `out`. False if it was refused. What is no regex at all comes out as no
 * regex: PCRE2 says what is wrong with it. */
bool dialect_translate(struct slice go, struct text *out, struct dialect *d);
