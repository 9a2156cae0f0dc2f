#pragma once

#include <assert.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A DNS server for tests: UDP and TCP on one port of 127.0.0.1, on the test's own loop. */

/* What it does with a question; what comes before another answer is followed by the right one. */
enum dns_server_how {
	SAYS_FOUND,   /* 127.0.0.9, ::9 or "Host.Example" for ttl_s */
	SAYS_NONE,    /* NXDOMAIN, with an SOA for ttl_s */
	SAYS_NO_SOA,  /* NXDOMAIN alone */
	SAYS_NOTHING, /* keeps the last question, for dns_server_release */
	SAYS_SERVFAIL,
	SAYS_REFUSED,
	SAYS_LOOP,      /* the owner of the answer points at itself */
	SAYS_TRUNCATED, /* on UDP; on TCP 60 records */
	WRONG_ID_FIRST,
	WRONG_QUESTION_FIRST,
	OTHER_PORT_FIRST,
	EMPTY_FIRST,
	GARBAGE_FIRST,
	GARBAGE_ONLY,
};

#define DNS_SERVER_MESSAGE_MAX 2048u

struct dns_server_message {
	uint8_t bytes[DNS_SERVER_MESSAGE_MAX];
	size_t n;
};

struct dns_server {
	struct ev_loop *loop;
	ev_io udp, tcp, conn; /* one TCP connection at a time */
	uint16_t port;
	enum dns_server_how how;
	uint32_t ttl_s;
	unsigned udp_queries, tcp_queries;
	struct sockaddr_in from;
	struct dns_server_message asked; /* the last */
};

static inline void
dns_server_put(struct dns_server_message *m, unsigned long value, unsigned bytes)
{
	while (bytes-- > 0)
		m->bytes[m->n++] = (uint8_t)(value >> 8 * bytes);
}

static inline void
dns_server_record(struct dns_server_message *m, unsigned type, uint32_t ttl_s, uint8_t last)
{
	static const char host[] = "\4Host\7Example";

	m->bytes[7]++;
	dns_server_put(m, 0xc00c, 2);
	dns_server_put(m, type, 2);
	dns_server_put(m, 1, 2);
	dns_server_put(m, ttl_s, 4);
	if (type == 12) {
		dns_server_put(m, sizeof(host), 2);
		memcpy(m->bytes + m->n, host, sizeof(host));
		m->n += sizeof(host);
	} else if (type == 1) {
		dns_server_put(m, 4, 2);
		dns_server_put(m, 0x7f000000u | last, 4);
	} else {
		dns_server_put(m, 16, 2);
		memset(m->bytes + m->n, 0, 15);
		m->n += 15;
		dns_server_put(m, last, 1);
	}
}

static inline void
dns_server_soa(struct dns_server_message *m, uint32_t ttl_s)
{
	m->bytes[9]++;
	dns_server_put(m, 0, 1);
	dns_server_put(m, 6, 2);
	dns_server_put(m, 1, 2);
	dns_server_put(m, ttl_s, 4);
	dns_server_put(m, 22, 2);
	dns_server_put(m, 0, 2);
	for (unsigned i = 0; i < 4; i++)
		dns_server_put(m, 1, 4);
	dns_server_put(m, ttl_s, 4);
}

/* The header and the question of what was asked, as an answer. */
static inline struct dns_server_message
dns_server_begin(const struct dns_server_message *asked, unsigned flags)
{
	struct dns_server_message m = { .n = 12 };
	size_t end = 12;

	while (end < asked->n && asked->bytes[end] != 0)
		end += asked->bytes[end] + 1u;
	end += 5;
	assert(end <= asked->n);
	memcpy(m.bytes, asked->bytes, end);
	memset(m.bytes + 6, 0, 6);
	m.bytes[2] = (uint8_t)(flags >> 8);
	m.bytes[3] = (uint8_t)flags;
	m.n = end;
	return m;
}

static inline struct dns_server_message
dns_server_answer(const struct dns_server *s, enum dns_server_how how, bool tcp)
{
	struct dns_server_message m =
	    dns_server_begin(&s->asked, how == SAYS_NONE || how == SAYS_NO_SOA ? 0x8183
					: how == SAYS_SERVFAIL                 ? 0x8182
					: how == SAYS_REFUSED                  ? 0x8185
					: how == SAYS_TRUNCATED && !tcp        ? 0x8380
									       : 0x8180);
	const unsigned type = m.bytes[m.n - 3];

	if (how == SAYS_LOOP) {
		m.bytes[7] = 1;
		dns_server_put(&m, 0xc000 | m.n, 2);
		dns_server_put(&m, 0x00010001, 4);
		dns_server_put(&m, 60, 4);
		dns_server_put(&m, 0x00047f000009, 6);
	} else if (how == SAYS_NONE) {
		dns_server_soa(&m, s->ttl_s);
	} else if (how == SAYS_TRUNCATED && tcp) {
		for (uint8_t i = 1; i <= 60; i++)
			dns_server_record(&m, type, s->ttl_s, i);
	} else if ((m.bytes[3] & 15) == 0 && how != SAYS_TRUNCATED) {
		dns_server_record(&m, type, s->ttl_s, 9);
	}
	return m;
}

static inline void
dns_server_send(struct dns_server *s, int fd, const struct dns_server_message *m)
{
	ssize_t sent =
	    sendto(fd, m->bytes, m->n, 0, (const struct sockaddr *)&s->from, sizeof(s->from));

	assert(sent == (ssize_t)m->n);
}

