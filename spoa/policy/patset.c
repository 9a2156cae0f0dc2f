#include "policy/patset.h"

#include <stdlib.h>

#include "base/memory.h"
#include "policy/automaton.h"
#include "policy/literal.h"

/* A word, and the patterns that wait for it: member[first] .. member[first of the next]. */
struct word {
	struct slice text;
	uint32_t first;
	bool caseless, exact;
};

struct pattern {
	struct slice source; /* as written */
	struct regex *regex;
	struct literals words;
	uint32_t first_owner; /* owner[first] .. owner[first of the next] */
	bool empty;           /* ^$: no need to ask PCRE2 */
};

struct edge {
	uint32_t pattern, owner;
};

struct patset {
	struct arena *arena, *scratch; /* scratch: until it is sealed */
	struct patset_limits *limits;
	struct pattern *pattern; /* one more than count, when sealed */
	uint32_t count;
	uint32_t *table; /* by source: number + 1, open addressing */
	uint32_t slots;
	struct edge *edge;
	size_t edges;

	struct automaton *automaton; /* NULL: no pattern has a word */
	struct word *word;
	uint32_t words;
	uint32_t *member, *owner;
};

/* What a scan and those who ask know of 64 patterns. */
struct known {
	uint64_t hit;   /* a word of it was seen */
	uint64_t asked; /* the answer is known: */
	uint64_t yes;   /* this */
};

/* The room of a scratch, with what lies where. */
struct room {
	uint64_t *known_summary, *word_summary; /* bit n: known[n], word[n] are not 0 */
	struct known *known;
	uint64_t *word; /* [word]: was seen */
};

static uint64_t
bit(uint32_t n)
{
	return (uint64_t)1 << n % 64;
}

static struct room
room_of(const struct patset *s, uint64_t *at)
{
	const size_t patterns = BITSET_WORDS(s->count), words = BITSET_WORDS(s->words);
	struct room r;

	r.known_summary = at;
	r.word_summary = r.known_summary + BITSET_WORDS(patterns);
	r.known = (struct known *)(r.word_summary + BITSET_WORDS(words));
	r.word = (uint64_t *)(r.known + patterns);
	return r;
}

static struct known *
touch(const struct room *r, uint32_t pattern)
{
	r->known_summary[pattern / 4096] |= bit(pattern / 64);
	return &r->known[pattern / 64];
}

struct patset *
patset_new(struct arena *a, struct patset_limits *limits)
{
	struct patset *s = xcalloc(1, sizeof(*s));

	s->arena = a;
	s->scratch = arena_new();
	s->limits = limits;
	return s;
}

void
patset_free(struct patset *s)
{
	if (s == NULL)
		return;
	for (uint32_t i = 0; i < s->count; i++)
		regex_free(s->pattern[i].regex);
	free(s->pattern);
	free(s->table);
	free(s->edge);
	arena_free(s->scratch);
	free(s);
}

static uint32_t *
slot(const struct patset *s, struct slice source)
{
	uint32_t hash = 2166136261u, at;

	for (size_t i = 0; i < source.len; i++)
		hash = (hash ^ (uint8_t)source.ptr[i]) * 16777619u;
	for (at = hash & (s->slots - 1); s->table[at] != 0; at = (at + 1) & (s->slots - 1))
		if (slice_equal(s->pattern[s->table[at] - 1].source, source))
			break;
	return &s->table[at];
}

static void
make_room(struct patset *s)
{
	if (s->count * 2 < s->slots)
		return;
	s->slots = s->slots == 0 ? 64 : s->slots * 2;
	free(s->table);
	s->table = xcalloc(s->slots, sizeof(*s->table));
	s->pattern = xreallocarray(s->pattern, s->slots / 2 + 1, sizeof(*s->pattern));
	for (uint32_t i = 0; i < s->count; i++)
		*slot(s, s->pattern[i].source) = i + 1;
}

/* Words cost states of the automaton: when those are used up, the pattern does without. */
static struct literals
affordable(struct patset *s, struct literals words)
{
	size_t states = 0;

	for (const struct literal *l = words.first; l != NULL; l = l->next)
		states += l->text.len < AUTOMATON_WORD_MAX ? l->text.len : AUTOMATON_WORD_MAX;
	if (states > PATSET_STATES_MAX - s->limits->states)
		return (struct literals){ 0 };
	s->limits->states += (uint32_t)states;
	return words;
}

