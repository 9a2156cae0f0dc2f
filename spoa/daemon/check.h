#pragma once

#include <ev.h>
#include <stdbool.h>

#include "challenge/site.h"
#include "daemon/generation.h"
#include "daemon/load.h"
#include "daemon/weigh.h"
#include "net/peers.h"
#include "net/resolver.h"

/*
 * For proxies that do not speak SPOE: /.ammit/check, which nginx's auth_request, Caddy's
 * forward_auth and Traefik's forwardAuth ask about each request before it goes on to the site. The
 * same policy, the same pass, the same page. It lives on the challenge loop and has a weigher of
 * its own.
 *
 * Only a peer that is in check-from may ask, and only in its own name: what HAProxy's backend
 * ammit-challenge sends is not heard here. To all others the address is not there (404). What the
 * request was is said by the headers that challenge/forwarded.h lists, the rest (User-Agent,
 * Accept, Cookie, …) is copied from it by the proxy. An answer:
 *
 *   200  let it through; no body
 *   401  challenge, or the status that the policy names, if it is 4xx or 5xx: with the page, for
 *        proxies that hand the answer to the visitor
 *   403  denied, or the policy's status, if it is 4xx or 5xx and not 401; drip, too
 *   400  headers that contradict each other, or too few
 *
 * and with ?for=nginx, which knows no more than these: 200, 401 without a page, 403 for all the
 * rest. Each but the 400 has X-Ammit-Verdict, X-Ammit-Rule, X-Ammit-Weight, in shadow mode
 * X-Ammit-Would, and X-Ammit-Ticket when challenged.
 *
 * It never waits for the DNS: what is not known yet is unknown, is asked for, and counts next time.
 */
struct check_shared {
	struct peers from;           /* check-from */
	struct resolver_options dns; /* its cache is at most CHECK_CACHE_BYTES here */
	struct zones *zones;
	unsigned number;           /* of its tallies, behind those of the workers */
	struct circuits *circuits; /* NULL: nobody asks tor */
};

#define CHECK_CACHE_BYTES ((size_t)1 << 20)
#define CHECK_RULE_MAX 256u

struct check {
	const struct check_shared *shared;
	struct ev_loop *loop;
	struct site *site;
	struct resolver *resolver;
	struct load load;
	struct weigher weigher;
	/* The answer that is being given. */
	struct weighed it;
	char ticket[TICKET_TEXT_MAX + 1], rule[CHECK_RULE_MAX + 1], weight[16];
	char src[ADDRESS_TEXT_MAX];
};

/* Takes over a reference of g. False with *why, and then there is nothing to free. */
bool check_init(struct check *c, struct ev_loop *loop, const struct check_shared *shared,
    struct site *site, struct generation *g, const char **why);
void check_fini(struct check *c); /* c->weigher.counts can still be read */

/* Judge by g from now on; takes over a reference. */
void check_reload(struct check *c, struct generation *g);

/* An http_handler; arg is a struct check. What is not /.ammit/check goes to the site, with the
 * visitor of a proxy in check-from made known as HAProxy makes it known. */
void check_handle(void *arg, const struct http_request *r, struct http_response *out);
