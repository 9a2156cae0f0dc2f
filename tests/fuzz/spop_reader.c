/* What is read lies inside the input, and is written back as it stood there: one spelling a value.
 */
#include "spop/reader.h"

#include <assert.h>
#include <string.h>

#include "spop/writer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_same(const struct spop_writer *w, const uint8_t *buf, const uint8_t *from, const uint8_t *to)
{
	assert(!w->full);
	assert(w->pos - buf == to - from);
	assert(memcmp(buf, from, (size_t)(to - from)) == 0);
}

static void
varints(const uint8_t *data, size_t size)
{
	struct spop_reader r = { data, data + size, false };

	while (r.pos < r.end) {
		const uint8_t *from = r.pos;
		uint64_t value = spop_read_varint(&r);
		uint8_t buf[10];
		struct spop_writer w = { buf, buf + sizeof(buf), false };

		if (r.bad) {
			assert(value == 0 && spop_read_varint(&r) == 0);
			return;
		}
		spop_write_varint(&w, value);
		check_same(&w, buf, from, r.pos);
	}
}

static void
values(const uint8_t *data, size_t size)
{
	static uint8_t buf[1 << 16];
	struct spop_reader r = { data, data + size, false };

	while (r.pos < r.end) {
		const uint8_t *from = r.pos;
		struct spop_value v = spop_read_value(&r);
		struct spop_writer w = { buf, buf + sizeof(buf), false };

		assert(r.pos >= from && r.pos <= r.end);
		if (r.bad) {
			assert(v.type == SPOP_NULL && spop_read_string(&r).ptr == NULL);
			return;
		}
		spop_write_value(&w, &v);
		assert((buf[0] & 0x0f) == (from[0] & 0x0f));
		buf[0] = from[0]; /* flag bits have no meaning but for BOOL */
		check_same(&w, buf, from, r.pos);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 1 << 15)
		return 0;
	varints(data, size);
	values(data, size);
	return 0;
}
