#include "base/encode.h"
#include "base/utf8.h"
#include "policy/expr_inner.h"

#define PAIRS_MAX 1024u /* a query is shorter than twice this */

static struct value
number(const struct run *r, enum request_number which)
{
	const struct request *q = r->in->request;

	if ((q->known >> which & 1) == 0)
		return value_error("not known of this request");
	return value_int(q->number[which]);
}

/* 0: none, or nobody told. */
static struct value
effort(const struct run *r)
{
	const struct request *q = r->in->request;

	return value_int((q->known >> REQUEST_EFFORT & 1) == 0 ? 0 : q->number[REQUEST_EFFORT]);
}

static struct value
content_length(const struct run *r, unsigned field)
{
	unsigned long long value;

	if (!slice_number(r->in->text[field], INT64_MAX, &value))
		return value_int(-1);
	return value_int((int64_t)value);
}

static struct value
remote_address(struct run *r)
{
	const struct address *src = &r->in->request->src;

	if (!r->has_address) {
		r->has_address = true;
		r->address_text = (struct slice){ r->address, 0 };
		if (src->family != 0 && !address_is_circuit(src))
			r->address_text.len = address_format(src, r->address);
	}
	return value_string(r->address_text);
}

static struct value
country(struct run *r)
{
	if (!r->has_country) {
		r->has_country = true;
		r->country_text = (struct slice){ r->country, 0 };
		if (r->in->country != NULL && r->in->country(r->in->context, r->country))
			r->country_text.len = sizeof(r->country);
	}
	return value_string(r->country_text);
}

static struct value
asn(struct run *r)
{
	if (!r->has_asn) {
		r->has_asn = true;
		r->asn = r->in->asn == NULL ? 0 : r->in->asn(r->in->context);
	}
	return value_int(r->asn);
}

/* As Go's url.QueryUnescape, invalid UTF-8 replaced. False: a bad escape. */
static bool
unescape(struct slice s, char *spare, struct text *out, struct slice *value)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		int byte = percent_value((struct slice){ s.ptr + i, s.len - i });

		if (s.ptr[i] == '%' && byte < 0)
			return false;
		spare[n++] = byte >= 0 ? (char)byte : s.ptr[i] == '+' ? ' ' : s.ptr[i];
		i += byte >= 0 ? 2 : 0;
	}
	value->ptr = out->buf + out->len;
	value->len = utf8_repair((struct slice){ spare, n }, out->buf + out->len);
	out->len += value->len;
	return true;
}

/* The pairs of a query while it is read: equal keys stand in a chain. */
struct reading {
	uint32_t pairs, keys;
	struct slice key[PAIRS_MAX], value[PAIRS_MAX];
	uint16_t next[PAIRS_MAX]; /* the next value of this key, + 1 */
	uint16_t last[PAIRS_MAX]; /* of the first of a key: the last one of it */
	uint16_t first[PAIRS_MAX];
	uint16_t slot[2 * PAIRS_MAX]; /* by key: number of its first pair, + 1 */
};

static void
note_pair(struct reading *q, struct slice key, struct slice value)
{
	const uint32_t i = q->pairs++, mask = 2 * PAIRS_MAX - 1;
	uint32_t hash = 2166136261u, at;

	for (size_t b = 0; b < key.len; b++)
		hash = (hash ^ (uint8_t)key.ptr[b]) * 16777619u;
	at = (hash ^ hash >> 16) & mask;
	while (q->slot[at] != 0 && !slice_equal(q->key[q->slot[at] - 1], key))
		at = (at + 1) & mask;
	q->key[i] = key;
	q->value[i] = value;
	q->next[i] = 0;
	q->last[i] = (uint16_t)i;
	if (q->slot[at] == 0) {
		q->slot[at] = (uint16_t)(i + 1);
		q->first[q->keys++] = (uint16_t)i;
	} else {
		uint32_t first = q->slot[at] - 1u;

		q->next[q->last[first]] = (uint16_t)(i + 1);
		q->last[first] = (uint16_t)i;
	}
}

static void
read_pairs(struct reading *q, struct slice s, char *spare, struct text *out)
{
	while (s.len > 0 && q->pairs < PAIRS_MAX) {
		struct slice pair = slice_split(s, '&', &s), key, value, rest;
		const size_t before = out->len;

		if (pair.len == 0 || memchr(pair.ptr, ';', pair.len) != NULL)
			continue;
		key = slice_split(pair, '=', &rest);
		if (unescape(key, spare, out, &key) && unescape(rest, spare, out, &value))
			note_pair(q, key, value);
		else
			out->len = before;
	}
}

