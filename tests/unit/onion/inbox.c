#include "onion/inbox.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

static struct circuit_inbox *
new_inbox(void)
{
	struct circuit_inbox *b = aligned_alloc(_Alignof(struct circuit_inbox), sizeof(*b));

	assert_non_null(b);
	circuit_inbox_init(b);
	return b;
}

static void
what_is_put_in_comes_out(void **state)
{
	struct circuit_inbox *b = new_inbox();
	uint64_t what = 0;

	(void)state;
	/* Several times around, with any number in it. */
	for (uint64_t turn = 0; turn < 40; turn++) {
		uint64_t n = turn * 97 % CIRCUIT_INBOX_PLACES + 1;

		assert_false(circuit_inbox_get(b, &what));
		for (uint64_t i = 0; i < n; i++)
			assert_true(circuit_inbox_put(b, turn << 32 | i));
		for (uint64_t i = 0; i < n; i++) {
			assert_true(circuit_inbox_get(b, &what));
			assert_true(what == (turn << 32 | i));
		}
	}
	free(b);
}

static void
full_is_refused(void **state)
{
	struct circuit_inbox *b = new_inbox();
	uint64_t what;

	(void)state;
	for (uint64_t i = 0; i < CIRCUIT_INBOX_PLACES; i++)
		assert_true(circuit_inbox_put(b, i));
	assert_false(circuit_inbox_put(b, 1));
	assert_false(circuit_inbox_put(b, 2));
	assert_true(circuit_inbox_get(b, &what));
	assert_int_equal(what, 0);
	assert_true(circuit_inbox_put(b, 3));
	assert_false(circuit_inbox_put(b, 4));
	free(b);
}

#define WRITERS 3u
#define EACH 100000u

struct writer {
	struct circuit_inbox *b;
	uint64_t number;
};

static void *
write_all(void *arg)
{
	struct writer *w = arg;

	for (uint64_t i = 1; i <= EACH; i++)
		while (!circuit_inbox_put(w->b, w->number << 32 | i))
			sched_yield();
	return NULL;
}

/* Of several threads: each one's come out in its order, none twice, none lost. */
static void
many_put_in(void **state)
{
	struct circuit_inbox *b = new_inbox();
	struct writer writer[WRITERS];
	pthread_t thread[WRITERS];
	uint64_t last[WRITERS] = { 0 }, what;

	(void)state;
	for (unsigned i = 0; i < WRITERS; i++) {
		writer[i] = (struct writer){ b, i };
		assert_int_equal(pthread_create(&thread[i], NULL, write_all, &writer[i]), 0);
	}
	for (unsigned n = 0; n < WRITERS * EACH; n++) {
		while (!circuit_inbox_get(b, &what))
			sched_yield();
		assert_in_range(what >> 32, 0, WRITERS - 1);
		assert_int_equal(what & UINT32_MAX, last[what >> 32] + 1);
		last[what >> 32]++;
	}
	assert_false(circuit_inbox_get(b, &what));
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
	free(b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_in_comes_out),
		cmocka_unit_test(full_is_refused),
		cmocka_unit_test(many_put_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
