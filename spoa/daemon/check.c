#include "daemon/check.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "challenge/cookie.h"
#include "challenge/forwarded.h"

#define LINES_A_MINUTE 60u

bool
check_init(struct check *c, struct ev_loop *loop, const struct check_shared *shared,
    struct site *site, struct generation *g, const char **why)
{
	struct resolver_options dns = shared->dns;

	*c = (struct check){ .shared = shared, .loop = loop, .site = site };
	if (dns.cache_bytes == 0 || dns.cache_bytes > CHECK_CACHE_BYTES)
		dns.cache_bytes = CHECK_CACHE_BYTES;
	c->resolver = resolver_new(loop, &dns, why);
	if (c->resolver == NULL) {
		generation_unref(g);
		return false;
	}
	weigher_init(&c->weigher, g);
	lookup_init(&c->weigher.lookup, c->resolver, shared->number,
	    &shared->zones->functions[shared->number]);
	c->weigher.circuits = shared->circuits;
	load_start(&c->load, loop, c->weigher.judge);
	return true;
}

void
check_fini(struct check *c)
{
	load_stop(&c->load, c->loop);
	weigher_fini(&c->weigher);
	resolver_free(c->resolver);
}

void
check_reload(struct check *c, struct generation *g)
{
	weigher_reload(&c->weigher, g);
	resolver_reload(c->resolver);
}

/* ---- the question ---- */

/* What is gathered of a sub-request's headers. */
struct question {
	const struct policy *policy;
	struct slice cookie; /* name of the pass's */
	struct forwarded said;
	struct request request;
};

static void
take_header(void *arg, struct slice name, struct slice value)
{
	struct question *q = arg;

	forwarded_take(&q->said, name, value);
	policy_take_header(q->policy, &q->request, name, value);
	if (slice_equal_nocase(name, SLICE("cookie")) &&
	    q->request.field[REQUEST_PASS].ptr == NULL) {
		struct slice pass = cookie_get(value, q->cookie);

		if (pass.ptr != NULL)
			request_set(&q->request, REQUEST_PASS, pass);
	}
}

static void
fill(struct question *q, const struct original *o)
{
	request_set(&q->request, REQUEST_METHOD, o->method);
	request_set_target(&q->request, o->target);
	request_set(&q->request, REQUEST_HOST, o->host);
	request_set(&q->request, REQUEST_TLS, o->tls);
	q->request.src = o->client;
}

/* ---- the answer ---- */

static void
answer(struct http_response *out, unsigned status, struct slice line)
{
	*out = (struct http_response){ .status = status, .body = line };
	http_response_header(out, "Content-Type", "text/plain; charset=utf-8");
	http_response_header(out, "Cache-Control", "no-store");
}

static void
log_refusal(const struct http_request *r, const char *why)
{
	static struct log_limit limit;
	struct log_entry e;
	char peer[ADDRESS_TEXT_MAX];

	log_begin_limited(&e, LOG_LEVEL_WARN, "check", &limit, LINES_A_MINUTE);
	peer_format(&r->peer, peer);
	log_text(&e, "peer", slice_of(peer));
	log_text(&e, "refused", slice_of(why));
	log_end(&e);
}

static void
copy(char *to, size_t room, struct slice from)
{
	size_t n = from.len < room - 1 ? from.len : room - 1;

	if (n > 0)
		memcpy(to, from.ptr, n);
	to[n] = '\0';
}

static void
tell(struct check *c, struct http_response *out)
{
	const struct weighed *it = &c->it;

	http_response_header(out, "X-Ammit-Verdict", verdict_names[it->kind]);
	copy(c->rule, sizeof(c->rule), it->verdict.rule);
	http_response_header(out, "X-Ammit-Rule", c->rule);
	snprintf(c->weight, sizeof(c->weight), "%ld", (long)it->verdict.weight);
	http_response_header(out, "X-Ammit-Weight", c->weight);
	if (weighed_would_differ(it))
		http_response_header(out, "X-Ammit-Would", verdict_names[it->verdict.would.kind]);
	if (it->kind == VERDICT_CHALLENGE)
		http_response_header(out, "X-Ammit-Ticket", c->ticket);
}

/*
 * The page, as if HAProxy had sent the original request for it. Whatever becomes of it, it is no
 * leave: nothing below 400.
 */
