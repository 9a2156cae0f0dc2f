#include "cli/spop_client.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/memory.h"

/* What an agent does instead of what it should. */
enum fault {
	GOOD,
	SILENT,
	CLOSES,
	NO_SPOP,
	DISCONNECTS,
	MALFORMED_HELLO,
	SILENT_LATER,
	CLOSES_LATER,
	OTHER_STREAM,
	MALFORMED_ACK,
	MANY_VARIABLES,
	HUGE_ACK
};

struct agent {
	struct endpoint at;
	int listener;
	enum fault fault;
	pthread_t thread;
};

/* One frame of the peer; false: it went. */
static bool
take(int fd, struct spop_frame *f, uint8_t buf[65536])
{
	enum spop_status status;
	size_t len = 0;

	while (spop_frame_split(buf, len, SPOP_FRAME_MAX, f, &status) != SPOP_FRAME) {
		ssize_t n = recv(fd, buf + len, 65536 - len, 0);

		if (n <= 0)
			return false;
		len += (size_t)n;
	}
	return true;
}

static void
greet(const struct agent *a, struct spop_writer *w)
{
	uint8_t *begin = spop_frame_begin(
	    w, a->fault == DISCONNECTS ? SPOP_AGENT_DISCONNECT : SPOP_AGENT_HELLO, 0, 0);

	spop_write_pair_string(w, SLICE("version"), SLICE("2.0"));
	spop_write_pair_u32(w, SLICE("max-frame-size"), 1000);
	if (a->fault == MALFORMED_HELLO)
		spop_write_byte(w, 200);
	spop_frame_end(w, begin, SPOP_FRAME_MAX);
}

static void
answer(const struct agent *a, const struct spop_frame *f, struct spop_writer *w)
{
	uint8_t *begin =
	    spop_frame_begin(w, SPOP_ACK, f->stream_id + (a->fault == OTHER_STREAM), f->frame_id);

	spop_write_set_string(w, SLICE("verdict"), SLICE("allow"));
	spop_write_bytes(w, "\2\2\2\1x", 5); /* unset-var x */
	for (unsigned i = 0; a->fault == MANY_VARIABLES && i < SPOP_CLIENT_VARIABLES; i++)
		spop_write_set_number(w, SLICE("weight"), i);
	if (a->fault == MALFORMED_ACK)
		spop_write_byte(w, 1);
	for (unsigned i = 0; a->fault == HUGE_ACK && i < 2000; i++)
		spop_write_byte(w, 0);
	spop_write_set_number(w, SLICE("weight"), -7);
	spop_frame_end(w, begin, SPOP_FRAME_MAX);
}

static void *
serve(void *arg)
{
	struct agent *a = arg;
	uint8_t *buf = xcalloc(1, 65536), out[8192];
	struct spop_frame f;
	int fd;

	/* The listener does not block. */
	if (endpoint_wait(a->listener, POLLIN, clock_mono_ms() + 60000) != 0)
		abort();
	fd = accept(a->listener, NULL, NULL);
	for (unsigned n = 0; a->fault != CLOSES && take(fd, &f, buf); n++) {
		struct spop_writer w = { out, out + sizeof(out), false };

		if (a->fault == CLOSES_LATER && n == 1)
			break;
		if (a->fault == SILENT || (a->fault == SILENT_LATER && n == 1))
			continue;
		if (a->fault == NO_SPOP)
			spop_write_bytes(&w, "HTTP/1.1 400 Bad request\r\n", 26);
		else if (n == 0)
			greet(a, &w);
		else
			answer(a, &f, &w);
		/* In two pieces. */
		send(fd, out, 3, MSG_NOSIGNAL);
		send(fd, out + 3, (size_t)(w.pos - out) - 3, MSG_NOSIGNAL);
	}
	close(fd);
	free(buf);
	return NULL;
}

static void
start(struct agent *a, enum fault fault)
{
	char text[64], error[256];
	const char *why;

	snprintf(text, sizeof(text), "unix@/tmp/ammit-spop-client-%d.sock", (int)getpid());
	assert_true(endpoint_parse(slice_of(text), &a->at, &why));
	a->fault = fault;
	a->listener = endpoint_listen(&a->at, 0600, (gid_t)-1, error, sizeof(error));
	assert_true(a->listener >= 0);
	assert_int_equal(pthread_create(&a->thread, NULL, serve, a), 0);
}

