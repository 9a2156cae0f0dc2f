#include "onion/table.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>

#include <cmocka.h>

static bool
join(struct circuit_table *t, uint32_t id, uint32_t effort)
{
	const struct circuit c = { .id = id,
		.purpose_known = true,
		.service = true,
		.effort_known = effort != 0,
		.effort = effort };

	return circuit_table_take(t, &c);
}

/* What tor says of one circuit, in order, and what is known then. */
static const struct {
	struct circuit says;
	enum circuit_known known;
	uint32_t effort;
} story[] = {
	{ { 65536, false, false, false, false, 0 }, CIRCUIT_UNKNOWN, 0 },
	{ { 65536, false, true, false, false, 0 }, CIRCUIT_UNKNOWN, 0 },
	{ { 65536, false, true, true, false, 0 }, CIRCUIT_OPEN, 0 },
	{ { 65536, false, true, true, true, 500 }, CIRCUIT_OPEN, 500 },
	/* A line that does not tell takes nothing back. */
	{ { 65536, false, true, true, false, 0 }, CIRCUIT_OPEN, 500 },
	{ { 65536, false, false, false, false, 0 }, CIRCUIT_OPEN, 500 },
	{ { 65536, false, false, false, true, UINT32_MAX }, CIRCUIT_OPEN, CIRCUIT_EFFORT_MAX },
	/* Another circuit is another. */
	{ { 131072, true, true, true, false, 0 }, CIRCUIT_OPEN, CIRCUIT_EFFORT_MAX },
	/* It is not a visitor's any more. */
	{ { 65536, false, true, false, false, 0 }, CIRCUIT_UNKNOWN, 0 },
	{ { 65536, false, true, true, true, 7 }, CIRCUIT_OPEN, 7 },
	{ { 65536, true, true, true, true, 7 }, CIRCUIT_UNKNOWN, 0 },
	{ { 65536, true, false, false, false, 0 }, CIRCUIT_UNKNOWN, 0 },
};

static void
it_knows_what_tor_says(void **state)
{
	struct circuit_table *t = circuit_table_new();

	(void)state;
	for (size_t i = 0; i < sizeof(story) / sizeof(story[0]); i++) {
		assert_true(circuit_table_take(t, &story[i].says));
		if (circuit_table_find(t, 65536) != story[i].known ||
		    circuit_table_effort(t, 65536) != story[i].effort ||
		    circuit_table_count(t) != (story[i].known != CIRCUIT_UNKNOWN))
			fail_msg("step %zu", i);
	}
	circuit_table_free(t);
}

static void
denials_end_with_the_circuit(void **state)
{
	struct circuit_table *t = circuit_table_new();

	(void)state;
	assert_int_equal(circuit_table_deny(t, 5), 0);
	assert_int_equal(circuit_table_deny(t, 0), 0);
	join(t, 5, 0);
	join(t, 6, 0);
	for (uint32_t i = 1; i < 10; i++)
		assert_int_equal(circuit_table_deny(t, 5), i);
	assert_int_equal(circuit_table_deny(t, 6), 1);
	circuit_table_drop(t, 5);
	assert_int_equal(circuit_table_deny(t, 5), 0);
	/* The id comes back when tor's counter has gone round: another circuit. */
	join(t, 5, 0);
	assert_int_equal(circuit_table_deny(t, 5), 1);
	assert_int_equal(circuit_table_mark(t, 5, true), CIRCUIT_OPEN);
	assert_int_equal(circuit_table_mark(t, 5, true), CIRCUIT_CLOSING);
	assert_int_equal(circuit_table_find(t, 5), CIRCUIT_CLOSING);
	assert_int_equal(circuit_table_find(t, 6), CIRCUIT_OPEN);
	assert_int_equal(circuit_table_mark(t, 5, false), CIRCUIT_CLOSING);
	assert_int_equal(circuit_table_find(t, 5), CIRCUIT_OPEN);
	assert_int_equal(circuit_table_mark(t, 4, true), CIRCUIT_UNKNOWN);
	assert_int_equal(circuit_table_mark(t, 0, true), CIRCUIT_UNKNOWN);
	assert_int_equal(circuit_table_find(t, 4), CIRCUIT_UNKNOWN);
	circuit_table_clear(t);
	assert_int_equal(circuit_table_count(t), 0);
	assert_int_equal(circuit_table_find(t, 6), CIRCUIT_UNKNOWN);
	circuit_table_free(t);
}

/* Ids in a row, all multiples of 65536, and more than there is room for. */
static void
it_holds_many(void **state)
{
	static const uint32_t steps[] = { 1, 65536, 4096 };

	(void)state;
	for (size_t s = 0; s < sizeof(steps) / sizeof(steps[0]); s++) {
		struct circuit_table *t = circuit_table_new();
		uint32_t lost = 0, effort = 0;

		for (uint32_t i = 1; i <= 8192; i++)
			lost += !join(t, i * steps[s], i);
		for (uint32_t i = 1; i <= 8192; i++)
			effort += circuit_table_effort(t, i * steps[s]) == i;
		if (lost > 81 || effort + lost != 8192)
			fail_msg("by %lu: %lu lost", (unsigned long)steps[s], (unsigned long)lost);
		circuit_table_free(t);
	}
}

static void
a_flood_is_bounded(void **state)
{
	struct circuit_table *t = circuit_table_new();
	uint32_t taken = 0;

	(void)state;
	for (uint32_t i = 1; i <= 4 * CIRCUIT_TABLE_SLOTS; i++)
		taken += join(t, i * 2654435761u, i);
	assert_int_equal(taken, circuit_table_count(t));
	assert_in_range(taken, CIRCUIT_TABLE_SLOTS / 2, CIRCUIT_TABLE_SLOTS);
	for (uint32_t i = 1; i <= 4 * CIRCUIT_TABLE_SLOTS; i++)
		circuit_table_drop(t, i * 2654435761u);
	assert_int_equal(circuit_table_count(t), 0);
	circuit_table_free(t);
}

struct readers {
	struct circuit_table *t;
	_Atomic bool stop;
};

/* Whoever reads while others come and go sees an effort that its own circuit had: it is its id. */
static void *
read_on(void *arg)
{
	struct readers *r = arg;
	uintptr_t wrong = 0;

	while (!atomic_load(&r->stop)) {
		for (uint32_t id = 1; id < 64; id++) {
			uint32_t effort = circuit_table_effort(r->t, id);

			wrong += effort != 0 && effort != id;
			circuit_table_deny(r->t, id);
		}
	}
	return (void *)wrong;
}

static void
readers_see_no_halves(void **state)
{
	struct readers r = { .t = circuit_table_new() };
	pthread_t thread[2];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, read_on, &r), 0);
	for (uint32_t i = 0; i < 200000; i++) {
		uint32_t id = 1 + i * 7 % 63;

		if (i % 3 == 2)
			circuit_table_drop(r.t, id);
		else
			join(r.t, id, id);
	}
	atomic_store(&r.stop, true);
	for (unsigned i = 0; i < 2; i++) {
		void *wrong;

		pthread_join(thread[i], &wrong);
		assert_null(wrong);
	}
	circuit_table_free(r.t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_knows_what_tor_says),
		cmocka_unit_test(denials_end_with_the_circuit),
		cmocka_unit_test(it_holds_many),
		cmocka_unit_test(a_flood_is_bounded),
		cmocka_unit_test(readers_see_no_halves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
