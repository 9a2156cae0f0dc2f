#include "policy/expr_function.h"
#include "policy/expr_inner.h"

static const char overflow[] = "the number does not fit";
static const char by_zero[] = "division by zero";
static const char no_key[] = "no such key";

static struct value
int_operation(enum operation op, int64_t a, int64_t b)
{
	int64_t out = 0;
	bool fails;

	if ((op == OP_DIVIDE || op == OP_REMAINDER) && b == 0)
		return value_error(by_zero);
	switch (op) {
	case OP_ADD:
		fails = __builtin_add_overflow(a, b, &out);
		break;
	case OP_SUBTRACT:
		fails = __builtin_sub_overflow(a, b, &out);
		break;
	case OP_MULTIPLY:
		fails = __builtin_mul_overflow(a, b, &out);
		break;
	default:
		fails = a == INT64_MIN && b == -1;
		if (!fails)
			out = op == OP_DIVIDE ? a / b : a % b;
	}
	return fails ? value_error(overflow) : value_int(out);
}

static struct value
uint_operation(enum operation op, uint64_t a, uint64_t b)
{
	uint64_t out = 0;
	bool fails = false;

	if ((op == OP_DIVIDE || op == OP_REMAINDER) && b == 0)
		return value_error(by_zero);
	switch (op) {
	case OP_ADD:
		fails = __builtin_add_overflow(a, b, &out);
		break;
	case OP_SUBTRACT:
		fails = __builtin_sub_overflow(a, b, &out);
		break;
	case OP_MULTIPLY:
		fails = __builtin_mul_overflow(a, b, &out);
		break;
	default:
		out = op == OP_DIVIDE ? a / b : a % b;
	}
	return fails ? value_error(overflow) : value_uint(out);
}

static struct value
double_operation(enum operation op, double a, double b)
{
	switch (op) {
	case OP_ADD:
		return value_double(a + b);
	case OP_SUBTRACT:
		return value_double(a - b);
	case OP_MULTIPLY:
		return value_double(a * b);
	default:
		return value_double(a / b);
	}
}

static struct value
string_sum(struct run *r, struct slice a, struct slice b)
{
	char *out = run_room(r, a.len + b.len);

	if (out == NULL || !run_spend(r, (a.len + b.len) / 64))
		return value_error(expr_too_much);
	if (a.len > 0)
		memcpy(out, a.ptr, a.len);
	if (b.len > 0)
		memcpy(out + a.len, b.ptr, b.len);
	return value_string((struct slice){ out, a.len + b.len });
}

static struct value
list_sum(struct run *r, const struct value *a, const struct value *b)
{
	const size_t count = (size_t)a->count + b->count;
	struct value *out = run_room(r, count * sizeof(*out));

	if (out == NULL || !run_spend(r, count))
		return value_error(expr_too_much);
	if (a->count > 0)
		memcpy(out, a->at, a->count * sizeof(*out));
	if (b->count > 0)
		memcpy(out + a->count, b->at, b->count * sizeof(*out));
	return value_list(out, count);
}

static struct value
compare(enum operation op, const struct value *a, const struct value *b)
{
	int order = value_order(a, b);

	switch (op) {
	case OP_LESS:
		return value_bool(order == -1);
	case OP_LESS_EQUAL:
		return value_bool(order == -1 || order == 0);
	case OP_GREATER:
		return value_bool(order == 1);
	default:
		return value_bool(order == 1 || order == 0);
	}
}

static struct value
binary(struct run *r, const struct node *n)
{
	const struct value a = expr_run(r, n->first);
	struct value b;

	if (a.kind == KIND_ERROR)
		return a;
	b = expr_run(r, n->last);
	if (b.kind == KIND_ERROR)
		return b;
	if (n->what == OP_EQUAL || n->what == OP_UNEQUAL)
		return value_bool(value_equal(r, &a, &b) == (n->what == OP_EQUAL));
	if (n->what > OP_UNEQUAL)
		return compare(n->what, &a, &b);
	switch (a.kind) {
	case KIND_INT:
		return int_operation(n->what, a.i, b.i);
	case KIND_UINT:
		return uint_operation(n->what, a.u, b.u);
	case KIND_DOUBLE:
		return double_operation(n->what, a.d, b.d);
	case KIND_STRING:
		return string_sum(r, a.s, b.s);
	default:
		return list_sum(r, &a, &b);
	}
}

/*
 * An error waits for what decides: false for &&, true for ||. From left to right, and on behind
 * what is unknown, so that all questions are on their way at once.
 */
static struct value
logic(struct run *r, const struct node *n)
{
	const bool decides = n->kind == NODE_OR;
	struct value out = value_bool(!decides);

	for (const struct node *child = n->first; child != NULL; child = child->next) {
		struct value v = expr_run(r, child);

		if (v.kind == KIND_BOOL && v.truth == decides)
			return v;
		value_absorb(&out, &v);
	}
	return out;
}

static struct value
negate(const struct value *v)
{
	if (v->kind == KIND_DOUBLE)
		return value_double(-v->d);
	return v->kind == KIND_INT ? int_operation(OP_SUBTRACT, 0, v->i) : *v;
}

static struct value
choose(struct run *r, const struct node *n)
{
	struct value v = expr_run(r, n->first);

	if (v.kind == KIND_ERROR)
		return v;
	return expr_run(r, v.truth ? n->first->next : n->last);
}

