#include "base/json.h"

#include <cjson/cJSON.h>
#include <string.h>

#include "base/encode.h"
#include "base/utf8.h"

/*
 * Two passes over the same text. Ours reads the grammar strictly and knows where everything
 * stands; cJSON decodes strings and numbers. Then both trees are walked in step.
 */
struct scan {
	struct arena *arena;
	const char *file;
	struct problems *problems;
	const char *at, *end, *line_start;
	unsigned line, depth;
	size_t nodes;
};

static struct tree *scan_value(struct scan *s);

static struct place
here(const struct scan *s)
{
	return (struct place){ s->file, s->line, (unsigned)(s->at - s->line_start) + 1, NULL };
}

static struct tree *
wrong(const struct scan *s, const char *what)
{
	struct place at = here(s);

	problem_error(s->problems, &at, "%s", what);
	return NULL;
}

static struct tree *
expected(const struct scan *s, const char *what)
{
	struct place at = here(s);

	if (s->at == s->end)
		problem_error(s->problems, &at, "the file ends where %s is expected", what);
	else if (*s->at > ' ' && *s->at < 0x7f)
		problem_error(s->problems, &at, "%s is expected here, not '%c'", what, *s->at);
	else
		problem_error(s->problems, &at, "%s is expected here, not the byte 0x%02x", what,
		    (unsigned char)*s->at);
	return NULL;
}

static void
skip_blanks(struct scan *s)
{
	for (; s->at < s->end; s->at++) {
		if (*s->at == '\n') {
			s->line++;
			s->line_start = s->at + 1;
		} else if (*s->at != ' ' && *s->at != '\t' && *s->at != '\r') {
			break;
		}
	}
}

static bool
next_is(struct scan *s, char c)
{
	if (s->at == s->end || *s->at != c)
		return false;
	s->at++;
	return true;
}

/* The value of n hex digits at p; false if there are fewer. */
static bool
hex(const char *p, const char *end, unsigned n, unsigned *out)
{
	*out = 0;
	if (n > (size_t)(end - p))
		return false;
	for (; n > 0; n--, p++) {
		int digit = hex_value(*p);

		if (digit < 0)
			return false;
		*out = *out << 4 | (unsigned)digit;
	}
	return true;
}

static bool
scan_escape(struct scan *s)
{
	const char *p = s->at + 1;
	unsigned high, low;

	if (p == s->end || strchr("\"\\/bfnrtu", *p) == NULL || *p == '\0') {
		wrong(s,
		    "an unknown escape: \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX are known");
		return false;
	}
	if (*p != 'u') {
		s->at += 2;
		return true;
	}
	if (!hex(p + 1, s->end, 4, &high)) {
		wrong(s, "four hexadecimal digits are expected behind \\u");
		return false;
	}
	if (high == 0) {
		wrong(s, "\\u0000 is not allowed: no value may hold a NUL");
		return false;
	}
	s->at += 6;
	if (high < 0xd800 || high > 0xdfff)
		return true;
	if (high > 0xdbff || s->end - s->at < 6 || s->at[0] != '\\' || s->at[1] != 'u' ||
	    !hex(s->at + 2, s->end, 4, &low) || low < 0xdc00 || low > 0xdfff) {
		wrong(s, "half a surrogate pair: write \\uD8xx\\uDCxx or the character itself");
		return false;
	}
	s->at += 6;
	return true;
}

/* Behind the opening quote; stops behind the closing one. UTF-8 was checked as a whole. */
static bool
scan_string(struct scan *s)
{
	while (s->at < s->end && *s->at != '"') {
		if (*s->at == '\\') {
			if (!scan_escape(s))
				return false;
		} else if ((unsigned char)*s->at < 0x20) {
			wrong(s, "a control character in a string: write \\n, \\t or \\u00XX");
			return false;
		} else {
			s->at++;
		}
	}
	if (next_is(s, '"'))
		return true;
	expected(s, "the closing \"");
	return false;
}

static bool
scan_digits(struct scan *s)
{
	const char *from = s->at;

	while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
		s->at++;
	if (s->at > from)
		return true;
	expected(s, "a digit");
	return false;
}

static bool
scan_number(struct scan *s)
{
	next_is(s, '-');
	if (next_is(s, '0')) {
		if (s->at < s->end && *s->at >= '0' && *s->at <= '9')
			return wrong(s, "a number does not begin with 0: leave it out") != NULL;
	} else if (!scan_digits(s)) {
		return false;
	}
	if (next_is(s, '.') && !scan_digits(s))
		return false;
	if (next_is(s, 'e') || next_is(s, 'E')) {
		if (!next_is(s, '+'))
			next_is(s, '-');
		return scan_digits(s);
	}
	return true;
}

static bool
scan_list(struct scan *s, struct tree *list)
{
	struct tree *child;

	skip_blanks(s);
	if (next_is(s, ']'))
		return true;
	for (;;) {
		child = scan_value(s);
		if (child == NULL)
			return false;
		tree_add(list, child);
		skip_blanks(s);
		if (next_is(s, ']'))
			return true;
		if (!next_is(s, ',')) {
			expected(s, "',' or ']'");
			return false;
		}
	}
}

