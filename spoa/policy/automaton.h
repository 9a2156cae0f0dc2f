#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/*
 * Aho-Corasick: every place where one of many words ends, in one pass over a text, ASCII case
 * ignored. A full table, one load a byte; a long text is read in four lanes at once, for each load
 * waits for the one before it. Immutable.
 */
struct automaton;

#define AUTOMATON_WORD_MAX 12u /* words are cut to this: the caller compares the rest */

/* Words are known by their index; none is empty. Lives in the arena. */
struct automaton *automaton_build(struct arena *a, const struct slice *words, uint32_t count);

/* Called for each word that ends at text[end - 1]; the same place may be reported twice. */
typedef void automaton_hit(void *context, uint32_t word, size_t end);

void automaton_scan(
    const struct automaton *a, struct slice text, automaton_hit *hit, void *context);
