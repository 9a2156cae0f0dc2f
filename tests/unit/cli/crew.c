#include "cli/crew.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "challenge/pow.h"

static unsigned reports;
static double last_done;

static void
look(double done, double left_s)
{
	assert_true(done >= 0 && done < 1 && left_s > 0);
	last_done = done;
	reports++;
}

static void
test_all_are_solved(void **state)
{
	static const unsigned puzzles[] = { 1, 2, 16, 32 }, threads[] = { 1, 2, 3, 40 };

	(void)state;
	for (unsigned p = 0; p < 4; p++) {
		for (unsigned t = 0; t < 4; t++) {
			struct crew_job job = { .seed = { (uint8_t)p },
				.target = 1u << 19,
				.puzzles = puzzles[p],
				.threads = threads[t],
				.end_ms = INT64_MAX };
			uint32_t number[CHALLENGE_PUZZLES_MAX];
			uint64_t hashes = 0;

			assert_int_equal(crew_solve(&job, number, &hashes), CREW_SOLVED);
			assert_true(hashes >= puzzles[p]);
			for (unsigned i = 0; i < puzzles[p]; i++)
				assert_true(pow_check(job.seed, job.target, i, number[i]));
		}
	}
}

/* 2^32 tries a puzzle, all in vain but one in 4 billion: the time is over before. */
static void
test_time_is_over(void **state)
{
	struct crew_job job = { .target = 1,
		.puzzles = 32,
		.threads = 2,
		.end_ms = clock_mono_ms() + 700,
		.progress = look };
	uint32_t number[CHALLENGE_PUZZLES_MAX];
	uint64_t hashes = 0;

	(void)state;
	reports = 0;
	assert_int_equal(crew_solve(&job, number, &hashes), CREW_LATE);
	assert_true(hashes > 0);
	assert_true(reports >= 1);
	assert_true(last_done < 0.1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_are_solved),
		cmocka_unit_test(test_time_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
