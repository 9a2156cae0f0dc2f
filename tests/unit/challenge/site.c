#include "challenge/site.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/log.h"
#include "challenge/pow.h"
#include "token/pass.h"
#include "token/ticket.h"
#include "unit/net/http_client.h"

#define NOW 1700000000
#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"

/* A challenge loop, real but for the clock, and one visitor's ticket. */
static struct scene {
	struct http_lab lab;
	struct keyring keys;
	struct site site;
	struct themes *themes;
	struct ticket ticket;
	char ticket_text[TICKET_TEXT_MAX + 1], solution[64];
	char got[PAGE_BYTES_MAX + 4096];
} scene;

static int64_t
now(void)
{
	return NOW;
}

static int
set_up(void **state)
{
	struct scene *s = &scene;
	unsigned line;
	const char *why;

	memset(s, 0, sizeof(*s));
	*state = s;
	log_set_level(LOG_LEVEL_ERROR);
	if (!keyring_parse(&s->keys, slice_of(KEY "\n"), &line, &why))
		return -1;
	s->site.keys = &s->keys;
	s->site.spent = spent_new(64, NOW - 100);
	s->site.seen = spent_new(64, NOW - 100);
	s->site.themes = s->themes = themes_of_pages(pages_new(NULL, &why));
	s->site.now_s = now;
	memcpy(s->site.cookie, "ammit", sizeof("ammit"));
	s->ticket = (struct ticket){
		.id = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd },
		.issued_s = NOW - 5,
		.challenge = { METHOD_POW, 64, 2, 3, 5, false },
		.status = 429,
		.pass_s = 3600,
		.binding = BINDING_NET,
		.host = SLICE("example.org"),
	};
	return http_lab_start(&s->lab, site_handle, &s->site) ? 0 : -1;
}

static int
tear_down(void **state)
{
	struct scene *s = *state;

	http_lab_stop(&s->lab);
	spent_free(s->site.spent);
	spent_free(s->site.seen);
	themes_free(s->themes);
	return 0;
}

static void
seal(struct scene *s)
{
	struct address client;
	uint32_t target = pow_target(s->ticket.challenge.hashes, s->ticket.challenge.puzzles);
	uint8_t seed[SHA256_BYTES];
	size_t n;

	assert_true(address_parse(SLICE("192.0.2.7"), &client));
	s->ticket.client = binding_apply(s->ticket.binding, &client);
	n = ticket_seal(&s->keys, &s->ticket, s->ticket_text);
	s->ticket_text[n] = '\0';
	pow_seed(slice_of(s->ticket_text), seed);
	snprintf(s->solution, sizeof(s->solution), "%08x,%08x",
	    (unsigned)pow_solve(seed, target, 0), (unsigned)pow_solve(seed, target, 1));
}

/* The answer is in s->got; returns its status. */
static unsigned
ask(struct scene *s, const char *line, const char *headers, const char *body)
{
	static char head[8192];
	struct text in = { .buf = head, .cap = sizeof(head) };
	struct text out = { .buf = s->got, .cap = sizeof(s->got) };
	int fd = http_lab_connect(&s->lab);

	text_printf(&in, "%s HTTP/1.1\r\nConnection: close\r\n%s", line, headers);
	if (body != NULL)
		text_printf(&in, "Content-Length: %zu\r\n", strlen(body));
	text_put(&in, SLICE("\r\n"));
	if (body != NULL)
		text_put(&in, slice_of(body));
	assert_false(in.cut);
	assert_true(http_lab_talk(&s->lab, fd, text_slice(&in), &out));
	close(fd);
	assert_int_equal(strncmp(s->got, "HTTP/1.1 ", 9), 0);
	return (unsigned)strtoul(s->got + 9, NULL, 10);
}

static bool
said(const struct scene *s, const char *what)
{
	return strstr(s->got, what) != NULL;
}

/* ---- routes ---- */

#define HOST "Host: example.org\r\n"
#define NAVIGATE "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"
#define HTML "Accept: text/html,*/*\r\n"
#define PAGE "Content-Type: text/html"
#define LINE "Content-Type: text/plain"

/* %s in the headers stands for the ticket. */
#define TICKET "X-Ammit-Ticket: %s\r\n"

