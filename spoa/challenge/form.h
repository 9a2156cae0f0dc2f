#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/*
 * An application/x-www-form-urlencoded body (WHATWG URL, section 5.1), decoded in place: + is a
 * blank, %XX a byte. At most FORM_FIELDS_MAX fields and FORM_BYTES_MAX bytes, each name once;
 * anything else makes the whole form bad.
 */
#define FORM_FIELDS_MAX 16u
#define FORM_BYTES_MAX 16384u

struct form {
	struct {
		struct slice name, value;
	} field[FORM_FIELDS_MAX];
	unsigned count;
};

bool form_parse(char *body, size_t n, struct form *f);

/* The value, or {NULL, 0} if there is no such field. */
struct slice form_get(const struct form *f, const char *name);
