#include "net/http.h"

#include <assert.h>
#include <ev.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"

/*
 * 32 KB of pool take about 15 KB of request header. Its epoll is edge-triggered: what MHD has read
 * but not yet handled is only reported by MHD_get_timeout, so that is asked before every wait.
 */
#define POOL_BYTES ((size_t)32 * 1024)
#define CONNECTIONS_MAX 4096u
#define TIMEOUT_S 30u

/* A body beyond HTTP_BODY_MAX is read and dropped, so that the client sees the answer; not for
 * ever. */
#define DRAIN_MAX ((size_t)16 * 1024 * 1024)

struct http_server {
	struct ev_loop *loop;
	struct MHD_Daemon *daemon;
	http_handler *handler;
	void *arg;
	ev_io readable;
	ev_timer timeout;
	ev_prepare before_wait;
	unsigned answering; /* requests between their first line and their last byte */
	bool quiesced;
};

/* One request: from its first line, which alone has the target as sent, until it is answered. */
struct exchange {
	char *body; /* HTTP_BODY_MAX bytes, from the first byte of a body on */
	size_t body_bytes, drained;
	bool begun; /* the header is complete and was seen */
	size_t target_len;
	char target[];
};

struct slice
http_request_header(const struct http_request *r, const char *name)
{
	struct slice value = { NULL, 0 };

	for (unsigned i = 0; i < r->insteads; i++)
		if (slice_equal_nocase(slice_of(r->instead[i].name), slice_of(name)))
			return r->instead[i].value;
	/* MHD takes a connection that is not const, and changes nothing. */
	if (MHD_lookup_connection_value_n((struct MHD_Connection *)(uintptr_t)r->connection,
		MHD_HEADER_KIND, name, strlen(name), &value.ptr, &value.len) != MHD_YES)
		return (struct slice){ NULL, 0 };
	/* MHD leaves the blanks at the end. */
	return slice_trim(value);
}

struct taking {
	http_header_taker *take;
	void *arg;
};

static enum MHD_Result
on_header(void *arg, enum MHD_ValueKind kind, const char *name, size_t name_len, const char *value,
    size_t len)
{
	const struct taking *t = arg;

	(void)kind;
	t->take(t->arg, (struct slice){ name, name_len },
	    value == NULL ? (struct slice){ "", 0 } : slice_trim((struct slice){ value, len }));
	return MHD_YES;
}

void
http_request_each_header(const struct http_request *r, http_header_taker *take, void *arg)
{
	struct taking t = { take, arg };

	MHD_get_connection_values_n(
	    (struct MHD_Connection *)(uintptr_t)r->connection, MHD_HEADER_KIND, on_header, &t);
}

void
http_response_header(struct http_response *r, const char *name, const char *value)
{
	assert(r->headers < HTTP_HEADERS_MAX);
	for (const char *p = value; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return;
	r->header[r->headers].name = name;
	r->header[r->headers].value = value;
	r->headers++;
}

/* ---- a request ---- */

static void *
on_target(void *arg, const char *target, struct MHD_Connection *connection)
{
	struct http_server *s = arg;
	size_t n = target == NULL ? 0 : strlen(target);
	struct exchange *x = xcalloc(1, sizeof(*x) + n + 1);

	(void)connection;
	x->target_len = n;
	if (n > 0)
		memcpy(x->target, target, n);
	s->answering++;
	return x;
}

static void
on_completed(void *arg, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	struct http_server *s = arg;
	struct exchange *x = *state;

	(void)c;
	(void)why;
	if (x == NULL)
		return;
	*state = NULL;
	s->answering--;
	free(x->body);
	free(x);
}

/* False: more than anybody has reason to send. */
static bool
take_body(struct exchange *x, const char *bytes, size_t n)
{
	if (x->drained > 0 || n > HTTP_BODY_MAX - x->body_bytes) {
		free(x->body);
		x->body = NULL;
		x->drained += n;
		return x->drained <= DRAIN_MAX;
	}
	if (x->body == NULL)
		x->body = xcalloc(1, HTTP_BODY_MAX);
	memcpy(x->body + x->body_bytes, bytes, n);
	x->body_bytes += n;
	return true;
}

static enum MHD_Result
send_response(struct http_server *s, struct MHD_Connection *c, const struct http_response *out)
{
	/* It is copied: MHD only wants a pointer that is not const. */
	struct MHD_Response *r = MHD_create_response_from_buffer(
	    out->body.len, (void *)(uintptr_t)out->body.ptr, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result;

	if (r == NULL)
		return MHD_NO;
	for (unsigned i = 0; i < out->headers; i++)
		MHD_add_response_header(r, out->header[i].name, out->header[i].value);
	if (s->quiesced)
		MHD_add_response_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	result = MHD_queue_response(c, out->status, r);
	MHD_destroy_response(r);
	return result;
}

static struct peer
peer_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CLIENT_ADDRESS);

	return info == NULL ? (struct peer){ .local = false } : peer_of_socket(info->client_addr);
}

