#include "cli/robots_term.h"

#include "policy/robots.h"

static struct slice
without_stars(struct slice s)
{
	while (s.len > 0 && s.ptr[s.len - 1] == '*')
		s.len--;
	return s;
}

/* Cuts a final $ off, and the stars behind which nothing is asked for. */
static struct slice
without_end(struct slice s, bool *anchored)
{
	*anchored = s.len > 0 && s.ptr[s.len - 1] == '$';
	if (*anchored)
		s.len--;
	if (s.len > 0 && s.ptr[s.len - 1] == '*')
		*anchored = false;
	return without_stars(s);
}

static bool
holds(struct slice s, char c)
{
	return s.len > 0 && memchr(s.ptr, c, s.len) != NULL;
}

/* What stands behind this star may be meant for the query. */
static bool
star_reaches_query(struct slice behind)
{
	return holds(behind, '=') || holds(behind, '&');
}

bool
robots_term_plain(struct slice pattern)
{
	bool anchored;
	struct slice rest, s = without_end(pattern, &anchored);

	if (anchored || holds(pattern, '?'))
		return false;
	slice_split(s, '*', &rest);
	return !star_reaches_query(rest);
}

void
robots_term_quote(struct slice s, struct text *out)
{
	text_byte(out, '"');
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\\' || s.ptr[i] == '"')
			text_byte(out, '\\');
		text_byte(out, s.ptr[i]);
	}
	text_byte(out, '"');
}

/* ^piece$ as far as asked for. Paths may hold a line end, which . does not match by itself. */
static void
put_regex(struct slice piece, bool begins, const char *ends, struct text *out)
{
	if (holds(piece, '*'))
		text_put(out, SLICE("(?s)"));
	if (begins)
		text_byte(out, '^');
	robots_regex(piece, true, out);
	text_put(out, slice_of(ends));
}

void
robots_term_regex(struct slice pattern, struct text *out)
{
	put_regex(without_stars(pattern), true, "", out);
}

static void
put_matches(struct slice piece, bool begins, const char *ends, struct text *out)
{
	char regex[ROBOTS_REGEX_ROOM(ROBOTS_PIECE_MAX)];
	struct text t = { .buf = regex, .cap = sizeof(regex) };

	put_regex(piece, begins, ends, &t);
	text_put(out, SLICE(".matches("));
	robots_term_quote(text_slice(&t), out);
	text_byte(out, ')');
}

/* False, and nothing written: every path is such a one. */
static bool
put_path(struct slice piece, bool whole, struct text *out)
{
	if (whole && piece.len > 0 && piece.ptr[piece.len - 1] == '*')
		whole = false;
	piece = without_stars(piece);
	if (piece.len == 0 || (!whole && slice_equal(piece, SLICE("/"))))
		return false;
	text_put(out, SLICE("path"));
	put_matches(piece, true, whole ? "$" : "", out);
	return true;
}

/* One parameter, as NAME=VALUE. False, and nothing written: any will do. */
static bool
put_parameter(struct slice s, bool whole, bool more, struct text *out)
{
	char plain[ROBOTS_PIECE_MAX];
	struct text t = { .buf = plain, .cap = sizeof(plain) };
	bool begins = s.len == 0 || *s.ptr != '*';

	whole = whole && (s.len == 0 || s.ptr[s.len - 1] != '*');
	s = without_stars(s);
	while (s.len > 0 && *s.ptr == '*')
		s = (struct slice){ s.ptr + 1, s.len - 1 };
	if (s.len == 0)
		return false;
	for (size_t i = 0; i < s.len; i++)
		text_put(&t, s.ptr[i] == '+' ? SLICE("%20") : (struct slice){ s.ptr + i, 1 });
	text_put(out, more ? SLICE(" && ") : SLICE(""));
	text_put(out, SLICE("query.exists(k, (k + \"=\" + query[k])"));
	put_matches(text_slice(&t), begins, !whole ? "" : holds(s, '=') ? "$" : "=?$", out);
	text_byte(out, ')');
	return true;
}

static void
put_query(struct slice s, bool anchored, bool more, struct text *out)
{
	bool any = more;

	while (s.len > 0) {
		struct slice rest, one = slice_split(s, '&', &rest);

		any |= put_parameter(one, anchored || rest.ptr != NULL, any, out);
		s = rest;
	}
	if (any == more) {
		text_put(out, more ? SLICE(" && ") : SLICE(""));
		text_put(out, SLICE("size(query) > 0"));
	}
}

/* `left` for the path, whole or its beginning, and `right` for the query. */
static void
put_both(struct slice left, bool whole, struct slice right, bool anchored, struct text *out)
{
	bool more = put_path(left, whole, out);

	put_query(right, anchored, more, out);
}

void
robots_term_put(struct slice pattern, struct text *out)
{
	bool anchored;
	struct slice right, left, s = without_end(pattern, &anchored);

	text_byte(out, '(');
	left = slice_split(s, '?', &right);
	if (right.ptr != NULL || left.len < s.len) {
		put_both(left, true, right, anchored, out);
		text_byte(out, ')');
		return;
	}
	if (!put_path(s, anchored, out))
		text_put(out, SLICE("true"));
	if (anchored)
		text_put(out, SLICE(" && size(query) == 0"));
	for (size_t i = 0; i < s.len; i++) {
		struct slice behind = { s.ptr + i, s.len - i };

		if (s.ptr[i] != '*' || !star_reaches_query(behind))
			continue;
		text_put(out, SLICE(" || ("));
		put_both((struct slice){ s.ptr, i }, false, behind, anchored, out);
		text_byte(out, ')');
	}
	text_byte(out, ')');
}
