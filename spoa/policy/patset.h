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
/* As PCRE2 got it (regex_text). */
struct slice patset_regex(const struct patset *s, uint32_t pattern);

void patset_own(struct patset *s, uint32_t pattern, uint32_t owner);

/* Once, after the last patset_own; before it nothing below may be called. */
void patset_seal(struct patset *s);

uint32_t patset_count(const struct patset *s);
size_t patset_bytes(const struct patset *s); /* of the regexes; the rest is the arena's */

#define BITSET_WORDS(n) (((size_t)(n) + 63) / 64)

/*
 * What a thread notes about one text. The caller gives the room and zeros it once; what a scan
 * touched is noted, so to clear it costs what was hit, not what there is.
 */
struct patset_scratch {
	uint64_t *room;          /* patset_room() words, of this set alone */
	uint64_t *owner;         /* bit set of the owners whose pattern may match: added to */
	uint64_t *owner_summary; /* bit n: owner[n] is not 0; BITSET_WORDS(BITSET_WORDS(owners)) */
};

size_t patset_room(const struct patset *s);

/* Note an owner, as a scan does. */
static inline void
patset_mark(uint64_t *owner, uint64_t *owner_summary, uint32_t n)
{
	owner[n / 64] |= (uint64_t)1 << n % 64;
	owner_summary[n / 4096] |= (uint64_t)1 << n / 64 % 64;
}

/* One text in a clean room. */
void patset_scan(const struct patset *s, struct slice text, struct patset_scratch *scratch);

/* Then, as often as one likes, of the same text. Failed is said once, later calls say no. */
enum regex_result patset_match(const struct patset *s, struct patset_scratch *scratch,
    uint32_t pattern, struct slice text, struct regex_matcher *m);

/* Then, before the next text: the room is clean again. The owners are the caller's to clear. */
void patset_clear(const struct patset *s, struct patset_scratch *scratch);
