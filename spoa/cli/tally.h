#pragma once

#include <stdint.h>

#include "base/slice.h"
#include "policy/verdict.h"

/* Verdicts that are counted: the four of verdict_names, and none. */
#define TALLY_KINDS 5u
#define TALLY_NONE 4u

extern const char *const tally_names[TALLY_KINDS];

/* By its name, TALLY_NONE for anything else. */
unsigned tally_kind(struct slice name);

/* How often each rule decided or weighed. Names are borrowed: they live as long as their policy. */
struct tally_rule {
	struct slice name;
	uint64_t decided, weighed;
};

struct tally {
	struct tally_rule *rule;
	size_t rules, room; /* room: a power of two, at most half full */
	uint64_t kind[TALLY_KINDS];
};

void tally_fini(struct tally *t);
struct tally_rule *tally_find(struct tally *t, struct slice name);

/* Drops the empty places and sorts the rest, the most frequent first; nothing can be added then. */
void tally_sort(struct tally *t);

/* From one verdict to another, with the first requests that did. */
#define TALLY_EXAMPLES 3u
#define TALLY_EXAMPLE_BYTES 400u

struct tally_change {
	uint64_t count;
	unsigned examples;
	char example[TALLY_EXAMPLES]
		    [TALLY_EXAMPLE_BYTES]; /* NUL-terminated, foreign bytes escaped */
};

struct tally_changes {
	struct tally_change cell[TALLY_KINDS][TALLY_KINDS]; /* [before][after] */
	uint64_t same, different;
};

/* `line` is the log line's number. */
void tally_add_change(struct tally_changes *c, unsigned before, unsigned after, uint64_t line,
    const struct request *r);