static void
stop(struct agent *a)
{
	pthread_join(a->thread, NULL);
	endpoint_unlink(&a->at, a->listener);
	close(a->listener);
}

static void
talks(void **state)
{
	static const struct {
		enum fault fault;
		bool greeted, answered;
		const char *why;
	} cases[] = {
		{ GOOD, true, true, NULL },
		{ SILENT, false, false, "no answer in time" },
		{ CLOSES, false, false, NULL },
		{ NO_SPOP, false, false, "what it says is no SPOP" },
		{ DISCONNECTS, false, false, "it refuses HELLO" },
		{ MALFORMED_HELLO, false, false, "its HELLO is malformed" },
		{ SILENT_LATER, true, false, "no answer in time" },
		{ CLOSES_LATER, true, false, "closed without an answer" },
		{ OTHER_STREAM, true, false, "the answer is for another question" },
		{ MALFORMED_ACK, true, false, "the answer is malformed" },
		{ MANY_VARIABLES, true, false, "the answer is malformed" },
		{ HUGE_ACK, true, false, "what it says is no SPOP" },
	};
	struct spop_client *c = xcalloc(1, sizeof(*c));
	const struct spop_client_argument argument[] = {
		{ SLICE("method"), { .type = SPOP_STRING, .bytes = SLICE("GET") } },
		{ SLICE("query"), { .type = SPOP_NULL, .bytes = { NULL, 0 } } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct spop_client_answer got = { .count = 0 };
		struct agent a;
		/* Those that are to answer have all the time that there is. */
		bool silent = cases[i].fault == SILENT || cases[i].fault == SILENT_LATER, good;

		start(&a, cases[i].fault);
		good =
		    spop_client_init(c, &a.at, 16380, cases[i].fault == SILENT ? 50 : 20000, false);
		if (silent)
			c->timeout_ms = 50;
		assert_int_equal(c->connect_errno, 0);
		if (good != cases[i].greeted)
			fail_msg("case %zu: %s", i, c->why);
		if (good) {
			assert_int_equal(c->max_frame, 1000);
			good = spop_client_ask(c, SLICE("weigh"), argument, 2, &got);
			if (good != cases[i].answered)
				fail_msg("case %zu: %s", i, c->why);
		}
		if (good) {
			assert_int_equal(got.count, 2);
			assert_true(slice_equal(
			    spop_client_variable(&got, "verdict").bytes, SLICE("allow")));
			assert_int_equal(spop_client_variable(&got, "weight").number, -7);
			assert_int_equal(spop_client_variable(&got, "none").type, SPOP_NULL);
			assert_true(got.us > 0);
			/* And again, on the same connection. */
			assert_true(spop_client_ask(c, SLICE("weigh"), argument, 2, &got));
		} else if (cases[i].why != NULL) {
			assert_string_equal(c->why, cases[i].why);
		}
		spop_client_fini(c);
		stop(&a);
	}
	free(c);
}

static void
nobody(void **state)
{
	struct spop_client *c = xcalloc(1, sizeof(*c));
	struct endpoint at;
	const char *why;

	(void)state;
	assert_true(endpoint_parse(SLICE("unix@/nonexistent/spop.sock"), &at, &why));
	assert_false(spop_client_init(c, &at, 16380, 1000, true));
	assert_int_equal(c->connect_errno, ENOENT);
	assert_string_equal(c->why, "No such file or directory");
	spop_client_fini(c);
	free(c);
}

/* A question that no frame holds is not sent. */
static void
too_long(void **state)
{
	struct spop_client *c = xcalloc(1, sizeof(*c));
	struct spop_client_answer got;
	struct agent a;
	char *big = xcalloc(1, 2000);
	const struct spop_client_argument argument = { SLICE("path"),
		{ .type = SPOP_STRING, .bytes = { big, 2000 } } };

	(void)state;
	start(&a, GOOD);
	assert_true(spop_client_init(c, &a.at, 16380, 20000, false));
	assert_false(spop_client_ask(c, SLICE("weigh"), &argument, 1, &got));
	assert_string_equal(c->why, "the question does not fit into a frame");
	spop_client_fini(c);
	stop(&a);
	free(big);
	free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(talks), cmocka_unit_test(nobody),
		cmocka_unit_test(too_long) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
