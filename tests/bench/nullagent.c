/*
 * The least that an SPOP agent can do: one thread, no look at what a NOTIFY says, the same ACK for
 * all of them. What HAProxy reaches with it is the limit for any agent.
 *
 *   nullagent ADDR [-c] [-k BYTES]
 *     ADDR      unix@PATH or ADDRESS:PORT
 *     -c        answer `challenge` with a ticket; without it `allow`
 *     -k BYTES  length of that ticket (default 156, what Ammit's has for a host of 15)
 *
 * SIGTERM and SIGINT end it; the counters go to standard error.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "bench/wire.h"

#define BUFFER_BYTES 65536u
#define TICKET_MAX 2048u
#define ACK_MAX (TICKET_MAX + 256u)
#define EVENTS 64

struct conn {
	int fd;
	bool blocked; /* output is waiting for the socket, which is all that is polled for */
	uint32_t in_bytes, out_bytes, sent_bytes;
	uint8_t in[BUFFER_BYTES], out[BUFFER_BYTES];
};

static struct {
	uint64_t notifies, reads, writes, waits, conns, checks, disconnects, broken;
} count;

static struct {
	uint8_t bytes[ACK_MAX];
	size_t n;
} actions;

static volatile sig_atomic_t stopped;

static void
on_signal(int signo)
{
	stopped = signo;
}

/* Name of an action set-var in scope txn, up to the type of its value. */
static uint8_t *
put_set(uint8_t *p, const char *name, uint8_t type)
{
	p = wire_put_bytes(p, "\x01\x03\x02", 3);
	p = wire_put_string(p, name);
	*p++ = type;
	return p;
}

static void
build_actions(bool challenge, size_t ticket_bytes)
{
	static char ticket[TICKET_MAX + 1];
	uint8_t *p = actions.bytes;

	p = wire_put_string(put_set(p, "verdict", WIRE_STRING), challenge ? "challenge" : "allow");
	p = wire_put_string(
	    put_set(p, "rule", WIRE_STRING), challenge ? "threshold/default" : "default/allow");
	p = wire_put_varint(put_set(p, "weight", WIRE_INT64), 0);
	if (challenge) {
		memset(ticket, 'a', ticket_bytes);
		p = wire_put_string(put_set(p, "ticket", WIRE_STRING), ticket);
	}
	actions.n = (size_t)(p - actions.bytes);
}

static bool
flush(int epoll, struct conn *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	bool blocked;

	while (c->sent_bytes < c->out_bytes) {
		ssize_t n = send(c->fd, c->out + c->sent_bytes, c->out_bytes - c->sent_bytes,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		count.writes++;
		if (n < 0 && errno == EAGAIN)
			break;
		if (n < 0 && errno != EINTR)
			return false;
		if (n > 0)
			c->sent_bytes += (uint32_t)n;
	}
	blocked = c->sent_bytes < c->out_bytes;
	if (!blocked)
		c->sent_bytes = c->out_bytes = 0;
	if (blocked != c->blocked) {
		c->blocked = blocked;
		e.events = blocked ? EPOLLOUT : EPOLLIN;
		epoll_ctl(epoll, EPOLL_CTL_MOD, c->fd, &e);
	}
	return true;
}

static uint8_t *
put_hello(uint8_t *p, const uint8_t *payload, const uint8_t *end)
{
	static const char key[] = "max-frame-size";
	const uint8_t *size = memmem(payload, (size_t)(end - payload), key, sizeof(key) - 1);
	uint64_t announced = 0, max = WIRE_FRAME_MAX;

	if (size != NULL && end - size > (ptrdiff_t)sizeof(key) &&
	    wire_get_varint(size + sizeof(key), end, &announced) != NULL && announced < max)
		max = announced;
	p = wire_put_pair(p, "version", "2.0");
	p = wire_put_string(p, key);
	*p++ = WIRE_UINT32;
	p = wire_put_varint(p, max);
	return wire_put_pair(p, "capabilities", "pipelining");
}

/* Answer one frame of n bytes, LEN not among them. False: the connection is over. */
static bool
answer(struct conn *c, const uint8_t *frame, uint32_t n)
{
	const uint8_t *end = frame + n, *payload;
	uint8_t *out = c->out + c->out_bytes, *p = out;
	uint64_t stream_id, frame_id;

	payload = wire_get_varint(frame + 5, end, &stream_id);
	payload = wire_get_varint(payload, end, &frame_id);
	if (payload == NULL)
		return false;
	switch (frame[0]) {
	case WIRE_NOTIFY:
		count.notifies++;
		p = wire_begin(out, WIRE_ACK, stream_id, frame_id);
		p = wire_put_bytes(p, actions.bytes, actions.n);
		break;
	case WIRE_HELLO:
		if (memmem(payload, (size_t)(end - payload), "\x0bhealthcheck\x11", 13) != NULL)
			count.checks++;
		p = put_hello(wire_begin(out, WIRE_AGENT_HELLO, 0, 0), payload, end);
		break;
	case WIRE_DISCONNECT:
		count.disconnects++;
		return false;
	default:
		count.broken++;
		return false;
	}
	c->out_bytes += (uint32_t)(wire_end(out, p) - out);
	return true;
}

/* Answer all whole frames that there is room for. */
static bool
answer_all(int epoll, struct conn *c)
{
	uint32_t done = 0;

	while (c->in_bytes - done >= 4) {
		uint32_t n = wire_get_u32(c->in + done);

		if (n < 7 || n > WIRE_FRAME_MAX) {
			count.broken++;
			return false;
		}
		if (c->in_bytes - done - 4 < n)
			break;
		if (BUFFER_BYTES - c->out_bytes < ACK_MAX + WIRE_HEADER_MAX) {
			if (!flush(epoll, c))
				return false;
			if (c->blocked)
				break;
		}
		if (!answer(c, c->in + done + 4, n)) {
			flush(epoll, c);
			return false;
		}
		done += 4 + n;
	}
	if (done < c->in_bytes)
		memmove(c->in, c->in + done, c->in_bytes - done);
	c->in_bytes -= done;
	return c->out_bytes == 0 || flush(epoll, c);
}

static bool
on_readable(int epoll, struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_bytes, BUFFER_BYTES - c->in_bytes, MSG_DONTWAIT);

	count.reads++;
	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	c->in_bytes += (uint32_t)n;
	return answer_all(epoll, c);
}

