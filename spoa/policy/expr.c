#include "policy/expr.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/encode.h"

#define DEPTH_MAX 100u            /* of parentheses and signs */
#define STACK_MAX (DEPTH_MAX + 2) /* each level holds one operand back */

enum op {
	OP_INT,
	OP_BOOL,
	OP_WEIGHT,
	OP_NOT,
	OP_NEGATE,
	OP_ADD,
	OP_SUBTRACT,
	OP_MULTIPLY,
	OP_DIVIDE,
	OP_REMAINDER,
	OP_EQUAL,
	OP_UNEQUAL,
	OP_LESS,
	OP_LESS_EQUAL,
	OP_GREATER,
	OP_GREATER_EQUAL,
	OP_AND,
	OP_OR,
};

enum type { TYPE_BAD, TYPE_INT, TYPE_BOOL };

struct code {
	enum op op;
	int64_t value; /* of OP_INT, OP_BOOL */
};

struct expr {
	const struct code *code;
	size_t count;
};

struct operator
{
	const char *text;
	enum op op;
	unsigned binds; /* higher: tighter */
	enum type of, gives;
};

/* Longer ones before those that they begin with. */
static const struct operator operators[] = {
	{ "||", OP_OR, 1, TYPE_BOOL, TYPE_BOOL },
	{ "&&", OP_AND, 2, TYPE_BOOL, TYPE_BOOL },
	{ "==", OP_EQUAL, 3, TYPE_BAD, TYPE_BOOL },
	{ "!=", OP_UNEQUAL, 3, TYPE_BAD, TYPE_BOOL },
	{ "<=", OP_LESS_EQUAL, 3, TYPE_INT, TYPE_BOOL },
	{ ">=", OP_GREATER_EQUAL, 3, TYPE_INT, TYPE_BOOL },
	{ "<", OP_LESS, 3, TYPE_INT, TYPE_BOOL },
	{ ">", OP_GREATER, 3, TYPE_INT, TYPE_BOOL },
	{ "+", OP_ADD, 4, TYPE_INT, TYPE_INT },
	{ "-", OP_SUBTRACT, 4, TYPE_INT, TYPE_INT },
	{ "*", OP_MULTIPLY, 5, TYPE_INT, TYPE_INT },
	{ "/", OP_DIVIDE, 5, TYPE_INT, TYPE_INT },
	{ "%", OP_REMAINDER, 5, TYPE_INT, TYPE_INT },
};

#define BINDS_UNARY 6u

struct parser {
	const char *start, *at, *end;
	struct code *code;
	size_t count;
	unsigned depth, stack, deepest;
	struct expr_error *error; /* why[0] set: an error was said */
};

static enum type expression(struct parser *p, unsigned binds);

static const char *
type_name(enum type t)
{
	return t == TYPE_INT ? "a number" : "true or false";
}

__attribute__((format(printf, 3, 4))) static enum type
wrong(struct parser *p, const char *at, const char *format, ...)
{
	va_list args;

	if (p->error->why[0] != '\0')
		return TYPE_BAD;
	va_start(args, format);
	vsnprintf(p->error->why, sizeof(p->error->why), format, args);
	va_end(args);
	p->error->offset = (size_t)(at - p->start);
	return TYPE_BAD;
}

static void
emit(struct parser *p, enum op op, int64_t value, int grows)
{
	p->code[p->count++] = (struct code){ op, value };
	p->stack += (unsigned)grows;
	p->deepest = p->stack > p->deepest ? p->stack : p->deepest;
}

static void
skip_blanks(struct parser *p)
{
	while (p->at < p->end && memchr(" \t\r\n\f", *p->at, 5) != NULL)
		p->at++;
}

static bool
is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static struct slice
word(struct parser *p)
{
	const char *from = p->at;

	while (p->at < p->end && is_word(*p->at))
		p->at++;
	return (struct slice){ from, (size_t)(p->at - from) };
}

