#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "base/text.h"
#include "policy/expr.h"
#include "policy/expr_value.h"

/*
 * Inside of expr.h: an expression is a tree. expr_parse.c makes it of a text, expr_check.c types
 * it, resolves its names and folds what is constant, expr_key.c finds its keys, expr_eval.c
 * walks it.
 */
struct type {
	enum kind kind;
	const struct type *key, *of; /* of a map; of a list and a map */
};

extern const struct type expr_types[KIND_ANY + 1]; /* those without parts, by kind */

enum node_kind {
	NODE_CONST,
	/* As they are parsed, and gone when they are checked: */
	NODE_NAME,
	NODE_SELECT, /* a.name */
	/* Leaves that the request fills: */
	NODE_FIELD,  /* the text of a field, "" if it is absent */
	NODE_HEADER, /* the same, an error if it is absent */
	NODE_HAS_HEADER,
	NODE_HEADERS,  /* all, as a map */
	NODE_VARIABLE, /* by enum variable */
	NODE_LOCAL,    /* of a macro */
	/* With children: */
	NODE_LIST,
	NODE_MAP,
	NODE_INDEX,
	NODE_CALL,
	NODE_MACRO,
	NODE_FIELD_MATCHES, /* a pattern of the field's patset */
	NODE_MATCHES,
	NODE_VERIFY, /* verifyFCrDNS with a regex */
	NODE_LISTED, /* dnsbl */
	NODE_NOT,
	NODE_NEGATE,
	NODE_BINARY,
	NODE_IN,
	NODE_AND, /* of two or more */
	NODE_OR,
	NODE_TERNARY,
};

enum operation {
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
};

enum macro { MACRO_ALL, MACRO_EXISTS, MACRO_EXISTS_ONE, MACRO_FILTER, MACRO_MAP };

enum variable {
	VARIABLE_QUERY,
	VARIABLE_CONTENT_LENGTH,
	VARIABLE_LOAD_1M,
	VARIABLE_LOAD_5M,
	VARIABLE_LOAD_15M,
	VARIABLE_REMOTE_ADDRESS,
	VARIABLE_RATE,
	VARIABLE_PASS_RATE,
	VARIABLE_PASS_AGE,
	VARIABLE_ASN,
	VARIABLE_COUNTRY,
	VARIABLE_ONION,
	VARIABLE_CIRCUIT,
	VARIABLE_EFFORT,
	VARIABLE_WEIGHT,
};

struct function;

struct node {
	uint8_t kind; /* enum node_kind */
	uint8_t what; /* field, variable, macro, operation or local, by kind */
	bool method;  /* a call with something in front of the dot, which is the first child */
	uint16_t height;
	uint32_t offset; /* in its text */
	uint32_t children;
	struct node *first, *last, *next;
	const struct type *type;
	union {
		struct slice name;
		struct value value;
		const struct function *function;
		const struct regex *regex;
		/* Or the slot of a macro's name, the field of a variable, the number of a zone. */
		uint32_t pattern;
	};
};

struct expr {
	const struct node *root;
	uint64_t fields;
	const char *warning;
	const struct expr_key *key;
	unsigned keys;
};

/* What is being compiled. */
struct compile {
	struct arena *arena;
	const struct expr_scope *scope;
	struct expr *expr;
	struct expr_error *error; /* why[0] is set when something was wrong */
	struct arena *scratch;    /* until it is compiled */
	struct expr_store *store; /* to fold on */
	struct slice text;        /* the one of the item */
	struct local {
		struct slice name;
		const struct type *type;
		const struct node *range;
	} local[EXPR_LOCALS_MAX];
	unsigned locals;
	const char *failing; /* a constant that always fails, and where */
	size_t failing_offset;
	struct text warning;
};

#define EXPR_DEPTH_MAX 100u  /* of parentheses and signs */
#define EXPR_HEIGHT_MAX 250u /* of the tree */

/* Say what is wrong, once; the first one counts. */
bool expr_wrong(struct compile *c, size_t offset, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void expr_warn(struct compile *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* NULL: too high, which is said. The child is the last one then. */
struct node *expr_node(struct compile *c, enum node_kind kind, size_t offset);
bool expr_adopt(struct compile *c, struct node *parent, struct node *child);

/* c->text as a tree; NULL: wrong. */
struct node *expr_parse(struct compile *c);
bool expr_check(struct compile *c, struct node *n);

/* After a node's children: NODE_CONST where that is known by now. */
void expr_fold(struct compile *c, struct node *n);

/* It asks randInt or the DNS; its children may, too. */
bool expr_node_varies(const struct node *n);

/* Find the keys of c->expr, and register their patterns. */
void expr_find_keys(struct compile *c);

struct value expr_run(struct run *r, const struct node *n);

/* A macro, for expr_run: it is a module of its own. */
struct value expr_run_macro(struct run *r, const struct node *n);

/* NODE_VERIFY and NODE_LISTED (expr_dns.c). */
struct value expr_run_verify(struct run *r, const struct node *n);
struct value expr_run_listed(struct run *r, unsigned zone);

/* Of the request (expr_request.c). `field` is the header that the variable is read from. */
struct value request_variable(struct run *r, enum variable v, unsigned field);
struct value request_headers(struct run *r);
struct value request_header(const struct run *r, struct slice name); /* an error: none */
