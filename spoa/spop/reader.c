#include "spop/reader.h"

static uint64_t
fail(struct spop_reader *r)
{
	r->bad = true;
	return 0;
}

uint64_t
spop_read_varint_long(struct spop_reader *r)
{
	uint64_t value;

	if (r->bad || r->pos == r->end)
		return fail(r);
	value = *r->pos++;
	if (value < 240)
		return value;

	/* Each later byte counts whole, its "more follows" bit included. */
	for (unsigned shift = 4; shift <= 60 && r->pos < r->end; shift += 7) {
		uint8_t byte = *r->pos++;

		if (byte > (UINT64_MAX - value) >> shift)
			break;
		value += (uint64_t)byte << shift;
		if (byte < 128)
			return value;
	}
	return fail(r);
}

uint8_t
spop_read_byte(struct spop_reader *r)
{
	if (r->bad || r->pos == r->end)
		return (uint8_t)fail(r);
	return *r->pos++;
}

uint32_t
spop_read_u32(struct spop_reader *r)
{
	struct slice s = spop_read_bytes(r, 4);
	const uint8_t *b = (const uint8_t *)s.ptr;

	if (b == NULL)
		return 0;
	return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

void
spop_read_value_to(struct spop_reader *r, struct spop_value *v)
{
	uint8_t head = spop_read_byte(r);

	v->type = head & 0x0f;
	v->bytes = (struct slice){ NULL, 0 };
	switch (head & 0x0f) {
	case SPOP_NULL:
		break;
	case SPOP_BOOL:
		v->truth = (head & 0x10) != 0;
		break;
	case SPOP_INT32:
	case SPOP_UINT32:
	case SPOP_INT64:
	case SPOP_UINT64:
		v->number = (int64_t)spop_read_varint(r);
		break;
	case SPOP_IPV4:
		v->bytes = spop_read_bytes(r, 4);
		break;
	case SPOP_IPV6:
		v->bytes = spop_read_bytes(r, 16);
		break;
	case SPOP_STRING:
	case SPOP_BINARY:
		v->bytes = spop_read_string(r);
		break;
	default:
		fail(r);
	}
	if (r->bad)
		*v = (struct spop_value){ .type = SPOP_NULL, .bytes = { NULL, 0 } };
}

struct spop_value
spop_read_value(struct spop_reader *r)
{
	struct spop_value v;

	spop_read_value_to(r, &v);
	return v;
}
