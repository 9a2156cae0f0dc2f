#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/slice.h"

/*
 * A line of HAProxy's configuration, parted into words as HAProxy does it (configuration manual,
 * 2.2 and 2.3): blanks, \ in front of what would mean something, "…" with variables of the
 * environment in it, '…' without, # begins a comment.
 */
#define HAPROXY_WORDS_MAX 256u
#define HAPROXY_VARIABLES_MAX 1024u

/* The environment, as it is while a file is read: presetenv and setenv of the file change it. */
struct haproxy_env {
	struct haproxy_variable {
		struct slice name, value;
	} variable[HAPROXY_VARIABLES_MAX];
	unsigned count;
};

/* NAME=VALUE, each with a NUL behind it, as in /proc/PID/environ; what does not fit is left out.
 * Borrowed. */
void haproxy_env_init(struct haproxy_env *e, struct slice block);

/* {NULL, 0}: there is none. */
struct slice haproxy_env_get(const struct haproxy_env *e, struct slice name);

/* Borrowed; value.ptr NULL: it is gone. False: there are too many. */
bool haproxy_env_set(struct haproxy_env *e, struct slice name, struct slice value);

struct haproxy_words {
	struct slice word[HAPROXY_WORDS_MAX];
	unsigned count;
};

/*
 * Words are copies in the arena. *budget is how many bytes they may have, and becomes less by what
 * they had. False with *why.
 */
bool haproxy_words_split(struct haproxy_words *w, struct arena *a, const struct haproxy_env *env,
    struct slice line, size_t *budget, const char **why);
