#include "cli/haproxy_words.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/memory.h"

/* As long as a word may become with its variables in it. */
#define WORD_BYTES_MAX ((size_t)64 * 1024)

void
haproxy_env_init(struct haproxy_env *e, struct slice block)
{
	e->count = 0;
	while (block.len > 0) {
		struct slice value,
		    name = slice_split(slice_split(block, '\0', &block), '=', &value);

		if (name.len > 0 && value.ptr != NULL && !haproxy_env_set(e, name, value))
			return;
	}
}

static struct haproxy_variable *
find(const struct haproxy_env *e, struct slice name)
{
	for (unsigned i = 0; i < e->count; i++)
		if (slice_equal(e->variable[i].name, name))
			return (struct haproxy_variable *)&e->variable[i];
	return NULL;
}

struct slice
haproxy_env_get(const struct haproxy_env *e, struct slice name)
{
	const struct haproxy_variable *v = find(e, name);

	return v == NULL ? (struct slice){ NULL, 0 } : v->value;
}

bool
haproxy_env_set(struct haproxy_env *e, struct slice name, struct slice value)
{
	struct haproxy_variable *v = find(e, name);

	if (v == NULL) {
		if (e->count == HAPROXY_VARIABLES_MAX)
			return false;
		v = &e->variable[e->count++];
	}
	*v = (struct haproxy_variable){ name, value };
	return true;
}

/* A line on its way into words. */
struct splitter {
	struct slice in; /* what is left */
	const struct haproxy_env *env;
	struct haproxy_words *w;
	struct arena *arena;
	size_t *budget;
	const char *why; /* NULL: all is well */
	char *buf;       /* the word so far */
	size_t len, cap;
	bool word; /* there is one, if only "" */
};

static void
put(struct splitter *s, const char *bytes, size_t n)
{
	s->word = true;
	if (n > WORD_BYTES_MAX - s->len || n > *s->budget) {
		s->why = "it is too long with its variables in it";
		return;
	}
	if (n > s->cap - s->len) {
		s->cap = s->len + n + 256;
		s->buf = xreallocarray(s->buf, s->cap, 1);
	}
	if (n > 0)
		memcpy(s->buf + s->len, bytes, n);
	s->len += n;
	*s->budget -= n;
}

static void
end_word(struct splitter *s)
{
	/* What a slice costs, too: a file of blanks and quotes is no way around the budget. */
	const size_t least = sizeof(struct slice);

	if (!s->word || s->why != NULL)
		return;
	if (s->w->count == HAPROXY_WORDS_MAX || *s->budget < least) {
		s->why = "it has too many words";
		return;
	}
	*s->budget -= least;
	s->w->word[s->w->count++] = arena_copy(s->arena, (struct slice){ s->buf, s->len });
	s->len = 0;
	s->word = false;
}

static void
skip(struct splitter *s, size_t n)
{
	s->in.ptr += n;
	s->in.len -= n;
}

static char
peek(const struct splitter *s, size_t n)
{
	return n < s->in.len ? s->in.ptr[n] : '\0';
}

static bool
is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Behind a backslash, which stands at the front. */
static void
escape(struct splitter *s, bool quoted)
{
	char c = peek(s, 1);
	int high, low;

	switch (c) {
	case 't':
		c = '\t';
		break;
	case 'n':
		c = '\n';
		break;
	case 'r':
		c = '\r';
		break;
	case 'x':
		high = hex_value(peek(s, 2));
		low = high < 0 ? -1 : hex_value(peek(s, 3));
		if (low < 0) {
			s->why = "two hexadecimal digits are missing behind \\x";
			return;
		}
		c = (char)(high * 16 + low);
		skip(s, 2);
		break;
	case ' ':
	case '\\':
	case '#':
	case '\'':
	case '"':
		break;
	default:
		if (c == '$' && quoted)
			break;
		put(s, "\\", 1);
		skip(s, 1);
		return;
	}
	put(s, &c, 1);
	skip(s, 2);
}

/* A value that is a list: each of its words is one of the line. */
static void
put_list(struct splitter *s, struct slice value)
{
	while (value.len > 0 && s->why == NULL) {
		if (is_blank(*value.ptr))
			end_word(s);
		else
			put(s, value.ptr, 1);
		value.ptr++;
		value.len--;
	}
}

/* $NAME, ${NAME}, ${NAME-other} or ${NAME[*]}, in "…"; the $ stands at the front. */
static void
variable(struct splitter *s)
{
	bool braces = peek(s, 1) == '{', list = false;
	size_t at = braces ? 2 : 1, begin = at;
	struct slice name, value, other = { NULL, 0 };

	while (ascii_is_word(peek(s, at)) && peek(s, at) != '-')
		at++;
	name = (struct slice){ s->in.ptr + begin, at - begin };
	if (braces && peek(s, at) == '[' && peek(s, at + 1) == '*' && peek(s, at + 2) == ']') {
		list = true;
		at += 3;
	}
	if (braces && peek(s, at) == '-') {
		begin = ++at;
		while (at < s->in.len && s->in.ptr[at] != '}')
			at++;
		other = (struct slice){ s->in.ptr + begin, at - begin };
	}
	if (name.len == 0 || (braces && peek(s, at) != '}')) {
		s->why = "the name of a variable is missing behind $, or its }";
		return;
	}
	value = haproxy_env_get(s->env, name);
	if (value.ptr == NULL)
		value = other;
	if (list)
		put_list(s, value);
	else
		put(s, value.ptr, value.len);
	skip(s, braces ? at + 1 : at);
}

static void
quoted(struct splitter *s, char quote)
{
	s->word = true;
	skip(s, 1);
	while (s->why == NULL) {
		char c = peek(s, 0);

		if (s->in.len == 0) {
			s->why = "a quote is open at its end";
		} else if (c == quote) {
			skip(s, 1);
			return;
		} else if (quote == '"' && c == '\\') {
			escape(s, true);
		} else if (quote == '"' && c == '$') {
			variable(s);
		} else {
			put(s, &c, 1);
			skip(s, 1);
		}
	}
}

bool
haproxy_words_split(struct haproxy_words *w, struct arena *a, const struct haproxy_env *env,
    struct slice line, size_t *budget, const char **why)
{
	struct splitter s = { .in = line, .env = env, .w = w, .arena = a, .budget = budget };

	w->count = 0;
	while (s.in.len > 0 && s.why == NULL) {
		char c = s.in.ptr[0];

		if (c == '#')
			break;
		if (c == '"' || c == '\'') {
			quoted(&s, c);
		} else if (c == '\\') {
			escape(&s, false);
		} else if (is_blank(c)) {
			end_word(&s);
			skip(&s, 1);
		} else {
			put(&s, &c, 1);
			skip(&s, 1);
		}
	}
	end_word(&s);
	free(s.buf);
	*why = s.why;
	return s.why == NULL;
}
