#pragma once

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/slice.h"

/*
 * One question to a server out there, over http or https, and its whole answer. Blocks, for
 * timeout_ms in all at most: for a thread of its own, never for a loop. Redirects are not followed,
 * no cookie is kept, nothing is read from the user's files.
 *
 * libcurl does it. It is loaded with the first request, since it takes more memory than all of the
 * daemon, and most daemons never ask anybody. Any thread, any number of them.
 */
#define WEB_HEAD_MAX ((size_t)64 * 1024)
#define WEB_HEADERS_MAX 32u
#define WEB_URL_MAX 4096u

struct web_request {
	const char *method; /* GET, HEAD, POST, PUT */
	const char *url;
	const char *header[WEB_HEADERS_MAX]; /* "Name: value", no control characters */
	unsigned headers;
	struct slice body; /* sent with POST and PUT */
	int timeout_ms;    /* above 0 */
	size_t body_max;   /* a longer answer is an error … */
	bool cut;          /* … or is cut there */
	bool insecure;     /* do not ask whose certificate it is */
	int family;        /* 4 or 6: addresses of that kind only; 0: any */
	/* NULL: what the environment names (https_proxy, no_proxy …), as curl does; "": none. */
	const char *proxy;
	const char *unix_path;   /* connect there, whatever host the URL names; NULL: no */
	const atomic_bool *stop; /* NULL, or: given up within about a second once it is true */
};

enum web_error {
	WEB_OK,
	WEB_LIBRARY, /* there is no libcurl */
	WEB_BAD,     /* the request is none: its URL, a header */
	WEB_NAME,    /* the host, or the proxy, has no address */
	WEB_CONNECT, /* nobody listens there */
	WEB_TIMEOUT,
	WEB_TLS,
	WEB_TOO_LONG, /* head or body */
	WEB_STOPPED,
	WEB_OTHER,
};

struct web_response {
	unsigned status;
	struct slice head; /* header lines, CRLF behind each; of the last answer, no status line */
	struct slice body; /* NUL behind it */
	enum web_error error;
	char why[256];                 /* if it failed: a phrase, no full stop */
	char redirect[WEB_URL_MAX];    /* where a 3xx leads, absolute; "" otherwise */
	char *head_bytes, *body_bytes; /* what the slices borrow from */
};

/* False with error and why. web_response_fini is needed either way. */
bool web_ask(const struct web_request *r, struct web_response *out);
void web_response_fini(struct web_response *r);

/* Value of the header `name` number k (from 0: Set-Cookie may stand there more than once), without
 * blanks around it; {NULL, 0}: there is none. */
struct slice web_header(const struct web_response *r, const char *name, unsigned k);

/* The parts of a URL as libcurl reads them, so that nobody else reads it in another way. */
struct web_url {
	char scheme[8];   /* http, https */
	char host[256];   /* lower case, an IPv6 literal in brackets */
	char port[8];     /* always there */
	char origin[280]; /* scheme://host[:port], the port left out if it is the scheme's */
	bool has_user;    /* somebody's name or password stands in it */
};

/* False with error and why; only http and https. */
bool web_url_read(const char *url, struct web_url *out, enum web_error *error, const char **why);
