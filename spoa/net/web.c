/* The only file that knows libcurl, and only by dlopen: nothing here may be linked. */
#define CURL_DISABLE_TYPECHECK
#include "net/web.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/memory.h"

#define FIRST_BYTES 4096u

/* Its functions that are used here. */
static struct {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_setopt) *easy_setopt;
	__typeof__(curl_easy_perform) *easy_perform;
	__typeof__(curl_easy_getinfo) *easy_getinfo;
	__typeof__(curl_easy_strerror) *easy_strerror;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
	__typeof__(curl_url) *url;
	__typeof__(curl_url_set) *url_set;
	__typeof__(curl_url_get) *url_get;
	__typeof__(curl_url_cleanup) *url_cleanup;
	__typeof__(curl_free) *free;
} lib;
static bool loaded;

static const char no_library[] = "there is no libcurl: install libcurl4";

static void *
open_library(void)
{
	static const char *const names[] = { "libcurl.so.4", "libcurl-gnutls.so.4" };
	void *handle = NULL;

	for (size_t i = 0; handle == NULL && i < sizeof(names) / sizeof(names[0]); i++)
		handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	return handle;
}

static void
load(void)
{
	const struct {
		const char *name;
		void *to; /* a pointer to a function */
	} wanted[] = {
		{ "curl_global_init", &lib.global_init },
		{ "curl_easy_init", &lib.easy_init },
		{ "curl_easy_setopt", &lib.easy_setopt },
		{ "curl_easy_perform", &lib.easy_perform },
		{ "curl_easy_getinfo", &lib.easy_getinfo },
		{ "curl_easy_strerror", &lib.easy_strerror },
		{ "curl_easy_cleanup", &lib.easy_cleanup },
		{ "curl_slist_append", &lib.slist_append },
		{ "curl_slist_free_all", &lib.slist_free_all },
		{ "curl_url", &lib.url },
		{ "curl_url_set", &lib.url_set },
		{ "curl_url_get", &lib.url_get },
		{ "curl_url_cleanup", &lib.url_cleanup },
		{ "curl_free", &lib.free },
	};
	void *handle = open_library();

	if (handle == NULL)
		return;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		void *found = dlsym(handle, wanted[i].name);

		if (found == NULL)
			return;
		memcpy(wanted[i].to, &found, sizeof(found));
	}
	loaded = lib.global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
}

static bool
have_library(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, load);
	return loaded;
}

/* ---- what comes in ---- */

/* Bytes that grow up to a limit. */
struct heap {
	char *bytes;
	size_t len, cap, most;
	bool over;
};

static bool
heap_put(struct heap *h, const char *bytes, size_t n)
{
	size_t room = h->most - h->len;

	h->over |= n > room;
	if (h->over)
		n = room;
	if (n > h->cap - h->len) {
		while (n > h->cap - h->len)
			h->cap = h->cap == 0 ? FIRST_BYTES : h->cap * 2;
		h->bytes = xreallocarray(h->bytes, h->cap + 1, 1);
	}
	if (n > 0)
		memcpy(h->bytes + h->len, bytes, n);
	h->len += n;
	return !h->over;
}

static size_t
take_body(char *bytes, size_t size, size_t n, void *arg)
{
	return heap_put(arg, bytes, size * n) ? size * n : 0;
}

/* A line. A new status line begins a new answer: before it came 100 Continue, or a proxy's. */
static size_t
take_head(char *bytes, size_t size, size_t n, void *arg)
{
	struct heap *h = arg;
	struct slice line = { bytes, size * n };

	if (slice_starts(line, SLICE("HTTP/"))) {
		h->len = 0;
		return line.len;
	}
	return heap_put(h, bytes, line.len) ? line.len : 0;
}

/* Called now and then while a request is on its way. */
static int
on_progress(void *arg, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const atomic_bool *stop = arg;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return atomic_load(stop) ? 1 : 0;
}

/* ---- the question ---- */

static bool
fail(struct web_response *out, enum web_error error, const char *why)
{
	out->error = error;
	snprintf(out->why, sizeof(out->why), "%s", why);
	return false;
}

static bool
is_line(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < 0x20 && *text != '\t')
			return false;
	return true;
}

static enum web_error
kind_of(CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_RESOLVE_PROXY:
		return WEB_NAME;
	case CURLE_COULDNT_CONNECT:
		return WEB_CONNECT;
	case CURLE_OPERATION_TIMEDOUT:
		return WEB_TIMEOUT;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
		return WEB_TLS;
	default:
		return WEB_OTHER;
	}
}

/* One request in the works. */
struct asking {
	CURL *curl;
	struct curl_slist *lines;
	struct heap head, body;
	char said[CURL_ERROR_SIZE];
};

