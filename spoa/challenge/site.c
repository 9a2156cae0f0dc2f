#include "challenge/site_inner.h"

#include <string.h>

#include "base/crypto.h"
#include "base/encode.h"
#include "challenge/clip.h"
#include "challenge/offer.h"
#include "challenge/pow.h"

#define TRAP_CHARS 16u

static void
answer_not_allowed(struct http_response *out, const char *allow)
{
	site_answer_line(out, 405, SLICE("This address is not for that method.\n"));
	http_response_header(out, "Allow", allow);
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
	struct text body = site_begin_body(s);

	counter_add(&s->counts.plain, 1);
	page_write_plain(&body, v->page.reference);
	site_answer_line(
	    out, t->status >= 400 && t->status <= 599 ? t->status : 403, text_slice(&body));
	http_response_header(out, "Link", "</.ammit/help>; rel=\"help\"");
	put_offer(s, v->page.ticket, t, out);
}

void
site_challenge(struct site *s, const struct http_request *r, struct http_response *out)
{
	static struct visit v; /* one thread, one answer at a time */
	struct slice text = http_request_header(r, "X-Ammit-Ticket");
	char own[TICKET_HOST_MAX], trap[TRAP_CHARS];
	struct text body = site_begin_body(s);
	enum ticket_error error;
	const char *why;

	site_visit_begin(&v, s, r, (struct slice){ NULL, 0 });
	error = ticket_open(s->keys, text, v.gate.now_s, &v.opened, v.host);
	why = text.ptr == NULL ? "no ticket" : ticket_words[error];
	if (error == TICKET_OK && !slice_equal(v.opened.host, host_normal(v.gate.host, own))) {
		error = TICKET_FORGED;
		why = "ticket of another host";
	}
	if (error != TICKET_OK) {
		counter_add(&s->counts.refused, 1);
		site_log_refusal(r, why, "");
		site_answer_line(out, 403,
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
	v.page.back = site_location_or_root(r->target);
	mark_trap(s, &v, trap);
	v.page.trap = (struct slice){ trap, sizeof(trap) };
	if (!page_write_challenge(v.pages, &body, &v.page, !site_is_read(r))) {
		site_answer_line(out, 500, SLICE("The page is too large.\n"));
		return;
	}
	counter_add(&s->counts.served, 1);
	site_log_event(r, "page", v.reference);
	site_answer_page(out, site_page_status(&v.opened), &v, text_slice(&body));
	put_offer(s, text, &v.opened, out);
	/* Where nothing is computed: who hears no <meta> comes again by this. */
	if (page_only_waits(&v.page)) {
		site_write_refresh(s, &v, page_first_try_s(&v.page), (struct slice){ NULL, 0 });
		http_response_header(out, "Refresh", s->line);
	}
}

/* ---- what the page fetches ---- */

/* The stylesheet that browsers fetch by themselves. It says that the way is free. */
static void
serve_seen(
    struct site *s, const struct http_request *r, struct slice query, struct http_response *out)
{
	static struct visit v;

	site_visit_begin(&v, s, r, query);
	if (site_visit_open(&v, s) == GATE_PASSED &&
	    (v.opened.challenge.methods & METHOD_RESOURCE) != 0)
		gate_see(s->seen, &v.gate, &v.opened);
	site_answer_fresh(out, 200, "text/css; charset=utf-8", SLICE(".seen{font-weight:bold}\n"));
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

	site_visit_begin(&v, s, r, query);
	if (site_visit_open(&v, s) != GATE_PASSED || !v.opened.challenge.clip) {
		site_answer_line(out, 404, SLICE("There is nothing at this address.\n"));
		return;
	}
	bytes = clip_of(s->secret, &v.opened)->bytes;
	if (read_range(http_request_header(r, "Range"), bytes.len, &first, &last)) {
		struct text range = { .buf = s->line, .cap = sizeof(s->line) - 1 };

		text_printf(&range, "bytes %zu-%zu/%zu", first, last, bytes.len);
		s->line[range.len] = '\0';
		site_answer_fresh(
		    out, 206, "video/mp4", (struct slice){ bytes.ptr + first, last - first + 1 });
		http_response_header(out, "Content-Range", s->line);
	} else {
		site_answer_fresh(out, 200, "video/mp4", bytes);
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

	site_visit_begin(&v, s, r, query);
	if (s->trap != NULL && site_visit_open(&v, s) == GATE_PASSED && is_own_trap(s, &v)) {
		counter_add(&s->counts.trapped, 1);
		site_log_event(r, "honeypot", v.reference);
		s->trap(s->trap_arg, &v.visitor.address);
	}
	site_answer_line(out, 404, SLICE("There is nothing at this address.\n"));
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
	site_answer(out, 200, "text/javascript; charset=utf-8", page_solver());
	http_response_header(out, "Cache-Control", "public, max-age=86400");
	http_response_header(
	    out, "Content-Security-Policy", "default-src 'none'; script-src 'wasm-unsafe-eval'");
}

static void
serve_help(
    struct site *s, const struct http_request *r, struct slice query, struct http_response *out)
{
	static struct visit v;
	struct text body = site_begin_body(s);

	(void)query;
	site_visit_begin(&v, s, r, (struct slice){ NULL, 0 });
	if (page_write_help(v.pages, &body, &v.page))
		site_answer_page(out, 200, &v, text_slice(&body));
	else
		site_answer_line(out, 500, SLICE("The page is too large.\n"));
}

static void
serve_health(
    struct site *s, const struct http_request *r, struct slice query, struct http_response *out)
{
	(void)s;
	(void)r;
	(void)query;
	site_answer_line(out, 200, SLICE("ok\n"));
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
	if (!site_is_read(r)) {
		answer_not_allowed(out, "GET, HEAD");
		return;
	}
	if (s->robots.ptr == NULL) {
		site_warn_once("HAProxy sends /robots.txt here, and the policy has no `robots`");
		site_answer_line(out, 404, SLICE("There is nothing at this address.\n"));
		return;
	}
	site_answer(out, 200, TEXT_PLAIN, s->robots);
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
		{ "/.ammit/pass", READS | POSTS, site_redeem },
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
		if ((routes[i].methods & (site_is_method(r, "POST") ? POSTS
					     : site_is_read(r)      ? READS
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
		site_answer_line(out, 404, SLICE("There is nothing at this address.\n"));
	else
		site_challenge(arg, r, out);
}
