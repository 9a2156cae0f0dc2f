#include "daemon/generation.h"

#include <stdlib.h>

#include "base/file.h"
#include "base/json.h"
#include "base/memory.h"
#include "daemon/keyfile.h"

static const char embedded[] = {
#include "embed/default.json.inc"
};

struct policy *
generation_policy(const char *policy_file, struct problems *p)
{
	struct policy *policy;
	const char *why;
	size_t bytes;
	char *text;

	if (policy_file == NULL)
		return policy_load(
		    "(embedded policy)", (struct slice){ embedded, sizeof(embedded) }, p);
	text = file_read(policy_file, JSON_BYTES_MAX, &bytes, &why);
	if (text == NULL) {
		problem_error(p, &(struct place){ .file = policy_file }, "cannot be read: %s", why);
		return NULL;
	}
	policy = policy_load(policy_file, (struct slice){ text, bytes }, p);
	free(text);
	return policy;
}

struct generation *
generation_load(const char *policy_file, const char *state_dir, bool shadow, struct problems *p)
{
	struct generation *g = xcalloc(1, sizeof(*g));
	bool keys;

	atomic_init(&g->users, 1);
	g->shadow = shadow;
	g->policy = generation_policy(policy_file, p);
	/* No key is made for a daemon that will not start. */
	keys = g->policy != NULL && keyfile_load(state_dir, &g->keys, p);
	if (keys)
		return g;
	generation_unref(g);
	return NULL;
}

struct generation *
generation_ref(struct generation *g)
{
	atomic_fetch_add(&g->users, 1);
	return g;
}

void
generation_unref(struct generation *g)
{
	if (g == NULL || atomic_fetch_sub(&g->users, 1) != 1)
		return;
	policy_free(g->policy);
	keyring_wipe(&g->keys);
	free(g);
}