static void
serve_page(struct check *c, const struct http_request *r, const struct original *o,
    struct http_response *out)
{
	const struct http_header instead[] = { { "X-Ammit-Ticket", c->it.ticket },
		{ "X-Ammit-Src", slice_of(c->src) },
		{ "X-Ammit-Proto", o->https ? SLICE("https") : SLICE("http") },
		{ "Host", o->host } };
	struct http_request page = *r;

	page.method = o->method;
	page.target = o->target;
	page.instead = instead;
	page.insteads = sizeof(instead) / sizeof(instead[0]);
	site_challenge(c->site, &page, out);
	if (out->status < 400)
		out->status = 401;
}

static unsigned
denial_status(const struct check *c)
{
	unsigned status = policy_settings(c->weigher.generation->policy)->status_deny;

	return status >= 400 && status <= 599 && status != 401 ? status : 403;
}

static void
give(struct check *c, const struct http_request *r, const struct original *o, bool nginx,
    struct http_response *out)
{
	copy(c->ticket, sizeof(c->ticket), c->it.ticket);
	address_format(&o->client, c->src);
	if (c->it.kind == VERDICT_ALLOW)
		answer(out, 200, (struct slice){ NULL, 0 });
	else if (c->it.kind == VERDICT_CHALLENGE && nginx)
		answer(out, 401, (struct slice){ NULL, 0 });
	else if (c->it.kind == VERDICT_CHALLENGE)
		serve_page(c, r, o, out);
	else
		answer(out, nginx || c->it.kind == VERDICT_DRIP ? 403 : denial_status(c),
		    SLICE("Access denied.\n"));
	tell(c, out);
}

static void
weigh(struct check *c, const struct http_request *r, struct question *q, bool nginx,
    struct http_response *out)
{
	struct original o;
	const char *why;

	if (!forwarded_original(&q->said, &o, &why)) {
		log_refusal(r, why);
		answer(out, nginx ? 403 : 400,
		    SLICE("The headers of this request contradict each other.\n"));
		return;
	}
	fill(q, &o);
	c->weigher.may_wait = c->weigher.again = false;
	weigh_request(&c->weigher, &q->request, c->site->now_s(), &c->it);
	if (c->weigher.lookup.wanted > 0)
		lookup_ask(&c->weigher.lookup, NULL, NULL, NULL);
	give(c, r, &o, nginx, out);
}

static void
serve(struct check *c, const struct http_request *r, struct slice query, struct http_response *out)
{
	const struct policy *policy = c->weigher.generation->policy;
	struct question q = { .policy = policy,
		.cookie = slice_of(policy_settings(policy)->cookie) };
	bool listed = peers_have(&c->shared->from, &r->peer);

	if (listed)
		http_request_each_header(r, take_header, &q);
	if (!listed || forwarded_by_haproxy(&q.said)) {
		log_refusal(r, listed ? "it is a visitor's: X-Ammit-* headers are there"
				      : "check-from does not have this peer");
		answer(out, 404, SLICE("There is nothing at this address.\n"));
		return;
	}
	weigh(c, r, &q, slice_equal(query, SLICE("for=nginx")), out);
}

/* ---- all routes ---- */

static void
take_said(void *arg, struct slice name, struct slice value)
{
	forwarded_take(arg, name, value);
}

/* Hand the request of a visitor on to the site, in the name of the one who sent it. */
static void
pass_on(struct check *c, const struct http_request *r, struct http_response *out)
{
	struct forwarded said = { .seen = 0 };
	struct visitor visitor;
	struct http_header instead[] = { { "X-Ammit-Src", { NULL, 0 } },
		{ "X-Ammit-Proto", { NULL, 0 } } };
	struct http_request own = *r;

	http_request_each_header(r, take_said, &said);
	visitor = forwarded_visitor(&said);
	address_format(&visitor.address, c->src);
	if (visitor.address.family != 0)
		instead[0].value = slice_of(c->src);
	instead[1].value = visitor.https ? SLICE("https") : SLICE("http");
	own.instead = instead;
	own.insteads = sizeof(instead) / sizeof(instead[0]);
	site_handle(c->site, &own, out);
}

void
check_handle(void *arg, const struct http_request *r, struct http_response *out)
{
	struct check *c = arg;
	struct slice query, path = slice_split(r->target, '?', &query);

	if (slice_equal(path, SLICE("/.ammit/check")))
		serve(c, r, query, out);
	else if (peers_have(&c->shared->from, &r->peer))
		pass_on(c, r, out);
	else
		site_handle(c->site, r, out);
}
