#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * A bounds-checked cursor over the payload of one SPOP frame. It borrows the
 * bytes and never allocates. The first read that fails sets `bad`, and from
 * then on every read returns 0: decode all the fields, then test `bad` once.
 */
struct spop_reader {
	const uint8_t *pos, *end;
	bool bad;
};

/* Types of typed data (HAProxy SPOE.txt, 3.1); 10 to 15 are reserved and have no known length. */
enum spop_type {
	SPOP_NULL,
	SPOP_BOOL,
	SPOP_INT32,
	SPOP_UINT32,
	SPOP_INT64,
	SPOP_UINT64,
	SPOP_IPV4,
	SPOP_IPV6,
	SPOP_STRING,
	SPOP_BINARY,
};

/* One typed value. Integers of all four types are the 64 bits of the wire. */
struct spop_value {
	enum spop_type type;
	union {
		bool truth;
		int64_t number;
		struct slice
		    bytes; /* STRING, BINARY, and IPV4 (4 bytes), IPV6 (16) in network order */
	};
};

/*
 * Read a varint: 1 to 10 bytes, any uint64_t (HAProxy SPOE.txt, 3.1).
 * The result has its field's unit: bytes for a length, none for an id.
 * Fails if the frame ends first or the value would pass UINT64_MAX.
 * Nearly all have one byte, hence the inline half.
 */
uint64_t spop_read_varint_long(struct spop_reader *r);

static inline uint64_t
spop_read_varint(struct spop_reader *r)
{
	if (!r->bad && r->pos != r->end && *r->pos < 240)
		return *r->pos++;
	return spop_read_varint_long(r);
}

uint8_t spop_read_byte(struct spop_reader *r);
uint32_t spop_read_u32(struct spop_reader *r); /* network order */

/* The next n bytes; {NULL, 0} on failure. */
static inline struct slice
spop_read_bytes(struct spop_reader *r, uint64_t n)
{
	struct slice s = { NULL, 0 };

	if (r->bad || n > (size_t)(r->end - r->pos)) {
		r->bad = true;
		return s;
	}
	s.ptr = (const char *)r->pos;
	s.len = (size_t)n;
	r->pos += n;
	return s;
}

/* A varint length and as many bytes; {NULL, 0} on failure. */
static inline struct slice
spop_read_string(struct spop_reader *r)
{
	uint64_t n = spop_read_varint(r);

	return spop_read_bytes(r, n);
}

/*
 * Any typed value; the flag bits of a BOOL are its value, all other flag bits are ignored. NULL on
 * failure. The first form is for the verdict path: it fills *v in place.
 */
void spop_read_value_to(struct spop_reader *r, struct spop_value *v);
struct spop_value spop_read_value(struct spop_reader *r);