static const struct {
	const char *name, *line, *headers;
	unsigned status;
	const char *want, *never;
} routes[] = {
	{ "health", "GET /.ammit/health", HOST, 200, "\r\n\r\nok\n", "Set-Cookie" },
	{ "health with a query", "GET /.ammit/health?x", HOST, 200, "\r\n\r\nok\n", NULL },
	{ "health by HEAD", "HEAD /.ammit/health", HOST, 200, "Content-Length: 3", "ok\n" },
	{ "health by POST", "POST /.ammit/health", HOST, 405, "Allow: GET, HEAD\r\n", NULL },
	{ "solver", "GET /.ammit/solver.js?v", HOST, 200, "ammitTry", "no-store" },
	{ "solver is a script", "GET /.ammit/solver.js", HOST, 200, "text/javascript", NULL },
	{ "solver by PUT", "PUT /.ammit/solver.js", HOST, 405, "Allow: GET, HEAD\r\n", NULL },
	{ "pass without fields", "GET /.ammit/pass", HOST HTML, 400, PAGE, "Set-Cookie" },
	{ "pass by DELETE", "DELETE /.ammit/pass", HOST, 405, "Allow: GET, HEAD, POST\r\n", NULL },
	{ "help", "GET /.ammit/help", HOST, 200, PAGE, "{{" },
	{ "stylesheet without a ticket", "GET /.ammit/seen.css", HOST, 200, "text/css", PAGE },
	{ "clip without a ticket", "GET /.ammit/clip.mp4", HOST, 404, LINE, "video" },
	{ "no honeypot", "GET /.ammit/more", HOST, 404, LINE, NULL },
	{ "unknown of ours", "GET /.ammit/other", HOST TICKET NAVIGATE, 404, LINE, PAGE },
	{ "path is not decoded", "GET /.ammit%2fhealth", HOST, 403, "fresh start", "ok\n" },

	{ "navigation", "GET /a?b=1", HOST TICKET NAVIGATE, 429, "value=\"/a?b=1\"", LINE },
	{ "without dest", "GET /", HOST TICKET "Sec-Fetch-Mode: navigate\r\n", 429, PAGE, NULL },
	{ "iframe", "GET /", HOST TICKET "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe\r\n",
	    429, PAGE, NULL },
	{ "page by HEAD", "HEAD /", HOST TICKET NAVIGATE, 429, PAGE, "<html" },
	{ "by Accept", "GET /", HOST TICKET HTML, 429, PAGE, NULL },
	{ "by Accept, case", "GET /", HOST TICKET "Accept: Text/HTML\r\n", 429, PAGE, NULL },
	{ "no Accept", "GET /", HOST TICKET, 429, "Reference: 0123456789ab\n", PAGE },
	{ "Accept of a tool", "GET /", HOST TICKET "Accept: */*\r\n", 429, LINE, PAGE },
	{ "fetch", "GET /", HOST TICKET HTML "Sec-Fetch-Mode: cors\r\n", 429, LINE, PAGE },
	{ "image", "GET /", HOST TICKET HTML "Sec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: image\r\n",
	    429, LINE, PAGE },
	{ "object", "GET /",
	    HOST TICKET HTML "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: object\r\n", 429, LINE,
	    PAGE },
	{ "only Site", "GET /", HOST TICKET HTML "Sec-Fetch-Site: same-origin\r\n", 429, LINE,
	    PAGE },
	{ "form", "POST /a?b", HOST TICKET NAVIGATE "Content-Length: 0\r\n", 429,
	    "has not been delivered", NULL },
	{ "form goes back to its path", "POST /a?b", HOST TICKET NAVIGATE "Content-Length: 0\r\n",
	    429, "name=\"back\" value=\"/a?b\"", NULL },
	{ "form of an old browser", "POST /", HOST TICKET HTML "Content-Length: 0\r\n", 429,
	    "has not been delivered", LINE },
	{ "POST by a script", "POST /",
	    HOST TICKET HTML "Content-Length: 0\r\nX-Requested-With: XMLHttpRequest\r\n", 429, LINE,
	    PAGE },
	{ "a way to help", "GET /", HOST TICKET "Accept: text/css\r\n", 429,
	    "Link: </.ammit/help>; rel=\"help\"\r\n", PAGE },
	{ "the offer", "GET /", HOST TICKET, 429,
	    "\", methods=\"pow\", puzzles=2, target=134217728\r\n", PAGE },
	{ "the offer on a page", "GET /", HOST TICKET NAVIGATE, 429, "Ammit-Challenge: ticket=\"",
	    LINE },
	{ "compressed", "GET /", HOST TICKET NAVIGATE "Accept-Encoding: br, gzip\r\n", 429,
	    "Content-Encoding: gzip\r\n", "<html" },
	{ "compressed if it must be", "GET /",
	    HOST TICKET NAVIGATE "Accept-Encoding: gzip;q=0.0\r\n", 429, "<html",
	    "Content-Encoding" },
	{ "language", "GET /", HOST TICKET NAVIGATE, 429, "Content-Language: en\r\n", LINE },
	{ "PUT", "PUT /", HOST TICKET HTML, 429, LINE, PAGE },
	{ "back is no other host", "GET //evil.example/", HOST TICKET NAVIGATE, 429,
	    "name=\"back\" value=\"/\"", "evil" },
	{ "back is escaped", "GET /?\"><script>x", HOST TICKET NAVIGATE, 429,
	    "/?&quot;&gt;&lt;script&gt;x", "?\"><script>x" },
	{ "host with port and case", "GET /", "Host: EXAMPLE.org:8443\r\n" TICKET NAVIGATE, 429,
	    PAGE, NULL },

	{ "no ticket", "GET /", HOST NAVIGATE, 403, "fresh start", PAGE },
	{ "empty ticket", "GET /", HOST "X-Ammit-Ticket:\r\n" NAVIGATE, 403, "fresh start", PAGE },
	{ "forged ticket", "GET /", HOST "X-Ammit-Ticket: x%s\r\n" NAVIGATE, 403, "fresh start",
	    PAGE },
	{ "ticket of another host", "GET /", "Host: example.com\r\n" TICKET NAVIGATE, 403,
	    "fresh start", PAGE },
};

