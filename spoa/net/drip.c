#include "net/drip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/memory.h"

#define TICK_S 0.1
#define TURNS_MAX 2048 /* sends of one tick, so that the loop has others to serve in between */
#define LEAVING_MS 1000
#define SPARE 64u /* connections beyond the places: requests on their way, and refusals */

/*
 * The client is told not to keep it and others not to show it; no-transform, since what is
 * compressed is held back until there is enough of it.
 */
static const char greeting[] = "HTTP/1.1 200 OK\r\n"
			       "Content-Type: text/html; charset=utf-8\r\n"
			       "Cache-Control: no-store, no-transform\r\n"
			       "X-Robots-Tag: noindex\r\n"
			       "Transfer-Encoding: chunked\r\n"
			       "\r\n"
			       "2b\r\n<!doctype html><title>Index</title>\n<p>The \r\n";
static const char farewell[] = "9\r\nthe end.\n\r\n0\r\n\r\n";
static const char refusal[] = "HTTP/1.1 403 Forbidden\r\n"
			      "Content-Type: text/plain; charset=utf-8\r\n"
			      "Cache-Control: no-store\r\n"
			      "Content-Length: 15\r\n"
			      "Connection: close\r\n"
			      "\r\n"
			      "Access denied.\n";

#define GREETING_BYTES ((int64_t)sizeof(greeting) - 1)

struct drip_visitor {
	ev_io io;
	struct drip_visitor *next, *prev;
	int64_t since_ms; /* of its place in the list: since when it is there, or its last piece */
	int64_t begun_ms; /* of its page */
	uint32_t seed;
	uint32_t read_bytes;
	uint8_t state;
	uint8_t matched; /* bytes of the empty line seen in a row */
};

/* ---- the page ---- */

/* Marsaglia's xorshift: nobody has to be unable to guess. */
static uint32_t
next_number(uint32_t *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}

size_t
drip_piece(uint32_t *seed, char out[DRIP_PIECE_MAX])
{
	static const char words[64][8] = { "about", "after", "again", "along", "archive", "article",
		"author", "before", "below", "between", "branch", "chapter", "column", "common",
		"current", "detail", "during", "earlier", "entry", "example", "feather", "figure",
		"first", "folder", "former", "further", "general", "given", "heart", "history",
		"however", "index", "later", "letter", "library", "listing", "measure", "method",
		"minute", "module", "number", "older", "other", "outline", "page", "part",
		"patient", "period", "record", "result", "river", "scale", "second", "section",
		"series", "several", "simple", "source", "summary", "table", "update", "volume",
		"weight", "without" };
	const uint32_t n = next_number(seed);
	const char *a = words[n >> 8 & 63], *b = words[n >> 14 & 63], *c = words[n >> 20 & 63];
	char text[DRIP_PIECE_MAX - 8];
	int bytes;

	/* A link leads to the page itself: nothing that is not there is asked for. */
	if (n % 16 == 0)
		bytes = snprintf(text, sizeof(text), "%s.\n<p>The %s ", a, b);
	else if (n % 4 == 0)
		bytes = snprintf(text, sizeof(text), "<a href=\"#%s\">%s</a> ", a, a);
	else
		bytes = snprintf(text, sizeof(text), "%s %s %s ", a, b, c);
	return (size_t)snprintf(out, DRIP_PIECE_MAX, "%x\r\n%s\r\n", (unsigned)bytes, text);
}

/* ---- visitors ---- */

static void
count_visitors(struct drip *d)
{
	counter_set(
	    &d->counts.visitors, d->list[DRIP_GREETED].count + d->list[DRIP_DRIPPING].count);
}

static unsigned
visitors(const struct drip *d)
{
	return d->list[DRIP_GREETED].count + d->list[DRIP_DRIPPING].count;
}

static unsigned
connections(const struct drip *d)
{
	return visitors(d) + d->list[DRIP_READING].count + d->list[DRIP_LEAVING].count;
}

unsigned
drip_places(const struct drip_bounds *b)
{
	const uint64_t served = (uint64_t)b->rate_bytes_s * DRIP_SILENCE_S / DRIP_PIECE_MAX;

	return served < b->visitors ? (unsigned)served : b->visitors;
}

static void
leave_list(struct drip *d, struct drip_visitor *v)
{
	struct drip_list *l = &d->list[v->state];

	if (v->prev != NULL)
		v->prev->next = v->next;
	else
		l->first = v->next;
	if (v->next != NULL)
		v->next->prev = v->prev;
	else
		l->last = v->prev;
	l->count--;
}

