#include "challenge/site.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encode.h"
#include "base/log.h"
#include "challenge/clip.h"
#include "challenge/form.h"
#include "challenge/gate.h"
#include "challenge/location.h"
#include "challenge/offer.h"
#include "challenge/page.h"
#include "challenge/pow.h"
#include "challenge/question.h"
#include "challenge/theme.h"
#include "token/ticket.h"

#define LINES_A_MINUTE 600u
#define JUDGING_S 2u /* how often somebody asks whether an answer has been judged */

#define TRAP_CHARS 16u

#define TEXT_PLAIN "text/plain; charset=utf-8"
#define TEXT_HTML "text/html; charset=utf-8"

/* What HAProxy says of the visitor. */
struct visitor {
	struct address address; /* family 0 if it said nothing */
	bool https;
};

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
	return (is_read(r) || is_method(r, "POST")) &&
	       http_request_header(r, "X-Requested-With").ptr == NULL &&
	       slice_contains_nocase(http_request_header(r, "Accept"), SLICE("text/html"));
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
log_pass(const struct http_request *r, const char *event, enum method by, const char *reference)
{
	static struct log_limit limit;
	struct log_entry e;
	char method[METHODS_TEXT_MAX];

	methods_format(by, method);
	log_begin_limited(&e, LOG_LEVEL_INFO, "challenge", &limit, LINES_A_MINUTE);
	log_text(&e, "event", slice_of(event));
	log_text(&e, "by", slice_of(method));
	log_text(&e, "ref", slice_of(reference));
	log_text(&e, "src", http_request_header(r, "X-Ammit-Src"));
	log_text(&e, "host", http_request_header(r, "Host"));
	log_end(&e);
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

/* ---- what a visitor brings ---- */

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

static void
answer_page(
    struct http_response *out, unsigned status, const struct visit *visit, struct slice body)
{
	const struct page_visit *v = &visit->page;

	answer_fresh(out, status, TEXT_HTML, body);
	http_response_header(out, "Content-Security-Policy", pages_csp(visit->pages));
	http_response_header(out, "Content-Language", v->words->tag);
	http_response_header(out, "Vary", "Accept-Language, Accept-Encoding");
	if (v->gzip)
		http_response_header(out, "Content-Encoding", "gzip");
}

static struct slice
location_or_root(struct slice s)
{
	return location_valid(s) ? s : SLICE("/");
}

static bool
is_form(const struct http_request *r)
{
	struct slice rest;
	struct slice type = slice_split(http_request_header(r, "Content-Type"), ';', &rest);

	return slice_equal_nocase(slice_trim(type), SLICE("application/x-www-form-urlencoded"));
}

/* Fields of the body, or of the query. */
static bool
read_form(struct visit *v, struct slice query)
{
	const struct http_request *r = v->request;

	v->form.count = 0;
	if (is_method(r, "POST"))
		return is_form(r) && r->body != NULL &&
		       form_parse(r->body, r->body_bytes, &v->form);
	if (query.len > sizeof(v->query))
		return false;
	if (query.len > 0)
		memcpy(v->query, query.ptr, query.len);
	return form_parse(v->query, query.len, &v->form);
}

/* "q=0", "q=0.000": anything but that. */
static bool
wanted(struct slice weight)
{
	if (weight.len < 3 || ascii_lower(weight.ptr[0]) != 'q' || weight.ptr[1] != '=')
		return true;
	for (size_t i = 2; i < weight.len; i++)
		if (weight.ptr[i] != '0' && weight.ptr[i] != '.')
			return true;
	return false;
}

static bool
takes_gzip(const struct http_request *r)
{
	struct slice rest = http_request_header(r, "Accept-Encoding");

	while (rest.len > 0) {
		struct slice weight;
		struct slice coding = slice_split(slice_split(rest, ',', &rest), ';', &weight);

		if (slice_equal_nocase(slice_trim(coding), SLICE("gzip")))
			return wanted(slice_trim(weight));
	}
	return false;
}

static void
begin(struct visit *v, struct site *s, const struct http_request *r, struct slice query)
{
	memset(v, 0, offsetof(struct visit, query));
	v->request = r;
	v->visitor = read_visitor(r);
	v->html = site_is_navigation(r);
	v->opened = (struct ticket){ .issued_s = 0 };
	v->page = (struct page_visit){
		.words = locale_choose(http_request_header(r, "Accept-Language")),
		.gzip = takes_gzip(r),
		.back = SLICE("/"),
		.opened = &v->opened,
	};
	v->reference[0] = '\0';
	v->pages = themes_pages(s->themes, http_request_header(r, "Host"));
	v->gate = (struct gate_visit){
		.host = http_request_header(r, "Host"),
		.client = v->visitor.address,
		.now_s = s->now_s(),
	};
	if (read_form(v, query)) {
		v->gate.ticket = form_get(&v->form, "ticket");
		v->page.back = location_or_root(form_get(&v->form, "back"));
	} else {
		v->form.count = 0;
		v->gate.ticket = (struct slice){ NULL, 0 };
	}
}

/* Of the ticket that was brought; the page may go on from it. */
static enum gate_outcome
open_visit(struct visit *v, struct site *s)
{
	struct gate_answer a;
	enum gate_outcome outcome = gate_open(s->keys, s->spent, &v->gate, &v->opened, v->host, &a);

	memcpy(v->reference, a.reference, sizeof(v->reference));
	v->page.reference = slice_of(v->reference);
	v->page.ticket = outcome == GATE_PASSED ? v->gate.ticket : (struct slice){ NULL, 0 };
	return outcome;
}

/* ---- the challenge ---- */

static const char *const ticket_words[] = { [TICKET_OK] = "ok",
	[TICKET_MALFORMED] = "ticket malformed",
	[TICKET_FORGED] = "ticket forged",
	[TICKET_EXPIRED] = "ticket expired",
	[TICKET_EARLY] = "ticket early" };

/*
 * Who was shown the link into the honeypot: a ticket holds for a network, or for everybody, and a
 * page elsewhere can make others fetch a link.
 */
static void
mark_trap(const struct site *s, const struct visit *v, char out[TRAP_CHARS])
{
	const struct address *a = &v->visitor.address;
	struct {
		uint8_t id[TICKET_ID_BYTES];
		struct address client;
	} of = { .client = address_is_circuit(a) ? *a : address_mask(a, 32, 64) };
	uint64_t hash;

	memcpy(of.id, v->opened.id, sizeof(of.id));
	hash = hash_bytes(s->secret, &of, sizeof(of));
	hex_encode((const uint8_t *)&hash, sizeof(hash), out);
}

/* A status that a page can be sent with. */
static unsigned
page_status(const struct ticket *t)
{
	bool bodiless = t->status == 204 || t->status == 205 || t->status == 304;

	return t->status >= 200 && t->status <= 599 && !bodiless ? t->status : 403;
}

/* For programs (ammit-protocol(7)): the ticket and what it asks for. */
static void
put_offer(struct site *s, struct slice ticket, const struct ticket *t, struct http_response *out)
{
	struct text offer = { .buf = s->offer, .cap = sizeof(s->offer) - 1 };
	char methods[METHODS_TEXT_MAX];

	methods_format(t->challenge.methods, methods);
	text_put(&offer, SLICE("ticket=\""));
	text_put(&offer, ticket);
	text_printf(&offer, "\", methods=\"%s\"", methods);
	if ((t->challenge.methods & METHOD_POW) != 0)
		text_printf(&offer, ", puzzles=%u, target=%lu", (unsigned)t->challenge.puzzles,
		    (unsigned long)pow_target(t->challenge.hashes, t->challenge.puzzles));
	if ((t->challenge.methods & METHOD_WAIT) != 0)
		text_printf(&offer, ", wait=%u", (unsigned)t->challenge.wait_s);
	s->offer[offer.len] = '\0';
	http_response_header(out, OFFER_HEADER, s->offer);
}

/* What is no navigation gets one honest line, and never a page in place of a stylesheet. */
static void
serve_plain(struct site *s, const struct visit *v, struct http_response *out)
{
	const struct ticket *t = &v->opened;
	struct text body = begin_body(s);

	counter_add(&s->counts.plain, 1);
	page_write_plain(&body, v->page.reference);
	answer_line(out, t->status >= 400 && t->status <= 599 ? t->status : 403, text_slice(&body));
	http_response_header(out, "Link", "</.ammit/help>; rel=\"help\"");
	put_offer(s, v->page.ticket, t, out);
}

void
site_challenge(struct site *s, const struct http_request *r, struct http_response *out)
{
	static struct visit v; /* one thread, one answer at a time */
	struct slice text = http_request_header(r, "X-Ammit-Ticket");
	char own[TICKET_HOST_MAX], trap[TRAP_CHARS];
	struct text body = begin_body(s);
	enum ticket_error error;
	const char *why;

	begin(&v, s, r, (struct slice){ NULL, 0 });
	error = ticket_open(s->keys, text, v.gate.now_s, &v.opened, v.host);
	why = text.ptr == NULL ? "no ticket" : ticket_words[error];
	if (error == TICKET_OK && !slice_equal(v.opened.host, host_normal(v.gate.host, own))) {
		error = TICKET_FORGED;
		why = "ticket of another host";
	}
	if (error != TICKET_OK) {
		counter_add(&s->counts.refused, 1);
		log_refusal(r, why, "");
		answer_line(out, 403,
		    SLICE("This check could not begin. Load the page again for a fresh start.\n"));
		return;
	}
	hex_encode(v.opened.id, TICKET_REFERENCE_CHARS / 2, v.reference);
	v.reference[TICKET_REFERENCE_CHARS] = '\0';
	v.page.reference = slice_of(v.reference);
	v.page.ticket = text;
	if (!v.html) {
		serve_plain(s, &v, out);
		return;
	}
	v.page.back = location_or_root(r->target);
	mark_trap(s, &v, trap);
	v.page.trap = (struct slice){ trap, sizeof(trap) };
	if (!page_write_challenge(v.pages, &body, &v.page, !is_read(r))) {
		answer_line(out, 500, SLICE("The page is too large.\n"));
		return;
	}
	counter_add(&s->counts.served, 1);
	log_event(r, "page", v.reference);
	answer_page(out, page_status(&v.opened), &v, text_slice(&body));
	put_offer(s, text, &v.opened, out);
}

/* ---- the solution ---- */

static void
refuse(struct site *s, const struct visit *v, unsigned status, enum gate_outcome why,
    struct http_response *out)
{
	struct text body = begin_body(s);

	counter_add(&s->counts.refused, 1);
	log_refusal(v->request, gate_outcome_names[why], v->reference);
	if (v->html && page_write_refusal(v->pages, &body, &v->page, why))
		answer_page(out, status, v, text_slice(&body));
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

/* Come again, by itself where the client follows a Refresh. */
static void
answer_again(struct site *s, const struct visit *v, enum page_again why, unsigned left_s,
    struct slice answer, struct http_response *out)
{
	struct text body = begin_body(s);
	struct text refresh = { .buf = s->line, .cap = sizeof(s->line) - 1 };
	size_t at;

	text_printf(&refresh, "%u; url=", left_s);
	at = refresh.len;
	page_put_on(&refresh, v->page.ticket, v->page.back, answer);
	s->line[refresh.len] = '\0';
	counter_add(why == PAGE_WRONG ? &s->counts.wrong_words : &s->counts.early, 1);
	if (!v->html) {
		answer_line(out, page_status(&v->opened),
		    why == PAGE_WRONG ? SLICE("That word is not known as something orange.\n")
				      : SLICE("Not yet. Come again.\n"));
	} else if (page_write_again(v->pages, &body, &v->page, why, left_s,
		       (struct slice){ s->line + at, refresh.len - at })) {
		answer_page(out, page_status(&v->opened), v, text_slice(&body));
	} else {
		answer_line(out, 500, SLICE("The page is too large.\n"));
	}
	if (why != PAGE_WRONG)
		http_response_header(out, "Refresh", s->line);
}

/* The answer to the question, judged by the lists, then by whoever is asked. */
static enum site_said
judge(struct site *s, const struct visit *v, struct slice answer)
{
	if (question_accepts(answer))
		return SITE_RIGHT;
	if (s->judge == NULL || !question_answered(answer))
		return SITE_WRONG;
	return s->judge(s->judge_arg, answer, v->page.words->tag);
}

/* How the visitor tries it, by what stands in the form. */
static enum method
method_tried(const struct visit *v)
{
	if (form_get(&v->form, "solution").ptr != NULL)
		return METHOD_POW;
	if (form_get(&v->form, "answer").ptr != NULL)
		return METHOD_QUESTION;
	return form_get(&v->form, "clip").ptr != NULL ? METHOD_VIDEO : METHOD_WAIT;
}

/* What the page says of the clip; silence from a page with a solution is that it did not play. */
static unsigned
clip_said(const struct site *s, const struct visit *v, enum method method)
{
	if (!v->opened.challenge.clip || (method != METHOD_POW && method != METHOD_VIDEO))
		return 0;
	return clip_right(s->secret, &v->opened, form_get(&v->form, "clip")) ? METHOD_VIDEO
									     : METHOD_VIDEO_FAILED;
}

static void
finish(struct site *s, const struct visit *v, enum method method, struct http_response *out)
{
	const struct gate_request request = {
		.visit = v->gate,
		.method = method,
		.solution = form_get(&v->form, "solution"),
		.also = clip_said(s, v, method),
	};
	struct gate_answer a;
	enum gate_outcome outcome = gate_redeem(s->keys, s->spent, s->seen, &request, &a);

	if (outcome == GATE_EARLY) {
		answer_again(s, v, PAGE_EARLY, a.left_s, (struct slice){ NULL, 0 }, out);
		return;
	}
	if (outcome != GATE_PASSED && outcome != GATE_AGAIN) {
		refuse(s, v, outcome == GATE_MALFORMED ? 400 : 403, outcome, out);
		return;
	}
	counter_add(&s->counts.passed, 1);
	counter_add(&s->counts.passed_by[__builtin_ctz((unsigned)a.by)], 1);
	log_pass(v->request, gate_outcome_names[outcome], a.by, v->reference);
	let_pass(s, &a, v->visitor.https, v->page.back, out);
}

static void
redeem(struct site *s, const struct http_request *r, struct slice query, struct http_response *out)
{
	static struct visit v;
	struct slice answer;
	enum gate_outcome outcome;
	enum method method;

	begin(&v, s, r, query);
	if (r->body_too_large || v.form.count == 0) {
		refuse(s, &v, r->body_too_large ? 413 : 400, GATE_MALFORMED, out);
		return;
	}
	outcome = open_visit(&v, s);
	if (outcome != GATE_PASSED) {
		refuse(s, &v, outcome == GATE_MALFORMED ? 400 : 403, outcome, out);
		return;
	}
	method = method_tried(&v);
	answer = form_get(&v.form, "answer");
	if (method == METHOD_QUESTION && (v.opened.challenge.methods & METHOD_QUESTION) != 0) {
		switch (judge(s, &v, answer)) {
		case SITE_WRONG:
			answer_again(s, &v, PAGE_WRONG, 0, (struct slice){ NULL, 0 }, out);
			return;
		case SITE_ASKED:
			answer_again(s, &v, PAGE_JUDGING, JUDGING_S, answer, out);
			return;
		case SITE_RIGHT:
			break;
		}
	}
	if (method == METHOD_VIDEO && clip_said(s, &v, method) != METHOD_VIDEO) {
		refuse(s, &v, 403, GATE_WRONG, out);
		return;
	}
	finish(s, &v, method, out);
}

/* The stylesheet that browsers fetch by themselves. It says that the way is free. */
static void
serve_seen(
    struct site *s, const struct http_request *r, struct slice query, struct http_response *out)
{
	static struct visit v;

	begin(&v, s, r, query);
	if (open_visit(&v, s) == GATE_PASSED && (v.opened.challenge.methods & METHOD_RESOURCE) != 0)
		gate_see(s->seen, &v.gate, &v.opened);
	answer_fresh(out, 200, "text/css; charset=utf-8", SLICE(".seen{font-weight:bold}\n"));
}

/* One range of bytes (RFC 9110, 14.1.2), which old players insist on. False: all of it. */
static bool
read_range(struct slice range, size_t all, size_t *first, size_t *last)
{
	unsigned long long from, to = all - 1;
	struct slice end, begin_at;

	if (!slice_starts(range, SLICE("bytes=")))
		return false;
	begin_at = slice_split((struct slice){ range.ptr + 6, range.len - 6 }, '-', &end);
	if (end.ptr == NULL || !slice_number(begin_at, all - 1, &from) ||
	    (end.len > 0 && !slice_number(end, UINT32_MAX, &to)) || to < from)
		return false;
	*first = (size_t)from;
	*last = to < all ? (size_t)to : all - 1;
	return true;
}

static void
serve_clip(
    struct site *s, const struct http_request *r, struct slice query, struct http_response *out)
{
	static struct visit v;
	struct slice bytes;
	size_t first, last;

	begin(&v, s, r, query);
	if (open_visit(&v, s) != GATE_PASSED || !v.opened.challenge.clip) {
		answer_line(out, 404, SLICE("There is nothing at this address.\n"));
		return;
	}
	bytes = clip_of(s->secret, &v.opened)->bytes;
	if (read_range(http_request_header(r, "Range"), bytes.len, &first, &last)) {
		struct text range = { .buf = s->line, .cap = sizeof(s->line) - 1 };

		text_printf(&range, "bytes %zu-%zu/%zu", first, last, bytes.len);
		s->line[range.len] = '\0';
		answer_fresh(
		    out, 206, "video/mp4", (struct slice){ bytes.ptr + first, last - first + 1 });
		http_response_header(out, "Content-Range", s->line);
	} else {
		answer_fresh(out, 200, "video/mp4", bytes);
	}
	http_response_header(out, "Accept-Ranges", "bytes");
}

static bool
is_own_trap(const struct site *s, const struct visit *v)
{
	const struct slice said = form_get(&v->form, "to");
	char own[TRAP_CHARS];

	mark_trap(s, v, own);
	return said.len == sizeof(own) && secret_equal(own, said.ptr, sizeof(own));
}

/* A link that no person sees was followed. Only whom the page was made for can be caught by it. */
static void
serve_trap(
    struct site *s, const struct http_request *r, struct slice query, struct http_response *out)
{
	static struct visit v;

	begin(&v, s, r, query);
	if (s->trap != NULL && open_visit(&v, s) == GATE_PASSED && is_own_trap(s, &v)) {
		counter_add(&s->counts.trapped, 1);
		log_event(r, "honeypot", v.reference);
		s->trap(s->trap_arg, &v.visitor.address);
	}
	answer_line(out, 404, SLICE("There is nothing at this address.\n"));
}

/* ---- routes ---- */

static void
serve_solver(
    struct site *s, const struct http_request *r, struct slice query, struct http_response *out)
{
	(void)s;
	(void)r;
	(void)query;
	/* The page asks for it by what is in it. */
	answer(out, 200, "text/javascript; charset=utf-8", page_solver());
	http_response_header(out, "Cache-Control", "public, max-age=86400");
	http_response_header(
	    out, "Content-Security-Policy", "default-src 'none'; script-src 'wasm-unsafe-eval'");
}

static void
serve_help(
    struct site *s, const struct http_request *r, struct slice query, struct http_response *out)
{
	static struct visit v;
	struct text body = begin_body(s);

	(void)query;
	begin(&v, s, r, (struct slice){ NULL, 0 });
	if (page_write_help(v.pages, &body, &v.page))
		answer_page(out, 200, &v, text_slice(&body));
	else
		answer_line(out, 500, SLICE("The page is too large.\n"));
}

static void
serve_health(
    struct site *s, const struct http_request *r, struct slice query, struct http_response *out)
{
	(void)s;
	(void)r;
	(void)query;
	answer_line(out, 200, SLICE("ok\n"));
}

/* Not weighed, so it comes without a ticket; who is challenged there gets the challenge. */
static bool
is_robots(const struct http_request *r, struct slice path)
{
	return slice_equal(path, SLICE("/robots.txt")) &&
	       http_request_header(r, "X-Ammit-Ticket").ptr == NULL;
}

/* 404 is to crawlers: nothing is forbidden (RFC 9309, 2.3.1.3). */
static void
serve_robots(const struct site *s, const struct http_request *r, struct http_response *out)
{
	if (!is_read(r)) {
		answer_not_allowed(out, "GET, HEAD");
		return;
	}
	if (s->robots.ptr == NULL) {
		warn_once("HAProxy sends /robots.txt here, and the policy has no `robots`");
		answer_line(out, 404, SLICE("There is nothing at this address.\n"));
		return;
	}
	answer(out, 200, TEXT_PLAIN, s->robots);
	http_response_header(out, "Cache-Control", "public, max-age=3600");
}

#define READS 1u
#define POSTS 2u

void
site_handle(void *arg, const struct http_request *r, struct http_response *out)
{
	static const struct {
		const char *path;
		unsigned methods;
		void (*serve)(struct site *, const struct http_request *, struct slice,
		    struct http_response *);
	} routes[] = {
		{ "/.ammit/pass", READS | POSTS, redeem },
		{ "/.ammit/seen.css", READS, serve_seen },
		{ "/.ammit/clip.mp4", READS, serve_clip },
		{ "/.ammit/solver.js", READS, serve_solver },
		{ "/.ammit/help", READS, serve_help },
		{ "/.ammit/more", READS, serve_trap },
		{ "/.ammit/health", READS, serve_health },
	};
	struct slice query, path = slice_split(r->target, '?', &query);

	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!slice_equal(path, slice_of(routes[i].path)))
			continue;
		if ((routes[i].methods & (is_method(r, "POST") ? POSTS
					     : is_read(r)      ? READS
							       : 0)) != 0)
			routes[i].serve(arg, r, query, out);
		else
			answer_not_allowed(out,
			    (routes[i].methods & POSTS) != 0 ? "GET, HEAD, POST" : "GET, HEAD");
		return;
	}
	if (is_robots(r, path))
		serve_robots(arg, r, out);
	else if (slice_starts(path, SLICE("/.ammit/")))
		answer_line(out, 404, SLICE("There is nothing at this address.\n"));
	else
		site_challenge(arg, r, out);
}
