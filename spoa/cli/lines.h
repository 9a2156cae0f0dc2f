#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/* Reads files line by line in memory of a fixed size, however long the lines are. */
#define LINES_BUFFER ((size_t)256 * 1024)
#define LINE_BYTES_MAX ((size_t)64 * 1024)

struct lines {
	int fd;
	size_t from, to; /* what is in the buffer */
	bool end, skipping;
	int error;       /* errno of the read that failed, 0: none */
	uint64_t bytes;  /* read so far */
	uint64_t number; /* of the line that was given last, from 1 */
	char buffer[LINES_BUFFER];
};

void lines_init(struct lines *l, int fd);

/*
 * The next line without its end, borrowed until the next call; of one longer than LINE_BYTES_MAX
 * the beginning, and *too_long. False: no more, or an error.
 */
bool lines_next(struct lines *l, struct slice *line, bool *too_long);