static bool
scan_map(struct scan *s, struct tree *map)
{
	skip_blanks(s);
	if (next_is(s, '}'))
		return true;
	for (;;) {
		struct tree *child;
		unsigned line, column;

		skip_blanks(s);
		line = s->line;
		column = here(s).column;
		if (!next_is(s, '"')) {
			expected(s, "a name in double quotes");
			return false;
		}
		if (!scan_string(s))
			return false;
		skip_blanks(s);
		if (!next_is(s, ':')) {
			expected(s, "':'");
			return false;
		}
		child = scan_value(s);
		if (child == NULL)
			return false;
		/* A member stands where its name does: that is what people look for. */
		child->line = line;
		child->column = column;
		tree_add(map, child);
		skip_blanks(s);
		if (next_is(s, '}'))
			return true;
		if (!next_is(s, ',')) {
			expected(s, "',' or '}'");
			return false;
		}
	}
}

static bool
scan_word(struct scan *s, const char *word)
{
	struct slice w = slice_of(word);

	if (!slice_starts((struct slice){ s->at, (size_t)(s->end - s->at) }, w))
		return expected(s, "a value") != NULL;
	s->at += w.len;
	return true;
}

static bool
scan_kind(struct scan *s, struct tree *n)
{
	switch (s->at < s->end ? *s->at : '\0') {
	case '{':
	case '[':
		if (s->depth == CJSON_NESTING_LIMIT)
			return wrong(s, "nested too deep") != NULL;
		n->kind = *s->at++ == '{' ? TREE_MAP : TREE_LIST;
		s->depth++;
		if (!(n->kind == TREE_MAP ? scan_map(s, n) : scan_list(s, n)))
			return false;
		s->depth--;
		return true;
	case '"':
		n->kind = TREE_STRING;
		s->at++;
		return scan_string(s);
	case 't':
	case 'f':
		n->kind = TREE_BOOL;
		return scan_word(s, *s->at == 't' ? "true" : "false");
	case 'n':
		return scan_word(s, "null");
	default:
		if (s->at == s->end || (*s->at != '-' && (*s->at < '0' || *s->at > '9')))
			return expected(s, "a value") != NULL;
		n->kind = TREE_NUMBER;
		return scan_number(s);
	}
}

static struct tree *
scan_value(struct scan *s)
{
	struct tree *n;

	skip_blanks(s);
	if (s->nodes == JSON_NODES_MAX)
		return wrong(s, "more values than a file may have");
	s->nodes++;
	n = arena_alloc(s->arena, sizeof(*n));
	n->file = s->file;
	n->line = s->line;
	n->column = here(s).column;
	return scan_kind(s, n) ? n : NULL;
}

static bool
check_utf8(struct scan *s)
{
	const char *at = s->at;
	bool good = true;

	while (good && s->at < s->end) {
		size_t n = utf8_length((struct slice){ s->at, (size_t)(s->end - s->at) });

		if (n == 0) {
			wrong(s, "not UTF-8: save the file in that encoding");
			good = false;
		} else if (*s->at == '\n') {
			s->line++;
			s->line_start = s->at + 1;
		}
		s->at += n;
	}
	s->at = at;
	s->line = 1;
	s->line_start = at;
	return good;
}

/* Give the nodes the values that cJSON decoded; false if the two do not agree. */
static bool
take_values(struct arena *a, struct tree *n, const cJSON *item)
{
	static const int types[] = { cJSON_NULL, cJSON_True | cJSON_False, cJSON_Number,
		cJSON_String, cJSON_Array, cJSON_Object };
	const cJSON *below = item->child;

	if ((item->type & types[n->kind]) == 0)
		return false;
	if (item->string != NULL)
		n->key = arena_copy(a, slice_of(item->string));
	if (n->kind == TREE_STRING)
		n->text = arena_copy(a, slice_of(item->valuestring));
	n->number = n->kind == TREE_NUMBER ? item->valuedouble : 0;
	n->truth = item->type == cJSON_True;
	for (struct tree *child = n->first; child != NULL; child = child->next) {
		if (below == NULL || !take_values(a, child, below))
			return false;
		below = below->next;
	}
	return below == NULL;
}

static void
find_twins(const struct tree *n, struct problems *p)
{
	tree_twins(n, p);
	for (const struct tree *child = n->first; child != NULL; child = child->next)
		find_twins(child, p);
}

static struct tree *
decode(struct scan *s, struct tree *root, struct slice text)
{
	cJSON *json = cJSON_ParseWithLength(text.ptr, text.len);
	struct place at = { s->file, 0, 0, NULL };

	if (json == NULL || !take_values(s->arena, root, json)) {
		problem_error(s->problems, &at, "cJSON cannot read this document");
		root = NULL;
	}
	cJSON_Delete(json);
	return root;
}

struct tree *
json_parse(struct arena *a, const char *file, struct slice text, struct problems *p)
{
	struct scan s = { .arena = a, .file = file, .problems = p, .line = 1 };
	size_t errors = p->errors;
	struct tree *root;

	if (slice_starts(text, SLICE("\xef\xbb\xbf"))) {
		text.ptr += 3;
		text.len -= 3;
	}
	s.at = s.line_start = text.ptr == NULL ? "" : text.ptr;
	s.end = s.at + text.len;
	if (text.len > JSON_BYTES_MAX)
		return wrong(&s, "larger than 64 MB");
	if (!check_utf8(&s))
		return NULL;
	root = scan_value(&s);
	if (root == NULL)
		return NULL;
	skip_blanks(&s);
	if (s.at < s.end)
		return expected(&s, "the end of the file");
	root = decode(&s, root, text);
	if (root != NULL)
		find_twins(root, p);
	return p->errors == errors ? root : NULL;
}