static void
accept_all(int epoll, int listener)
{
	int fd, one = 1;

	while ((fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		struct conn *c = malloc(sizeof(*c));
		struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };

		if (c == NULL) {
			close(fd);
			return;
		}
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		c->fd = fd;
		c->blocked = false;
		c->in_bytes = c->out_bytes = c->sent_bytes = 0;
		epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
		count.conns++;
	}
}

static void
serve(int epoll, int listener)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = NULL }, ready[EVENTS];

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
	while (!stopped) {
		int n = epoll_wait(epoll, ready, EVENTS, -1);

		count.waits++;
		for (int i = 0; i < n; i++) {
			struct conn *c = ready[i].data.ptr;
			bool alive = true;

			if (c == NULL) {
				accept_all(epoll, listener);
				continue;
			}
			if (c->blocked)
				alive = flush(epoll, c) && (c->blocked || answer_all(epoll, c));
			else
				alive = on_readable(epoll, c);
			if (!alive) {
				close(c->fd);
				free(c);
			}
		}
	}
}

int
main(int argc, char **argv)
{
	struct sigaction act = { .sa_handler = on_signal };
	unsigned long ticket_bytes = 156;
	bool challenge = false;
	int option, listener;

	while ((option = getopt(argc, argv, "ck:")) != -1) {
		if (option == 'c')
			challenge = true;
		else if (option == 'k')
			ticket_bytes = strtoul(optarg, NULL, 10);
		else
			return 2;
	}
	if (optind != argc - 1 || ticket_bytes > TICKET_MAX) {
		fprintf(stderr, "usage: nullagent ADDR [-c] [-k BYTES up to %u]\n", TICKET_MAX);
		return 2;
	}
	build_actions(challenge, ticket_bytes);
	listener = wire_open(argv[optind], true);
	if (listener < 0 || fcntl(listener, F_SETFL, O_NONBLOCK) < 0) {
		perror(argv[optind]);
		return 1;
	}
	sigaction(SIGTERM, &act, NULL);
	sigaction(SIGINT, &act, NULL);
	serve(epoll_create1(EPOLL_CLOEXEC), listener);
	fprintf(stderr,
	    "notifies=%" PRIu64 " reads=%" PRIu64 " writes=%" PRIu64 " waits=%" PRIu64
	    " conns=%" PRIu64 " checks=%" PRIu64 " disconnects=%" PRIu64 " broken=%" PRIu64 "\n",
	    count.notifies, count.reads, count.writes, count.waits, count.conns, count.checks,
	    count.disconnects, count.broken);
	return 0;
}
