#include "spop/reader.h"

#include <string.h>

#include "unit/spop/bytes.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name, *in;
	uint64_t want;
	bool bad;
} varints[] = {
	{ "0", "00", 0, false },
	{ "1", "01", 1, false },
	{ "128, still one byte", "80", 128, false },
	{ "239, last of one", "ef", 239, false },
	{ "240, first of two", "f000", 240, false },
	{ "241", "f100", 241, false },
	{ "255", "ff00", 255, false },
	{ "256", "f001", 256, false },
	{ "1000", "f82f", 1000, false },
	{ "2287, last of two", "ff7f", 2287, false },
	{ "2288, first of three", "f08000", 2288, false },
	{ "2289", "f18000", 2289, false },
	{ "16380", "fcf006", 16380, false },
	{ "65535", "fff01e", 65535, false },
	{ "264431", "ffff7f", 264431, false },
	{ "264432", "f0808000", 264432, false },
	{ "1048576", "f0f1fe02", 1048576, false },
	{ "33818863", "ffffff7f", 33818863, false },
	{ "33818864", "f080808000", 33818864, false },
	{ "2^31 - 1", "fff0fefe3e", 2147483647, false },
	{ "2^32 - 1", "fff0fefe7e", UINT32_MAX, false },
	{ "2^32", "f0f1fefe7e", UINT32_MAX + UINT64_C(1), false },
	{ "4328786159", "ffffffff7f", 4328786159, false },
	{ "4328786160", "f08080808000", 4328786160, false },
	{ "2^63 - 1", "fff0fefefefefefefe06", INT64_MAX, false },
	{ "2^63", "f0f1fefefefefefefe06", UINT64_C(1) << 63, false },
	{ "2^64 - 1", "fff0fefefefefefefe0e", UINT64_MAX, false },
	{ "2^64", "f0f1fefefefefefefe0e", 0, true },
	{ "overflow in the last byte", "fff0fefefefefefefe0f", 0, true },
	{ "ten bytes that go on", "fffffffffffffffffffe", 0, true },
	{ "eleven bytes", "f08080808080808080808000", 0, true },
	{ "empty", "", 0, true },
	{ "cut after the first", "f0", 0, true },
	{ "cut later", "f080", 0, true },
};

static void
varint(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(varints); i++) {
		uint8_t in[32];
		size_t n = unhex(varints[i].in, in, sizeof(in));
		struct spop_reader r = { in, in + n, false };
		uint64_t got = spop_read_varint(&r);

		if (got != varints[i].want || r.bad != varints[i].bad)
			fail_msg("%s: got %ju, bad %d", varints[i].name, (uintmax_t)got, r.bad);
		if (!r.bad && r.pos != r.end)
			fail_msg("%s: %td bytes left", varints[i].name, r.end - r.pos);
	}
}

