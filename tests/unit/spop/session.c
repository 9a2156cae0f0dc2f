#include "spop/session.h"

#include <string.h>

#include "base/text.h"
#include "unit/spop/bytes.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Frames as HAProxy writes them (2.6 and 3.x), and the answers in full. */
#define HELLO_CHECK                                                                                \
	"0000004e0100000001000012737570706f727465642d76657273696f6e730803322e300e6d61782d6672616d" \
	"652d73697a6503fcf0060c6361706162696c697469657308000b6865616c7468636865636b11"
#define HELLO_26                                                                                   \
	"000000810100000001000012737570706f727465642d76657273696f6e730803322e300e6d61782d6672616d" \
	"652d73697a6503fcf0060c6361706162696c69746965730810706970656c696e696e672c6173796e6309656e" \
	"67696e652d6964082430393961663930322d653765652d346539622d623431632d6230666561306430323835" \
	"35"
#define HELLO_31                                                                                   \
	"0000007b0100000001000012737570706f727465642d76657273696f6e730803322e300e6d61782d6672616d" \
	"652d73697a6503fcf0060c6361706162696c6974696573080a706970656c696e696e6709656e67696e652d69" \
	"64082461613431613366342d383163352d346537622d393532622d333533353735323364646665"
#define AGENT_HELLO                                                                                \
	"00000040650000000100000776657273696f6e0803322e300e6d61782d6672616d652d73697a6503fcf0060c" \
	"6361706162696c6974696573080a706970656c696e696e67"
#define AGENT_HELLO_PLAIN                                                                          \
	"00000036650000000100000776657273696f6e0803322e300e6d61782d6672616d652d73697a6503fcf0060c" \
	"6361706162696c69746965730800"
#define NOTIFY_26                                                                                  \
	"0000003f03000000010001026d3106026970067f000001046d6574680803474554047061746808032f613007" \
	"756e6e616d65640405076d697373696e67000004f2f418"
#define NOTIFY_31                                                                                  \
	"0000002703000000010101026d3103026970067f000001046d6574680803474554047061746808032f6130"
#define NOTIFY_TWO "0000001c03000000010101026d3101047061746808022f78026d320101780402"
#define GONE_NORMAL                                                                                \
	"00000025020000000100000b7374617475732d636f64650300076d65737361676508066e6f726d616c"
#define GONE_IDLE                                                                                  \
	"00000031020000000100000b7374617475732d636f64650302076d6573736167650812612074696d656f7574" \
	"206f63637572726564"
#define BYE_NORMAL                                                                                 \
	"00000025660000000100000b7374617475732d636f64650300076d65737361676508066e6f726d616c"
#define BYE_INVALID                                                                                \
	"00000035660000000100000b7374617475732d636f64650304076d6573736167650816696e76616c69642066" \
	"72616d65207265636569766564"
#define BYE_TOO_BIG                                                                                \
	"0000002f660000000100000b7374617475732d636f64650303076d65737361676508106672616d6520697320" \
	"746f6f20626967"
#define BYE_FRAGMENT                                                                               \
	"0000003a660000000100000b7374617475732d636f6465030a076d657373616765081b667261676d656e7461" \
	"74696f6e206e6f7420737570706f72746564"

