#pragma once

#include "policy/expr_inner.h"

/* Inside of expr.h: what expr_check.c asks of the modules beside it. */

/* A variable or a name that a macro binds (expr_name.c). */
bool expr_check_name(struct compile *c, struct node *n);

/* pass.rate, tls.version, http.version: the name in front of the dot is no value. */
bool expr_is_spaced(const struct compile *c, const struct node *n);

/* headers[key], or key in headers: the field of a constant key. */
bool expr_check_header(struct compile *c, struct node *n);

/* has(), all, exists, exists_one, filter and map (expr_call.c): they check their children. */
bool expr_is_macro(const struct node *n);
bool expr_check_macro(struct compile *c, struct node *n);

/* Any other call; its children are checked. */
bool expr_check_call(struct compile *c, struct node *n);

const struct type *expr_type_of(
    struct compile *c, enum kind kind, const struct type *key, const struct type *of);

/* The nearest of a list of names (NULL ends it), if one is near. */
const char *expr_nearest(struct slice name, const char *const *names);
