#include "policy/automaton.h"

#include <stdbool.h>
#include <stdlib.h>

#include "base/memory.h"

#define LANES 4u
#define LANES_FROM ((size_t)64) /* bytes: below that one lane is as fast */

/*
 * A state is the offset of its row in `next`. States in which a word ends come last, so that one
 * comparison finds them.
 */
struct automaton {
	uint8_t class[256]; /* 0: a byte that stands in no word */
	uint32_t classes;
	uint32_t ending;  /* offset of the first row in which a word ends */
	uint32_t overlap; /* bytes that a lane begins before its share: longest word - 1 */
	const uint32_t *next;
	const uint32_t *first; /* [ending state]: its words are word[first] .. word[first + 1] */
	const uint32_t *word;
	const uint32_t *suffix; /* [ending state]: the next shorter one, as offset; 0: none */
};

/* What is needed only while it is built; states are numbers here. */
struct trie {
	uint32_t *next; /* [state * classes + class] */
	uint32_t states;
	uint32_t *end;    /* [word]: state it ends in */
	uint32_t *fail;   /* [state] */
	uint32_t *queue;  /* states, breadth first */
	uint32_t *suffix; /* [state]: nearest proper suffix in which a word ends; 0: none */
	uint32_t *ends;   /* [state]: words that end here */
	uint32_t *place;  /* [state]: its number in the automaton */
};

static size_t
cut(struct slice word)
{
	return word.len < AUTOMATON_WORD_MAX ? word.len : AUTOMATON_WORD_MAX;
}

/* Gives the bytes of the words their classes; returns how many states they need at most. */
static size_t
classify(struct automaton *a, const struct slice *words, uint32_t count)
{
	size_t states = 1;

	a->classes = 1;
	for (uint32_t i = 0; i < count; i++) {
		size_t n = cut(words[i]);

		states += n;
		a->overlap = n > a->overlap + 1 ? (uint32_t)n - 1 : a->overlap;
		for (size_t k = 0; k < n; k++) {
			uint8_t c = (uint8_t)ascii_lower(words[i].ptr[k]);

			if (a->class[c] == 0)
				a->class[c] = (uint8_t)a->classes++;
		}
	}
	for (int c = 'A'; c <= 'Z'; c++)
		a->class[c] = a->class[c + 32];
	return states;
}

/* 0 is "no child" here, for the root is nobody's child. */
static void
grow(struct trie *t, const struct automaton *a, const struct slice *words, uint32_t count)
{
	t->states = 1;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t s = 0;

		for (size_t k = 0; k < cut(words[i]); k++) {
			uint8_t class = a->class[(uint8_t)words[i].ptr[k]];
			uint32_t *child = &t->next[(size_t)s * a->classes + class];

			if (*child == 0)
				*child = t->states++;
			s = *child;
		}
		t->end[i] = s;
		t->ends[s]++;
	}
}

/* Breadth first: the row of a shorter suffix is complete before a longer one borrows from it. */
static void
link_rows(struct trie *t, uint32_t classes)
{
	uint32_t head = 0, tail = 1;

	while (head < tail) {
		uint32_t s = t->queue[head++], f = t->fail[s];

		t->suffix[s] = t->ends[f] > 0 ? f : t->suffix[f];
		for (uint32_t k = 0; k < classes; k++) {
			uint32_t *child = &t->next[(size_t)s * classes + k];
			uint32_t back = s == 0 ? 0 : t->next[(size_t)f * classes + k];

			if (*child != 0) {
				t->fail[*child] = back;
				t->queue[tail++] = *child;
			} else {
				*child = back;
			}
		}
	}
}

static bool
is_ending(const struct trie *t, uint32_t s)
{
	return t->ends[s] > 0 || t->suffix[s] != 0;
}

