#include "net/stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/memory.h"

#define SPARES (sizeof(((struct stream_home *)0)->spare_in) / sizeof(uint8_t *))

void
stream_home_init(struct stream_home *h, struct ev_loop *loop)
{
	*h = (struct stream_home){ .loop = loop };
	h->in = xcalloc(1, STREAM_IN_BYTES);
	h->out = xcalloc(1, STREAM_OUT_BYTES);
}

void
stream_home_fini(struct stream_home *h)
{
	while (h->spares_in > 0)
		free(h->spare_in[--h->spares_in]);
	while (h->spares_out > 0)
		free(h->spare_out[--h->spares_out]);
	free(h->in);
	free(h->out);
}

static uint8_t *
take(uint8_t **spares, unsigned *count, size_t bytes)
{
	return *count > 0 ? spares[--*count] : xcalloc(1, bytes);
}

static void
give_back(uint8_t **spares, unsigned *count, uint8_t **chunk)
{
	if (*chunk != NULL && *count < SPARES)
		spares[(*count)++] = *chunk;
	else
		free(*chunk);
	*chunk = NULL;
}

static void
drop_in(struct stream *s)
{
	s->in_len = 0;
	if (s->in != NULL)
		give_back(s->home->spare_in, &s->home->spares_in, &s->in);
}

static void
drop_out(struct stream *s)
{
	s->out_len = s->out_sent = 0;
	if (s->out != NULL)
		give_back(s->home->spare_out, &s->home->spares_out, &s->out);
}

void
stream_close(struct stream *s)
{
	struct stream_home *h = s->home;

	s->gone(s);
	ev_io_stop(h->loop, &s->io);
	ev_timer_stop(h->loop, &s->deadline);
	close(s->io.fd);
	drop_in(s);
	drop_out(s);
	if (s->prev != NULL)
		s->prev->next = s->next;
	else
		h->first = s->next;
	if (s->next != NULL)
		s->next->prev = s->prev;
	h->count--;
	free(s);
}

