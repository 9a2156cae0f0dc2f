#include "net/stream.h"

#include <ev.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* Messages of MESSAGE bytes; each is answered with ANSWER bytes that begin with its first byte. A
 * message of 'q' ends the stream. */
#define MESSAGE 5u
static size_t answer_bytes;
static unsigned gone;

static enum stream_answer
answer(struct stream *s, const uint8_t *bytes, size_t n, size_t *used, uint8_t *out, size_t room,
    size_t *written)
{
	s->greeted = true;
	while (n - *used >= MESSAGE) {
		if (room - *written < answer_bytes)
			return STREAM_FULL;
		memset(out + *written, bytes[*used], answer_bytes);
		*written += answer_bytes;
		*used += MESSAGE;
		if (bytes[*used - MESSAGE] == 'q')
			return STREAM_END;
	}
	return STREAM_GO_ON;
}

static void
count_gone(struct stream *s)
{
	(void)s;
	gone++;
}

struct pair {
	struct ev_loop *loop;
	struct stream_home home;
	struct stream *stream;
	int peer;
};

static void
open_pair(struct pair *p, size_t bytes)
{
	int fd[2];

	answer_bytes = bytes;
	gone = 0;
	p->loop = ev_loop_new(0);
	stream_home_init(&p->home, p->loop);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), 0);
	p->peer = fd[1];
	p->stream = calloc(1, sizeof(*p->stream));
	stream_start(p->stream, &p->home, fd[0], answer, count_gone);
}

static void
close_pair(struct pair *p)
{
	close(p->peer);
	while (p->home.first != NULL)
		stream_close(p->home.first);
	stream_home_fini(&p->home);
	ev_loop_destroy(p->loop);
}

static void
turn(struct pair *p)
{
	for (int i = 0; i < 20; i++)
		ev_run(p->loop, EVRUN_NOWAIT);
}

static void
put(struct pair *p, const char *text)
{
	assert_int_equal(write(p->peer, text, strlen(text)), strlen(text));
	turn(p);
}

static void
many_messages_one_write(void **state)
{
	struct pair p;
	char got[64];

	(void)state;
	open_pair(&p, 2);
	put(&p, "a....b....c....");
	assert_int_equal(read(p.peer, got, sizeof(got)), 6);
	assert_memory_equal(got, "aabbcc", 6);
	assert_int_equal(p.home.writes, 1);
	close_pair(&p);
	assert_int_equal(gone, 1);
}

static void
half_a_message_waits_and_idle_owns_nothing(void **state)
{
	struct pair p;
	char got[64];

	(void)state;
	open_pair(&p, 1);
	put(&p, "a....b.");
	assert_int_equal(read(p.peer, got, sizeof(got)), 1);
	assert_non_null(p.stream->in);
	assert_true(ev_is_active(&p.stream->deadline));
	for (const char *c = "..."; *c != '\0'; c++)
		put(&p, ".");
	assert_int_equal(read(p.peer, got, sizeof(got)), 1);
	assert_int_equal(got[0], 'b');
	assert_null(p.stream->in);
	assert_null(p.stream->out);
	assert_false(ev_is_active(&p.stream->deadline));
	close_pair(&p);
}

/* The peer sends and does not read: what is answered must neither be lost nor grow without bound.
 */
static void
back_pressure_loses_nothing(void **state)
{
	struct pair p;
	char message[MESSAGE], got[65536];
	size_t sent = 0, received = 0;
	uint8_t expect = 0, next = 0;
	size_t in_answer = 0;

	(void)state;
	open_pair(&p, 1000);
	while (sent < 20000) {
		memset(message, 0, sizeof(message));
		message[0] = (char)next;
		if (write(p.peer, message, sizeof(message)) != (ssize_t)sizeof(message)) {
			turn(&p);
			if (p.stream->state == STREAM_BLOCKED)
				break;
			continue;
		}
		sent++;
		next = (uint8_t)(next == 'q' - 1 ? 0 : next + 1);
		if (sent % 100 == 0)
			turn(&p);
	}
	turn(&p);
	assert_int_equal(p.stream->state, STREAM_BLOCKED);
	while (received < sent * 1000) {
		ssize_t n = read(p.peer, got, sizeof(got));

		turn(&p);
		for (ssize_t i = 0; i < n; i++) {
			assert_int_equal((uint8_t)got[i], expect);
			if (++in_answer == 1000) {
				in_answer = 0;
				expect = (uint8_t)(expect == 'q' - 1 ? 0 : expect + 1);
			}
		}
		received += n > 0 ? (size_t)n : 0;
	}
	assert_int_equal(p.stream->state, STREAM_READING);
	assert_null(p.stream->out);
	close_pair(&p);
}

