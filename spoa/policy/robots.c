#include "policy/robots.h"

#include <assert.h>
#include <stdint.h>

#include "base/encode.h"
#include "base/utf8.h"

struct reading {
	struct robots *out;
	struct problems *problems;
	struct arena *arena;
	struct place at;
	unsigned agents_room, rules_room, delays_room;
	bool open;  /* the last line that counts was a User-agent: the next one joins its group */
	bool begun; /* there was one */
	bool full;
};

/* Room for one more: twice as much in the arena, the old stays there unused. */
static void *
grow(struct reading *r, void *old, unsigned count, unsigned *room, size_t size)
{
	void *larger;

	if (count < *room)
		return old;
	*room = *room == 0 ? 64 : *room * 2;
	larger = arena_alloc(r->arena, *room * size);
	if (count > 0)
		memcpy(larger, old, count * size);
	return larger;
}

/* "MJ12bot/v1.4 *" → "MJ12bot": versions and stars behind names are habits of no meaning. */
static struct slice
product(struct slice value)
{
	struct slice rest, name;

	if (slice_equal(value, SLICE("*")))
		return value;
	name = slice_trim(slice_split(value, '/', &rest));
	while (name.len > 0 && name.ptr[name.len - 1] == '*')
		name.len--;
	return slice_trim(name);
}

static void
read_agent(struct reading *r, struct slice value)
{
	struct robots *out = r->out;
	struct slice name = product(value);

	if (!r->open) {
		out->groups += r->begun;
		r->begun = r->open = true;
	}
	if (name.len == 0 || name.len > ROBOTS_PATTERN_MAX) {
		problem_warn(
		    r->problems, &r->at, "User-agent without a name, or with one too long");
		return;
	}
	if (out->agents == ROBOTS_AGENTS_MAX) {
		problem_error(r->problems, &r->at, "more than %u user agents", ROBOTS_AGENTS_MAX);
		r->full = true;
		return;
	}
	out->agent = grow(r, out->agent, out->agents, &r->agents_room, sizeof(*out->agent));
	out->agent[out->agents++] = (struct robots_agent){ name, r->at.line, out->groups };
}

static void
read_rule(struct reading *r, bool allow, struct slice value)
{
	struct robots *out = r->out;

	if (!r->begun) {
		problem_warn(r->problems, &r->at, "before the first User-agent: holds for nobody");
		return;
	}
	r->open = false;
	if (value.len == 0)
		return;
	if (value.ptr[0] != '/' && value.ptr[0] != '*') {
		problem_warn(r->problems, &r->at,
		    "a path begins with / or *: no crawler reads this line, and it is left out");
		return;
	}
	if (value.len > ROBOTS_PATTERN_MAX) {
		problem_warn(r->problems, &r->at,
		    "longer than %u bytes, and left out: no path is so long", ROBOTS_PATTERN_MAX);
		return;
	}
	if (out->rules == ROBOTS_RULES_MAX) {
		problem_error(r->problems, &r->at, "more than %u paths", ROBOTS_RULES_MAX);
		r->full = true;
		return;
	}
	out->rule = grow(r, out->rule, out->rules, &r->rules_room, sizeof(*out->rule));
	out->rule[out->rules++] = (struct robots_rule){ allow, value, r->at.line, out->groups };
}

static void
read_delay(struct reading *r, struct slice value)
{
	struct robots *out = r->out;

	if (!r->begun || out->delays == ROBOTS_AGENTS_MAX)
		return;
	out->delay = grow(r, out->delay, out->delays, &r->delays_room, sizeof(*out->delay));
	out->delay[out->delays++] = (struct robots_delay){ value, r->at.line, out->groups };
}

