#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "policy/regex.h"

/*
 * All patterns of one field, each kept once. A text is read once by an automaton over the words
 * that the patterns need (literal.h); PCRE2 confirms what remains, when somebody asks. A pattern
 * has owners, by number (the rules that it is the key of): a scan marks the owners of each
 * pattern that may match, so nobody walks the others. What a text costs depends on what it hits,
 * not on how many patterns there are.
 */
struct patset;

/* Shared by the patsets of one policy. */
struct patset_limits {
	uint32_t patterns, states; /* used so far */
};

#define PATTERNS_MAX 100000u
#define PATSET_STATES_MAX 250000u /* beyond that patterns are tried always */
#define PATSET_NONE UINT32_MAX

struct patset *patset_new(struct arena *a, struct patset_limits *limits);
void patset_free(struct patset *s); /* NULL is legal; the arena stays */

/* The number of this pattern, from 0; PATSET_NONE with notes->why if it is none. */
uint32_t patset_add(struct patset *s, struct slice pattern, struct regex_notes *notes);

/* It has words: a scan finds it, so it may be a key. */
bool patset_filtered(const struct patset *s, uint32_t pattern);
void patset_own(struct patset *s, uint32_t pattern, uint32_t owner);

/* Once, after the last patset_own; before it nothing below may be called. */
void patset_seal(struct patset *s);

uint32_t patset_count(const struct patset *s);
uint32_t patset_words(const struct patset *s);
size_t patset_bytes(const struct patset *s); /* of the regexes; the rest is the arena's */

/* What a thread notes about one text. Bit sets; the caller gives the room, and zeros it. */
struct patset_scratch {
	uint64_t *hit;   /* [pattern] may match */
	uint64_t *sure;  /* [pattern] does */
	uint64_t *word;  /* [word] was seen */
	uint64_t *owner; /* of patterns that were hit: added to what is set */
};

#define BITSET_WORDS(n) (((size_t)(n) + 63) / 64)

void patset_scan(const struct patset *s, struct slice text, struct patset_scratch *scratch);

/* After a scan of the same text. Failed is said once, later calls say no. */
enum regex_result patset_match(const struct patset *s, struct patset_scratch *scratch,
    uint32_t pattern, struct slice text, struct regex_matcher *m);
