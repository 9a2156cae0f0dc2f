#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/document.h"
#include "base/yaml.h"

static size_t
check(const struct tree *n, unsigned depth)
{
	const struct tree *last = NULL;
	size_t nodes = 1;
	unsigned count = 0;

	assert(depth <= 64);
	assert(n->line >= 1 && n->column >= 1);
	if (n->kind == TREE_STRING || n->plain)
		assert(n->text.ptr != NULL && n->text.ptr[n->text.len] == '\0');
	for (const struct tree *child = n->first; child != NULL; child = child->next) {
		assert(n->kind == TREE_LIST || n->kind == TREE_MAP);
		assert(child->parent == n && child->index == count++);
		if (n->kind == TREE_MAP) {
			assert(child->key.ptr != NULL && child->key.ptr[child->key.len] == '\0');
			assert(strlen(child->key.ptr) == child->key.len);
		}
		nodes += check(child, depth + 1);
		last = child;
	}
	assert(n->count == count && n->last == last);
	return nodes;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice text = { (const char *)data, size };
	struct arena *a = arena_new();
	struct problems p = { 0 };
	struct tree *root = yaml_parse(a, "f", text, &p);
	size_t nodes = 0, documents = 0;

	assert((root == NULL) == (p.errors > 0));
	for (const struct tree *n = root; n != NULL; n = n->next, documents++) {
		assert(n->parent == NULL);
		nodes += check(n, 0);
	}
	assert(nodes <= YAML_NODES_MAX && documents <= size + 1);
	document_parse(a, "f", text, &p);
	problems_fini(&p);
	arena_free(a);
	return 0;
}
