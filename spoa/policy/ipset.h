#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"

/*
 * All address lists of a policy in one table of sorted disjoint ranges. The value of a range names
 * the set of lists that cover it: a chain of nodes, each a list and the set around it, so a
 * lookup costs one search however many lists there are. IPv4 has an index over the first 16 bits
 * in front; IPv6 is searched whole.
 */
struct ipset;

#define IPSET_PREFIXES_MAX 4000000u

struct ipset *ipset_new(struct arena *a);
void ipset_free(struct ipset *s); /* NULL is legal; the arena stays */

/* False: more than IPSET_PREFIXES_MAX. */
bool ipset_add(struct ipset *s, const struct prefix *p, uint32_t list);

/* Once, after the last prefix. */
void ipset_seal(struct ipset *s);

size_t ipset_count(const struct ipset *s); /* prefixes */

/* The innermost node that covers the address, 0: no list does. Not for circuits: ask before. */
uint32_t ipset_find(const struct ipset *s, const struct address *a);

/* The list of a node; *next is the node around it, 0 behind the last. A list may come twice. */
uint32_t ipset_list(const struct ipset *s, uint32_t node, uint32_t *next);
