/*
 * The encoder: the input is a list of things to write. They are framed, read back and compared;
 * then written into every room that is too small, which must leave nothing behind.
 */
#include "spop/writer.h"

#include <assert.h>
#include <string.h>

#include "spop/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OPS_MAX 64u

enum kind { BYTE, VARINT, STRING, VALUE, PAIR_STRING, PAIR_U32, SET_STRING, SET_NUMBER, KINDS };

struct op {
	enum kind kind;
	struct slice name;
	struct spop_value value; /* its number is also that of BYTE, VARINT, PAIR_U32, SET_NUMBER */
};

static struct slice
cut(const uint8_t **p, const uint8_t *end, size_t n)
{
	struct slice s = { (const char *)*p, n < (size_t)(end - *p) ? n : (size_t)(end - *p) };

	*p += s.len;
	return s;
}

static int64_t
number(const uint8_t **p, const uint8_t *end)
{
	size_t most = *p < end ? 1 + *(*p)++ % 8u : 0;
	struct slice s = cut(p, end, most);
	uint64_t n = 0;

	for (size_t i = 0; i < s.len; i++)
		n = n << 8 | (uint8_t)s.ptr[i];
	return (int64_t)n;
}

static unsigned
byte(const uint8_t **p, const uint8_t *end)
{
	return *p < end ? *(*p)++ : 0;
}

static struct op
next_op(const uint8_t **p, const uint8_t *end)
{
	static const char zeros[16];
	struct op op = { .kind = byte(p, end) % KINDS };

	op.name = cut(p, end, byte(p, end) % 32);
	op.value.type = byte(p, end) % (SPOP_BINARY + 1);
	if (op.kind == VALUE && op.value.type >= SPOP_IPV4) {
		size_t n = op.value.type == SPOP_IPV4   ? 4
			   : op.value.type == SPOP_IPV6 ? 16
							: byte(p, end) * 2;

		op.value.bytes = cut(p, end, n);
		if (op.value.type <= SPOP_IPV6 && op.value.bytes.len < n)
			op.value.bytes = (struct slice){ zeros, n };
	} else if (op.kind == VALUE && op.value.type == SPOP_BOOL) {
		op.value.truth = byte(p, end) & 1;
	} else {
		op.value.number = number(p, end);
	}
	return op;
}

static void
write_op(struct spop_writer *w, const struct op *op)
{
	switch (op->kind) {
	case BYTE:
		spop_write_byte(w, (uint8_t)op->value.number);
		return;
	case VARINT:
		spop_write_varint(w, (uint64_t)op->value.number);
		return;
	case STRING:
		spop_write_string(w, op->name);
		return;
	case VALUE:
		spop_write_value(w, &op->value);
		return;
	case PAIR_STRING:
		spop_write_pair_string(w, op->name, op->name);
		return;
	case PAIR_U32:
		spop_write_pair_u32(w, op->name, (uint32_t)op->value.number);
		return;
	case SET_STRING:
		spop_write_set_string(w, op->name, op->name);
		return;
	default:
		spop_write_set_number(w, op->name, op->value.number);
	}
}

static void
same_value(struct spop_reader *r, const struct op *op)
{
	struct spop_value v = spop_read_value(r);

	assert(v.type == op->value.type);
	if (v.type == SPOP_BOOL)
		assert(v.truth == op->value.truth);
	else if (v.type >= SPOP_IPV4)
		assert(slice_equal(v.bytes, op->value.bytes));
	else if (v.type != SPOP_NULL)
		assert(v.number == op->value.number);
}

static void
same_number(struct spop_reader *r, enum spop_type type, int64_t want)
{
	struct spop_value v = spop_read_value(r);

	assert(v.type == type && v.number == want);
}

static void
read_op(struct spop_reader *r, const struct op *op)
{
	if (op->kind == SET_STRING || op->kind == SET_NUMBER)
		assert(spop_read_byte(r) == 1 && spop_read_byte(r) == 3 && spop_read_byte(r) == 2);
	if (op->kind >= PAIR_STRING || op->kind == STRING)
		assert(slice_equal(spop_read_string(r), op->name));
	if (op->kind == BYTE)
		assert(spop_read_byte(r) == (uint8_t)op->value.number);
	else if (op->kind == VARINT)
		assert(spop_read_varint(r) == (uint64_t)op->value.number);
	else if (op->kind == VALUE)
		same_value(r, op);
	else if (op->kind == PAIR_U32)
		same_number(r, SPOP_UINT32, (uint32_t)op->value.number);
	else if (op->kind == SET_NUMBER)
		same_number(r, SPOP_INT64, op->value.number);
	else if (op->kind != STRING)
		assert(slice_equal(spop_read_value(r).bytes, op->name));
	assert(!r->bad);
}

static bool
write_frame(struct spop_writer *w, const struct op *ops, unsigned count, size_t max)
{
	uint8_t *begin =
	    spop_frame_begin(w, SPOP_ACK, ops[0].name.len * UINT64_C(0x123456789abcdef), count);

	for (unsigned i = 0; i < count; i++)
		write_op(w, &ops[i]);
	return spop_frame_end(w, begin, max);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t whole[1 << 16], small[1 << 16];
	const uint8_t *p = data, *end = data + size;
	struct op ops[OPS_MAX];
	unsigned count = 0;
	struct spop_writer w = { whole, whole + sizeof(whole), false };
	struct spop_frame f;
	enum spop_status status;
	size_t n;

	while (count < OPS_MAX && p < end)
		ops[count++] = next_op(&p, end);
	if (count == 0)
		return 0;
	assert(write_frame(&w, ops, count, sizeof(whole)));
	n = (size_t)(w.pos - whole);
	assert(spop_frame_split(whole, n, sizeof(whole), &f, &status) == SPOP_FRAME);
	assert(f.bytes == n && f.type == SPOP_ACK && f.flags == SPOP_FIN && f.frame_id == count);
	assert(f.stream_id == ops[0].name.len * UINT64_C(0x123456789abcdef));
	for (unsigned i = 0; i < count; i++)
		read_op(&f.payload, &ops[i]);
	assert(f.payload.pos == f.payload.end);

	for (size_t room = n > 600 ? n - 600 : 0; room <= n; room++) {
		w = (struct spop_writer){ small, small + room, false };
		small[room] = 0xa5;
		assert(write_frame(&w, ops, count, n) == (room == n));
		assert(!w.full && w.pos == small + (room == n ? n : 0) && small[room] == 0xa5);
	}
	assert(memcmp(small, whole, n) == 0);
	w = (struct spop_writer){ small, small + sizeof(small), false };
	assert(!write_frame(&w, ops, count, n - SPOP_LENGTH_BYTES - 1) && w.pos == small);
	return 0;
}
