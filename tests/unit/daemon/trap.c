#include "daemon/trap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "unit/fixtures.h"

#define NOW INT64_C(1700000000)

static void
test_who(void **state)
{
	static const struct {
		const char *in, *asked;
		bool held;
	} cases[] = {
		{ "192.0.2.1", "192.0.2.1", true },
		{ "192.0.2.1", "192.0.2.2", false },
		{ "192.0.2.1", "192.0.3.1", false },
		{ "::ffff:192.0.2.1", "192.0.2.1", true },
		{ "2001:db8:1:2::3", "2001:db8:1:2:ffff::1", true },
		{ "2001:db8:1:2::3", "2001:db8:1:3::3", false },
		{ "fc00:dead:beef:4dad::1:2", "fc00:dead:beef:4dad::1:2", true },
		{ "fc00:dead:beef:4dad::1:2", "fc00:dead:beef:4dad::1:3", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trap *t = trap_new();
		struct address in = address(cases[i].in), asked = address(cases[i].asked);

		assert_false(trap_holds(t, &asked, NOW));
		trap_add(t, &in, NOW, NOW + 10);
		if (trap_holds(t, &asked, NOW) != cases[i].held)
			fail_msg("%s for %s", cases[i].in, cases[i].asked);
		trap_free(t);
	}
}

static void
test_how_long(void **state)
{
	struct trap *t = trap_new();
	struct address a = address("192.0.2.1"), b = address("192.0.2.2");

	(void)state;
	trap_add(t, &a, NOW, NOW + 10);
	assert_true(trap_holds(t, &a, NOW + 10));
	assert_false(trap_holds(t, &a, NOW + 11));
	trap_add(t, &a, NOW + 20, NOW + 30);
	trap_add(t, &b, NOW + 20, NOW + 1000000000);
	assert_true(trap_holds(t, &a, NOW + 30));
	assert_false(trap_holds(t, &a, NOW + 31));
	assert_true(trap_holds(t, &b, NOW + 999999999));
	/* A clock that goes back keeps it. */
	assert_true(trap_holds(t, &b, NOW - 100));
	trap_free(t);
}

static void
test_nobody(void **state)
{
	struct trap *t = trap_new();
	struct address none = { { 0 }, 0 };

	(void)state;
	trap_add(t, &none, NOW, NOW + 10);
	assert_false(trap_holds(t, &none, NOW));
	trap_free(t);
}

/* More than there is room for: nothing but memory of some is lost, and the last is always in it. */
static void
test_flood(void **state)
{
	struct trap *t = trap_new();
	unsigned held = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		uint8_t b[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
		struct address a = address_from_bytes(b, 4);

		trap_add(t, &a, NOW, NOW + 10 + i);
		assert_true(trap_holds(t, &a, NOW));
	}
	for (uint32_t i = 0; i < 100000; i++) {
		uint8_t b[4] = { 10, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i };
		struct address a = address_from_bytes(b, 4);

		held += trap_holds(t, &a, NOW);
	}
	assert_in_range(held, 7000, 8192);
	trap_free(t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who),
		cmocka_unit_test(test_how_long),
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
