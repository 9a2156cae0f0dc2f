#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "spop/reader.h"

/*
 * Writes SPOP frames into a buffer of fixed size. The first write that does not fit sets `full`,
 * and from then on nothing is written: build the whole frame, then test once with
 * spop_frame_end, which takes an unfinished frame back.
 */
struct spop_writer {
	uint8_t *pos, *end;
	bool full;
};

void spop_write_bytes(struct spop_writer *w, const void *bytes, size_t n);
void spop_write_byte(struct spop_writer *w, uint8_t value);
void spop_write_varint(struct spop_writer *w, uint64_t value);
void spop_write_string(struct spop_writer *w, struct slice s);
void spop_write_value(struct spop_writer *w, const struct spop_value *v);

/* Key and value of a HELLO or DISCONNECT payload. */
void spop_write_pair_string(struct spop_writer *w, struct slice key, struct slice value);
void spop_write_pair_u32(struct spop_writer *w, struct slice key, uint32_t value);

/* Action set-var in scope txn (SPOE.txt 3.2.6: type 1, 3 arguments, scope 2). */
void spop_write_set_string(struct spop_writer *w, struct slice name, struct slice value);
void spop_write_set_number(struct spop_writer *w, struct slice name, int64_t value);
