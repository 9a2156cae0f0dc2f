#include "net/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/address.h"
#include "base/clock.h"
#include "base/text.h"
#include "net/holder.h"

#define BACKLOG 4096

static bool
parse_unix(struct slice path, struct endpoint *out, const char **why)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&out->address;

	if (path.len == 0 || memchr(path.ptr, '\0', path.len) != NULL) {
		*why = "a path is missing behind unix@";
		return false;
	}
	if (path.len >= sizeof(un->sun_path)) {
		*why = "the path of a unix socket has at most 107 bytes";
		return false;
	}
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path.ptr, path.len);
	out->address_bytes = sizeof(*un);
	return true;
}

bool
endpoint_parse(struct slice s, struct endpoint *out, const char **why)
{
	struct slice host = s, port_text = { NULL, 0 };
	unsigned long long port;
	struct address a;

	memset(out, 0, sizeof(*out));
	if (s.len >= sizeof(out->text)) {
		*why = "too long";
		return false;
	}
	memcpy(out->text, s.ptr, s.len);
	if (slice_starts(s, SLICE("unix@")))
		return parse_unix((struct slice){ s.ptr + 5, s.len - 5 }, out, why);
	for (size_t i = s.len; i-- > 0;) {
		if (s.ptr[i] == ':') {
			host = (struct slice){ s.ptr, i };
			port_text = (struct slice){ s.ptr + i + 1, s.len - i - 1 };
			break;
		}
	}
	if (host.len > 2 && host.ptr[0] == '[' && host.ptr[host.len - 1] == ']')
		host = (struct slice){ host.ptr + 1, host.len - 2 };
	else if (host.len > 0 && memchr(host.ptr, ':', host.len) != NULL)
		host.len = 0;
	if (slice_equal(host, SLICE("localhost")))
		host = SLICE("127.0.0.1");
	if (!slice_number(port_text, 65535, &port) || port == 0 || !address_parse(host, &a)) {
		*why = "write unix@/run/ammit/spop.sock, 127.0.0.1:9001 or [::1]:9001";
		return false;
	}
	if (a.family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)&out->address;

		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		memcpy(&in->sin_addr, a.bytes, 4);
		out->address_bytes = sizeof(*in);
	} else {
		struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->address;

		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
		memcpy(&in6->sin6_addr, a.bytes, 16);
		out->address_bytes = sizeof(*in6);
	}
	return true;
}

const char *
endpoint_path(const struct endpoint *e)
{
	return e->address.ss_family == AF_UNIX ? ((const struct sockaddr_un *)&e->address)->sun_path
					       : NULL;
}

/*
 * May the socket file be replaced? True if there is none, or nobody listens there any more. The
 * holder of a living one is told by the kernel.
 */
static bool
unix_free(const struct endpoint *e, char *error, size_t error_bytes)
{
	const char *path = endpoint_path(e);
	struct stat st;
	struct ucred peer = { 0 };
	socklen_t peer_bytes = sizeof(peer);
	char who[64] = "another process";
	int fd;
	bool living;

	if (lstat(path, &st) != 0)
		return true;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(error, error_bytes, "%s exists and is no socket: remove it", path);
		return false;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(error, error_bytes, "socket: %s", strerror(errno));
		return false;
	}
	/* EAGAIN: its backlog is full, so somebody is there. */
	living = connect(fd, (const struct sockaddr *)&e->address, e->address_bytes) == 0 ||
		 errno != ECONNREFUSED;
	if (living) {
		if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes) == 0 &&
		    peer.pid > 0)
			holder_name(peer.pid, who, sizeof(who));
		snprintf(error, error_bytes, "%s is in use by %s", path, who);
	}
	close(fd);
	if (living)
		return false;
	if (unlink(path) != 0 && errno != ENOENT) {
		snprintf(
		    error, error_bytes, "cannot replace the stale %s: %s", path, strerror(errno));
		return false;
	}
	return true;
}

static void
say_bind_error(const struct endpoint *e, int why, char *error, size_t error_bytes)
{
	const char *path = endpoint_path(e);
	char who[64];

	if (why == EADDRINUSE && path == NULL && holder_of_port(&e->address, who, sizeof(who)))
		snprintf(error, error_bytes, "%s is in use by %s", e->text, who);
	else if ((why == ENOENT || why == EACCES) && path != NULL)
		snprintf(error, error_bytes,
		    "%s: %s: its folder must exist and be writable for uid %u", path, strerror(why),
		    (unsigned)geteuid());
	else
		snprintf(error, error_bytes, "%s: %s", e->text, strerror(why));
}

int
endpoint_listen(const struct endpoint *e, mode_t mode, gid_t group, char *error, size_t error_bytes)
{
	const char *path = endpoint_path(e);
	int one = 1, fd, bound;
	mode_t old;

	if (path != NULL && !unix_free(e, error, error_bytes))
		return -1;
	fd = socket(e->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		snprintf(error, error_bytes, "%s: %s", e->text, strerror(errno));
		return -1;
	}
	if (path == NULL)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	/* The mode must hold from the first moment: bind() makes the file. */
	old = umask(0777 & ~mode);
	bound = bind(fd, (const struct sockaddr *)&e->address, e->address_bytes);
	umask(old);
	if (bound != 0) {
		say_bind_error(e, errno, error, error_bytes);
		close(fd);
		return -1;
	}
	if (path != NULL && group != (gid_t)-1 && chown(path, (uid_t)-1, group) != 0) {
		snprintf(error, error_bytes, "%s: cannot give it to group %u: %s", path,
		    (unsigned)group, strerror(errno));
		unlink(path);
		close(fd);
		return -1;
	}
	if (listen(fd, BACKLOG) != 0) {
		say_bind_error(e, errno, error, error_bytes);
		close(fd);
		return -1;
	}
	return fd;
}

int
endpoint_connect(const struct endpoint *e, int64_t end_ms)
{
	int fd = socket(e->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int error = 0;
	socklen_t bytes = sizeof(error);

	if (fd < 0)
		return -1;
	if (connect(fd, (const struct sockaddr *)&e->address, e->address_bytes) != 0)
		error = errno;
	if (error == EINPROGRESS) {
		error = endpoint_wait(fd, POLLOUT, end_ms);
		if (error == 0)
			getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
	}
	if (error == 0)
		return fd;
	close(fd);
	errno = error;
	return -1;
}

int
endpoint_wait(int fd, short events, int64_t end_ms)
{
	for (;;) {
		struct pollfd p = { fd, events, 0 };
		int64_t left = end_ms - clock_mono_ms();
		int n = left > 0 ? poll(&p, 1, (int)left) : 0;

		if (n > 0)
			return 0;
		if (n == 0)
			return ETIMEDOUT;
		if (errno != EINTR)
			return errno;
	}
}

void
endpoint_unlink(const struct endpoint *e, int fd)
{
	const char *path = endpoint_path(e);
	struct sockaddr_un self = { 0 };
	socklen_t bytes = sizeof(self);
	int probe;
	bool other;

	if (path == NULL)
		return;
	/* Stop listening first: if somebody still answers there, the file is theirs. */
	if (getsockname(fd, (struct sockaddr *)&self, &bytes) != 0 ||
	    strcmp(self.sun_path, path) != 0)
		return;
	shutdown(fd, SHUT_RDWR);
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return;
	other = connect(probe, (const struct sockaddr *)&e->address, e->address_bytes) == 0;
	close(probe);
	if (!other)
		unlink(path);
}
