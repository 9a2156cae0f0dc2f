#include "policy/dialect.h"

#define REPEAT_MAX 1000u /* RE2's */

struct reader {
	const char *start, *at, *end;
	struct text *out;
	struct dialect *d;
};

static bool
digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static void
unportable(struct reader *r, const char *what)
{
	if (r->d->unportable != NULL)
		return;
	r->d->unportable = what;
	r->d->offset = (size_t)(r->at - r->start);
}

static bool
refuse(struct reader *r, const char *what)
{
	r->d->refused = what;
	r->d->offset = (size_t)(r->at - r->start);
	return false;
}

static bool
looking_at(const struct reader *r, const char *word)
{
	return slice_starts((struct slice){ r->at, (size_t)(r->end - r->at) }, slice_of(word));
}

static void
copy(struct reader *r, size_t n)
{
	text_put(r->out, (struct slice){ r->at, n });
	r->at += n;
}

/* Everything up to \E, or to the end, means itself. */
static void
quoted(struct reader *r)
{
	for (r->at += 2; r->at < r->end; r->at++) {
		if (looking_at(r, "\\E")) {
			r->at += 2;
			return;
		}
		if ((unsigned char)*r->at < 0x80 && !digit(*r->at) && !letter(*r->at))
			text_byte(r->out, '\\');
		text_byte(r->out, *r->at);
	}
}

/* \0, \12, \123: a character by its octal number, which PCRE2 may take for a back reference. */
static void
octal(struct reader *r)
{
	unsigned value = 0;

	r->at++;
	for (unsigned i = 0; i < 3 && r->at < r->end && *r->at >= '0' && *r->at <= '7'; i++)
		value = value * 8 + (unsigned)(*r->at++ - '0');
	text_printf(r->out, "\\x{%x}", value);
}

/* A backslash and what belongs to it. */
static void
escape(struct reader *r, bool in_class)
{
	char c;

	if (r->end - r->at < 2) {
		copy(r, 1);
		return;
	}
	c = r->at[1];
	if (c == 's' || c == 'S') {
		/* Go's \s has no vertical tab. */
		text_put(r->out,
		    !in_class  ? c == 's' ? SLICE("[\\t\\n\\f\\r ]") : SLICE("[^\\t\\n\\f\\r ]")
		     : c == 's' ? SLICE("\\t\\n\\f\\r ")
			       : SLICE("\\S\\x0b"));
		r->at += 2;
	} else if (c == 'v') {
		text_put(r->out, SLICE("\\x0b"));
		r->at += 2;
	} else if (c == '0' || (c >= '1' && c <= '7' && r->end - r->at > 2 && r->at[2] >= '0' &&
				   r->at[2] <= '7')) {
		octal(r);
	} else {
		if (digit(c))
			unportable(r, "a back reference");
		else if (letter(c) && strchr("AabBDdfnPpQrtWwxz", c) == NULL)
			unportable(r, "an escape that Go does not know");
		else if (in_class && (c == 'b' || c == 'B' || c == 'A' || c == 'z'))
			unportable(r, "an assertion inside a class");
		copy(r, 2);
		if ((c == 'x' || c == 'p' || c == 'P') && r->at < r->end && *r->at == '{')
			while (r->at < r->end && *r->at != '}')
				copy(r, 1);
	}
}

/* [:alpha:] and the like, whole; 0: it is none. */
static size_t
posix_class(const struct reader *r)
{
	const char *p = r->at + 2;

	if (!looking_at(r, "[:"))
		return 0;
	if (p < r->end && *p == '^')
		p++;
	while (p < r->end && letter(*p))
		p++;
	if (r->end - p < 2 || p[0] != ':' || p[1] != ']')
		return 0;
	return (size_t)(p - r->at) + 2;
}

