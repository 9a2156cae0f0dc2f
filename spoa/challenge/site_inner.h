#pragma once

#include "challenge/form.h"
#include "challenge/gate.h"
#include "challenge/page.h"
#include "challenge/site.h"
#include "token/ticket.h"

/*
 * Inside of site.h: site.c has the routes, the challenge and what the page fetches, site_pass.c
 * takes solutions, site_visit.c has what both need: who comes, what he brings, how he is answered.
 */
#define TEXT_PLAIN "text/plain; charset=utf-8"

/* What HAProxy says of the visitor. */
struct visitor {
	struct address address; /* family 0 if it said nothing */
	bool https;
};

/* One visit to us: who, with which fields, and how the answer is to look. */
struct visit {
	const struct http_request *request;
	struct pages *pages;
	struct visitor visitor;
	bool html;
	struct form form;
	char query[FORM_BYTES_MAX]; /* what form borrows from, with GET */
	struct page_visit page;
	struct gate_visit gate;
	char reference[TICKET_REFERENCE_CHARS + 1];
	struct ticket opened;
	char host[TICKET_HOST_MAX];
};

bool site_is_method(const struct http_request *r, const char *name);
bool site_is_read(const struct http_request *r); /* GET or HEAD */

/* ---- answers ---- */

struct text site_begin_body(struct site *s);
void site_answer(struct http_response *out, unsigned status, const char *type, struct slice body);
void site_answer_fresh(
    struct http_response *out, unsigned status, const char *type, struct slice body); /* no-store */
void site_answer_line(struct http_response *out, unsigned status, struct slice line);
void site_answer_page(
    struct http_response *out, unsigned status, const struct visit *visit, struct slice body);

/* A status that a page can be sent with. */
unsigned site_page_status(const struct ticket *t);

/*
 * Write the value of a Refresh to s->line: come again after so long, to where those go on who wait,
 * with the answer if there is one. Returns that address.
 */
struct slice site_write_refresh(
    struct site *s, const struct visit *v, unsigned after_s, struct slice answer);

/* ---- the log ---- */

void site_warn_once(const char *problem);
void site_log_event(const struct http_request *r, const char *event, const char *reference);
void site_log_refusal(const struct http_request *r, const char *why, const char *reference);
void site_log_pass(
    const struct http_request *r, const char *event, enum method by, const char *reference);

/* ---- a visit ---- */

/* Who comes, and the fields of a form or of the query. */
void site_visit_begin(
    struct visit *v, struct site *s, const struct http_request *r, struct slice query);

/* Of the ticket that was brought; the page may go on from it. */
enum gate_outcome site_visit_open(struct visit *v, struct site *s);

struct slice site_location_or_root(struct slice s);

/* POST and GET /.ammit/pass. */
void site_redeem(
    struct site *s, const struct http_request *r, struct slice query, struct http_response *out);
