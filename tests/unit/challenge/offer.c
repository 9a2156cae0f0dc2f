#include "challenge/offer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>

#include <cmocka.h>

#define T "ticket=\"abc-_9\""
#define POW T ", methods=\"pow\", puzzles=16, target=1048576"

static const struct {
	const char *header;
	bool good, pow, wait;
	unsigned puzzles;
	uint32_t target;
	unsigned wait_s;
} cases[] = {
	{ POW, true, true, false, 16, 1048576, 0 },
	{ "  " POW "\t ", true, true, false, 16, 1048576, 0 },
	{ T ",methods=\"pow\" ,puzzles=1\t, \ttarget=1", true, true, false, 1, 1, 0 },
	{ T ", methods=\"question  wait pow\", puzzles=32, target=4294967295, wait=5", true, true,
	    true, 32, UINT32_MAX, 5 },
	{ T ", methods=\"wait\", wait=600", true, false, true, 0, 0, 600 },
	{ T ", methods=\"wait\"", true, false, true, 0, 0, 0 },
	{ T ", methods=\"question\"", true, false, false, 0, 0, 0 },
	{ T ", methods=\"power powwait\"", true, false, false, 0, 0, 0 },
	{ T, true, false, false, 0, 0, 0 },
	/* What is not known is passed over, whatever its kind. */
	{ "a, b=?1, c=1.5, d=\"x, \\\" target=0, y\", e=tok/en;p=1, f=:aGk=:, " POW ", z", true,
	    true, false, 16, 1048576, 0 },
	/* The last of two counts. */
	{ POW ", target=7", true, true, false, 16, 7, 0 },
	/* Bounds. */
	{ T ", methods=\"pow\", puzzles=0, target=1", false, false, false, 0, 0, 0 },
	{ T ", methods=\"pow\", puzzles=33, target=1", false, false, false, 0, 0, 0 },
	{ T ", methods=\"pow\", puzzles=1, target=0", false, false, false, 0, 0, 0 },
	{ T ", methods=\"pow\", puzzles=1, target=4294967296", false, false, false, 0, 0, 0 },
	{ T ", methods=\"pow\", puzzles=1, target=-1", false, false, false, 0, 0, 0 },
	{ T ", methods=\"pow\", puzzles=1, target=1e9", false, false, false, 0, 0, 0 },
	{ T ", methods=\"pow\", puzzles=1, target=\"5\"", false, false, false, 0, 0, 0 },
	{ T ", methods=\"pow\", puzzles=99999999999999999999999, target=5", false, false, false, 0,
	    0, 0 },
	{ T ", methods=\"pow\", puzzles=16", false, false, false, 0, 0, 0 },
	{ T ", methods=\"pow\", target=16", false, false, false, 0, 0, 0 },
	{ T ", methods=\"wait\", wait=601", false, false, false, 0, 0, 0 },
	/* No ticket, or none that can stand in a form as it is. */
	{ "methods=\"pow\", puzzles=16, target=5", false, false, false, 0, 0, 0 },
	{ "ticket=\"\", methods=\"wait\"", false, false, false, 0, 0, 0 },
	{ "ticket=\"a&b\", methods=\"wait\"", false, false, false, 0, 0, 0 },
	{ "ticket=\"a\\\"b\", methods=\"wait\"", false, false, false, 0, 0, 0 },
	{ "ticket=abc, methods=\"wait\"", false, false, false, 0, 0, 0 },
	{ "Ticket=\"abc\", methods=\"wait\"", false, false, false, 0, 0, 0 },
	/* No dictionary. */
	{ "", false, false, false, 0, 0, 0 },
	{ ",", false, false, false, 0, 0, 0 },
	{ POW ",", false, false, false, 0, 0, 0 },
	{ POW ",, a=b", false, false, false, 0, 0, 0 },
	{ "=" POW, false, false, false, 0, 0, 0 },
	{ POW " a=b", false, false, false, 0, 0, 0 },
	{ POW ", a=\"b", false, false, false, 0, 0, 0 },
	{ POW ", a=\"b\\", false, false, false, 0, 0, 0 },
	{ POW ", a=\"b\\\"", false, false, false, 0, 0, 0 },
	{ POW ", a==\"c", false, false, false, 0, 0, 0 },
	{ POW "\x01", false, false, false, 0, 0, 0 },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why = NULL;
		struct offer o;

		if (offer_parse(slice_of(cases[i].header), &o, &why) != cases[i].good)
			fail_msg("%zu %s: %s", i, cases[i].header, why);
		if (!cases[i].good) {
			assert_non_null(why);
			continue;
		}
		if (o.pow != cases[i].pow || o.wait != cases[i].wait ||
		    o.puzzles != cases[i].puzzles || o.target != cases[i].target ||
		    o.wait_s != cases[i].wait_s || !slice_equal(o.ticket, SLICE("abc-_9")))
			fail_msg("%s: %u %u %u", cases[i].header, o.puzzles, o.target, o.wait_s);
	}
}

static void
test_long_ticket(void **state)
{
	char header[OFFER_TICKET_MAX + 64];
	const char *why;
	struct offer o;

	(void)state;
	for (int n = OFFER_TICKET_MAX; n <= (int)OFFER_TICKET_MAX + 1; n++) {
		snprintf(header, sizeof(header), "ticket=\"%0*d\", methods=\"wait\"", n, 7);
		assert_int_equal(
		    offer_parse(slice_of(header), &o, &why), n == (int)OFFER_TICKET_MAX);
	}
}

static void
test_hashes(void **state)
{
	static const struct {
		unsigned puzzles;
		uint32_t target;
		uint64_t want;
	} sums[] = { { 16, 1u << 20, 65536 }, { 1, UINT32_MAX, 2 }, { 32, 1, UINT64_C(1) << 37 },
		{ 1, 1u << 31, 2 } };

	(void)state;
	for (size_t i = 0; i < sizeof(sums) / sizeof(sums[0]); i++) {
		struct offer o = { .puzzles = sums[i].puzzles, .target = sums[i].target };

		assert_true(offer_hashes(&o) == sums[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_long_ticket),
		cmocka_unit_test(test_hashes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
