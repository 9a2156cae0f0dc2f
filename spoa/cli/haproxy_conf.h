#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"
#include "cli/haproxy_words.h"

/*
 * HAProxy's configuration, and the SPOE files that it names, as text: sections, their lines, the
 * words of each. What a line means is for others to know; unknown ones are kept as they are. Files
 * come from whoever may write them: all is bounded.
 */
#define HAPROXY_FILE_MAX ((size_t)4 * 1024 * 1024)
#define HAPROXY_SECTIONS_MAX 16384u

struct haproxy_line {
	const struct slice *word;
	unsigned words; /* 1 or more */
	const char *file;
	unsigned number; /* from 1 */
};

struct haproxy_section {
	struct slice kind, name; /* "backend", "site"; a name may be empty */
	struct slice scope;      /* "ammit" of [ammit], in SPOE files */
	size_t first, lines;     /* in line[], the header of the section not included */
	const char *file;
	unsigned number;
	size_t defaults; /* 1 and the index of the section that its defaults stand in; 0: none */
};

struct haproxy_conf {
	struct arena *arena;
	struct haproxy_env env;
	unsigned version; /* 206 is 2.6: what `.if version_atleast` is told */
	struct haproxy_line *line;
	size_t lines, lines_room;
	struct haproxy_section *section;
	size_t sections, sections_room;
	size_t budget;        /* bytes that all words together may have */
	unsigned not_decided; /* `.if` with a condition that is not known here; taken as false */
};

/* environment: as haproxy_env_init takes it; borrowed. */
struct haproxy_conf *haproxy_conf_new(struct slice environment, unsigned version);
void haproxy_conf_free(struct haproxy_conf *c); /* NULL is legal */

/*
 * Read one file more, as `haproxy -f A -f B` does; its name is borrowed. `.if`, `.elif`, `.else`
 * and `.endif` are followed. False with *why and *number, the line.
 */
bool haproxy_conf_read(struct haproxy_conf *c, const char *file, struct slice text,
    const char **why, unsigned *number);

/* The first one of a kind with this name, NULL: there is none. A `listen` is both ends. */
const struct haproxy_section *haproxy_conf_section(
    const struct haproxy_conf *c, const char *kind, struct slice name);

static inline const struct haproxy_line *
haproxy_conf_line(const struct haproxy_conf *c, const struct haproxy_section *s, size_t i)
{
	return i < s->lines ? &c->line[s->first + i] : NULL;
}

/* Does the line begin with these words ("option spop-check")? */
bool haproxy_line_is(const struct haproxy_line *l, const char *words);

/* The word behind the first one that equals `word`, {NULL, 0}: there is none. */
struct slice haproxy_line_after(const struct haproxy_line *l, const char *word);
bool haproxy_line_has(const struct haproxy_line *l, const char *word);

/*
 * The line that begins with these words and counts: the last one of the section, else of its
 * defaults. NULL: there is none. A line with `no` in front is found, too, if it is the last.
 */
const struct haproxy_line *haproxy_conf_setting(
    const struct haproxy_conf *c, const struct haproxy_section *s, const char *words);

/* The same for an option: is it on? */
bool haproxy_conf_option(
    const struct haproxy_conf *c, const struct haproxy_section *s, const char *words);

/* A time with its unit (ms if it has none), in ms; -1: it is none. */
long long haproxy_time_ms(struct slice s);
