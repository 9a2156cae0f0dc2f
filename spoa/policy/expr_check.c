#include "policy/expr_inner.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "policy/expr_function.h"
#include "policy/expr_name.h"

const struct type expr_types[KIND_ANY + 1] = { { .kind = KIND_ERROR }, { .kind = KIND_NULL },
	{ .kind = KIND_BOOL }, { .kind = KIND_INT }, { .kind = KIND_UINT }, { .kind = KIND_DOUBLE },
	{ .kind = KIND_STRING }, { .kind = KIND_LIST }, { .kind = KIND_MAP },
	{ .kind = KIND_ANY } };

bool
expr_wrong(struct compile *c, size_t offset, const char *format, ...)
{
	va_list args;

	if (c->error->why[0] != '\0')
		return false;
	va_start(args, format);
	vsnprintf(c->error->why, sizeof(c->error->why), format, args);
	va_end(args);
	c->error->offset = offset < c->text.len ? offset : c->text.len;
	return false;
}

void
expr_warn(struct compile *c, const char *format, ...)
{
	va_list args;

	if (c->warning.len > 0)
		text_put(&c->warning, SLICE("; "));
	va_start(args, format);
	text_vprintf(&c->warning, format, args);
	va_end(args);
}

static const char *
kind_name(const struct type *t)
{
	static const char *const names[] = { "an error", "null", "true or false", "an int",
		"a uint", "a double", "a string", "a list", "a map", "nothing" };

	return names[t->kind];
}

const struct type *
expr_type_of(struct compile *c, enum kind kind, const struct type *key, const struct type *of)
{
	struct type *t = arena_alloc(c->arena, sizeof(*t));

	*t = (struct type){ kind, key, of };
	return t;
}

/* The type that both are, NULL: none. What an empty list holds is whatever the other one holds. */
static const struct type *
unify(const struct type *a, const struct type *b)
{
	if (a->kind == KIND_ANY)
		return b;
	if (b->kind == KIND_ANY)
		return a;
	if (a->kind != b->kind)
		return NULL;
	if (a->kind == KIND_MAP && unify(a->key, b->key) == NULL)
		return NULL;
	if (a->kind == KIND_LIST || a->kind == KIND_MAP) {
		const struct type *of = unify(a->of, b->of);

		return of == NULL ? NULL : of == b->of ? b : a;
	}
	return a;
}

static bool
is_number(const struct type *t)
{
	return t->kind == KIND_INT || t->kind == KIND_UINT || t->kind == KIND_DOUBLE;
}

static bool
check_bool(struct compile *c, const struct node *n, const struct node *child, const char *sign,
    const char *where)
{
	if (child->type->kind == KIND_BOOL)
		return true;
	return expr_wrong(c, n->offset, "'%s' needs true or false%s, not %s", sign, where,
	    kind_name(child->type));
}

static bool
check_logic(struct compile *c, struct node *n)
{
	for (const struct node *child = n->first; child != NULL; child = child->next)
		if (!check_bool(c, n, child, n->kind == NODE_AND ? "&&" : "||", " on both sides"))
			return false;
	n->type = &expr_types[KIND_BOOL];
	return true;
}

static bool
check_unary(struct compile *c, struct node *n)
{
	n->type = n->first->type;
	if (n->kind == NODE_NOT)
		return check_bool(c, n, n->first, "!", "");
	if (n->type->kind == KIND_INT || n->type->kind == KIND_DOUBLE)
		return true;
	return expr_wrong(c, n->offset, "'-' needs an int or a double, not %s", kind_name(n->type));
}

static const char *const operation_text[] = { "+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">",
	">=" };

static bool
takes(enum operation op, const struct type *t)
{
	switch (op) {
	case OP_ADD:
		return is_number(t) || t->kind == KIND_STRING || t->kind == KIND_LIST;
	case OP_SUBTRACT:
	case OP_MULTIPLY:
	case OP_DIVIDE:
		return is_number(t);
	case OP_REMAINDER:
		return t->kind == KIND_INT || t->kind == KIND_UINT;
	case OP_EQUAL:
	case OP_UNEQUAL:
		return true;
	default:
		return is_number(t) || t->kind == KIND_STRING || t->kind == KIND_BOOL;
	}
}

static const char *
advice(const struct node *n)
{
	const struct node *a = n->first, *b = n->last;

	if (a->kind == NODE_BINARY && a->what >= OP_EQUAL && n->what >= OP_EQUAL)
		return ": comparisons do not chain, write a < b && b < c";
	if (!is_number(a->type) || !is_number(b->type))
		return "";
	if (a->type->kind == KIND_DOUBLE || b->type->kind == KIND_DOUBLE)
		return ": write 10.0 for a double, or convert with double()";
	return ": write 10u for a uint, or convert with int()";
}

static bool
check_binary(struct compile *c, struct node *n)
{
	const struct type *a = n->first->type, *b = n->last->type, *both = unify(a, b);
	const char *text = operation_text[n->what];

	if (both == NULL)
		return expr_wrong(c, n->offset,
		    "'%s' needs the same kind on both sides, not %s and %s%s", text, kind_name(a),
		    kind_name(b), advice(n));
	if (!takes(n->what, both))
		return expr_wrong(
		    c, n->offset, "'%s' does not work on %s%s", text, kind_name(both), advice(n));
	n->type = n->what >= OP_EQUAL ? &expr_types[KIND_BOOL] : both;
	return true;
}

