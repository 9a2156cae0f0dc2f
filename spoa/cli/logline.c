#include "cli/logline.h"

#include "base/encode.h"

const char *const logline_names[3] = { "httplog", "edge", "full" };

struct reader {
	const char *at, *end;
	char *store; /* where the next decoded value goes */
	struct logline *out;
};

static struct slice
rest_of(const struct reader *r)
{
	return (struct slice){ r->at, (size_t)(r->end - r->at) };
}

/* Up to the next blank, which is skipped. */
static struct slice
token(struct reader *r)
{
	struct slice rest, t = slice_split(rest_of(r), ' ', &rest);

	r->at = rest.ptr != NULL ? rest.ptr : r->end;
	return t;
}

/* #XX, as HAProxy writes bytes that have a meaning in its log. */
static struct slice
decode_hash(struct reader *r, struct slice s)
{
	char *from = r->store;

	for (size_t i = 0; i < s.len; i++) {
		bool escaped = s.ptr[i] == '#' && s.len - i >= 3 && hex_value(s.ptr[i + 1]) >= 0 &&
			       hex_value(s.ptr[i + 2]) >= 0;

		*r->store++ = escaped
				  ? (char)(hex_value(s.ptr[i + 1]) << 4 | hex_value(s.ptr[i + 2]))
				  : s.ptr[i];
		i += escaped ? 2 : 0;
	}
	return (struct slice){ from, (size_t)(r->store - from) };
}

/* Behind an opening quote; \C is C. False: it does not end. */
static bool
quoted(struct reader *r, struct slice *out)
{
	char *from = r->store;

	while (r->at < r->end && *r->at != '"') {
		if (*r->at == '\\' && r->end - r->at >= 2)
			r->at++;
		*r->store++ = *r->at++;
	}
	*out = (struct slice){ from, (size_t)(r->store - from) };
	if (r->at == r->end)
		return false;
	r->at++;
	return true;
}

static void
set_path(struct logline *out, struct slice target)
{
	size_t scheme = 0;

	while (scheme < target.len && target.ptr[scheme] != ':' && target.ptr[scheme] != '/' &&
	       target.ptr[scheme] != '?')
		scheme++;
	if (target.len - scheme >= 3 && memcmp(target.ptr + scheme, "://", 3) == 0) {
		struct slice s = { target.ptr + scheme + 3, target.len - scheme - 3 };
		size_t host = 0;

		while (host < s.len && s.ptr[host] != '/' && s.ptr[host] != '?')
			host++;
		out->host = (struct slice){ s.ptr, host };
		target = (struct slice){ s.ptr + host, s.len - host };
	}
	out->path = slice_split(target, '?', &out->query);
	if (out->path.len == 0)
		out->path = SLICE("/");
	if (out->query.ptr == NULL)
		out->query = SLICE("");
}

static void
add_header(struct logline *out, struct slice name, struct slice value)
{
	if (slice_equal_nocase(name, SLICE("user-agent")))
		out->agent = value;
	else if (slice_equal_nocase(name, SLICE("host")))
		out->host = value;
	else if (out->headers < LOGLINE_HEADERS_MAX)
		out->header[out->headers++] = (struct logline_header){ name, value };
}

/* {a|b}, in front of the request and after the queues. */
static void
read_captures(struct reader *r, struct slice captures)
{
	struct slice close, values = slice_split(rest_of(r), '}', &close);

	if (close.ptr == NULL)
		return;
	r->at = close.ptr;
	values = (struct slice){ values.ptr + 1, values.len - 1 };
	while (captures.len > 0 && values.ptr != NULL) {
		struct slice name = slice_trim(slice_split(captures, ',', &captures));
		struct slice value = slice_split(values, '|', &values);

		add_header(r->out, name, decode_hash(r, value));
	}
}

/* "[23/Nov/2026:" */
static bool
is_date(struct slice s)
{
	static const char form[] = "[00/aaa/0000:";

	for (size_t i = 0; i + 1 < sizeof(form); i++) {
		bool digit = i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9';

		if (i >= s.len || (form[i] == '0' ? !digit : form[i] != 'a' && form[i] != s.ptr[i]))
			return false;
	}
	return true;
}

