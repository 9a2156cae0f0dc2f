#include "spop/writer.h"

#include <string.h>

#include "unit/spop/bytes.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	uint64_t in;
	const char *want;
} varints[] = {
	{ 0, "00" },
	{ 1, "01" },
	{ 127, "7f" },
	{ 128, "80" },
	{ 239, "ef" },
	{ 240, "f000" },
	{ 255, "ff00" },
	{ 256, "f001" },
	{ 1000, "f82f" },
	{ 2287, "ff7f" },
	{ 2288, "f08000" },
	{ 16380, "fcf006" },
	{ 65535, "fff01e" },
	{ 264431, "ffff7f" },
	{ 264432, "f0808000" },
	{ 1048576, "f0f1fe02" },
	{ 33818863, "ffffff7f" },
	{ 33818864, "f080808000" },
	{ 2147483647, "fff0fefe3e" },
	{ 2147483648, "f0f1fefe3e" },
	{ UINT32_MAX, "fff0fefe7e" },
	{ UINT32_MAX + UINT64_C(1), "f0f1fefe7e" },
	{ 4328786159, "ffffffff7f" },
	{ 4328786160, "f08080808000" },
	{ INT64_MAX, "fff0fefefefefefefe06" },
	{ UINT64_C(1) << 63, "f0f1fefefefefefefe06" },
	{ UINT64_MAX, "fff0fefefefefefefe0e" },
};

static void
varint(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(varints); i++) {
		uint8_t buf[10];
		struct spop_writer w = { buf, buf + sizeof(buf), false };

		spop_write_varint(&w, varints[i].in);
		assert_false(w.full);
		same_bytes(varints[i].want, buf, (size_t)(w.pos - buf), varints[i].want);
	}
}

static const struct {
	const char *name;
	struct spop_value in;
	const char *want;
} values[] = {
	{ "NULL", { .type = SPOP_NULL }, "00" },
	{ "BOOL false", { .type = SPOP_BOOL, .truth = false }, "01" },
	{ "BOOL true", { .type = SPOP_BOOL, .truth = true }, "11" },
	{ "INT32 0", { .type = SPOP_INT32, .number = 0 }, "0200" },
	{ "INT32 -1", { .type = SPOP_INT32, .number = -1 }, "02fff0fefefefefefefe0e" },
	{ "UINT32", { .type = SPOP_UINT32, .number = 16380 }, "03fcf006" },
	{ "INT64 240", { .type = SPOP_INT64, .number = 240 }, "04f000" },
	{ "INT64 -1", { .type = SPOP_INT64, .number = -1 }, "04fff0fefefefefefefe0e" },
	{ "UINT64", { .type = SPOP_UINT64, .number = -1 }, "05fff0fefefefefefefe0e" },
	{ "IPV4", { .type = SPOP_IPV4, .bytes = { "\x7f\0\0\1", 4 } }, "067f000001" },
	{ "IPV6", { .type = SPOP_IPV6, .bytes = { "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16 } },
	    "0700000000000000000000000000000001" },
	{ "STRING", { .type = SPOP_STRING, .bytes = { "GET", 3 } }, "0803474554" },
	{ "STRING, empty", { .type = SPOP_STRING, .bytes = { NULL, 0 } }, "0800" },
	{ "BINARY", { .type = SPOP_BINARY, .bytes = { "\0\1\2", 3 } }, "0903000102" },
};

static void
value(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		uint8_t buf[32];
		struct spop_writer w = { buf, buf + sizeof(buf), false };

		spop_write_value(&w, &values[i].in);
		assert_false(w.full);
		same_bytes(values[i].name, buf, (size_t)(w.pos - buf), values[i].want);
	}
}

static void
actions_and_pairs(void **state)
{
	uint8_t buf[128];
	struct spop_writer w = { buf, buf + sizeof(buf), false };

	(void)state;
	spop_write_set_number(&w, SLICE("verdict"), 2);
	spop_write_set_string(&w, SLICE("reason"), SLICE("ua"));
	spop_write_pair_u32(&w, SLICE("max-frame-size"), 16380);
	spop_write_pair_string(&w, SLICE("version"), SLICE("2.0"));
	assert_false(w.full);
	same_bytes("actions", buf, (size_t)(w.pos - buf),
	    "010302077665726469637404020103020672656173"
	    "6f6e08027561"
	    "0e6d61782d6672616d652d73697a6503fcf006"
	    "0776657273696f6e0803322e30");
}

static void
set_all(struct spop_writer *w)
{
	struct spop_value v4 = { .type = SPOP_IPV4, .bytes = { "\x7f\0\0\1", 4 } };

	spop_write_set_string(w, SLICE("rule"), SLICE("generic"));
	spop_write_set_number(w, SLICE("weight"), 1000);
	spop_write_value(w, &v4);
	spop_write_byte(w, 7);
}

/* In every room that is too small: full, and no byte behind the end is touched. */
static void
full_stays(void **state)
{
	uint8_t whole[64], buf[64];
	struct spop_writer w = { whole, whole + sizeof(whole), false };
	size_t n;

	(void)state;
	set_all(&w);
	assert_false(w.full);
	n = (size_t)(w.pos - whole);
	for (size_t room = 0; room <= n; room++) {
		memset(buf, 0xa5, sizeof(buf));
		w = (struct spop_writer){ buf, buf + room, false };
		set_all(&w);
		assert_int_equal(w.full, room < n);
		assert_true((size_t)(w.pos - buf) <= room);
		assert_memory_equal(buf, whole, (size_t)(w.pos - buf));
		for (size_t i = room; i < sizeof(buf); i++)
			assert_int_equal(buf[i], 0xa5);
	}
}

/* A write that would fit does not follow one that did not. */
static void
nothing_after_full(void **state)
{
	uint8_t buf[3];
	struct spop_writer w = { buf, buf + sizeof(buf), false };

	(void)state;
	spop_write_string(&w, SLICE("abc"));
	assert_true(w.full);
	spop_write_byte(&w, 1);
	assert_true(w.full);
	assert_ptr_equal(w.pos, buf + 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varint),
		cmocka_unit_test(value),
		cmocka_unit_test(actions_and_pairs),
		cmocka_unit_test(full_stays),
		cmocka_unit_test(nothing_after_full),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