/* One member of a class; true if it may be the first of a range. */
static bool
class_member(struct reader *r)
{
	size_t named = posix_class(r);

	if (named > 0) {
		copy(r, named);
		return false;
	}
	if (*r->at == '\\') {
		bool single = r->end - r->at > 1 && strchr("dDsSwWpP", r->at[1]) == NULL;

		if (looking_at(r, "\\Q"))
			unportable(r, "\\Q inside a class");
		escape(r, true);
		return single;
	}
	if (*r->at == '-' || *r->at == '[')
		text_byte(r->out, '\\');
	copy(r, 1);
	/* The rest of a character that is longer than a byte. */
	while (r->at < r->end && ((unsigned char)*r->at & 0xc0) == 0x80)
		copy(r, 1);
	return true;
}

static void class(struct reader *r)
{
	copy(r, 1);
	if (r->at < r->end && *r->at == '^')
		copy(r, 1);
	for (bool first = true; r->at < r->end && (first || *r->at != ']'); first = false) {
		bool single = class_member(r);

		if (single && r->end - r->at > 1 && r->at[0] == '-' && r->at[1] != ']') {
			copy(r, 1);
			class_member(r);
		}
	}
	if (r->at < r->end)
		copy(r, 1);
}

/* Behind "(?": Go knows :, P<name>, <name> and the flags i m s U. */
static bool
group(struct reader *r)
{
	const char *p = r->at + 2;

	if (looking_at(r, "(*"))
		return refuse(r, "verbs like (*NAME) are not supported: leave it out");
	if (!looking_at(r, "(?")) {
		copy(r, 1);
		return true;
	}
	if (looking_at(r, "(?#"))
		return refuse(r, "comments in a regex are not supported: leave it out");
	if (looking_at(r, "(?=") || looking_at(r, "(?!") || looking_at(r, "(?<=") ||
	    looking_at(r, "(?<!")) {
		unportable(r, "a lookaround");
	} else if (looking_at(r, "(?>")) {
		unportable(r, "an atomic group");
	} else if (looking_at(r, "(?P<") || looking_at(r, "(?<")) {
		/* A name. */
	} else {
		while (p < r->end && (letter(*p) || *p == '-') && strchr("imsU-", *p) != NULL)
			p++;
		if (p < r->end && (*p == 'x' || *p == 'n' || *p == 'J' || *p == '^'))
			return refuse(r, "of the flags only i, m, s and U are supported");
		if (p == r->end || (*p != ':' && *p != ')'))
			unportable(r, "a group that Go does not know");
	}
	copy(r, 2);
	return true;
}

/* {2}, {2,}, {2,5}; any other brace is itself in Go. */
static bool
repeat(struct reader *r)
{
	const char *p = r->at + 1;
	unsigned most = 0;

	for (unsigned part = 0; part < 2; part++) {
		const char *from = p;
		unsigned value = 0;

		for (; p < r->end && digit(*p); p++)
			value = value > REPEAT_MAX ? value : value * 10 + (unsigned)(*p - '0');
		if (part == 0 && p == from)
			break;
		most = value > most ? value : most;
		if (p < r->end && *p == '}') {
			if (most > REPEAT_MAX)
				unportable(r, "a repeat above 1000");
			copy(r, (size_t)(p - r->at) + 1);
			return true;
		}
		if (part == 1 || p == r->end || *p++ != ',')
			break;
	}
	text_byte(r->out, '\\');
	copy(r, 1);
	return false;
}

bool
dialect_translate(struct slice go, struct text *out, struct dialect *d)
{
	struct reader r = { go.ptr, go.ptr, go.ptr + go.len, out, d };
	bool repeated = false; /* a repeat ends here: a + behind it makes it possessive */

	*d = (struct dialect){ 0 };
	if (go.len == 0)
		return true;
	while (r.at < r.end) {
		char c = *r.at;
		bool was = repeated;

		repeated = false;
		if (c == '\\' && looking_at(&r, "\\Q")) {
			quoted(&r);
		} else if (c == '\\') {
			escape(&r, false);
		} else if (c == '[') {
			class(&r);
		} else if (c == '(') {
			if (!group(&r))
				return false;
		} else if (c == '{') {
			repeated = repeat(&r);
		} else {
			if (was && c == '+')
				unportable(&r, "a possessive repeat");
			repeated = !was && (c == '*' || c == '+' || c == '?');
			copy(&r, 1);
		}
	}
	return true;
}
