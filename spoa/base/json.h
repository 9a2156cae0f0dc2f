#pragma once

#include "base/arena.h"
#include "base/problem.h"
#include "base/slice.h"
#include "base/tree.h"

#define JSON_BYTES_MAX ((size_t)64 * 1024 * 1024)
#define JSON_NODES_MAX ((size_t)4 * 1000 * 1000) /* values in one document */

/*
 * Parse one JSON document (RFC 8259, UTF-8) into the arena. `file` names it in problems and must
 * outlive the arena. NULL when it is no JSON: one problem with line and column says why. A name
 * that stands twice in one map is an error, case ignored; nesting is limited (cJSON: 1000 levels);
 * \u0000 is refused. A member of a map stands where its name does.
 */
struct tree *json_parse(struct arena *a, const char *file, struct slice text, struct problems *p);
