#pragma once

#include <assert.h>
#include <ev.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* A DNS server on loopback, UDP and TCP, on the loop of the test; what it says is told by `mode`.
 */
enum dns_mode {
	SAY_FOUND,
	SAY_NONE,      /* NXDOMAIN with a SOA */
	SAY_NONE_BARE, /* without */
	SAY_NO_DATA,   /* NOERROR, no record, a SOA */
	SAY_SERVFAIL,
	SAY_REFUSED,
	SAY_NOTHING,
	SAY_LATER, /* when dns_server_release is called */
	/* The right answer comes behind a false one: */
	SAY_WRONG_ID,
	SAY_WRONG_QUESTION,
	SAY_WRONG_PORT,
	SAY_EMPTY_FIRST,
	/* Over TCP it comes. */
	SAY_TRUNCATED,
	SAY_TRUNCATED_TCP_SILENT,
	/* Nothing right comes. */
	SAY_LOOP,
	SAY_LONG_NAME, /* a PTR of 255 bytes on the wire is right, and legal */
	SAY_TOO_LONG,  /* 256 and more are not */
	SAY_EMPTY,
	SAY_GARBAGE,
	SAY_HALF,
};

#define DNS_SERVER_HELD 256u
#define DNS_SERVER_TCP 8u
#define DNS_SERVER_BYTES 2048u

struct dns_held {
	uint8_t query[512];
	size_t n;
	struct sockaddr_in from;
};

struct dns_server {
	struct ev_loop *loop;
	ev_io udp, tcp, connection[DNS_SERVER_TCP];
	enum dns_mode mode;
	uint32_t ttl_s, soa_ttl_s, soa_minimum_s;
	unsigned asked, asked_tcp, port;
	struct dns_held held[DNS_SERVER_HELD];
	unsigned held_count;
};

static size_t
dns_put(uint8_t *out, size_t at, uint32_t value, unsigned bytes)
{
	for (unsigned i = 0; i < bytes; i++)
		out[at + i] = (uint8_t)(value >> (8 * (bytes - 1 - i)));
	return at + bytes;
}

/* The end of the question that begins behind the header; the query is c-ares' own. */
static size_t
dns_question_end(const uint8_t *query, size_t n)
{
	size_t at = 12;

	while (at < n && query[at] != 0)
		at += query[at] + 1u;
	assert(at + 5 <= n);
	return at + 5;
}

/* Record of the name that was asked for; what is wrong says 127.0.0.66. */
static size_t
dns_put_record(uint8_t *out, size_t at, unsigned type, uint32_t ttl_s, unsigned last)
{
	static const uint8_t host[] = "\4host\7example\3org";

	at = dns_put(out, at, 0xc00c, 2);
	at = dns_put(out, at, type, 2);
	at = dns_put(out, at, 1, 2);
	at = dns_put(out, at, ttl_s, 4);
	at = dns_put(out, at, type == 1 ? 4 : type == 28 ? 16 : sizeof(host), 2);
	if (type == 12) {
		memcpy(out + at, host, sizeof(host));
		return at + sizeof(host);
	}
	if (type == 28) {
		memset(out + at, 0, 12);
		at += 12;
	}
	return dns_put(out, at, 0x7f000000 + last, 4);
}

/* A PTR of labels of 63 letters and, to make `bytes` on the wire, one more. */
static size_t
dns_put_long(uint8_t *out, size_t at, unsigned bytes)
{
	size_t length, left = bytes - 1;

	at = dns_put(out, at, 0xc00c, 2);
	at = dns_put(out, at, 12, 2);
	at = dns_put(out, at, 1, 2);
	at = dns_put(out, at, 300, 4);
	at = dns_put(out, at, bytes, 2);
	for (; left > 0; left -= length + 1) {
		length = left > 64 ? 63 : left - 1;
		out[at++] = (uint8_t)length;
		memset(out + at, 'a', length);
		at += length;
	}
	out[at++] = 0;
	return at;
}

