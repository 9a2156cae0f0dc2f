#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/problem.h"
#include "base/slice.h"
#include "base/text.h"

/*
 * robots.txt (RFC 9309): groups of user agents and the paths that they may not fetch. Wildcards are
 * * (anything) and a final $ (the end, query included); the longest pattern that matches decides,
 * of two that are equally long the one that allows.
 */
#define ROBOTS_BYTES_MAX ((size_t)4 * 1024 * 1024) /* RFC 9309, 2.5 asks for 500 KiB or more */
#define ROBOTS_AGENTS_MAX 4096u
#define ROBOTS_RULES_MAX 16384u
#define ROBOTS_PATTERN_MAX 2048u /* bytes of a pattern or a name; longer ones are left out */

struct robots_agent {
	struct slice name; /* as written, without "/VERSION" and a final *; "*" is everybody */
	unsigned line, group;
};

struct robots_rule {
	bool allow;
	struct slice pattern; /* as written; begins with / or *, and is not empty */
	unsigned line, group;
};

struct robots_delay {
	struct slice seconds; /* as written */
	unsigned line, group;
};

/* In the order of the file; groups are numbered from 0. Slices borrow the text. */
struct robots {
	struct robots_agent *agent;
	struct robots_rule *rule;
	struct robots_delay *delay; /* Crawl-delay, which no standard knows */
	unsigned agents, rules, delays, groups;
};

/*
 * Read all of it; arrays live in the arena. A robots.txt is never refused for what stands in it:
 * each line that means nothing is a warning with its number. False: too many agents or rules.
 */
bool robots_parse(struct arena *a, const char *file, struct slice text, struct robots *out,
    struct problems *problems);

/* What a pattern is worth where several match: its octets, others than ASCII as %XX. */
size_t robots_weight(struct slice pattern);

/* May one path match both? Compares what stands before the first wildcard; never wrongly false. */
bool robots_overlap(struct slice a, struct slice b);

/* A pattern with each byte escaped. */
#define ROBOTS_PIECE_MAX ((size_t)3 * ROBOTS_PATTERN_MAX)

/* Room for the regex of n bytes. */
#define ROBOTS_REGEX_ROOM(n) ((n)*8 + 16)

/*
 * The regex (Go's syntax, ASCII only) of a piece of a pattern of at most ROBOTS_PIECE_MAX bytes,
 * without anchors: percent escapes are decoded, as paths are before they are matched; * is .*, all
 * else is itself. `decode` false: a name, in which nothing has a meaning.
 */
void robots_regex(struct slice piece, bool decode, struct text *out);