static enum type
number(struct parser *p, bool negative)
{
	struct slice w = word(p);
	bool hex = w.len > 2 && w.ptr[0] == '0' && (w.ptr[1] | 0x20) == 'x';
	const uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX, base = hex ? 16 : 10;
	uint64_t value = 0;

	for (size_t i = hex ? 2 : 0; i < w.len; i++) {
		int digit = hex_value(w.ptr[i]);

		if (digit < 0 || (uint64_t)digit >= base)
			return wrong(p, w.ptr, "not a whole number");
		if (value > (most - (uint64_t)digit) / base)
			return wrong(p, w.ptr, "larger than 64 bits hold");
		value = value * base + (uint64_t)digit;
	}
	if (p->at < p->end && *p->at == '.')
		return wrong(p, p->at, "only whole numbers are known here");
	emit(p, OP_INT, negative ? (int64_t)(0 - value) : (int64_t)value, 1);
	return TYPE_INT;
}

static enum type
name(struct parser *p)
{
	const char *from = p->at;
	struct slice w = word(p);

	if (slice_equal(w, SLICE("true")) || slice_equal(w, SLICE("false"))) {
		emit(p, OP_BOOL, w.len == 4, 1);
		return TYPE_BOOL;
	}
	if (slice_equal(w, SLICE("weight"))) {
		emit(p, OP_WEIGHT, 0, 1);
		return TYPE_INT;
	}
	return wrong(p, from, "'%.*s' is not known here: only weight, true and false are",
	    (int)(w.len < 40 ? w.len : 40), w.ptr);
}

static enum type
sign(struct parser *p)
{
	const char *from = p->at++;
	bool minus = *from == '-';
	enum type t, wanted = minus ? TYPE_INT : TYPE_BOOL;

	skip_blanks(p);
	if (minus && p->at < p->end && *p->at >= '0' && *p->at <= '9')
		return number(p, true);
	t = expression(p, BINDS_UNARY);
	if (t == TYPE_BAD)
		return t;
	if (t != wanted)
		return wrong(
		    p, from, "'%c' needs %s, not %s", *from, type_name(wanted), type_name(t));
	emit(p, minus ? OP_NEGATE : OP_NOT, 0, 0);
	return t;
}

static enum type
primary(struct parser *p)
{
	enum type t;

	skip_blanks(p);
	if (p->at == p->end)
		return wrong(p, p->at, "it ends where a value is expected");
	if (*p->at == '-' || *p->at == '!')
		return sign(p);
	if (*p->at >= '0' && *p->at <= '9')
		return number(p, false);
	if (is_word(*p->at))
		return name(p);
	if (*p->at != '(')
		return wrong(p, p->at, "a value is expected here");
	p->at++;
	t = expression(p, 0);
	skip_blanks(p);
	if (t != TYPE_BAD && (p->at == p->end || *p->at != ')'))
		return wrong(p, p->at, "a ')' is missing");
	p->at++;
	return t;
}

static const struct operator* next_operator(struct parser *p)
{
	struct slice rest;

	skip_blanks(p);
	rest = (struct slice){ p->at, (size_t)(p->end - p->at) };
	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++)
		if (slice_starts(rest, slice_of(operators[i].text)))
			return &operators[i];
	return NULL;
}

static enum type
apply(struct parser *p, const char *at, const struct operator* o, enum type left, enum type right)
{
	enum type wanted = o->of == TYPE_BAD ? left : o->of;

	if (left != wanted || right != wanted)
		return wrong(p, at, "'%s' needs %s on both sides%s", o->text,
		    o->of == TYPE_BAD ? "the same kind of value" : type_name(wanted),
		    o->binds == 3 && left == TYPE_BOOL
			? ": comparisons do not chain, write a < b && b < c"
			: "");
	emit(p, o->op, 0, -1);
	return o->gives;
}

/* Operators that bind tighter than `binds`, the left one first among equals. */
static enum type
expression(struct parser *p, unsigned binds)
{
	const struct operator* o;
	enum type left;

	if (p->depth == DEPTH_MAX)
		return wrong(p, p->at, "nested too deep");
	p->depth++;
	left = primary(p);
	while (left != TYPE_BAD && (o = next_operator(p)) != NULL && o->binds > binds) {
		const char *at = p->at;
		enum type right;

		p->at += strlen(o->text);
		right = expression(p, o->binds);
		left = right == TYPE_BAD ? TYPE_BAD : apply(p, at, o, left, right);
	}
	p->depth--;
	return left;
}

