#include "spop/frame.h"

#include <string.h>

#include "unit/spop/bytes.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name, *in;
	size_t max;
	enum spop_split want;
	enum spop_status status; /* of a broken one */
	uint8_t type;
	uint32_t flags;
	uint64_t stream_id, frame_id;
	size_t bytes, payload;
} splits[] = {
	{ "nothing", "", 16380, SPOP_INCOMPLETE, 0, 0, 0, 0, 0, 0, 0 },
	{ "3 bytes of LEN", "000000", 16380, SPOP_INCOMPLETE, 0, 0, 0, 0, 0, 0, 0 },
	{ "LEN alone", "00000007", 16380, SPOP_INCOMPLETE, 0, 0, 0, 0, 0, 0, 0 },
	{ "one short", "00000007030000000100", 16380, SPOP_INCOMPLETE, 0, 0, 0, 0, 0, 0, 0 },
	{ "LEN 0", "00000000", 16380, SPOP_BROKEN, SPOP_INVALID, 0, 0, 0, 0, 0, 0 },
	{ "LEN 6", "00000006", 16380, SPOP_BROKEN, SPOP_INVALID, 0, 0, 0, 0, 0, 0 },
	{ "LEN at max", "00000100", 256, SPOP_INCOMPLETE, 0, 0, 0, 0, 0, 0, 0 },
	{ "LEN above max", "00000101", 256, SPOP_BROKEN, SPOP_TOO_BIG, 0, 0, 0, 0, 0, 0 },
	{ "LEN 2^32 - 1", "ffffffff", 65532, SPOP_BROKEN, SPOP_TOO_BIG, 0, 0, 0, 0, 0, 0 },
	{ "GET /", "474554202f", 16380, SPOP_BROKEN, SPOP_TOO_BIG, 0, 0, 0, 0, 0, 0 },
	{ "shortest", "0000000703000000010000", 16380, SPOP_FRAME, 0, 3, SPOP_FIN, 0, 0, 11, 0 },
	{ "ids of 64 bits", "000000190300000001fff0fefefefefefefe0ef0f1fefefefefefefe06", 16380,
	    SPOP_FRAME, 0, 3, SPOP_FIN, UINT64_MAX, UINT64_C(1) << 63, 29, 0 },
	{ "stream-id beyond 64 bits", "0000001003000000010ff0f1fefefefefefefe0e", 16380,
	    SPOP_BROKEN, SPOP_INVALID, 0, 0, 0, 0, 0, 0 },
	{ "ids cut by the frame's end", "00000007030000000100f000", 16380, SPOP_BROKEN,
	    SPOP_INVALID, 0, 0, 0, 0, 0, 0 },
	{ "ABORT, and one byte more", "000000070000000003020100", 16380, SPOP_FRAME, 0, SPOP_UNSET,
	    SPOP_FIN | SPOP_ABORT, 2, 1, 11, 0 },
	{ "payload", "0000000d03000000000201026d312e2e2e", 16380, SPOP_FRAME, 0, 3, 0, 2, 1, 17,
	    6 },
	{ "all flag bits", "0000000703ffffffff0000", 16380, SPOP_FRAME, 0, 3, UINT32_MAX, 0, 0, 11,
	    0 },
};

static void
split(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(splits); i++) {
		uint8_t in[64];
		size_t n = unhex(splits[i].in, in, sizeof(in));
		struct spop_frame f = { 0 };
		enum spop_status status = SPOP_UNKNOWN;
		enum spop_split got = spop_frame_split(in, n, splits[i].max, &f, &status);

		if (got != splits[i].want)
			fail_msg("%s: got %d", splits[i].name, got);
		if (got == SPOP_BROKEN && status != splits[i].status)
			fail_msg("%s: status %d", splits[i].name, status);
		if (got != SPOP_FRAME)
			continue;
		if (f.type != splits[i].type || f.flags != splits[i].flags ||
		    f.stream_id != splits[i].stream_id || f.frame_id != splits[i].frame_id ||
		    f.bytes != splits[i].bytes || f.payload.bad ||
		    (size_t)(f.payload.end - f.payload.pos) != splits[i].payload ||
		    f.payload.end != in + f.bytes)
			fail_msg("%s: type %u, flags %x, ids %ju %ju, %zu bytes", splits[i].name,
			    f.type, f.flags, (uintmax_t)f.stream_id, (uintmax_t)f.frame_id,
			    f.bytes);
	}
}

static const struct {
	const char *name;
	uint64_t stream_id, frame_id;
	bool action;
	const char *want;
} acks[] = {
	{ "verdict 1", 1, 1, true, "000000146700000001010101030207766572646963740401" },
	{ "no action", 300, 1, false, "000000086700000001fc0301" },
	{ "stream 0", 0, 1, false, "0000000767000000010001" },
	{ "largest ids", UINT64_MAX, UINT64_MAX, false,
	    "000000196700000001fff0fefefefefefefe0efff0fefefefefefefe0e" },
};

static void
ack(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(acks); i++) {
		uint8_t buf[64], *begin;
		struct spop_writer w = { buf, buf + sizeof(buf), false };

		begin = spop_frame_begin(&w, SPOP_ACK, acks[i].stream_id, acks[i].frame_id);
		if (acks[i].action)
			spop_write_set_number(&w, SLICE("verdict"), 1);
		assert_true(spop_frame_end(&w, begin, 8192));
		same_bytes(acks[i].name, buf, (size_t)(w.pos - buf), acks[i].want);
	}
}

/* A second frame of 24 bytes in each room and under each max: whole, or as if it never was. */
static void
taken_back(void **state)
{
	(void)state;
	for (size_t room = 0; room <= 30; room++) {
		for (size_t max = 0; max <= 24; max++) {
			uint8_t buf[64], *first, *second;
			struct spop_writer w = { buf, buf + 11 + room, false };
			bool fits = room >= 24 && max >= 20;

			first = spop_frame_begin(&w, SPOP_ACK, 0, 1);
			assert_true(spop_frame_end(&w, first, 7));
			second = spop_frame_begin(&w, SPOP_ACK, 1, 1);
			spop_write_set_number(&w, SLICE("verdict"), 1);
			assert_int_equal(spop_frame_end(&w, second, max), fits);
			assert_false(w.full);
			assert_ptr_equal(w.pos, buf + 11 + (fits ? 24 : 0));
			same_bytes("first", buf, 11, "0000000767000000010001");
		}
	}
}

static void
status_text(void **state)
{
	(void)state;
	for (int i = 0; i <= SPOP_NO_RESOURCE; i++)
		for (int j = 0; j < i; j++)
			assert_string_not_equal(spop_status_text((enum spop_status)i),
			    spop_status_text((enum spop_status)j));
	assert_string_equal(spop_status_text(SPOP_NORMAL), "normal");
	assert_string_equal(spop_status_text(SPOP_TOO_BIG), "frame is too big");
	assert_string_equal(spop_status_text(SPOP_UNKNOWN), "unknown error");
	assert_string_equal(spop_status_text((enum spop_status)50), "unknown error");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(split),
		cmocka_unit_test(ack),
		cmocka_unit_test(taken_back),
		cmocka_unit_test(status_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
