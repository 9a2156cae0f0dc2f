#include "policy/expr_inner.h"

/* What a body left on the store is not needed once it has said true or false; the query is. */
static void
forget(struct run *r, size_t used)
{
	struct expr_store *s = r->store;

	s->used = used > s->floor ? used : s->floor;
}

static struct value *
bind(struct run *r, const struct node *n, const struct value *range, uint32_t i)
{
	struct value *local = &r->local[n->pattern];

	*local = range->at[range->kind == KIND_MAP ? 2 * (size_t)i : i];
	return local;
}

/* What the body says of the i-th element. */
static struct value
ask(struct run *r, const struct node *n, const struct value *range, uint32_t i)
{
	const size_t used = r->store->used;
	struct value v;

	bind(r, n, range, i);
	v = expr_run(r, n->last);
	forget(r, used);
	return v;
}

/* all and exists: as && and || over the elements. */
static struct value
quantify(struct run *r, const struct node *n, const struct value *range)
{
	const bool decides = n->what == MACRO_EXISTS;
	struct value out = value_bool(!decides);

	for (uint32_t i = 0; i < range->count && r->fuel > 0; i++) {
		struct value v = ask(r, n, range, i);

		if (v.kind == KIND_BOOL && v.truth == decides)
			return v;
		value_absorb(&out, &v);
	}
	return out;
}

static struct value
count_one(struct run *r, const struct node *n, const struct value *range)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < range->count && r->fuel > 0; i++) {
		struct value v = ask(r, n, range, i);

		if (v.kind == KIND_ERROR)
			return v;
		count += v.truth;
	}
	return value_bool(count == 1);
}

/* filter, and map with or without a condition. */
static struct value
collect(struct run *r, const struct node *n, const struct value *range)
{
	const struct node *condition = n->first->next;
	struct value *out = run_room(r, range->count * sizeof(*out));
	uint32_t count = 0;

	if (out == NULL)
		return value_error(expr_too_much);
	for (uint32_t i = 0; i < range->count && r->fuel > 0; i++) {
		const struct value *local = bind(r, n, range, i);
		struct value v = value_bool(true);

		if (n->what == MACRO_FILTER || n->children == 3)
			v = expr_run(r, condition);
		if (v.kind == KIND_ERROR)
			return v;
		if (!v.truth)
			continue;
		v = n->what == MACRO_FILTER ? *local : expr_run(r, n->last);
		if (v.kind == KIND_ERROR)
			return v;
		out[count++] = v;
	}
	return value_list(out, count);
}

struct value
expr_run_macro(struct run *r, const struct node *n)
{
	const struct value range = expr_run(r, n->first);

	if (range.kind == KIND_ERROR)
		return range;
	switch (n->what) {
	case MACRO_ALL:
	case MACRO_EXISTS:
		return quantify(r, n, &range);
	case MACRO_EXISTS_ONE:
		return count_one(r, n, &range);
	default:
		return collect(r, n, &range);
	}
}
