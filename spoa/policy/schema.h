#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/tree.h"

/*
 * Members of a map, by name and kind. As Go decodes them: names in any case, null is absent. A
 * member of another kind is an error, and absent. Where a string is asked for, a bool or number
 * that YAML has without quotes is one, by its `text`: look at that alone, not at the kind.
 */
const struct tree *schema_get(
    const struct tree *map, const char *key, enum tree_kind kind, struct problems *problems);

/* A whole number in min .. max; `otherwise` if it is absent or, with a problem, anything else. */
int64_t schema_int(const struct tree *map, const char *key, int64_t min, int64_t max,
    int64_t otherwise, struct problems *problems);

/* Letters, digits, - and _, one at least. */
bool schema_is_word(struct slice s);

/* What a key of a map is to us. */
enum schema_use {
	SCHEMA_KNOWN,
	SCHEMA_IGNORED, /* Anubis knows it and it makes no sense here: a warning */
};

struct schema_key {
	const char *name; /* NULL ends the list */
	enum schema_use use;
};

/* Go through the keys that are there; one that is in no row is warned about. */
void schema_check(const struct tree *map, const struct schema_key *keys, struct problems *problems);
