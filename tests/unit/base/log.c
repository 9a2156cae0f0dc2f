#include "base/log.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What the calls between begin_capture and end_capture wrote on stderr. */
static int saved, pipe_fds[2];

static void
begin_capture(void)
{
	assert_int_equal(pipe2(pipe_fds, O_NONBLOCK), 0);
	saved = dup(STDERR_FILENO);
	assert_true(saved >= 0);
	assert_true(dup2(pipe_fds[1], STDERR_FILENO) >= 0);
}

static struct slice
end_capture(char *buf, size_t cap)
{
	ssize_t n = read(pipe_fds[0], buf, cap);

	dup2(saved, STDERR_FILENO);
	close(saved);
	close(pipe_fds[0]);
	close(pipe_fds[1]);
	return (struct slice){ buf, n > 0 ? (size_t)n : 0 };
}

static void
is(struct slice got, const char *want)
{
	if (!slice_equal(got, slice_of(want)))
		fail_msg("got %.*s, want %s", (int)got.len, got.ptr, want);
}

static void
lines(void **state)
{
	char buf[4096];
	struct log_entry e;

	(void)state;
	begin_capture();
	log_line(LOG_LEVEL_WARN, "start", "workers=%d", 2);
	log_begin(&e, LOG_LEVEL_ERROR, "frame");
	log_text(&e, "peer", SLICE("a b\n\"ammit error fake\""));
	log_number(&e, "bytes", -5);
	log_end(&e);
	is(end_capture(buf, sizeof(buf)),
	    "ammit warn start workers=2\n"
	    "ammit error frame peer=\"a b\\x0a\\\"ammit error fake\\\"\" bytes=-5\n");
}

static void
levels(void **state)
{
	char buf[4096];
	struct log_entry e;

	(void)state;
	begin_capture();
	log_line(LOG_LEVEL_DEBUG, "no", "x=1");
	log_begin(&e, LOG_LEVEL_DEBUG, "no");
	log_text(&e, "a", SLICE("b"));
	log_number(&e, "n", 1);
	log_end(&e);
	log_set_level(LOG_LEVEL_ERROR);
	log_line(LOG_LEVEL_INFO, "no", "x=1");
	log_line(LOG_LEVEL_ERROR, "yes", "x=1");
	log_set_level(LOG_LEVEL_INFO);
	is(end_capture(buf, sizeof(buf)), "ammit error yes x=1\n");
}

/* However long what a client sent: one line, each value closed, and the fields behind it there. */
static void
long_values(void **state)
{
	static char big[10000];
	char buf[8192];

	(void)state;
	for (int fill = 0; fill < 3; fill++) {
		struct log_entry e;
		struct slice got;

		memset(big, "a\"\xff"[fill], sizeof(big));
		begin_capture();
		log_begin(&e, LOG_LEVEL_INFO, "weigh");
		log_text(&e, "path", (struct slice){ big, sizeof(big) });
		log_text(&e, "ua", (struct slice){ big, sizeof(big) });
		log_number(&e, "weight", 7);
		log_end(&e);
		got = end_capture(buf, sizeof(buf) - 1);
		buf[got.len] = '\0';
		assert_true(got.len > 1000 && got.len <= 2048);
		assert_ptr_equal(strchr(buf, '\n'), buf + got.len - 1);
		assert_non_null(strstr(buf, "\" ua=\""));
		assert_string_equal(buf + got.len - strlen("\" weight=7\n"), "\" weight=7\n");
	}
}

/* So many values that there is no room left for keys: what is there stays whole. */
static void
many_values(void **state)
{
	static char big[4000];
	char buf[8192];
	struct log_entry e;
	struct slice got;
	size_t quotes = 0;

	(void)state;
	memset(big, 'a', sizeof(big));
	begin_capture();
	log_begin(&e, LOG_LEVEL_INFO, "weigh");
	for (int i = 0; i < 40; i++)
		log_text(&e, "key", (struct slice){ big, sizeof(big) });
	log_end(&e);
	got = end_capture(buf, sizeof(buf));
	for (size_t i = 0; i < got.len; i++)
		quotes += got.ptr[i] == '"';
	assert_int_equal(quotes % 2, 0);
	assert_int_equal(got.ptr[got.len - 1], '\n');
	assert_true(got.len <= 2048);
}

static void
limited(void **state)
{
	char buf[4096];
	struct log_limit limit = { 0 };
	struct log_entry e;

	(void)state;
	begin_capture();
	for (int i = 0; i < 5; i++) {
		log_begin_limited(&e, LOG_LEVEL_INFO, "flood", &limit, 2);
		log_number(&e, "i", i);
		log_text(&e, "t", SLICE("x"));
		log_end(&e);
	}
	limit.minute--; /* as if that had been a minute ago */
	log_begin_limited(&e, LOG_LEVEL_INFO, "flood", &limit, 2);
	log_end(&e);
	log_begin_limited(&e, LOG_LEVEL_INFO, "flood", &limit, 2);
	log_end(&e);
	is(end_capture(buf, sizeof(buf)),
	    "ammit info flood i=0 t=\"x\"\nammit info flood i=1 t=\"x\"\n"
	    "ammit info flood held_back=3\nammit info flood\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines),
		cmocka_unit_test(levels),
		cmocka_unit_test(long_values),
		cmocka_unit_test(many_values),
		cmocka_unit_test(limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
