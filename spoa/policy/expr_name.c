#include "policy/expr_name.h"

#include <string.h>

#define OF_RULE 1u
#define OF_THRESHOLD 2u

static const struct {
	const char *name;
	uint8_t place;
	uint8_t node; /* NODE_FIELD, NODE_VARIABLE or NODE_HEADERS */
	uint8_t what;
	enum kind kind;
} variables[] = {
	{ "headers", OF_RULE, NODE_HEADERS, 0, KIND_MAP },
	{ "host", OF_RULE, NODE_FIELD, REQUEST_HOST, KIND_STRING },
	{ "method", OF_RULE, NODE_FIELD, REQUEST_METHOD, KIND_STRING },
	{ "path", OF_RULE, NODE_FIELD, REQUEST_PATH, KIND_STRING },
	{ "query", OF_RULE, NODE_VARIABLE, VARIABLE_QUERY, KIND_MAP },
	{ "userAgent", OF_RULE, NODE_FIELD, REQUEST_USER_AGENT, KIND_STRING },
	{ "remoteAddress", OF_RULE, NODE_VARIABLE, VARIABLE_REMOTE_ADDRESS, KIND_STRING },
	{ "contentLength", OF_RULE, NODE_VARIABLE, VARIABLE_CONTENT_LENGTH, KIND_INT },
	{ "load_1m", OF_RULE, NODE_VARIABLE, VARIABLE_LOAD_1M, KIND_DOUBLE },
	{ "load_5m", OF_RULE, NODE_VARIABLE, VARIABLE_LOAD_5M, KIND_DOUBLE },
	{ "load_15m", OF_RULE, NODE_VARIABLE, VARIABLE_LOAD_15M, KIND_DOUBLE },
	{ "rate", OF_RULE, NODE_VARIABLE, VARIABLE_RATE, KIND_INT },
	{ "pass.rate", OF_RULE, NODE_VARIABLE, VARIABLE_PASS_RATE, KIND_INT },
	{ "pass.age_s", OF_RULE, NODE_VARIABLE, VARIABLE_PASS_AGE, KIND_INT },
	{ "tls.version", OF_RULE, NODE_FIELD, REQUEST_TLS, KIND_STRING },
	{ "tls.ja3", OF_RULE, NODE_FIELD, REQUEST_JA3, KIND_STRING },
	{ "tls.ja4", OF_RULE, NODE_FIELD, REQUEST_JA4, KIND_STRING },
	{ "http.version", OF_RULE, NODE_FIELD, REQUEST_VERSION, KIND_STRING },
	{ "country", OF_RULE, NODE_VARIABLE, VARIABLE_COUNTRY, KIND_STRING },
	{ "asn", OF_RULE, NODE_VARIABLE, VARIABLE_ASN, KIND_INT },
	{ "onion", OF_RULE, NODE_VARIABLE, VARIABLE_ONION, KIND_BOOL },
	{ "circuit", OF_RULE, NODE_VARIABLE, VARIABLE_CIRCUIT, KIND_INT },
	{ "circuit.effort", OF_RULE, NODE_VARIABLE, VARIABLE_EFFORT, KIND_INT },
	{ "weight", OF_THRESHOLD, NODE_VARIABLE, VARIABLE_WEIGHT, KIND_INT },
};

#define VARIABLES (sizeof(variables) / sizeof(variables[0]))
#define NAME_MAX_SHOWN 40u
#define NEAR_MAX 24u

