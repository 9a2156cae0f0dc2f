#include "policy/expr_function.h"
#include "policy/expr_inner.h"

#define KEYS_MAX 64u
#define POOL_MAX 1024u
#define KEY_BYTES_MIN 3u
#define KEY_BYTES_MAX 128u

struct key {
	uint8_t field;
	bool is_regex; /* one that was registered already */
	bool caseless;
	struct slice text;
	uint32_t pattern;
};

/* Sets of keys that are being compared stand behind one another. */
struct pool {
	struct compile *compile;
	struct key key[POOL_MAX];
	unsigned used;
	/* What the names of macros over constant lists stand for, while their keys are found. */
	const struct value *local[EXPR_LOCALS_MAX];
};

static bool find(struct pool *p, const struct node *n);

/* A field, or that in small or large letters. */
static bool
field_of(const struct node *n, uint8_t *field, bool *caseless)
{
	*caseless = false;
	if (n->kind == NODE_CALL &&
	    (n->function->run == string_lower || n->function->run == string_upper)) {
		*caseless = true;
		n = n->first;
	}
	*field = n->what;
	return n->kind == NODE_FIELD || n->kind == NODE_HEADER;
}

static const struct value *
constant_of(const struct pool *p, const struct node *n)
{
	if (n->kind == NODE_CONST)
		return &n->value;
	return n->kind == NODE_LOCAL ? p->local[n->what] : NULL;
}

/* The word of a key; control characters and the like are not worth the care. */
static bool
add_word(struct pool *p, const struct node *text, const struct value *word)
{
	struct key k = { 0 };

	if (word == NULL || word->kind != KIND_STRING || word->s.len < KEY_BYTES_MIN ||
	    word->s.len > KEY_BYTES_MAX || !field_of(text, &k.field, &k.caseless))
		return false;
	for (size_t i = 0; i < word->s.len; i++)
		if ((unsigned char)word->s.ptr[i] < ' ')
			return false;
	if (p->used == POOL_MAX)
		return false;
	k.text = word->s;
	p->key[p->used++] = k;
	return true;
}

static bool
find_call(struct pool *p, const struct node *n)
{
	if (n->function->run != string_contains && n->function->run != string_starts_with &&
	    n->function->run != string_ends_with)
		return false;
	return add_word(p, n->first, constant_of(p, n->last));
}

static bool
find_equal(struct pool *p, const struct node *n)
{
	const struct value *v = constant_of(p, n->last);

	if (n->what != OP_EQUAL)
		return false;
	return v != NULL ? add_word(p, n->first, v)
			 : add_word(p, n->last, constant_of(p, n->first));
}

/* text in ["a", "b"] */
static bool
find_in(struct pool *p, const struct node *n)
{
	const struct value *list = constant_of(p, n->last);

	if (list == NULL || (list->kind != KIND_LIST && list->kind != KIND_MAP) ||
	    list->count > KEYS_MAX)
		return false;
	for (uint32_t i = 0; i < list->count; i++)
		if (!add_word(p, n->first, &list->at[list->kind == KIND_MAP ? 2 * i : i]))
			return false;
	return true;
}

/* ["a", "b"].exists(x, userAgent.contains(x)) is an || over the list. */
static bool
find_exists(struct pool *p, const struct node *n)
{
	const struct value *list = constant_of(p, n->first);
	bool found = true;

	if ((n->what != MACRO_EXISTS && n->what != MACRO_EXISTS_ONE) || list == NULL ||
	    list->kind != KIND_LIST || list->count > KEYS_MAX)
		return false;
	for (uint32_t i = 0; i < list->count && found; i++) {
		p->local[n->pattern] = &list->at[i];
		found = find(p, n->last);
	}
	p->local[n->pattern] = NULL;
	return found;
}

/* Less is better: first words, then few of them, then long ones. */
static unsigned
price(const struct pool *p, unsigned from, unsigned to)
{
	size_t shortest = KEY_BYTES_MAX;
	unsigned sum = 0;

	for (; from < to; from++) {
		const struct key *k = &p->key[from];

		sum += k->is_regex ? 100000 : 1000;
		if (!k->is_regex && k->text.len < shortest)
			shortest = k->text.len;
	}
	return sum + KEY_BYTES_MAX - (unsigned)shortest;
}

/* The best of them: each must hold. */
static bool
find_and(struct pool *p, const struct node *n)
{
	const unsigned base = p->used;
	unsigned best = base;
	bool found = false;

	for (const struct node *child = n->first; child != NULL; child = child->next) {
		const unsigned from = p->used;

		if (!find(p, child) || p->used - from > KEYS_MAX) {
			p->used = from;
			continue;
		}
		if (!found || price(p, from, p->used) < price(p, base, best)) {
			best = base + (p->used - from);
			memmove(&p->key[base], &p->key[from], (p->used - from) * sizeof(p->key[0]));
		}
		found = true;
		p->used = best;
	}
	return found;
}

static bool
find_or(struct pool *p, const struct node *first)
{
	for (const struct node *child = first; child != NULL; child = child->next)
		if (!find(p, child))
			return false;
	return true;
}

/* False: none is known, and what was added is the caller's to take away. */
static bool
find(struct pool *p, const struct node *n)
{
	switch (n->kind) {
	case NODE_CONST:
		return n->value.kind == KIND_ERROR ||
		       (n->value.kind == KIND_BOOL && !n->value.truth); /* never true */
	case NODE_FIELD_MATCHES:
		if (p->used == POOL_MAX)
			return false;
		p->key[p->used++] =
		    (struct key){ .field = n->what, .is_regex = true, .pattern = n->pattern };
		return true;
	case NODE_CALL:
		return find_call(p, n);
	case NODE_BINARY:
		return find_equal(p, n);
	case NODE_IN:
		return find_in(p, n);
	case NODE_MACRO:
		return find_exists(p, n);
	case NODE_AND:
		return find_and(p, n);
	case NODE_OR:
		return find_or(p, n->first);
	case NODE_TERNARY:
		return find_or(p, n->first->next);
	default:
		return false;
	}
}

static bool
register_key(struct compile *c, const struct key *k, struct expr_key *out)
{
	char pattern[4 + 2 * KEY_BYTES_MAX];
	size_t n = k->caseless ? 4 : 0;
	struct regex_notes notes;

	*out = (struct expr_key){ k->field, k->pattern };
	if (k->is_regex)
		return true;
	memcpy(pattern, "(?i)", 4);
	n += string_escape(k->text, pattern + n);
	return c->scope->pattern(
	    c->scope->context, k->field, (struct slice){ pattern, n }, &out->pattern, &notes);
}

void
expr_find_keys(struct compile *c)
{
	struct pool *p = arena_alloc(c->scratch, sizeof(*p));
	struct expr_key *key;

	p->compile = c;
	if (c->scope->place != EXPR_RULE || !find(p, c->expr->root) || p->used == 0 ||
	    p->used > KEYS_MAX)
		return;
	key = arena_alloc(c->arena, p->used * sizeof(*key));
	for (unsigned i = 0; i < p->used; i++) {
		unsigned j = 0;

		if (!register_key(c, &p->key[i], &key[c->expr->keys])) {
			c->expr->keys = 0;
			return;
		}
		while (key[j].field != key[c->expr->keys].field ||
		       key[j].pattern != key[c->expr->keys].pattern)
			j++;
		c->expr->keys += j == c->expr->keys;
	}
	c->expr->key = key;
}
