#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/slice.h"
#include "policy/dns_view.h"
#include "policy/regex.h"
#include "policy/request.h"
#include "policy/zone.h"

/*
 * Expressions in CEL (the subset that policies use; policies/README.md lists it), typed and folded
 * when they are loaded and evaluated on a fixed store: nothing is allocated, and fuel bounds the
 * steps.
 *
 * As in CEL, overflow, division by zero and a key that is missing are errors, and an operand that
 * decides && or || absorbs the error of the other, on either side. What cannot be right is refused
 * when it is loaded: an unknown name, a wrong type, a result that is no bool, a constant that
 * always fails (randInt(0), "a"[0]), a regex that is none or is not constant.
 */
struct expr;

#define EXPR_BYTES_MAX 4096u
#define EXPR_ITEMS_MAX 256u /* of a list under all: or any: */

struct expr_error {
	char why[192];
	unsigned item; /* which of the texts */
	size_t offset; /* in it */
};

enum expr_place {
	EXPR_RULE,     /* knows the request */
	EXPR_THRESHOLD /* knows weight, randInt and what works on strings */
};

/* What the compiler asks of the policy that the expression stands in. */
struct expr_scope {
	enum expr_place place;
	void *context;

	/* The field of a header, registered as read; name as written. REQUEST_FIELD_NONE: no room
	 * or no name of a header. "Host" is never asked for: it is not among the headers. */
	int (*header)(void *context, struct slice name);

	/* A pattern over a field, in its patset; false with notes->why. */
	bool (*pattern)(void *context, unsigned field, struct slice regex, uint32_t *id,
	    struct regex_notes *notes);

	/* A blocklist by its zone (a normal name, borrowed), asked for expressions; its number in
	 * the policy, -1 with *why. */
	int (*zone)(void *context, struct slice name, const char **why);

	/* A regex for other texts, kept and freed with the policy; NULL with notes->why. */
	const struct regex *(*regex)(
	    void *context, struct slice pattern, struct regex_notes *notes);
};

/*
 * Compile `count` texts (1 to EXPR_ITEMS_MAX), each an expression of its own, joined by && or, if
 * any, by ||. NULL with *error if one is wrong. Lives in the arena.
 */
struct expr *expr_compile(struct arena *a, const struct expr_scope *scope,
    const struct slice *texts, unsigned count, bool any, struct expr_error *error);

/*
 * Bit n: it looks at field n of the request. All headers, whether the policy has so many or not,
 * if a name is looked up that only the request gives.
 */
uint64_t expr_fields(const struct expr *e);

/* It may give another result for the same input: it asks randInt or the DNS. */
bool expr_varies(const struct expr *e);

/* What the compiler wants to have said about a good one: "at offset 2 it always fails: …"; NULL:
 * nothing. */
const char *expr_warning(const struct expr *e);

/*
 * Patterns of which at least one must match for the expression to be true; 0: no idea, always try.
 * (userAgent.contains("X") needs the word X; a && b needs either key.) Patterns that only serve as
 * a key are registered through scope->pattern, too. A key without a word (patset_filtered) is none:
 * then try always.
 */
struct expr_key {
	uint8_t field;
	uint32_t pattern;
};
unsigned expr_keys(const struct expr *e, const struct expr_key **keys);

/* What one thread evaluates on: values, strings, a random state. */
struct expr_store;

struct expr_store *expr_store_new(void);
void expr_store_free(struct expr_store *s); /* NULL is legal */

/* What an expression may ask for, of one request. */
struct expr_input {
	const struct request *request;
	/* By field, as patterns see it: path percent-decoded, invalid UTF-8 replaced. Set for each
	 * field in expr_fields. */
	const struct slice *text;
	const struct slice *header_name; /* "Sec-Fetch-Mode" of field REQUEST_HEADER + i */
	unsigned headers;
	int64_t weight;     /* in a threshold */
	const double *load; /* of 1, 5 and 15 minutes */
	struct expr_store *store;
	struct regex_matcher *matcher;
	void *context;
	/* As patset_match on that field's text. */
	enum regex_result (*pattern)(void *context, unsigned field, uint32_t pattern);
	uint32_t (*asn)(void *context);              /* 0: not known */
	bool (*country)(void *context, char out[2]); /* false: not known, "" */
	dns_look *look; /* NULL: nothing may be asked for this request */
	/* What a blocklist says about the client. */
	enum zone_says (*listed)(void *context, unsigned zone);
};

/* EXPR_UNKNOWN: it hangs on what the DNS has not answered yet. */
enum expr_result { EXPR_FALSE, EXPR_TRUE, EXPR_FAILED, EXPR_UNKNOWN };

/* *why (if why is not NULL) says in constant words why it failed: "no such key", "match limit". */
enum expr_result expr_eval(const struct expr *e, const struct expr_input *in, const char **why);
