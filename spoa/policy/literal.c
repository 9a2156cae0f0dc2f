#include "policy/literal.h"

#include <stdint.h>

#include "base/encode.h"

#define DEPTH_MAX 64u
#define CLASS_MAX 10u /* characters of a class that is written out */
#define WORDS_MAX 64u /* that the classes of one word may make of it */

/* Alternatives: one of them stands in every match. count 0: nothing is known. */
struct set {
	struct literal *first, *last;
	unsigned count;
	size_t shortest;
	bool common; /* one of them stands in nearly every browser's name */
};

struct reader {
	struct arena *arena;
	const char *at, *end;
	bool lost; /* a construct that is not followed here: nothing is known of the whole */
};

/* What is being read of one alternative. */
struct sequence {
	/* One word, or one for each way through the classes in it; all have the same length. */
	char word[WORDS_MAX][LITERAL_MAX];
	unsigned words;
	size_t len;
	bool any_caseless, any_exact_case; /* letters of the words */
	bool caseless;                     /* (?i) is on */
	bool plain;                        /* one word so far and nothing else */
	unsigned groups;
	struct set best;
};

enum item { ITEM_NONE, ITEM_CHARACTER, ITEM_CLASS, ITEM_ANCHOR, ITEM_OTHER, ITEM_GROUP };

struct atom {
	enum item item;
	char bytes[CLASS_MAX]; /* of a character, or the characters of a class */
	size_t len;
	bool either_case; /* [Bb] */
	struct set set;   /* of a group */
};

static struct set alternatives(struct reader *r, bool *caseless, unsigned depth);

/* Agents that every second visitor has: words found in them select nothing. */
static bool
is_common(struct slice word)
{
	static const char *const agents[] = {
		"mozilla/5.0 (windows nt 10.0; win64; x64) applewebkit/537.36 (khtml, like gecko) "
		"chrome/130.0.0.0 safari/537.36 edg/130.0.0.0",
		"mozilla/5.0 (x11; linux x86_64; rv:130.0) gecko/20100101 firefox/130.0",
		"mozilla/5.0 (macintosh; intel mac os x 10_15_7) applewebkit/605.1.15 (khtml, like "
		"gecko) version/17.5 safari/605.1.15",
		"mozilla/5.0 (iphone; cpu iphone os 17_5 like mac os x) version/17.5 mobile/15e148",
		"mozilla/5.0 (linux; android 10; k) mobile safari/537.36",
		"mozilla/5.0 (compatible; +https://www.",
	};
	char low[LITERAL_MAX];

	for (size_t i = 0; i < word.len; i++)
		low[i] = ascii_lower(word.ptr[i]);
	for (size_t i = 0; i < sizeof(agents) / sizeof(agents[0]); i++)
		if (memmem(agents[i], strlen(agents[i]), low, word.len) != NULL)
			return true;
	return false;
}

static struct set
better(struct set a, struct set b)
{
	if (a.count == 0 || b.count == 0)
		return a.count == 0 ? b : a;
	if (a.common != b.common)
		return a.common ? b : a;
	if (a.shortest != b.shortest)
		return a.shortest > b.shortest ? a : b;
	return a.count <= b.count ? a : b;
}

static void
flush(struct reader *r, struct sequence *q)
{
	struct set all = { .shortest = q->len };

	for (unsigned i = 0; i < q->words && q->len >= LITERAL_MIN; i++) {
		struct literal *l = arena_alloc(r->arena, sizeof(*l));

		l->text = arena_copy(r->arena, (struct slice){ q->word[i], q->len });
		l->caseless = q->any_caseless;
		l->exact = !(q->any_caseless && q->any_exact_case);
		l->next = all.first;
		all.first = l;
		all.last = all.last == NULL ? l : all.last;
		all.count++;
		all.common |= is_common(l->text);
	}
	q->best = better(q->best, all);
	q->len = 0;
	q->words = 1;
	q->any_caseless = q->any_exact_case = false;
}

static bool
is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* k and s fold to U+212A and U+017F, and letters beyond ASCII to other bytes. */
static bool
folds_beyond_ascii(const struct atom *a)
{
	char c = (char)(a->bytes[0] | 0x20);

	return a->len > 1 || c == 'k' || c == 's';
}

