#include "net/drip.h"

#include <ctype.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "unit/net/knock.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define REQUEST "GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n"
#define PATIENCE_MS 20000
#define SPARE 64u /* connections beyond the places */

static struct ev_loop *loop;
static struct sockaddr_un at;
static int listener;
static struct drip drip;

static const struct drip_bounds roomy = { .visitors = 1000,
	.rate_bytes_s = 1 << 20,
	.time_s = 1000,
	.descriptors = 1 << 20,
	.pace_ms = 1,
	.head_ms = 100000 };

static void
begin(struct drip_bounds b)
{
	loop = ev_loop_new(0);
	listener = listen_somewhere(&at);
	drip_start(&drip, loop, listener, &b);
}

static void
end(void)
{
	drip_stop(&drip);
	close(listener);
	ev_loop_destroy(loop);
}

/* What is there to be done now. */
static void
turn(void)
{
	for (int i = 0; i < 8; i++)
		ev_run(loop, EVRUN_NOWAIT);
}

static int
visit(const char *request)
{
	int fd = knock(&at);

	assert_int_equal(write(fd, request, strlen(request)), (ssize_t)strlen(request));
	turn();
	return fd;
}

/* What has come; -1: nothing yet, 0: the end, with or without what was said being read. */
static ssize_t
hear(int fd, char *got, size_t bytes)
{
	ssize_t n = recv(fd, got, bytes - 1, MSG_DONTWAIT);

	got[n > 0 ? n : 0] = '\0';
	return n < 0 && errno == ECONNRESET ? 0 : n;
}

/* All that comes until the end, or until `enough` bytes have come. Whether it was the end. */
static bool
listen_to(int fd, char *got, size_t bytes, size_t enough)
{
	const int64_t until = clock_mono_ms() + PATIENCE_MS;
	size_t len = 0;

	while (len < enough && clock_mono_ms() < until) {
		ssize_t n = hear(fd, got + len, bytes - len);

		if (n == 0)
			return true;
		if (n > 0)
			len += (size_t)n;
		else
			ev_run(loop, EVRUN_ONCE);
	}
	if (len < enough)
		fail_msg("waited in vain after %zu bytes", len);
	return false;
}

static bool
ended(int fd)
{
	static char got[65536];

	return listen_to(fd, got, sizeof(got), sizeof(got) - 1);
}

/* One chunk, all of it text; where the next begins, NULL if it is none. */
static const char *
next_chunk(const char *p, size_t *bytes)
{
	char *body;

	*bytes = strtoul(p, &body, 16);
	if (body == p || strncmp(body, "\r\n", 2) != 0 || strlen(body) < *bytes + 4)
		return NULL;
	for (size_t i = 0; i < *bytes; i++)
		if (!isprint((unsigned char)body[2 + i]) && body[2 + i] != '\n')
			return NULL;
	return strncmp(body + 2 + *bytes, "\r\n", 2) == 0 ? body + 4 + *bytes : NULL;
}

static void
pieces_are_whole_chunks(void **state)
{
	uint32_t seed = 1, other = 2;
	char last[DRIP_PIECE_MAX] = "";
	unsigned same = 0, links = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		char out[DRIP_PIECE_MAX], theirs[DRIP_PIECE_MAX];
		size_t n = drip_piece(&seed, out), bytes;
		const char *rest;

		drip_piece(&other, theirs);
		assert_true(n > 0 && n < DRIP_PIECE_MAX && out[n] == '\0');
		rest = next_chunk(out, &bytes);
		if (rest != out + n || bytes < 3)
			fail_msg("no chunk: %s", out);
		same += strcmp(out, last) == 0 || strcmp(out, theirs) == 0;
		links += strstr(out, "<a href=\"#") != NULL;
		memcpy(last, out, n + 1);
	}
	assert_true(same < 1000 && links > 1000);
}