struct expr *
expr_compile(struct arena *a, struct slice text, struct expr_error *error)
{
	struct parser p = { .start = text.ptr, .at = text.ptr, .error = error };
	struct expr *e;
	enum type t;

	*error = (struct expr_error){ 0 };
	if (text.len == 0 || text.len > EXPR_BYTES_MAX) {
		wrong(&p, p.start, text.len == 0 ? "it is empty" : "longer than %u bytes",
		    EXPR_BYTES_MAX);
		return NULL;
	}
	p.end = text.ptr + text.len;
	p.code = arena_alloc(a, (text.len + 1) * sizeof(*p.code));
	t = expression(&p, 0);
	skip_blanks(&p);
	if (t != TYPE_BAD && p.at < p.end)
		t = wrong(&p, p.at, "an operator is expected here");
	if (t == TYPE_INT)
		t = wrong(&p, p.start, "it gives a number, not true or false: compare it");
	if (t == TYPE_BAD)
		return NULL;
	assert(p.stack == 1 && p.deepest <= STACK_MAX);
	e = arena_alloc(a, sizeof(*e));
	*e = (struct expr){ p.code, p.count };
	return e;
}

struct value {
	int64_t n;
	bool failed;
};

static struct value
arithmetic(enum op op, int64_t a, int64_t b)
{
	struct value v = { 0, false };

	switch (op) {
	case OP_ADD:
		v.failed = __builtin_add_overflow(a, b, &v.n);
		break;
	case OP_SUBTRACT:
		v.failed = __builtin_sub_overflow(a, b, &v.n);
		break;
	case OP_MULTIPLY:
		v.failed = __builtin_mul_overflow(a, b, &v.n);
		break;
	default:
		if (b == 0 || (a == INT64_MIN && b == -1))
			v.failed = true;
		else
			v.n = op == OP_DIVIDE ? a / b : a % b;
	}
	return v;
}

static bool
compare(enum op op, int64_t a, int64_t b)
{
	switch (op) {
	case OP_EQUAL:
		return a == b;
	case OP_UNEQUAL:
		return a != b;
	case OP_LESS:
		return a < b;
	case OP_LESS_EQUAL:
		return a <= b;
	case OP_GREATER:
		return a > b;
	default:
		return a >= b;
	}
}

static struct value
binary(enum op op, struct value a, struct value b)
{
	const bool decides = op == OP_OR;

	if (op == OP_AND || op == OP_OR) {
		if ((!a.failed && a.n == decides) || (!b.failed && b.n == decides))
			return (struct value){ decides, false };
		return (struct value){ !decides, a.failed || b.failed };
	}
	if (a.failed || b.failed)
		return (struct value){ 0, true };
	if (op >= OP_EQUAL && op <= OP_GREATER_EQUAL)
		return (struct value){ compare(op, a.n, b.n), false };
	return arithmetic(op, a.n, b.n);
}

enum expr_result
expr_eval(const struct expr *e, int64_t weight)
{
	struct value stack[STACK_MAX], *top = stack;

	for (const struct code *c = e->code, *end = e->code + e->count; c < end; c++) {
		switch (c->op) {
		case OP_INT:
		case OP_BOOL:
			*top++ = (struct value){ c->value, false };
			break;
		case OP_WEIGHT:
			*top++ = (struct value){ weight, false };
			break;
		case OP_NOT:
			top[-1].n = !top[-1].n;
			break;
		case OP_NEGATE:
			top[-1].failed |= __builtin_sub_overflow((int64_t)0, top[-1].n, &top[-1].n);
			break;
		default:
			top[-2] = binary(c->op, top[-2], top[-1]);
			top--;
		}
	}
	return stack[0].failed ? EXPR_FAILED : stack[0].n != 0 ? EXPR_TRUE : EXPR_FALSE;
}
