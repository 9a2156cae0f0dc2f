#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "base/problem.h"
#include "challenge/theme.h"
#include "daemon/watch.h"
#include "daemon/zones.h"
#include "policy/policy.h"
#include "token/key.h"

/*
 * All that a reload replaces: policy, keys, shadow. Immutable; each thread holds one reference and
 * swaps its own pointer between two reads. The last to let go frees it.
 */
struct generation {
	_Atomic unsigned users;
	struct policy *policy;
	struct keyring keys;
	struct themes *themes; /* the challenge loop's alone */
	bool shadow;
	_Atomic bool fast_told;             /* that HAProxy has another ask list */
	struct zone_state *zone[ZONES_MAX]; /* of the policy's zones; NULL: not to be asked */
};

/*
 * policy_file NULL: the embedded policy. NULL with problems if anything is wrong. One user: the
 * caller. `seen` forgets what it had and notes what this is made of, whether it is good or not.
 */
struct generation *generation_load(const char *policy_file, const char *state_dir, bool shadow,
    struct watch *seen, struct problems *p);

/* Find what is known of its zones. Before any thread judges by it. */
void generation_bind(struct generation *g, struct zones *zones);

struct generation *generation_ref(struct generation *g);
void generation_unref(struct generation *g); /* NULL is legal */

/* The policy of a file ("(data)/NAME": one of the binary), or the embedded one. NULL with problems
 * if anything is wrong. */
struct policy *generation_policy(const char *policy_file, struct problems *p);

/*
 * As generation_policy, or of a list of rules as an import names it: by what stands at the top of
 * the file, a map or a list. For `ammit check`. file NULL: as above.
 */
struct policy *generation_policy_any(const char *file, struct problems *p);
