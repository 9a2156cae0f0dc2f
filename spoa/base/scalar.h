#pragma once

#include <stdbool.h>

#include "base/arena.h"
#include "base/slice.h"
#include "base/tree.h"

/*
 * What a plain YAML scalar looks like to go-yaml v2, which sigs.k8s.io/yaml reads with: null, a
 * bool (y, yes, on, true …), a number (0x, 0o, 0 and 0b too, underscores left out) or else a
 * string. Infinities and NaN are strings: JSON has none.
 */
enum tree_kind scalar_kind(struct slice s, double *number, bool *truth);

/*
 * What stands between single quotes (YAML 1.2, 7.3.2), in the arena with a NUL behind it: '' is one
 * quote; a line break and the blanks around it are one blank, more than one break are one less.
 * libfyaml would do it, and leaks memory over a few dozen '' in one value, as a regex may have.
 */
struct slice scalar_unquote(struct arena *a, struct slice raw);