static bool
check_in(struct compile *c, struct node *n)
{
	const struct type *in = n->last->type;

	n->type = &expr_types[KIND_BOOL];
	if (in->kind != KIND_LIST && in->kind != KIND_MAP)
		return expr_wrong(c, n->offset, "'in' needs a list or a map on its right, not %s%s",
		    kind_name(in), in->kind == KIND_STRING ? ": write b.contains(a)" : "");
	if (unify(n->first->type, in->kind == KIND_LIST ? in->of : in->key) == NULL)
		return expr_wrong(c, n->offset, "%s cannot be in %s of something else",
		    kind_name(n->first->type), kind_name(in));
	return n->last->kind != NODE_HEADERS || expr_check_header(c, n);
}

static bool
check_index(struct compile *c, struct node *n)
{
	const struct type *of = n->first->type;

	if (of->kind != KIND_LIST && of->kind != KIND_MAP)
		return expr_wrong(c, n->offset, "%s has no parts to take by [ ]%s", kind_name(of),
		    of->kind == KIND_STRING ? ": use charAt or substring" : "");
	if (unify(n->last->type, of->kind == KIND_LIST ? &expr_types[KIND_INT] : of->key) == NULL)
		return expr_wrong(c, n->last->offset, "%s is asked for by %s, not by %s",
		    of->kind == KIND_LIST ? "part of a list" : "part of a map",
		    of->kind == KIND_LIST ? "an int" : kind_name(of->key),
		    kind_name(n->last->type));
	n->type = of->of;
	return n->first->kind != NODE_HEADERS || expr_check_header(c, n);
}

/* m.name is m["name"]. */
static bool
check_select(struct compile *c, struct node *n)
{
	struct node *key;

	if (n->first->type->kind != KIND_MAP)
		return expr_wrong(c, n->offset, "%s has no part named '%.*s'",
		    kind_name(n->first->type), (int)(n->name.len < 40 ? n->name.len : 40),
		    n->name.ptr);
	key = expr_node(c, NODE_CONST, n->offset);
	key->value = value_string(n->name);
	key->type = &expr_types[KIND_STRING];
	n->kind = NODE_INDEX;
	return expr_adopt(c, n, key) && check_index(c, n);
}

static bool
check_list(struct compile *c, struct node *n)
{
	const struct type *of = &expr_types[KIND_ANY];

	for (const struct node *child = n->first; child != NULL; child = child->next) {
		const struct type *both = unify(of, child->type);

		if (both == NULL)
			return expr_wrong(c, child->offset,
			    "all parts of a list must be of one kind: this is %s, not %s",
			    kind_name(child->type), kind_name(of));
		of = both;
	}
	n->type = expr_type_of(c, KIND_LIST, NULL, of);
	return true;
}

static bool
check_map(struct compile *c, struct node *n)
{
	const struct type *kind[2] = { &expr_types[KIND_ANY], &expr_types[KIND_ANY] };
	unsigned i = 0;

	for (const struct node *child = n->first; child != NULL; child = child->next, i ^= 1) {
		const struct type *both = unify(kind[i], child->type);

		if (i == 0 && (child->type->kind < KIND_BOOL || child->type->kind > KIND_STRING ||
				  child->type->kind == KIND_DOUBLE))
			return expr_wrong(c, child->offset, "%s cannot be the key of a map",
			    kind_name(child->type));
		if (both == NULL)
			return expr_wrong(c, child->offset,
			    "all %s of a map must be of one kind: this is %s, not %s",
			    i == 0 ? "keys" : "values", kind_name(child->type), kind_name(kind[i]));
		kind[i] = both;
	}
	n->type = expr_type_of(c, KIND_MAP, kind[0], kind[1]);
	return true;
}

static bool
check_ternary(struct compile *c, struct node *n)
{
	const struct node *a = n->first->next;

	if (n->first->type->kind != KIND_BOOL)
		return expr_wrong(c, n->offset, "'?' needs true or false before it, not %s",
		    kind_name(n->first->type));
	n->type = unify(a->type, a->next->type);
	if (n->type == NULL)
		return expr_wrong(c, n->offset,
		    "both sides of ':' must be of the same kind, not %s and %s", kind_name(a->type),
		    kind_name(a->next->type));
	return true;
}

static bool
check_by_kind(struct compile *c, struct node *n)
{
	switch (n->kind) {
	case NODE_SELECT:
		return check_select(c, n);
	case NODE_INDEX:
		return check_index(c, n);
	case NODE_LIST:
		return check_list(c, n);
	case NODE_MAP:
		return check_map(c, n);
	case NODE_NOT:
	case NODE_NEGATE:
		return check_unary(c, n);
	case NODE_BINARY:
		return check_binary(c, n);
	case NODE_IN:
		return check_in(c, n);
	case NODE_AND:
	case NODE_OR:
		return check_logic(c, n);
	case NODE_TERNARY:
		return check_ternary(c, n);
	default:
		return expr_check_call(c, n);
	}
}

bool
expr_check(struct compile *c, struct node *n)
{
	if (n->kind == NODE_CONST)
		return true;
	if (n->kind == NODE_NAME || (n->kind == NODE_SELECT && expr_is_spaced(c, n)))
		return expr_check_name(c, n);
	if (n->kind == NODE_CALL && expr_is_macro(n)) {
		if (!expr_check_macro(c, n))
			return false;
	} else {
		for (struct node *child = n->first; child != NULL; child = child->next)
			if (!expr_check(c, child))
				return false;
		if (!check_by_kind(c, n))
			return false;
	}
	expr_fold(c, n);
	return true;
}