static size_t
least(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/* Levenshtein's, case ignored. */
static size_t
distance(struct slice a, struct slice b)
{
	size_t row[NEAR_MAX + 1];

	for (size_t j = 0; j <= b.len; j++)
		row[j] = j;
	for (size_t i = 1; i <= a.len; i++) {
		size_t before = row[0];

		row[0] = i;
		for (size_t j = 1; j <= b.len; j++) {
			bool same = ascii_lower(a.ptr[i - 1]) == ascii_lower(b.ptr[j - 1]);
			size_t here = least(row[j] + 1, row[j - 1] + 1, before + !same);

			before = row[j];
			row[j] = here;
		}
	}
	return row[b.len];
}

const char *
expr_nearest(struct slice name, const char *const *names)
{
	const char *best = NULL;
	size_t limit = name.len < 4 ? 1 : name.len < 8 ? 2 : 3, least_so_far = limit + 1;

	for (; name.len <= NEAR_MAX && *names != NULL; names++) {
		struct slice other = slice_of(*names);
		size_t d;

		if (other.len > NEAR_MAX)
			continue;
		d = distance(name, other);
		if (d < least_so_far) {
			least_so_far = d;
			best = *names;
		}
	}
	return best;
}

static unsigned
place_bit(const struct compile *c)
{
	return c->scope->place == EXPR_RULE ? OF_RULE : OF_THRESHOLD;
}

static bool
unknown(struct compile *c, const struct node *n, struct slice name)
{
	const char *names[VARIABLES + EXPR_LOCALS_MAX + 1], *near;
	unsigned count = 0;

	for (size_t i = 0; i < VARIABLES; i++) {
		if ((variables[i].place & place_bit(c)) != 0)
			names[count++] = variables[i].name;
		else if (slice_equal(name, slice_of(variables[i].name)))
			return expr_wrong(c, n->offset, "'%s' is known in %s only",
			    variables[i].name,
			    c->scope->place == EXPR_RULE ? "thresholds" : "rules");
	}
	names[count] = NULL;
	near = expr_nearest(name, names);
	if (near != NULL)
		return expr_wrong(c, n->offset, "'%.*s' is not known: did you mean %s?",
		    (int)(name.len < NAME_MAX_SHOWN ? name.len : NAME_MAX_SHOWN), name.ptr, near);
	return expr_wrong(c, n->offset, "'%.*s' is not known here; known are %s",
	    (int)(name.len < NAME_MAX_SHOWN ? name.len : NAME_MAX_SHOWN), name.ptr,
	    c->scope->place == EXPR_RULE
		? "headers host method path query userAgent remoteAddress contentLength load_1m "
		  "rate pass.rate tls.ja4 country asn onion …"
		: "weight and randInt()");
}

static const struct local *
find_local(const struct compile *c, struct slice name)
{
	for (unsigned i = c->locals; i-- > 0;)
		if (slice_equal(c->local[i].name, name))
			return &c->local[i];
	return NULL;
}

bool
expr_is_spaced(const struct compile *c, const struct node *n)
{
	static const char *const spaces[] = { "pass", "tls", "http", "circuit" };

	if (n->first->kind != NODE_NAME || find_local(c, n->first->name) != NULL)
		return false;
	for (size_t i = 0; i < sizeof(spaces) / sizeof(spaces[0]); i++)
		if (slice_equal(n->first->name, slice_of(spaces[i])))
			return true;
	return false;
}

/* The field of a header; REQUEST_FIELD_NONE was said. */
static int
ask_header(struct compile *c, const struct node *n, struct slice name)
{
	int field = c->scope->header(c->scope->context, name);

	if (field == REQUEST_FIELD_NONE)
		expr_wrong(c, n->offset, "no room for the header %.*s: a policy may read %d",
		    (int)(name.len < NAME_MAX_SHOWN ? name.len : NAME_MAX_SHOWN), name.ptr,
		    REQUEST_HEADERS_MAX);
	else
		c->expr->fields |= (uint64_t)1 << field;
	return field;
}

static bool
resolve(struct compile *c, struct node *n, size_t i)
{
	static const struct type string_map = { KIND_MAP, &expr_types[KIND_STRING],
		&expr_types[KIND_STRING] };

	n->kind = variables[i].node;
	n->what = variables[i].what;
	n->first = n->last = NULL;
	n->type = variables[i].kind == KIND_MAP ? &string_map : &expr_types[variables[i].kind];
	if (n->kind == NODE_FIELD)
		c->expr->fields |= (uint64_t)1 << n->what;
	if (n->kind != NODE_VARIABLE)
		return true;
	if (n->what == VARIABLE_QUERY)
		c->expr->fields |= (uint64_t)1 << REQUEST_QUERY;
	if (n->what == VARIABLE_CONTENT_LENGTH) {
		int field = ask_header(c, n, SLICE("Content-Length"));

		if (field == REQUEST_FIELD_NONE)
			return false;
		n->pattern = (uint32_t)field;
	}
	return true;
}

bool
expr_check_name(struct compile *c, struct node *n)
{
	struct slice name = n->name;
	const struct local *local = n->kind == NODE_NAME ? find_local(c, name) : NULL;
	char whole[NAME_MAX_SHOWN];
	struct text t = { whole, sizeof(whole), 0, false };

	if (local != NULL) {
		n->kind = NODE_LOCAL;
		n->what = (uint8_t)(local - c->local);
		n->type = local->type;
		return true;
	}
	if (n->kind == NODE_SELECT) {
		text_put(&t, n->first->name);
		text_byte(&t, '.');
		text_put(&t, n->name);
		name = text_slice(&t);
		n->offset = n->first->offset;
	}
	for (size_t i = 0; i < VARIABLES; i++)
		if (slice_equal(name, slice_of(variables[i].name)) &&
		    (variables[i].place & place_bit(c)) != 0)
			return resolve(c, n, i);
	return unknown(c, n, name);
}

/* Of a header's name (RFC 9110, 5.6.2). */
static bool
is_token(struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.ptr[i]);

		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') &&
		    (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL))
			return false;
	}
	return s.len > 0;
}