static void
finish(struct automaton *a, struct trie *t, struct arena *arena, uint32_t count)
{
	uint32_t plain = 0, at = 0, ending = 0, *next, *first, *word, *suffix;

	for (uint32_t s = 0; s < t->states; s++)
		ending += is_ending(t, s);
	for (uint32_t s = 0, e = t->states - ending; s < t->states; s++)
		t->place[s] = is_ending(t, s) ? e++ : plain++;
	a->ending = plain * a->classes;

	next = arena_alloc(arena, (size_t)t->states * a->classes * sizeof(*next));
	first = arena_alloc(arena, ((size_t)ending + 1) * sizeof(*first));
	suffix = arena_alloc(arena, ((size_t)ending + 1) * sizeof(*suffix));
	word = arena_alloc(arena, ((size_t)count + 1) * sizeof(*word));
	for (uint32_t s = 0; s < t->states; s++) {
		const uint32_t *from = &t->next[(size_t)s * a->classes];

		for (uint32_t k = 0; k < a->classes; k++)
			next[(size_t)t->place[s] * a->classes + k] = t->place[from[k]] * a->classes;
		if (!is_ending(t, s))
			continue;
		first[t->place[s] - plain] = at;
		at += t->ends[s];
		suffix[t->place[s] - plain] = t->place[t->suffix[s]] * a->classes;
	}
	first[ending] = at;
	/* Filled from the back: ends[] counts down to 0. */
	for (uint32_t i = 0; i < count; i++) {
		uint32_t s = t->end[i];

		word[first[t->place[s] - plain] + --t->ends[s]] = i;
	}
	a->next = next;
	a->first = first;
	a->word = word;
	a->suffix = suffix;
}

struct automaton *
automaton_build(struct arena *arena, const struct slice *words, uint32_t count)
{
	struct automaton *a = arena_alloc(arena, sizeof(*a));
	size_t states = classify(a, words, count);
	struct trie t = { 0 };

	t.next = xcalloc(states * a->classes, sizeof(uint32_t));
	t.end = xcalloc((size_t)count + 1, sizeof(uint32_t));
	t.fail = xcalloc(states, sizeof(uint32_t));
	t.queue = xcalloc(states, sizeof(uint32_t));
	t.suffix = xcalloc(states, sizeof(uint32_t));
	t.ends = xcalloc(states, sizeof(uint32_t));
	t.place = xcalloc(states, sizeof(uint32_t));
	grow(&t, a, words, count);
	link_rows(&t, a->classes);
	finish(a, &t, arena, count);
	free(t.next);
	free(t.end);
	free(t.fail);
	free(t.queue);
	free(t.suffix);
	free(t.ends);
	free(t.place);
	return a;
}

static void
report(const struct automaton *a, uint32_t state, size_t end, automaton_hit *hit, void *context)
{
	while (state >= a->ending && state != 0) {
		uint32_t e = (state - a->ending) / a->classes;

		for (uint32_t k = a->first[e]; k < a->first[e + 1]; k++)
			hit(context, a->word[k], end);
		state = a->suffix[e];
	}
}

static void
scan_short(const struct automaton *a, struct slice text, automaton_hit *hit, void *context)
{
	const uint8_t *p = (const uint8_t *)text.ptr;
	uint32_t s = 0;

	for (size_t i = 0; i < text.len; i++) {
		s = a->next[s + a->class[p[i]]];
		if (s >= a->ending)
			report(a, s, i + 1, hit, context);
	}
}

void
automaton_scan(const struct automaton *a, struct slice text, automaton_hit *hit, void *context)
{
	const size_t share = (text.len + (LANES - 1) * a->overlap + LANES - 1) / LANES;
	const uint32_t *next = a->next, ending = a->ending;
	const uint8_t *class = a->class, *p = (const uint8_t *)text.ptr;
	uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
	size_t at1 = share - a->overlap, at2 = 2 * at1, at3 = text.len - share;

	_Static_assert(
	    LANES_FROM > LANES * AUTOMATON_WORD_MAX, "a lane is longer than its overlap");
	if (text.len < LANES_FROM) {
		scan_short(a, text, hit, context);
		return;
	}
	for (size_t i = 0; i < share; i++) {
		s0 = next[s0 + class[p[i]]];
		s1 = next[s1 + class[p[at1 + i]]];
		s2 = next[s2 + class[p[at2 + i]]];
		s3 = next[s3 + class[p[at3 + i]]];
		if ((s0 >= ending) | (s1 >= ending) | (s2 >= ending) | (s3 >= ending)) {
			report(a, s0, i + 1, hit, context);
			report(a, s1, at1 + i + 1, hit, context);
			report(a, s2, at2 + i + 1, hit, context);
			report(a, s3, at3 + i + 1, hit, context);
		}
	}
}