static const struct {
	const char *name, *in;
	bool bad;
	enum spop_type type;
	int64_t number; /* of a number or truth */
	const char *bytes;
} values[] = {
	{ "NULL", "00", false, SPOP_NULL, 0, "" },
	{ "NULL with flag bits", "f0", false, SPOP_NULL, 0, "" },
	{ "BOOL false", "01", false, SPOP_BOOL, 0, "" },
	{ "BOOL true", "11", false, SPOP_BOOL, 1, "" },
	{ "BOOL, other bits are no truth", "21", false, SPOP_BOOL, 0, "" },
	{ "BOOL true, other bits too", "f1", false, SPOP_BOOL, 1, "" },
	{ "INT32 0", "0200", false, SPOP_INT32, 0, "" },
	{ "INT32 -1", "02fff0fefefefefefefe0e", false, SPOP_INT32, -1, "" },
	{ "INT32 as 32 bits is not -1", "02fff0fefe7e", false, SPOP_INT32, UINT32_MAX, "" },
	{ "UINT32 16380", "03fcf006", false, SPOP_UINT32, 16380, "" },
	{ "INT64 5", "0405", false, SPOP_INT64, 5, "" },
	{ "INT64 240", "04f000", false, SPOP_INT64, 240, "" },
	{ "INT64 largest", "04fff0fefefefefefefe06", false, SPOP_INT64, INT64_MAX, "" },
	{ "UINT64 largest", "05fff0fefefefefefefe0e", false, SPOP_UINT64, -1, "" },
	{ "IPV4", "067f000001", false, SPOP_IPV4, 0, "7f000001" },
	{ "IPV6, a circuit", "07fc00deadbeef4dad000000000000029a", false, SPOP_IPV6, 0,
	    "fc00deadbeef4dad000000000000029a" },
	{ "STRING", "0803474554", false, SPOP_STRING, 0, "474554" },
	{ "STRING, empty", "0800", false, SPOP_STRING, 0, "" },
	{ "STRING with flag bits", "180141", false, SPOP_STRING, 0, "41" },
	{ "BINARY", "0903000102", false, SPOP_BINARY, 0, "000102" },
	{ "nothing", "", true, SPOP_NULL, 0, "" },
	{ "number cut", "04f0", true, SPOP_NULL, 0, "" },
	{ "number missing", "03", true, SPOP_NULL, 0, "" },
	{ "IPV4 cut", "067f0000", true, SPOP_NULL, 0, "" },
	{ "IPV6, a network", "07fc00deadbeef4dad0000000000000000", false, SPOP_IPV6, 0,
	    "fc00deadbeef4dad0000000000000000" },
	{ "IPV6 one short", "07fc00deadbeef4dad00000000000000", true, SPOP_NULL, 0, "" },
	{ "STRING one short", "08034745", true, SPOP_NULL, 0, "" },
	{ "STRING without length", "08", true, SPOP_NULL, 0, "" },
	{ "STRING of 2^64 - 1", "08fff0fefefefefefefe0e41", true, SPOP_NULL, 0, "" },
	{ "STRING of 2^63", "08f0f1fefefefefefefe0641", true, SPOP_NULL, 0, "" },
	{ "type 10", "0a00", true, SPOP_NULL, 0, "" },
	{ "type 11", "0b00", true, SPOP_NULL, 0, "" },
	{ "type 12", "1c00", true, SPOP_NULL, 0, "" },
	{ "type 13", "0d00", true, SPOP_NULL, 0, "" },
	{ "type 14", "0e00", true, SPOP_NULL, 0, "" },
	{ "type 15", "ff00", true, SPOP_NULL, 0, "" },
};

static void
value(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(values); i++) {
		uint8_t in[64];
		size_t n = unhex(values[i].in, in, sizeof(in));
		struct spop_reader r = { in, in + n, false };
		struct spop_value v = spop_read_value(&r);

		if (r.bad != values[i].bad || v.type != values[i].type)
			fail_msg("%s: bad %d, type %d", values[i].name, r.bad, v.type);
		if (!r.bad && r.pos != r.end)
			fail_msg("%s: not read to its end", values[i].name);
		if (v.type == SPOP_BOOL)
			assert_int_equal(v.truth, values[i].number);
		else if (v.type >= SPOP_INT32 && v.type <= SPOP_UINT64)
			assert_true(v.number == values[i].number);
		else
			same_bytes(values[i].name, (const uint8_t *)v.bytes.ptr, v.bytes.len,
			    values[i].bytes);
	}
}

static void
long_string(void **state)
{
	uint8_t in[243] = { 0x08, 0xf0, 0x00 };
	struct spop_reader r = { in, in + sizeof(in), false };
	struct spop_value v;

	(void)state;
	memset(in + 3, 'a', 240);
	v = spop_read_value(&r);
	assert_false(r.bad);
	assert_int_equal(v.bytes.len, 240);
	assert_ptr_equal(v.bytes.ptr, in + 3);
	assert_ptr_equal(r.pos, r.end);
}

/* After the first failure everything reads as nothing, though bytes are left. */
static void
bad_stays(void **state)
{
	static const uint8_t in[] = { 0x0a, 0x05, 0x01, 'x', 0x11, 1, 2, 3, 4 };
	struct spop_reader r = { in, in + sizeof(in), false };

	(void)state;
	spop_read_value(&r);
	assert_true(r.bad);
	assert_int_equal(spop_read_varint(&r), 0);
	assert_int_equal(spop_read_byte(&r), 0);
	assert_int_equal(spop_read_u32(&r), 0);
	assert_null(spop_read_string(&r).ptr);
	assert_int_equal(spop_read_value(&r).type, SPOP_NULL);
	assert_true(r.bad);
	assert_true(r.pos <= r.end);
}

static void
fixed_sizes(void **state)
{
	static const uint8_t in[] = { 0xfe, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07 };
	struct spop_reader r = { in, in + sizeof(in), false };

	(void)state;
	assert_int_equal(spop_read_byte(&r), 0xfe);
	assert_int_equal(spop_read_u32(&r), 0x01020304);
	assert_false(r.bad);
	assert_int_equal(spop_read_u32(&r), 0);
	assert_true(r.bad);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(varint),
		cmocka_unit_test(value),
		cmocka_unit_test(long_string),
		cmocka_unit_test(bad_stays),
		cmocka_unit_test(fixed_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
