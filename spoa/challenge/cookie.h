#pragma once

#include "base/slice.h"

/*
 * The value of the first cookie of this name in a Cookie header, {NULL, 0} if there is none (RFC
 * 6265, 5.4, as browsers send it). The name is compared exactly; blanks around a name and a value
 * are none of theirs; quotes are. Borrows from `header`.
 */
struct slice cookie_get(struct slice header, struct slice name);
