#pragma once

#include <stdbool.h>

#include "cli/haproxy_conf.h"

/*
 * What stands behind `.if` and `.elif` (configuration manual, 2.5): defined(NAME), streq(A,B),
 * strneq(A,B), strstr(A,B), version_atleast(V), version_before(V), a number, with ! && || and
 * parentheses. *known is cleared if there is something else in it, and the result is false then.
 */
bool haproxy_if(const struct haproxy_conf *c, struct slice condition, bool *known);

/* "2.6", "3.0.5-1" as 206, 300; 0: it is none. */
unsigned haproxy_version(struct slice s);