uint32_t
patset_add(struct patset *s, struct slice source, struct regex_notes *notes)
{
	struct regex *regex;
	struct pattern *p;
	uint32_t *at;

	make_room(s);
	at = slot(s, source);
	if (*at != 0) {
		*notes = (struct regex_notes){ 0 };
		return *at - 1;
	}
	regex = regex_compile(source, notes);
	if (regex == NULL)
		return PATSET_NONE;
	if (s->limits->patterns == PATTERNS_MAX) {
		static const char why[] = "more patterns than a policy may have";

		memcpy(notes->why, why, sizeof(why));
		regex_free(regex);
		return PATSET_NONE;
	}
	s->limits->patterns++;
	p = &s->pattern[s->count];
	*p = (struct pattern){ .source = arena_copy(s->scratch, source), .regex = regex };
	p->words = affordable(s, literal_extract(s->scratch, regex_text(regex)));
	p->empty = slice_equal(source, SLICE("^$"));
	*at = ++s->count;
	return s->count - 1;
}

bool
patset_filtered(const struct patset *s, uint32_t pattern)
{
	return s->pattern[pattern].words.count > 0;
}

struct slice
patset_regex(const struct patset *s, uint32_t pattern)
{
	return regex_text(s->pattern[pattern].regex);
}

void
patset_own(struct patset *s, uint32_t pattern, uint32_t owner)
{
	/* Doubles: full whenever the count is a power of two. */
	if ((s->edges & (s->edges - 1)) == 0)
		s->edge =
		    xreallocarray(s->edge, s->edges == 0 ? 1 : s->edges * 2, sizeof(*s->edge));
	s->edge[s->edges++] = (struct edge){ pattern, owner };
}

struct need {
	struct slice text;
	uint32_t pattern;
	bool caseless, exact;
};

static int
same_word(const struct need *a, const struct need *b)
{
	size_t n = a->text.len < b->text.len ? a->text.len : b->text.len;
	int order = memcmp(a->text.ptr, b->text.ptr, n);

	if (order != 0)
		return order;
	if (a->text.len != b->text.len)
		return a->text.len < b->text.len ? -1 : 1;
	return (a->caseless * 2 + a->exact) - (b->caseless * 2 + b->exact);
}

static int
by_word(const void *x, const void *y)
{
	const struct need *a = x, *b = y;
	int order = same_word(a, b);

	return order != 0 ? order : a->pattern < b->pattern ? -1 : a->pattern > b->pattern;
}

static void
seal_words(struct patset *s)
{
	size_t total = 0, n = 0;
	struct need *need;
	struct slice *text;

	for (uint32_t i = 0; i < s->count; i++)
		total += s->pattern[i].words.count;
	if (total == 0)
		return;
	need = xcalloc(total, sizeof(*need));
	text = xcalloc(total, sizeof(*text));
	for (uint32_t i = 0; i < s->count; i++) {
		const struct literals *words = &s->pattern[i].words;

		for (const struct literal *l = words->first; l != NULL; l = l->next)
			need[n++] = (struct need){ l->text, i, l->caseless, l->exact };
	}
	qsort(need, n, sizeof(*need), by_word);
	s->word = arena_alloc(s->arena, (total + 1) * sizeof(*s->word));
	s->member = arena_alloc(s->arena, total * sizeof(*s->member));
	for (size_t i = 0; i < n; i++) {
		s->member[i] = need[i].pattern;
		if (i > 0 && same_word(&need[i], &need[i - 1]) == 0)
			continue;
		text[s->words] = arena_copy(s->arena, need[i].text);
		s->word[s->words] =
		    (struct word){ text[s->words], (uint32_t)i, need[i].caseless, need[i].exact };
		s->words++;
	}
	s->word[s->words].first = (uint32_t)n;
	s->automaton = automaton_build(s->arena, text, s->words);
	free(text);
	free(need);
}

static void
seal_owners(struct patset *s)
{
	uint32_t at = 0;

	s->owner = arena_alloc(s->arena, (s->edges + 1) * sizeof(*s->owner));
	for (size_t i = 0; i < s->edges; i++)
		s->pattern[s->edge[i].pattern].first_owner++;
	for (uint32_t i = 0; i < s->count; i++) {
		uint32_t n = s->pattern[i].first_owner;

		s->pattern[i].first_owner = at += n;
	}
	s->pattern[s->count].first_owner = at;
	/* Filled from the back, which leaves each at its first. */
	for (size_t i = s->edges; i > 0; i--)
		s->owner[--s->pattern[s->edge[i - 1].pattern].first_owner] = s->edge[i - 1].owner;
}

void
patset_seal(struct patset *s)
{
	make_room(s);
	seal_words(s);
	seal_owners(s);
	for (uint32_t i = 0; i < s->count; i++) {
		s->pattern[i].source = (struct slice){ NULL, 0 };
		s->pattern[i].words.first = NULL;
	}
	free(s->table);
	free(s->edge);
	arena_free(s->scratch);
	s->table = NULL;
	s->edge = NULL;
	s->scratch = NULL;
}