static bool
add_lines(struct asking *a, const struct web_request *r, struct web_response *out)
{
	struct curl_slist *longer;

	for (unsigned i = 0; i < r->headers; i++) {
		if (!is_line(r->header[i]) || strchr(r->header[i], ':') == NULL)
			return fail(out, WEB_BAD, "a header is no \"Name: value\"");
		longer = lib.slist_append(a->lines, r->header[i]);
		if (longer == NULL)
			return fail(out, WEB_OTHER, "out of memory");
		a->lines = longer;
	}
	/* Some servers have no idea of it, and then curl waits a second. */
	longer = lib.slist_append(a->lines, "Expect:");
	if (longer == NULL)
		return fail(out, WEB_OTHER, "out of memory");
	a->lines = longer;
	return true;
}

#define SET(option, value) good = good && lib.easy_setopt(a->curl, option, value) == CURLE_OK

static bool
set_method(struct asking *a, const struct web_request *r)
{
	bool sends = strcmp(r->method, "POST") == 0 || strcmp(r->method, "PUT") == 0, good = true;

	if (strcmp(r->method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	if (!sends)
		return good;
	SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.len);
	SET(CURLOPT_POSTFIELDS, r->body.len > 0 ? r->body.ptr : "");
	SET(CURLOPT_CUSTOMREQUEST, r->method);
	return good;
}

static bool
set_limits(struct asking *a, const struct web_request *r)
{
	bool good = true;

#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, "http,https");
#else
	SET(CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	SET(CURLOPT_FOLLOWLOCATION, 0L);
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_TIMEOUT_MS, (long)r->timeout_ms);
	SET(CURLOPT_CONNECTTIMEOUT_MS, (long)r->timeout_ms);
	SET(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	return good;
}

/* libcurl only hands the pointer back. */
static bool
set_stop(struct asking *a, const struct web_request *r)
{
	bool good = true;

	if (r->stop == NULL)
		return true;
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, on_progress);
	SET(CURLOPT_XFERINFODATA, (void *)(uintptr_t)r->stop);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* A name that is being looked up is left behind; what is older than this waits for it. */
	lib.easy_setopt(a->curl, CURLOPT_QUICK_EXIT, 1L);
#endif
	return good;
}

static bool
set_way(struct asking *a, const struct web_request *r)
{
	static const long families[] = { [4] = CURL_IPRESOLVE_V4, [6] = CURL_IPRESOLVE_V6 };
	bool good = true;

	if (r->family != 0)
		SET(CURLOPT_IPRESOLVE, families[r->family]);
	if (r->insecure) {
		SET(CURLOPT_SSL_VERIFYPEER, 0L);
		SET(CURLOPT_SSL_VERIFYHOST, 0L);
	}
	if (r->proxy != NULL)
		SET(CURLOPT_PROXY, r->proxy);
	if (r->unix_path != NULL)
		SET(CURLOPT_UNIX_SOCKET_PATH, r->unix_path);
	return good;
}

static bool
prepare(struct asking *a, const struct web_request *r, struct web_response *out)
{
	bool good = true;

	a->head.most = WEB_HEAD_MAX;
	a->body.most = r->body_max;
	a->curl = lib.easy_init();
	if (a->curl == NULL)
		return fail(out, WEB_OTHER, "libcurl does not start");
	if (!add_lines(a, r, out))
		return false;
	SET(CURLOPT_ERRORBUFFER, a->said);
	SET(CURLOPT_URL, r->url);
	SET(CURLOPT_HTTPHEADER, a->lines);
	SET(CURLOPT_HEADERFUNCTION, take_head);
	SET(CURLOPT_HEADERDATA, &a->head);
	SET(CURLOPT_WRITEFUNCTION, take_body);
	SET(CURLOPT_WRITEDATA, &a->body);
	if (good && set_method(a, r) && set_limits(a, r) && set_way(a, r) && set_stop(a, r))
		return true;
	return fail(out, WEB_OTHER, "this libcurl lacks an option that is needed");
}

/*
 * OpenSSL writes to a connection that the other side has closed without saying that it wants no
 * signal for it, and CURLOPT_NOSIGNAL leaves that to us.
 */
static CURLcode
perform_without_sigpipe(CURL *curl)
{
	const struct timespec at_once = { 0 };
	sigset_t pipe, before, pending;
	CURLcode code;

	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe, &before);
	code = lib.easy_perform(curl);
	/* One that was there before is somebody else's. */
	if (!sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipe, NULL, &at_once) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return code;
}

static bool
perform(struct asking *a, bool cut, struct web_response *out)
{
	CURLcode code = perform_without_sigpipe(a->curl);
	long status = 0;

	/* A line of 100 KB is more than libcurl itself takes; then it says that memory is out. */
	if (a->head.over || code == CURLE_OUT_OF_MEMORY)
		return fail(out, WEB_TOO_LONG, "the head of the answer is too long");
	if (a->body.over && !cut)
		return fail(out, WEB_TOO_LONG, "the answer is too long");
	if (code == CURLE_ABORTED_BY_CALLBACK)
		return fail(out, WEB_STOPPED, "it was given up");
	if (code == CURLE_OPERATION_TIMEDOUT && !a->body.over)
		return fail(out, WEB_TIMEOUT, "no answer in time");
	if (code != CURLE_OK && !a->body.over)
		return fail(
		    out, kind_of(code), a->said[0] != '\0' ? a->said : lib.easy_strerror(code));
	lib.easy_getinfo(a->curl, CURLINFO_RESPONSE_CODE, &status);
	out->status = (unsigned)status;
	return true;
}

