#pragma once

#include <stdbool.h>

#include "policy/source.h"

/*
 * Notices that a file has changed which the running generation was made of. By looks at what each
 * path leads to (device, inode, size, times), so that files that are swapped by a symlink to
 * another folder are seen, on every file system; nothing is opened.
 *
 * One thread. Zeroed is empty.
 */
struct watch {
	struct watched *files;
	size_t count, room;
	struct source source;
};

void watch_fini(struct watch *w);

/* Forget every file: before the next generation is loaded. */
void watch_clear(struct watch *w);

/* Note a file, which need not exist. Before it is read, so that a change meanwhile is seen. */
void watch_file(struct watch *w, const char *path);

/*
 * source_files(), each file of the disk noted that is read by it, and the folders of patterns and
 * of files that were not there, since what is new in these matters too. Stands until watch_fini.
 */
const struct source *watch_source(struct watch *w);

/*
 * Is it time to load again? If something is not as it was noted, and is as it was at the look
 * before this one: a file that somebody is still writing is left alone.
 */
bool watch_look(struct watch *w);