static void
the_last_answer_arrives_before_the_end(void **state)
{
	struct pair p;
	char got[8];

	(void)state;
	open_pair(&p, 1);
	put(&p, "a....q....never");
	assert_int_equal(read(p.peer, got, sizeof(got)), 2);
	assert_memory_equal(got, "aq", 2);
	assert_int_equal(read(p.peer, got, sizeof(got)), 0);
	assert_int_equal(p.stream->state, STREAM_LEAVING);
	put(&p, "ignored");
	shutdown(p.peer, SHUT_RDWR);
	turn(&p);
	assert_int_equal(gone, 1);
	assert_int_equal(p.home.count, 0);
	close_pair(&p);
}

static void
a_late_answer_goes_behind_the_others(void **state)
{
	struct pair p;
	char got[65536];
	ssize_t n;

	(void)state;
	open_pair(&p, 1);
	put(&p, "a....");
	assert_true(stream_send(p.stream, (const uint8_t *)"late", 4));
	assert_int_equal(read(p.peer, got, sizeof(got)), 5);
	assert_memory_equal(got, "alate", 5);
	/* Blocked: the peer reads nothing. */
	answer_bytes = STREAM_OUT_BYTES / 4;
	while (p.stream->state == STREAM_READING)
		put(&p, "b....");
	assert_true(stream_send(p.stream, (const uint8_t *)"last", 4));
	memset(got, 0, 4);
	do {
		n = read(p.peer, got, sizeof(got));
		turn(&p);
	} while (n > 0 && memcmp(got + n - 4, "last", 4) != 0);
	assert_true(n > 0);
	assert_int_equal(p.stream->state, STREAM_READING);
	close_pair(&p);
}

/* What cannot be answered is closed, never left silent, and nothing grows. */
static void
late_answers_to_one_who_takes_nothing_end_it(void **state)
{
	static const uint8_t answers[STREAM_OUT_BYTES / 2];
	struct pair p;
	unsigned n = 0;

	(void)state;
	open_pair(&p, 1);
	while (stream_send(p.stream, answers, sizeof(answers)))
		assert_true(++n < 1000);
	assert_int_equal(gone, 1);
	assert_null(p.home.first);
	close_pair(&p);
}

static void
finish_sends_its_words(void **state)
{
	struct pair p;
	char got[8];

	(void)state;
	open_pair(&p, 1);
	put(&p, "a....");
	stream_finish(p.stream, (const uint8_t *)"bye", 3);
	turn(&p);
	assert_int_equal(read(p.peer, got, sizeof(got)), 4);
	assert_memory_equal(got, "abye", 4);
	assert_int_equal(read(p.peer, got, sizeof(got)), 0);
	close_pair(&p);
	assert_int_equal(gone, 1);
}

static void
a_silent_stranger_has_a_deadline(void **state)
{
	struct pair p;

	(void)state;
	open_pair(&p, 1);
	assert_true(ev_is_active(&p.stream->deadline));
	put(&p, "a....");
	assert_false(ev_is_active(&p.stream->deadline));
	close_pair(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(many_messages_one_write),
		cmocka_unit_test(half_a_message_waits_and_idle_owns_nothing),
		cmocka_unit_test(back_pressure_loses_nothing),
		cmocka_unit_test(the_last_answer_arrives_before_the_end),
		cmocka_unit_test(a_late_answer_goes_behind_the_others),
		cmocka_unit_test(late_answers_to_one_who_takes_nothing_end_it),
		cmocka_unit_test(finish_sends_its_words),
		cmocka_unit_test(a_silent_stranger_has_a_deadline),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
