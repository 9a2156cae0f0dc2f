#include "challenge/spent.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define NOW 1700000000

static struct spent_entry
entry(uint32_t number, int64_t issued_s, int64_t at_s)
{
	static const uint8_t client[4] = { 192, 0, 2, 7 };
	struct spent_entry e = { { 0 }, address_from_bytes(client, 4), issued_s, at_s };

	memcpy(e.id, &number, sizeof(number));
	return e;
}

/* As the gate does it: what lies below the floor is not asked about. */
static bool
redeem(struct spent *s, uint32_t number, int64_t issued_s, int64_t at_s)
{
	struct spent_entry e = entry(number, issued_s, at_s), first;

	return issued_s >= spent_floor(s) && spent_add(s, &e, &first);
}

static void
test_once(void **state)
{
	struct spent *s = spent_new(100, NOW);
	struct spent_entry e = entry(1, NOW, NOW + 5), other = entry(1, NOW, NOW + 9), first;

	(void)state;
	other.client.bytes[3] = 8;
	assert_true(spent_add(s, &e, &first));
	assert_false(spent_add(s, &other, &first));
	assert_int_equal(first.at_s, NOW + 5);
	assert_int_equal(first.issued_s, NOW);
	assert_true(address_equal(&first.client, &e.client));
	assert_memory_equal(first.id, e.id, TICKET_ID_BYTES);
	e.id[15] = 1;
	assert_true(spent_add(s, &e, &first));
	spent_free(s);
	spent_free(NULL);
}

static void
test_nothing_from_before(void **state)
{
	struct spent *s = spent_new(100, NOW);

	(void)state;
	assert_int_equal(spent_floor(s), NOW);
	assert_false(redeem(s, 1, NOW - 1, NOW));
	assert_true(redeem(s, 1, NOW, NOW));
	spent_free(s);
}

/* A flood of 64 tickets a second: twice the capacity, and the oldest are out. */
static void
test_flood(void **state)
{
	struct spent *s = spent_new(1000, NOW); /* 1024 */
	uint32_t n = 0;

	(void)state;
	for (; n < 2048; n++)
		assert_true(redeem(s, n, NOW + n / 64, NOW + n / 64));
	assert_int_equal(spent_floor(s), NOW);
	assert_false(redeem(s, 0, NOW, NOW + 32));
	assert_true(redeem(s, n, NOW + n / 64, NOW + n / 64));
	/* The first 1024, of 16 seconds, are forgotten; and refused. */
	assert_int_equal(spent_floor(s), NOW + 16);
	for (uint32_t i = 0; i <= n; i++)
		assert_false(redeem(s, i, NOW + i / 64, NOW + 33));
	/* Young ones still hold. */
	assert_true(redeem(s, 5000, NOW + 16, NOW + 33));
	spent_free(s);
}

static void
test_epoch_by_age(void **state)
{
	struct spent *s = spent_new(100, NOW);

	(void)state;
	assert_true(redeem(s, 1, NOW, NOW));
	assert_true(redeem(s, 2, NOW + 599, NOW + 599));
	assert_true(redeem(s, 3, NOW + 600, NOW + 600)); /* turns: 1 and 2 are the older */
	assert_int_equal(spent_floor(s), NOW);
	assert_false(redeem(s, 1, NOW, NOW + 601));
	assert_true(redeem(s, 4, NOW + 1200, NOW + 1200)); /* turns: 1 and 2 are forgotten */
	assert_int_equal(spent_floor(s), NOW + 600);
	assert_false(redeem(s, 2, NOW + 599, NOW + 1200));
	assert_false(redeem(s, 3, NOW + 600, NOW + 1200));
	spent_free(s);
}

