#include "net/fetch.h"

#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/encode.h"
#include "base/memory.h"
#include "base/slice.h"

#define HEAD_MAX ((size_t)16 * 1024)

/* An answer as it comes: its head, then what follows. */
struct reply {
	int fd;
	int64_t end_ms;
	char *buf;
	size_t len, cap, most; /* most: bytes that are read at most */
	struct fetched *out;
};

static bool
fail(struct fetched *out, const char *why)
{
	snprintf(out->why, sizeof(out->why), "%s", why);
	return false;
}

/* Until fd can do that, or the time is over. */
static bool
wait_for(const struct reply *r, short events)
{
	int error = endpoint_wait(r->fd, events, r->end_ms);

	if (error == 0)
		return true;
	return fail(r->out, error == ETIMEDOUT ? "no answer in time" : strerror(error));
}

static bool
open_connection(const struct fetch *f, struct reply *r)
{
	r->fd = endpoint_connect(f->at, r->end_ms);
	if (r->fd >= 0)
		return true;
	r->out->connect_errno = errno;
	return fail(r->out, errno == ETIMEDOUT ? "no answer in time" : strerror(errno));
}

static bool
send_question(const struct fetch *f, const struct reply *r)
{
	char text[2048];
	const char *host = endpoint_path(f->at) != NULL ? "localhost" : f->at->text;
	int n = snprintf(text, sizeof(text),
	    "%s %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n%s\r\n", f->method, f->target, host,
	    strcmp(f->method, "POST") == 0 ? "Content-Length: 0\r\n" : "");
	struct slice rest = { text, (size_t)n };

	if (n < 0 || (size_t)n >= sizeof(text))
		return fail(r->out, "the question is too long");
	while (rest.len > 0) {
		ssize_t sent = send(r->fd, rest.ptr, rest.len, MSG_NOSIGNAL);

		if (sent > 0) {
			rest.ptr += sent;
			rest.len -= (size_t)sent;
		} else if (errno == EAGAIN || errno == EINTR) {
			if (!wait_for(r, POLLOUT))
				return false;
		} else {
			return fail(r->out, strerror(errno));
		}
	}
	return true;
}

/* Some more bytes; 0 at the end, -1 with why. */
static int
read_some(struct reply *r)
{
	ssize_t n;

	if (r->len >= r->most) {
		fail(r->out, "the answer is too long");
		return -1;
	}
	if (r->len == r->cap) {
		r->cap = r->cap == 0 ? 4096 : r->cap <= r->most / 2 ? r->cap * 2 : r->most;
		r->buf = xreallocarray(r->buf, r->cap + 1, 1);
	}
	for (;;) {
		size_t room = (r->cap < r->most ? r->cap : r->most) - r->len;

		n = recv(r->fd, r->buf + r->len, room, 0);
		if (n > 0) {
			r->len += (size_t)n;
			return 1;
		}
		if (n == 0)
			return 0;
		if (errno != EAGAIN && errno != EINTR) {
			fail(r->out, strerror(errno));
			return -1;
		}
		if (!wait_for(r, POLLIN))
			return -1;
	}
}

/* The head, with its last empty line; {NULL, 0} with why. */
static struct slice
read_head(struct reply *r)
{
	for (;;) {
		char *end = r->len == 0 ? NULL : memmem(r->buf, r->len, "\r\n\r\n", 4);
		int more;

		if (end != NULL)
			return (struct slice){ r->buf, (size_t)(end - r->buf) + 4 };
		if (r->len >= HEAD_MAX) {
			fail(r->out, "the answer is no HTTP: its head is too long");
			break;
		}
		more = read_some(r);
		if (more == 0)
			fail(r->out,
			    r->len == 0 ? "closed without an answer" : "the answer is cut off");
		if (more <= 0)
			break;
	}
	return (struct slice){ NULL, 0 };
}

/* Of a body: its length, or that it is chunked. */
struct framing {
	bool chunked, has_length;
	unsigned long long length;
};

