#pragma once

#include <arpa/inet.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/slice.h"
#include "base/text.h"
#include "net/http.h"

/* A server on a loopback port and raw sockets to it, all in one thread. */
struct http_lab {
	struct ev_loop *loop;
	struct http_server *server;
	struct sockaddr_in at;
};

static inline bool
http_lab_start(struct http_lab *lab, http_handler *handler, void *arg)
{
	socklen_t len = sizeof(lab->at);
	const char *why;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	lab->at = (struct sockaddr_in){ .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	if (fd < 0 || bind(fd, (struct sockaddr *)&lab->at, len) != 0 || listen(fd, 16) != 0 ||
	    getsockname(fd, (struct sockaddr *)&lab->at, &len) != 0)
		return false;
	lab->loop = ev_loop_new(0);
	lab->server = http_server_new(lab->loop, fd, handler, arg, &why);
	return lab->server != NULL;
}

static inline void
http_lab_stop(struct http_lab *lab)
{
	http_server_free(lab->server);
	ev_loop_destroy(lab->loop);
}

static inline int
http_lab_connect(const struct http_lab *lab)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)&lab->at, sizeof(lab->at)) != 0) {
		close(fd);
		return -1;
	}
	fcntl(fd, F_SETFL, O_NONBLOCK);
	return fd;
}

/* Let the server work until fd can be read or written, a millisecond at most. */
static inline void
http_lab_turn(const struct http_lab *lab, int fd, short events)
{
	struct pollfd p = { fd, events, 0 };

	ev_run(lab->loop, EVRUN_NOWAIT);
	poll(&p, 1, 1);
}

/* Send what there is, then read to the end of the connection; false after 10 s. */
static inline bool
http_lab_talk(const struct http_lab *lab, int fd, struct slice send_this, struct text *out)
{
	int64_t end_ms = clock_mono_ms() + 10000;

	while (clock_mono_ms() < end_ms) {
		ssize_t n;

		http_lab_turn(lab, fd, send_this.len > 0 ? POLLIN | POLLOUT : POLLIN);
		if (send_this.len > 0) {
			n = send(fd, send_this.ptr, send_this.len, MSG_NOSIGNAL);
			if (n > 0) {
				send_this.ptr += n;
				send_this.len -= (size_t)n;
			}
		}
		n = recv(fd, out->buf + out->len, out->cap - out->len - 1, 0);
		if (n == 0)
			break;
		if (n > 0)
			out->len += (size_t)n;
	}
	out->buf[out->len] = '\0';
	return clock_mono_ms() < end_ms;
}
