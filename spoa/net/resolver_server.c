#include "net/resolver_server.h"

#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/memory.h"

/* How late a time-out may be seen. */
#define TICK_S 0.02

struct watch {
	ev_io io; /* first */
	struct watch *next;
};

static void
on_socket(EV_P_ ev_io *w, int events)
{
	struct server *s = w->data;
	const ares_socket_t fd = w->fd;

	(void)loop;
	ares_process_fd(s->channel, (events & EV_READ) != 0 ? fd : ARES_SOCKET_BAD,
	    (events & EV_WRITE) != 0 ? fd : ARES_SOCKET_BAD);
}

static void
on_tick(EV_P_ ev_timer *t, int events)
{
	struct server *s = t->data;

	(void)events;
	ares_process_fd(s->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
	if (s->out == 0)
		ev_timer_stop(EV_A_ t);
}

/* c-ares wants to know of this socket: what it can read or write; neither: no longer. */
static void
on_state(void *data, ares_socket_t fd, int readable, int writable)
{
	struct server *s = data;
	struct watch **at = &s->watches, *w;

	while (*at != NULL && (*at)->io.fd != fd)
		at = &(*at)->next;
	w = *at;
	if (w != NULL)
		ev_io_stop(s->loop, &w->io);
	if (!readable && !writable) {
		if (w != NULL) {
			*at = w->next;
			free(w);
		}
		return;
	}
	if (w == NULL) {
		w = xcalloc(1, sizeof(*w));
		w->next = s->watches;
		s->watches = w;
		ev_init(&w->io, on_socket);
		w->io.data = s;
	}
	ev_io_set(&w->io, fd, (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0));
	ev_io_start(s->loop, &w->io);
}

void
server_name(const struct ares_addr_port_node *address, char *out, size_t bytes)
{
	char text[INET6_ADDRSTRLEN] = "?";
	int port = address->udp_port != 0 ? address->udp_port : NAMESERVER_PORT;

	inet_ntop(address->family, &address->addr, text, sizeof(text));
	snprintf(out, bytes, address->family == AF_INET6 ? "[%s]:%d" : "%s:%d", text, port);
}

struct server *
server_new(struct ev_loop *loop, const struct ares_addr_port_node *address, unsigned attempt_ms,
    struct resolver_server *counts, const char **why)
{
	static char lookups[] = "b";
	struct server *s = xcalloc(1, sizeof(*s));
	struct ares_addr_port_node one = *address;
	struct ares_options o = { .flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
					   ARES_FLAG_NOCHECKRESP,
		.timeout = (int)attempt_ms,
		.tries = 1,
		.lookups = lookups,
		.sock_state_cb = on_state,
		.sock_state_cb_data = s };
	int status;

	one.next = NULL;
	s->loop = loop;
	s->counts = counts;
	ev_timer_init(&s->tick, on_tick, TICK_S, TICK_S);
	s->tick.data = s;
	status = ares_init_options(&s->channel, &o,
	    ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
		ARES_OPT_DOMAINS | ARES_OPT_SOCK_STATE_CB);
	if (status == ARES_SUCCESS) {
		status = ares_set_servers_ports(s->channel, &one);
		if (status != ARES_SUCCESS)
			ares_destroy(s->channel);
	}
	if (status == ARES_SUCCESS)
		return s;
	*why = ares_strerror(status);
	free(s);
	return NULL;
}

void
server_free(struct server *s)
{
	ares_destroy(s->channel);
	ev_timer_stop(s->loop, &s->tick);
	free(s);
}

static void
on_said(void *arg, int status, int timeouts, unsigned char *bytes, int n)
{
	struct server_question *q = arg;
	enum server_said said = SERVER_GONE;

	(void)timeouts;
	q->server->out--;
	if (bytes != NULL && n > 0)
		said = SERVER_ANSWERED;
	else if (status == ARES_ETIMEOUT)
		said = SERVER_SILENT;
	else if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
		said = SERVER_ENDED;
	q->said(q->arg, said, bytes, said == SERVER_ANSWERED ? (size_t)n : 0);
}

void
server_ask(struct server *s, const char *name, enum dns_type type, struct server_question *q)
{
	q->server = s;
	s->out++;
	if (!ev_is_active(&s->tick)) {
		ev_timer_set(&s->tick, TICK_S, TICK_S);
		ev_timer_start(s->loop, &s->tick);
	}
	ares_query(s->channel, name, C_IN, (int)type, on_said, q);
}
