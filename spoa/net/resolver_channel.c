#include "net/resolver_inner.h"

#include <ares.h>
#include <arpa/nameser.h>
#include <assert.h>
#include <pthread.h>
#include <string.h>

static void
library_init(void)
{
	ares_library_init(ARES_LIB_INIT_ALL);
}

static void
on_socket(struct ev_loop *loop, ev_io *io, int events)
{
	struct channel *c = ((struct channel_socket *)io->data)->channel;
	int fd = io->fd;

	(void)loop;
	ares_process_fd(c->ares, events & EV_READ ? fd : ARES_SOCKET_BAD,
	    events & EV_WRITE ? fd : ARES_SOCKET_BAD);
	c->after(c->arg);
}

static void
on_socket_state(void *arg, ares_socket_t fd, int readable, int writable)
{
	struct channel *c = arg;
	struct channel_socket *s = NULL;
	int events = (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0);

	for (size_t i = 0; i < 2; i++)
		if (ev_is_active(&c->socket[i].io) && c->socket[i].io.fd == fd)
			s = &c->socket[i];
	for (size_t i = 0; s == NULL && i < 2; i++)
		if (!ev_is_active(&c->socket[i].io))
			s = &c->socket[i];
	assert(s != NULL);
	ev_io_stop(c->loop, &s->io);
	if (events == 0)
		return;
	ev_io_set(&s->io, fd, events);
	ev_io_start(c->loop, &s->io);
}

static bool
set_server(struct channel *c, const struct resolver_place *p)
{
	struct ares_addr_port_node node = { .udp_port = p->port, .tcp_port = p->port };

	if (p->address.family == 4) {
		node.family = AF_INET;
		memcpy(&node.addr.addr4, p->address.bytes, 4);
	} else {
		node.family = AF_INET6;
		memcpy(&node.addr.addr6, p->address.bytes, 16);
	}
	return ares_set_servers_ports(c->ares, &node) == ARES_SUCCESS;
}

bool
channel_open(struct channel *c, struct ev_loop *loop, const struct resolver_place *p, bool tcp,
    unsigned attempt_ms)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	/*
	 * No EDNS: c-ares 1.18 takes a SERVFAIL for a server that has no EDNS, asks again, and
	 * turns it off for good; what does not fit into 512 bytes comes over TCP. Truncation is
	 * ours, too: within one channel a TCP connection that is refused ends everything else on
	 * its way.
	 */
	struct ares_options o = {
		.flags = ARES_FLAG_NOCHECKRESP | ARES_FLAG_NOALIASES | ARES_FLAG_NOSEARCH |
			 (tcp ? ARES_FLAG_USEVC : ARES_FLAG_IGNTC),
		.timeout = (int)attempt_ms,
		.tries = 1,
		.ndomains = 0,
		.lookups = (char[]){ "b" },
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = c,
	};
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_DOMAINS |
		   ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;

	pthread_once(&once, library_init);
	*c = (struct channel){ .loop = loop, .after = c->after, .arg = c->arg };
	for (size_t i = 0; i < 2; i++) {
		ev_init(&c->socket[i].io, on_socket);
		c->socket[i].io.data = &c->socket[i];
		c->socket[i].channel = c;
	}
	if (ares_init_options(&c->ares, &o, mask) != ARES_SUCCESS) {
		c->ares = NULL;
		return false;
	}
	if (set_server(c, p))
		return true;
	channel_close(c);
	return false;
}

void
channel_close(struct channel *c)
{
	if (c->ares != NULL)
		ares_destroy(c->ares);
	c->ares = NULL;
}

static enum channel_end
end_of(int status)
{
	switch (status) {
	case ARES_ETIMEOUT:
		return CHANNEL_TIMEOUT;
	case ARES_EDESTRUCTION:
		return CHANNEL_CLOSED;
	case ARES_ECONNREFUSED:
		return CHANNEL_BROKEN;
	default:
		return CHANNEL_UNSENT;
	}
}

static void
on_answer(void *arg, int status, int timeouts, unsigned char *bytes, int n)
{
	struct channel_query *q = arg;

	(void)timeouts;
	q->channel->inflight--;
	if (bytes != NULL && n > 0)
		q->done(q, CHANNEL_MESSAGE, bytes, (size_t)n);
	else
		q->done(q, end_of(status), NULL, 0);
}

void
channel_ask(struct channel *c, enum dns_type type, const char *name, struct channel_query *q)
{
	q->channel = c;
	c->inflight++;
	ares_query(c->ares, name, ns_c_in, (int)type, on_answer, q);
}

void
channel_tick(struct channel *c)
{
	if (c->ares != NULL && c->inflight > 0)
		ares_process_fd(c->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}
