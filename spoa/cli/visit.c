#include "cli/visit.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "challenge/offer.h"
#include "challenge/pow.h"
#include "cli/crew.h"
#include "cli/jar.h"

#define REDIRECTS_MAX 5u
#define COOKIES_MAX 8u
#define TICKET_USE_S 590 /* of the 600 that it lives */
#define FORM_MAX (OFFER_TICKET_MAX + CHALLENGE_PUZZLES_MAX * 9u + 64u)

/* One visit: where it has led, and what stands in the jar. */
struct visit {
	const struct visit_wishes *w;
	char url[WEB_URL_MAX];
	struct web_url at;
	char agent[512], cookies[JAR_LINE_MAX];
	char *jar;
	size_t jar_bytes;
};

bool
visit_complain(const char *format, ...)
{
	va_list args;

	fputs("ammit: solve: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return false;
}

/* ---- asking ---- */

/* What to do about it, if there is anything. */
static const char *
remedy(const struct visit *v, enum web_error error)
{
	size_t n = strlen(v->at.host);

	switch (error) {
	case WEB_TLS:
		return "; -k takes any certificate";
	case WEB_TIMEOUT:
		return "; --timeout S waits longer";
	case WEB_NAME:
		return n > 6 && strcmp(v->at.host + n - 6, ".onion") == 0
			   ? "; it takes Tor: --proxy socks5h://127.0.0.1:9050"
			   : "";
	default:
		return "";
	}
}

/* False after saying why. */
static bool
ask_it(struct visit *v, const char *method, const char *url, struct slice form,
    struct web_response *got)
{
	const struct visit_wishes *w = v->w;
	struct web_request r = { .method = method,
		.url = url,
		.headers = w->headers,
		.body = form,
		.timeout_ms = (int)w->timeout_s * 1000,
		/* All that is needed stands in the head. */
		.body_max = 0,
		.cut = true,
		.insecure = w->insecure,
		.family = w->family,
		.proxy = w->proxy,
		.unix_path = w->unix_path };

	for (unsigned i = 0; i < w->headers; i++)
		r.header[i] = w->header[i];
	r.header[r.headers++] = v->agent;
	if (v->cookies[0] != '\0')
		r.header[r.headers++] = v->cookies;
	if (web_ask(&r, got))
		return true;
	visit_complain("%s: %s%s", v->at.origin, got->why, remedy(v, got->error));
	web_response_fini(got);
	return false;
}

/* Where the visit goes next; false after saying what is wrong with it. */
static bool
go_to(struct visit *v, const char *url)
{
	enum web_error error;
	const char *why;

	if (snprintf(v->url, sizeof(v->url), "%s", url) >= (int)sizeof(v->url))
		return visit_complain("the URL is too long");
	if (!web_url_read(v->url, &v->at, &error, &why))
		return visit_complain("%.200s: %s", v->url, why);
	return true;
}

/* Whether to go where the answer leads: to the same host, and not from https to http. */
static bool
follow(struct visit *v, const char *to, unsigned redirects)
{
	struct web_url from = v->at;

	if (redirects >= REDIRECTS_MAX)
		return visit_complain(
		    "%s leads from one address to another without end", from.origin);
	if (!go_to(v, to))
		return false;
	if (strcmp(from.host, v->at.host) != 0 || v->at.has_user)
		return visit_complain(
		    "%s leads to another host: if that is the one that you want, ask "
		    "%s",
		    from.origin, v->at.origin);
	if (strcmp(from.scheme, "https") == 0 && strcmp(v->at.scheme, "http") == 0)
		return visit_complain(
		    "%s leads from https to http: a pass would go in the clear", from.origin);
	if (!v->w->quiet)
		fprintf(stderr, "ammit: solve: %s leads to %s\n", from.origin, v->at.origin);
	return true;
}

static void
show_cookies(struct visit *v)
{
	static const char name[] = "Cookie: ";
	struct text t = { .buf = v->cookies, .cap = sizeof(v->cookies) - sizeof(name) };

	v->cookies[0] = '\0';
	if (v->jar == NULL)
		return;
	jar_cookies(&t, (struct slice){ v->jar, v->jar_bytes }, v->at.host,
	    strcmp(v->at.scheme, "https") == 0, clock_wall_s());
	if (t.len == 0)
		return;
	memmove(v->cookies + sizeof(name) - 1, v->cookies, t.len);
	memcpy(v->cookies, name, sizeof(name) - 1);
	v->cookies[t.len + sizeof(name) - 1] = '\0';
}

/* The first answer that is no redirect. */
static bool
arrive(struct visit *v, struct web_response *got)
{
	for (unsigned redirects = 0;; redirects++) {
		show_cookies(v);
		if (!ask_it(v, "GET", v->url, (struct slice){ NULL, 0 }, got))
			return false;
		if (got->redirect[0] == '\0' || web_header(got, OFFER_HEADER, 0).ptr != NULL)
			return true;
		if (!follow(v, got->redirect, redirects)) {
			web_response_fini(got);
			return false;
		}
		web_response_fini(got);
	}
}

/* ---- solving ---- */

static void
show_progress(double done, double left_s)
{
	fprintf(stderr, "\r%.0f %%, about %.0f s left\033[K", done * 100, left_s);
}

static void
end_progress(bool shown)
{
	if (shown)
		fputs("\r\033[K", stderr);
}

static unsigned
processors(void)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n < 1 ? 1 : n > (long)CREW_THREADS_MAX ? CREW_THREADS_MAX : (unsigned)n;
}

