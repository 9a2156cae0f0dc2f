#include "cli/lines.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/memory.h"

/* Lines of these lengths, each of its own letter, with this behind the last one. */
static void
round_trip(const size_t *length, size_t count, const char *end)
{
	char name[] = "/tmp/ammit-lines-XXXXXX";
	int fd = mkstemp(name);
	struct lines *l = xcalloc(1, sizeof(*l));
	struct slice line;
	bool too_long;

	assert_true(fd >= 0);
	unlink(name);
	for (size_t i = 0; i < count; i++) {
		char *text = malloc(length[i] + 1);

		memset(text, 'a' + (int)(i % 26), length[i] + 1);
		text[length[i]] = '\n';
		assert_int_equal(
		    write(fd, text, length[i] + (i + 1 < count)), length[i] + (i + 1 < count));
		free(text);
	}
	assert_int_equal(write(fd, end, strlen(end)), strlen(end));
	lseek(fd, 0, SEEK_SET);
	lines_init(l, fd);
	for (size_t i = 0; i < count; i++) {
		assert_true(lines_next(l, &line, &too_long));
		assert_int_equal(l->number, i + 1);
		assert_int_equal(too_long, length[i] > LINE_BYTES_MAX);
		assert_int_equal(line.len, too_long ? LINE_BYTES_MAX : length[i]);
		for (size_t n = 0; n < line.len; n++)
			assert_true(line.ptr[n] == 'a' + (int)(i % 26));
	}
	assert_false(lines_next(l, &line, &too_long));
	assert_int_equal(l->error, 0);
	free(l);
	close(fd);
}

static void
lengths(void **state)
{
	const size_t most = LINE_BYTES_MAX, size = LINES_BUFFER;
	const size_t all[] = { 1, 0, most - 1, most, most + 1, 3, size - 1, size, size + 1, 0,
		2 * size, 5, most, most, most, most, most, 7, 10 * size, 1 };

	(void)state;
	round_trip(all, sizeof(all) / sizeof(all[0]), "");
	round_trip(all, sizeof(all) / sizeof(all[0]), "\n");
	round_trip(all, sizeof(all) / sizeof(all[0]), "\r\n");
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		round_trip(&all[i], 1, "\n");
}

static void
errors(void **state)
{
	struct lines *l = xcalloc(1, sizeof(*l));
	struct slice line;
	bool too_long;

	(void)state;
	lines_init(l, -1);
	assert_false(lines_next(l, &line, &too_long));
	assert_int_not_equal(l->error, 0);
	free(l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(lengths), cmocka_unit_test(errors) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
