#pragma once

#include "policy/source.h"

/*
 * The files of the disk, and of policies/ as they were when the binary was built: "(data)/NAME".
 * What a file of the binary names relatively is in the binary, too, and ".." leads nowhere there.
 * Folders are no files: a pattern skips them, a name is refused. A leading period is matched by a
 * period only. Any thread may use it.
 */
const struct source *source_files(void);

#define SOURCE_DATA "(data)/"
bool source_is_data(const char *name); /* Is it one of the binary? */

#define SOURCE_MATCHES_MAX 10000u /* files that one pattern may match */
