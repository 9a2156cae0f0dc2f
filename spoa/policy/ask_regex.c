#include "policy/ask_inner.h"

#include <string.h>

#include "base/encode.h"
#include "base/text.h"
#include "policy/expr_function.h"
#include "policy/literal.h"

/*
 * A regex of a policy is read as Ammit runs it: PCRE2 with UTF, on a path or query alone. HAProxy
 * runs it without UTF, on both in one, and takes "gave up" for "no match". On printable ASCII all
 * that is read here means the same to both, if the end of a path is said in other words.
 *
 * Backtracking has a bound, so that PCRE never gives up and nobody keeps HAProxy busy, whatever he
 * sends: at most STEPS_MAX ways through the regex on a target of ASK_TARGET_MAX bytes (a few
 * milliseconds; PCRE gives up after 10 million), and for a repeated group any bytes at all, so that
 * the stack follows from the regex alone (HAProxy's has 32 KiB).
 */
#define STEPS_MAX 2e6
#define DEPTH_MAX 30u
#define UNBOUNDED ((double)ASK_TARGET_MAX)
#define AT_END "(?=\\?|\\z)"     /* of a path */
#define AT_BEGIN "(?<=\\?)"      /* of a query */
#define NO_QUERY "^[^?]*\\??\\z" /* or an empty one */

struct reader {
	const char *at, *end;
	struct text *out;
	bool query;
	bool branches; /* not in a group */
	bool bad;      /* something that is not said here */
};

/* What is known of a part: ways through it, and whether it may match where nothing is. */
struct part {
	double ways;
	bool empty;
};

static struct part alternatives(struct reader *r, unsigned depth);

static bool
plain_byte(char c)
{
	return c >= ' ' && c <= '~';
}

static bool
next_is(const struct reader *r, char c)
{
	return r->at < r->end && *r->at == c;
}

static void
copy(struct reader *r, size_t n)
{
	text_put(r->out, (struct slice){ r->at, n });
	r->at += n;
}

/* \xHH and \x{H…} of ASCII. */
static void
hexadecimal(struct reader *r)
{
	const char *p = r->at + 2;
	int value = 0;

	if (p < r->end && *p == '{') {
		for (p++; p < r->end && *p != '}' && value < 0x80; p++)
			value = hex_value(*p) < 0 ? 0x80 : value * 16 + hex_value(*p);
		r->bad |= p == r->end || value >= 0x80;
		p += p < r->end;
	} else if (r->end - p >= 2 && hex_value(p[0]) >= 0 && hex_value(p[1]) >= 0) {
		r->bad |= hex_value(p[0]) >= 8;
		p += 2;
	} else {
		r->bad = true;
	}
	if (!r->bad)
		copy(r, (size_t)(p - r->at));
}