static const struct {
	const char *name, *in;
	enum spop_step last;     /* what the last step was */
	enum spop_status status; /* of a close */
	unsigned notifies;
	enum spop_state state;
	const char *out;
} scripts[] = {
	{ "2.6 says hello", HELLO_26, SPOP_STEP_NONE, 0, 0, SPOP_OPEN, AGENT_HELLO },
	{ "3.1 says hello", HELLO_31, SPOP_STEP_NONE, 0, 0, SPOP_OPEN, AGENT_HELLO },
	{ "check", HELLO_CHECK, SPOP_STEP_NONE, 0, 0, SPOP_OPEN, AGENT_HELLO_PLAIN },
	{ "half a hello", "0000007b0100000001000012737570", SPOP_STEP_NONE, 0, 0, SPOP_WAIT_HELLO,
	    "" },
	{ "2.6 asks as stream 0", HELLO_26 NOTIFY_26, SPOP_STEP_NOTIFY, 0, 1, SPOP_OPEN,
	    AGENT_HELLO },
	{ "3.1 asks twice", HELLO_31 NOTIFY_31 NOTIFY_TWO, SPOP_STEP_NOTIFY, 0, 2, SPOP_OPEN,
	    AGENT_HELLO },
	{ "soft stop", HELLO_26 NOTIFY_26 GONE_NORMAL, SPOP_STEP_CLOSE, SPOP_NORMAL, 1, SPOP_CLOSED,
	    AGENT_HELLO BYE_NORMAL },
	{ "idle, and nothing counts behind it", HELLO_26 GONE_IDLE NOTIFY_26, SPOP_STEP_CLOSE,
	    SPOP_NORMAL, 0, SPOP_CLOSED, AGENT_HELLO BYE_NORMAL },
	{ "disconnect without reason", HELLO_26 "0000000702000000010000", SPOP_STEP_CLOSE,
	    SPOP_NORMAL, 0, SPOP_CLOSED, AGENT_HELLO BYE_NORMAL },
	{ "second hello", HELLO_31 HELLO_31, SPOP_STEP_CLOSE, SPOP_INVALID, 0, SPOP_CLOSED,
	    AGENT_HELLO BYE_INVALID },
	{ "NOTIFY first", NOTIFY_31, SPOP_STEP_CLOSE, SPOP_INVALID, 0, SPOP_CLOSED, BYE_INVALID },
	{ "disconnect first", GONE_NORMAL, SPOP_STEP_CLOSE, SPOP_INVALID, 0, SPOP_CLOSED,
	    BYE_INVALID },
	{ "unknown type first", "0000000732000000010000", SPOP_STEP_CLOSE, SPOP_INVALID, 0,
	    SPOP_CLOSED, BYE_INVALID },
	{ "agent's type first", AGENT_HELLO, SPOP_STEP_CLOSE, SPOP_INVALID, 0, SPOP_CLOSED,
	    BYE_INVALID },
	{ "hello without FIN", "0000000701000000000000", SPOP_STEP_CLOSE, SPOP_NO_FRAGMENTATION, 0,
	    SPOP_CLOSED, BYE_FRAGMENT },
	{ "NOTIFY without FIN", HELLO_26 "0000000d03000000000201026d312e2e2e", SPOP_STEP_CLOSE,
	    SPOP_NO_FRAGMENTATION, 0, SPOP_CLOSED, AGENT_HELLO BYE_FRAGMENT },
	{ "last fragment", HELLO_26 "0000000a000000000102012e2e2e", SPOP_STEP_CLOSE,
	    SPOP_NO_FRAGMENTATION, 0, SPOP_CLOSED, AGENT_HELLO BYE_FRAGMENT },
	{ "aborted fragment", HELLO_26 "0000000700000000030201", SPOP_STEP_CLOSE,
	    SPOP_NO_FRAGMENTATION, 0, SPOP_CLOSED, AGENT_HELLO BYE_FRAGMENT },
	{ "unknown types are passed over", HELLO_31 "0000000732000000010000" AGENT_HELLO NOTIFY_31,
	    SPOP_STEP_NOTIFY, 0, 1, SPOP_OPEN, AGENT_HELLO },
	{ "HTTP", "474554202f20", SPOP_STEP_CLOSE, SPOP_TOO_BIG, 0, SPOP_CLOSED, BYE_TOO_BIG },
	{ "TLS", "16030102", SPOP_STEP_CLOSE, SPOP_TOO_BIG, 0, SPOP_CLOSED, BYE_TOO_BIG },
	{ "hello of 4097", "00001001", SPOP_STEP_CLOSE, SPOP_TOO_BIG, 0, SPOP_CLOSED, BYE_TOO_BIG },
	{ "hello of 4096", "00001000", SPOP_STEP_NONE, 0, 0, SPOP_WAIT_HELLO, "" },
	{ "LEN 0 first", "00000000", SPOP_STEP_CLOSE, SPOP_INVALID, 0, SPOP_CLOSED, BYE_INVALID },
	{ "LEN 0 later", HELLO_31 "00000000", SPOP_STEP_CLOSE, SPOP_INVALID, 0, SPOP_CLOSED,
	    AGENT_HELLO BYE_INVALID },
	{ "as large as agreed", HELLO_31 "00003ffc", SPOP_STEP_NONE, 0, 0, SPOP_OPEN, AGENT_HELLO },
	{ "larger than agreed", HELLO_31 "00003ffd", SPOP_STEP_CLOSE, SPOP_TOO_BIG, 0, SPOP_CLOSED,
	    AGENT_HELLO BYE_TOO_BIG },
};

