#include "daemon/generation.h"

#include <stdlib.h>

#include "base/json.h"
#include "base/memory.h"
#include "daemon/keyfile.h"
#include "daemon/source.h"

static const char embedded[] = "(data)/default.yaml";

/* Sets *file to how it is called, if it was NULL. */
static char *
read_policy(const char **file, const struct source *source, size_t *bytes, struct problems *p)
{
	const char *why;
	char *text;

	if (*file == NULL)
		*file = embedded;
	text = source->read(source->context, *file, JSON_BYTES_MAX, bytes, &why);
	if (text == NULL)
		problem_error(p, &(struct place){ .file = *file }, "cannot be read: %s", why);
	return text;
}

typedef struct policy *loader(
    const char *file, struct slice text, const struct source *source, struct problems *p);

static struct policy *
read_and(loader *load, const char *file, const struct source *source, struct problems *p)
{
	struct policy *policy;
	size_t bytes;
	char *text = read_policy(&file, source, &bytes, p);

	if (text == NULL)
		return NULL;
	policy = load(file, (struct slice){ text, bytes }, source, p);
	free(text);
	return policy;
}

struct policy *
generation_policy(const char *policy_file, struct problems *p)
{
	return read_and(policy_load, policy_file, source_files(), p);
}

struct policy *
generation_policy_any(const char *file, struct problems *p)
{
	return read_and(policy_load_any, file, source_files(), p);
}

struct generation *
generation_load(const char *policy_file, const char *state_dir, bool shadow, struct watch *seen,
    struct problems *p)
{
	struct generation *g = xcalloc(1, sizeof(*g));
	bool keys;

	atomic_init(&g->users, 1);
	g->shadow = shadow;
	watch_clear(seen);
	keyfile_watch(state_dir, seen);
	g->policy = read_and(policy_load, policy_file, watch_source(seen), p);
	memory_trim();
	/* No key is made for a daemon that will not start. */
	if (g->policy != NULL)
		g->themes = themes_new(g->policy, p);
	keys = g->themes != NULL && keyfile_load(state_dir, &g->keys, p);
	if (keys)
		return g;
	generation_unref(g);
	return NULL;
}

void
generation_bind(struct generation *g, struct zones *zones)
{
	for (unsigned i = 0; i < policy_zones(g->policy); i++)
		g->zone[i] = zones_state(zones, policy_zone(g->policy, i));
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
	themes_free(g->themes);
	policy_free(g->policy);
	keyring_wipe(&g->keys);
	free(g);
}
