#include "policy/expr.h"

#include <stdlib.h>

#include "base/crypto.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "policy/expr_inner.h"

#define WARNING_BYTES 1024u

static size_t
first_bad_byte(struct slice s)
{
	size_t at = 0, n;

	while ((n = utf8_length((struct slice){ s.ptr + at, s.len - at })) > 0)
		at += n;
	return at;
}

/* All headers are asked for at once: not by headers[…], nor by … in headers. */
static bool
asks_for_all(const struct node *n)
{
	for (const struct node *child = n->first; child != NULL; child = child->next) {
		if (child->kind == NODE_HEADERS && n->kind != NODE_INDEX && n->kind != NODE_IN)
			return true;
		if (asks_for_all(child))
			return true;
	}
	return false;
}

static const char *
kind_given(const struct node *n)
{
	switch (n->type->kind) {
	case KIND_INT:
	case KIND_UINT:
	case KIND_DOUBLE:
		return "a number, not true or false: compare it";
	case KIND_STRING:
		return "a string, not true or false: compare it";
	case KIND_LIST:
	case KIND_MAP:
		return "a list or a map, not true or false: ask what is in it";
	default:
		return "null, not true or false";
	}
}

/* One text, typed and folded; NULL: wrong. */
static struct node *
compile_text(struct compile *c, struct slice text)
{
	struct node *n;

	c->text = text;
	c->locals = 0;
	c->failing = NULL;
	if (text.len == 0 || text.len > EXPR_BYTES_MAX) {
		expr_wrong(
		    c, 0, text.len == 0 ? "it is empty" : "longer than %u bytes", EXPR_BYTES_MAX);
		return NULL;
	}
	if (first_bad_byte(text) < text.len) {
		expr_wrong(c, first_bad_byte(text), "not UTF-8");
		return NULL;
	}
	n = expr_parse(c);
	if (n == NULL || !expr_check(c, n))
		return NULL;
	if (n->type->kind != KIND_BOOL) {
		expr_wrong(c, 0, "it gives %s", kind_given(n));
		return NULL;
	}
	if (n->kind == NODE_CONST && n->value.kind == KIND_ERROR) {
		expr_wrong(c, n->offset, "it always fails: %s", n->value.why);
		return NULL;
	}
	if (c->failing != NULL && n->kind != NODE_CONST)
		expr_warn(c, "at offset %zu it always fails: %s", c->failing_offset, c->failing);
	return n;
}

static bool
compile_all(struct compile *c, const struct slice *texts, unsigned count, bool any)
{
	struct node *root = expr_node(c, any ? NODE_OR : NODE_AND, 0);

	root->type = &expr_types[KIND_BOOL];
	for (unsigned i = 0; i < count; i++) {
		struct node *n;

		c->error->item = i;
		n = compile_text(c, texts[i]);
		if (n == NULL || !expr_adopt(c, root, n))
			return false;
	}
	c->error->item = 0;
	if (count == 1)
		root = root->first;
	else
		expr_fold(c, root);
	c->expr->root = root;
	if (asks_for_all(root)) {
		c->expr->fields |= UINT64_MAX << REQUEST_HEADER | (uint64_t)1 << REQUEST_USER_AGENT;
		expr_warn(c, "of all headers only those are seen that the policy reads elsewhere");
	}
	return true;
}

struct expr *
expr_compile(struct arena *a, const struct expr_scope *scope, const struct slice *texts,
    unsigned count, bool any, struct expr_error *error)
{
	char warning[WARNING_BYTES];
	struct compile c = { .arena = a, .scope = scope, .error = error };
	bool good;

	*error = (struct expr_error){ 0 };
	if (count == 0 || count > EXPR_ITEMS_MAX) {
		expr_wrong(&c, 0, "a list of 1 to %u expressions is expected", EXPR_ITEMS_MAX);
		return NULL;
	}
	c.warning = (struct text){ warning, sizeof(warning), 0, false };
	c.expr = arena_alloc(a, sizeof(*c.expr));
	c.store = expr_store_new();
	c.scratch = arena_new();
	good = compile_all(&c, texts, count, any);
	if (good) {
		expr_find_keys(&c);
		if (c.warning.len > 0)
			c.expr->warning = arena_copy(a, text_slice(&c.warning)).ptr;
	}
	arena_free(c.scratch);
	expr_store_free(c.store);
	return good ? c.expr : NULL;
}

uint64_t
expr_fields(const struct expr *e)
{
	return e->fields;
}

static bool
varies(const struct node *n)
{
	if (expr_node_varies(n))
		return true;
	for (const struct node *child = n->first; child != NULL; child = child->next)
		if (varies(child))
			return true;
	return false;
}

bool
expr_varies(const struct expr *e)
{
	return varies(e->root);
}

const char *
expr_warning(const struct expr *e)
{
	return e->warning;
}

unsigned
expr_keys(const struct expr *e, const struct expr_key **keys)
{
	*keys = e->key;
	return e->keys;
}

struct expr_store *
expr_store_new(void)
{
	struct expr_store *s = xcalloc(1, sizeof(*s));

	random_bytes(&s->random, sizeof(s->random));
	return s;
}

void
expr_store_free(struct expr_store *s)
{
	free(s);
}

enum expr_result
expr_eval(const struct expr *e, const struct expr_input *in, const char **why)
{
	struct run r;
	struct value v;

	r.in = in;
	r.store = in->store;
	r.fuel = EXPR_FUEL;
	r.has_query = r.has_asn = r.has_country = r.has_address = false;
	r.store->used = r.store->floor = 0;
	v = expr_run(&r, e->root);
	if (r.fuel == 0)
		v = value_error(expr_too_much);
	if (v.kind != KIND_ERROR)
		return v.truth ? EXPR_TRUE : EXPR_FALSE;
	if (v.why == expr_unknown)
		return EXPR_UNKNOWN;
	if (why != NULL)
		*why = v.why;
	return EXPR_FAILED;
}
