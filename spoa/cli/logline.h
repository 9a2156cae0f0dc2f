#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * One line of a HAProxy log, whatever a syslog put in front of it:
 *
 *   httplog   option httplog or httpslog: ADDR:PORT [DATE] … {captured|headers} "GET /path
 * HTTP/1.1" edge      what haproxy/edge.cfg writes: ADDR METHOD PATH status=… verdict=… full the
 * same with AMMIT_LOG_FULL: src=ADDR method=… path="…" ua="…" hdr.NAME="…" …
 *
 * HAProxy writes bytes that could be mistaken as #XX in the first two, as \C in the quotes of the
 * third; all are decoded here.
 */
enum logline_kind { LOGLINE_HTTPLOG, LOGLINE_EDGE, LOGLINE_FULL };

extern const char *const logline_names[3];

#define LOGLINE_BYTES_MAX ((size_t)64 * 1024)
#define LOGLINE_HEADERS_MAX 48u

struct logline_header {
	struct slice name, value; /* name as written */
};

/* What is not in the line has a NULL ptr, or -1. */
struct logline {
	enum logline_kind kind;
	struct slice client, method, path, query, version, host, agent, tls, ja3, ja4;
	struct slice verdict, rule;
	struct logline_header header[LOGLINE_HEADERS_MAX];
	unsigned headers;
	int64_t level, pass_by, pass_age_s, rate, pass_rate;
};

/*
 * Slices borrow `line` and `store`, which has room for line.len bytes. `captures`: names of the
 * request headers that HAProxy captures, in order, with commas between: "user-agent,host". False
 * with *why: it is not a request.
 */
bool logline_parse(
    struct slice line, struct slice captures, char *store, struct logline *out, const char **why);
