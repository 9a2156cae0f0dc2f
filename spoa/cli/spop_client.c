#include "cli/spop_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static int64_t
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool
fail(struct spop_client *c, const char *why)
{
	c->why = why;
	return false;
}

static bool
send_frame(struct spop_client *c, const uint8_t *bytes, size_t n, int64_t end_ms)
{
	while (n > 0) {
		ssize_t sent = send(c->fd, bytes, n, MSG_NOSIGNAL);

		if (sent > 0) {
			bytes += sent;
			n -= (size_t)sent;
		} else if (errno != EAGAIN && errno != EINTR) {
			return fail(c, "the connection is closed");
		} else if (endpoint_wait(c->fd, POLLOUT, end_ms) != 0) {
			return fail(c, "it takes nothing");
		}
	}
	return true;
}

/* The next frame; it is used up by moving what follows, which there is none of. */
static bool
read_frame(struct spop_client *c, struct spop_frame *f, int64_t end_ms)
{
	enum spop_status status;

	c->len = 0;
	for (;;) {
		ssize_t n;

		switch (spop_frame_split(c->in, c->len, c->max_frame, f, &status)) {
		case SPOP_FRAME:
			return true;
		case SPOP_BROKEN:
			return fail(c, "what it says is no SPOP");
		case SPOP_INCOMPLETE:
			break;
		}
		if (endpoint_wait(c->fd, POLLIN, end_ms) != 0)
			return fail(c, "no answer in time");
		n = recv(c->fd, c->in + c->len, sizeof(c->in) - c->len, 0);
		if (n > 0)
			c->len += (size_t)n;
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			return fail(c, "closed without an answer");
	}
}

static bool
greet(struct spop_client *c, bool healthcheck, int64_t end_ms)
{
	uint8_t buf[512], *begin;
	struct spop_writer w = { buf, buf + sizeof(buf), false };
	struct spop_value yes = { .type = SPOP_BOOL, .truth = true };
	struct spop_frame f;

	begin = spop_frame_begin(&w, SPOP_HAPROXY_HELLO, 0, 0);
	spop_write_pair_string(&w, SLICE("supported-versions"), SLICE("2.0"));
	spop_write_pair_u32(&w, SLICE("max-frame-size"), c->max_frame);
	spop_write_pair_string(&w, SLICE("capabilities"), SLICE("pipelining"));
	if (healthcheck) {
		spop_write_string(&w, SLICE("healthcheck"));
		spop_write_value(&w, &yes);
	} else {
		spop_write_pair_string(&w, SLICE("engine-id"), SLICE("ammit-doctor"));
	}
	if (!spop_frame_end(&w, begin, sizeof(buf)))
		return fail(c, "HELLO is too long");
	if (!send_frame(c, buf, (size_t)(w.pos - buf), end_ms) || !read_frame(c, &f, end_ms))
		return false;
	if (f.type != SPOP_AGENT_HELLO)
		return fail(c, "it refuses HELLO");
	while (!f.payload.bad && f.payload.pos < f.payload.end) {
		struct slice key = spop_read_string(&f.payload);
		struct spop_value value = spop_read_value(&f.payload);

		if (slice_equal(key, SLICE("max-frame-size")) && value.type == SPOP_UINT32 &&
		    (uint64_t)value.number >= SPOP_FRAME_LEAST &&
		    (uint64_t)value.number < c->max_frame)
			c->max_frame = (uint32_t)value.number;
	}
	return !f.payload.bad || fail(c, "its HELLO is malformed");
}

bool
spop_client_init(struct spop_client *c, const struct endpoint *at, uint32_t max_frame,
    int timeout_ms, bool healthcheck)
{
	int64_t end_ms = clock_mono_ms() + timeout_ms;
	int one = 1;

	c->timeout_ms = timeout_ms;
	c->max_frame = max_frame < SPOP_FRAME_MAX ? max_frame : SPOP_FRAME_MAX;
	c->connect_errno = 0;
	c->why = NULL;
	c->asked = 0;
	c->len = 0;
	c->fd = endpoint_connect(at, end_ms);
	if (c->fd < 0) {
		c->connect_errno = errno;
		return fail(c, strerror(errno));
	}
	/* On a unix socket it means nothing, and fails. */
	(void)setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return greet(c, healthcheck, end_ms);
}

void
spop_client_fini(struct spop_client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* Actions of an ACK: set-var (1) with scope, name and value, unset-var (2) with scope and name. */
static bool
read_actions(struct spop_reader *r, struct spop_client_answer *out)
{
	out->count = 0;
	while (!r->bad && r->pos < r->end) {
		uint8_t action = spop_read_byte(r), arguments = spop_read_byte(r);
		struct slice name;

		(void)spop_read_byte(r); /* scope */
		name = spop_read_string(r);
		if (action == 2 && arguments == 2)
			continue;
		if (action != 1 || arguments != 3 || out->count == SPOP_CLIENT_VARIABLES)
			return false;
		out->variable[out->count].name = name;
		spop_read_value_to(r, &out->variable[out->count++].value);
	}
	return !r->bad;
}

bool
spop_client_ask(struct spop_client *c, struct slice message,
    const struct spop_client_argument *argument, unsigned count, struct spop_client_answer *out)
{
	static uint8_t buf[SPOP_FRAME_MAX + SPOP_LENGTH_BYTES];
	struct spop_writer w = { buf, buf + sizeof(buf), false };
	uint64_t number = ++c->asked;
	int64_t end_ms = clock_mono_ms() + c->timeout_ms, begin_us;
	uint8_t *begin = spop_frame_begin(&w, SPOP_NOTIFY, number, 1);
	struct spop_frame f;

	spop_write_string(&w, message);
	spop_write_byte(&w, (uint8_t)count);
	for (unsigned i = 0; i < count; i++) {
		spop_write_string(&w, argument[i].name);
		spop_write_value(&w, &argument[i].value);
	}
	if (count > UINT8_MAX || !spop_frame_end(&w, begin, c->max_frame))
		return fail(c, "the question does not fit into a frame");
	begin_us = now_us();
	if (!send_frame(c, buf, (size_t)(w.pos - buf), end_ms) || !read_frame(c, &f, end_ms))
		return false;
	out->us = now_us() - begin_us;
	if (f.type != SPOP_ACK || f.stream_id != number || f.frame_id != 1)
		return fail(c, "the answer is for another question");
	return read_actions(&f.payload, out) || fail(c, "the answer is malformed");
}

struct spop_value
spop_client_variable(const struct spop_client_answer *a, const char *name)
{
	for (unsigned i = 0; i < a->count; i++)
		if (slice_equal(a->variable[i].name, slice_of(name)))
			return a->variable[i].value;
	return (struct spop_value){ .type = SPOP_NULL, .bytes = { NULL, 0 } };
}