/* With the ticket in place of %s. */
static void
put_headers(const struct scene *s, struct text *t, const char *headers)
{
	const char *mark = strstr(headers, "%s");
	struct slice all = slice_of(headers);

	if (mark != NULL) {
		text_put(t, (struct slice){ all.ptr, (size_t)(mark - all.ptr) });
		text_put(t, slice_of(s->ticket_text));
		all = slice_of(mark + 2);
	}
	text_put(t, all);
	t->buf[t->len] = '\0';
}

static void
test_routes(void **state)
{
	struct scene *s = *state;

	seal(s);
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		char headers[2048];
		struct text t = { .buf = headers, .cap = sizeof(headers) - 1 };
		unsigned status;

		put_headers(s, &t, routes[i].headers);
		status = ask(s, routes[i].line, headers, NULL);
		if (status != routes[i].status || !said(s, routes[i].want) ||
		    (routes[i].never != NULL && said(s, routes[i].never)))
			fail_msg("%s: %s", routes[i].name, s->got);
		assert_true(said(s, "X-Content-Type-Options: nosniff\r\n"));
		assert_true(said(s, "X-Robots-Tag: noindex\r\n"));
		assert_true(said(s, "Referrer-Policy: same-origin\r\n"));
		assert_true(said(s, "Cache-Control: no-store\r\n") || said(s, "max-age=86400\r\n"));
		/* What is a challenge can be met without its page, and nothing else says so. */
		assert_int_equal(
		    said(s, "\r\nAmmit-Challenge: ticket=\""), routes[i].status == 429);
		assert_int_equal(said(s, PAGE), said(s, "; script-src 'sha256-"));
	}
	assert_true(counter_get(&s->site.counts.served) > 5 &&
		    counter_get(&s->site.counts.plain) > 5 &&
		    counter_get(&s->site.counts.refused) == 6);
}

static const struct {
	const char *line, *headers;
	bool own; /* the policy has one */
	unsigned status;
	const char *want;
} robots[] = {
	{ "GET /robots.txt", HOST, true, 200, "\r\n\r\nUser-agent: *\n" },
	{ "GET /robots.txt?x", HOST, true, 200, "Cache-Control: public, max-age=3600\r\n" },
	{ "HEAD /robots.txt", HOST, true, 200, "Content-Length: 14\r\n" },
	{ "POST /robots.txt", HOST "Content-Length: 0\r\n", true, 405, "Allow: GET, HEAD\r\n" },
	{ "GET /robots.txt", HOST, false, 404, "There is nothing" },
	/* Where it is weighed and challenged, it is a page like any other. */
	{ "GET /robots.txt", HOST TICKET NAVIGATE, true, 429, "name=\"back\"" },
	{ "GET /robots.txt/", HOST, true, 403, "fresh start" },
	{ "GET /a/robots.txt", HOST, true, 403, "fresh start" },
};