static void
run_script(size_t i, size_t chunk)
{
	uint8_t in[1024], out[1024];
	size_t n = unhex(scripts[i].in, in, sizeof(in)), done = 0, have = 0, used;
	struct spop_session s;
	struct spop_writer w = { out, out + sizeof(out), false };
	struct spop_frame f;
	enum spop_status status = SPOP_UNKNOWN;
	enum spop_step step = SPOP_STEP_NONE;
	unsigned notifies = 0;

	spop_session_init(&s);
	while (step != SPOP_STEP_CLOSE && have < n) {
		have = chunk > n - have ? n : have + chunk;
		do {
			enum spop_step now =
			    spop_session_next(&s, in + done, have - done, &used, &f, &w, &status);

			if (used > 0)
				step = now;
			notifies += now == SPOP_STEP_NOTIFY;
			done += used;
		} while (used > 0 && step != SPOP_STEP_CLOSE);
	}
	if (step != scripts[i].last || s.state != scripts[i].state ||
	    notifies != scripts[i].notifies)
		fail_msg(
		    "%s: step %d, state %d, %u NOTIFY", scripts[i].name, step, s.state, notifies);
	if (step == SPOP_STEP_CLOSE && status != scripts[i].status)
		fail_msg("%s: status %d", scripts[i].name, status);
	same_bytes(scripts[i].name, out, (size_t)(w.pos - out), scripts[i].out);
}

static void
script(void **state)
{
	static const size_t chunks[] = { 1, 3, 64, 1024 };

	(void)state;
	for (size_t i = 0; i < COUNT(scripts); i++)
		for (size_t c = 0; c < COUNT(chunks); c++)
			run_script(i, chunks[c]);
}

#define STR(text)                                                                                  \
	{                                                                                          \
		.type = SPOP_STRING, .bytes = {(text), sizeof(text) - 1 }                          \
	}
#define NUM(kind, n)                                                                               \
	{                                                                                          \
		.type = (kind), .number = (n)                                                      \
	}
#define NONE                                                                                       \
	{                                                                                          \
		.type = SPOP_NULL                                                                  \
	}
#define ABSENT                                                                                     \
	{                                                                                          \
		.type = 10                                                                         \
	} /* the key is not there at all */

