#pragma once

#include "base/slice.h"
#include "base/text.h"
#include "daemon/worker.h"

/*
 * The DNS caches of all workers, each asked on its own thread. A line an answer:
 * TYPE NAME STATE SECONDS-LEFT RECORD…; then one with the sizes, behind a #. Both block, for a
 * second a worker at most.
 */

/* Of names with `part` in them. As much as fits in `out`, which says so if it was too little.
 * False: a worker did not answer, which is said. */
bool dns_table_write(struct worker *workers, unsigned count, struct slice part, struct text *out);

/* False: a worker did not answer; it may do so later. */
bool dns_table_flush(struct worker *workers, unsigned count, struct text *out);