/* The slice of what came; a NUL stands behind it. */
static struct slice
keep(struct heap *h, char **bytes)
{
	if (h->bytes == NULL)
		h->bytes = xcalloc(1, 1);
	h->bytes[h->len] = '\0';
	*bytes = h->bytes;
	return (struct slice){ h->bytes, h->len };
}

/* libcurl itself says it only of an answer that was read to its end. */
static void
find_redirect(const char *url, struct web_response *out)
{
	struct slice location = web_header(out, "Location", 0);
	char text[WEB_URL_MAX], *to = NULL;
	CURLU *u = lib.url();

	if (location.len > 0 && location.len < sizeof(text)) {
		memcpy(text, location.ptr, location.len);
		text[location.len] = '\0';
		if (lib.url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    lib.url_set(u, CURLUPART_URL, text, 0) == CURLUE_OK &&
		    lib.url_get(u, CURLUPART_URL, &to, 0) == CURLUE_OK &&
		    strlen(to) < sizeof(out->redirect))
			memcpy(out->redirect, to, strlen(to) + 1);
	}
	lib.free(to);
	lib.url_cleanup(u);
}

bool
web_ask(const struct web_request *r, struct web_response *out)
{
	struct asking a = { .curl = NULL };
	struct web_url parts;
	const char *why;
	bool good;

	*out = (struct web_response){ .status = 0 };
	if (!web_url_read(r->url, &parts, &out->error, &why))
		return fail(out, out->error, why);
	good = prepare(&a, r, out) && perform(&a, r->cut, out);
	out->head = keep(&a.head, &out->head_bytes);
	out->body = keep(&a.body, &out->body_bytes);
	if (good && out->status >= 300 && out->status <= 399)
		find_redirect(r->url, out);
	if (a.curl != NULL)
		lib.easy_cleanup(a.curl);
	lib.slist_free_all(a.lines);
	return good;
}

void
web_response_fini(struct web_response *r)
{
	free(r->head_bytes);
	free(r->body_bytes);
	r->head_bytes = r->body_bytes = NULL;
	r->head = r->body = (struct slice){ NULL, 0 };
}

struct slice
web_header(const struct web_response *r, const char *name, unsigned k)
{
	struct slice rest = r->head, wanted = slice_of(name);

	while (rest.len > 0) {
		struct slice line = slice_split(rest, '\n', &rest), value;

		if (slice_equal_nocase(slice_split(line, ':', &value), wanted) && k-- == 0)
			return value.ptr != NULL ? slice_trim(value) : SLICE("");
	}
	return (struct slice){ NULL, 0 };
}

/* ---- the parts of a URL ---- */

static bool
part(CURLU *u, CURLUPart which, unsigned flags, char *to, size_t cap)
{
	char *text = NULL;
	bool good = lib.url_get(u, which, &text, flags) == CURLUE_OK && strlen(text) < cap;

	for (size_t i = 0; good && i <= strlen(text); i++)
		to[i] = ascii_lower(text[i]);
	lib.free(text);
	return good;
}

static bool
read_parts(CURLU *u, struct web_url *out)
{
	char own[8], *user = NULL;

	if (!part(u, CURLUPART_SCHEME, 0, out->scheme, sizeof(out->scheme)) ||
	    !part(u, CURLUPART_HOST, 0, out->host, sizeof(out->host)) ||
	    !part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT, out->port, sizeof(out->port)))
		return false;
	if (strcmp(out->scheme, "http") != 0 && strcmp(out->scheme, "https") != 0)
		return false;
	for (const char *c = out->host; *c != '\0'; c++)
		if (*c <= ' ' || *c > '~')
			return false;
	out->has_user = lib.url_get(u, CURLUPART_USER, &user, 0) == CURLUE_OK;
	lib.free(user);
	if (part(u, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT, own, sizeof(own)))
		snprintf(
		    out->origin, sizeof(out->origin), "%s://%s:%s", out->scheme, out->host, own);
	else
		snprintf(out->origin, sizeof(out->origin), "%s://%s", out->scheme, out->host);
	return true;
}

bool
web_url_read(const char *url, struct web_url *out, enum web_error *error, const char **why)
{
	CURLU *u;
	bool good;

	*out = (struct web_url){ .has_user = false };
	if (!have_library()) {
		*error = WEB_LIBRARY;
		*why = no_library;
		return false;
	}
	u = lib.url();
	good = u != NULL && strlen(url) < WEB_URL_MAX &&
	       lib.url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK && read_parts(u, out);
	lib.url_cleanup(u);
	if (!good) {
		*error = WEB_BAD;
		*why = "it is no http:// or https:// address with a host in ASCII";
	}
	return good;
}
