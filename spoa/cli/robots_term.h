#pragma once

#include <stdbool.h>

#include "base/slice.h"
#include "base/text.h"

/*
 * What a path of robots.txt says, in the words of a policy. A pattern is compared with path and
 * query in one there; a policy knows the path decoded and the parameters by name, but not their
 * order: a pattern with a ? is a condition on the path and one on each parameter, in whatever
 * order. What stands behind a * is looked for in the query, too, if it has a = or a &.
 */

/* No condition on the query: a path_regex says all of it. */
bool robots_term_plain(struct slice pattern);

/* The regex of a plain pattern, with its ^. */
void robots_term_regex(struct slice pattern, struct text *out);

/* An expression (CEL), in parentheses if it is more than one call; ASCII, no line ends, no '. */
void robots_term_put(struct slice pattern, struct text *out);

/* A string of an expression. */
void robots_term_quote(struct slice s, struct text *out);
