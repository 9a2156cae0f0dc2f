#pragma once

#include <stdbool.h>

#include "base/address.h"
#include "base/problem.h"
#include "base/slice.h"

/*
 * A list of prefixes in a file of its own: text, one prefix or bare address a line, # and ; begin
 * comments; or the JSON that Google, Bing and OpenAI publish ({"prefixes": [{"ipv4Prefix": …},
 * {"ipv6Prefix": …}]}), known by its first byte. A host bit that is set is cleared, with a warning
 * for the first one.
 *
 * Each prefix goes to `take` as it is read, so a text of a million lines needs no memory beside
 * itself. `take` says false when there is no more room, which ends the reading with an error.
 * Every wrong line is an error with its line and what would be right; an empty list is one too.
 * `file` names it in problems.
 */
typedef bool addrlist_take(void *context, const struct prefix *p);

void addrlist_read(const char *file, struct slice text, addrlist_take *take, void *context,
    struct problems *problems);