/* The solution's text; its length, 0 after saying why there is none. */
static size_t
solve_puzzles(const struct visit *v, const struct offer *o, char *out, size_t cap)
{
	uint32_t number[CHALLENGE_PUZZLES_MAX];
	struct text t = { .buf = out, .cap = cap };
	struct crew_job job = { .target = o->target,
		.puzzles = o->puzzles,
		.threads = v->w->threads > 0 ? (unsigned)v->w->threads : processors(),
		.end_ms = clock_mono_ms() + (int64_t)TICKET_USE_S * 1000 };
	int64_t begun_ms = clock_mono_ms();
	uint64_t hashes = 0;
	enum crew_end end;

	if (!v->w->quiet && isatty(STDERR_FILENO) == 1)
		job.progress = show_progress;
	pow_seed(o->ticket, job.seed);
	end = crew_solve(&job, number, &hashes);
	end_progress(job.progress != NULL);
	if (end == CREW_NONE)
		visit_complain("a puzzle of %s has no solution: try it again", v->at.origin);
	if (end == CREW_LATE)
		visit_complain(
		    "not solved within %d s, and then the ticket is void: a faster machine "
		    "may do it",
		    TICKET_USE_S);
	if (end != CREW_SOLVED)
		return 0;
	for (unsigned i = 0; i < o->puzzles; i++)
		text_printf(&t, i > 0 ? ",%08" PRIx32 : "%08" PRIx32, number[i]);
	if (!v->w->quiet)
		fprintf(stderr, "ammit: solve: %" PRIu64 " hashes in %.2f s\n", hashes,
		    (double)(clock_mono_ms() - begun_ms) / 1000);
	return t.len;
}

static bool
redeem_pow(struct visit *v, const struct offer *o, struct web_response *got)
{
	char solution[CHALLENGE_PUZZLES_MAX * 9 + 1], form[FORM_MAX],
	    url[sizeof(v->at.origin) + 16];
	size_t n = solve_puzzles(v, o, solution, sizeof(solution));
	struct text t = { .buf = form, .cap = sizeof(form) };

	if (n == 0)
		return false;
	/* Nothing in it needs an escape. */
	text_printf(&t, "ticket=%.*s&solution=%.*s&back=/", (int)o->ticket.len, o->ticket.ptr,
	    (int)n, solution);
	snprintf(url, sizeof(url), "%s/.ammit/pass", v->at.origin);
	return ask_it(v, "POST", url, text_slice(&t), got);
}

static bool
redeem_wait(struct visit *v, const struct offer *o, struct web_response *got)
{
	char url[sizeof(v->at.origin) + OFFER_TICKET_MAX + 48];
	struct timespec left = { .tv_sec = (time_t)o->wait_s };

	if (!v->w->quiet)
		fprintf(stderr, "ammit: solve: waiting %u s, as %s asks for\n", o->wait_s,
		    v->at.origin);
	while (nanosleep(&left, &left) != 0 && errno == EINTR)
		;
	snprintf(url, sizeof(url), "%s/.ammit/pass?ticket=%.*s&back=/", v->at.origin,
	    (int)o->ticket.len, o->ticket.ptr);
	return ask_it(v, "GET", url, (struct slice){ NULL, 0 }, got);
}

/* ---- the pass ---- */

/* "Cookie: a=b; c=d", or into the jar, or lines of one; false after saying what is wrong. */
static bool
put_cookie(struct visit *v, const struct cookie *c, bool first)
{
	char line[2 * JAR_LINE_MAX];
	struct text t = { .buf = line, .cap = sizeof(line) };
	char *fresh;

	if (v->w->as_header) {
		printf("%s%.*s=%.*s", first ? "Cookie: " : "; ", (int)c->name.len, c->name.ptr,
		    (int)c->value.len, c->value.ptr);
		return true;
	}
	jar_line(&t, c, v->at.host, clock_wall_s());
	if (t.cut)
		return visit_complain("%s: the cookie is too long", v->at.origin);
	if (v->w->jar == NULL) {
		fwrite(line, 1, t.len, stdout);
		return true;
	}
	fresh = jar_with((struct slice){ v->jar, v->jar_bytes }, text_slice(&t), &v->jar_bytes);
	free(v->jar);
	v->jar = fresh;
	return true;
}

