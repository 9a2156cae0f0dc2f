#include "challenge/offer.h"

#include "policy/policy.h"
#include "policy/rule.h"

struct member {
	struct slice name, value;
	bool quoted;
};

static struct slice
skip_blanks(struct slice s)
{
	while (s.len > 0 && (s.ptr[0] == ' ' || s.ptr[0] == '\t'))
		s = (struct slice){ s.ptr + 1, s.len - 1 };
	return s;
}

/* How much of s is a name; or, where a = and parameters may stand, a value without quotes. */
static size_t
bare_length(struct slice s, bool is_name)
{
	size_t n = 0;

	while (n < s.len && s.ptr[n] > ' ' && s.ptr[n] <= '~' && s.ptr[n] != ',' &&
	       s.ptr[n] != '"' && !(is_name && s.ptr[n] == '='))
		n++;
	return n;
}

static struct slice
take(struct slice *s, size_t n)
{
	struct slice front = { s->ptr, n };

	*s = (struct slice){ s->ptr + n, s->len - n };
	return front;
}

static bool
take_quoted(struct slice *s, struct slice *value)
{
	size_t n = 1;

	/* Nothing that is known here has an escape: it stays as it is written. */
	while (n < s->len && s->ptr[n] != '"')
		n += s->ptr[n] == '\\' ? 2 : 1;
	if (n >= s->len)
		return false;
	*value = (struct slice){ s->ptr + 1, n - 1 };
	(void)take(s, n + 1);
	return true;
}

/* The next member, and the comma behind it. */
static bool
next_member(struct slice *s, struct member *m)
{
	*m = (struct member){ .quoted = false };
	*s = skip_blanks(*s);
	m->name = take(s, bare_length(*s, true));
	if (m->name.len == 0)
		return false;
	if (s->len > 0 && s->ptr[0] == '=') {
		(void)take(s, 1);
		m->quoted = s->len > 0 && s->ptr[0] == '"';
		if (m->quoted && !take_quoted(s, &m->value))
			return false;
		if (!m->quoted)
			m->value = take(s, bare_length(*s, false));
	}
	*s = skip_blanks(*s);
	if (s->len == 0)
		return true;
	if (s->ptr[0] != ',')
		return false;
	(void)take(s, 1);
	/* A comma at the end is none. */
	return skip_blanks(*s).len > 0;
}

static void
read_methods(struct slice list, struct offer *o)
{
	while (list.len > 0) {
		struct slice word = slice_split(list, ' ', &list);

		o->pow |= slice_equal(word, SLICE("pow"));
		o->wait |= slice_equal(word, SLICE("wait"));
	}
}

static bool
is_ticket(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_word(s.ptr[i]))
			return false;
	return s.len > 0 && s.len <= OFFER_TICKET_MAX;
}

/* What was read: numbers are 0 where there was none. */
struct numbers {
	unsigned long long puzzles, target, wait_s;
};

static bool
read_member(const struct member *m, struct offer *o, struct numbers *n, const char **why)
{
	const struct {
		struct slice name;
		unsigned long long *to;
	} numbers[] = { { SLICE("puzzles"), &n->puzzles }, { SLICE("target"), &n->target },
		{ SLICE("wait"), &n->wait_s } };

	if (slice_equal(m->name, SLICE("ticket"))) {
		o->ticket = m->value;
		*why = "its ticket is none";
		return m->quoted && is_ticket(m->value);
	}
	if (slice_equal(m->name, SLICE("methods")) && m->quoted) {
		o->pow = o->wait = false;
		read_methods(m->value, o);
	}
	*why = "puzzles, target or wait is no number below 2^32";
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		if (slice_equal(m->name, numbers[i].name) &&
		    (m->quoted || !slice_number(m->value, UINT32_MAX, numbers[i].to)))
			return false;
	return true;
}

static bool
take_numbers(struct offer *o, const struct numbers *n, const char **why)
{
	*why = "it has no ticket";
	if (o->ticket.len == 0)
		return false;
	*why = "its puzzles are not 1 to 32";
	if (o->pow && (n->puzzles == 0 || n->puzzles > CHALLENGE_PUZZLES_MAX))
		return false;
	*why = "nothing is below its target 0";
	if (o->pow && n->target == 0)
		return false;
	*why = "it wants more than 600 seconds of waiting";
	if (o->wait && n->wait_s > OFFER_WAIT_MAX_S)
		return false;
	o->puzzles = (unsigned)n->puzzles;
	o->target = (uint32_t)n->target;
	o->wait_s = (unsigned)n->wait_s;
	return true;
}

bool
offer_parse(struct slice header, struct offer *o, const char **why)
{
	struct numbers n = { .puzzles = 0 };
	struct member m;

	*o = (struct offer){ .pow = false };
	header = slice_trim(header);
	do {
		*why = "it is no list of name=value";
		if (!next_member(&header, &m) || !read_member(&m, o, &n, why))
			return false;
	} while (header.len > 0);
	return take_numbers(o, &n, why);
}

uint64_t
offer_hashes(const struct offer *o)
{
	return (((uint64_t)o->puzzles << 32) + o->target - 1) / o->target;
}
