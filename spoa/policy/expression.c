#include "base/memory.h"
#include "policy/rule.h"
#include "policy/schema.h"

/* What the compiler asks; the answers become part of the policy. */

static int
ask_header(void *context, struct slice name)
{
	struct loader *l = context;
	const char *why;

	return policy_add_header(l->policy, name, &why);
}

static bool
ask_pattern(
    void *context, unsigned field, struct slice regex, uint32_t *id, struct regex_notes *notes)
{
	struct loader *l = context;

	*id = patset_add(policy_patset(l->policy, field), regex, notes);
	return *id != PATSET_NONE;
}

static int
ask_zone(void *context, struct slice name, const char **why)
{
	return policy_add_zone(((struct loader *)context)->policy, name, why);
}

static const struct regex *
ask_regex(void *context, struct slice pattern, struct regex_notes *notes)
{
	struct policy *p = ((struct loader *)context)->policy;
	struct regex *r = regex_compile(pattern, notes);

	if (r == NULL)
		return NULL;
	p->regex = xreallocarray(p->regex, p->regexes + 1, sizeof(*p->regex));
	p->regex[p->regexes++] = r;
	return r;
}

/* The list under all: or any: in `map`; NULL with a problem. */
static const struct tree *
list_of(const struct tree *map, bool *any, struct problems *p)
{
	static const struct schema_key keys[] = { { "all", SCHEMA_KNOWN }, { "any", SCHEMA_KNOWN },
		{ 0 } };
	const size_t errors = p->errors;
	const struct tree *all = schema_get(map, "all", TREE_LIST, p);
	const struct tree *some = schema_get(map, "any", TREE_LIST, p);
	const struct tree *list = all != NULL ? all : some;

	if (all != NULL && some != NULL)
		tree_error(p, map, "has all and any: take one, and (a) || (b) inside it");
	else if (list == NULL && p->errors == errors)
		tree_error(p, map, "needs a string, or all: […], or any: […]");
	else if (list != NULL && list->count == 0)
		tree_error(p, list, "is empty");
	else if (list != NULL && list->count > EXPR_ITEMS_MAX)
		tree_error(p, list, "has more than %u expressions", EXPR_ITEMS_MAX);
	schema_check(map, keys, p);
	*any = list == some;
	return p->errors == errors ? list : NULL;
}

const struct expr *
expression_read(struct loader *l, const struct tree *node, enum expr_place place, uint64_t *fields)
{
	const struct expr_scope scope = { place, l, ask_header, ask_pattern, ask_zone, ask_regex };
	const struct tree *item[EXPR_ITEMS_MAX] = { node };
	struct slice text[EXPR_ITEMS_MAX] = { node->text };
	struct expr_error error;
	const struct expr *e;
	unsigned count = 0;
	bool any = false;

	if (node->kind == TREE_MAP) {
		const struct tree *list = list_of(node, &any, l->problems);

		if (list == NULL)
			return NULL;
		for (const struct tree *n = list->first; n != NULL; n = n->next, count++) {
			item[count] = n;
			text[count] = n->text;
		}
	} else {
		count = 1;
	}
	for (unsigned i = 0; i < count; i++) {
		if (item[i]->kind == TREE_STRING || item[i]->plain)
			continue;
		tree_error(l->problems, item[i], "is %s and must be an expression in a string%s",
		    tree_kind_names[item[i]->kind],
		    item[i] == node ? ", or all: […], or any: […]" : "");
		return NULL;
	}
	e = expr_compile(l->policy->arena, &scope, text, count, any, &error);
	if (e == NULL) {
		tree_error(
		    l->problems, item[error.item], "%s at offset %zu", error.why, error.offset);
		return NULL;
	}
	if (expr_warning(e) != NULL)
		tree_warn(l->problems, node, "%s", expr_warning(e));
	*fields |= expr_fields(e);
	return e;
}
