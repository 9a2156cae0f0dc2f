#include "challenge/site_inner.h"

#include <stddef.h>
#include <string.h>

#include "base/log.h"

#define TEXT_HTML "text/html; charset=utf-8"

bool
site_is_method(const struct http_request *r, const char *name)
{
	return slice_equal(r->method, slice_of(name));
}

bool
site_is_read(const struct http_request *r)
{
	return site_is_method(r, "GET") || site_is_method(r, "HEAD");
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
	return (site_is_read(r) || site_is_method(r, "POST")) &&
	       http_request_header(r, "X-Requested-With").ptr == NULL &&
	       slice_contains_nocase(http_request_header(r, "Accept"), SLICE("text/html"));
}

/* ---- answers ---- */

struct text
site_begin_body(struct site *s)
{
	return (struct text){ .buf = s->body, .cap = sizeof(s->body) };
}

void
site_answer(struct http_response *out, unsigned status, const char *type, struct slice body)
{
	out->status = status;
	out->body = body;
	http_response_header(out, "Content-Type", type);
	http_response_header(out, "X-Content-Type-Options", "nosniff");
	http_response_header(out, "Referrer-Policy", "same-origin");
	http_response_header(out, "X-Robots-Tag", "noindex");
}

void
site_answer_fresh(struct http_response *out, unsigned status, const char *type, struct slice body)
{
	site_answer(out, status, type, body);
	http_response_header(out, "Cache-Control", "no-store");
}

void
site_answer_line(struct http_response *out, unsigned status, struct slice line)
{
	site_answer_fresh(out, status, TEXT_PLAIN, line);
}

/* ---- the visitor, and what is logged of him ---- */

struct slice
site_write_refresh(struct site *s, const struct visit *v, unsigned after_s, struct slice answer)
{
	struct text refresh = { .buf = s->line, .cap = sizeof(s->line) - 1 };
	size_t at;

	text_printf(&refresh, "%u; url=", after_s);
	at = refresh.len;
	page_put_on(&refresh, v->page.ticket, v->page.back, answer);
	s->line[refresh.len] = '\0';
	return (struct slice){ s->line + at, refresh.len - at };
}

void
site_warn_once(const char *problem)
{
	static struct log_limit limit;
	struct log_entry e;

	log_begin_limited(&e, LOG_LEVEL_WARN, "challenge", &limit, 1);
	log_text(&e, "problem", slice_of(problem));
	log_end(&e);
}

#define LINES_A_MINUTE 600u

static struct visitor
read_visitor(const struct http_request *r)
{
	struct slice proto = http_request_header(r, "X-Ammit-Proto");
	struct visitor v = { .https = slice_equal(proto, SLICE("https")) };

	if (!address_parse(http_request_header(r, "X-Ammit-Src"), &v.address)) {
		v.address = (struct address){ .family = 0 };
		site_warn_once("HAProxy does not send X-Ammit-Src");
	} else if (!v.https && !slice_equal(proto, SLICE("http"))) {
		site_warn_once("HAProxy does not send X-Ammit-Proto");
	}
	return v;
}

/* One line. `name` NULL: nothing more is said of it. */
static void
log_visit(struct log_limit *limit, const struct http_request *r, const char *event,
    const char *name, const char *said, const char *reference)
{
	struct log_entry e;

	log_begin_limited(&e, LOG_LEVEL_INFO, "challenge", limit, LINES_A_MINUTE);
	log_text(&e, "event", slice_of(event));
	if (name != NULL)
		log_text(&e, name, slice_of(said));
	log_text(&e, "ref", slice_of(reference));
	log_text(&e, "src", http_request_header(r, "X-Ammit-Src"));
	log_text(&e, "host", http_request_header(r, "Host"));
	log_end(&e);
}

/* Each kind has a limit of its own: a flood of one does not silence the others. */
void
site_log_event(const struct http_request *r, const char *event, const char *reference)
{
	static struct log_limit limit;

	log_visit(&limit, r, event, NULL, NULL, reference);
}

void
site_log_refusal(const struct http_request *r, const char *why, const char *reference)
{
	static struct log_limit limit;

	log_visit(&limit, r, "refused", "reason", why, reference);
}

void
site_log_pass(
    const struct http_request *r, const char *event, enum method by, const char *reference)
{
	static struct log_limit limit;
	char method[METHODS_TEXT_MAX];

	methods_format(by, method);
	log_visit(&limit, r, event, "by", method, reference);
}

/* ---- what a visitor brings ---- */

void
site_answer_page(
    struct http_response *out, unsigned status, const struct visit *visit, struct slice body)
{
	const struct page_visit *v = &visit->page;

	site_answer_fresh(out, status, TEXT_HTML, body);
	http_response_header(out, "Content-Security-Policy", pages_csp(visit->pages));
	http_response_header(out, "Content-Language", v->words->tag);
	http_response_header(out, "Vary", "Accept-Language, Accept-Encoding");
	if (v->gzip)
		http_response_header(out, "Content-Encoding", "gzip");
}

struct slice
site_location_or_root(struct slice s)
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
	if (site_is_method(r, "POST"))
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

void
site_visit_begin(struct visit *v, struct site *s, const struct http_request *r, struct slice query)
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
		v->page.back = site_location_or_root(form_get(&v->form, "back"));
	} else {
		v->form.count = 0;
		v->gate.ticket = (struct slice){ NULL, 0 };
	}
}

enum gate_outcome
site_visit_open(struct visit *v, struct site *s)
{
	struct gate_answer a;
	enum gate_outcome outcome = gate_open(s->keys, s->spent, &v->gate, &v->opened, v->host, &a);

	memcpy(v->reference, a.reference, sizeof(v->reference));
	v->page.reference = slice_of(v->reference);
	v->page.ticket = outcome == GATE_PASSED ? v->gate.ticket : (struct slice){ NULL, 0 };
	return outcome;
}

unsigned
site_page_status(const struct ticket *t)
{
	bool bodiless = t->status == 204 || t->status == 205 || t->status == 304;

	return t->status >= 200 && t->status <= 599 && !bodiless ? t->status : 403;
}