/* Known to some crawler, and no group's: not worth a warning. */
static bool
is_known(struct slice key)
{
	static const char *const names[] = { "sitemap", "host", "clean-param", "request-rate",
		"visit-time", "noindex", "content-signal", "content-usage" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (slice_equal_nocase(key, slice_of(names[i])))
			return true;
	return false;
}

static void
read_line(struct reading *r, struct slice line)
{
	struct slice rest, value, key;

	line = slice_trim(slice_split(line, '#', &rest));
	if (line.len == 0)
		return;
	key = slice_trim(slice_split(line, ':', &value));
	value = slice_trim(value);
	if (memchr(line.ptr, '\0', line.len) != NULL)
		problem_warn(r->problems, &r->at, "not text, and left out");
	else if (slice_equal_nocase(key, SLICE("user-agent")))
		read_agent(r, value);
	else if (slice_equal_nocase(key, SLICE("disallow")))
		read_rule(r, false, value);
	else if (slice_equal_nocase(key, SLICE("allow")))
		read_rule(r, true, value);
	else if (slice_equal_nocase(key, SLICE("crawl-delay")))
		read_delay(r, value);
	else if (!is_known(key))
		problem_warn(r->problems, &r->at,
		    "not a line of robots.txt (User-agent, Disallow, Allow), and left out");
}

bool
robots_parse(struct arena *a, const char *file, struct slice text, struct robots *out,
    struct problems *problems)
{
	struct reading r = { .out = out, .problems = problems, .arena = a, .at = { .file = file } };

	*out = (struct robots){ .groups = 0 };
	if (slice_starts(text, SLICE("\xef\xbb\xbf")))
		text = (struct slice){ text.ptr + 3, text.len - 3 };
	while (text.len > 0 && !r.full) {
		size_t end = 0;

		while (end < text.len && text.ptr[end] != '\n' && text.ptr[end] != '\r')
			end++;
		r.at.line++;
		read_line(&r, (struct slice){ text.ptr, end });
		if (end + 1 < text.len && text.ptr[end] == '\r' && text.ptr[end + 1] == '\n')
			end++;
		end += end < text.len;
		text = (struct slice){ text.ptr + end, text.len - end };
	}
	out->groups += r.begun;
	return !r.full;
}

size_t
robots_weight(struct slice pattern)
{
	size_t weight = 0;

	for (size_t i = 0; i < pattern.len; i++)
		weight += (unsigned char)pattern.ptr[i] < 0x80 ? 1 : 3;
	return weight;
}

/* The next byte of a pattern as it stands in a path, or -1: here anything may stand. */
static int
literal_byte(struct slice *s)
{
	int byte = percent_value(*s);
	size_t used = byte >= 0 ? 3 : 1;

	if (s->len == 0 || *s->ptr == '*' || (*s->ptr == '$' && s->len == 1))
		return -1;
	if (byte < 0)
		byte = (unsigned char)*s->ptr;
	*s = (struct slice){ s->ptr + used, s->len - used };
	return byte;
}

bool
robots_overlap(struct slice a, struct slice b)
{
	for (;;) {
		int x = literal_byte(&a), y = literal_byte(&b);

		if (x < 0 || y < 0)
			return true;
		if (x != y)
			return false;
	}
}

/* Letters, digits, and what has no meaning in a regex, a YAML string or an expression. */
static bool
is_plain(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       memchr("/_-=&~,;:@!%", c, 12) != NULL;
}

/* One character of what a path is, never with a meaning of its own. */
static void
put_literal(struct text *out, struct slice c)
{
	const unsigned char *p = (const unsigned char *)c.ptr;
	uint32_t point = p[0];

	if (c.len == 1 && is_plain(c.ptr[0])) {
		text_put(out, c);
		return;
	}
	if (c.len == 1 && memchr(".?+()[]{}|^$*", p[0], 13) != NULL) {
		text_byte(out, '\\');
		text_put(out, c);
		return;
	}
	if (c.len > 1)
		point &= 0x7fu >> c.len;
	for (size_t i = 1; i < c.len; i++)
		point = point << 6 | (p[i] & 0x3fu);
	text_printf(out, "\\x{%x}", point);
}

/* Bytes as a policy sees them: what is no UTF-8 is U+FFFD. */
static void
put_bytes(struct text *out, struct slice s)
{
	while (s.len > 0) {
		size_t n = utf8_length(s);

		if (n == 0)
			text_put(out, SLICE("\\x{fffd}"));
		else
			put_literal(out, (struct slice){ s.ptr, n });
		n = n == 0 ? 1 : n;
		s = (struct slice){ s.ptr + n, s.len - n };
	}
}

void
robots_regex(struct slice piece, bool decode, struct text *out)
{
	char plain[ROBOTS_PIECE_MAX];
	size_t n = 0;

	assert(piece.len <= sizeof(plain));
	while (piece.len > 0) {
		int byte = decode ? percent_value(piece) : -1;
		size_t used = byte >= 0 ? 3 : 1;

		if (decode && byte < 0 && *piece.ptr == '*') {
			put_bytes(out, (struct slice){ plain, n });
			text_put(out, SLICE(".*"));
			n = 0;
		} else {
			plain[n++] = byte >= 0 ? (char)byte : *piece.ptr;
		}
		piece = (struct slice){ piece.ptr + used, piece.len - used };
	}
	put_bytes(out, (struct slice){ plain, n });
}