static void
add_character(struct reader *r, struct sequence *q, const struct atom *a)
{
	bool caseless = is_letter(a->bytes[0]) && (q->caseless || a->either_case);

	if (q->caseless && folds_beyond_ascii(a)) {
		flush(r, q);
		q->plain = false;
		return;
	}
	if (a->len > LITERAL_MAX - q->len) {
		flush(r, q);
		q->plain = false;
	}
	for (unsigned i = 0; i < q->words; i++)
		memcpy(q->word[i] + q->len, a->bytes, a->len);
	q->len += a->len;
	q->any_caseless |= caseless;
	q->any_exact_case |= is_letter(a->bytes[0]) && !caseless;
	if (a->either_case && !q->caseless)
		q->any_exact_case = true; /* keeps the word from counting as exact */
}

/* Every word so far with every character of the class. False: too many, or case is ignored. */
static bool
add_class(struct sequence *q, const struct atom *a)
{
	const unsigned before = q->words;

	if (before * a->len > WORDS_MAX || q->len == LITERAL_MAX)
		return false;
	for (size_t k = 0; k < a->len; k++)
		if (q->caseless && is_letter(a->bytes[k]))
			return false;
	/* From the back: the words so far stand in front until the last. */
	for (size_t k = a->len; k-- > 0;) {
		for (unsigned i = 0; i < before; i++) {
			char *word = q->word[k * before + i];

			if (k > 0)
				memcpy(word, q->word[i], q->len);
			word[q->len] = a->bytes[k];
		}
		q->any_exact_case |= is_letter(a->bytes[k]);
	}
	q->words = before * (unsigned)a->len;
	q->len++;
	return true;
}

static struct atom
character(struct reader *r, char c)
{
	struct atom a = { .item = ITEM_CHARACTER, .bytes = { c }, .len = 1 };

	if (c == '\0')
		r->lost = true;
	return a;
}

/* Behind \x: two digits, or any number of them in braces. */
static struct atom
by_number(struct reader *r)
{
	bool braces = r->at < r->end && *r->at == '{';
	uint32_t value = 0;

	if (braces)
		r->at++;
	for (unsigned i = 0; (braces || i < 2) && r->at < r->end && hex_value(*r->at) >= 0; i++) {
		value = value > 0x10ffff ? value : value << 4 | (uint32_t)hex_value(*r->at);
		r->at++;
	}
	if (braces && (r->at == r->end || *r->at++ != '}'))
		r->lost = true;
	if (value >= 0x80)
		return (struct atom){ .item = ITEM_OTHER };
	return character(r, (char)value);
}

static struct atom
escape(struct reader *r)
{
	char c;

	if (r->at == r->end) {
		r->lost = true;
		return (struct atom){ .item = ITEM_OTHER };
	}
	c = *r->at++;
	switch (c) {
	case 'A':
	case 'b':
	case 'B':
	case 'z':
		return (struct atom){ .item = ITEM_ANCHOR };
	case 'p':
	case 'P':
		if (r->at < r->end && *r->at == '{')
			while (r->at < r->end && *r->at != '}')
				r->at++;
		if (r->at < r->end)
			r->at++;
		return (struct atom){ .item = ITEM_OTHER };
	case 'd':
	case 'D':
	case 'w':
	case 'W':
	case 's':
	case 'S':
		return (struct atom){ .item = ITEM_OTHER };
	case 'x':
		return by_number(r);
	case 'a':
		return character(r, '\a');
	case 'f':
		return character(r, '\f');
	case 'n':
		return character(r, '\n');
	case 'r':
		return character(r, '\r');
	case 't':
		return character(r, '\t');
	default:
		if (is_letter(c) || (c >= '0' && c <= '9') || (unsigned char)c >= 0x80)
			r->lost = true;
		return character(r, c);
	}
}

static bool
is_plain(char c)
{
	return is_letter(c) || (c >= '0' && c <= '9');
}

/* Note first .. last as members; false: there are too many. */
static bool
add_members(struct atom *a, char first, char last)
{
	for (int c = first; c <= last; c++) {
		if (memchr(a->bytes, c, a->len) != NULL)
			continue;
		if (a->len == CLASS_MAX)
			return false;
		a->bytes[a->len++] = (char)c;
	}
	return true;
}

