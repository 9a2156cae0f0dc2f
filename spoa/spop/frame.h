#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "spop/reader.h"
#include "spop/writer.h"

/* One frame: LEN u32, type u8, flags u32, stream-id and frame-id varints, payload (SPOE.txt 3.2).
 */
enum spop_frame_type {
	SPOP_UNSET = 0, /* a fragment, which is never announced */
	SPOP_HAPROXY_HELLO = 1,
	SPOP_HAPROXY_DISCONNECT = 2,
	SPOP_NOTIFY = 3,
	SPOP_AGENT_HELLO = 101,
	SPOP_AGENT_DISCONNECT = 102,
	SPOP_ACK = 103,
};

#define SPOP_FIN 1u
#define SPOP_ABORT 2u

/* Bytes behind LEN that the shortest frame has, and the length field itself. */
#define SPOP_FRAME_MIN 7u
#define SPOP_LENGTH_BYTES 4u

/* The largest frame that is ever accepted, and the least that a HELLO may announce. */
#define SPOP_FRAME_MAX 65532u
#define SPOP_FRAME_LEAST 256u

/* Status codes of DISCONNECT (SPOE.txt 3.2.8). */
enum spop_status {
	SPOP_NORMAL = 0,
	SPOP_IO_ERROR = 1,
	SPOP_TIMEOUT = 2,
	SPOP_TOO_BIG = 3,
	SPOP_INVALID = 4,
	SPOP_NO_VERSION = 5,
	SPOP_NO_FRAME_SIZE = 6,
	SPOP_NO_CAPABILITIES = 7,
	SPOP_BAD_VERSION = 8,
	SPOP_BAD_FRAME_SIZE = 9,
	SPOP_NO_FRAGMENTATION = 10,
	SPOP_BAD_INTERLACING = 11,
	SPOP_UNKNOWN_ID = 12,
	SPOP_NO_RESOURCE = 13,
	SPOP_UNKNOWN = 99,
};

/* "normal", "frame is too big", …: the message that goes with a status. */
const char *spop_status_text(enum spop_status status);

struct spop_frame {
	uint8_t type;
	uint32_t flags;
	uint64_t stream_id, frame_id;
	struct spop_reader payload;
	size_t bytes; /* of the whole frame, LEN included */
};

enum spop_split {
	SPOP_FRAME,      /* *f is filled */
	SPOP_INCOMPLETE, /* not all there yet */
	SPOP_BROKEN,     /* *status says why; the connection is over */
};

/*
 * Split the first frame off n bytes. The length is judged as soon as its 4 bytes are there, before
 * anything is waited for: below SPOP_FRAME_MIN is SPOP_INVALID, above max is SPOP_TOO_BIG.
 */
enum spop_split spop_frame_split(
    const uint8_t *bytes, size_t n, size_t max, struct spop_frame *f, enum spop_status *status);

/*
 * Begin a frame (FIN set) and end it: spop_frame_end writes LEN. A frame that did not fit, or is
 * larger than max, is taken back, w->full is cleared, and false returned.
 */
uint8_t *spop_frame_begin(
    struct spop_writer *w, enum spop_frame_type type, uint64_t stream_id, uint64_t frame_id);
bool spop_frame_end(struct spop_writer *w, uint8_t *begin, size_t max);