/* An issuer whose clock is ahead: what it issued outlives the epoch by its own time. */
static void
test_issuer_ahead(void **state)
{
	struct spent *s = spent_new(2, NOW);

	(void)state;
	assert_true(redeem(s, 1, NOW + 60, NOW));
	for (uint32_t i = 2; i < 9; i++)
		redeem(s, i, NOW + 61 + i, NOW + 1);
	assert_false(redeem(s, 1, NOW + 60, NOW + 2));
	assert_true(spent_floor(s) > NOW + 60);
	spent_free(s);
}

static void
test_clock_set_back(void **state)
{
	struct spent *s = spent_new(4, NOW);

	(void)state;
	for (uint32_t i = 0; i < 8; i++)
		assert_true(redeem(s, i, NOW + 100, NOW + 100));
	/* An hour back: nothing of that hour is believed, nothing known is forgotten. */
	for (uint32_t i = 0; i < 8; i++)
		assert_false(redeem(s, i, NOW + 100, NOW - 3500));
	assert_false(redeem(s, 100, NOW - 3500, NOW - 3500));
	assert_true(redeem(s, 101, NOW + 100, NOW - 3499));
	assert_false(redeem(s, 0, NOW + 100, NOW + 101));
	spent_free(s);
	s = spent_new(4, NOW);
	assert_true(redeem(s, 1, INT64_MAX, INT64_MIN));
	assert_true(redeem(s, 2, INT64_MAX, INT64_MAX));
	assert_true(redeem(s, 3, INT64_MAX, INT64_MIN));
	assert_false(redeem(s, 1, INT64_MAX, INT64_MAX));
	spent_free(s);
}

/* Random order, random clock, floods and pauses: no ticket is ever taken twice. */
static void
test_never_twice(void **state)
{
	enum { TICKETS = 20000 };
	static int64_t issued[TICKETS];
	static bool taken[TICKETS];
	uint32_t refused = 0, accepted = 0;

	(void)state;
	for (unsigned seed = 1; seed <= 8; seed++) {
		struct spent *s = spent_new(1u << seed, NOW);
		int64_t now_s = NOW, floor_s = NOW;

		srandom(seed);
		memset(taken, 0, sizeof(taken));
		for (uint32_t made = 0, i = 0; i < 60000; i++) {
			uint32_t pick;

			if (random() % 50 == 0)
				now_s += random() % 5;
			if (random() % 3000 == 0)
				now_s += random() % 2000 - 700;
			if (random() % 2 == 0 && made < TICKETS)
				issued[made++] = now_s + random() % 120 - 60;
			if (made == 0)
				continue;
			pick = made - 1 - (uint32_t)random() % (made < 3000 ? made : 3000);
			if (redeem(s, pick, issued[pick], now_s)) {
				if (taken[pick])
					fail_msg("seed %u: ticket %u twice", seed, pick);
				taken[pick] = true;
				accepted++;
			} else if (!taken[pick]) {
				assert_true(issued[pick] < spent_floor(s));
				refused++;
			}
			assert_true(spent_floor(s) >= floor_s);
			floor_s = spent_floor(s);
		}
		spent_free(s);
	}
	assert_true(accepted > 10000 && refused > 100);
}

static void
test_capacity(void **state)
{
	(void)state;
	for (uint32_t capacity = 0; capacity < 20; capacity++) {
		struct spent *s = spent_new(capacity, NOW);
		uint32_t rounded = 1;

		while (rounded < capacity)
			rounded *= 2;
		for (uint32_t i = 0; i < 2 * rounded; i++)
			assert_true(redeem(s, i, NOW, NOW));
		for (uint32_t i = 0; i < 2 * rounded; i++)
			assert_false(redeem(s, i, NOW, NOW));
		assert_int_equal(spent_floor(s), NOW);
		redeem(s, 1000, NOW, NOW);
		assert_int_equal(spent_floor(s), NOW + 1);
		spent_free(s);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_nothing_from_before),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_epoch_by_age),
		cmocka_unit_test(test_issuer_ahead),
		cmocka_unit_test(test_clock_set_back),
		cmocka_unit_test(test_never_twice),
		cmocka_unit_test(test_capacity),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