static void
escape(struct reader *r, bool in_class)
{
	char c;

	if (r->end - r->at < 2) {
		r->bad = true;
		return;
	}
	c = r->at[1];
	if (c == 'x')
		hexadecimal(r);
	else if (!plain_byte(c) || (c >= '0' && c <= '9'))
		r->bad = true;
	else if ((ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') &&
		 strchr(in_class ? "dDwWsSafnrt" : "dDwWsSafnrtb", c) == NULL)
		r->bad = true;
	else
		copy(r, 2);
}

static void class(struct reader *r)
{
	copy(r, 1);
	if (next_is(r, '^'))
		copy(r, 1);
	if (next_is(r, ']'))
		copy(r, 1);
	while (r->at < r->end && *r->at != ']' && !r->bad) {
		if (*r->at == '\\') {
			escape(r, true);
			continue;
		}
		if (r->end - r->at > 1 && r->at[0] == '[' && r->at[1] == ':') {
			const char *close = memchr(r->at + 2, ']', (size_t)(r->end - r->at - 2));

			if (close == NULL || close[-1] != ':') {
				r->bad = true;
				return;
			}
			copy(r, (size_t)(close - r->at) + 1);
			continue;
		}
		r->bad |= !plain_byte(*r->at) || *r->at == '[';
		copy(r, 1);
	}
	if (next_is(r, ']'))
		copy(r, 1);
	else
		r->bad = true;
}

/* Behind the bracket: nothing, ?: and flags, a name. True if it ends here, as (?i) does. */
static bool
group_head(struct reader *r)
{
	const char *p = r->at + 1;

	if (p < r->end && *p == '*') {
		r->bad = true;
		return false;
	}
	if (p == r->end || *p != '?') {
		copy(r, 1);
		return false;
	}
	p++;
	if (p < r->end && (*p == 'P' || *p == '<')) {
		p += *p == 'P';
		if (r->end - p < 2 || *p != '<' || p[1] == '=' || p[1] == '!') {
			r->bad = true;
			return false;
		}
		/* Names of two regexes never meet: each line is a regex of its own. */
		text_put(r->out, SLICE("(?:"));
		p = memchr(p, '>', (size_t)(r->end - p));
		r->bad |= p == NULL;
		r->at = p == NULL ? r->end : p + 1;
		return false;
	}
	while (p < r->end && *p != '\0' && strchr("imsU-", *p) != NULL)
		p++;
	if (p == r->end || (*p != ':' && *p != ')')) {
		r->bad = true;
		return false;
	}
	copy(r, (size_t)(p - r->at) + 1);
	return p[0] == ')';
}

/* *, +, ?, {n}, {n,}, {n,m}, and the ? behind it. False: none stands here. */
static bool
repeat(struct reader *r, double *least, double *most)
{
	const char *p = r->at;
	double n[2] = { 0, 0 };

	if (p == r->end || (*p != '*' && *p != '+' && *p != '?' && *p != '{'))
		return false;
	*least = *p == '+';
	*most = *p == '?' ? 1 : UNBOUNDED;
	if (*p == '{') {
		for (p++; p < r->end && *p >= '0' && *p <= '9'; p++)
			n[0] = n[0] * 10 + (*p - '0');
		n[1] = n[0];
		if (p < r->end && *p == ',') {
			n[1] = UNBOUNDED;
			if (p + 1 < r->end && p[1] != '}')
				n[1] = 0;
			for (p++; p < r->end && *p >= '0' && *p <= '9'; p++)
				n[1] = n[1] * 10 + (*p - '0');
		}
		if (p == r->end || *p != '}') {
			r->bad = true;
			return false;
		}
		*least = n[0];
		*most = n[1];
	}
	copy(r, (size_t)(p - r->at) + 1);
	if (next_is(r, '?'))
		copy(r, 1);
	/* Possessive, or a repeat of a repeat. */
	if (r->at < r->end && strchr("*+?{", *r->at) != NULL)
		r->bad = true;
	return true;
}

/* $, ^, \A and \z, in the words of the whole target. False: none stands here. */
static bool
anchor(struct reader *r)
{
	char c = *r->at, e = r->end - r->at > 1 ? r->at[1] : '\0';

	if (c == '$' || (c == '\\' && e == 'z')) {
		text_put(r->out, r->query ? SLICE("\\z") : SLICE(AT_END));
		r->at += c == '$' ? 1 : 2;
		return true;
	}
	if (c == '^' || (c == '\\' && e == 'A')) {
		text_put(r->out, r->query ? SLICE(AT_BEGIN) : SLICE("^"));
		r->at += c == '^' ? 1 : 2;
		return true;
	}
	return false;
}

/* One thing and its repeat. */
static struct part
item(struct reader *r, unsigned depth)
{
	struct part p = { 1, true };
	const size_t begin = r->out->len;
	double least, most;
	bool group = false;

	if (anchor(r)) {
		r->bad |= r->at < r->end && strchr("*+?{", *r->at) != NULL;
		return p;
	}
	if (*r->at == '(') {
		if (group_head(r) || r->bad)
			return p;
		p = alternatives(r, depth + 1);
		if (!next_is(r, ')'))
			r->bad = true;
		else
			copy(r, 1);
		group = true;
	} else if (*r->at == '[') {
		class(r);
		p.empty = false;
	} else if (*r->at == '\\') {
		p.empty = r->end - r->at > 1 && r->at[1] == 'b';
		escape(r, false);
	} else {
		r->bad |= !plain_byte(*r->at) || strchr("*+?{", *r->at) != NULL;
		p.empty = false;
		copy(r, 1);
	}
	if (r->bad || !repeat(r, &least, &most))
		return p;
	p.ways = group && most <= 1 ? 1 + p.ways : most - least + 1;
	p.empty |= least == 0;
	if (!group || most <= 1)
		return p;
	r->out->len = begin;
	text_put(r->out, SLICE("[\\s\\S]*"));
	p.ways = UNBOUNDED;
	return p;
}

/* Up to the end or the bracket that closes. */
static struct part
alternatives(struct reader *r, unsigned depth)
{
	struct part all = { 0, false }, one = { 1, true }, p;

	if (depth > DEPTH_MAX)
		r->bad = true;
	while (r->at < r->end && *r->at != ')' && !r->bad) {
		if (*r->at == '|') {
			copy(r, 1);
			r->branches |= depth == 0;
			all.ways += one.ways;
			all.empty |= one.empty;
			one = (struct part){ 1, true };
			continue;
		}
		p = item(r, depth);
		one.ways *= p.ways;
		one.empty &= p.empty;
	}
	all.ways += one.ways;
	all.empty |= one.empty;
	return all;
}

/* The regex as it stands, in HAProxy's surroundings. False: it is not one of those. */
static bool
exact(struct asking *a, struct slice regex, bool query)
{
	char room[ASK_LINE_MAX];
	struct text out = { .buf = room, .cap = sizeof(room) };
	struct reader r = {
		.at = regex.ptr, .end = regex.ptr + regex.len, .out = &out, .query = query
	};
	struct part whole;

	if (regex.len == 0)
		return false;
	/* In brackets: HAProxy leaves blanks at the begin of a line out, and lines with a #. */
	text_put(&out, SLICE("(?:"));
	whole = alternatives(&r, 0);
	text_put(&out, SLICE(")"));
	if (r.bad || r.at < r.end || out.cut)
		return false;
	/* From each byte on, unless it begins at the first. */
	if (query || regex.ptr[0] != '^' || r.branches)
		whole.ways *= UNBOUNDED;
	if (whole.ways > STEPS_MAX)
		return false;
	if (query && whole.empty)
		ask_add(a, SLICE(NO_QUERY));
	ask_add(a, text_slice(&out));
	return true;
}

/* Printable ASCII: any other word occurs in no target that another line does not catch. */
static bool
may_occur(struct slice word)
{
	for (size_t i = 0; i < word.len; i++)
		if (word.ptr[i] <= ' ' || word.ptr[i] > '~')
			return false;
	return true;
}

static void
add_literal(
    struct asking *a, struct slice word, const char *before, const char *behind, bool caseless)
{
	char room[2 * ASK_TARGET_MAX + 64], escaped[2 * ASK_TARGET_MAX];
	struct text out = { .buf = room, .cap = sizeof(room) };

	if (word.len > ASK_TARGET_MAX || !may_occur(word))
		return;
	text_put(&out, caseless ? SLICE("(?i)") : SLICE(""));
	text_put(&out, slice_of(before));
	text_put(&out, (struct slice){ escaped, string_escape(word, escaped) });
	text_put(&out, slice_of(behind));
	/* A # at the begin would make it a comment. */
	if (out.len > 0 && room[0] == '#') {
		memmove(room + 1, room, out.len++);
		room[0] = '\\';
	}
	ask_add(a, text_slice(&out));
}

bool
ask_add_regex(struct asking *a, struct slice regex, bool query)
{
	struct literals words;

	if (exact(a, regex, query))
		return true;
	words = literal_extract(a->arena, regex);
	for (const struct literal *l = words.first; l != NULL; l = l->next)
		add_literal(a, l->text, "", "", l->caseless);
	return words.count > 0;
}

void
ask_add_word(struct asking *a, struct slice word, unsigned place, bool caseless)
{
	/* Of no path, or of all. */
	if (memchr(word.ptr != NULL ? word.ptr : "", '?', word.len) != NULL ||
	    (word.len == 0 && place != ASK_WHOLE))
		return;
	add_literal(a, word, (place & ASK_AT_BEGIN) != 0 ? "^" : "",
	    (place & ASK_AT_END) != 0 ? AT_END : "", caseless);
}
