#include "policy/ask_inner.h"

#include <stdio.h>
#include <string.h>

#include "policy/expr_function.h"
#include "policy/expr_inner.h"

static const char computes[] = "it computes with the path: only startsWith, endsWith, contains, "
			       "matches, ==, != and in, with constant strings, can be listed";
static const char by_chance[] = "it asks randInt(), so the next request may get another verdict";
static const char counts[] = "it computes with a rate: only comparisons with a number can be kept";
static const char wordless[] = "its regex fits nearly any target, or is too slow for HAProxy";

struct walk {
	struct asking *asking;
	/* What the name of a macro goes through, if that is a constant list; else NULL. */
	const struct value *local[EXPR_LOCALS_MAX];
};

static void walk(struct walk *w, const struct node *n);

static bool
is_field(const struct node *n, unsigned field)
{
	return n->kind == NODE_FIELD && n->what == field;
}

/* The path, or that in small or large letters. */
static bool
is_path(const struct node *n, bool *caseless)
{
	*caseless = n->kind == NODE_CALL &&
		    (n->function->run == string_lower || n->function->run == string_upper);
	return is_field(*caseless ? n->first : n, REQUEST_PATH);
}

/* A line for each string that `n` may be; false: what it may be is not known. */
static bool
add_words(struct walk *w, const struct node *n, unsigned place, bool caseless)
{
	const struct value *list = n->kind == NODE_LOCAL ? w->local[n->what] : NULL;

	if (n->kind == NODE_CONST && n->value.kind == KIND_STRING) {
		ask_add_word(w->asking, n->value.s, place, caseless);
		return true;
	}
	if (n->kind == NODE_CONST && (n->value.kind == KIND_LIST || n->value.kind == KIND_MAP))
		list = &n->value;
	if (list == NULL || (list->kind != KIND_LIST && list->kind != KIND_MAP))
		return false;
	for (uint32_t i = 0; i < list->count; i++) {
		const struct value *v = &list->at[list->kind == KIND_MAP ? 2 * (size_t)i : i];

		if (v->kind != KIND_STRING)
			return false;
		ask_add_word(w->asking, v->s, place, caseless);
	}
	return true;
}

/* path.startsWith("…") and its like. */
static bool
known_call(struct walk *w, const struct node *n)
{
	bool caseless;

	if (n->children != 2 || !is_path(n->first, &caseless))
		return false;
	if (n->function->run == string_starts_with)
		return add_words(w, n->last, ASK_AT_BEGIN, caseless);
	if (n->function->run == string_ends_with)
		return add_words(w, n->last, ASK_AT_END, caseless);
	return n->function->run == string_contains && add_words(w, n->last, ASK_ANYWHERE, caseless);
}

/* size(path) > 100 */
static bool
known_size(struct walk *w, const struct node *first, unsigned operation, const struct node *last)
{
	char line[32];
	int64_t most;
	int n;

	if (first->kind != NODE_CALL || strcmp(first->function->name, "size") != 0 ||
	    !is_field(first->first, REQUEST_PATH) || last->kind != NODE_CONST ||
	    last->value.kind != KIND_INT ||
	    (operation != OP_GREATER && operation != OP_GREATER_EQUAL))
		return false;
	/* Up to this size it is not true. */
	most = last->value.i;
	if (most >= 0)
		most -= operation == OP_GREATER_EQUAL;
	if (most < 0 || most >= (int64_t)ASK_TARGET_MAX)
		return true;
	n = snprintf(line, sizeof(line), "^[^?]{%d}", (int)most + 1);
	ask_add(w->asking, (struct slice){ line, (size_t)n });
	return true;
}

static void
note_number(struct asking *a, const struct node *n)
{
	if (n->kind == NODE_VARIABLE && n->what >= VARIABLE_RATE && n->what <= VARIABLE_PASS_AGE)
		a->numbers |= (uint8_t)(1u << (n->what - VARIABLE_RATE));
}

_Static_assert((int)VARIABLE_PASS_AGE - (int)VARIABLE_RATE == (int)REQUEST_PASS_AGE,
    "the numbers of a request, in one order");