static size_t
dns_reply(const struct dns_server *s, enum dns_mode mode, bool tcp, const uint8_t *query, size_t n,
    uint8_t *out, unsigned last)
{
	size_t at = dns_question_end(query, n);
	unsigned type = (unsigned)query[at - 4] << 8 | query[at - 3], answers = 0, authority = 0;
	unsigned flags = 0x8180;

	memcpy(out, query, at);
	if (mode == SAY_NONE || mode == SAY_NO_DATA) {
		static const uint8_t names[] = "\2ns\300\14\1h\300\14";

		authority = 1;
		at = dns_put(out, at, 0xc00c, 2);
		at = dns_put(out, at, 6, 2);
		at = dns_put(out, at, 1, 2);
		at = dns_put(out, at, s->soa_ttl_s, 4);
		at = dns_put(out, at, (uint32_t)sizeof(names) - 1 + 20, 2);
		memcpy(out + at, names, sizeof(names) - 1);
		at += sizeof(names) - 1;
		for (unsigned i = 0; i < 4; i++)
			at = dns_put(out, at, 7, 4);
		at = dns_put(out, at, s->soa_minimum_s, 4);
	} else if (mode == SAY_LONG_NAME || mode == SAY_TOO_LONG) {
		answers = 1;
		at = dns_put_long(out, at, mode == SAY_LONG_NAME ? 255 : 300);
	} else if (mode == SAY_LOOP) {
		answers = 1;
		at = dns_put(out, at, 0xc000 + (uint32_t)at, 2); /* to itself */
		at = dns_put(out, at, type, 2);
		at = dns_put(out, at, 1, 2);
		at = dns_put(out, at, 300, 4);
		at = dns_put(out, at, 4, 2);
		at = dns_put(out, at, 0x7f000002, 4);
	} else if ((mode == SAY_TRUNCATED || mode == SAY_TRUNCATED_TCP_SILENT) && !tcp) {
		flags |= 0x0200;
	} else if (mode != SAY_NONE_BARE && mode != SAY_SERVFAIL && mode != SAY_REFUSED) {
		/* What does not fit into a datagram of 512 bytes, where it comes over TCP. */
		for (answers = 0; answers < (tcp ? 40u : 1u); answers++)
			at = dns_put_record(out, at, type, s->ttl_s, last + answers);
	}
	flags |= mode == SAY_NONE || mode == SAY_NONE_BARE ? 3u
		 : mode == SAY_SERVFAIL                    ? 2u
		 : mode == SAY_REFUSED                     ? 5u
							   : 0u;
	dns_put(out, 2, flags, 2);
	dns_put(out, 6, answers, 2);
	dns_put(out, 8, authority, 2);
	dns_put(out, 10, 0, 2);
	return mode == SAY_HALF ? at - 7 : at;
}

static void
dns_send(int fd, const uint8_t *bytes, size_t n, const struct sockaddr_in *to)
{
	ssize_t sent = sendto(fd, bytes, n, 0, (const struct sockaddr *)to, sizeof(*to));

	assert(sent == (ssize_t)n);
}

/* What goes before the right answer, or in its place. */
static void
dns_send_false(struct dns_server *s, const uint8_t *query, size_t n, const struct sockaddr_in *from)
{
	uint8_t out[DNS_SERVER_BYTES];
	size_t bytes = dns_reply(s, SAY_FOUND, false, query, n, out, 66);
	int other;

	switch (s->mode) {
	case SAY_WRONG_ID:
		out[1] ^= 0x5a;
		dns_send(s->udp.fd, out, bytes, from);
		break;
	case SAY_WRONG_QUESTION:
		out[13] ^= 1; /* a letter of the first label */
		dns_send(s->udp.fd, out, bytes, from);
		break;
	case SAY_WRONG_PORT:
		other = socket(AF_INET, SOCK_DGRAM, 0);
		dns_send(other, out, bytes, from);
		close(other);
		break;
	case SAY_EMPTY_FIRST:
	case SAY_EMPTY:
		dns_send(s->udp.fd, out, 0, from);
		break;
	case SAY_GARBAGE: /* of the right id */
		memset(out + 2, 0xff, 60);
		dns_send(s->udp.fd, out, 62, from);
		break;
	default:
		break;
	}
}

static void
dns_server_release(struct dns_server *s)
{
	uint8_t out[DNS_SERVER_BYTES];

	for (unsigned i = 0; i < s->held_count; i++) {
		struct dns_held *h = &s->held[i];

		dns_send(s->udp.fd, out, dns_reply(s, SAY_FOUND, false, h->query, h->n, out, 2),
		    &h->from);
	}
	s->held_count = 0;
	s->mode = SAY_FOUND;
}

