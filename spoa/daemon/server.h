#pragma once

#include "daemon/options.h"

/*
 * The daemon: main thread (signals, accepting), verdict workers, challenge loop. Returns the exit
 * status: 0 after a drain, 1 when it could not start; then everything that was wrong stands on
 * stderr and nothing was left running.
 */
int server_run(const struct options *o);
