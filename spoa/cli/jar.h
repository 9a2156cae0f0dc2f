#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/text.h"

/*
 * Cookies as curl -b and wget --load-cookies read them from a file, a line each with tabs between:
 * host, whether for its subdomains, path, whether for https alone, expiry (s since 1970, 0: at the
 * end of the session), name, value. #HttpOnly_ in front of the host is curl's; it is read and not
 * written, since others take such a line for a comment.
 */
#define JAR_BYTES_MAX ((size_t)4 * 1024 * 1024)
#define JAR_LINE_MAX ((size_t)8 * 1024)

struct cookie {
	struct slice name, value, path; /* borrowed */
	int64_t life_s;                 /* 0: as long as the session */
	bool secure;
};

/*
 * The value of a Set-Cookie header (RFC 6265, 5.2). Path and Max-Age count, a Domain does not: the
 * cookie is for the host that set it. False: it is none, it is gone already, or it has bytes that
 * could end a line or a header.
 */
bool cookie_parse(struct slice header, struct cookie *c);

/* A line of a jar, newline included, for a cookie of that host (as web_url has it). */
void jar_line(struct text *out, const struct cookie *c, const char *host, int64_t now_s);

/* What of a jar is sent to that host's root: "a=b; c=d", for the Cookie header. */
void jar_cookies(struct text *out, struct slice jar, const char *host, bool https, int64_t now_s);

/*
 * The jar with `line` in it and without what it had for the same host and name; in a fresh block,
 * that the caller frees.
 */
char *jar_with(struct slice jar, struct slice line, size_t *bytes);

/* The file; "" if there is none. NULL with *why. The caller frees it. */
char *jar_read(const char *file, size_t *bytes, const char **why);

/* Put a jar in the file's place, whole or not at all, with mode 0600. False with *why. */
bool jar_write(const char *file, struct slice jar, const char **why);
