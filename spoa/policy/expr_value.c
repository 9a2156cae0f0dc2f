#include "policy/expr_value.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/utf8.h"

const char expr_too_much[] = "too much for one expression";
const char expr_unknown[] = "the DNS has not answered yet";

struct value
value_error(const char *why)
{
	return (struct value){ .kind = KIND_ERROR, .why = why };
}

struct value
value_bool(bool truth)
{
	return (struct value){ .kind = KIND_BOOL, .truth = truth };
}

struct value
value_int(int64_t i)
{
	return (struct value){ .kind = KIND_INT, .i = i };
}

struct value
value_uint(uint64_t u)
{
	return (struct value){ .kind = KIND_UINT, .u = u };
}

struct value
value_double(double d)
{
	return (struct value){ .kind = KIND_DOUBLE, .d = d };
}

struct value
value_string(struct slice s)
{
	return (struct value){ .kind = KIND_STRING, .s = s };
}

struct value
value_list(const struct value *at, size_t count)
{
	return (struct value){ .kind = KIND_LIST, .count = (uint32_t)count, .at = at };
}

void
value_absorb(struct value *kept, const struct value *v)
{
	if (v->kind == KIND_ERROR && (kept->kind != KIND_ERROR || v->why == expr_unknown))
		*kept = *v;
}

bool
run_spend(struct run *r, size_t n)
{
	r->fuel = n < r->fuel ? r->fuel - (unsigned)n : 0;
	return r->fuel > 0;
}

void *
run_room(struct run *r, size_t bytes)
{
	struct expr_store *s = r->store;
	const size_t align = alignof(max_align_t);
	void *p = s->room + s->used;

	if (bytes > EXPR_STORE_BYTES - s->used)
		return NULL;
	bytes = (bytes + align - 1) & ~(align - 1);
	s->used += bytes;
	return p;
}

static bool
map_equal(struct run *r, const struct value *a, const struct value *b)
{
	for (uint32_t i = 0; i < a->count; i++) {
		const struct value *other = value_find(r, b, &a->at[2 * i]);

		if (other == NULL || !value_equal(r, &a->at[2 * i + 1], other))
			return false;
	}
	return true;
}

bool
value_equal(struct run *r, const struct value *a, const struct value *b)
{
	if (a->kind != b->kind || !run_spend(r, 1))
		return false;
	switch (a->kind) {
	case KIND_NULL:
		return true;
	case KIND_STRING:
		return slice_equal(a->s, b->s);
	case KIND_LIST:
		if (a->count != b->count)
			return false;
		for (uint32_t i = 0; i < a->count; i++)
			if (!value_equal(r, &a->at[i], &b->at[i]))
				return false;
		return true;
	case KIND_MAP:
		return a->count == b->count && map_equal(r, a, b);
	default:
		return value_order(a, b) == 0;
	}
}

#define ORDER(a, b) ((a) < (b) ? -1 : (a) > (b) ? 1 : 0)

int
value_order(const struct value *a, const struct value *b)
{
	size_t n;
	int order;

	switch (a->kind) {
	case KIND_BOOL:
		return ORDER(a->truth, b->truth);
	case KIND_INT:
		return ORDER(a->i, b->i);
	case KIND_UINT:
		return ORDER(a->u, b->u);
	case KIND_DOUBLE:
		return isnan(a->d) || isnan(b->d) ? 2 : ORDER(a->d, b->d);
	case KIND_STRING:
		n = a->s.len < b->s.len ? a->s.len : b->s.len;
		order = n == 0 ? 0 : memcmp(a->s.ptr, b->s.ptr, n);
		return order != 0 ? ORDER(order, 0) : ORDER(a->s.len, b->s.len);
	default:
		return 2;
	}
}

const struct value *
value_find(struct run *r, const struct value *map, const struct value *key)
{
	for (uint32_t i = 0; i < map->count; i++)
		if (value_equal(r, &map->at[2 * i], key))
			return &map->at[2 * i + 1];
	return NULL;
}

bool
value_holds(struct run *r, const struct value *v, const struct value *in)
{
	if (in->kind == KIND_MAP)
		return value_find(r, in, v) != NULL;
	for (uint32_t i = 0; i < in->count; i++)
		if (value_equal(r, &in->at[i], v))
			return true;
	return false;
}

size_t
string_step(struct slice s)
{
	size_t n = utf8_length(s);

	return n > 0 ? n : 1;
}

size_t
string_count(struct slice s)
{
	size_t count = 0;

	if (utf8_is_ascii(s))
		return s.len;
	for (; s.len > 0; count++) {
		size_t n = string_step(s);

		s.ptr += n;
		s.len -= n;
	}
	return count;
}

size_t
string_find(struct slice s, struct slice part, size_t from)
{
	const char *at;

	if (from > s.len || part.len > s.len - from)
		return SIZE_MAX;
	if (part.len == 0)
		return from;
	at = memmem(s.ptr + from, s.len - from, part.ptr, part.len);
	return at == NULL ? SIZE_MAX : (size_t)(at - s.ptr);
}

static const char out_of_range[] = "the number does not fit";
static const char no_number[] = "the string is no such number";