/* One member of a class, or a range of digits or of letters; false: something else. */
static bool
class_member(struct reader *r, struct atom *a)
{
	char c = *r->at++, last;

	if (c == '[' && r->at < r->end && *r->at == ':') {
		/* [:alpha:]: its own bracket ends it. */
		while (r->at < r->end && *r->at != ']')
			r->at++;
		if (r->at < r->end)
			r->at++;
		return false;
	}
	if (c == '\\') {
		struct atom e = escape(r);

		return e.item == ITEM_CHARACTER && !is_letter(e.bytes[0]) &&
		       add_members(a, e.bytes[0], e.bytes[0]);
	}
	if (c == '-' || (unsigned char)c >= 0x80)
		return false;
	if (r->end - r->at < 2 || r->at[0] != '-' || r->at[1] == ']')
		return add_members(a, c, c);
	last = r->at[1];
	if (!is_plain(c) || !is_plain(last) || last < c)
		return false; /* the rest is read as members, and comes to nothing */
	r->at += 2;
	return add_members(a, c, last);
}

/* A class of one letter in both cases, or of one character, is that character. */
static struct atom class(struct reader *r)
{
	struct atom a = { .item = ITEM_CLASS };
	bool other = false;

	if (r->at < r->end && *r->at == '^') {
		other = true;
		r->at++;
	}
	for (bool first = true; r->at < r->end && (first || *r->at != ']'); first = false)
		other |= !class_member(r, &a);
	if (r->at == r->end)
		r->lost = true;
	else
		r->at++;
	if (other || a.len == 0) {
		a.item = ITEM_OTHER;
	} else if (a.len == 1 ||
		   (a.len == 2 && is_letter(a.bytes[0]) && (a.bytes[0] ^ a.bytes[1]) == 0x20)) {
		a.item = ITEM_CHARACTER;
		a.either_case = a.len == 2;
		a.len = 1;
	}
	return a;
}

/* (?i) and (?i-s:…); true if a group follows, false if it was flags alone. */
static bool
flags(struct reader *r, bool *caseless)
{
	bool on = true;

	for (; r->at < r->end && *r->at != ':' && *r->at != ')'; r->at++) {
		if (*r->at == '-')
			on = false;
		else if (*r->at == 'i')
			*caseless = on;
		else if (*r->at != 'm' && *r->at != 's' && *r->at != 'U')
			r->lost = true;
	}
	if (r->at == r->end) {
		r->lost = true;
		return false;
	}
	return *r->at++ == ':';
}

static struct atom
group(struct reader *r, struct sequence *q, unsigned depth)
{
	struct atom a = { .item = ITEM_GROUP };
	bool inner = q->caseless;

	if (r->end - r->at >= 2 && r->at[0] == '?') {
		r->at++;
		if (*r->at == 'P' || *r->at == '<') {
			r->at += *r->at == 'P';
			if (r->end - r->at < 2 || r->at[0] != '<' || r->at[1] == '=' ||
			    r->at[1] == '!')
				r->lost = true;
			while (r->at < r->end && *r->at != '>')
				r->at++;
			if (r->at < r->end)
				r->at++;
		} else if (!flags(r, &inner)) {
			q->caseless = inner;
			return (struct atom){ .item = ITEM_NONE };
		}
	}
	if (depth == DEPTH_MAX)
		r->lost = true;
	if (r->lost)
		return a;
	a.set = alternatives(r, &inner, depth + 1);
	if (r->at == r->end)
		r->lost = true;
	else
		r->at++;
	return a;
}

static struct atom
next_atom(struct reader *r, struct sequence *q, unsigned depth)
{
	struct atom a = { .item = ITEM_CHARACTER };
	char c = *r->at++;

	switch (c) {
	case '\\':
		return escape(r);
	case '[':
		return class(r);
	case '(':
		return group(r, q, depth);
	case '^':
	case '$':
		a.item = ITEM_ANCHOR;
		return a;
	case '.':
		a.item = ITEM_OTHER;
		return a;
	default:
		a.bytes[a.len++] = c;
		/* A character beyond ASCII is one atom: a repeat takes all of it. */
		while ((unsigned char)c >= 0x80 && a.len < 4 && r->at < r->end &&
		       ((unsigned char)*r->at & 0xc0) == 0x80)
			a.bytes[a.len++] = *r->at++;
		return a;
	}
}

