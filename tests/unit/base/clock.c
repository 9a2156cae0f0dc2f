#include "base/clock.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define WALL INT64_C(1900000000000)

/* In this order: each row goes on from the one before. */
static const struct {
	const char *name;
	int64_t wall_ms, mono_ms, want_s;
} cases[] = {
	{ "start", WALL, 1000, 1900000000 },
	{ "a second later", WALL + 1000, 2000, 1900000001 },
	{ "set back an hour", WALL - 3598000, 3000, 1900000002 },
	{ "still back", WALL - 3588000, 13000, 1900000012 },
	{ "set right again", WALL + 13000, 14000, 1900000013 },
	{ "set forward an hour", WALL + 3614000, 15000, 1900003614 },
	{ "and back", WALL + 15000, 16000, 1900003615 },
};

static void
it_never_goes_back(void **state)
{
	_Atomic int64_t lead_ms = INT64_MIN / 2;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t got = clock_steady_from(&lead_ms, cases[i].wall_ms, cases[i].mono_ms);

		if (got != cases[i].want_s)
			fail_msg("%s: %lld", cases[i].name, (long long)got);
	}
}

static void
it_is_the_wall_clock_here(void **state)
{
	int64_t difference = clock_steady_s() - clock_wall_s();

	(void)state;
	assert_true(difference >= -1 && difference <= 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_never_goes_back),
		cmocka_unit_test(it_is_the_wall_clock_here),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
