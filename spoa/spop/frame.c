#include "spop/frame.h"

const char *
spop_status_text(enum spop_status status)
{
	switch (status) {
	case SPOP_NORMAL:
		return "normal";
	case SPOP_IO_ERROR:
		return "I/O error";
	case SPOP_TIMEOUT:
		return "a timeout occurred";
	case SPOP_TOO_BIG:
		return "frame is too big";
	case SPOP_INVALID:
		return "invalid frame received";
	case SPOP_NO_VERSION:
		return "version value not found";
	case SPOP_NO_FRAME_SIZE:
		return "max-frame-size value not found";
	case SPOP_NO_CAPABILITIES:
		return "capabilities value not found";
	case SPOP_BAD_VERSION:
		return "unsupported version";
	case SPOP_BAD_FRAME_SIZE:
		return "max-frame-size too big or too small";
	case SPOP_NO_FRAGMENTATION:
		return "fragmentation not supported";
	case SPOP_BAD_INTERLACING:
		return "invalid interlaced frames";
	case SPOP_UNKNOWN_ID:
		return "frame-id not found";
	case SPOP_NO_RESOURCE:
		return "resource allocation error";
	case SPOP_UNKNOWN:
		break;
	}
	return "unknown error";
}

static uint32_t
u32(const uint8_t *b)
{
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

enum spop_split
spop_frame_split(
    const uint8_t *bytes, size_t n, size_t max, struct spop_frame *f, enum spop_status *status)
{
	uint32_t length;

	if (n < SPOP_LENGTH_BYTES)
		return SPOP_INCOMPLETE;
	length = u32(bytes);
	if (length < SPOP_FRAME_MIN || length > max) {
		*status = length < SPOP_FRAME_MIN ? SPOP_INVALID : SPOP_TOO_BIG;
		return SPOP_BROKEN;
	}
	if (length > n - SPOP_LENGTH_BYTES)
		return SPOP_INCOMPLETE;
	/* SPOP_FRAME_MIN bytes are there: type and flags need no test. */
	f->bytes = SPOP_LENGTH_BYTES + length;
	f->type = bytes[4];
	f->flags = u32(bytes + 5);
	f->payload.pos = bytes + 9;
	f->payload.end = bytes + f->bytes;
	f->payload.bad = false;
	f->stream_id = spop_read_varint(&f->payload);
	f->frame_id = spop_read_varint(&f->payload);
	if (f->payload.bad) {
		*status = SPOP_INVALID;
		return SPOP_BROKEN;
	}
	return SPOP_FRAME;
}

uint8_t *
spop_frame_begin(
    struct spop_writer *w, enum spop_frame_type type, uint64_t stream_id, uint64_t frame_id)
{
	const uint8_t head[9] = { 0, 0, 0, 0, (uint8_t)type, 0, 0, 0, SPOP_FIN };
	uint8_t *begin = w->pos;

	spop_write_bytes(w, head, sizeof(head));
	spop_write_varint(w, stream_id);
	spop_write_varint(w, frame_id);
	return begin;
}

bool
spop_frame_end(struct spop_writer *w, uint8_t *begin, size_t max)
{
	size_t length = (size_t)(w->pos - begin);

	/* Past 4 GiB LEN could not say it; no max of ours is near. */
	if (w->full || length - SPOP_LENGTH_BYTES > max || length > UINT32_MAX) {
		w->pos = begin;
		w->full = false;
		return false;
	}
	length -= SPOP_LENGTH_BYTES;
	for (unsigned i = 0; i < SPOP_LENGTH_BYTES; i++)
		begin[i] = (uint8_t)(length >> (24 - 8 * i));
	return true;
}
