#include "policy/literal.h"

#include <stdint.h>

#include "base/encode.h"

#define DEPTH_MAX 64u

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
	char word[LITERAL_MAX];
	size_t len;
	bool any_caseless, any_exact_case; /* letters of the word */
	bool caseless;                     /* (?i) is on */
	bool plain;                        /* one word so far and nothing else */
	unsigned groups;
	struct set best;
};

enum item { ITEM_NONE, ITEM_CHARACTER, ITEM_ANCHOR, ITEM_OTHER, ITEM_GROUP };

struct atom {
	enum item item;
	char bytes[4];
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
	struct slice word = { q->word, q->len };

	q->len = 0;
	if (word.len >= LITERAL_MIN) {
		struct literal *l = arena_alloc(r->arena, sizeof(*l));

		l->text = arena_copy(r->arena, word);
		l->caseless = q->any_caseless;
		l->exact = !(q->any_caseless && q->any_exact_case);
		q->best = better(q->best, (struct set){ l, l, 1, word.len, is_common(word) });
	}
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
	memcpy(q->word + q->len, a->bytes, a->len);
	q->len += a->len;
	q->any_caseless |= caseless;
	q->any_exact_case |= is_letter(a->bytes[0]) && !caseless;
	if (a->either_case && !q->caseless)
		q->any_exact_case = true; /* keeps the word from counting as exact */
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

/* A class of one letter in both cases, or of one character, is that character. */
static struct atom class(struct reader *r)
{
	struct atom a = { .item = ITEM_CHARACTER };
	bool other = false;

	if (r->at < r->end && *r->at == '^') {
		other = true;
		r->at++;
	}
	for (bool first = true; r->at < r->end && (first || *r->at != ']'); first = false) {
		char c = *r->at++;

		if (c == '[' && r->at < r->end && *r->at == ':') {
			/* [:alpha:]: its own bracket ends it. */
			while (r->at < r->end && *r->at != ']')
				r->at++;
			if (r->at < r->end)
				r->at++;
			other = true;
		} else if (c == '\\') {
			struct atom e = escape(r);

			other |= e.item != ITEM_CHARACTER || is_letter(e.bytes[0]);
			c = e.bytes[0];
		} else if (c == '-' || (unsigned char)c >= 0x80) {
			other = true;
		}
		if (a.len == 0) {
			a.bytes[0] = c;
			a.len = 1;
		} else if (is_letter(c) && (a.bytes[0] ^ c) == 0x20) {
			a.either_case = true;
		} else if (a.bytes[0] != c) {
			other = true;
		}
	}
	if (r->at == r->end)
		r->lost = true;
	else
		r->at++;
	if (other || a.len == 0)
		a.item = ITEM_OTHER;
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
	struct sequence q = { .caseless = *caseless, .plain = true };

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