/* Called once for the header, then for each piece of the body, then once more with none left. */
static enum MHD_Result
on_access(void *arg, struct MHD_Connection *c, const char *url, const char *method,
    const char *version, const char *bytes, size_t *n, void **state)
{
	struct http_server *s = arg;
	struct exchange *x = *state;
	struct http_request r;
	struct http_response out = { .status = 500 };

	(void)url;
	(void)version;
	if (!x->begun) {
		x->begun = true;
		return MHD_YES;
	}
	if (*n > 0) {
		bool go_on = take_body(x, bytes, *n);

		*n = 0;
		return go_on ? MHD_YES : MHD_NO;
	}
	r = (struct http_request){
		.method = slice_of(method),
		.target = { x->target, x->target_len },
		.body = x->body,
		.body_bytes = x->body == NULL ? 0 : x->body_bytes,
		.body_too_large = x->drained > 0,
		.peer = peer_of(c),
		.connection = c,
	};
	s->handler(s->arg, &r, &out);
	return send_response(s, c, &out);
}

/* ---- the loop ---- */

static void
on_readable(EV_P_ ev_io *w, int events)
{
	struct http_server *s = w->data;

	(void)loop;
	(void)events;
	MHD_run(s->daemon);
}

static void
on_timeout(EV_P_ ev_timer *w, int events)
{
	struct http_server *s = w->data;

	(void)loop;
	(void)events;
	MHD_run(s->daemon);
}

static void
on_before_wait(EV_P_ ev_prepare *w, int events)
{
	struct http_server *s = w->data;
	MHD_UNSIGNED_LONG_LONG ms;

	(void)events;
	ev_timer_stop(EV_A_ & s->timeout);
	if (MHD_get_timeout(s->daemon, &ms) == MHD_YES) {
		ev_timer_set(&s->timeout, (double)ms / 1000.0, 0.0);
		ev_timer_start(EV_A_ & s->timeout);
	}
}

/* MHD has a line for every client that goes away. */
static void
on_log(void *arg, const char *format, va_list args)
{
	static struct log_limit limit;
	char buf[512];
	struct text line = { .buf = buf, .cap = sizeof(buf) };
	struct log_entry e;

	(void)arg;
	text_vprintf(&line, format, args);
	log_begin_limited(&e, LOG_LEVEL_INFO, "http", &limit, 10);
	log_text(&e, "said", slice_trim(text_slice(&line)));
	log_end(&e);
}

/* ---- the server ---- */

static bool
set_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static void
watch(struct http_server *s, int epoll_fd)
{
	ev_io_init(&s->readable, on_readable, epoll_fd, EV_READ);
	ev_timer_init(&s->timeout, on_timeout, 0.0, 0.0);
	ev_prepare_init(&s->before_wait, on_before_wait);
	s->readable.data = s->timeout.data = s->before_wait.data = s;
	ev_io_start(s->loop, &s->readable);
	ev_prepare_start(s->loop, &s->before_wait);
}

struct http_server *
http_server_new(
    struct ev_loop *loop, int listen_fd, http_handler *handler, void *arg, const char **why)
{
	struct http_server *s = xcalloc(1, sizeof(*s));
	const union MHD_DaemonInfo *info;

	s->loop = loop;
	s->handler = handler;
	s->arg = arg;
	if (!set_nonblocking(listen_fd)) {
		*why = "the listening descriptor cannot be made non-blocking";
		close(listen_fd);
		free(s);
		return NULL;
	}
	/* The logger comes first: options before it would complain to stderr. */
	s->daemon = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_access, s,
	    MHD_OPTION_EXTERNAL_LOGGER, on_log, s, MHD_OPTION_LISTEN_SOCKET, listen_fd,
	    MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
	    POOL_BYTES, MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_STRICT_FOR_CLIENT, 1,
	    MHD_OPTION_URI_LOG_CALLBACK, on_target, s, MHD_OPTION_NOTIFY_COMPLETED, on_completed, s,
	    MHD_OPTION_END);
	info = s->daemon == NULL ? NULL : MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL || info->epoll_fd < 0) {
		/* Some of its ways to fail have closed the descriptor already: it is left alone. */
		*why = "libmicrohttpd did not start";
		if (s->daemon != NULL)
			MHD_stop_daemon(s->daemon);
		free(s);
		return NULL;
	}
	watch(s, info->epoll_fd);
	return s;
}

void
http_server_free(struct http_server *s)
{
	if (s == NULL)
		return;
	ev_io_stop(s->loop, &s->readable);
	ev_timer_stop(s->loop, &s->timeout);
	ev_prepare_stop(s->loop, &s->before_wait);
	MHD_stop_daemon(s->daemon);
	free(s);
}

void
http_server_quiesce(struct http_server *s)
{
	int listen_fd;

	if (s->quiesced)
		return;
	s->quiesced = true;
	listen_fd = MHD_quiesce_daemon(s->daemon);
	if (listen_fd >= 0)
		close(listen_fd);
}

bool
http_server_idle(const struct http_server *s)
{
	return s->answering == 0;
}