/* How often the atom before must occur at least; *repeated says whether a repeat stood there. */
static unsigned
repeat(struct reader *r, bool *repeated)
{
	unsigned least = 1;
	char c = r->at < r->end ? *r->at : '\0';

	*repeated = c == '*' || c == '+' || c == '?' || c == '{';
	if (!*repeated)
		return 1;
	r->at++;
	if (c == '*' || c == '?')
		least = 0;
	if (c == '{') {
		least = 0;
		for (; r->at < r->end && *r->at >= '0' && *r->at <= '9'; r->at++)
			least |= (unsigned)(*r->at - '0'); /* zero or not is all that counts */
		while (r->at < r->end && *r->at != '}')
			r->at++;
		if (r->at < r->end)
			r->at++;
	}
	if (r->at < r->end && (*r->at == '?' || *r->at == '+'))
		r->at++;
	return least;
}

static void
take(struct reader *r, struct sequence *q, const struct atom *a)
{
	bool repeated;
	unsigned least = repeat(r, &repeated);

	if (a->item == ITEM_ANCHOR) {
		q->plain = false;
		return;
	}
	if (a->item == ITEM_CHARACTER && least > 0) {
		if (q->groups > 0)
			q->plain = false;
		add_character(r, q, a);
		if (!repeated)
			return;
	}
	if (a->item == ITEM_CLASS && least > 0 && add_class(q, a)) {
		if (q->groups > 0)
			q->plain = false;
		if (!repeated)
			return;
	}
	if (a->item == ITEM_GROUP && !repeated && q->plain && q->len == 0 && q->best.count == 0 &&
	    q->groups++ == 0) {
		q->best = a->set;
		return;
	}
	q->plain = false;
	flush(r, q);
	if (a->item == ITEM_GROUP && least > 0)
		q->best = better(q->best, a->set);
}

/* One alternative: up to | or ). */
static struct set
sequence(struct reader *r, bool *caseless, unsigned depth)
{
	struct sequence q;

	/* Its words need no zeroes. */
	q.words = 1;
	q.len = 0;
	q.any_caseless = q.any_exact_case = false;
	q.caseless = *caseless;
	q.plain = true;
	q.groups = 0;
	q.best = (struct set){ 0 };
	while (!r->lost && r->at < r->end && *r->at != '|' && *r->at != ')') {
		struct atom a = next_atom(r, &q, depth);

		if (a.item != ITEM_NONE && !r->lost)
			take(r, &q, &a);
	}
	flush(r, &q);
	*caseless = q.caseless;
	for (struct literal *l = q.plain ? NULL : q.best.first; l != NULL; l = l->next)
		l->exact = false;
	return q.best;
}

static struct set
alternatives(struct reader *r, bool *caseless, unsigned depth)
{
	struct set all = sequence(r, caseless, depth);
	bool known = all.count > 0;

	while (!r->lost && r->at < r->end && *r->at == '|') {
		struct set s;

		r->at++;
		s = sequence(r, caseless, depth);
		known = known && s.count > 0;
		if (!known)
			continue;
		all.last->next = s.first;
		all.last = s.last;
		all.count += s.count;
		all.shortest = s.shortest < all.shortest ? s.shortest : all.shortest;
		all.common |= s.common;
	}
	return known && all.count <= LITERALS_MAX ? all : (struct set){ 0 };
}

struct literals
literal_extract(struct arena *a, struct slice pattern)
{
	struct reader r = { a, pattern.ptr, pattern.ptr + pattern.len, false };
	bool caseless = false;
	struct set s;

	if (pattern.len == 0)
		return (struct literals){ 0 };
	s = alternatives(&r, &caseless, 0);
	if (r.lost || r.at < r.end || s.count == 0)
		return (struct literals){ 0 };
	return (struct literals){ s.first, s.count };
}
