#include "base/yaml_screen.h"

#include <stddef.h>
#include <string.h>

#include "base/utf8.h"

/*
 * Flow is told from plain text on the safe side: whatever could open it does. In a block, libfyaml
 * refuses a line of a flow that is not indented deeper than the block, so such a line ends the
 * count. Where the block is not known the count goes on to the end of the file.
 */
struct screen {
	const char *file;
	struct problems *problems;
	const char *at, *end, *line_start;
	unsigned line, directives;
	bool flow;      /* something that may be a flow is open */
	ptrdiff_t base; /* indent of the block that it is in; -1: not known */
	size_t marks;   /* in it so far */
};

static bool
wrong(const struct screen *s, const char *what)
{
	struct place at = { s->file, s->line, (unsigned)(s->at - s->line_start) + 1, NULL };

	problem_error(s->problems, &at, "%s", what);
	return false;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool
check_character(struct screen *s, size_t *length)
{
	struct slice rest = { s->at, (size_t)(s->end - s->at) };
	unsigned char c = (unsigned char)*s->at;

	*length = utf8_length(rest);
	if (*length == 0)
		return wrong(s, "not UTF-8: save the file in that encoding");
	if (c == 0)
		return wrong(s, "a NUL byte: this is no text file");
	if ((c < 0x20 && c != '\t' && c != '\n' && c != '\r') || c == 0x7f)
		return wrong(s, "a control character: write it as \\xHH in double quotes");
	if (slice_starts(rest, SLICE("\xef\xbb\xbf")))
		return wrong(s, "a byte order mark in the middle of the file: take it out");
	if (slice_starts(rest, SLICE("\xe2\x80\xa8")) || slice_starts(rest, SLICE("\xe2\x80\xa9")))
		return wrong(s, "a line or paragraph separator, which ends a line in YAML 1.1 and "
				"not in 1.2: write \\u2028 or \\u2029 in double quotes");
	if (c == 0xc2 && (unsigned char)s->at[1] < 0xa0)
		return wrong(s, "a control character: write it as \\u00HH in double quotes");
	return true;
}

/* At the first byte of a line. */
static bool
begin_line(struct screen *s)
{
	const char *p = s->at;

	if (*p == '%') {
		const char *q = p;

		while (q < s->end && *q != '\n' && *q != '\r')
			q++;
		if (q - p > (ptrdiff_t)YAML_DIRECTIVE_BYTES_MAX)
			return wrong(s, "a line that begins with % is a directive of YAML and this "
					"one is far too long");
		if (++s->directives > YAML_DIRECTIVES_MAX)
			return wrong(s, "more lines that begin with %, as directives of YAML do, "
					"than a file may have");
	}
	while (p < s->end && *p == ' ')
		p++;
	/* Such lines may stand anywhere in a flow. */
	if (p == s->end || is_blank(*p) || *p == '#')
		return true;
	if (p - s->at <= s->base)
		s->flow = false;
	if (!s->flow) {
		struct slice rest = { p, (size_t)(s->end - p) };

		s->base = p - s->at;
		if (strchr("[{!&*", *p) != NULL || slice_starts(rest, SLICE("---")) ||
		    slice_starts(rest, SLICE("...")))
			s->base = -1;
	}
	return true;
}

static bool
is_mark(const struct screen *s)
{
	if (strchr("[]{},\"'!&*", *s->at) != NULL)
		return true;
	return strchr(":-?", *s->at) != NULL &&
	       (s->end - s->at == 1 || is_blank(s->at[1]) || strchr(",[]{}", s->at[1]) != NULL);
}

/* Anything that may begin a token there, so that libfyaml may keep what follows. */
static bool
may_open(const struct screen *s)
{
	return strchr("[{!&*", *s->at) != NULL &&
	       (s->at == s->line_start || is_blank(s->at[-1]) || strchr(":\"'", s->at[-1]) != NULL);
}

bool
yaml_screen(const char *file, struct slice text, struct problems *p)
{
	struct screen s = { .file = file, .problems = p, .line = 1 };
	size_t length;

	s.at = s.line_start = text.len == 0 ? "" : text.ptr;
	s.end = s.at + text.len;
	for (; s.at < s.end; s.at += length) {
		if (!check_character(&s, &length) || (s.at == s.line_start && !begin_line(&s)))
			return false;
		if (*s.at == '\n' || (*s.at == '\r' && (s.end - s.at == 1 || s.at[1] != '\n'))) {
			s.line++;
			s.line_start = s.at + 1;
			continue;
		}
		if (!s.flow && may_open(&s)) {
			s.flow = true;
			s.marks = 0;
		}
		if (s.flow && is_mark(&s) && ++s.marks > YAML_FLOW_MARKS_MAX)
			return wrong(&s, "more in one [] or {} than can be read: write it as a "
					 "block, one entry a line, or as JSON in a .json file");
	}
	return true;
}
