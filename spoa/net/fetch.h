#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "net/endpoint.h"

/*
 * One question to an HTTP/1.1 server of ours (the control socket), and its whole answer. Blocks,
 * for timeout_ms in all at most. No redirects, no TLS.
 */
struct fetch {
	const struct endpoint *at;
	const char *method, *target; /* as they go over the wire */
	size_t body_max;             /* a longer body is an error */
	int timeout_ms;
};

struct fetched {
	unsigned status;
	char *body; /* NUL behind it; the caller frees it */
	size_t body_bytes;
	int connect_errno; /* why nobody could be reached; 0: somebody was */
	char why[128];     /* if it failed */
};

/* False with out->why, and with no body; an answer with any status is true. */
bool fetch(const struct fetch *f, struct fetched *out);
