#include "policy/schema.h"

#include <math.h>

const struct tree *
schema_get(const struct tree *map, const char *key, enum tree_kind kind, struct problems *problems)
{
	const struct tree *n = tree_get(map, key);

	if (n == NULL || n->kind == TREE_NULL)
		return NULL;
	if (n->kind == kind)
		return n;
	/* Country NO and version 1.10 are what was written, whatever they look like. */
	if (kind == TREE_STRING && n->plain && (n->kind == TREE_BOOL || n->kind == TREE_NUMBER))
		return n;
	tree_error(
	    problems, n, "is %s and must be %s", tree_kind_names[n->kind], tree_kind_names[kind]);
	return NULL;
}

int64_t
schema_int(const struct tree *map, const char *key, int64_t min, int64_t max, int64_t otherwise,
    struct problems *problems)
{
	const struct tree *n = schema_get(map, key, TREE_NUMBER, problems);

	if (n == NULL)
		return otherwise;
	if (n->number >= (double)min && n->number <= (double)max && n->number == floor(n->number))
		return (int64_t)n->number;
	tree_error(problems, n, "must be a whole number from %lld to %lld", (long long)min,
	    (long long)max);
	return otherwise;
}

bool
schema_is_word(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (!ascii_is_word(s.ptr[i]))
			return false;
	return s.len > 0;
}

void
schema_check(const struct tree *map, const struct schema_key *keys, struct problems *problems)
{
	for (const struct tree *n = map->first; n != NULL; n = n->next) {
		const struct schema_key *k = keys;

		while (k->name != NULL && !slice_equal_nocase(n->key, slice_of(k->name)))
			k++;
		if (k->name == NULL)
			tree_warn(problems, n, "unknown key, ignored");
		else if (n->kind != TREE_NULL && k->use == SCHEMA_IGNORED)
			tree_warn(problems, n, "ignored: Ammit has no such setting");
	}
}
