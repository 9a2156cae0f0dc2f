#include "challenge/site.h"

#include <stdio.h>
#include <string.h>

#include "base/encode.h"
#include "base/log.h"
#include "challenge/form.h"
#include "challenge/gate.h"
#include "challenge/location.h"
#include "challenge/page.h"
#include "token/ticket.h"

#define LINES_A_MINUTE 600u

#define TEXT_PLAIN "text/plain; charset=utf-8"
#define TEXT_HTML "text/html; charset=utf-8"

/* What HAProxy says of the visitor. */
struct visitor {
	struct address address; /* family 0 if it said nothing */
	bool https;
};

static bool
contains_nocase(struct slice s, struct slice word)
{
	for (size_t i = 0; word.len <= s.len && i <= s.len - word.len; i++)
		if (slice_equal_nocase((struct slice){ s.ptr + i, word.len }, word))
			return true;
	return false;
}

static bool
is_method(const struct http_request *r, const char *name)
{
	return slice_equal(r->method, slice_of(name));
}

static bool
is_read(const struct http_request *r)
{
	return is_method(r, "GET") || is_method(r, "HEAD");
}

bool
site_is_navigation(const struct http_request *r)
{
	struct slice mode = http_request_header(r, "Sec-Fetch-Mode");
	struct slice dest = http_request_header(r, "Sec-Fetch-Dest");

	if (mode.ptr != NULL || dest.ptr != NULL ||
	    http_request_header(r, "Sec-Fetch-Site").ptr != NULL)
		return slice_equal(mode, SLICE("navigate")) &&
		       (dest.ptr == NULL || slice_equal(dest, SLICE("document")) ||
			   slice_equal(dest, SLICE("iframe")));
	return is_read(r) && contains_nocase(http_request_header(r, "Accept"), SLICE("text/html"));
}

/* ---- answers ---- */

static struct text
begin_body(struct site *s)
{
	return (struct text){ .buf = s->body, .cap = sizeof(s->body) };
}

static void
answer(struct http_response *out, unsigned status, const char *type, struct slice body)
{
	out->status = status;
	out->body = body;
	http_response_header(out, "Content-Type", type);
	http_response_header(out, "X-Content-Type-Options", "nosniff");
	http_response_header(out, "Referrer-Policy", "same-origin");
	http_response_header(out, "X-Robots-Tag", "noindex");
}

static void
answer_fresh(struct http_response *out, unsigned status, const char *type, struct slice body)
{
	answer(out, status, type, body);
	http_response_header(out, "Cache-Control", "no-store");
}

static void
answer_page(struct http_response *out, unsigned status, struct slice body)
{
	answer_fresh(out, status, TEXT_HTML, body);
	http_response_header(out, "Content-Security-Policy", page_csp());
}

static void
answer_line(struct http_response *out, unsigned status, struct slice line)
{
	answer_fresh(out, status, TEXT_PLAIN, line);
}

static void
answer_not_allowed(struct http_response *out, const char *allow)
{
	answer_line(out, 405, SLICE("This address is not for that method.\n"));
	http_response_header(out, "Allow", allow);
}

/* ---- the visitor, and what is logged of him ---- */

static void
warn_once(const char *problem)
{
	static struct log_limit limit;
	struct log_entry e;

	log_begin_limited(&e, LOG_LEVEL_WARN, "challenge", &limit, 1);
	log_text(&e, "problem", slice_of(problem));
	log_end(&e);
}

static struct visitor
read_visitor(const struct http_request *r)
{
	struct slice proto = http_request_header(r, "X-Ammit-Proto");
	struct visitor v = { .https = slice_equal(proto, SLICE("https")) };

	if (!address_parse(http_request_header(r, "X-Ammit-Src"), &v.address)) {
		v.address = (struct address){ .family = 0 };
		warn_once("HAProxy does not send X-Ammit-Src");
	} else if (!v.https && !slice_equal(proto, SLICE("http"))) {
		warn_once("HAProxy does not send X-Ammit-Proto");
	}
	return v;
}

