#include <stdlib.h>
#include <string.h>

#include "base/document.h"
#include "base/json.h"
#include "policy/rule.h"
#include "policy/schema.h"

#define DEPTH_MAX 32u
#define FILES_MAX 10000u

/* "a.yaml → b.yaml → a.yaml" would be exact; whom it comes back to is enough to find it. */
static bool
goes_round(struct loader *l, const struct tree *node, const char *name, const struct opened *in)
{
	for (const struct opened *o = in; o != NULL; o = o->by) {
		if (strcmp(o->name, name) != 0)
			continue;
		tree_error(l->problems, node, "%s imports itself%s: take one of the imports out",
		    name, o == in ? "" : ", by way of other files");
		return true;
	}
	return false;
}

/* All of it is blank or commented out: no rules, and no mistake. */
static bool
is_blank(struct slice text)
{
	while (text.len > 0) {
		struct slice line = slice_trim(slice_split(text, '\n', &text));

		if (line.len > 0 && line.ptr[0] != '#')
			return false;
	}
	return true;
}

char *
loader_read(struct loader *l, const struct tree *node, const char *name, size_t most, size_t *bytes)
{
	const char *why = "";
	char *text = l->source->read(l->source->context, name, most, bytes, &why);

	if (text == NULL)
		tree_error(l->problems, node, "%s cannot be read: %s", name, why);
	return text;
}

void
documents_read(struct loader *l, const struct tree *document, const struct opened *in)
{
	for (; document != NULL; document = document->next) {
		if (document->kind == TREE_LIST)
			rules_read(l, document, in);
		else if (document->kind != TREE_NULL)
			tree_error(l->problems, document,
			    "is %s; what is imported must be a list of rules, without `bots:` "
			    "and thresholds",
			    tree_kind_names[document->kind]);
	}
}

static void
read_file(struct loader *l, const struct tree *node, const char *name, const struct opened *in)
{
	const struct opened here = { name, in, in->depth + 1 };
	size_t bytes;
	char *text;

	if (goes_round(l, node, name, in))
		return;
	text = loader_read(l, node, name, JSON_BYTES_MAX, &bytes);
	if (text == NULL)
		return;
	if (!is_blank((struct slice){ text, bytes }))
		documents_read(l,
		    document_parse(l->scratch, name, (struct slice){ text, bytes }, l->problems),
		    &here);
	free(text);
}

const struct tree *
import_find(struct loader *l, const struct tree *node, const struct opened *in, const char ***names,
    size_t *count)
{
	const struct tree *what = schema_get(node, "import", TREE_STRING, l->problems);
	const char *why = "nothing can be imported here";

	*count = 0;
	for (const struct tree *n = node->first; n != NULL; n = n->next)
		if (!slice_equal_nocase(n->key, SLICE("import")) && n->kind != TREE_NULL) {
			tree_error(
			    l->problems, n, "stands beside an import: give it an entry of its own");
			return NULL;
		}
	if (what == NULL)
		return NULL;
	if (l->source != NULL)
		*count = l->source->find(
		    l->source->context, l->scratch, in->name, what->text, names, &why);
	if (*count == 0)
		tree_error(l->problems, what, "%s", why);
	return what;
}

static void
read_import(struct loader *l, const struct tree *node, const struct opened *in)
{
	const char **names = NULL;
	size_t count;
	const struct tree *what = import_find(l, node, in, &names, &count);

	if (count > 0 && in->depth == DEPTH_MAX) {
		tree_error(l->problems, what, "imports are nested deeper than %u", DEPTH_MAX);
		return;
	}
	for (size_t i = 0; i < count; i++) {
		/* Said once: from then on nothing more is read. */
		if (l->files++ > FILES_MAX)
			return;
		if (l->files > FILES_MAX) {
			tree_error(l->problems, what, "more than %u files are imported", FILES_MAX);
			return;
		}
		read_file(l, what, names[i], in);
	}
}

void
rules_read(struct loader *l, const struct tree *list, const struct opened *in)
{
	for (const struct tree *n = list->first; n != NULL; n = n->next) {
		if (l->policy->rules > RULES_MAX)
			return;
		if (n->kind != TREE_MAP)
			tree_error(l->problems, n, "is %s and must be a map: a rule, or an import",
			    tree_kind_names[n->kind]);
		else if (tree_get(n, "import") != NULL && tree_get(n, "import")->kind != TREE_NULL)
			read_import(l, n, in);
		else
			rule_read(l, n);
	}
}