/* Something that must be ignored. */
static inline void
dns_server_mislead(struct dns_server *s)
{
	struct dns_server_message m = dns_server_begin(&s->asked, 0x8180);
	int fd = s->udp.fd;

	dns_server_record(&m, m.bytes[m.n - 3], 60, 66);
	if (s->how == WRONG_ID_FIRST)
		m.bytes[0] ^= 0x55;
	if (s->how == WRONG_QUESTION_FIRST)
		m.bytes[13] ^= 1;
	if (s->how == EMPTY_FIRST)
		m.n = 0;
	if (s->how == GARBAGE_FIRST || s->how == GARBAGE_ONLY) {
		memset(m.bytes, 0xff, sizeof(m.bytes));
		m.n = 500;
	}
	if (s->how == OTHER_PORT_FIRST)
		fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	dns_server_send(s, fd, &m);
	if (fd != s->udp.fd)
		close(fd);
}

static inline void
dns_server_on_udp(struct ev_loop *loop, ev_io *io, int events)
{
	struct dns_server *s = io->data;
	socklen_t len = sizeof(s->from);
	struct dns_server_message m;
	ssize_t n = recvfrom(io->fd, s->asked.bytes, sizeof(s->asked.bytes), MSG_DONTWAIT,
	    (struct sockaddr *)&s->from, &len);

	(void)loop, (void)events;
	if (n < 17)
		return;
	s->asked.n = (size_t)n;
	s->udp_queries++;
	if (s->how >= WRONG_ID_FIRST)
		dns_server_mislead(s);
	if (s->how == SAYS_NOTHING || s->how == GARBAGE_ONLY)
		return;
	m = dns_server_answer(s, s->how, false);
	dns_server_send(s, io->fd, &m);
}

/* The answer to the last question, that was kept until now. */
static inline void
dns_server_release(struct dns_server *s)
{
	struct dns_server_message m = dns_server_answer(s, SAYS_FOUND, false);

	dns_server_send(s, s->udp.fd, &m);
}

static inline void
dns_server_hang_up(struct dns_server *s)
{
	if (!ev_is_active(&s->conn))
		return;
	ev_io_stop(s->loop, &s->conn);
	close(s->conn.fd);
}

/* Its questions are small: each comes in one piece on loopback. */
static inline void
dns_server_on_conn(struct ev_loop *loop, ev_io *io, int events)
{
	struct dns_server *s = io->data;
	uint8_t bytes[DNS_SERVER_MESSAGE_MAX + 2];
	ssize_t n = recv(io->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	struct dns_server_message m;

	(void)loop, (void)events;
	if (n < 19) {
		dns_server_hang_up(s);
		return;
	}
	s->asked.n = (size_t)n - 2;
	memcpy(s->asked.bytes, bytes + 2, s->asked.n);
	s->tcp_queries++;
	m = dns_server_answer(s, s->how, true);
	bytes[0] = (uint8_t)(m.n >> 8);
	bytes[1] = (uint8_t)m.n;
	memcpy(bytes + 2, m.bytes, m.n);
	n = send(io->fd, bytes, m.n + 2, MSG_NOSIGNAL);
	assert(n == (ssize_t)m.n + 2);
}

static inline void
dns_server_on_tcp(struct ev_loop *loop, ev_io *io, int events)
{
	struct dns_server *s = io->data;
	int fd = accept(io->fd, NULL, NULL);

	(void)events;
	if (fd < 0)
		return;
	dns_server_hang_up(s);
	ev_io_init(&s->conn, dns_server_on_conn, fd, EV_READ);
	ev_io_start(loop, &s->conn);
}

/* From now on TCP is refused. */
static inline void
dns_server_no_tcp(struct dns_server *s)
{
	ev_io_stop(s->loop, &s->tcp);
	close(s->tcp.fd);
	s->tcp.fd = -1;
}

static inline void
dns_server_start(struct dns_server *s, struct ev_loop *loop, enum dns_server_how how)
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int udp, tcp;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	*s = (struct dns_server){ .loop = loop, .how = how, .ttl_s = 300 };
	/* Until the port is free for both. */
	for (unsigned i = 0;; i++) {
		assert(i < 100);
		at.sin_port = 0;
		udp = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert(udp >= 0 && tcp >= 0);
		assert(bind(udp, (struct sockaddr *)&at, sizeof(at)) == 0);
		assert(getsockname(udp, (struct sockaddr *)&at, &len) == 0);
		if (bind(tcp, (struct sockaddr *)&at, sizeof(at)) == 0 && listen(tcp, 16) == 0)
			break;
		close(udp);
		close(tcp);
	}
	s->port = ntohs(at.sin_port);
	ev_io_init(&s->udp, dns_server_on_udp, udp, EV_READ);
	ev_io_init(&s->tcp, dns_server_on_tcp, tcp, EV_READ);
	ev_init(&s->conn, dns_server_on_conn);
	s->udp.data = s->tcp.data = s->conn.data = s;
	ev_io_start(loop, &s->udp);
	ev_io_start(loop, &s->tcp);
}

static inline void
dns_server_stop(struct dns_server *s)
{
	dns_server_hang_up(s);
	ev_io_stop(s->loop, &s->udp);
	close(s->udp.fd);
	if (s->tcp.fd >= 0)
		dns_server_no_tcp(s);
}
