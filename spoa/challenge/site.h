#pragma once

#include <stdint.h>

#include "base/counter.h"
#include "base/slice.h"
#include "challenge/location.h"
#include "challenge/page.h"
#include "challenge/spent.h"
#include "net/http.h"
#include "token/key.h"
#include "token/pass.h"

/*
 * The challenge loop's side of HTTP. It trusts the X-Ammit-* headers, which HAProxy sets after it
 * has removed the client's own:
 *   X-Ammit-Src     the client's address
 *   X-Ammit-Proto   http or https: a cookie is Secure with https
 *   X-Ammit-Ticket  the ticket of a request that was challenged
 * GET  anything, with a ticket  the challenge page; plain text if it is no navigation
 * POST /.ammit/pass             fields ticket, solution, back: 303 to back with the pass, or a page
 * GET  /.ammit/solver.js        the worker script
 * GET  /.ammit/health           200, for HAProxy's check
 */
struct site {
	const struct keyring *keys;
	struct spent *spent;
	char cookie[64];
	int64_t (*now_s)(void);
	struct counter served, passed, refused, plain; /* any thread may read them */
	/* The answer that is being given: http.c copies it when the handler has returned. */
	char body[PAGE_BYTES_MAX];
	char location[LOCATION_MAX + 1];
	char set_cookie[64 + PASS_TEXT_MAX + 96];
};

/* An http_handler; arg is a struct site. */
void site_handle(void *arg, const struct http_request *r, struct http_response *out);

/* Is this a person opening a page (Fetch Metadata, else Accept), not a tool or a subresource? */
bool site_is_navigation(const struct http_request *r);