/* rate > 100: up to which rate it is what it is at 1. */
static bool
known_rate(struct walk *w, const struct node *first, unsigned operation, const struct node *last)
{
	int64_t most;

	note_number(w->asking, first);
	if (first->kind != NODE_VARIABLE ||
	    (first->what != VARIABLE_RATE && first->what != VARIABLE_PASS_RATE) ||
	    last->kind != NODE_CONST || last->value.kind != KIND_INT)
		return false;
	if (last->value.i < 0)
		return true; /* no rate is */
	most = last->value.i;
	if (operation != OP_GREATER && operation != OP_LESS_EQUAL && most > 0)
		most--;
	if (most < w->asking->rate)
		w->asking->rate = most;
	return true;
}

/* b < a for a > b. */
static unsigned
turned(unsigned operation)
{
	switch (operation) {
	case OP_LESS:
		return OP_GREATER;
	case OP_LESS_EQUAL:
		return OP_GREATER_EQUAL;
	case OP_GREATER:
		return OP_LESS;
	case OP_GREATER_EQUAL:
		return OP_LESS_EQUAL;
	default:
		return operation;
	}
}

static bool
known_binary(struct walk *w, const struct node *n)
{
	const unsigned back = turned(n->what);
	bool caseless;

	if (n->what < OP_EQUAL)
		return false;
	if (n->what == OP_EQUAL || n->what == OP_UNEQUAL) {
		if (is_path(n->first, &caseless))
			return add_words(w, n->last, ASK_WHOLE, caseless);
		if (is_path(n->last, &caseless))
			return add_words(w, n->first, ASK_WHOLE, caseless);
	}
	return known_rate(w, n->first, n->what, n->last) ||
	       known_rate(w, n->last, back, n->first) ||
	       known_size(w, n->first, n->what, n->last) || known_size(w, n->last, back, n->first);
}

/* path in ["/a", "/b"] */
static bool
known_in(struct walk *w, const struct node *n)
{
	bool caseless;

	return is_path(n->first, &caseless) && n->last->kind == NODE_CONST &&
	       add_words(w, n->last, ASK_WHOLE, caseless);
}

static void
walk_macro(struct walk *w, const struct node *n)
{
	const struct node *range = n->first;
	const bool constant = range->kind == NODE_CONST &&
			      (range->value.kind == KIND_LIST || range->value.kind == KIND_MAP);

	walk(w, range);
	w->local[n->pattern] = constant ? &range->value : NULL;
	for (const struct node *child = range->next; child != NULL; child = child->next)
		walk(w, child);
	w->local[n->pattern] = NULL;
}

/* A leaf that the request fills. */
static void
walk_variable(struct asking *a, const struct node *n)
{
	note_number(a, n);
	switch ((enum variable)n->what) {
	case VARIABLE_QUERY:
		/* Whatever it does with it: without a query it is always the same. */
		ask_add(a, SLICE("\\?."));
		break;
	case VARIABLE_RATE:
	case VARIABLE_PASS_RATE:
		a->why = counts;
		break;
	default:
		break; /* headers, addresses: of the key; load and age: they move slowly */
	}
}

static void
walk(struct walk *w, const struct node *n)
{
	struct asking *a = w->asking;
	bool known = false;

	switch ((enum node_kind)n->kind) {
	case NODE_FIELD:
		if (n->what == REQUEST_PATH || n->what == REQUEST_QUERY)
			a->why = computes;
		return;
	case NODE_VARIABLE:
		walk_variable(a, n);
		return;
	case NODE_FIELD_MATCHES:
		if (n->what == REQUEST_PATH &&
		    !ask_add_regex(a, ask_regex_of(a->policy, n->what, n->pattern), false))
			a->why = wordless;
		return;
	case NODE_CALL:
		if (strcmp(n->function->name, "randInt") == 0)
			a->why = by_chance;
		known = known_call(w, n);
		break;
	case NODE_BINARY:
		known = known_binary(w, n);
		break;
	case NODE_IN:
		known = known_in(w, n);
		break;
	case NODE_MACRO:
		walk_macro(w, n);
		return;
	default:
		break;
	}
	for (const struct node *child = n->first; child != NULL && !known; child = child->next)
		walk(w, child);
}

void
ask_add_expression(struct asking *a, const struct expr *e)
{
	struct walk w = { .asking = a };

	walk(&w, e->root);
}