/* GET /path HTTP/1.1 */
static bool
read_request(struct reader *r, struct slice line, const char **why)
{
	struct slice method, target, version;

	method = slice_split(line, ' ', &target);
	target = slice_split(target, ' ', &version);
	if (slice_starts(line, SLICE("<BADREQ>"))) {
		*why = "no valid request came (<BADREQ>)";
		return false;
	}
	if (target.len == 0) {
		*why = "the request line has no path";
		return false;
	}
	r->out->method = method;
	if (slice_starts(version, SLICE("HTTP/")))
		r->out->version = (struct slice){ version.ptr + 5, version.len - 5 };
	target = decode_hash(r, target);
	if (slice_equal(method, SLICE("CONNECT"))) {
		r->out->host = target;
		target = SLICE("/");
	}
	set_path(r->out, target);
	return true;
}

/* Behind the client: [date] frontend backend/server … "request" sni/TLSv1.3/cipher */
static bool
read_httplog(struct reader *r, struct slice captures, const char **why)
{
	struct slice host, line, tls;
	bool ssl, whole;

	token(r);
	line = token(r);
	ssl = line.len > 0 && line.ptr[line.len - 1] == '~';
	/* backend/server, timers, status, bytes, cookies (2), state, connections, queues */
	for (unsigned i = 0; i < 9; i++)
		token(r);
	if (r->at < r->end && *r->at == '{')
		read_captures(r, captures);
	while (r->at < r->end && *r->at != '"')
		r->at++;
	if (r->at == r->end) {
		*why = "no request line in quotes: not option httplog";
		return false;
	}
	r->at++;
	line = slice_split(rest_of(r), '"', &tls);
	whole = tls.ptr != NULL;
	host = r->out->host;
	if (!read_request(r, line, why))
		return false;
	if (!whole && r->out->version.ptr == NULL) {
		*why = "the line was cut: log with a larger len";
		return false;
	}
	if (host.ptr != NULL)
		r->out->host = host;
	/* httpslog says which version; httplog only that there was one. */
	for (size_t i = 0; i + 5 < tls.len; i++) {
		struct slice s = { tls.ptr + i + 1, tls.len - i - 1 };

		if (tls.ptr[i] == '/' && slice_starts(s, SLICE("TLSv")))
			r->out->tls = slice_split(s, '/', &line);
	}
	if (!ssl)
		r->out->tls = SLICE("");
	return true;
}

static void
set_number(int64_t *to, struct slice value)
{
	unsigned long long n;

	if (slice_number(value, INT64_MAX, &n))
		*to = (int64_t)n;
}

static void
set_pair(struct logline *out, struct slice key, struct slice value)
{
	const struct {
		const char *key;
		struct slice *slice;
		int64_t *number;
	} keys[] = {
		{ "src", &out->client, NULL },
		{ "method", &out->method, NULL },
		{ "path", &out->path, NULL },
		{ "query", &out->query, NULL },
		{ "host", &out->host, NULL },
		{ "ua", &out->agent, NULL },
		{ "ver", &out->version, NULL },
		{ "tls.version", &out->tls, NULL },
		{ "tls.ja3", &out->ja3, NULL },
		{ "tls.ja4", &out->ja4, NULL },
		{ "verdict", &out->verdict, NULL },
		{ "rule", &out->rule, NULL },
		{ "pass.level", NULL, &out->level },
		{ "pass.by", NULL, &out->pass_by },
		{ "pass.age", NULL, &out->pass_age_s },
		{ "pass.rate", NULL, &out->pass_rate },
		{ "rate", NULL, &out->rate },
	};

	if (slice_starts(key, SLICE("hdr."))) {
		add_header(out, (struct slice){ key.ptr + 4, key.len - 4 }, value);
		return;
	}
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (!slice_equal(key, slice_of(keys[i].key)))
			continue;
		if (keys[i].slice != NULL)
			*keys[i].slice = value;
		else
			set_number(keys[i].number, value);
		return;
	}
}

