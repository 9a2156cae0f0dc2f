#pragma once

#include "base/text.h"
#include "cli/scrape.h"

#define TOP_BYTES_MAX 65536u

/* What a line may begin with, which is not shown. */
#define TOP_HEAD '\1'
#define TOP_ALARM '\2'

/* What `ammit top` shows: rates since `before`, seconds ago; NULL: averages since the start. Lines
 * are at most 80 wide but for names. */
void top_table(
    const struct scrape *now, const struct scrape *before, double seconds, struct text *out);