static void
test_robots(void **state)
{
	struct scene *s = *state;

	seal(s);
	for (size_t i = 0; i < sizeof(robots) / sizeof(robots[0]); i++) {
		char headers[2048];
		struct text t = { .buf = headers, .cap = sizeof(headers) - 1 };
		unsigned status;

		put_headers(s, &t, robots[i].headers);
		s->site.robots =
		    robots[i].own ? SLICE("User-agent: *\n") : (struct slice){ NULL, 0 };
		status = ask(s, robots[i].line, headers, NULL);
		if (status != robots[i].status || !said(s, robots[i].want) ||
		    (status != 429 && !said(s, LINE)))
			fail_msg("%zu, %s: %s", i, robots[i].line, s->got);
	}
}

static const struct {
	unsigned sealed, page, plain;
} statuses[] = {
	{ 403, 403, 403 },
	{ 503, 503, 503 },
	{ 200, 200, 403 },
	{ 0, 403, 403 },
	{ 101, 403, 403 },
	{ 204, 403, 403 },
	{ 304, 403, 403 },
	{ 65535, 403, 403 },
};

static void
test_statuses(void **state)
{
	struct scene *s = *state;
	char headers[1024];

	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		s->ticket.status = (uint16_t)statuses[i].sealed;
		seal(s);
		snprintf(headers, sizeof(headers), HOST NAVIGATE TICKET, s->ticket_text);
		assert_int_equal(ask(s, "GET /", headers, NULL), statuses[i].page);
		snprintf(headers, sizeof(headers), HOST TICKET, s->ticket_text);
		assert_int_equal(ask(s, "GET /", headers, NULL), statuses[i].plain);
	}
}

static void
test_old_ticket(void **state)
{
	struct scene *s = *state;
	char headers[1024];

	s->ticket.issued_s = NOW - TICKET_LIFE_S - 1;
	seal(s);
	snprintf(headers, sizeof(headers), HOST NAVIGATE TICKET, s->ticket_text);
	assert_int_equal(ask(s, "GET /", headers, NULL), 403);
	assert_true(said(s, "fresh start"));
}

/* ---- solutions ---- */

#define FORM "Content-Type: application/x-www-form-urlencoded\r\n" HTML
#define SRC "X-Ammit-Src: 192.0.2.7\r\n"
#define HTTPS "X-Ammit-Proto: https\r\n"
#define HTTP "X-Ammit-Proto: http\r\n"

static unsigned
redeem(struct scene *s, const char *headers, const char *back)
{
	char body[2048];

	snprintf(
	    body, sizeof(body), "ticket=%s&solution=%s&back=%s", s->ticket_text, s->solution, back);
	return ask(s, "POST /.ammit/pass", headers, body);
}

static void
test_pass(void **state)
{
	struct scene *s = *state;
	struct pass pass;
	struct address client;
	const char *cookie;

	seal(s);
	assert_int_equal(redeem(s, HOST FORM SRC HTTPS, "%2Fa%3Fb%3Dc"), 303);
	assert_true(said(s, "Location: /a?b=c\r\n"));
	assert_true(said(s, "Cache-Control: no-store\r\n"));
	assert_true(said(s, "; HttpOnly; SameSite=Lax; Secure\r\n"));
	assert_true(said(s, "; Path=/; Max-Age=3"));
	cookie = strstr(s->got, "Set-Cookie: ammit=");
	assert_non_null(cookie);
	cookie += strlen("Set-Cookie: ammit=");
	assert_true(address_parse(SLICE("192.0.2.99"), &client));
	assert_int_equal(pass_check(&s->keys, (struct slice){ cookie, strcspn(cookie, ";") }, NOW,
			     SLICE("example.org"), &client, &pass),
	    PASS_GOOD);
	assert_int_equal(pass.level, 3);
	assert_int_equal(counter_get(&s->site.counts.passed), 1);

	/* A double submit gets the same; another client does not. */
	assert_int_equal(redeem(s, HOST FORM SRC HTTP, "/"), 303);
	assert_true(said(s, "; HttpOnly; SameSite=Lax\r\n"));
	assert_int_equal(redeem(s, HOST FORM "X-Ammit-Src: 192.0.2.8\r\n" HTTPS, "/"), 403);
	assert_true(said(s, "used already"));
	assert_false(said(s, "Set-Cookie"));
	assert_int_equal(counter_get(&s->site.counts.refused), 1);
}