static const struct {
	const char *name, *part[4];
	bool answered;
} heads[] = {
	{ "whole", { REQUEST }, true },
	{ "no request at all", { "\r\n\r\n" }, true },
	{ "in two", { "GET / HTTP/1.1\r\nHost: x\r\n", "\r\n" }, true },
	{ "within the end", { "GET / HTTP/1.1\r", "\n\r", "\n" }, true },
	{ "one CR more", { "GET / HTTP/1.1\r\n\r\r\n\r\n" }, true },
	{ "with a body", { "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello", "more" }, true },
	{ "nothing", { "" }, false },
	{ "one line", { "GET / HTTP/1.1\r\n" }, false },
	{ "almost", { "GET / HTTP/1.1\r\n\r" }, false },
	{ "a line between", { "GET / HTTP/1.1\r\n", "a\r\n" }, false },
	{ "LF alone", { "GET / HTTP/1.1\n\n" }, false },
};

static void
the_end_of_a_request_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(heads); i++) {
		char got[4096];
		int fd;

		begin(roomy);
		fd = visit("");
		for (size_t k = 0; k < COUNT(heads[i].part) && heads[i].part[k] != NULL; k++) {
			const char *part = heads[i].part[k];

			assert_int_equal(write(fd, part, strlen(part)), (ssize_t)strlen(part));
			turn();
		}
		hear(fd, got, sizeof(got));
		if ((strncmp(got, "HTTP/1.1 200 OK\r\n", 17) == 0) != heads[i].answered)
			fail_msg("%s: \"%s\"", heads[i].name, got);
		assert_int_equal(counter_get(&drip.counts.visitors), heads[i].answered);
		close(fd);
		end();
	}
}

/* The whole page is well-formed, from its header to its end. */
static void
a_page_from_its_first_byte_to_its_last(void **state)
{
	static char got[1 << 20];
	struct drip_bounds b = roomy;
	size_t bytes = 1, chunks = 0;
	const char *p;
	int fd;

	(void)state;
	b.time_s = 1;
	begin(b);
	fd = visit(REQUEST);
	assert_true(listen_to(fd, got, sizeof(got), sizeof(got) - 1));
	p = strstr(got, "\r\n\r\n");
	assert_non_null(p);
	assert_non_null(strstr(got, "Transfer-Encoding: chunked\r\n"));
	assert_null(strstr(got, "Content-Length"));
	for (p += 4; bytes > 0; chunks++) {
		p = next_chunk(p, &bytes);
		if (p == NULL)
			fail_msg("chunk %zu is none", chunks);
	}
	assert_true(*p == '\0' && chunks > 4);
	/* He counts no more, and when he has closed nothing of him is left. */
	assert_int_equal(counter_get(&drip.counts.visitors), 0);
	assert_int_equal(counter_get(&drip.counts.bytes), strlen(got));
	assert_true(counter_get(&drip.counts.held_ms) >= 1000);
	close(fd);
	turn();
	assert_int_equal(drip.list[DRIP_LEAVING].count, 0);
	end();
}

static void
who_comes_when_it_is_full_is_denied_and_a_place_is_free_again(void **state)
{
	struct drip_bounds b = roomy;
	char got[4096];
	int fd[4];

	(void)state;
	b.visitors = 2;
	begin(b);
	for (int i = 0; i < 3; i++)
		fd[i] = visit(REQUEST);
	assert_int_equal(counter_get(&drip.counts.visitors), 2);
	assert_true(listen_to(fd[2], got, sizeof(got), sizeof(got) - 1));
	assert_int_equal(strncmp(got, "HTTP/1.1 403 ", 13), 0);
	assert_non_null(strstr(got, "\r\nContent-Length: 15\r\n"));
	assert_string_equal(strstr(got, "\r\n\r\n") + 4, "Access denied.\n");
	assert_int_equal(counter_get(&drip.counts.refused), 1);
	close(fd[0]);
	turn();
	assert_int_equal(counter_get(&drip.counts.visitors), 1);
	fd[3] = visit(REQUEST);
	listen_to(fd[3], got, sizeof(got), 17);
	assert_int_equal(strncmp(got, "HTTP/1.1 200 ", 13), 0);
	assert_int_equal(counter_get(&drip.counts.served), 3);
	for (int i = 1; i < 4; i++)
		close(fd[i]);
	end();
}