static const struct {
	const char *name;
	struct spop_value versions, size, capabilities, check;
	enum spop_status want;
	uint32_t max_frame;
	bool pipelining, healthcheck;
} hellos[] = {
	{ "plain", STR("2.0"), NUM(SPOP_UINT32, 16380), STR("pipelining"), ABSENT, SPOP_NORMAL,
	    16380, true, false },
	{ "in a list with blanks", STR("1.0 , 2.0\t"), NUM(SPOP_INT32, 256),
	    STR("async , pipelining"), ABSENT, SPOP_NORMAL, 256, true, false },
	{ "no capabilities", STR("2.0"), NUM(SPOP_INT64, 1000), ABSENT, ABSENT, SPOP_NORMAL, 1000,
	    false, false },
	{ "NULL capabilities", STR("2.0"), NUM(SPOP_UINT64, 1000), NONE, NONE, SPOP_NORMAL, 1000,
	    false, false },
	{ "word that goes on", STR("2.0"), NUM(SPOP_UINT32, 1000), STR("pipeliningx"), ABSENT,
	    SPOP_NORMAL, 1000, false, false },
	{ "word that begins earlier", STR("2.0"), NUM(SPOP_UINT32, 1000), STR("xpipelining,async"),
	    ABSENT, SPOP_NORMAL, 1000, false, false },
	{ "check", STR("2.0"), NUM(SPOP_UINT32, 1000), STR(""),
	    { .type = SPOP_BOOL, .truth = true }, SPOP_NORMAL, 1000, false, true },
	{ "no check", STR("2.0"), NUM(SPOP_UINT32, 1000), STR(""),
	    { .type = SPOP_BOOL, .truth = false }, SPOP_NORMAL, 1000, false, false },
	{ "the largest of ours", STR("2.0"), NUM(SPOP_UINT32, 65532), ABSENT, ABSENT, SPOP_NORMAL,
	    65532, false, false },
	{ "larger than ours", STR("2.0"), NUM(SPOP_UINT32, 65533), ABSENT, ABSENT, SPOP_NORMAL,
	    65532, false, false },
	{ "2^64 - 1", STR("2.0"), NUM(SPOP_UINT64, -1), ABSENT, ABSENT, SPOP_NORMAL, 65532, false,
	    false },
	{ "2^32 + 300, which is not 300", STR("2.0"), NUM(SPOP_UINT64, 4294967596), ABSENT, ABSENT,
	    SPOP_NORMAL, 65532, false, false },
	{ "-1", STR("2.0"), NUM(SPOP_INT64, -1), ABSENT, ABSENT, SPOP_BAD_FRAME_SIZE, 0, false,
	    false },
	{ "255", STR("2.0"), NUM(SPOP_UINT32, 255), ABSENT, ABSENT, SPOP_BAD_FRAME_SIZE, 0, false,
	    false },
	{ "0", STR("2.0"), NUM(SPOP_UINT32, 0), ABSENT, ABSENT, SPOP_BAD_FRAME_SIZE, 0, false,
	    false },
	{ "no size", STR("2.0"), ABSENT, STR(""), ABSENT, SPOP_NO_FRAME_SIZE, 0, false, false },
	{ "NULL size", STR("2.0"), NONE, STR(""), ABSENT, SPOP_NO_FRAME_SIZE, 0, false, false },
	{ "size as text", STR("2.0"), STR("16380"), ABSENT, ABSENT, SPOP_INVALID, 0, false, false },
	{ "no version", ABSENT, NUM(SPOP_UINT32, 1000), STR(""), ABSENT, SPOP_NO_VERSION, 0, false,
	    false },
	{ "empty version", STR(""), NUM(SPOP_UINT32, 1000), ABSENT, ABSENT, SPOP_BAD_VERSION, 0,
	    false, false },
	{ "1.0", STR("1.0"), NUM(SPOP_UINT32, 1000), ABSENT, ABSENT, SPOP_BAD_VERSION, 0, false,
	    false },
	{ "12.0 and 2.01", STR("12.0,2.01,2"), NUM(SPOP_UINT32, 1000), ABSENT, ABSENT,
	    SPOP_BAD_VERSION, 0, false, false },
	{ "version as a number", NUM(SPOP_UINT32, 2), NUM(SPOP_UINT32, 1000), ABSENT, ABSENT,
	    SPOP_INVALID, 0, false, false },
	{ "capabilities as a number", STR("2.0"), NUM(SPOP_UINT32, 1000), NUM(SPOP_UINT32, 1),
	    ABSENT, SPOP_INVALID, 0, false, false },
	{ "check as a number", STR("2.0"), NUM(SPOP_UINT32, 1000), ABSENT, NUM(SPOP_UINT32, 1),
	    SPOP_INVALID, 0, false, false },
};

static void
write_key(struct spop_writer *w, const char *key, const struct spop_value *v)
{
	if (v->type > SPOP_BINARY)
		return;
	spop_write_string(w, slice_of(key));
	spop_write_value(w, v);
}