static const struct {
	const char *name, *back, *want;
} backs[] = {
	{ "path", "/x%20y", "/" }, /* a blank, once decoded */
	{ "encoded again", "/x%2520y", "/x%20y" },
	{ "other host", "//evil.example", "/" },
	{ "backslash", "/\\evil.example", "/" },
	{ "scheme", "https://evil.example/", "/" },
	{ "script", "javascript:alert(1)", "/" },
	{ "header splitting", "/%0d%0aSet-Cookie:%20a=b", "/" },
	{ "line feed", "/x%0aX-Evil:%20b", "/" },
	{ "NUL", "/x%00y", "/" },
	{ "ours", "/.ammit/pass", "/" },
	{ "none", "", "/" },
};

static void
test_back(void **state)
{
	struct scene *s = *state;
	char want[128];

	for (size_t i = 0; i < sizeof(backs) / sizeof(backs[0]); i++) {
		s->ticket.id[15] = (uint8_t)(i + 1);
		seal(s);
		assert_int_equal(redeem(s, HOST FORM SRC HTTPS, backs[i].back), 303);
		snprintf(want, sizeof(want), "Location: %s\r\n", backs[i].want);
		if (!said(s, want) || said(s, "X-Evil") || said(s, "Set-Cookie: a=b"))
			fail_msg("%s: %s", backs[i].name, s->got);
		/* The same on the page that says no: its link. */
		assert_int_equal(redeem(s, "Host: other.example\r\n" FORM SRC, backs[i].back), 403);
		snprintf(want, sizeof(want), "href=\"%s\"", backs[i].want);
		if (!said(s, want))
			fail_msg("%s: %s", backs[i].name, s->got);
	}
}

/* Each is one thing wrong with a request that otherwise passes; none may spend the ticket. */
static const struct {
	const char *name, *headers, *solution;
	unsigned status;
	const char *want;
} wrongs[] = {
	{ "no type", HOST HTML SRC HTTPS, NULL, 400, "did not arrive" },
	{ "other type", HOST HTML SRC HTTPS "Content-Type: text/plain\r\n", NULL, 400,
	    "did not arrive" },
	{ "longer type", HOST HTML SRC "Content-Type: application/x-www-form-urlencodedx\r\n", NULL,
	    400, "did not arrive" },
	{ "no numbers", HOST FORM SRC HTTPS, "", 400, "did not arrive" },
	{ "wrong numbers", HOST FORM SRC HTTPS, "ffffffff,ffffffff", 403, "not the right one" },
	{ "other host", "Host: a.example.org\r\n" FORM SRC HTTPS, NULL, 403, "another site name" },
	{ "other network", HOST FORM HTTPS "X-Ammit-Src: 198.51.100.7\r\n", NULL, 403,
	    "address changed" },
	{ "no address", HOST FORM HTTPS, NULL, 403, "address changed" },
	{ "bad address", HOST FORM HTTPS "X-Ammit-Src: 192.0.2.7, 192.0.2.7\r\n", NULL, 403,
	    "address changed" },
};

static void
test_refused(void **state)
{
	struct scene *s = *state;
	char right[sizeof(s->solution)];

	seal(s);
	memcpy(right, s->solution, sizeof(right));
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		unsigned status;

		snprintf(s->solution, sizeof(s->solution), "%s",
		    wrongs[i].solution == NULL ? right : wrongs[i].solution);
		status = redeem(s, wrongs[i].headers, "/here");
		if (status != wrongs[i].status || !said(s, wrongs[i].want) ||
		    !said(s, ">Start again</a>") || said(s, "Set-Cookie") || said(s, "Location:"))
			fail_msg("%s: %s", wrongs[i].name, s->got);
		assert_true(said(s, "Content-Security-Policy: default-src 'none'"));
		assert_true(said(s, "Cache-Control: no-store\r\n"));
		assert_int_equal(counter_get(&s->site.counts.refused), i + 1);
	}
	memcpy(s->solution, right, sizeof(right));
	assert_int_equal(
	    redeem(s, HOST SRC "content-type: Application/X-WWW-Form-Urlencoded; charset=utf-8\r\n",
		"/"),
	    303);
}

