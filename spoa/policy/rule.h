#pragma once

#include "base/tree.h"
#include "policy/generation.h"

/*
 * Readers of the parts of a policy. Each says all that is wrong with its part and goes on; whether
 * there was an error is asked once, at the end.
 */
struct loader {
	struct policy *policy;
	const struct source *source; /* NULL: no other files */
	struct problems *problems;
	struct arena *scratch; /* trees and names, until the policy is whole */
	size_t files;          /* read so far, beside the first */
};

/* A file that is being read, and who asked for it: where imports would go round. */
struct opened {
	const char *name;
	const struct opened *by;
	unsigned depth;
};

/* The one file that `name`, which stands in n, names, in the scratch arena; NULL with *why. */
const char *loader_find(
    struct loader *l, const struct tree *n, struct slice name, const char **why);

/* A whole file of at most `most` bytes that `node` names; free() it. NULL with a problem. Only
 * where there is a source. */
char *loader_read(
    struct loader *l, const struct tree *node, const char *name, size_t most, size_t *bytes);

/* The files that an entry with `import` names, and the node that does; none with a problem, which
 * says whatever stands beside it, too. */
const struct tree *import_find(struct loader *l, const struct tree *node, const struct opened *in,
    const char ***names, size_t *count);

/* What an import names: documents, each a list of rules. NULL: none. */
void documents_read(struct loader *l, const struct tree *document, const struct opened *in);

/* A list of rules and imports (import.c): rules are added to the policy in order. */
void rules_read(struct loader *l, const struct tree *list, const struct opened *in);

/* One entry of it that is no import (rule.c). */
void rule_read(struct loader *l, const struct tree *node);

/* A rule while it is read: number p->rules. */
struct draft {
	struct loader *loader;
	struct policy *policy;
	struct rule *rule;
	struct problems *problems;
	struct matcher matcher[REQUEST_FIELDS + 6];
	bool has_address;
};

/* Its matchers; then, when it has them all, what marks it (matcher.c). */
void matchers_read(struct draft *d, const struct tree *node);
void matchers_choose_key(struct draft *d);

/* A `thresholds` list; NULL or empty: the legacy one. */
void thresholds_read(struct loader *l, struct site *s, const struct tree *list);

/* "all of `texts`" or "any of them", of an expression: string | {all: […]} | {any: […]}. */
const struct expr *expression_read(
    struct loader *l, const struct tree *node, enum expr_place place, uint64_t *fields);

/* What `fast`, difficulty 4 stands for: 16^4 hashes. */
struct demand challenge_default(void);

/*
 * A `challenge` block: algorithm (fast, slow, metarefresh, preact, pow), difficulty (16^d hashes),
 * and ours: hashes, puzzles, level, methods, wait, clip, price, load, most_s.
 */
struct demand challenge_read(struct loader *l, const struct tree *node);

/*
 * The keys dns, dns_ttl and dnsbl (dnsbl.c). policy_add_zone: the number of a zone that an
 * expression asks, added if it is new; -1 with *why.
 */
void descriptions_read(struct loader *l, const struct tree *document); /* imported ones */
void dns_read(struct loader *l, const struct tree *root, const struct opened *in);
int policy_add_zone(struct policy *p, struct slice name, const char **why);

/* The first of a policy's pages: nothing in it but what is ours. */
const struct page_settings *page_default(struct policy *p);

/* The key `page` of a policy or site, on top of `under`; `under` itself where there is none. */
const struct page_settings *page_read(
    struct loader *l, const struct tree *map, const struct page_settings *under);

/* The patterns of a field, made when it is first asked for. */
struct patset *policy_patset(struct policy *p, unsigned field);

/* The field of a header, made if it is new; REQUEST_FIELD_NONE if the name is none, or there is no
 * room, with *why. */
int policy_add_header(struct policy *p, struct slice name, const char **why);
