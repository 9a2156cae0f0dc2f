#pragma once

#include <stdbool.h>

#include "base/slice.h"

#define LOCATION_MAX 2048u

/*
 * The one validator of addresses that we send a visitor to. True only for a path of this host that
 * every browser reads as one: begins with a single '/', second character neither '/' nor '\', no
 * backslash anywhere, no byte below 0x21 or above 0x7e, at most LOCATION_MAX bytes, no "/.ammit/"
 * in front (it would come back to us), also not percent-encoded or behind dot segments.
 */
bool location_valid(struct slice s);