/* Forwards and backwards: the order of the keys means nothing. */
static size_t
write_hello(size_t i, bool backwards, uint8_t *buf, size_t cap)
{
	static const struct spop_value unknown = STR("2.0");
	static const char *const keys[] = { "supported-versions", "engine-id", "max-frame-size",
		"capabilities", "healthcheck" };
	const struct spop_value *values[] = { &hellos[i].versions, &unknown, &hellos[i].size,
		&hellos[i].capabilities, &hellos[i].check };
	struct spop_writer w = { buf, buf + cap, false };
	uint8_t *begin = spop_frame_begin(&w, SPOP_HAPROXY_HELLO, 0, 0);

	for (size_t k = 0; k < COUNT(keys); k++) {
		size_t at = backwards ? COUNT(keys) - 1 - k : k;

		write_key(&w, keys[at], values[at]);
	}
	assert_true(spop_frame_end(&w, begin, cap));
	return (size_t)(w.pos - buf);
}

static void
hello(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2 * COUNT(hellos); i++) {
		size_t c = i / 2, used;
		uint8_t in[512], out[SPOP_SESSION_ROOM];
		size_t n = write_hello(c, i % 2 == 1, in, sizeof(in));
		struct spop_session s;
		struct spop_writer w = { out, out + sizeof(out), false };
		struct spop_frame f;
		enum spop_status status = SPOP_NORMAL;
		bool good = hellos[c].want == SPOP_NORMAL;
		enum spop_step step;

		spop_session_init(&s);
		step = spop_session_next(&s, in, n, &used, &f, &w, &status);
		if (step != (good ? SPOP_STEP_NONE : SPOP_STEP_CLOSE) || status != hellos[c].want)
			fail_msg("%s: step %d, status %d", hellos[c].name, step, status);
		assert_int_equal(used, n);
		assert_int_equal(out[4], good ? SPOP_AGENT_HELLO : SPOP_AGENT_DISCONNECT);
		if (good &&
		    (s.max_frame != hellos[c].max_frame || s.pipelining != hellos[c].pipelining ||
			s.healthcheck != hellos[c].healthcheck))
			fail_msg("%s: %u %d %d", hellos[c].name, s.max_frame, s.pipelining,
			    s.healthcheck);
	}
}

/* The payload of a HELLO that breaks off, has a type without a length, or a key without a value. */
static void
broken_hello(void **state)
{
	static const char *const in[] = {
		"0000000901000000010000"
		"0131",
		"0000000a01000000010000"
		"01780a",
		"0000000c01000000010000"
		"0178080261",
		"0000000801000000010000"
		"05",
	};

	(void)state;
	for (size_t i = 0; i < COUNT(in); i++) {
		uint8_t bytes[64], out[SPOP_SESSION_ROOM];
		size_t n = unhex(in[i], bytes, sizeof(bytes)), used;
		struct spop_session s;
		struct spop_writer w = { out, out + sizeof(out), false };
		struct spop_frame f;
		enum spop_status status = SPOP_NORMAL;

		spop_session_init(&s);
		assert_int_equal(
		    spop_session_next(&s, bytes, n, &used, &f, &w, &status), SPOP_STEP_CLOSE);
		assert_int_equal(status, SPOP_INVALID);
		same_bytes(in[i], out, (size_t)(w.pos - out), BYE_INVALID);
	}
}

/* Where the answer does not fit the connection is closed, never left without one. */
static void
no_room(void **state)
{
	uint8_t in[256], out[SPOP_SESSION_ROOM];
	size_t n = unhex(HELLO_31, in, sizeof(in)), used;

	(void)state;
	for (size_t room = 0; room < sizeof(out); room++) {
		struct spop_session s;
		struct spop_writer w = { out, out + room, false };
		struct spop_frame f;
		enum spop_status status = SPOP_NORMAL;
		enum spop_step step;

		spop_session_init(&s);
		step = spop_session_next(&s, in, n, &used, &f, &w, &status);
		assert_int_equal(step, room < 68 ? SPOP_STEP_CLOSE : SPOP_STEP_NONE);
		assert_int_equal(s.state, room < 68 ? SPOP_CLOSED : SPOP_OPEN);
		assert_int_equal(status, room < 68 ? SPOP_NO_RESOURCE : SPOP_NORMAL);
		assert_false(w.full);
	}
}

