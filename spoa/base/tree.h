#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/problem.h"
#include "base/slice.h"

/*
 * A document as somebody wrote it, JSON or YAML: one tree for both, so that what
 * reads a policy never knows which it was. Nodes live in the arena that they were parsed into, in
 * the order of the file, and know where they stand.
 */
enum tree_kind { TREE_NULL, TREE_BOOL, TREE_NUMBER, TREE_STRING, TREE_LIST, TREE_MAP };

struct tree {
	enum tree_kind kind;
	unsigned line, column; /* from 1 */
	unsigned index;        /* place among the parent's children, from 0 */
	unsigned count;        /* children */
	struct slice key;      /* in a map: the name, NUL-terminated */
	struct slice text;     /* string: its value, NUL-terminated (and may hold others) */
	double number;
	bool truth;
	bool plain; /* YAML, without quotes: `text` is there whatever the kind */
	const char *file;
	struct tree *parent, *first, *last, *next;
};

extern const char *const tree_kind_names[6]; /* "null", "true or false", "number", … */

/* The member of a map by name, ASCII case ignored as Go's encoding/json does; NULL: none. */
struct tree *tree_get(const struct tree *map, const char *key);

/* Append a child; sets parent, index and count. */
void tree_add(struct tree *parent, struct tree *child);

/*
 * A problem for each member of a map whose name stands there already, case ignored as in tree_get:
 * of two such names only one would ever be read. Anything but a map is left alone. No name may hold
 * a NUL.
 */
void tree_twins(const struct tree *map, struct problems *p);

/* "bots[3].path_regex" into buf, always NUL-terminated; "" for the root. */
void tree_path(const struct tree *node, char *buf, size_t cap);

/* A problem at this node: file, line, column and path are filled in. */
void tree_error(struct problems *p, const struct tree *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void tree_warn(struct problems *p, const struct tree *node, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