/* Those who say nothing take no more than the spare connections, and not for ever. */
static void
silent_and_endless_requests(void **state)
{
	static char pad[DRIP_HEAD_BYTES_MAX];
	struct drip_bounds b = roomy;
	int fd[100];
	unsigned closed = 0;

	(void)state;
	b.visitors = 5;
	b.head_ms = 300;
	begin(b);
	for (int i = 0; i < 100; i++)
		fd[i] = visit(i % 2 == 0 ? "" : "GET / HTTP/1.1\r\nHost");
	for (int i = 0; i < 100; i++)
		closed += hear(fd[i], pad, 2) == 0;
	assert_int_equal(closed, 100 - 5 - SPARE);
	assert_int_equal(drip.list[DRIP_READING].count, 5 + SPARE);
	for (int i = 0; i < 100; i++) {
		assert_true(ended(fd[i]));
		close(fd[i]);
	}
	/* Now nobody is there, and the clock stands still. */
	while (ev_is_active(&drip.tick))
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(drip.list[DRIP_READING].count, 0);
	memset(pad, 'a', sizeof(pad));
	fd[0] = visit("GET /");
	for (size_t sent = 0; sent <= sizeof(pad);) {
		ssize_t n = send(fd[0], pad, sizeof(pad), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0 && drip.list[DRIP_READING].count == 0)
			break;
		sent += n > 0 ? (size_t)n : 0;
		turn();
	}
	assert_int_equal(drip.list[DRIP_READING].count, 0);
	close(fd[0]);
	end();
}

/* All together get what the rate allows, and everybody has his turn. */
static void
the_rate_holds_and_starves_nobody(void **state)
{
	struct drip_bounds b = roomy;
	int64_t began = clock_mono_ms(), passed;
	uint64_t most;
	int fd[40];

	(void)state;
	b.rate_bytes_s = 8192;
	begin(b);
	for (int i = 0; i < 40; i++)
		fd[i] = visit(REQUEST);
	while (counter_get(&drip.counts.served) < 40 && clock_mono_ms() - began < PATIENCE_MS)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(counter_get(&drip.counts.served), 40);
	while (clock_mono_ms() - began < 1500)
		ev_run(loop, EVRUN_ONCE);
	passed = clock_mono_ms() - began;
	most = (uint64_t)(8192 + 8192 * passed / 1000);
	assert_in_range(counter_get(&drip.counts.bytes), most / 2, most);
	/* Greeted late or early, all have had pieces as well. */
	for (int i = 0; i < 40; i++) {
		char got[65536];

		listen_to(fd[i], got, sizeof(got), sizeof("HTTP/1.1 200") + 200);
		close(fd[i]);
	}
	end();
}

static void
places_are_what_the_rate_can_serve(void **state)
{
	static const struct {
		unsigned visitors, rate, want;
	} cases[] = { { 2000, 65536, 2000 }, { 1000000, 65536, 24576 }, { 2000, 1024, 384 },
		{ 1, 1 << 30, 1 }, { 1000000, 1 << 30, 1000000 } };

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct drip_bounds b = { .visitors = cases[i].visitors,
			.rate_bytes_s = cases[i].rate };

		assert_int_equal(drip_places(&b), cases[i].want);
	}
}

static void
descriptors_are_left_to_others(void **state)
{
	char got[16];
	int fd;

	(void)state;
	begin(roomy);
	/* The next descriptor is the visitor's, the one behind it the connection's. */
	fd = dup(listener);
	close(fd);
	drip.bounds.descriptors = fd + 1;
	fd = visit(REQUEST);
	assert_int_equal(hear(fd, got, sizeof(got)), 0);
	assert_int_equal(counter_get(&drip.counts.refused), 1);
	close(fd);
	drip.bounds.descriptors++;
	fd = visit(REQUEST);
	assert_true(hear(fd, got, sizeof(got)) > 0);
	assert_int_equal(counter_get(&drip.counts.visitors), 1);
	close(fd);
	end();
}

