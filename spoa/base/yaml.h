#pragma once

#include "base/arena.h"
#include "base/problem.h"
#include "base/slice.h"
#include "base/tree.h"

#define YAML_BYTES_MAX ((size_t)16 * 1024 * 1024)
#define YAML_NODES_MAX ((size_t)1000 * 1000) /* in all documents, aliases followed */

/*
 * Parse YAML (1.1 as Go's sigs.k8s.io/yaml reads it into JSON) into the arena. The first document
 * is returned; the others, if there are any, follow by `next`. `file` names it in problems and must
 * outlive the arena. NULL if anything is wrong, and problems say all of it with line and column.
 *
 * A plain scalar that looks like null, a bool or a number becomes that kind, with `plain` set and
 * its text kept: what it means is for the schema to say (country NO is no bool). A name that stands
 * twice in one map is an error, case ignored; so are nesting deeper than 64, merge keys, tags other
 * than the core ones, and what is no UTF-8. Aliases are followed within YAML_NODES_MAX. Further
 * limits, each an error that says so: a value of 1 MB, 100 anchors in a document, and what
 * yaml_screen.h keeps from libfyaml. An empty file is an error; an empty document is a null.
 */
struct tree *yaml_parse(struct arena *a, const char *file, struct slice text, struct problems *p);
