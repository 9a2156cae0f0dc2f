#pragma once

#include "policy/expr_inner.h"

/* Inside of expr.h: the words of a text. */
enum token_kind {
	TOKEN_BAD, /* what is wrong was said */
	TOKEN_END,
	TOKEN_INT, /* number is up to 2^63: only -9223372036854775808 may use the last one */
	TOKEN_UINT,
	TOKEN_DOUBLE,
	TOKEN_STRING,
	TOKEN_NAME,
	TOKEN_SIGN, /* an operator or bracket; `in` is a name */
};

struct token {
	enum token_kind kind;
	size_t offset;
	struct slice text; /* of a string: its value, in the arena */
	uint64_t number;
	double real;
};

struct lexer {
	struct compile *compile;
	size_t at;
	struct token now;
};

/* Read the next one into x->now. */
void lexer_next(struct lexer *x);
