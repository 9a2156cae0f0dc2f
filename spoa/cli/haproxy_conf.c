#include "cli/haproxy_conf.h"

#include <stdlib.h>

#include "base/memory.h"
#include "cli/haproxy_if.h"

#define WORDS_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define IF_DEPTH_MAX 64u /* HAProxy's own bound is 16 */

static const char *const section_kinds[] = { "global", "defaults", "frontend", "backend", "listen",
	"peers", "userlist", "resolvers", "mailers", "program", "cache", "ring", "http-errors",
	"fcgi-app", "log-forward", "log-profile", "crt-store", "traces", "acme", "spoe-agent",
	"spoe-message", "spoe-group" };

struct haproxy_conf *
haproxy_conf_new(struct slice environment, unsigned version)
{
	struct haproxy_conf *c = xcalloc(1, sizeof(*c));

	c->arena = arena_new();
	c->version = version;
	c->budget = WORDS_BYTES_MAX;
	haproxy_env_init(&c->env, environment);
	return c;
}

void
haproxy_conf_free(struct haproxy_conf *c)
{
	if (c == NULL)
		return;
	arena_free(c->arena);
	free(c->line);
	free(c->section);
	free(c);
}

/* A file on its way in. */
struct reading {
	struct haproxy_conf *c;
	const char *file;
	unsigned number;
	struct slice scope;
	bool inside; /* a section */
	/* Of each .if: did a branch hold already, and does the one that is being read? */
	struct {
		bool done, on;
	} nest[IF_DEPTH_MAX];
	unsigned depth;
	const char *why;
};

static bool
is_section(struct slice word)
{
	for (size_t i = 0; i < sizeof(section_kinds) / sizeof(section_kinds[0]); i++)
		if (slice_equal(word, slice_of(section_kinds[i])))
			return true;
	return false;
}

static bool
on(const struct reading *r)
{
	return r->depth == 0 || r->nest[r->depth - 1].on;
}

/* The defaults that hold for what follows: those that it names, else the last that were read. */
static size_t
defaults_of(const struct haproxy_conf *c, struct slice from)
{
	for (size_t i = c->sections; i > 0; i--) {
		const struct haproxy_section *s = &c->section[i - 1];

		if (slice_equal(s->kind, SLICE("defaults")) &&
		    (from.ptr == NULL || slice_equal(s->name, from)))
			return i;
	}
	return 0;
}

static void
add_section(struct reading *r, const struct haproxy_words *w)
{
	struct haproxy_conf *c = r->c;
	struct slice from = { NULL, 0 };
	bool proxy = !slice_equal(w->word[0], SLICE("global"));

	if (c->sections == HAPROXY_SECTIONS_MAX) {
		r->why = "there are too many sections";
		return;
	}
	if (c->sections == c->sections_room) {
		c->sections_room = c->sections_room == 0 ? 32 : c->sections_room * 2;
		c->section = xreallocarray(c->section, c->sections_room, sizeof(*c->section));
	}
	for (unsigned i = 1; i + 1 < w->count; i++)
		if (slice_equal(w->word[i], SLICE("from")))
			from = w->word[i + 1];
	c->section[c->sections] = (struct haproxy_section){ .kind = w->word[0],
		.name = w->count > 1 ? w->word[1] : (struct slice){ "", 0 },
		.scope = r->scope,
		.first = c->lines,
		.file = r->file,
		.number = r->number,
		/* What a `defaults` stands on itself is what it names, alone. */
		.defaults =
		    !proxy || (slice_equal(w->word[0], SLICE("defaults")) && from.ptr == NULL)
			? 0
			: defaults_of(c, from) };
	c->sections++;
	r->inside = true;
}

