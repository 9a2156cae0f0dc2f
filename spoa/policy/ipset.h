#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"

/*
 * All address lists of a policy in one table of sorted disjoint ranges. The value of a range names
 * the set of lists that cover it: a chain of nodes, each a list and the set around it, so a
 * lookup costs one search however many lists there are. In front stands an index of 65,536
 * buckets: of IPv4 by the first 16 bits, of IPv6 over where its lists lie. IPv6 is searched by the
 * high half of an address, by the low half only where a list goes into that.
 *
 * Until it is sealed a prefix takes 8 bytes (IPv4) or 20; sealed, about as much.
 */
struct ipset;

#define IPSET_PREFIXES_MAX 4000000u
#define IPSET_LISTS_MAX ((uint32_t)1 << 24)

struct ipset *ipset_new(struct arena *a);
void ipset_free(struct ipset *s); /* NULL is legal; the arena stays */

/* `list` is below IPSET_LISTS_MAX. False: more than IPSET_PREFIXES_MAX. */
bool ipset_add(struct ipset *s, const struct prefix *p, uint32_t list);

/* Once, after the last prefix. */
void ipset_seal(struct ipset *s);

size_t ipset_count(const struct ipset *s); /* prefixes */

/* The innermost node that covers the address, 0: no list does. Not for circuits: ask before. */
uint32_t ipset_find(const struct ipset *s, const struct address *a);

/* The list of a node; *next is the node around it, 0 behind the last. A list may come twice. */
uint32_t ipset_list(const struct ipset *s, uint32_t node, uint32_t *next);