static bool
keep_pass(struct visit *v, const struct web_response *got)
{
	unsigned cookies = 0;
	const char *why;

	for (unsigned k = 0; k < COOKIES_MAX; k++) {
		struct slice header = web_header(got, "Set-Cookie", k);
		struct cookie c;

		if (header.ptr == NULL)
			break;
		if (!cookie_parse(header, &c))
			continue;
		if (!put_cookie(v, &c, cookies++ == 0))
			return false;
	}
	if (cookies == 0)
		return visit_complain(
		    "%s answered %u without a pass that can be kept", v->at.origin, got->status);
	if (v->w->as_header)
		putchar('\n');
	if (v->w->jar != NULL &&
	    !jar_write(v->w->jar, (struct slice){ v->jar, v->jar_bytes }, &why))
		return visit_complain("%s: %s", v->w->jar, why);
	if (fflush(stdout) != 0)
		return visit_complain("standard output: %s", strerror(errno));
	return true;
}

static bool
refused(const struct visit *v, unsigned status)
{
	switch (status) {
	case 400:
	case 404:
	case 405:
	case 413:
		return visit_complain("%s does not understand the solution (%u): it speaks another "
				      "version of the protocol",
		    v->at.origin, status);
	case 403:
		return visit_complain(
		    "%s refused the solution (403): the ticket was too old, or the "
		    "request came from another address than the first, as behind a "
		    "proxy that changes it; try it again",
		    v->at.origin);
	default:
		return visit_complain(
		    "%s answered %u to the solution; try it again", v->at.origin, status);
	}
}

/* ---- the visit ---- */

static bool
not_challenged(const struct visit *v, unsigned status)
{
	if (status >= 400)
		return visit_complain(
		    "%s answered %u and offers no challenge: this visitor is refused, "
		    "the page is not there, or the site is down; another --user-agent "
		    "may help",
		    v->at.origin, status);
	if (!v->w->quiet)
		fprintf(stderr, "ammit: solve: %s asks nothing of this visitor (status %u)\n",
		    v->at.origin, status);
	return true;
}

static bool
pass(struct visit *v, const struct offer *o)
{
	struct web_response got;
	bool good;

	if (o->pow && offer_hashes(o) > v->w->most)
		return visit_complain("%s wants %" PRIu64
				      " hashes, and %llu is the most that is done: "
				      "--most %" PRIu64 " allows it",
		    v->at.origin, offer_hashes(o), v->w->most, offer_hashes(o));
	if (!o->pow && !o->wait)
		return visit_complain(
		    "%s offers no way that a program can go: open it in a browser", v->at.origin);
	if (!(o->pow ? redeem_pow(v, o, &got) : redeem_wait(v, o, &got)))
		return false;
	good = got.status == 303 ? keep_pass(v, &got) : refused(v, got.status);
	web_response_fini(&got);
	return good;
}

static bool
visit(struct visit *v)
{
	struct web_response got;
	struct slice header;
	struct offer o;
	const char *why;
	bool good;

	if (!arrive(v, &got))
		return false;
	header = web_header(&got, OFFER_HEADER, 0);
	if (header.ptr == NULL)
		good = not_challenged(v, got.status);
	else if (!offer_parse(header, &o, &why))
		good = visit_complain("%s: its challenge cannot be met: %s", v->at.origin, why);
	else
		good = pass(v, &o);
	web_response_fini(&got);
	return good;
}

bool
visit_site(const struct visit_wishes *w)
{
	struct visit v = { .w = w };
	char url[WEB_URL_MAX];
	const char *why;
	bool good = false;

	/* Who names no scheme means https. */
	if (snprintf(url, sizeof(url), "%s%s", strstr(w->url, "://") == NULL ? "https://" : "",
		w->url) >= (int)sizeof(url))
		return visit_complain("the URL is too long");
	if (snprintf(v.agent, sizeof(v.agent), "User-Agent: %s", w->agent) >= (int)sizeof(v.agent))
		return visit_complain("the User-Agent is too long");
	if (w->jar != NULL) {
		v.jar = jar_read(w->jar, &v.jar_bytes, &why);
		if (v.jar == NULL)
			return visit_complain("%s: %s", w->jar, why);
	}
	if (go_to(&v, url))
		good = visit(&v);
	free(v.jar);
	return good;
}