uint32_t
patset_count(const struct patset *s)
{
	return s->count;
}

size_t
patset_room(const struct patset *s)
{
	const size_t patterns = BITSET_WORDS(s->count), words = BITSET_WORDS(s->words);

	return BITSET_WORDS(patterns) + BITSET_WORDS(words) + words +
	       patterns * (sizeof(struct known) / sizeof(uint64_t));
}

size_t
patset_bytes(const struct patset *s)
{
	size_t bytes = sizeof(*s) + (s->slots / 2 + 1) * sizeof(*s->pattern);

	for (uint32_t i = 0; i < s->count; i++)
		bytes += regex_bytes(s->pattern[i].regex);
	return bytes;
}

struct scan {
	const struct patset *set;
	struct patset_scratch *scratch;
	struct room room;
	struct slice text;
};

/* The automaton knows the beginning of a word, case ignored: compare all of it. */
static bool
stands_at(const struct word *w, struct slice text, size_t start)
{
	struct slice there = { text.ptr + start, w->text.len };

	if (w->text.len > text.len - start)
		return false;
	return w->caseless ? slice_equal_nocase(there, w->text) : slice_equal(there, w->text);
}

static void
word_found(void *context, uint32_t word, size_t end)
{
	struct scan *scan = context;
	const struct patset *s = scan->set;
	const struct word *w = &s->word[word];
	size_t cut = w->text.len < AUTOMATON_WORD_MAX ? w->text.len : AUTOMATON_WORD_MAX;
	uint64_t *seen = &scan->room.word[word / 64];

	if ((*seen & bit(word)) != 0 || !stands_at(w, scan->text, end - cut))
		return;
	*seen |= bit(word);
	scan->room.word_summary[word / 4096] |= bit(word / 64);
	for (uint32_t i = w->first; i < w[1].first; i++) {
		uint32_t p = s->member[i];
		struct known *k = touch(&scan->room, p);

		if (w->exact) {
			k->asked |= bit(p);
			k->yes |= bit(p);
		}
		if ((k->hit & bit(p)) != 0)
			continue;
		k->hit |= bit(p);
		for (uint32_t o = s->pattern[p].first_owner; o < s->pattern[p + 1].first_owner; o++)
			patset_mark(
			    scan->scratch->owner, scan->scratch->owner_summary, s->owner[o]);
	}
}

void
patset_scan(const struct patset *s, struct slice text, struct patset_scratch *scratch)
{
	struct scan scan = { s, scratch, room_of(s, scratch->room), text };

	if (s->automaton != NULL && text.len >= LITERAL_MIN)
		automaton_scan(s->automaton, text, word_found, &scan);
}

enum regex_result
patset_match(const struct patset *s, struct patset_scratch *scratch, uint32_t pattern,
    struct slice text, struct regex_matcher *m)
{
	const struct room room = room_of(s, scratch->room);
	const struct pattern *p = &s->pattern[pattern];
	struct known *k = &room.known[pattern / 64];
	enum regex_result result;

	if ((k->asked & bit(pattern)) != 0)
		return (k->yes & bit(pattern)) != 0 ? REGEX_YES : REGEX_NO;
	if (p->words.count > 0 && (k->hit & bit(pattern)) == 0)
		return REGEX_NO;
	if (p->empty)
		return text.len == 0 ? REGEX_YES : REGEX_NO;
	result = regex_match(p->regex, m, text);
	touch(&room, pattern)->asked |= bit(pattern);
	if (result == REGEX_YES)
		k->yes |= bit(pattern);
	return result;
}

void
patset_clear(const struct patset *s, struct patset_scratch *scratch)
{
	const struct room room = room_of(s, scratch->room);
	const size_t patterns = BITSET_WORDS(BITSET_WORDS(s->count));
	const size_t words = BITSET_WORDS(BITSET_WORDS(s->words));

	for (size_t i = 0; i < patterns; i++) {
		for (uint64_t left = room.known_summary[i]; left != 0; left &= left - 1)
			room.known[i * 64 + (unsigned)__builtin_ctzll(left)] = (struct known){ 0 };
		room.known_summary[i] = 0;
	}
	for (size_t i = 0; i < words; i++) {
		for (uint64_t left = room.word_summary[i]; left != 0; left &= left - 1)
			room.word[i * 64 + (unsigned)__builtin_ctzll(left)] = 0;
		room.word_summary[i] = 0;
	}
}