static void
enter_list(struct drip *d, struct drip_visitor *v, enum drip_state state, int64_t now_ms)
{
	struct drip_list *l = &d->list[state];

	v->state = (uint8_t)state;
	v->since_ms = now_ms;
	v->next = NULL;
	v->prev = l->last;
	if (l->last != NULL)
		l->last->next = v;
	else
		l->first = v;
	l->last = v;
	l->count++;
	count_visitors(d);
}

static void
move(struct drip *d, struct drip_visitor *v, enum drip_state state, int64_t now_ms)
{
	leave_list(d, v);
	enter_list(d, v, state, now_ms);
}

static void
count_held(struct drip *d, const struct drip_visitor *v, int64_t now_ms)
{
	counter_add(&d->counts.held_ms, (uint64_t)(now_ms - v->since_ms));
}

static void
visitor_close(struct drip *d, struct drip_visitor *v)
{
	if (v->state == DRIP_DRIPPING)
		count_held(d, v, clock_mono_ms());
	leave_list(d, v);
	count_visitors(d);
	ev_io_stop(d->loop, &v->io);
	close(v->io.fd);
	free(v);
}

/* False: it is gone, and closed. */
static bool
visitor_send(struct drip *d, struct drip_visitor *v, const char *bytes, size_t n)
{
	ssize_t sent = send(v->io.fd, bytes, n, MSG_NOSIGNAL | MSG_DONTWAIT);

	/* Nobody reads: a piece less is no loss, but half a chunk would be. */
	if (sent == (ssize_t)n || (sent < 0 && (errno == EAGAIN || errno == EINTR))) {
		if (sent > 0 && v->state != DRIP_READING) {
			counter_add(&d->counts.bytes, n);
			d->credit -= (int64_t)n;
		}
		return true;
	}
	visitor_close(d, v);
	return false;
}

/* A close with unread bytes might reset the connection before the peer has read the last ones. */
static void
visitor_leave(struct drip *d, struct drip_visitor *v, int64_t now_ms)
{
	shutdown(v->io.fd, SHUT_WR);
	move(d, v, DRIP_LEAVING, now_ms);
}

static void
visitor_greet(struct drip *d, struct drip_visitor *v, int64_t now_ms)
{
	counter_add(&d->counts.served, 1);
	v->begun_ms = now_ms;
	if (visitor_send(d, v, greeting, sizeof(greeting) - 1))
		move(d, v, DRIP_DRIPPING, now_ms);
}

static void
visitor_feed(struct drip *d, struct drip_visitor *v, int64_t now_ms)
{
	const bool over = now_ms - v->begun_ms >= (int64_t)d->bounds.time_s * 1000;
	char piece[DRIP_PIECE_MAX];
	size_t n;

	count_held(d, v, now_ms);
	v->since_ms = now_ms;
	if (over) {
		if (visitor_send(d, v, farewell, sizeof(farewell) - 1))
			visitor_leave(d, v, now_ms);
		return;
	}
	n = drip_piece(&v->seed, piece);
	if (visitor_send(d, v, piece, n))
		move(d, v, DRIP_DRIPPING, now_ms);
}

/* ---- turns ---- */

/* At most a second's worth: what nobody wanted then is not sent in one rush later. */
static void
earn(struct drip *d, int64_t now_ms)
{
	const int64_t rate = d->bounds.rate_bytes_s, earned = rate * (now_ms - d->earned_ms) / 1000;

	if (earned <= 0)
		return;
	d->earned_ms = now_ms;
	d->credit = d->credit + earned > rate ? rate : d->credit + earned;
}

static struct drip_visitor *
due_piece(const struct drip *d, int64_t now_ms)
{
	struct drip_visitor *v = d->list[DRIP_DRIPPING].first;

	return v != NULL && now_ms - v->since_ms >= d->bounds.pace_ms ? v : NULL;
}

/*
 * Headers and pieces in turn, as long as there are bytes for whose turn it is: neither starves the
 * other, however small the rate.
 */
static void
take_turns(struct drip *d, int64_t now_ms)
{
	for (unsigned i = 0; i < TURNS_MAX; i++) {
		struct drip_visitor *greet = d->list[DRIP_GREETED].first,
				    *feed = due_piece(d, now_ms);

		if (greet == NULL && feed == NULL)
			return;
		if (greet != NULL && (d->greets || feed == NULL)) {
			if (d->credit < GREETING_BYTES)
				return;
			visitor_greet(d, greet, now_ms);
			d->greets = false;
		} else {
			if (d->credit < (int64_t)DRIP_PIECE_MAX)
				return;
			visitor_feed(d, feed, now_ms);
			d->greets = true;
		}
	}
}

