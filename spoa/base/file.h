#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/*
 * A whole regular file of at most `most` bytes, NUL-terminated; free it with free(). NULL with
 * *why, which needs no freeing and stands until this thread fails to read the next file.
 */
char *file_read(const char *path, size_t most, size_t *bytes, const char **why);

/* Make a folder and those above it, mode 0700 for the new ones. False with errno set. */
bool file_make_folder(const char *path);