/* As Go writes it: the first letter and those behind a hyphen large, the others small. */
static bool
canonical(struct slice s, char *out)
{
	bool same = true, start = true;

	for (size_t i = 0; i < s.len; i++) {
		char c = ascii_lower(s.ptr[i]);

		out[i] = (char)(start && c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c);
		same &= out[i] == s.ptr[i];
		start = c == '-';
	}
	return same;
}

/* Why a name is never there, which is said; false: it may be. */
static bool
never_there(struct compile *c, struct slice name)
{
	const int shown = (int)(name.len < NAME_MAX_SHOWN ? name.len : NAME_MAX_SHOWN);
	char right[NAME_MAX_SHOWN * 2];

	if (!is_token(name) || name.len > sizeof(right)) {
		expr_warn(c, "\"%.*s\" is no name of a header: it is never there", shown, name.ptr);
		return true;
	}
	if (slice_equal_nocase(name, SLICE("host"))) {
		expr_warn(c, "Host is never among the headers: use the variable host");
		return true;
	}
	if (canonical(name, right))
		return false;
	expr_warn(c, "\"%.*s\" is never there: names of headers are exact here, write \"%.*s\"",
	    shown, name.ptr, shown, right);
	return true;
}

/* Every header may be asked for. */
static void
any_header(struct compile *c, const struct node *key)
{
	const struct value *list;

	c->expr->fields |= UINT64_MAX << REQUEST_HEADER | (uint64_t)1 << REQUEST_USER_AGENT;
	if (key != NULL && key->kind == NODE_LOCAL && c->local[key->what].range != NULL &&
	    c->local[key->what].range->kind == NODE_CONST &&
	    c->local[key->what].range->type->kind == KIND_LIST) {
		list = &c->local[key->what].range->value;
		for (uint32_t i = 0; list->kind == KIND_LIST && i < list->count; i++)
			if (!never_there(c, list->at[i].s) &&
			    ask_header(c, key, list->at[i].s) == REQUEST_FIELD_NONE)
				return;
		return;
	}
	expr_warn(c, "of headers without a constant name only those are seen that the policy reads "
		     "elsewhere");
}

static void
make_constant(struct node *n, struct value v)
{
	n->kind = NODE_CONST;
	n->value = v;
	n->first = n->last = NULL;
	n->children = 0;
}

bool
expr_check_header(struct compile *c, struct node *n)
{
	const bool in = n->kind == NODE_IN;
	struct node *key = in ? n->first : n->last;
	int field;

	if (key->kind != NODE_CONST) {
		any_header(c, key);
		return c->error->why[0] == '\0';
	}
	if (never_there(c, key->value.s)) {
		make_constant(n, in ? value_bool(false) : value_error("no such key"));
		return true;
	}
	field = ask_header(c, key, key->value.s);
	if (field == REQUEST_FIELD_NONE)
		return false;
	n->kind = in ? NODE_HAS_HEADER : NODE_HEADER;
	n->what = (uint8_t)field;
	n->first = n->last = NULL;
	n->children = 0;
	return true;
}
