#pragma once

#include "base/tree.h"
#include "policy/generation.h"

/*
 * Readers of the parts of a policy file. Each says all that is wrong with its part and goes on;
 * whether there was an error is asked once, at the end.
 */

/* One entry of `bots`, as rule number p->rules. */
void rule_read(struct policy *p, const struct tree *node, struct problems *problems);

/* One entry of `thresholds`. */
void threshold_read(
    struct policy *p, struct threshold *t, const struct tree *node, struct problems *problems);

/* What `fast`, difficulty 4 stands for: 16^4 hashes. */
struct challenge challenge_default(void);

/*
 * A `challenge` block: algorithm (fast, slow, metarefresh, preact, pow), difficulty (16^d hashes),
 * and ours: hashes, puzzles, level.
 */
struct challenge challenge_read(const struct tree *node, struct problems *problems);

/* The action of a rule or threshold; false, with a problem, if it has none. */
bool action_read(const struct tree *map, enum action *out, struct problems *problems);
