#include "net/acceptor.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "base/log.h"

#define PAUSE_S 1.0
#define BATCH 64 /* accepts a turn, so that what is connected is served in between */

static void
on_pause_over(EV_P_ ev_timer *w, int events)
{
	struct acceptor *a = w->data;

	(void)events;
	ev_io_start(EV_A_ & a->io);
}

static void
out_of_descriptors(struct acceptor *a, int why)
{
	static struct log_limit limit;
	struct log_entry e;

	a->pauses++;
	log_begin_limited(&e, LOG_LEVEL_WARN, "accept_paused", &limit, 1);
	log_text(&e, "reason", slice_of(strerror(why)));
	log_end(&e);
	ev_io_stop(a->loop, &a->io);
	ev_timer_set(&a->pause, PAUSE_S, 0.0);
	ev_timer_start(a->loop, &a->pause);
}

static void
on_connection(EV_P_ ev_io *w, int events)
{
	struct acceptor *a = w->data;
	int one = 1;

	(void)events;
	(void)loop;
	for (int i = 0; i < BATCH; i++) {
		int fd = accept4(a->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			a->accepted++;
			/* Fails on unix sockets, where nothing waits anyway. */
			setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
			a->give(a->arg, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		if (errno != EAGAIN)
			out_of_descriptors(a, errno);
		return;
	}
}

void
acceptor_start(struct acceptor *a, struct ev_loop *loop, int listen_fd,
    void (*give)(void *arg, int fd), void *arg)
{
	*a = (struct acceptor){ .loop = loop, .fd = listen_fd, .give = give, .arg = arg };
	ev_io_init(&a->io, on_connection, listen_fd, EV_READ);
	ev_timer_init(&a->pause, on_pause_over, PAUSE_S, 0.0);
	a->io.data = a->pause.data = a;
	ev_io_start(loop, &a->io);
}

void
acceptor_stop(struct acceptor *a)
{
	if (a->loop == NULL)
		return;
	ev_io_stop(a->loop, &a->io);
	ev_timer_stop(a->loop, &a->pause);
}
