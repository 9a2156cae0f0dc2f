#include "spop/writer.h"

#include <assert.h>
#include <string.h>

/* Room for n bytes, now the caller's; NULL sets full. */
static uint8_t *
claim(struct spop_writer *w, size_t n)
{
	uint8_t *p = w->pos;

	if (w->full || n > (size_t)(w->end - p)) {
		w->full = true;
		return NULL;
	}
	w->pos += n;
	return p;
}

void
spop_write_bytes(struct spop_writer *w, const void *bytes, size_t n)
{
	uint8_t *p = claim(w, n);

	if (p != NULL && n > 0)
		memcpy(p, bytes, n);
}

void
spop_write_byte(struct spop_writer *w, uint8_t value)
{
	uint8_t *p = claim(w, 1);

	if (p != NULL)
		*p = value;
}

static void
varint_long(struct spop_writer *w, uint64_t value)
{
	uint8_t buf[10];
	size_t n = 0;

	buf[n++] = (uint8_t)(0xf0 | value);
	value = (value - 240) >> 4;
	while (value >= 128) {
		buf[n++] = (uint8_t)(0x80 | value);
		value = (value - 128) >> 7;
	}
	buf[n++] = (uint8_t)value;
	spop_write_bytes(w, buf, n);
}

void
spop_write_varint(struct spop_writer *w, uint64_t value)
{
	if (value < 240)
		spop_write_byte(w, (uint8_t)value);
	else
		varint_long(w, value);
}

void
spop_write_string(struct spop_writer *w, struct slice s)
{
	spop_write_varint(w, s.len);
	spop_write_bytes(w, s.ptr, s.len);
}

void
spop_write_value(struct spop_writer *w, const struct spop_value *v)
{
	switch (v->type) {
	case SPOP_NULL:
		spop_write_byte(w, SPOP_NULL);
		return;
	case SPOP_BOOL:
		spop_write_byte(w, v->truth ? 0x10 | SPOP_BOOL : SPOP_BOOL);
		return;
	case SPOP_INT32:
	case SPOP_UINT32:
	case SPOP_INT64:
	case SPOP_UINT64:
		/* A negative INT32 is on the wire as it is here: 64 bits, sign-extended. */
		spop_write_byte(w, (uint8_t)v->type);
		spop_write_varint(w, (uint64_t)v->number);
		return;
	case SPOP_IPV4:
	case SPOP_IPV6:
		assert(v->bytes.len == (v->type == SPOP_IPV4 ? 4 : 16));
		spop_write_byte(w, (uint8_t)v->type);
		spop_write_bytes(w, v->bytes.ptr, v->bytes.len);
		return;
	case SPOP_STRING:
	case SPOP_BINARY:
		spop_write_byte(w, (uint8_t)v->type);
		spop_write_string(w, v->bytes);
		return;
	}
	assert(false);
}

void
spop_write_pair_string(struct spop_writer *w, struct slice key, struct slice value)
{
	spop_write_string(w, key);
	spop_write_byte(w, SPOP_STRING);
	spop_write_string(w, value);
}

void
spop_write_pair_u32(struct spop_writer *w, struct slice key, uint32_t value)
{
	spop_write_string(w, key);
	spop_write_byte(w, SPOP_UINT32);
	spop_write_varint(w, value);
}

static void
set_var(struct spop_writer *w, struct slice name)
{
	static const uint8_t set_txn[3] = { 1, 3, 2 };

	spop_write_bytes(w, set_txn, sizeof(set_txn));
	spop_write_string(w, name);
}

void
spop_write_set_string(struct spop_writer *w, struct slice name, struct slice value)
{
	set_var(w, name);
	spop_write_byte(w, SPOP_STRING);
	spop_write_string(w, value);
}

void
spop_write_set_number(struct spop_writer *w, struct slice name, int64_t value)
{
	set_var(w, name);
	spop_write_byte(w, SPOP_INT64);
	spop_write_varint(w, (uint64_t)value);
}
