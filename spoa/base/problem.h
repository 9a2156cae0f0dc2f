#pragma once

#include <stdbool.h>
#include <stddef.h>

/*
 * Everything that is wrong with the files that somebody wrote, collected, so that all of it can be
 * said in one go. A line each: `FILE:LINE:COLUMN: PATH: WHAT`; parts that are not known are left
 * out. WHAT says what is wrong and what would be right.
 */
struct problem {
	bool warning;
	char *text;
};

#define PROBLEMS_MAX 200u /* more are counted, not kept */

struct problems {
	struct problem *list;
	size_t count;            /* kept */
	size_t errors, warnings; /* all, kept or not */
};

struct place {
	const char *file;      /* NULL: none */
	unsigned line, column; /* from 1; 0: not known */
	const char *path;      /* "bots[3].path_regex"; NULL or "": the whole file */
};

void problem_error(struct problems *p, const struct place *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void problem_warn(struct problems *p, const struct place *at, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* All of it on stderr, a line each behind `prefix`; how many more there were, if not all were kept.
 */
void problems_print(const struct problems *p, const char *prefix);

/* Frees the list and makes it empty again. */
void problems_fini(struct problems *p);
