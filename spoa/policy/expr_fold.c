#include "policy/expr_function.h"
#include "policy/expr_inner.h"

/* From the store, which is used again, into the arena. */
static struct value
keep(struct compile *c, struct value v)
{
	size_t count = v.kind == KIND_MAP ? 2 * (size_t)v.count : v.count;
	struct value *copy;

	if (v.kind == KIND_STRING)
		v.s = arena_copy(c->arena, v.s);
	if (v.kind != KIND_LIST && v.kind != KIND_MAP)
		return v;
	copy = arena_alloc(c->arena, count * sizeof(*copy));
	for (size_t i = 0; i < count; i++)
		copy[i] = keep(c, v.at[i]);
	v.at = copy;
	return v;
}

static void
become(struct compile *c, struct node *n, struct value v, size_t offset)
{
	n->kind = NODE_CONST;
	n->value = keep(c, v);
	n->first = n->last = NULL;
	n->children = 0;
	n->height = 1;
	n->offset = (uint32_t)offset;
	if (v.kind == KIND_ERROR && c->failing == NULL) {
		c->failing = v.why;
		c->failing_offset = offset;
	}
}

/* Which constant children there are. */
struct constants {
	unsigned count;
	const struct node *decides; /* of && and || */
	const struct node *fails;   /* the first that does */
};

static struct constants
look(const struct node *n)
{
	struct constants k = { 0 };

	for (const struct node *child = n->first; child != NULL; child = child->next) {
		if (child->kind != NODE_CONST)
			continue;
		k.count++;
		if (child->value.kind == KIND_ERROR)
			k.fails = k.fails == NULL ? child : k.fails;
		else if (child->value.kind == KIND_BOOL &&
			 child->value.truth == (n->kind == NODE_OR))
			k.decides = child;
	}
	return k;
}

static void
fold_logic(struct compile *c, struct node *n, const struct constants *k)
{
	if (k->decides != NULL)
		become(c, n, value_bool(n->kind == NODE_OR), n->offset);
	else if (k->count == n->children && k->fails != NULL)
		become(c, n, k->fails->value, k->fails->offset);
	else if (k->count == n->children)
		become(c, n, value_bool(n->kind == NODE_AND), n->offset);
}

static void
fold_ternary(struct compile *c, struct node *n)
{
	const struct node *condition = n->first;
	const struct type *type = n->type;
	struct node *next = n->next;

	if (condition->kind != NODE_CONST)
		return;
	if (condition->value.kind == KIND_ERROR) {
		become(c, n, condition->value, condition->offset);
		return;
	}
	*n = condition->value.truth ? *condition->next : *condition->next->next;
	n->next = next;
	n->type = type;
}

static void
evaluate(struct compile *c, struct node *n)
{
	struct run r = { .store = c->store, .fuel = EXPR_FUEL };
	struct value v;

	c->store->used = c->store->floor = 0;
	v = expr_run(&r, n);
	/* What would grow out of hand is made when it is needed. */
	if (r.fuel == 0 || (v.kind == KIND_STRING && v.s.len > EXPR_BYTES_MAX))
		return;
	become(c, n, v, n->offset);
}

bool
expr_node_varies(const struct node *n)
{
	return n->kind == NODE_VERIFY || n->kind == NODE_LISTED ||
	       (n->kind == NODE_CALL && (n->function->traits & FUNCTION_VARIES) != 0);
}

void
expr_fold(struct compile *c, struct node *n)
{
	const struct constants k = look(n);

	switch (n->kind) {
	case NODE_AND:
	case NODE_OR:
		fold_logic(c, n, &k);
		return;
	case NODE_TERNARY:
		fold_ternary(c, n);
		return;
	case NODE_CONST:
		/* The name of a header that is never there. */
		if (n->value.kind == KIND_ERROR)
			become(c, n, n->value, n->offset);
		return;
	case NODE_MACRO:
		if (n->first->kind == NODE_CONST && n->first->value.kind == KIND_ERROR)
			become(c, n, n->first->value, n->first->offset);
		return;
	case NODE_LIST:
	case NODE_MAP:
	case NODE_INDEX:
	case NODE_CALL:
	case NODE_VERIFY:
	case NODE_NOT:
	case NODE_NEGATE:
	case NODE_BINARY:
	case NODE_IN:
		break;
	default:
		return;
	}
	if (k.fails != NULL)
		become(c, n, k.fails->value, k.fails->offset);
	else if (expr_node_varies(n) && n->first->kind == NODE_CONST &&
		 n->first->value.kind == KIND_INT && n->first->value.i <= 0)
		become(c, n, value_error("randInt() needs a number above 0"), n->offset);
	else if (k.count == n->children && !expr_node_varies(n))
		evaluate(c, n);
}
