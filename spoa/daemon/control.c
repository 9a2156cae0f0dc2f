#include "daemon/control.h"

#include "base/address.h"
#include "base/dns.h"

#define TEXT_PLAIN "text/plain; charset=utf-8"

enum task { TASK_METRICS, TASK_STAT, TASK_DNS, TASK_FLUSH, TASK_RELOAD };

static const struct place_row {
	const char *path;
	enum task task;
	bool changes, guarded;
} places[] = {
	{ "/metrics", TASK_METRICS, false, false },
	{ "/stat", TASK_STAT, false, false },
	{ "/dns", TASK_DNS, false, true },
	{ "/dns/flush", TASK_FLUSH, true, true },
	{ "/reload", TASK_RELOAD, true, true },
};

/* A line that says what is right. */
static void
refuse(struct http_response *out, unsigned status, const char *line)
{
	out->status = status;
	out->body = slice_of(line);
	http_response_header(out, "Content-Type", TEXT_PLAIN);
}

static bool
host_is_here(struct slice host)
{
	struct slice port;
	struct address a;

	if (host.len == 0)
		return true;
	if (host.ptr[0] == '[') {
		host = slice_split((struct slice){ host.ptr + 1, host.len - 1 }, ']', &port);
		if (port.ptr == NULL || !address_parse(host, &a) || a.family != 6)
			return false;
		return port.len == 0 || port.ptr[0] == ':';
	}
	host = slice_split(host, ':', &port);
	return slice_equal_nocase(host, SLICE("localhost")) ||
	       (address_parse(host, &a) && a.family == 4);
}

bool
control_part_valid(struct slice part)
{
	for (size_t i = 0; i < part.len; i++)
		if (!ascii_is_word(part.ptr[i]) && part.ptr[i] != '.')
			return false;
	return part.len <= DNS_NAME_MAX;
}

static const struct place_row *
find(struct slice path)
{
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (slice_equal(path, slice_of(places[i].path)))
			return &places[i];
	return NULL;
}

static bool
run(struct control *c, enum task task, struct slice part)
{
	c->answer.len = 0;
	c->answer.cut = false;
	switch (task) {
	case TASK_METRICS:
		return c->tasks->metrics(c->arg, &c->answer);
	case TASK_STAT:
		return c->tasks->stat(c->arg, &c->answer);
	case TASK_DNS:
		return c->tasks->dns(c->arg, part, &c->answer);
	case TASK_FLUSH:
		return c->tasks->flush(c->arg, &c->answer);
	case TASK_RELOAD:
		return c->tasks->reload(c->arg, &c->answer);
	}
	return false;
}

/* NULL: it may; else a line that says what is right. */
static const char *
why_not(const struct http_request *r, const struct place_row *p)
{
	if (!p->guarded)
		return NULL;
	if (http_request_header(r, "Origin").ptr != NULL)
		return "pages of a browser may not ask this: send no Origin\n";
	if (!host_is_here(http_request_header(r, "Host")))
		return "ask by address or as localhost, not by another name: Host: localhost\n";
	return NULL;
}

void
control_handle(void *arg, const struct http_request *r, struct http_response *out)
{
	struct control *c = arg;
	struct slice query, path = slice_split(r->target, '?', &query), part = { NULL, 0 };
	const struct place_row *p = find(path);
	bool reads = slice_equal(r->method, SLICE("GET")) || slice_equal(r->method, SLICE("HEAD")),
	     good;
	const char *why;

	http_response_header(out, "Cache-Control", "no-store");
	http_response_header(out, "X-Content-Type-Options", "nosniff");
	if (p == NULL) {
		refuse(out, 404,
		    "there are GET /metrics, GET /stat, GET /dns, POST /dns/flush, POST /reload\n");
		return;
	}
	if (p->changes ? !slice_equal(r->method, SLICE("POST")) : !reads) {
		http_response_header(out, "Allow", p->changes ? "POST" : "GET, HEAD");
		refuse(out, 405,
		    p->changes ? "this changes something: POST it\n"
			       : "this is only read: GET it\n");
		return;
	}
	why = why_not(r, p);
	if (why != NULL) {
		refuse(out, 403, why);
		return;
	}
	if (p->task == TASK_DNS && slice_starts(query, SLICE("name=")))
		part = (struct slice){ query.ptr + 5, query.len - 5 };
	if ((query.len > 0 && part.ptr == NULL) || !control_part_valid(part)) {
		refuse(out, 400,
		    "only /dns takes a query: ?name=PART, letters, digits, dots, - and _\n");
		return;
	}
	good = run(c, p->task, part);
	out->status = good ? 200 : p->task == TASK_RELOAD ? 422 : 503;
	out->body = text_slice(&c->answer);
	http_response_header(out, "Content-Type",
	    p->task == TASK_METRICS ? "text/plain; version=0.0.4; charset=utf-8" : TEXT_PLAIN);
}