static void
add_line(struct reading *r, const struct haproxy_words *w)
{
	struct haproxy_conf *c = r->c;
	struct slice *copy;

	if (!r->inside)
		return;
	if (c->lines == c->lines_room) {
		c->lines_room = c->lines_room == 0 ? 256 : c->lines_room * 2;
		c->line = xreallocarray(c->line, c->lines_room, sizeof(*c->line));
	}
	copy = arena_alloc(c->arena, w->count * sizeof(*copy));
	memcpy(copy, w->word, w->count * sizeof(*copy));
	c->line[c->lines++] = (struct haproxy_line){ copy, w->count, r->file, r->number };
	c->section[c->sections - 1].lines++;
}

/* What changes the environment of the lines that follow. */
static void
environment(struct reading *r, const struct haproxy_words *w)
{
	struct haproxy_env *e = &r->c->env;
	bool set = slice_equal(w->word[0], SLICE("setenv")),
	     preset = slice_equal(w->word[0], SLICE("presetenv"));

	if (w->count > 2 && (set || (preset && haproxy_env_get(e, w->word[1]).ptr == NULL)) &&
	    !haproxy_env_set(e, w->word[1], w->word[2]))
		r->why = "there are too many variables";
	if (slice_equal(w->word[0], SLICE("unsetenv")))
		for (unsigned i = 1; i < w->count; i++)
			if (haproxy_env_get(e, w->word[i]).ptr != NULL)
				haproxy_env_set(e, w->word[i], (struct slice){ NULL, 0 });
}

static bool
condition(struct reading *r, const struct haproxy_words *w)
{
	char buf[4096];
	struct slice s = { buf, 0 };
	bool known, value;

	for (unsigned i = 1; i < w->count; i++) {
		if (w->word[i].len + 1 > sizeof(buf) - s.len) {
			r->c->not_decided++;
			return false;
		}
		memcpy(buf + s.len, w->word[i].ptr, w->word[i].len);
		s.len += w->word[i].len;
		buf[s.len++] = ' ';
	}
	value = haproxy_if(r->c, s, &known);
	if (!known)
		r->c->not_decided++;
	return value;
}

/* .if and its like. */
static void
branch(struct reading *r, const struct haproxy_words *w)
{
	struct slice what = w->word[0];
	bool outer;

	if (slice_equal(what, SLICE(".if"))) {
		if (r->depth == IF_DEPTH_MAX) {
			r->why = "there are too many .if in one another";
			return;
		}
		outer = on(r);
		r->nest[r->depth].on = outer && condition(r, w);
		/* Nothing in a part that is left out can hold. */
		r->nest[r->depth].done = !outer || r->nest[r->depth].on;
		r->depth++;
		return;
	}
	if (!slice_equal(what, SLICE(".elif")) && !slice_equal(what, SLICE(".else")) &&
	    !slice_equal(what, SLICE(".endif")))
		return;
	if (r->depth == 0) {
		r->why = "there is no .if that it belongs to";
		return;
	}
	if (slice_equal(what, SLICE(".endif"))) {
		r->depth--;
		return;
	}
	r->nest[r->depth - 1].on =
	    !r->nest[r->depth - 1].done && (slice_equal(what, SLICE(".else")) || condition(r, w));
	r->nest[r->depth - 1].done |= r->nest[r->depth - 1].on;
}

static void
read_line(struct reading *r, struct slice line)
{
	struct haproxy_words w;
	struct slice trimmed = slice_trim(line);

	/* What is left out need not be right, but what ends it is to be found. */
	if (!on(r) && (trimmed.len == 0 || trimmed.ptr[0] != '.'))
		return;
	if (!haproxy_words_split(&w, r->c->arena, &r->c->env, line, &r->c->budget, &r->why) ||
	    w.count == 0)
		return;
	if (w.word[0].len > 0 && w.word[0].ptr[0] == '.') {
		branch(r, &w);
	} else if (w.word[0].len > 2 && w.word[0].ptr[0] == '[') {
		r->scope = (struct slice){ w.word[0].ptr + 1, w.word[0].len - 2 };
		r->inside = false;
	} else if (is_section(w.word[0])) {
		add_section(r, &w);
	} else {
		environment(r, &w);
		add_line(r, &w);
	}
}

