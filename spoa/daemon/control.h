#pragma once

#include <stdbool.h>

#include "base/text.h"
#include "net/http.h"

/*
 * What a running daemon tells and does, over HTTP on its control socket:
 * GET  /metrics    Prometheus's text format
 * GET  /stat       a few lines for people
 * GET  /dns        what the DNS caches know, of names with ?name=PART in them
 * POST /dns/flush  forget it
 * POST /reload     policy and keys anew
 * What changes something, and what visitors can be told by (/dns), wants a Host that is an address,
 * localhost or empty, and no Origin: a page in a browser of this machine gets neither there (CSRF,
 * DNS rebinding).
 */
struct control {
	const struct control_tasks *tasks;
	void *arg;
	struct text answer; /* that is being given; its buffer is the owner's */
};

#define CONTROL_BYTES_MAX ((size_t)4 * 1024 * 1024)

/* Write what is to be answered; false: it could not be done, and that is why. */
struct control_tasks {
	bool (*metrics)(void *arg, struct text *out);
	bool (*stat)(void *arg, struct text *out);
	bool (*dns)(void *arg, struct slice part, struct text *out);
	bool (*flush)(void *arg, struct text *out);
	bool (*reload)(void *arg, struct text *out);
};

/* An http_handler; arg is a struct control. */
void control_handle(void *arg, const struct http_request *r, struct http_response *out);

/* Is this what a part of a name may be made of? */
bool control_part_valid(struct slice part);