static void
wait_for(struct stream *s, int events)
{
	if ((s->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(s->home->loop, &s->io);
	ev_io_modify(&s->io, events);
	ev_io_start(s->home->loop, &s->io);
}

/* The deadline runs from when the debt began, not from the last byte. */
static void
set_deadline(struct stream *s)
{
	bool owed = !s->greeted || s->in_len > 0 || s->state != STREAM_READING;

	if (!owed) {
		ev_timer_stop(s->home->loop, &s->deadline);
	} else if (!ev_is_active(&s->deadline)) {
		ev_timer_set(&s->deadline, STREAM_DEADLINE_S, 0.0);
		ev_timer_start(s->home->loop, &s->deadline);
	}
}

/* Send n bytes from `from`: how many went, or -1 when the peer is gone. */
static ssize_t
send_some(struct stream *s, const uint8_t *from, size_t n)
{
	size_t sent = 0;

	while (sent < n) {
		ssize_t r = send(s->io.fd, from + sent, n - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		s->home->writes++;
		if (r >= 0)
			sent += (size_t)r;
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			return -1;
	}
	return (ssize_t)sent;
}

/*
 * Send what was written to the scratch buffer; what the peer does not take now moves to a buffer of
 * the stream's own. False: the peer is gone.
 */
static bool
send_scratch(struct stream *s, size_t n)
{
	ssize_t sent = n > 0 ? send_some(s, s->home->out, n) : 0;

	if (sent < 0)
		return false;
	if ((size_t)sent < n) {
		s->out = s->home->out;
		s->out_sent = (uint32_t)sent;
		s->out_len = (uint32_t)n;
		s->home->out = take(s->home->spare_out, &s->home->spares_out, STREAM_OUT_BYTES);
		s->state = STREAM_BLOCKED;
	}
	return true;
}

/*
 * A close with unread input would reset the connection, and the peer might lose our last words:
 * shut our side, and wait for its.
 */
static void
leave(struct stream *s)
{
	shutdown(s->io.fd, SHUT_WR);
	s->state = STREAM_LEAVING;
	drop_in(s);
	ev_timer_stop(s->home->loop, &s->deadline);
	ev_timer_set(&s->deadline, STREAM_LEAVING_S, 0.0);
	ev_timer_start(s->home->loop, &s->deadline);
}

/*
 * Answer n bytes at `bytes`, which are s->in or the scratch buffer, and keep the rest. False: the
 * stream is to be closed.
 */
static bool
answer(struct stream *s, uint8_t *bytes, size_t n)
{
	size_t done = 0;
	enum stream_answer next = STREAM_FULL;

	while (next == STREAM_FULL && s->state == STREAM_READING) {
		size_t used = 0, written = 0;

		next = s->bytes(
		    s, bytes + done, n - done, &used, s->home->out, STREAM_OUT_BYTES, &written);
		done += used;
		if (!send_scratch(s, written))
			return false;
	}
	if (next == STREAM_END) {
		if (s->state == STREAM_READING)
			leave(s);
		else
			s->state = STREAM_CLOSING;
		done = n;
	}
	if (done == n) {
		drop_in(s);
		return true;
	}
	/* Half a message, or whole ones that wait for room. */
	if (s->in == NULL) {
		s->in = s->home->in;
		s->home->in = take(s->home->spare_in, &s->home->spares_in, STREAM_IN_BYTES);
	}
	s->in_len = (uint32_t)(n - done);
	if (done > 0)
		memmove(s->in, s->in + done, s->in_len);
	return true;
}

/* One read, its answers, one write. */
static bool
serve(struct stream *s)
{
	uint8_t *to = s->in != NULL ? s->in : s->home->in;
	ssize_t r = recv(s->io.fd, to + s->in_len, STREAM_IN_BYTES - s->in_len, MSG_DONTWAIT);

	s->home->reads++;
	if (r == 0)
		return false;
	if (r < 0)
		return errno == EAGAIN || errno == EINTR;
	if (s->state == STREAM_LEAVING)
		return true;
	return answer(s, to, s->in_len + (size_t)r);
}

static bool
flush(struct stream *s)
{
	ssize_t sent = send_some(s, s->out + s->out_sent, s->out_len - s->out_sent);

	if (sent < 0)
		return false;
	s->out_sent += (uint32_t)sent;
	if (s->out_sent < s->out_len)
		return true;
	drop_out(s);
	if (s->state == STREAM_CLOSING) {
		leave(s);
		return true;
	}
	s->state = STREAM_READING;
	ev_timer_stop(s->home->loop, &s->deadline);
	return s->in_len == 0 || answer(s, s->in, s->in_len);
}

static bool
writes_next(const struct stream *s)
{
	return s->state == STREAM_BLOCKED || s->state == STREAM_CLOSING;
}

static void
settle(struct stream *s, bool alive)
{
	if (!alive) {
		stream_close(s);
		return;
	}
	wait_for(s, writes_next(s) ? EV_WRITE : EV_READ);
	set_deadline(s);
}

static void
on_event(EV_P_ ev_io *w, int events)
{
	struct stream *s = w->data;

	(void)loop;
	(void)events;
	settle(s, writes_next(s) ? flush(s) : serve(s));
}

static void
on_deadline(EV_P_ ev_timer *w, int events)
{
	(void)loop;
	(void)events;
	stream_close(w->data);
}

void
stream_start(
    struct stream *s, struct stream_home *h, int fd, stream_bytes *bytes, stream_gone *gone)
{
	s->home = h;
	s->bytes = bytes;
	s->gone = gone;
	s->state = STREAM_READING;
	s->next = h->first;
	if (h->first != NULL)
		h->first->prev = s;
	h->first = s;
	h->count++;
	ev_io_init(&s->io, on_event, fd, EV_READ);
	ev_timer_init(&s->deadline, on_deadline, STREAM_DEADLINE_S, 0.0);
	s->io.data = s->deadline.data = s;
	ev_io_start(h->loop, &s->io);
	set_deadline(s);
}

void
stream_serve(struct stream *s)
{
	if (s->state == STREAM_READING)
		settle(s, serve(s));
}

/* Behind what is to be sent already. False: the peer is gone, or there is no room. */
static bool
queue(struct stream *s, const uint8_t *bytes, size_t n)
{
	if (s->state == STREAM_READING) {
		memcpy(s->home->out, bytes, n);
		return send_scratch(s, n);
	}
	if (s->out == NULL || n > STREAM_OUT_BYTES - s->out_len)
		return false;
	memcpy(s->out + s->out_len, bytes, n);
	s->out_len += (uint32_t)n;
	return true;
}

bool
stream_send(struct stream *s, const uint8_t *bytes, size_t n)
{
	bool alive = s->state == STREAM_LEAVING || queue(s, bytes, n);

	settle(s, alive);
	return alive;
}

void
stream_finish(struct stream *s, const uint8_t *bytes, size_t n)
{
	bool alive = true;

	/* Where there is no room for it, the last words are left out. */
	if (s->state == STREAM_READING)
		alive = queue(s, bytes, n);
	else
		queue(s, bytes, n);
	if (s->state == STREAM_READING)
		leave(s);
	else if (s->state == STREAM_BLOCKED)
		s->state = STREAM_CLOSING;
	settle(s, alive);
}