/* key=value key="value" …; false: a quote does not end. */
static bool
read_pairs(struct reader *r, const char **why)
{
	while (r->at < r->end) {
		const char *from = r->at;
		struct slice key, value;

		while (r->at < r->end && *r->at != '=' && *r->at != ' ')
			r->at++;
		key = (struct slice){ from, (size_t)(r->at - from) };
		if (r->at == r->end || *r->at++ == ' ')
			continue;
		if (r->at < r->end && *r->at == '"') {
			r->at++;
			if (!quoted(r, &value)) {
				*why = "the line was cut: log with a larger len";
				return false;
			}
		} else {
			value = token(r);
			if (slice_equal(value, SLICE("-")))
				continue;
		}
		set_pair(r->out, key, value);
	}
	return true;
}

static bool
read_full(struct reader *r, const char **why)
{
	struct logline *out = r->out;

	if (!read_pairs(r, why))
		return false;
	if (slice_starts(out->version, SLICE("HTTP/")))
		out->version = (struct slice){ out->version.ptr + 5, out->version.len - 5 };
	return true;
}

/* ADDR METHOD PATH status=…, of which `status` is where it says so. */
static bool
read_edge(struct reader *r, struct slice line, size_t status, const char **why)
{
	size_t at = status;
	struct slice part[3];

	for (int i = 2; i >= 0; i--) {
		size_t end = at;

		while (at > 0 && line.ptr[at - 1] != ' ')
			at--;
		part[i] = (struct slice){ line.ptr + at, end - at };
		at -= at > 0;
	}
	if (part[2].len > 0 && *part[2].ptr == '<') {
		*why = "no valid request came (<BADREQ>)";
		return false;
	}
	r->out->client = part[0];
	r->out->method = part[1];
	set_path(r->out, decode_hash(r, part[2]));
	/* The path alone was logged. */
	r->out->query = (struct slice){ NULL, 0 };
	r->at = line.ptr + status + 1;
	return read_pairs(r, why);
}

/* Where `word` begins, line.len if nowhere. */
static size_t
find(struct slice line, struct slice word)
{
	const char *at = line.len > 0 ? memmem(line.ptr, line.len, word.ptr, word.len) : NULL;

	return at != NULL ? (size_t)(at - line.ptr) : line.len;
}

static bool
read_client(struct reader *r, struct slice line, size_t date)
{
	size_t from = date, colon;

	while (from > 0 && line.ptr[from - 1] != ' ')
		from--;
	for (colon = date; colon > from && line.ptr[colon - 1] != ':';)
		colon--;
	if (colon == from)
		return false;
	r->out->client = (struct slice){ line.ptr + from, colon - 1 - from };
	r->at = line.ptr + date + 1;
	return true;
}

/* By what a line looks like. */
static bool
read_any(
    struct slice line, struct slice captures, char *store, struct logline *out, const char **why)
{
	struct reader r = { line.ptr, line.ptr + line.len, store, out };
	size_t at;

	*out = (struct logline){
		.level = -1, .pass_by = -1, .pass_age_s = -1, .rate = -1, .pass_rate = -1
	};
	/* A full line first: nothing that a client can choose stands in front of its src=. */
	at = find(line, SLICE("src="));
	if ((at == 0 || (at < line.len && line.ptr[at - 1] == ' ')) &&
	    find(line, SLICE(" method=")) < line.len &&
	    find((struct slice){ line.ptr, at }, SLICE(" [")) == at) {
		out->kind = LOGLINE_FULL;
		r.at = line.ptr + at;
		return read_full(&r, why);
	}
	for (size_t i = 0; i + 1 < line.len; i++) {
		struct slice s = { line.ptr + i + 1, line.len - i - 1 };

		if (line.ptr[i] == ' ' && is_date(s)) {
			out->kind = LOGLINE_HTTPLOG;
			if (read_client(&r, line, i))
				return read_httplog(&r, captures, why);
			break;
		}
	}
	at = find(line, SLICE(" status="));
	if (at < line.len) {
		out->kind = LOGLINE_EDGE;
		return read_edge(&r, line, at, why);
	}
	*why = "no line of HAProxy's httplog, nor of haproxy/edge.cfg";
	return false;
}

bool
logline_parse(
    struct slice line, struct slice captures, char *store, struct logline *out, const char **why)
{
	if (!read_any(line, captures, store, out, why))
		return false;
	if (out->client.len > 0 && out->method.len > 0 && out->path.len > 0)
		return true;
	*why = "no request: client, method or path is missing";
	return false;
}