/* A body that nobody wants is not read to its end, and its sender is still seen to leave. */
static void
a_long_body_is_left_alone(void **state)
{
	static char pad[4096];
	size_t sent = 0;
	int fd;

	(void)state;
	begin(roomy);
	fd = visit(REQUEST);
	memset(pad, 'b', sizeof(pad));
	for (int idle = 0; idle < 20; idle++) {
		ssize_t n = send(fd, pad, sizeof(pad), MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n > 0) {
			sent += (size_t)n;
			idle = 0;
		}
		assert_true(sent < (size_t)8 << 20);
		turn();
	}
	assert_int_equal(counter_get(&drip.counts.visitors), 1);
	close(fd);
	while (counter_get(&drip.counts.visitors) > 0)
		ev_run(loop, EVRUN_ONCE);
	end();
}

/* Who takes nothing misses pieces; what he finds later is whole. */
static void
who_does_not_read_gets_whole_chunks(void **state)
{
	static char got[1 << 20];
	struct drip_bounds b = roomy;
	const char *p;
	size_t bytes;
	int fd, small = 4096;

	(void)state;
	begin(b);
	fd = visit(REQUEST);
	/* The buffer is the sender's, and a visitor begins with his ev_io. */
	setsockopt(((ev_io *)drip.list[DRIP_DRIPPING].first)->fd, SOL_SOCKET, SO_SNDBUF, &small,
	    sizeof(small));
	for (uint64_t before = 0, stuck = 0; stuck < 5; before = counter_get(&drip.counts.bytes)) {
		ev_run(loop, EVRUN_ONCE);
		stuck = counter_get(&drip.counts.bytes) == before ? stuck + 1 : 0;
	}
	assert_int_equal(counter_get(&drip.counts.visitors), 1);
	listen_to(fd, got, sizeof(got), counter_get(&drip.counts.bytes) + 100);
	p = strstr(got, "\r\n\r\n") + 4;
	for (unsigned chunks = 0; strlen(p) >= DRIP_PIECE_MAX || chunks < 4; chunks++) {
		p = next_chunk(p, &bytes);
		assert_non_null(p);
	}
	close(fd);
	end();
}

static void
it_ends_at_once(void **state)
{
	int fd[3];

	(void)state;
	begin(roomy);
	fd[0] = visit(REQUEST);
	fd[1] = visit("");
	fd[2] = visit("GET ");
	drip_stop(&drip);
	for (int i = 0; i < 3; i++) {
		char got[4096];

		while (hear(fd[i], got, sizeof(got)) > 0)
			;
		assert_int_equal(hear(fd[i], got, sizeof(got)), 0);
		close(fd[i]);
	}
	assert_int_equal(counter_get(&drip.counts.visitors), 0);
	assert_false(ev_is_active(&drip.tick));
	end();
	drip = (struct drip){ .loop = NULL };
	drip_stop(&drip);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_whole_chunks),
		cmocka_unit_test(the_end_of_a_request_is_found),
		cmocka_unit_test(a_page_from_its_first_byte_to_its_last),
		cmocka_unit_test(who_comes_when_it_is_full_is_denied_and_a_place_is_free_again),
		cmocka_unit_test(silent_and_endless_requests),
		cmocka_unit_test(the_rate_holds_and_starves_nobody),
		cmocka_unit_test(places_are_what_the_rate_can_serve),
		cmocka_unit_test(descriptors_are_left_to_others),
		cmocka_unit_test(a_long_body_is_left_alone),
		cmocka_unit_test(who_does_not_read_gets_whole_chunks),
		cmocka_unit_test(it_ends_at_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
