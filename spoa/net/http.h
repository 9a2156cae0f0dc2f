#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "net/peers.h"

struct ev_loop;

/*
 * A small HTTP/1.1 server on a libev loop, behind HAProxy on a unix socket or loopback, never on
 * the network (libmicrohttpd 0.9.75 forgives what a proxy must not). One thread: the loop's.
 */
struct http_server;

struct http_request {
	struct slice method;
	struct slice target; /* path and query as sent, not decoded */
	char *body;          /* may be changed in place; NULL: none */
	size_t body_bytes;
	bool body_too_large; /* it was longer than HTTP_BODY_MAX and was dropped */
	struct peer peer;    /* who sent it, as the socket says */
	const void *connection;
	/* For a handler that hands a request on: these stand for the headers of their names. */
	const struct http_header *instead;
	unsigned insteads;
};

struct http_header {
	const char *name;
	struct slice value; /* ptr NULL: as if it had not been sent */
};

#define HTTP_BODY_MAX 16384u

/* A header of the request, {NULL, 0} if absent. Borrowed until the handler returns. */
struct slice http_request_header(const struct http_request *r, const char *name);

/* Each header as it was sent, in order, also those that `instead` stands for. Borrowed, as above.
 */
typedef void http_header_taker(void *arg, struct slice name, struct slice value);
void http_request_each_header(const struct http_request *r, http_header_taker *take, void *arg);

#define HTTP_HEADERS_MAX 24u

struct http_response {
	unsigned status;
	struct slice body; /* copied, with the headers, when the handler has returned */
	struct {
		const char *name;
		const char *value; /* NUL-terminated, no CR or LF; copied */
	} header[HTTP_HEADERS_MAX];
	unsigned headers;
};

/* Not set if the value has a control character: it could end the header. */
void http_response_header(struct http_response *r, const char *name, const char *value);

/* Fill *out. HEAD is answered as GET, without the body. */
typedef void http_handler(void *arg, const struct http_request *r, struct http_response *out);

/* Takes over listen_fd. NULL with *why on failure. */
struct http_server *http_server_new(
    struct ev_loop *loop, int listen_fd, http_handler *handler, void *arg, const char **why);
void http_server_free(struct http_server *s); /* finishes nothing: connections are closed */

/* Stop accepting; http_server_idle is true when no request is being answered. */
void http_server_quiesce(struct http_server *s);
bool http_server_idle(const struct http_server *s);