static void
dns_on_udp(EV_P_ ev_io *io, int events)
{
	struct dns_server *s = io->data;
	struct dns_held h = { .n = 0 };
	socklen_t length = sizeof(h.from);
	uint8_t out[DNS_SERVER_BYTES];
	ssize_t n;

	(void)loop, (void)events;
	n = recvfrom(io->fd, h.query, sizeof(h.query), 0, (struct sockaddr *)&h.from, &length);
	if (n <= 0)
		return;
	h.n = (size_t)n;
	s->asked++;
	if (s->mode == SAY_LATER) {
		assert(s->held_count < DNS_SERVER_HELD);
		s->held[s->held_count++] = h;
		return;
	}
	dns_send_false(s, h.query, h.n, &h.from);
	if (s->mode != SAY_NOTHING && s->mode != SAY_EMPTY && s->mode != SAY_GARBAGE)
		dns_send(
		    s->udp.fd, out, dns_reply(s, s->mode, false, h.query, h.n, out, 2), &h.from);
}

static void
dns_on_connection(EV_P_ ev_io *io, int events)
{
	struct dns_server *s = io->data;
	uint8_t query[514], out[DNS_SERVER_BYTES];
	ssize_t n = recv(io->fd, query, sizeof(query), 0);
	size_t bytes;

	(void)events;
	if (n <= 2) {
		ev_io_stop(EV_A_ io);
		close(io->fd);
		return;
	}
	s->asked_tcp++;
	if (s->mode == SAY_TRUNCATED_TCP_SILENT)
		return;
	bytes = dns_reply(s, s->mode, true, query + 2, (size_t)n - 2, out + 2, 2);
	dns_put(out, 0, (uint32_t)bytes, 2);
	n = send(io->fd, out, bytes + 2, MSG_NOSIGNAL);
	assert(n == (ssize_t)bytes + 2);
}

static void
dns_on_accept(EV_P_ ev_io *io, int events)
{
	struct dns_server *s = io->data;
	int fd = accept(io->fd, NULL, NULL);
	unsigned i = 0;

	(void)events;
	while (i < DNS_SERVER_TCP && ev_is_active(&s->connection[i]))
		i++;
	assert(fd >= 0 && i < DNS_SERVER_TCP);
	ev_io_init(&s->connection[i], dns_on_connection, fd, EV_READ);
	s->connection[i].data = s;
	ev_io_start(EV_A_ & s->connection[i]);
}

static void
dns_server_close_tcp(struct dns_server *s)
{
	if (!ev_is_active(&s->tcp))
		return;
	ev_io_stop(s->loop, &s->tcp);
	close(s->tcp.fd);
}

static void
dns_server_close(struct dns_server *s)
{
	dns_server_close_tcp(s);
	for (unsigned i = 0; i < DNS_SERVER_TCP; i++)
		if (ev_is_active(&s->connection[i])) {
			ev_io_stop(s->loop, &s->connection[i]);
			close(s->connection[i].fd);
		}
	if (ev_is_active(&s->udp)) {
		ev_io_stop(s->loop, &s->udp);
		close(s->udp.fd);
	}
}

/* On a port that is free for UDP and TCP. */
static void
dns_server_open(struct dns_server *s, struct ev_loop *loop, enum dns_mode mode)
{
	int udp, tcp, bound;

	memset(s, 0, sizeof(*s));
	s->loop = loop;
	s->mode = mode;
	s->ttl_s = 300;
	s->soa_ttl_s = s->soa_minimum_s = 120;
	do {
		struct sockaddr_in at = { .sin_family = AF_INET };
		socklen_t length = sizeof(at);

		at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		udp = socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK, 0);
		tcp = socket(AF_INET, SOCK_STREAM, 0);
		assert(udp >= 0 && tcp >= 0);
		bound = bind(udp, (struct sockaddr *)&at, sizeof(at));
		assert(bound == 0);
		getsockname(udp, (struct sockaddr *)&at, &length);
		s->port = ntohs(at.sin_port);
		bound = bind(tcp, (struct sockaddr *)&at, sizeof(at));
		if (bound != 0) {
			close(udp);
			close(tcp);
		}
	} while (bound != 0);
	bound = listen(tcp, 8);
	assert(bound == 0);
	ev_io_init(&s->udp, dns_on_udp, udp, EV_READ);
	ev_io_init(&s->tcp, dns_on_accept, tcp, EV_READ);
	s->udp.data = s->tcp.data = s;
	ev_io_start(loop, &s->udp);
	ev_io_start(loop, &s->tcp);
}
