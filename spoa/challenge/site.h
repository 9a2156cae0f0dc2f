#pragma once

#include <stdint.h>

#include "base/hash.h"
#include "base/slice.h"
#include "challenge/location.h"
#include "challenge/page.h"
#include "challenge/site_counts.h"
#include "challenge/spent.h"
#include "challenge/theme.h"
#include "net/http.h"
#include "token/key.h"
#include "token/pass.h"

enum site_said { SITE_WRONG, SITE_RIGHT, SITE_ASKED };

/*
 * The challenge loop's side of HTTP. It trusts the X-Ammit-* headers, which HAProxy sets after it
 * has removed the client's own:
 *   X-Ammit-Src     the client's address
 *   X-Ammit-Proto   http or https: a cookie is Secure with https
 *   X-Ammit-Ticket  the ticket of a request that was challenged
 * GET  anything, with a ticket  the challenge page; one line of text if it is no navigation
 * POST /.ammit/pass             fields ticket, solution or answer, clip, back: 303 to back with the
 *                               pass, or a page
 * GET  /.ammit/pass             the same fields in the query: for those who wait
 * GET  /.ammit/seen.css         field ticket: the stylesheet of the method resource
 * GET  /.ammit/clip.mp4         field ticket: the clip of the method video
 * GET  /.ammit/solver.js        the worker script, where the page's own cannot be used
 * GET  /.ammit/help             what this is, and what to do
 * GET  /.ammit/more             fields ticket, to: the honeypot
 * GET  /.ammit/health           200, for HAProxy's check
 * GET  /robots.txt, no ticket   the policy's own, where HAProxy sends it here; 404 if it has none
 */
struct site {
	const struct keyring *keys;
	struct spent *spent, *seen;
	const struct themes *themes;
	char cookie[64];
	struct slice robots; /* NULL: none of ours */
	int64_t (*now_s)(void);
	/* NULL, or asks somebody about an answer that is in no list; SITE_ASKED: ask again. */
	enum site_said (*judge)(void *arg, struct slice answer, const char *language);
	void *judge_arg;
	/* NULL, or told of a visitor in the honeypot. */
	void (*trap)(void *arg, const struct address *client);
	void *trap_arg;
	uint8_t secret[HASH_KEY_BYTES]; /* by which clips and the honeypot's links are told apart */
	struct site_counts counts;
	/* The answer that is being given: http.c copies it when the handler has returned. */
	char body[PAGE_BYTES_MAX];
	char location[LOCATION_MAX + 1];
	char set_cookie[64 + PASS_TEXT_MAX + 96];
	char offer[TICKET_TEXT_MAX + 160]; /* Ammit-Challenge */
	char line[16 + PAGE_ON_MAX];       /* Refresh, Content-Range */
};

/* An http_handler; arg is a struct site. */
void site_handle(void *arg, const struct http_request *r, struct http_response *out);

/* The page (or the plain line) for a request that was challenged, whatever its address is. */
void site_challenge(struct site *s, const struct http_request *r, struct http_response *out);

/* Is this a person opening a page (Fetch Metadata, else Accept), not a tool or a subresource? */
bool site_is_navigation(const struct http_request *r);
