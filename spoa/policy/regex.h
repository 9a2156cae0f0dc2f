#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/*
 * The one door to PCRE2, set up so that a pattern means what it means to Go: UTF-8, $ only at the
 * very end, newline is LF. A compiled regex is immutable and shared; a matcher belongs to one
 * thread.
 */
struct regex;

#define REGEX_BYTES_MAX ((size_t)32 * 1024)

struct regex_notes {
	char why[192];          /* set when there is no regex */
	bool has_offset;        /* where in the pattern as written */
	size_t offset;          /* of the error, or of what is not portable */
	const char *unportable; /* NULL: Go takes it too */
	const char *rewrite;    /* of what Go refuses: what to write instead; NULL: nothing */
};

/*
 * Compile a pattern in Go's syntax. NULL with notes->why if it is none. If the system forbids
 * executable memory (MemoryDenyWriteExecute) it is interpreted: slower, with a lower match limit.
 */
struct regex *regex_compile(struct slice pattern, struct regex_notes *notes);
void regex_free(struct regex *r); /* NULL is legal */

/* As PCRE2 got it (dialect.h); lives as long as the regex. */
struct slice regex_text(const struct regex *r);
size_t regex_bytes(const struct regex *r);

/* Match data and JIT stack, allocated once: regex_match allocates nothing. */
struct regex_matcher;

struct regex_matcher *regex_matcher_new(void);
void regex_matcher_free(struct regex_matcher *m); /* NULL is legal */

/* Failed: the match limit was hit (100,000, or 10,000 interpreted), or memory ran out. */
enum regex_result { REGEX_NO, REGEX_YES, REGEX_FAILED };

/* Does it occur anywhere in `text`? The text must be well-formed UTF-8 (utf8.h). */
enum regex_result regex_match(const struct regex *r, struct regex_matcher *m, struct slice text);
