#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/*
 * SPOP in raw bytes for the bench programs, so that neither side of a measurement runs the code
 * that is measured, and a null agent is the limit for any agent. Callers own the room: nothing here
 * checks the space behind `p` when it writes.
 */
#define WIRE_FRAME_MAX 16380u
#define WIRE_HEADER_MAX 29u /* LEN, type, flags and two varints of 10 bytes */

enum { WIRE_HELLO = 1, WIRE_DISCONNECT = 2, WIRE_NOTIFY = 3 };
enum { WIRE_AGENT_HELLO = 101, WIRE_AGENT_DISCONNECT = 102, WIRE_ACK = 103 };
enum { WIRE_UINT32 = 3, WIRE_INT64 = 4, WIRE_IPV4 = 6, WIRE_STRING = 8 };

static inline uint32_t
wire_get_u32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint8_t *
wire_put_u32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
	return p + 4;
}

static inline uint8_t *
wire_put_varint(uint8_t *p, uint64_t v)
{
	if (v < 240) {
		*p++ = (uint8_t)v;
		return p;
	}
	*p++ = (uint8_t)(v | 240);
	for (v = (v - 240) >> 4; v >= 128; v = (v - 128) >> 7)
		*p++ = (uint8_t)(v | 128);
	*p++ = (uint8_t)v;
	return p;
}

/* NULL if the bytes end first or the number is longer than any. */
static inline const uint8_t *
wire_get_varint(const uint8_t *p, const uint8_t *end, uint64_t *v)
{
	uint8_t byte = 255;

	if (p == NULL || p == end)
		return NULL;
	*v = *p++;
	if (*v < 240)
		return p;
	for (unsigned shift = 4; byte >= 128; shift += 7) {
		if (p == end || shift > 60)
			return NULL;
		byte = *p++;
		*v += (uint64_t)byte << shift;
	}
	return p;
}

static inline uint8_t *
wire_put_bytes(uint8_t *p, const void *bytes, size_t n)
{
	memcpy(p, bytes, n);
	return p + n;
}

static inline uint8_t *
wire_put_string(uint8_t *p, const char *s)
{
	size_t n = strlen(s);

	return wire_put_bytes(wire_put_varint(p, n), s, n);
}

/* A name and a value of type STR. */
static inline uint8_t *
wire_put_pair(uint8_t *p, const char *name, const char *value)
{
	p = wire_put_string(p, name);
	*p++ = WIRE_STRING;
	return wire_put_string(p, value);
}

/* Begin a frame with FIN; wire_end writes its length and returns where the next one begins. */
static inline uint8_t *
wire_begin(uint8_t *frame, uint8_t type, uint64_t stream_id, uint64_t frame_id)
{
	frame[4] = type;
	return wire_put_varint(wire_put_varint(wire_put_u32(frame + 5, 1), stream_id), frame_id);
}

static inline uint8_t *
wire_end(uint8_t *frame, uint8_t *p)
{
	wire_put_u32(frame, (uint32_t)(p - frame) - 4);
	return p;
}

/* "unix@PATH" or "ADDRESS:PORT" (IPv4); 0 if it is neither. */
static inline socklen_t
wire_address(const char *text, struct sockaddr_storage *out)
{
	struct sockaddr_un *un = (struct sockaddr_un *)out;
	struct sockaddr_in *in = (struct sockaddr_in *)out;
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN] = "";
	long port;

	memset(out, 0, sizeof(*out));
	if (strncmp(text, "unix@", 5) == 0) {
		if (strlen(text + 5) >= sizeof(un->sun_path))
			return 0;
		un->sun_family = AF_UNIX;
		memcpy(un->sun_path, text + 5, strlen(text + 5));
		return sizeof(*un);
	}
	if (colon == NULL || (size_t)(colon - text) >= sizeof(host))
		return 0;
	memcpy(host, text, (size_t)(colon - text));
	port = strtol(colon + 1, NULL, 10);
	if (port < 1 || port > 65535 || inet_pton(AF_INET, host, &in->sin_addr) != 1)
		return 0;
	in->sin_family = AF_INET;
	in->sin_port = htons((uint16_t)port);
	return sizeof(*in);
}

/* A socket that listens or is connected, or -1 with errno. */
static inline int
wire_open(const char *text, bool listening)
{
	struct sockaddr_storage a;
	socklen_t len = wire_address(text, &a);
	const struct sockaddr_un *un = (const struct sockaddr_un *)&a;
	int fd, one = 1, bad;

	if (len == 0) {
		errno = EINVAL;
		return -1;
	}
	fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (a.ss_family == AF_INET) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	} else if (listening) {
		unlink(un->sun_path);
	}
	bad = listening ? bind(fd, (struct sockaddr *)&a, len) || listen(fd, 1024)
			: connect(fd, (struct sockaddr *)&a, len);
	if (bad) {
		close(fd);
		return -1;
	}
	return fd;
}
