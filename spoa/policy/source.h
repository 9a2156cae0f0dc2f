#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/mmdb.h"
#include "base/slice.h"

/*
 * Where the files come from that a policy names: the daemon reads them from disk and from what is
 * embedded in the binary, tests from memory. So the policy layer itself touches no file.
 */
struct source {
	/*
	 * All files that `pattern` names, which stands in file `from` (NULL: on the command line):
	 * itself, or those that it matches (*, ?, [..], never across /), in natural order (x2
	 * before x10). "(data)/NAME" is one of the policies in the binary; else the path is
	 * relative to the folder of `from`, or, where nothing is there, to the working directory.
	 * Names live in the arena, and can be given to `read` and as `from`. Returns how many,
	 * *names in the arena; 0 with *why (in the arena or constant).
	 */
	size_t (*find)(void *context, struct arena *a, const char *from, struct slice pattern,
	    const char ***names, const char **why);

	/* A whole file, NUL-terminated, of at most `most` bytes; free() it. NULL with *why. */
	char *(*read)(
	    void *context, const char *name, size_t most, size_t *bytes, const char **why);

	/* A database of countries or networks; the caller closes it. NULL with *why. */
	struct mmdb *(*open)(void *context, const char *name, const char **why);

	void *context;
};