/* The values of a key in their order, commas between them. */
static struct slice
joined(const struct reading *q, uint32_t first, struct text *out)
{
	struct slice s = { out->buf + out->len, 0 };

	if (q->next[first] == 0)
		return q->value[first];
	for (uint32_t i = first + 1; i != 0; i = q->next[i - 1]) {
		if (i != first + 1)
			text_byte(out, ',');
		text_put(out, q->value[i - 1]);
	}
	s.len = (size_t)(out->buf + out->len - s.ptr);
	return s;
}

static size_t
pairs_at_most(struct slice s)
{
	size_t count = 1;

	for (size_t i = 0; i < s.len; i++)
		count += s.ptr[i] == '&';
	return count < PAIRS_MAX ? count : PAIRS_MAX;
}

/*
 * Go's url.ParseQuery: a pair with ; or a bad escape is left out. The store is large enough for
 * whatever a query may be, so nobody makes it fail by its length, unless it is full already.
 */
static struct value
read_query(struct run *r)
{
	const struct slice s = r->in->text[REQUEST_QUERY];
	const size_t room = 3 * UTF8_ROOM(s.len) + 1;
	struct text out = { run_room(r, room), room, 0, false };
	struct value *at = run_room(r, 2 * sizeof(*at) * pairs_at_most(s));
	const size_t used = r->store->used;
	struct reading *q = run_room(r, sizeof(*q));
	char *spare = run_room(r, s.len + 1);

	if (out.buf == NULL || at == NULL || q == NULL || spare == NULL)
		return value_error(expr_too_much);
	q->pairs = q->keys = 0;
	memset(q->slot, 0, sizeof(q->slot));
	read_pairs(q, s, spare, &out);
	for (uint32_t i = 0; i < q->keys; i++) {
		at[2 * i] = value_string(q->key[q->first[i]]);
		at[2 * i + 1] = value_string(joined(q, q->first[i], &out));
	}
	/* What was only needed to read is free again, the rest stays. */
	r->store->used = r->store->floor = used;
	return (struct value){ .kind = KIND_MAP, .count = q->keys, .at = at };
}

static struct value
query(struct run *r)
{
	if (!r->has_query) {
		r->query = read_query(r);
		r->has_query = true;
	}
	return r->query;
}

struct value
request_variable(struct run *r, enum variable v, unsigned field)
{
	switch (v) {
	case VARIABLE_QUERY:
		return query(r);
	case VARIABLE_CONTENT_LENGTH:
		return content_length(r, field);
	case VARIABLE_LOAD_1M:
	case VARIABLE_LOAD_5M:
	case VARIABLE_LOAD_15M:
		return value_double(r->in->load == NULL ? 0 : r->in->load[v - VARIABLE_LOAD_1M]);
	case VARIABLE_REMOTE_ADDRESS:
		return remote_address(r);
	case VARIABLE_RATE:
		return number(r, REQUEST_RATE);
	case VARIABLE_PASS_RATE:
		return number(r, REQUEST_PASS_RATE);
	case VARIABLE_PASS_AGE:
		return number(r, REQUEST_PASS_AGE);
	case VARIABLE_ASN:
		return asn(r);
	case VARIABLE_COUNTRY:
		return country(r);
	case VARIABLE_ONION:
		return value_bool(address_is_circuit(&r->in->request->src));
	case VARIABLE_CIRCUIT:
		return value_int(address_circuit(&r->in->request->src));
	case VARIABLE_EFFORT:
		return effort(r);
	case VARIABLE_WEIGHT:
		return value_int(r->in->weight);
	}
	return value_error("unknown");
}

struct value
request_header(const struct run *r, struct slice name)
{
	static const char no_key[] = "no such key";
	struct slice s = { 0 };

	if (slice_equal(name, SLICE("User-Agent")))
		s = r->in->text[REQUEST_USER_AGENT];
	for (unsigned i = 0; i < r->in->headers; i++)
		if (slice_equal(name, r->in->header_name[i]))
			s = r->in->text[REQUEST_HEADER + i];
	return s.len == 0 ? value_error(no_key) : value_string(s);
}

struct value
request_headers(struct run *r)
{
	const struct expr_input *in = r->in;
	struct value *at = run_room(r, 2 * sizeof(*at) * (in->headers + 1));
	uint32_t count = 0;

	if (at == NULL)
		return value_error(expr_too_much);
	for (unsigned i = 0; i <= in->headers; i++) {
		const bool header = i < in->headers;
		struct slice s = in->text[header ? REQUEST_HEADER + i : REQUEST_USER_AGENT];

		if (s.len == 0)
			continue;
		at[2 * count] = value_string(header ? in->header_name[i] : SLICE("User-Agent"));
		at[2 * count++ + 1] = value_string(s);
	}
	return (struct value){ .kind = KIND_MAP, .count = count, .at = at };
}
