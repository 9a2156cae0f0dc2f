#pragma once

#include <stdbool.h>

#include "net/web.h"

/*
 * One visit to a site as a program: ask it, meet its challenge if it has one, keep the pass. This
 * is the client's side of ammit-protocol(7).
 */
#define VISIT_HEADERS_MAX (WEB_HEADERS_MAX - 2) /* User-Agent and Cookie are ours */

struct visit_wishes {
	const char *url, *agent;
	const char *proxy, *unix_path;         /* as web_request has them */
	const char *jar;                       /* a file; NULL: standard output */
	const char *header[VISIT_HEADERS_MAX]; /* "Name: value" */
	unsigned headers;
	unsigned long long timeout_s; /* of each request */
	unsigned long long threads;   /* 0: one a processor */
	unsigned long long most;      /* hashes */
	int family;
	bool insecure, as_header, quiet;
};

/* Prints the pass, or puts it into the jar; true also if none is needed. What is wrong, and what to
 * do about it, is said on standard error. */
bool visit_site(const struct visit_wishes *w);

/* "ammit: solve: …" on standard error. Always false, for the caller to return. */
bool visit_complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