static void
test_forms(void **state)
{
	static const char *const bodies[] = { "x", "ticket=a&ticket=b", "ticket=%zz", "&&&",
		"solution=00000000&back=/" };
	struct scene *s = *state;

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++)
		assert_int_equal(ask(s, "POST /.ammit/pass", HOST FORM SRC HTTPS, bodies[i]), 400);
	assert_int_equal(ask(s, "POST /.ammit/pass", HOST FORM SRC HTTPS, ""), 400);
	assert_int_equal(counter_get(&s->site.counts.passed), 0);
}

static void
test_too_large(void **state)
{
	static char big[1 << 20];
	static const char head[] = "POST /.ammit/pass HTTP/1.1\r\nConnection: close\r\n" HOST FORM
				   "Content-Length: 1048576\r\n\r\n";
	struct scene *s = *state;
	struct text out = { .buf = s->got, .cap = sizeof(s->got) };
	int fd = http_lab_connect(&s->lab);

	assert_int_equal(send(fd, head, sizeof(head) - 1, MSG_NOSIGNAL), sizeof(head) - 1);
	memset(big, 'a', sizeof(big));
	assert_true(http_lab_talk(&s->lab, fd, (struct slice){ big, sizeof(big) }, &out));
	assert_true(said(s, "HTTP/1.1 413 "));
	assert_true(said(s, "did not arrive"));
	close(fd);
}

/* Bound to nobody: an address is not needed. */
static void
test_unbound(void **state)
{
	struct scene *s = *state;

	s->ticket.binding = BINDING_NONE;
	seal(s);
	assert_int_equal(redeem(s, HOST FORM, "/"), 303);
	assert_false(said(s, "Secure"));
}

/* ---- the honeypot ---- */

static unsigned trapped;

static void
count_trapped(void *arg, const struct address *client)
{
	(void)arg;
	(void)client;
	trapped++;
}

/* The link of the page that is made for `src`, as "GET /.ammit/more?…". */
static void
trap_link(struct scene *s, const char *src, char *out, size_t cap)
{
	static const char open[] = "<a hidden rel=\"nofollow\" href=\"";
	struct text t = { .buf = out, .cap = cap - 1 };
	char headers[1024];
	const char *from;

	snprintf(headers, sizeof(headers), HOST NAVIGATE TICKET "X-Ammit-Src: %s\r\n",
	    s->ticket_text, src);
	assert_int_equal(ask(s, "GET /", headers, NULL), 429);
	from = strstr(s->got, open);
	assert_non_null(from);
	text_put(&t, SLICE("GET "));
	for (from += sizeof(open) - 1; *from != '"'; from++) {
		text_byte(&t, *from);
		if (strncmp(from, "&amp;", 5) == 0)
			from += 4;
	}
	out[t.len] = '\0';
}

/*
 * Nobody is caught by a link of somebody else's, as a page elsewhere may make browsers fetch it:
 * not even of a neighbour, for whom the ticket holds, and not where it holds for everybody.
 */
static void
test_trap(void **state)
{
	static const struct {
		enum binding binding;
		const char *src;
		unsigned caught;
	} cases[] = {
		{ BINDING_NET, "192.0.2.7", 1 },
		{ BINDING_NET, "192.0.2.8", 0 },
		{ BINDING_NONE, "192.0.2.7", 1 },
		{ BINDING_NONE, "198.51.100.1", 0 },
		{ BINDING_NONE, "2001:db8::1", 0 },
	};
	const struct page_theme theme = { .trap = true };
	struct scene *s = *state;
	char link[1024], headers[256];
	const char *why;

	themes_free(s->themes);
	s->site.themes = s->themes = themes_of_pages(pages_new(&theme, &why));
	s->site.trap = count_trapped;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		trapped = 0;
		s->ticket.binding = cases[i].binding;
		seal(s);
		trap_link(s, "192.0.2.7", link, sizeof(link));
		snprintf(headers, sizeof(headers), HOST "X-Ammit-Src: %s\r\n", cases[i].src);
		assert_int_equal(ask(s, link, headers, NULL), 404);
		assert_int_equal(trapped, cases[i].caught);
	}
	assert_int_equal(counter_get(&s->site.counts.trapped), 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_routes),
		TEST(test_robots),
		TEST(test_statuses),
		TEST(test_old_ticket),
		TEST(test_pass),
		TEST(test_back),
		TEST(test_refused),
		TEST(test_forms),
		TEST(test_too_large),
		TEST(test_unbound),
		TEST(test_trap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
