#pragma once

/* A listener on an abstract socket, so that there is no file to clean up, and who comes to it. */
#include <assert.h>
#include <sys/socket.h>
#include <sys/un.h>

static inline int
listen_somewhere(struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);

	*at = (struct sockaddr_un){ .sun_family = AF_UNIX };
	assert(bind(fd, (struct sockaddr *)at, sizeof(sa_family_t)) == 0);
	assert(listen(fd, 512) == 0);
	assert(getsockname(fd, (struct sockaddr *)at, &(socklen_t){ sizeof(*at) }) == 0);
	return fd;
}

static inline int
knock(const struct sockaddr_un *at)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	assert(fd >= 0);
	assert(connect(fd, (const struct sockaddr *)at, sizeof(sa_family_t) + 6) == 0);
	return fd;
}