static void
close_late(struct drip *d, enum drip_state state, int64_t before_ms)
{
	struct drip_visitor *v;

	while ((v = d->list[state].first) != NULL && v->since_ms <= before_ms)
		visitor_close(d, v);
}

static void
on_tick(EV_P_ ev_timer *w, int events)
{
	struct drip *d = w->data;
	const int64_t now_ms = clock_mono_ms();

	(void)events;
	close_late(d, DRIP_READING, now_ms - d->bounds.head_ms);
	close_late(d, DRIP_LEAVING, now_ms - LEAVING_MS);
	earn(d, now_ms);
	take_turns(d, now_ms);
	if (connections(d) == 0)
		ev_timer_stop(EV_A_ w);
}

/* ---- connections ---- */

static void
head_is_read(struct drip *d, struct drip_visitor *v)
{
	const int64_t now_ms = clock_mono_ms();

	if (visitors(d) >= drip_places(&d->bounds)) {
		counter_add(&d->counts.refused, 1);
		if (visitor_send(d, v, refusal, sizeof(refusal) - 1))
			visitor_leave(d, v, now_ms);
		return;
	}
	move(d, v, DRIP_GREETED, now_ms);
	earn(d, now_ms);
	take_turns(d, now_ms);
}

/* Has the empty line been read? */
static bool
match_end(struct drip_visitor *v, const char *bytes, size_t n)
{
	static const char end[] = "\r\n\r\n";

	for (size_t i = 0; i < n && v->matched < 4; i++)
		v->matched = bytes[i] == end[v->matched] ? (uint8_t)(v->matched + 1)
							 : (uint8_t)(bytes[i] == '\r');
	return v->matched == 4;
}

static void
on_readable(EV_P_ ev_io *w, int events)
{
	struct drip_visitor *v = (struct drip_visitor *)w;
	struct drip *d = w->data;
	char in[4096];
	ssize_t n = recv(w->fd, in, sizeof(in), MSG_DONTWAIT);

	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		visitor_close(d, v);
		return;
	}
	v->read_bytes += (uint32_t)n;
	if (v->state == DRIP_READING && match_end(v, in, (size_t)n))
		head_is_read(d, v);
	else if (v->read_bytes <= DRIP_HEAD_BYTES_MAX)
		return;
	else if (v->state == DRIP_READING)
		visitor_close(d, v);
	else
		/* A long body stays where it is; that its sender is gone is seen with a piece. */
		ev_io_stop(EV_A_ w);
}

static void
on_connection(void *arg, int fd)
{
	struct drip *d = arg;
	struct drip_visitor *v;

	if (fd >= d->bounds.descriptors || connections(d) >= drip_places(&d->bounds) + SPARE) {
		counter_add(&d->counts.refused, 1);
		close(fd);
		return;
	}
	v = xcalloc(1, sizeof(*v));
	d->seed += 0x9e3779b9u;
	v->seed = d->seed | 1;
	ev_io_init(&v->io, on_readable, fd, EV_READ);
	v->io.data = d;
	enter_list(d, v, DRIP_READING, clock_mono_ms());
	ev_io_start(d->loop, &v->io);
	if (!ev_is_active(&d->tick))
		ev_timer_again(d->loop, &d->tick);
}

void
drip_start(struct drip *d, struct ev_loop *loop, int listen_fd, const struct drip_bounds *bounds)
{
	*d = (struct drip){ .loop = loop,
		.bounds = *bounds,
		.credit = bounds->rate_bytes_s,
		.earned_ms = clock_mono_ms() };
	random_bytes(&d->seed, sizeof(d->seed));
	ev_timer_init(&d->tick, on_tick, 0.0, TICK_S);
	d->tick.data = d;
	acceptor_start(&d->acceptor, loop, listen_fd, on_connection, d);
}

void
drip_stop(struct drip *d)
{
	if (d->loop == NULL)
		return;
	acceptor_stop(&d->acceptor);
	ev_timer_stop(d->loop, &d->tick);
	for (unsigned i = 0; i < DRIP_STATES; i++)
		while (d->list[i].first != NULL)
			visitor_close(d, d->list[i].first);
}