static bool
digits(struct slice s, bool negative, uint64_t most, uint64_t *out)
{
	uint64_t value = 0;

	if (s.len == 0)
		return false;
	most += negative;
	for (size_t i = 0; i < s.len; i++) {
		unsigned digit = (unsigned)s.ptr[i] - '0';

		if (digit > 9 || value > (most - digit) / 10)
			return false;
		value = value * 10 + digit;
	}
	*out = value;
	return true;
}

static struct value
int_of_string(struct slice s)
{
	bool negative = s.len > 0 && s.ptr[0] == '-';
	uint64_t value;

	if (s.len > 0 && (negative || s.ptr[0] == '+'))
		s = (struct slice){ s.ptr + 1, s.len - 1 };
	if (!digits(s, negative, INT64_MAX, &value))
		return value_error(no_number);
	return value_int(negative ? (int64_t)(0 - value) : (int64_t)value);
}

/* strtod takes blanks and hexadecimal, and reads on behind the end: it sees what it may see. */
static struct value
double_of_string(struct slice s)
{
	char copy[64], *end;
	double d;

	if (s.len == 0 || s.len >= sizeof(copy))
		return value_error(no_number);
	memcpy(copy, s.ptr, s.len);
	copy[s.len] = '\0';
	if (strspn(copy, "0123456789.eE+-") != s.len)
		return value_error(no_number);
	d = strtod(copy, &end);
	return end != copy + s.len || isinf(d) ? value_error(no_number) : value_double(d);
}

static struct value
to_int(const struct value *v)
{
	switch (v->kind) {
	case KIND_UINT:
		return v->u > INT64_MAX ? value_error(out_of_range) : value_int((int64_t)v->u);
	case KIND_DOUBLE:
		/* The smallest and the largest are out, as in Go's cel: the bounds round. */
		if (!(v->d > (double)INT64_MIN && v->d < (double)INT64_MAX))
			return value_error(out_of_range);
		return value_int((int64_t)v->d);
	case KIND_STRING:
		return int_of_string(v->s);
	default:
		return *v;
	}
}

static struct value
to_uint(const struct value *v)
{
	uint64_t value;

	switch (v->kind) {
	case KIND_INT:
		return v->i < 0 ? value_error(out_of_range) : value_uint((uint64_t)v->i);
	case KIND_DOUBLE:
		if (!(v->d >= 0 && v->d < (double)UINT64_MAX))
			return value_error(out_of_range);
		return value_uint((uint64_t)v->d);
	case KIND_STRING:
		if (!digits(v->s, false, UINT64_MAX, &value))
			return value_error(no_number);
		return value_uint(value);
	default:
		return *v;
	}
}

static struct value
to_double(const struct value *v)
{
	switch (v->kind) {
	case KIND_INT:
		return value_double((double)v->i);
	case KIND_UINT:
		return value_double((double)v->u);
	case KIND_STRING:
		return double_of_string(v->s);
	default:
		return *v;
	}
}

static struct value
to_bool(const struct value *v)
{
	static const char *const words[2][6] = { { "0", "f", "F", "false", "FALSE", "False" },
		{ "1", "t", "T", "true", "TRUE", "True" } };

	if (v->kind != KIND_STRING)
		return *v;
	for (unsigned i = 0; i < 12; i++)
		if (slice_equal(v->s, slice_of(words[i % 2][i / 2])))
			return value_bool(i % 2 == 1);
	return value_error("the string is neither true nor false");
}

/* As Go's %g: as few digits as give the same number again, an exponent from 10^6 on. */
static void
double_text(struct text *t, double d)
{
	char buf[40];
	int precision = 0, exponent;

	if (isnan(d) || isinf(d)) {
		text_put(t, isnan(d) ? SLICE("NaN") : d > 0 ? SLICE("+Inf") : SLICE("-Inf"));
		return;
	}
	do
		snprintf(buf, sizeof(buf), "%.*e", precision, d);
	while (strtod(buf, NULL) != d && ++precision < 17);
	exponent = (int)strtol(strchr(buf, 'e') + 1, NULL, 10);
	if (exponent >= -4 && exponent < 6)
		snprintf(
		    buf, sizeof(buf), "%.*f", precision > exponent ? precision - exponent : 0, d);
	text_put(t, slice_of(buf));
}

static struct value
to_string(struct run *r, const struct value *v)
{
	struct text t = { .cap = 40 };

	if (v->kind == KIND_STRING)
		return *v;
	t.buf = run_room(r, t.cap);
	if (t.buf == NULL)
		return value_error(expr_too_much);
	if (v->kind == KIND_BOOL)
		text_put(&t, v->truth ? SLICE("true") : SLICE("false"));
	else if (v->kind == KIND_INT)
		text_printf(&t, "%lld", (long long)v->i);
	else if (v->kind == KIND_UINT)
		text_printf(&t, "%llu", (unsigned long long)v->u);
	else
		double_text(&t, v->d);
	return value_string(text_slice(&t));
}

struct value
value_convert(struct run *r, enum kind to, const struct value *v)
{
	switch (to) {
	case KIND_INT:
		return to_int(v);
	case KIND_UINT:
		return to_uint(v);
	case KIND_DOUBLE:
		return to_double(v);
	case KIND_BOOL:
		return to_bool(v);
	default:
		return to_string(r, v);
	}
}