static void
closed_stays_closed(void **state)
{
	uint8_t in[256], out[SPOP_SESSION_ROOM];
	size_t n = unhex(HELLO_31, in, sizeof(in)), used;
	struct spop_session s;
	struct spop_writer w = { out, out + sizeof(out), false };
	struct spop_frame f;
	enum spop_status status = SPOP_UNKNOWN;

	(void)state;
	spop_session_init(&s);
	spop_session_disconnect(&s, &w, SPOP_NORMAL);
	assert_int_equal(s.state, SPOP_CLOSED);
	spop_session_disconnect(&s, &w, SPOP_INVALID);
	assert_int_equal(spop_session_next(&s, in, n, &used, &f, &w, &status), SPOP_STEP_CLOSE);
	assert_int_equal(used, n);
	same_bytes("once", out, (size_t)(w.pos - out), BYE_NORMAL);
}

static const struct {
	const char *name, *in, *want;
	bool bad;
} payloads[] = {
	{ "empty", "", "", false },
	{ "as 2.6 sends it",
	    "026d3106026970067f000001046d6574680803474554047061746808032f613007756e6e616d65640405"
	    "076d697373696e67000004f2f418",
	    "m1 ip:6 meth:8 path:8 unnamed:4 missing:0 :4", false },
	{ "two messages", "026d3101047061746808022f78026d320101780402", "m1 path:8 m2 x:4", false },
	{ "no arguments", "026d3100026d3200", "m1 m2", false },
	{ "name cut", "036d31", "", true },
	{ "count missing", "026d31", "", true },
	{ "argument missing", "026d310201780402", "m1 x:4", true },
	{ "value cut", "026d310101780805", "m1", true },
	{ "type 10", "026d310201780a01790402", "m1", true },
};

/* What was walked, as text; with skip, the names of the messages only. */
static bool
walk(const char *hex, bool skip, struct text *out)
{
	uint8_t in[256];
	struct spop_reader r = { in, in + unhex(hex, in, sizeof(in)), false };
	struct spop_message m = { 0 };
	struct slice name;
	struct spop_value v;

	while (spop_message_next(&r, &m)) {
		if (out->len > 0)
			text_byte(out, ' ');
		text_put(out, m.name);
		while (!skip && spop_argument_next(&r, &m, &name, &v)) {
			text_byte(out, ' ');
			text_put(out, name);
			text_printf(out, ":%d", v.type);
		}
	}
	assert_false(spop_argument_next(&r, &m, &name, &v));
	assert_false(spop_message_next(&r, &m));
	return r.bad;
}

static void
messages(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(payloads); i++) {
		char buf[256];
		struct text all = { .buf = buf, .cap = sizeof(buf) };
		bool bad = walk(payloads[i].in, false, &all);

		if (bad != payloads[i].bad ||
		    !slice_equal(text_slice(&all), slice_of(payloads[i].want)))
			fail_msg("%s: bad %d, %.*s", payloads[i].name, bad, (int)all.len, buf);
		all.len = 0;
		if (walk(payloads[i].in, true, &all) != payloads[i].bad)
			fail_msg("%s: skipping finds another end", payloads[i].name);
	}
}

static void
skipped_arguments(void **state)
{
	char buf[64];
	struct text names = { .buf = buf, .cap = sizeof(buf) };

	(void)state;
	assert_false(walk("026d3101047061746808022f78026d320101780402", true, &names));
	assert_true(slice_equal(text_slice(&names), SLICE("m1 m2")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(script),
		cmocka_unit_test(hello),
		cmocka_unit_test(broken_hello),
		cmocka_unit_test(no_room),
		cmocka_unit_test(closed_stays_closed),
		cmocka_unit_test(messages),
		cmocka_unit_test(skipped_arguments),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
