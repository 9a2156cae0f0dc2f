#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/slice.h"

/* Where a listener stands: `unix@PATH`, `HOST:PORT` or `[IPv6]:PORT`. HOST is an address. */
struct endpoint {
	char text[160]; /* as written */
	struct sockaddr_storage address;
	socklen_t address_bytes;
};

/* False with *why, which says what is wrong and what is right. */
bool endpoint_parse(struct slice s, struct endpoint *out, const char **why);

/* The path of a unix socket, NULL for TCP. */
const char *endpoint_path(const struct endpoint *e);

/*
 * A listening socket, non-blocking, backlog 1024 or more; -1 with a reason in `error`, which names
 * who holds the address where that can be known. The socket file of a dead process is replaced,
 * that of a living one is not. `mode` and `group` ((gid_t)-1: leave it) are for unix sockets. Not
 * thread-safe: it sets the umask for a moment.
 */
int endpoint_listen(
    const struct endpoint *e, mode_t mode, gid_t group, char *error, size_t error_bytes);

/*
 * A connected socket, non-blocking, by clock_mono_ms() == end_ms at the latest; -1 with errno,
 * which is ETIMEDOUT then.
 */
int endpoint_connect(const struct endpoint *e, int64_t end_ms);

/* Until fd can do that (POLLIN, POLLOUT): 0, or why not: ETIMEDOUT, an errno. */
int endpoint_wait(int fd, short events, int64_t end_ms);

/* Remove the socket file if it is still the one that fd listens on. Before close(fd). */
void endpoint_unlink(const struct endpoint *e, int fd);
