#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"

/*
 * Expressions in the syntax of CEL, typed when they are loaded and run as bytecode. Known today:
 * integers, true and false, `weight`, comparisons, && || !, + - * / % and parentheses. It has no
 * jumps and no loops, so it runs no longer than it is.
 *
 * As in CEL, overflow and division by zero are errors, and an operand that decides && or || absorbs
 * the error of the other, on either side.
 */
struct expr;

#define EXPR_BYTES_MAX 4096u

struct expr_error {
	char why[160];
	size_t offset; /* in the text */
};

/* An expression that is true or false; NULL with *error if it is not. Lives in the arena. */
struct expr *expr_compile(struct arena *a, struct slice text, struct expr_error *error);

enum expr_result { EXPR_FALSE, EXPR_TRUE, EXPR_FAILED };

enum expr_result expr_eval(const struct expr *e, int64_t weight);
