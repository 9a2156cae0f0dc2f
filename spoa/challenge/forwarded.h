#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"

/*
 * What a proxy says in headers of somebody else's request. Fed every header of a request, it keeps
 * what is said of each thing, and what is wrong with that: two headers of one name, two values of
 * one thing, a value that is none. Nothing is guessed, and nothing is believed here: whether the
 * peer may say such things is the caller's to know (check-from).
 *
 *   method   X-Original-Method, X-Forwarded-Method
 *   target   X-Original-URI, X-Original-URL (may be a whole URL), X-Forwarded-Uri
 *   host     X-Original-Host, X-Forwarded-Host
 *   scheme   X-Original-Proto, X-Forwarded-Proto: http, https, ws, wss
 *   tls      X-Original-TLS: TLSv1.3
 *   client   X-Real-IP, the last element of X-Forwarded-For
 *   own…     Host, X-Ammit-Src, X-Ammit-Proto, X-Ammit-Ticket: of the request itself
 *
 * An empty header says nothing. Slices borrow from what was fed.
 */
enum forwarded_thing {
	FORWARDED_METHOD,
	FORWARDED_TARGET,
	FORWARDED_HOST,
	FORWARDED_SCHEME,
	FORWARDED_TLS,
	FORWARDED_CLIENT,
	FORWARDED_OWN_HOST,
	FORWARDED_OWN_SRC,
	FORWARDED_OWN_PROTO,
	FORWARDED_OWN_TICKET,
	FORWARDED_THINGS,
};

struct forwarded {
	struct slice said[FORWARDED_THINGS]; /* ptr NULL: nothing; scheme: http or https */
	struct address client, src;          /* what two of them are; family 0: not said */
	const char *wrong[FORWARDED_THINGS]; /* in constant words; NULL: nothing */
	uint32_t seen;                       /* bit n: the n-th name, also if it was empty */
};

void forwarded_take(struct forwarded *f, struct slice name, struct slice value);

/* Did it come by HAProxy's backend ammit-challenge, or from one who says so? */
bool forwarded_by_haproxy(const struct forwarded *f);

/* The request that was asked about. */
struct original {
	struct slice method; /* GET if nothing is said */
	struct slice target; /* path and query as sent, or "*" */
	struct slice host;   /* the request's own if nothing is said */
	struct slice tls;    /* its version; "TLS" if only https is said; empty on plain http */
	struct address client;
	bool https;
};

/* False with *why, in constant words. */
bool forwarded_original(const struct forwarded *f, struct original *out, const char **why);

/*
 * Who the visitor is, on every route, when a peer that is in check-from hands a request on: as
 * X-Ammit-Src and X-Ammit-Proto say, else as the proxy's usual headers do. The address is unknown
 * (family 0) if they do not agree.
 */
struct visitor {
	struct address address;
	bool https;
};

struct visitor forwarded_visitor(const struct forwarded *f);
