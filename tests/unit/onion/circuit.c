#include "onion/circuit.h"

#include "unit/fixtures.h"

#define PATH " $0123456789ABCDEF0123456789ABCDEF01234567~r1,$89ABCDEF0123456789ABCDEF01234567~r2 "

static const struct {
	const char *line;
	bool good;
	struct circuit want;
} lines[] = {
	{ "49 BUILT" PATH "BUILD_FLAGS=IS_INTERNAL,NEED_CAPACITY PURPOSE=HS_SERVICE_REND "
	  "HS_STATE=HSSR_JOINED REND_QUERY=abc TIME_CREATED=2026-11-28T12:00:00.000000",
	    true, { 49, false, true, true, false, 0 } },
	{ "49 BUILT" PATH "PURPOSE=HS_SERVICE_REND HS_STATE=HSSR_JOINED HS_POW=v1,731 X=y", true,
	    { 49, false, true, true, true, 731 } },
	{ "7 PURPOSE_CHANGED" PATH "PURPOSE=HS_SERVICE_REND HS_STATE=HSSR_JOINED "
	  "OLD_PURPOSE=HS_SERVICE_HSDIR OLD_HS_STATE=HSSR_CONNECTING",
	    true, { 7, false, true, true, false, 0 } },
	{ "7 BUILT" PATH "PURPOSE=HS_SERVICE_INTRO", true, { 7, false, true, false, false, 0 } },
	{ "7 BUILT PURPOSE=HS_SERVICE_RENDEZVOUS", true, { 7, false, true, false, false, 0 } },
	{ "7 BUILT purpose=HS_SERVICE_REND", true, { 7, false, false, false, false, 0 } },
	{ "4294967295 LAUNCHED", true, { 4294967295u, false, false, false, false, 0 } },
	{ "65536 CLOSED" PATH "PURPOSE=HS_SERVICE_REND REASON=REQUESTED", true,
	    { 65536, true, true, true, false, 0 } },
	{ "8 FAILED REASON=TIMEOUT", true, { 8, true, false, false, false, 0 } },
	/* What another's client writes into a SOCKS name is no purpose of the circuit. */
	{ "9 BUILT SOCKS_USERNAME=\"x PURPOSE=HS_SERVICE_REND HS_POW=v1,9\" PURPOSE=GENERAL", true,
	    { 9, false, true, false, false, 0 } },
	{ "9 BUILT SOCKS_USERNAME=\"\\\" PURPOSE=HS_SERVICE_REND \\\"\" PURPOSE=GENERAL", true,
	    { 9, false, true, false, false, 0 } },
	{ "9 BUILT PURPOSE=GENERAL PURPOSE=HS_SERVICE_REND", true,
	    { 9, false, true, false, false, 0 } },
	{ "9 BUILT HS_POW=v2,5", true, { 9, false, false, false, false, 0 } },
	{ "9 BUILT HS_POW=v1", true, { 9, false, false, false, false, 0 } },
	{ "9 BUILT HS_POW=v1,", true, { 9, false, false, false, false, 0 } },
	{ "9 BUILT HS_POW=v1,-1", true, { 9, false, false, false, false, 0 } },
	{ "9 BUILT HS_POW=v1,4294967295", true, { 9, false, false, false, true, 4294967295u } },
	{ "9 BUILT HS_POW=v1,4294967296", true, { 9, false, false, false, false, 0 } },
	{ "", false, { 0 } },
	{ "9", false, { 0 } },
	{ "0 BUILT", false, { 0 } },
	{ "-1 BUILT", false, { 0 } },
	{ "4294967296 BUILT", false, { 0 } },
	{ "0x9 BUILT", false, { 0 } },
	{ "BUILT 9", false, { 0 } },
};

static void
lines_are_parsed(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		const struct circuit *w = &lines[i].want;
		struct circuit c;
		const char *why = NULL;
		bool good = circuit_parse(slice_of(lines[i].line), &c, &why);

		if (good != lines[i].good || good == (why != NULL))
			fail_msg("%s", lines[i].line);
		if (good && (c.id != w->id || c.gone != w->gone ||
				c.purpose_known != w->purpose_known || c.service != w->service ||
				c.effort_known != w->effort_known || c.effort != w->effort))
			fail_msg("%s: is read as another", lines[i].line);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_parsed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
