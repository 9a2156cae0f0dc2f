#pragma once

#include <stdbool.h>

#include "base/problem.h"
#include "token/key.h"

/*
 * The key file is STATE_DIR/key, mode 0600, made on the first run. It is never made anew where one
 * stands, readable or not: a new key would void every pass. Errors say what to do; false then.
 */
bool keyfile_load(const char *state_dir, struct keyring *keys, struct problems *p);

/*
 * Put a fresh key in front, keep the one before it, drop older ones. The running daemon takes it up
 * on reload.
 */
bool keyfile_rotate(const char *state_dir, struct problems *p);
