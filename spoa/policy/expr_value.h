#pragma once

#include <stdalign.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"
#include "policy/expr.h"

/*
 * Inside of expr.h: values, and the store that one evaluation makes them on. An error is a value,
 * too: every function hands on the first one that it is given.
 */
enum kind {
	KIND_ERROR,
	KIND_NULL,
	KIND_BOOL,
	KIND_INT,
	KIND_UINT,
	KIND_DOUBLE,
	KIND_STRING,
	KIND_LIST,
	KIND_MAP,
	KIND_ANY, /* of types only: what an empty list holds */
};

struct value {
	enum kind kind;
	uint32_t count; /* list: elements; map: pairs, key and value in turn */
	union {
		bool truth;
		int64_t i;
		uint64_t u;
		double d;
		struct slice s; /* UTF-8 */
		const struct value *at;
		const char *why; /* of an error: constant words */
	};
};

#define EXPR_STORE_BYTES ((size_t)256 * 1024)
#define EXPR_FUEL 20000u   /* steps of one evaluation */
#define EXPR_LOCALS_MAX 4u /* macros in one another */

struct expr_store {
	uint64_t random;
	size_t used;
	size_t floor; /* what stands below is kept: the query */
	alignas(max_align_t) char room[EXPR_STORE_BYTES];
};

/* One evaluation. */
struct run {
	const struct expr_input *in; /* NULL: constants are being folded */
	struct expr_store *store;
	unsigned fuel; /* at 0 the evaluation has failed, whatever it gives */
	bool has_query, has_asn, has_country, has_address;
	uint32_t asn;
	struct slice country_text, address_text;
	struct value query;
	struct value local[EXPR_LOCALS_MAX];
	char country[2], address[ADDRESS_TEXT_MAX];
};

extern const char expr_too_much[]; /* "too much for one expression" */

/* The error of what the DNS has not answered yet, known by its address. */
extern const char expr_unknown[];

struct value value_error(const char *why);
struct value value_bool(bool truth);
struct value value_int(int64_t i);
struct value value_uint(uint64_t u);
struct value value_double(double d);
struct value value_string(struct slice s);
struct value value_list(const struct value *at, size_t count);

/*
 * *kept is what && or || is if nothing decides it, v what one more operand is: an error stays, and
 * one that may go away before one that does not.
 */
void value_absorb(struct value *kept, const struct value *v);

/* Pay for n steps; false when the fuel is used up. */
bool run_spend(struct run *r, size_t n);

/* Room on the store, NULL when it is used up. It is free again when the evaluation ends. */
void *run_room(struct run *r, size_t bytes);

/* As CEL's ==; of lists and maps by what they hold. */
bool value_equal(struct run *r, const struct value *a, const struct value *b);

/* Below, equal, above: -1, 0, 1; 2 where a NaN has no order. Both are of one kind. */
int value_order(const struct value *a, const struct value *b);

/* The value of a key, NULL: none. */
const struct value *value_find(struct run *r, const struct value *map, const struct value *key);

/* An element of a list, or a key of a map, is equal to v. */
bool value_holds(struct run *r, const struct value *v, const struct value *in);

/* CEL's conversions, from any kind that has one: to is what they give. */
struct value value_convert(struct run *r, enum kind to, const struct value *v);

/* Characters (code points) of a string; a byte that is part of none counts as one. */
size_t string_count(struct slice s);

/* Bytes of the first one; s is not empty. */
size_t string_step(struct slice s);

/* Where `part` begins in s at or behind the byte `from`, SIZE_MAX: nowhere. */
size_t string_find(struct slice s, struct slice part, size_t from);
