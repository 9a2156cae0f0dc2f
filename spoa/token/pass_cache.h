#pragma once

#include <stdint.h>

#include "token/pass.h"

/*
 * Passes that were found genuine a moment ago: a visitor who clicks through a site shows the same
 * one each time, and comparing its bytes costs a tenth of checking its MAC. Time, host and client
 * are judged anew each time. Of fixed size, one a thread; what is new takes the place of what was
 * there.
 */
struct pass_cache;

#define PASS_CACHE_TEXT_MAX 512u /* longer passes are checked each time */

struct pass_cache *pass_cache_new(void);
void pass_cache_free(struct pass_cache *c); /* NULL is legal */

/* Forget all: the keys have changed. */
void pass_cache_clear(struct pass_cache *c);

/* As pass_check, with the same answers. Allocates nothing. */
enum pass_state pass_cache_check(struct pass_cache *c, const struct keyring *keys,
    struct slice text, int64_t now_s, struct slice host, const struct address *client,
    struct pass *out);
