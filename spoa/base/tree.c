#include "base/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/memory.h"
#include "base/text.h"

#define PATH_DEPTH_MAX 64u
#define PATH_BYTES 512

const char *const tree_kind_names[6] = { "null", "true or false", "number", "string", "list",
	"map" };

struct tree *
tree_get(const struct tree *map, const char *key)
{
	struct slice wanted = slice_of(key);

	if (map == NULL || map->kind != TREE_MAP)
		return NULL;
	for (struct tree *n = map->first; n != NULL; n = n->next)
		if (slice_equal_nocase(n->key, wanted))
			return n;
	return NULL;
}

void
tree_add(struct tree *parent, struct tree *child)
{
	child->parent = parent;
	child->index = parent->count++;
	child->next = NULL;
	if (parent->last == NULL)
		parent->first = child;
	else
		parent->last->next = child;
	parent->last = child;
}

void
tree_path(const struct tree *node, char *buf, size_t cap)
{
	const struct tree *way[PATH_DEPTH_MAX];
	unsigned depth = 0;
	struct text t = { .buf = buf, .cap = cap - 1 };

	/* What lies deeper than that is named from its own end. */
	for (; node != NULL && node->parent != NULL && depth < PATH_DEPTH_MAX; node = node->parent)
		way[depth++] = node;
	while (depth > 0) {
		const struct tree *n = way[--depth];

		if (n->parent->kind == TREE_LIST) {
			text_printf(&t, "[%u]", n->index);
			continue;
		}
		if (t.len > 0)
			text_byte(&t, '.');
		/* A name is the file's own bytes: nothing that would break the line. */
		for (size_t i = 0; i < n->key.len; i++) {
			unsigned char c = (unsigned char)n->key.ptr[i];

			text_byte(&t, c < 0x20 || c == 0x7f ? '?' : (char)c);
		}
	}
	buf[t.len] = '\0';
}

static void
say(struct problems *p, bool warning, const struct tree *node, const char *format, va_list args)
{
	char path[PATH_BYTES], what[1024];
	struct text t = { .buf = what, .cap = sizeof(what) - 1 };
	struct place at = { node->file, node->line, node->column, path };

	tree_path(node, path, sizeof(path));
	text_vprintf(&t, format, args);
	/* Longer than the buffer: vsnprintf left as much of it as has room. */
	what[t.cut ? sizeof(what) - 2 : t.len] = '\0';
	if (warning)
		problem_warn(p, &at, "%s", what);
	else
		problem_error(p, &at, "%s", what);
}

void
tree_error(struct problems *p, const struct tree *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(p, false, node, format, args);
	va_end(args);
}

void
tree_warn(struct problems *p, const struct tree *node, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(p, true, node, format, args);
	va_end(args);
}

static int
by_name(const void *a, const void *b)
{
	const struct tree *x = *(struct tree *const *)a, *y = *(struct tree *const *)b;
	int order = strcasecmp(x->key.ptr, y->key.ptr);

	return order != 0 ? order : x->index < y->index ? -1 : 1;
}

void
tree_twins(const struct tree *map, struct problems *p)
{
	struct tree **list;
	size_t k = 0;

	if (map->kind != TREE_MAP || map->count < 2)
		return;
	list = xcalloc(map->count, sizeof(struct tree *));
	for (struct tree *child = map->first; child != NULL; child = child->next)
		list[k++] = child;
	qsort(list, k, sizeof(struct tree *), by_name);
	for (size_t i = 1; i < k; i++)
		if (slice_equal_nocase(list[i]->key, list[i - 1]->key))
			tree_error(p, list[i],
			    "stands twice in this map, first in line %u: keep one",
			    list[i - 1]->line);
	free(list);
}
