#include "base/arena.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static void
aligned_zeroed_apart(void **state)
{
	static const size_t sizes[] = { 1, 3, 16, 100, 16383, 16384, 16385, 65536, 65537, 1000000 };
	unsigned char *got[200];
	size_t bytes[200], total = 0;
	struct arena *a = arena_new();

	(void)state;
	for (size_t i = 0; i < COUNT(got); i++) {
		bytes[i] = sizes[i * 7 % COUNT(sizes)];
		got[i] = arena_alloc(a, bytes[i]);
		assert_int_equal((uintptr_t)got[i] % _Alignof(max_align_t), 0);
		for (size_t k = 0; k < bytes[i]; k++)
			assert_int_equal(got[i][k], 0);
		memset(got[i], (int)i, bytes[i]);
		total += bytes[i];
	}
	for (size_t i = 0; i < COUNT(got); i++)
		for (size_t k = 0; k < bytes[i]; k++)
			assert_int_equal(got[i][k], (unsigned char)i);
	assert_true(arena_bytes(a) >= total);
	arena_free(a);
	arena_free(NULL);
}

/* Large things do not make the arena give up the block that it is filling. */
static void
small_stay_together(void **state)
{
	struct arena *a = arena_new();
	char *first = arena_alloc(a, 32), *second;

	(void)state;
	arena_alloc(a, 200000);
	second = arena_alloc(a, 32);
	assert_ptr_equal(second, first + 32);
	assert_true(arena_bytes(a) < 200000 + 2 * 65536);
	arena_free(a);
}

static void
nothing(void **state)
{
	struct arena *a = arena_new();

	(void)state;
	assert_non_null(arena_alloc(a, 0));
	assert_non_null(arena_alloc(a, 0));
	arena_free(a);
}

static void
copy(void **state)
{
	char text[] = "word";
	struct arena *a = arena_new();
	struct slice s = arena_copy(a, (struct slice){ text, 3 });
	struct slice empty = arena_copy(a, (struct slice){ NULL, 0 });

	(void)state;
	text[0] = 'x';
	assert_int_equal(s.len, 3);
	assert_string_equal(s.ptr, "wor");
	assert_int_equal(empty.len, 0);
	assert_string_equal(empty.ptr, "");
	arena_free(a);
}

/* A size that would wrap round to a small one ends the process; it does not get a small block. */
static void
sizes_do_not_wrap(void **state)
{
	static const size_t sizes[] = { SIZE_MAX, SIZE_MAX - 14, SIZE_MAX - 15, SIZE_MAX - 40,
		(size_t)PTRDIFF_MAX + 1 };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		pid_t child = fork();
		int status;

		assert_true(child >= 0);
		if (child == 0) {
			close(STDERR_FILENO);
			signal(SIGABRT, SIG_DFL);
			arena_alloc(arena_new(), sizes[i]);
			_exit(0);
		}
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_false(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(aligned_zeroed_apart),
		cmocka_unit_test(small_stay_together),
		cmocka_unit_test(nothing),
		cmocka_unit_test(copy),
		cmocka_unit_test(sizes_do_not_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