static bool
parse_head(struct slice head, struct fetched *out, struct framing *f)
{
	struct slice rest, line = slice_trim(slice_split(head, '\n', &rest)), code;
	unsigned long long status;

	*f = (struct framing){ .chunked = false };
	if (!slice_starts(line, SLICE("HTTP/1.")) || line.len < 12 || line.ptr[8] != ' ')
		return fail(out, "the answer is no HTTP");
	code = (struct slice){ line.ptr + 9, 3 };
	if (!slice_number(code, 599, &status) || status < 200)
		return fail(out, "the answer has no status that HTTP knows");
	out->status = (unsigned)status;
	while (rest.len > 0) {
		struct slice value,
		    name = slice_split(slice_trim(slice_split(rest, '\n', &rest)), ':', &value);

		value = slice_trim(value);
		if (slice_equal_nocase(name, SLICE("Content-Length"))) {
			if (f->has_length || !slice_number(value, SIZE_MAX / 4, &f->length))
				return fail(out, "the answer has a wrong Content-Length");
			f->has_length = true;
		} else if (slice_equal_nocase(name, SLICE("Transfer-Encoding"))) {
			if (!slice_equal_nocase(value, SLICE("chunked")))
				return fail(out, "the answer has an unknown Transfer-Encoding");
			f->chunked = true;
		}
	}
	return !(f->chunked && f->has_length) || fail(out, "the answer has two lengths");
}

/* A hexadecimal number, up to ; or blanks. */
static bool
chunk_size(struct slice line, size_t *out)
{
	size_t n = 0, i = 0;

	for (; i < line.len; i++) {
		int digit = hex_value(line.ptr[i]);

		if (digit < 0)
			break;
		if (n > SIZE_MAX >> 8)
			return false;
		n = n * 16 + (unsigned)digit;
	}
	*out = n;
	return i > 0 && (i == line.len || line.ptr[i] == ';' || line.ptr[i] == ' ');
}

/* In place, RFC 9112, 7.1; the trailer is not looked at. False: it is no chunked body, or cut. */
static bool
join_chunks(char *body, size_t bytes, size_t *joined)
{
	size_t at = 0, to = 0;

	for (;;) {
		char *end = at == bytes ? NULL : memchr(body + at, '\n', bytes - at);
		size_t n;

		if (end == NULL ||
		    !chunk_size(
			slice_trim((struct slice){ body + at, (size_t)(end - body) - at }), &n))
			return false;
		at = (size_t)(end - body) + 1;
		if (n == 0)
			break;
		if (n > bytes - at || bytes - at - n < 2 || memcmp(body + at + n, "\r\n", 2) != 0)
			return false;
		memmove(body + to, body + at, n);
		to += n;
		at += n + 2;
	}
	*joined = to;
	return true;
}

static bool
read_body(const struct fetch *f, struct reply *r, size_t head_bytes, const struct framing *framing)
{
	int more = 1;
	size_t bytes;

	if (framing->has_length && framing->length > f->body_max)
		return fail(r->out, "the answer is too long");
	/* What chunks add to a body is in proportion to it. */
	r->most = head_bytes + f->body_max + (framing->chunked ? f->body_max + 4096 : 1);
	while (!(framing->has_length && r->len - head_bytes >= framing->length) &&
	       (more = read_some(r)) > 0)
		;
	if (more < 0)
		return false;
	bytes = r->len - head_bytes;
	memmove(r->buf, r->buf + head_bytes, bytes);
	if (framing->has_length) {
		if (bytes < framing->length)
			return fail(r->out, "the answer is cut off");
		bytes = (size_t)framing->length;
	} else if (framing->chunked && !join_chunks(r->buf, bytes, &bytes)) {
		return fail(r->out, "the answer is cut off");
	}
	if (bytes > f->body_max)
		return fail(r->out, "the answer is too long");
	r->buf[bytes] = '\0';
	r->out->body = r->buf;
	r->out->body_bytes = bytes;
	r->buf = NULL;
	return true;
}

bool
fetch(const struct fetch *f, struct fetched *out)
{
	struct reply r = {
		.fd = -1, .end_ms = clock_mono_ms() + f->timeout_ms, .most = HEAD_MAX, .out = out
	};
	struct framing framing;
	struct slice head = { NULL, 0 };
	bool good;

	*out = (struct fetched){ .body = NULL };
	if (open_connection(f, &r) && send_question(f, &r))
		head = read_head(&r);
	good =
	    head.len > 0 && parse_head(head, out, &framing) && read_body(f, &r, head.len, &framing);
	free(r.buf);
	if (r.fd >= 0)
		close(r.fd);
	return good;
}