static struct value
parts(struct run *r, const struct node *n)
{
	struct value *out = run_room(r, n->children * sizeof(*out));
	uint32_t i = 0;

	if (out == NULL)
		return value_error(expr_too_much);
	for (const struct node *child = n->first; child != NULL; child = child->next, i++) {
		struct value before = { .kind = KIND_MAP, .count = i / 2, .at = out };

		out[i] = expr_run(r, child);
		if (out[i].kind == KIND_ERROR)
			return out[i];
		if (n->kind == NODE_MAP && i % 2 == 0 && value_find(r, &before, &out[i]) != NULL)
			return value_error("a key stands twice in a map");
	}
	if (n->kind == NODE_LIST)
		return value_list(out, i);
	return (struct value){ .kind = KIND_MAP, .count = i / 2, .at = out };
}

static struct value
element(struct run *r, const struct value *of, const struct value *key)
{
	const struct value *found;

	if (of->kind == KIND_LIST) {
		if (key->i < 0 || key->i >= (int64_t)of->count)
			return value_error("no such element");
		return of->at[key->i];
	}
	found = value_find(r, of, key);
	return found == NULL ? value_error(no_key) : *found;
}

/* of[key], and key in of. */
static struct value
look_up(struct run *r, const struct node *n)
{
	const bool in = n->kind == NODE_IN;
	const struct node *of = in ? n->last : n->first;
	const struct value key = expr_run(r, in ? n->first : n->last);
	struct value v;

	if (key.kind == KIND_ERROR)
		return key;
	if (of->kind == NODE_HEADERS) {
		v = request_header(r, key.s);
		return in ? value_bool(v.kind != KIND_ERROR) : v;
	}
	v = expr_run(r, of);
	if (v.kind == KIND_ERROR)
		return v;
	return in ? value_bool(value_holds(r, &key, &v)) : element(r, &v, &key);
}

static struct value
call(struct run *r, const struct node *n)
{
	struct value arg[FUNCTION_ARGS_MAX], out;
	unsigned args = 0;
	size_t bytes = 0;

	for (const struct node *child = n->first; child != NULL; child = child->next) {
		arg[args] = expr_run(r, child);
		if (arg[args].kind == KIND_ERROR)
			return arg[args];
		bytes += arg[args].kind == KIND_STRING ? arg[args].s.len : 0;
		args++;
	}
	out = n->function->run(r, arg, args);
	bytes += out.kind == KIND_STRING ? out.s.len : out.kind == KIND_LIST ? out.count * 16 : 0;
	return run_spend(r, bytes / 64) ? out : value_error(expr_too_much);
}

static struct value
matched(enum regex_result result)
{
	return result == REGEX_FAILED ? value_error("match limit")
				      : value_bool(result == REGEX_YES);
}

static struct value
matches(struct run *r, const struct node *n)
{
	struct value text = expr_run(r, n->first);

	if (text.kind == KIND_ERROR)
		return text;
	if (n->kind == NODE_FIELD_MATCHES)
		return matched(r->in->pattern(r->in->context, n->what, n->pattern));
	if (!run_spend(r, 20 + text.s.len / 16))
		return value_error(expr_too_much);
	return matched(regex_match(n->regex, r->in->matcher, text.s));
}

static struct value
header(const struct run *r, unsigned field)
{
	struct slice s = r->in->text[field];

	return s.len == 0 ? value_error(no_key) : value_string(s);
}

struct value
expr_run(struct run *r, const struct node *n)
{
	struct value v;

	if (!run_spend(r, 1))
		return value_error(expr_too_much);
	switch ((enum node_kind)n->kind) {
	case NODE_CONST:
		return n->value;
	case NODE_FIELD:
		return value_string(r->in->text[n->what]);
	case NODE_HEADER:
		return header(r, n->what);
	case NODE_HAS_HEADER:
		return value_bool(r->in->text[n->what].len > 0);
	case NODE_HEADERS:
		return request_headers(r);
	case NODE_VARIABLE:
		return request_variable(r, n->what, n->pattern);
	case NODE_LOCAL:
		return r->local[n->what];
	case NODE_LIST:
	case NODE_MAP:
		return parts(r, n);
	case NODE_INDEX:
	case NODE_IN:
		return look_up(r, n);
	case NODE_CALL:
		return call(r, n);
	case NODE_MACRO:
		return expr_run_macro(r, n);
	case NODE_FIELD_MATCHES:
	case NODE_MATCHES:
		return matches(r, n);
	case NODE_VERIFY:
		return expr_run_verify(r, n);
	case NODE_LISTED:
		return expr_run_listed(r, n->pattern);
	case NODE_NOT:
		v = expr_run(r, n->first);
		return v.kind == KIND_ERROR ? v : value_bool(!v.truth);
	case NODE_NEGATE:
		v = expr_run(r, n->first);
		return negate(&v);
	case NODE_BINARY:
		return binary(r, n);
	case NODE_AND:
	case NODE_OR:
		return logic(r, n);
	case NODE_TERNARY:
		return choose(r, n);
	case NODE_NAME:
	case NODE_SELECT:
		break; /* gone since expr_check */
	}
	return value_error("unknown");
}
