#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/problem.h"
#include "daemon/watch.h"
#include "token/key.h"

/*
 * The key file is STATE_DIR/key, mode 0600, made on the first run. It is never made anew where one
 * stands, readable or not: a new key would void every pass. Errors say what to do; false then.
 *
 * One that root owns may be readable by its group (0440, 0640): so a manager of services hands a
 * secret to whom it runs, and no mode is left that would be stricter.
 */
bool keyfile_load(const char *state_dir, struct keyring *keys, struct problems *p);

/*
 * Put a fresh key in front, keep the one before it, drop older ones. The running daemon takes it up
 * on reload.
 */
bool keyfile_rotate(const char *state_dir, struct problems *p);

/* Where it is; false: the path is too long. */
bool keyfile_path(const char *state_dir, char *out, size_t room);

/* May others than its owner read or write it, where `reader` is who loads it? */
bool keyfile_is_open(const struct stat *st, uid_t reader);

/* Note the key file. */
void keyfile_watch(const char *state_dir, struct watch *w);
