#pragma once

#include "policy/rule.h"

/*
 * `bots`, `thresholds`, `shadow` and `hosts` of a policy: the rules of each site, then those of all
 * sites.
 */
void sites_read(struct loader *l, const struct tree *root, const struct opened *in);

/* Of a policy that is a list of rules: the rest, with the legacy threshold. */
void sites_none(struct loader *l);

/* The site that a Host header names: its exact name, else the longest *.suffix, else the rest. */
const struct site *site_find(const struct policy *p, struct slice host);