static void
log_event(const struct http_request *r, const char *event, const char *reference)
{
	static struct log_limit limit;
	struct log_entry e;

	log_begin_limited(&e, LOG_LEVEL_INFO, "challenge", &limit, LINES_A_MINUTE);
	log_text(&e, "event", slice_of(event));
	log_text(&e, "ref", slice_of(reference));
	log_text(&e, "src", http_request_header(r, "X-Ammit-Src"));
	log_text(&e, "host", http_request_header(r, "Host"));
	log_end(&e);
}

static void
log_refusal(const struct http_request *r, const char *why, const char *reference)
{
	static struct log_limit limit;
	struct log_entry e;

	log_begin_limited(&e, LOG_LEVEL_INFO, "challenge", &limit, LINES_A_MINUTE);
	log_text(&e, "event", SLICE("refused"));
	log_text(&e, "reason", slice_of(why));
	log_text(&e, "ref", slice_of(reference));
	log_text(&e, "src", http_request_header(r, "X-Ammit-Src"));
	log_text(&e, "host", http_request_header(r, "Host"));
	log_end(&e);
}

/* ---- the challenge ---- */

static const char *const ticket_words[] = { [TICKET_OK] = "ok",
	[TICKET_MALFORMED] = "ticket malformed",
	[TICKET_FORGED] = "ticket forged",
	[TICKET_EXPIRED] = "ticket expired",
	[TICKET_EARLY] = "ticket early" };

static struct slice
location_or_root(struct slice s)
{
	return location_valid(s) ? s : SLICE("/");
}

/* A status that a page can be sent with. */
static unsigned
page_status(const struct ticket *t)
{
	bool bodiless = t->status == 204 || t->status == 205 || t->status == 304;

	return t->status >= 200 && t->status <= 599 && !bodiless ? t->status : 403;
}

static void
serve_plain(
    struct site *s, const struct ticket *t, const char *reference, struct http_response *out)
{
	struct text body = begin_body(s);

	counter_add(&s->plain, 1);
	page_write_plain(&body, slice_of(reference));
	answer_line(out, t->status >= 400 && t->status <= 599 ? t->status : 403, text_slice(&body));
}

static void
serve_challenge(struct site *s, const struct http_request *r, struct http_response *out)
{
	struct slice text = http_request_header(r, "X-Ammit-Ticket");
	char store[TICKET_HOST_MAX], own[TICKET_HOST_MAX];
	char reference[TICKET_REFERENCE_CHARS + 1] = "";
	struct text body = begin_body(s);
	struct page_challenge c = { .ticket = text, .form_lost = !is_read(r) };
	enum ticket_error error;
	const char *why;
	struct ticket t;

	error = ticket_open(s->keys, text, s->now_s(), &t, store);
	why = text.ptr == NULL ? "no ticket" : ticket_words[error];
	if (error == TICKET_OK &&
	    !slice_equal(t.host, host_normal(http_request_header(r, "Host"), own))) {
		error = TICKET_FORGED;
		why = "ticket of another host";
	}
	if (error != TICKET_OK) {
		counter_add(&s->refused, 1);
		log_refusal(r, why, "");
		answer_line(out, 403,
		    SLICE("This check could not begin. Load the page again for a fresh start.\n"));
		return;
	}
	hex_encode(t.id, TICKET_REFERENCE_CHARS / 2, reference);
	if (!site_is_navigation(r)) {
		serve_plain(s, &t, reference, out);
		return;
	}
	c.opened = &t;
	c.back = location_or_root(r->target);
	if (!page_write_challenge(&body, &c)) {
		answer_line(out, 500, SLICE("The page is too large.\n"));
		return;
	}
	counter_add(&s->served, 1);
	log_event(r, "page", reference);
	answer_page(out, page_status(&t), text_slice(&body));
}

/* ---- the solution ---- */

static bool
is_form(const struct http_request *r)
{
	struct slice rest;
	struct slice type = slice_split(http_request_header(r, "Content-Type"), ';', &rest);

	return slice_equal_nocase(slice_trim(type), SLICE("application/x-www-form-urlencoded"));
}

static void
refuse(struct site *s, const struct http_request *r, unsigned status, enum gate_outcome why,
    struct slice back, const char *reference, struct http_response *out)
{
	struct text body = begin_body(s);

