#pragma once

#include "base/arena.h"
#include "policy/ask.h"
#include "policy/expr.h"
#include "policy/generation.h"

/* Inside of ask.h: the list while it is made. ask_regex.c says a regex as lines, ask_expr.c walks
 * an expression, ask.c puts all together. */
struct asking {
	const struct policy *policy;
	struct arena *arena; /* lines live here */
	struct slice *line;
	size_t lines, room;
	int64_t rate;
	uint8_t numbers;
	const char
	    *why; /* what cannot be listed in the rule at hand, constant words; NULL: nothing */
};

/* What a line of the list must hold at most: HAProxy reads its files by lines. */
#define ASK_LINE_MAX 4000u

void ask_add(struct asking *a, struct slice line);

/* A pattern of a field's, as PCRE2 got it. */
struct slice ask_regex_of(const struct policy *p, unsigned field, uint32_t pattern);

/* Lines that match each pathq whose path (or, if query, whose query) the regex matches, among those
 * that no other line catches. False: there is none. `regex` is as PCRE2 got it (regex_text). */
bool ask_add_regex(struct asking *a, struct slice regex, bool query);

/* The same for a word of the path: at its begin, its end, both or anywhere. */
enum ask_place { ASK_ANYWHERE = 0, ASK_AT_BEGIN = 1, ASK_AT_END = 2, ASK_WHOLE = 3 };
void ask_add_word(struct asking *a, struct slice word, unsigned place, bool caseless);

/* Lines for all tests of an expression. Sets a->why where it cannot be done. */
void ask_add_expression(struct asking *a, const struct expr *e);
