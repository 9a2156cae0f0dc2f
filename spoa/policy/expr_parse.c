#include "policy/expr_inner.h"

#include "policy/expr_lex.h"

struct parser {
	struct compile *compile;
	struct lexer lexer;
	unsigned depth;
};

static const struct {
	const char *text;
	uint8_t binds; /* higher: tighter */
	uint8_t kind;
	uint8_t what;
} operators[] = {
	{ "||", 1, NODE_OR, 0 },
	{ "&&", 2, NODE_AND, 0 },
	{ "==", 3, NODE_BINARY, OP_EQUAL },
	{ "!=", 3, NODE_BINARY, OP_UNEQUAL },
	{ "<=", 3, NODE_BINARY, OP_LESS_EQUAL },
	{ ">=", 3, NODE_BINARY, OP_GREATER_EQUAL },
	{ "<", 3, NODE_BINARY, OP_LESS },
	{ ">", 3, NODE_BINARY, OP_GREATER },
	{ "in", 3, NODE_IN, 0 },
	{ "+", 4, NODE_BINARY, OP_ADD },
	{ "-", 4, NODE_BINARY, OP_SUBTRACT },
	{ "*", 5, NODE_BINARY, OP_MULTIPLY },
	{ "/", 5, NODE_BINARY, OP_DIVIDE },
	{ "%", 5, NODE_BINARY, OP_REMAINDER },
};

#define BINDS_UNARY 6u

static struct node *expression(struct parser *p);

struct node *
expr_node(struct compile *c, enum node_kind kind, size_t offset)
{
	struct node *n = arena_alloc(c->arena, sizeof(*n));

	n->kind = (uint8_t)kind;
	n->offset = (uint32_t)offset;
	n->height = 1;
	return n;
}

bool
expr_adopt(struct compile *c, struct node *parent, struct node *child)
{
	if (child == NULL)
		return false;
	if (parent->last != NULL)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->children++;
	if (child->height >= parent->height)
		parent->height = (uint16_t)(child->height + 1);
	return parent->height <= EXPR_HEIGHT_MAX ||
	       expr_wrong(c, parent->offset, "nested too deep");
}

static bool
at(const struct parser *p, const char *sign)
{
	return p->lexer.now.kind == TOKEN_SIGN && slice_equal(p->lexer.now.text, slice_of(sign));
}

static bool
accept(struct parser *p, const char *sign)
{
	if (!at(p, sign))
		return false;
	lexer_next(&p->lexer);
	return true;
}

static void *
wrong(struct parser *p, const char *why)
{
	expr_wrong(p->compile, p->lexer.now.offset, "%s", why);
	return NULL;
}

static bool
close_bracket(struct parser *p, const char *sign, const char *why)
{
	return accept(p, sign) || wrong(p, why) != NULL;
}

static struct node *
constant(struct parser *p, size_t offset, struct value v)
{
	struct node *n = expr_node(p->compile, NODE_CONST, offset);

	n->value = v;
	n->type = &expr_types[v.kind];
	return n;
}

/* Up to the closing sign, which is eaten. */
static bool
arguments(struct parser *p, struct node *n, const char *sign, const char *why)
{
	if (accept(p, sign))
		return true;
	do {
		if (!expr_adopt(p->compile, n, expression(p)))
			return false;
	} while (accept(p, ","));
	return close_bracket(p, sign, why);
}

static struct node *
map(struct parser *p, size_t offset)
{
	struct node *n = expr_node(p->compile, NODE_MAP, offset);

	if (accept(p, "}"))
		return n;
	do {
		if (!expr_adopt(p->compile, n, expression(p)))
			return NULL;
		if (!accept(p, ":"))
			return wrong(p, "a ':' and a value belong behind the key of a map");
		if (!expr_adopt(p->compile, n, expression(p)))
			return NULL;
	} while (accept(p, ","));
	return close_bracket(p, "}", "a '}' is missing") ? n : NULL;
}

static struct node *
name(struct parser *p)
{
	struct token t = p->lexer.now;
	struct node *n;

	lexer_next(&p->lexer);
	if (slice_equal(t.text, SLICE("true")) || slice_equal(t.text, SLICE("false")))
		return constant(p, t.offset, value_bool(t.text.len == 4));
	if (slice_equal(t.text, SLICE("null")))
		return constant(p, t.offset, (struct value){ .kind = KIND_NULL });
	n = expr_node(p->compile, NODE_NAME, t.offset);
	n->name = t.text;
	if (!accept(p, "("))
		return n;
	n->kind = NODE_CALL;
	return arguments(p, n, ")", "a ')' is missing") ? n : NULL;
}

static struct node *
number(struct parser *p, bool negative)
{
	struct token t = p->lexer.now;

	if (t.kind == TOKEN_INT && t.number > (uint64_t)INT64_MAX && !negative)
		return wrong(p, "larger than 64 bits hold");
	lexer_next(&p->lexer);
	if (t.kind == TOKEN_DOUBLE)
		return constant(p, t.offset, value_double(negative ? -t.real : t.real));
	if (t.kind == TOKEN_UINT)
		return constant(p, t.offset, value_uint(t.number));
	return constant(p, t.offset, value_int((int64_t)(negative ? 0 - t.number : t.number)));
}