	counter_add(&s->refused, 1);
	log_refusal(r, gate_outcome_names[why], reference);
	if (page_write_refusal(&body, why, back, slice_of(reference)))
		answer_page(out, status, text_slice(&body));
	else
		answer_line(out, status, SLICE("That did not work. Load the page again.\n"));
}

static void
let_pass(struct site *s, const struct gate_answer *a, bool https, struct slice back,
    struct http_response *out)
{
	struct text cookie = { .buf = s->set_cookie, .cap = sizeof(s->set_cookie) - 1 };
	struct text location = { .buf = s->location, .cap = sizeof(s->location) - 1 };

	text_printf(&cookie, "%s=", s->cookie);
	text_put(&cookie, (struct slice){ a->pass, a->pass_len });
	text_printf(&cookie, "; Path=/; Max-Age=%lu; HttpOnly; SameSite=Lax%s",
	    (unsigned long)a->pass_s, https ? "; Secure" : "");
	text_put(&location, back);
	s->set_cookie[cookie.len] = '\0';
	s->location[location.len] = '\0';
	answer_line(out, 303, SLICE("Passed.\n"));
	http_response_header(out, "Location", s->location);
	http_response_header(out, "Set-Cookie", s->set_cookie);
}

static void
redeem(struct site *s, const struct http_request *r, struct http_response *out)
{
	struct form form = { .count = 0 };
	struct visitor visitor = read_visitor(r);
	struct gate_answer a;
	enum gate_outcome outcome;
	struct slice back;

	if (r->body_too_large) {
		refuse(s, r, 413, GATE_MALFORMED, SLICE("/"), "", out);
		return;
	}
	if (!is_form(r) || r->body == NULL || !form_parse(r->body, r->body_bytes, &form)) {
		refuse(s, r, 400, GATE_MALFORMED, SLICE("/"), "", out);
		return;
	}
	back = location_or_root(form_get(&form, "back"));
	outcome = gate_redeem(s->keys, s->spent,
	    &(struct gate_request){
		.ticket = form_get(&form, "ticket"),
		.solution = form_get(&form, "solution"),
		.host = http_request_header(r, "Host"),
		.client = visitor.address,
		.now_s = s->now_s(),
	    },
	    &a);
	if (outcome != GATE_PASSED && outcome != GATE_AGAIN) {
		refuse(
		    s, r, outcome == GATE_MALFORMED ? 400 : 403, outcome, back, a.reference, out);
		return;
	}
	counter_add(&s->passed, 1);
	log_event(r, gate_outcome_names[outcome], a.reference);
	let_pass(s, &a, visitor.https, back, out);
}

/* ---- routes ---- */

static void
serve_solver(struct site *s, const struct http_request *r, struct http_response *out)
{
	(void)s;
	(void)r;
	/* The page asks for it by what is in it. */
	answer(out, 200, "text/javascript; charset=utf-8", page_solver());
	http_response_header(out, "Cache-Control", "public, max-age=86400");
	http_response_header(out, "Content-Security-Policy", "default-src 'none'");
}

static void
serve_health(struct site *s, const struct http_request *r, struct http_response *out)
{
	(void)s;
	(void)r;
	answer_line(out, 200, SLICE("ok\n"));
}

void
site_handle(void *arg, const struct http_request *r, struct http_response *out)
{
	static const struct {
		const char *path;
		bool post;
		void (*serve)(struct site *, const struct http_request *, struct http_response *);
	} routes[] = {
		{ "/.ammit/pass", true, redeem },
		{ "/.ammit/solver.js", false, serve_solver },
		{ "/.ammit/health", false, serve_health },
	};
	struct slice query, path = slice_split(r->target, '?', &query);

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!slice_equal(path, slice_of(routes[i].path)))
			continue;
		if (routes[i].post ? is_method(r, "POST") : is_read(r))
			routes[i].serve(arg, r, out);
		else
			answer_not_allowed(out, routes[i].post ? "POST" : "GET, HEAD");
		return;
	}
	if (slice_starts(path, SLICE("/.ammit/")))
		answer_line(out, 404, SLICE("There is nothing at this address.\n"));
	else
		serve_challenge(arg, r, out);
}
