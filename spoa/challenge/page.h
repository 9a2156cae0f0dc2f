#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "base/text.h"
#include "challenge/gate.h"
#include "token/ticket.h"

/*
 * The pages. Everything is in the binary: spoa/challenge/web/ holds the sources. A page is one
 * response, works without any other request, and carries a policy of its own (page_csp).
 */
#define PAGE_BYTES_MAX ((size_t)32 * 1024)

/* Content-Security-Policy of all pages: hashes of the inline script and style, computed once. */
const char *page_csp(void);

struct page_challenge {
	struct slice ticket; /* text */
	const struct ticket *opened;
	struct slice back; /* where to go afterwards: location_valid */
	bool form_lost;    /* the request was a form: say that it has to be sent again */
};

/* The challenge page, complete HTML. `out` has PAGE_BYTES_MAX; false if it did not fit. */
bool page_write_challenge(struct text *out, const struct page_challenge *c);

/* What went wrong with a solution and what to do, with a link that starts anew at `back`. */
bool page_write_refusal(
    struct text *out, enum gate_outcome why, struct slice back, struct slice reference);

/* A line of plain text for what is no navigation. */
bool page_write_plain(struct text *out, struct slice reference);

/* The solver as a worker script: GET /.ammit/solver.js. */
struct slice page_solver(void);