static struct node *
primary(struct parser *p)
{
	struct token t = p->lexer.now;
	struct node *n;

	switch (t.kind) {
	case TOKEN_BAD:
		return NULL;
	case TOKEN_INT:
	case TOKEN_UINT:
	case TOKEN_DOUBLE:
		return number(p, false);
	case TOKEN_STRING:
		lexer_next(&p->lexer);
		return constant(p, t.offset, value_string(t.text));
	case TOKEN_NAME:
		if (!slice_equal(t.text, SLICE("in")))
			return name(p);
		break;
	default:
		break;
	}
	if (accept(p, "(")) {
		n = expression(p);
		return n != NULL && close_bracket(p, ")", "a ')' is missing") ? n : NULL;
	}
	if (accept(p, "[")) {
		n = expr_node(p->compile, NODE_LIST, t.offset);
		return arguments(p, n, "]", "a ']' is missing") ? n : NULL;
	}
	if (accept(p, "{"))
		return map(p, t.offset);
	return wrong(p,
	    t.kind == TOKEN_END ? "it ends where a value is expected" : "a value is expected here");
}

static struct node *
selection(struct parser *p, struct node *of)
{
	struct token t = p->lexer.now;
	struct node *n;

	if (t.kind != TOKEN_NAME)
		return wrong(p, "a name belongs behind the dot");
	n = expr_node(p->compile, NODE_SELECT, t.offset);
	n->name = t.text;
	lexer_next(&p->lexer);
	if (!expr_adopt(p->compile, n, of))
		return NULL;
	if (!accept(p, "("))
		return n;
	n->kind = NODE_CALL;
	n->method = true;
	return arguments(p, n, ")", "a ')' is missing") ? n : NULL;
}

static struct node *
member(struct parser *p)
{
	struct node *n = primary(p);

	while (n != NULL) {
		size_t offset = p->lexer.now.offset;

		if (accept(p, ".")) {
			n = selection(p, n);
		} else if (accept(p, "[")) {
			struct node *index = expr_node(p->compile, NODE_INDEX, offset);

			n = expr_adopt(p->compile, index, n) &&
				    expr_adopt(p->compile, index, expression(p)) &&
				    close_bracket(p, "]", "a ']' is missing")
				? index
				: NULL;
		} else {
			return n;
		}
	}
	return NULL;
}

static struct node *
unary(struct parser *p)
{
	size_t offset = p->lexer.now.offset;
	bool minus = at(p, "-");
	struct node *n, *of;

	if (!minus && !at(p, "!"))
		return member(p);
	if (p->depth == EXPR_DEPTH_MAX)
		return wrong(p, "nested too deep");
	lexer_next(&p->lexer);
	if (minus && (p->lexer.now.kind == TOKEN_INT || p->lexer.now.kind == TOKEN_DOUBLE))
		return number(p, true);
	p->depth++;
	of = unary(p);
	p->depth--;
	n = expr_node(p->compile, minus ? NODE_NEGATE : NODE_NOT, offset);
	return expr_adopt(p->compile, n, of) ? n : NULL;
}

/* Operators that bind tighter than `binds`, the left one first among equals. */
static struct node *
binary(struct parser *p, unsigned binds)
{
	struct node *left = unary(p);

	while (left != NULL) {
		const struct token t = p->lexer.now;
		struct node *n;
		size_t i = 0, count = sizeof(operators) / sizeof(operators[0]);

		if (t.kind != TOKEN_SIGN && t.kind != TOKEN_NAME)
			return t.kind == TOKEN_BAD ? NULL : left;
		while (i < count && !slice_equal(t.text, slice_of(operators[i].text)))
			i++;
		if (i == count || operators[i].binds <= binds)
			return left;
		lexer_next(&p->lexer);
		/* a && b && c is one node of three, so that a long one is not a high one. */
		if (operators[i].kind <= NODE_IN || left->kind != operators[i].kind) {
			n = expr_node(p->compile, operators[i].kind, t.offset);
			n->what = operators[i].what;
			if (!expr_adopt(p->compile, n, left))
				return NULL;
			left = n;
		}
		if (!expr_adopt(p->compile, left, binary(p, operators[i].binds)))
			return NULL;
	}
	return NULL;
}

static struct node *
expression(struct parser *p)
{
	struct node *n, *condition;
	size_t offset;

	if (p->depth == EXPR_DEPTH_MAX)
		return wrong(p, "nested too deep");
	p->depth++;
	n = binary(p, 0);
	offset = p->lexer.now.offset;
	if (n != NULL && accept(p, "?")) {
		condition = n;
		n = expr_node(p->compile, NODE_TERNARY, offset);
		if (!expr_adopt(p->compile, n, condition) ||
		    !expr_adopt(p->compile, n, expression(p)) ||
		    !close_bracket(p, ":", "a ':' is missing behind the '?'") ||
		    !expr_adopt(p->compile, n, expression(p)))
			n = NULL;
	}
	p->depth--;
	return n;
}

struct node *
expr_parse(struct compile *c)
{
	struct parser p = { .compile = c, .lexer = { .compile = c } };
	struct node *n;

	lexer_next(&p.lexer);
	n = expression(&p);
	if (n == NULL || p.lexer.now.kind == TOKEN_BAD)
		return NULL;
	return p.lexer.now.kind == TOKEN_END ? n : wrong(&p, "an operator is expected here");
}