bool
haproxy_conf_read(
    struct haproxy_conf *c, const char *file, struct slice text, const char **why, unsigned *number)
{
	struct reading r = { .c = c, .file = file };

	if (text.len > HAPROXY_FILE_MAX)
		r.why = "it is too long";
	while (text.len > 0 && r.why == NULL) {
		r.number++;
		read_line(&r, slice_split(text, '\n', &text));
	}
	if (r.why == NULL && r.depth > 0)
		r.why = "an .endif is missing at its end";
	*why = r.why;
	*number = r.number;
	return r.why == NULL;
}

const struct haproxy_section *
haproxy_conf_section(const struct haproxy_conf *c, const char *kind, struct slice name)
{
	bool end = strcmp(kind, "frontend") == 0 || strcmp(kind, "backend") == 0;

	for (size_t i = 0; i < c->sections; i++) {
		const struct haproxy_section *s = &c->section[i];

		if (slice_equal(s->name, name) &&
		    (slice_equal(s->kind, slice_of(kind)) ||
			(end && slice_equal(s->kind, SLICE("listen")))))
			return s;
	}
	return NULL;
}

/* Words from the n-th on. */
static bool
begins(const struct haproxy_line *l, unsigned n, const char *words)
{
	struct slice rest = slice_of(words);

	while (rest.len > 0) {
		struct slice word = slice_split(rest, ' ', &rest);

		if (n >= l->words || !slice_equal(l->word[n], word))
			return false;
		n++;
	}
	return true;
}

bool
haproxy_line_is(const struct haproxy_line *l, const char *words)
{
	return begins(l, 0, words);
}

struct slice
haproxy_line_after(const struct haproxy_line *l, const char *word)
{
	for (unsigned i = 0; i + 1 < l->words; i++)
		if (slice_equal(l->word[i], slice_of(word)))
			return l->word[i + 1];
	return (struct slice){ NULL, 0 };
}

bool
haproxy_line_has(const struct haproxy_line *l, const char *word)
{
	for (unsigned i = 0; i < l->words; i++)
		if (slice_equal(l->word[i], slice_of(word)))
			return true;
	return false;
}

const struct haproxy_line *
haproxy_conf_setting(
    const struct haproxy_conf *c, const struct haproxy_section *s, const char *words)
{
	/* A defaults section may name another: as many steps as there are sections at most. */
	for (size_t steps = 0; steps <= c->sections; steps++) {
		for (size_t i = s->lines; i > 0; i--) {
			const struct haproxy_line *l = &c->line[s->first + i - 1];

			if (begins(l, 0, words) ||
			    (slice_equal(l->word[0], SLICE("no")) && begins(l, 1, words)))
				return l;
		}
		if (s->defaults == 0)
			return NULL;
		s = &c->section[s->defaults - 1];
	}
	return NULL;
}

bool
haproxy_conf_option(
    const struct haproxy_conf *c, const struct haproxy_section *s, const char *words)
{
	const struct haproxy_line *l = haproxy_conf_setting(c, s, words);

	return l != NULL && !slice_equal(l->word[0], SLICE("no"));
}

long long
haproxy_time_ms(struct slice s)
{
	static const struct {
		const char *unit;
		unsigned long long us;
	} units[] = { { "", 1000 }, { "us", 1 }, { "ms", 1000 }, { "s", 1000000 },
		{ "m", 60000000 }, { "h", 3600000000 }, { "d", 86400000000 } };
	size_t digits = 0;
	unsigned long long n;

	while (digits < s.len && s.ptr[digits] >= '0' && s.ptr[digits] <= '9')
		digits++;
	if (!slice_number((struct slice){ s.ptr, digits }, 1u << 31, &n))
		return -1;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (slice_equal(
			(struct slice){ s.ptr + digits, s.len - digits }, slice_of(units[i].unit)))
			return (long long)((n * units[i].us + 999) / 1000);
	return -1;
}
