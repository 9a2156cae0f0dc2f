#pragma once

#include <stdlib.h>

#include "base/memory.h"
#include "daemon/generation.h"

/* A generation of this policy, with a key that is always the same. One user: the caller. */
static inline struct generation *
make_generation(struct slice policy, bool shadow)
{
	static const char key[] =
	    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n";
	struct generation *g = xcalloc(1, sizeof(*g));
	struct problems p = { 0 };
	unsigned line;
	const char *why;

	g->users = 1;
	g->shadow = shadow;
	g->policy = policy_load("test", policy, NULL, &p);
	problems_print(&p, "");
	if (g->policy == NULL || !keyring_parse(&g->keys, slice_of(key), &line, &why))
		abort();
	g->themes = themes_new(g->policy, &p);
	problems_fini(&p);
	return g;
}
