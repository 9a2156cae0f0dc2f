#include "daemon/circuits.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/file.h"
#include "base/log.h"
#include "base/memory.h"
#include "onion/inbox.h"

#define LOOK_S 0.1 /* how long an id lies in the inbox at most: no thread wakes another for it */
#define STATE_LINES_A_MINUTE 6u
#define CLOSE_LINES_A_MINUTE 60u
#define READS 16 /* of one turn, so that nobody else on the loop starves */

struct circuits {
	struct circuits_options options;
	struct ev_loop *loop; /* NULL: it has not been started */
	struct tor_control tor;
	struct circuit_table *table;
	int fd; /* -1: none, and `retry` runs */
	bool connected;
	ev_io io;
	ev_timer deadline, retry, look;
	double retry_s;
	/* The last two reasons that were told: where they take turns, each is told once. */
	char told[2][TOR_WHY_MAX];
	unsigned turn;
	/* Of the connection, 0: tor is not ready. Ids of another one mean other circuits, so what
	 * is handed over has it beside the id. */
	_Atomic uint32_t epoch;
	uint32_t epochs;
	_Atomic uint64_t dropped, refused; /* before tor was asked */
	struct circuit_inbox inbox;
};

/* ---- secrets ---- */

/* "debian-tor:debian-tor, mode 0640": who could let us in. */
static void
describe_owner(const char *path, char *out, size_t room)
{
	struct stat st;
	struct passwd *user;
	struct group *group;
	char uid[16], gid[16];

	if (stat(path, &st) != 0) {
		snprintf(out, room, "its folder is closed to us, too");
		return;
	}
	user = getpwuid(st.st_uid);
	group = getgrgid(st.st_gid);
	snprintf(uid, sizeof(uid), "%lu", (unsigned long)st.st_uid);
	snprintf(gid, sizeof(gid), "%lu", (unsigned long)st.st_gid);
	snprintf(out, room, "it is of %s:%s, mode %04o", user != NULL ? user->pw_name : uid,
	    group != NULL ? group->gr_name : gid, (unsigned)st.st_mode & 07777);
}

static bool
read_cookie(void *arg, const char *path, uint8_t out[TOR_COOKIE_BYTES], char why[TOR_WHY_MAX])
{
	const char *problem;
	char owner[128];
	size_t bytes;
	char *text = file_read(path, 4096, &bytes, &problem);

	(void)arg;
	if (text == NULL && access(path, R_OK) != 0 && errno == EACCES) {
		describe_owner(path, owner, sizeof(owner));
		snprintf(why, TOR_WHY_MAX,
		    "the cookie file %.120s may not be read (%s): CookieAuthFileGroupReadable 1 in "
		    "the torrc, and join its group: SupplementaryGroups=debian-tor in the unit",
		    path, owner);
		return false;
	}
	if (text == NULL) {
		snprintf(why, TOR_WHY_MAX, "the cookie file %.120s: %.120s", path, problem);
		return false;
	}
	if (bytes == TOR_COOKIE_BYTES)
		memcpy(out, text, TOR_COOKIE_BYTES);
	else
		snprintf(why, TOR_WHY_MAX, "the cookie file %.120s has %zu bytes and not %u", path,
		    bytes, TOR_COOKIE_BYTES);
	secret_wipe(text, bytes);
	free(text);
	return bytes == TOR_COOKIE_BYTES;
}

static bool
read_password(void *arg, char out[TOR_PASSWORD_MAX], size_t *len, char why[TOR_WHY_MAX])
{
	const char *file = arg, *problem;
	struct slice rest, line;
	size_t bytes;
	char *text = file_read(file, 4096, &bytes, &problem);

	if (text == NULL) {
		snprintf(why, TOR_WHY_MAX, "tor-password %.120s: %.120s", file, problem);
		return false;
	}
	line = slice_split((struct slice){ text, bytes }, '\n', &rest);
	if (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	problem = line.len == 0                      ? "the first line is empty"
		  : line.len > TOR_PASSWORD_MAX      ? "the first line is longer than 512 bytes"
		  : memchr(line.ptr, '\0', line.len) ? "there is a NUL in it"
		  : memchr(line.ptr, '\r', line.len) ? "there is a CR in it"
						     : NULL;
	if (problem == NULL) {
		memcpy(out, line.ptr, line.len);
		*len = line.len;
	} else {
		snprintf(why, TOR_WHY_MAX, "tor-password %.120s: %s", file, problem);
	}
	secret_wipe(text, bytes);
	free(text);
	return problem == NULL;
}

struct tor_secrets
circuits_secrets(const struct endpoint *at, const char *password_file)
{
	return (struct tor_secrets){ .cookie = read_cookie,
		.password = password_file != NULL ? read_password : NULL,
		.arg = (void *)(uintptr_t)password_file,
		.trusted = endpoint_path(at) != NULL };
}

/* ---- what the log says ---- */

static void
log_state(const struct circuits *c, bool up, const char *why)
{
	static struct log_limit limit;
	struct log_entry e;

	log_begin_limited(
	    &e, up ? LOG_LEVEL_INFO : LOG_LEVEL_WARN, "tor", &limit, STATE_LINES_A_MINUTE);
	log_text(&e, "control", slice_of(c->options.at->text));
	log_text(&e, "state", up ? SLICE("up") : SLICE("down"));
	if (!up) {
		log_text(&e, "reason", slice_of(why));
	} else {
		log_text(&e, "version", slice_of(c->tor.version));
		log_text(&e, "by", slice_of(tor_method_names[c->tor.method]));
		log_number(&e, "circuits", circuit_table_count(c->table));
	}
	log_end(&e);
}

static void
log_outcome(uint32_t id, enum tor_outcome outcome)
{
	static struct log_limit limits[2]; /* what nobody wants to know takes no room from news */
	struct log_entry e;
	bool news = outcome == TOR_OUTCOME_CLOSED || outcome == TOR_OUTCOME_DRY ||
		    outcome == TOR_OUTCOME_LIMITED;

	if (outcome == TOR_OUTCOME_NONE)
		return;
	log_begin_limited(&e, news ? LOG_LEVEL_INFO : LOG_LEVEL_DEBUG, "circuit", &limits[news],
	    CLOSE_LINES_A_MINUTE);
	log_number(&e, "id", id);
	log_text(&e, "result", slice_of(tor_outcome_names[outcome]));
	log_end(&e);
}

/* ---- the connection ---- */

static void
drop(struct circuits *c)
{
	atomic_fetch_add_explicit(&c->dropped, 1, memory_order_relaxed);
}

/* Whatever was handed over can be told to nobody. */
static void
empty_inbox(struct circuits *c)
{
	uint64_t what;

	while (circuit_inbox_get(&c->inbox, &what))
		drop(c);
}

/* The only way out of a connection: idempotent. */
static void
hang_up(struct circuits *c)
{
	atomic_store_explicit(&c->epoch, 0, memory_order_relaxed);
	if (c->tor.closing != 0)
		drop(c);
	tor_control_end(&c->tor);
	ev_timer_stop(c->loop, &c->deadline);
	ev_timer_stop(c->loop, &c->look);
	ev_io_stop(c->loop, &c->io);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->connected = false;
	empty_inbox(c);
}

/* The connection is of no use: say why if that is news, and try again later. */
static void
lose(struct circuits *c, const char *why)
{
	bool was_up = atomic_load_explicit(&c->epoch, memory_order_relaxed) != 0;
	char reason[TOR_WHY_MAX];

	snprintf(reason, sizeof(reason), "%s", why);
	hang_up(c);
	if (was_up || (strcmp(reason, c->told[0]) != 0 && strcmp(reason, c->told[1]) != 0)) {
		log_state(c, false, reason);
		snprintf(c->told[c->turn], sizeof(c->told[0]), "%s", reason);
		c->turn ^= 1;
	}
	if (was_up)
		c->retry_s = c->options.retry_ms / 1e3;
	ev_timer_set(&c->retry, c->retry_s, 0.0);
	ev_timer_start(c->loop, &c->retry);
	c->retry_s = c->retry_s * 2 < c->options.retry_most_ms / 1e3
			 ? c->retry_s * 2
			 : c->options.retry_most_ms / 1e3;
}

static void
lose_by_errno(struct circuits *c, int error)
{
	const char *path = endpoint_path(c->options.at);
	char why[TOR_WHY_MAX], owner[128];

	if (path != NULL && error == EACCES) {
		describe_owner(path, owner, sizeof(owner));
		snprintf(why, sizeof(why),
		    "%s: permission denied (%s): GroupWritable behind ControlSocket in the torrc, "
		    "and join its group: SupplementaryGroups=debian-tor in the unit",
		    path, owner);
	} else if (path != NULL && error == ENOENT) {
		snprintf(why, sizeof(why),
		    "%s: there is no such socket: does tor run, and has its torrc ControlSocket "
		    "%s?",
		    path, path);
	} else if (error == ECONNREFUSED) {
		snprintf(why, sizeof(why), "nobody listens there: does tor run?");
	} else {
		snprintf(why, sizeof(why), "%s", strerror(error));
	}
	lose(c, why);
}

/* Does the next thing that is due from tor have a deadline? It is not moved by what comes slowly.
 */
static void
set_deadline(struct circuits *c, bool anew)
{
	bool waits = !c->connected || tor_control_waits(&c->tor);

	if (!waits || anew)
		ev_timer_stop(c->loop, &c->deadline);
	if (!waits || ev_is_active(&c->deadline))
		return;
	ev_now_update(c->loop); /* this turn may have taken long */
	ev_timer_set(&c->deadline, c->options.deadline_ms / 1e3, 0.0);
	ev_timer_start(c->loop, &c->deadline);
}

static void
watch(struct circuits *c, int events)
{
	if ((c->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(c->loop, &c->io);
	ev_io_set(&c->io, c->fd, events);
	ev_io_start(c->loop, &c->io);
}

/* False: the connection is gone. */
static bool
flush(struct circuits *c)
{
	struct slice out = tor_control_output(&c->tor);

	while (out.len > 0) {
		ssize_t n = send(c->fd, out.ptr, out.len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN) {
			lose_by_errno(c, errno);
			return false;
		}
		if (n < 0)
			break;
		tor_control_sent(&c->tor, (size_t)n);
		out = tor_control_output(&c->tor);
	}
	watch(c, out.len > 0 ? EV_READ | EV_WRITE : EV_READ);
	return true;
}

static void
come_up(struct circuits *c)
{
	c->epochs = c->epochs == UINT32_MAX ? 1 : c->epochs + 1;
	c->retry_s = c->options.retry_ms / 1e3;
	memset(c->told, 0, sizeof(c->told));
	log_state(c, true, NULL);
	ev_timer_again(c->loop, &c->look);
	atomic_store_explicit(&c->epoch, c->epochs, memory_order_relaxed);
}

/* What was handed over, one after the other: the next when tor has answered. */
static void
serve_inbox(struct circuits *c)
{
	uint64_t what;
	bool asked = false;

	while (c->tor.state == TOR_READY && !asked && circuit_inbox_get(&c->inbox, &what)) {
		uint32_t id = (uint32_t)what;

		if (what >> 32 != atomic_load_explicit(&c->epoch, memory_order_relaxed)) {
			/* Whoever handed it over may have marked its namesake of this connection.
			 */
			circuit_table_mark(c->table, id, false);
			drop(c);
			continue;
		}
		log_outcome(id, tor_control_close(&c->tor, id, clock_mono_ms()));
		asked = c->tor.state == TOR_CLOSES;
	}
	if (asked && flush(c))
		set_deadline(c, true);
}

/* Take what tor said. False: the connection is gone. */
static bool
take(struct circuits *c, struct slice bytes)
{
	enum tor_state before = c->tor.state;
	uint64_t lines = c->tor.lines;
	enum tor_outcome outcome;
	uint32_t id;

	if (!tor_control_take(&c->tor, bytes)) {
		lose(c, c->tor.why);
		return false;
	}
	outcome = tor_control_outcome(&c->tor, &id);
	log_outcome(id, outcome);
	if (!flush(c))
		return false;
	if (c->tor.state == TOR_READY && atomic_load(&c->epoch) == 0)
		come_up(c);
	/* What tor tells of its own accord does not put off an answer. */
	set_deadline(
	    c, c->tor.state != before || (c->tor.state == TOR_READY && c->tor.lines != lines));
	if (c->tor.state == TOR_READY)
		serve_inbox(c);
	return c->fd >= 0;
}

static void
read_some(struct circuits *c)
{
	char buf[16384];

	for (unsigned i = 0; i < READS; i++) {
		ssize_t n = recv(c->fd, buf, sizeof(buf), 0);

		if (n > 0) {
			if (!take(c, (struct slice){ buf, (size_t)n }))
				return;
		} else if (n == 0) {
			lose(c, "tor has ended the connection");
			return;
		} else if (errno == EAGAIN) {
			return;
		} else if (errno != EINTR) {
			lose_by_errno(c, errno);
			return;
		}
	}
}

static void
begin(struct circuits *c)
{
	uint8_t nonce[TOR_COOKIE_BYTES];

	c->connected = true;
	random_bytes(nonce, sizeof(nonce));
	tor_control_begin(&c->tor, nonce);
	if (flush(c))
		set_deadline(c, true);
}

static void
on_io(EV_P_ ev_io *w, int events)
{
	struct circuits *c = w->data;
	int error = 0;
	socklen_t bytes = sizeof(error);

	(void)loop;
	if (!c->connected) {
		if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &bytes) != 0)
			error = errno;
		if (error != 0)
			lose_by_errno(c, error);
		else
			begin(c);
		return;
	}
	if ((events & EV_WRITE) != 0 && !flush(c))
		return;
	if ((events & EV_READ) != 0)
		read_some(c);
}

static void
on_deadline(EV_P_ ev_timer *t, int events)
{
	static const char *const late[] = { [TOR_CLOSED] = "it takes no connection",
		[TOR_METHODS] = "no answer to PROTOCOLINFO",
		[TOR_CHALLENGE] = "no answer to AUTHCHALLENGE",
		[TOR_PROOF] = "no answer to AUTHENTICATE",
		[TOR_EVENTS] = "no answer to SETEVENTS",
		[TOR_LIST] = "no answer to GETINFO circuit-status",
		[TOR_READY] = "the rest of a line does not come",
		[TOR_CLOSES] = "no answer to CLOSECIRCUIT" };
	struct circuits *c = t->data;
	char why[TOR_WHY_MAX];

	(void)loop;
	(void)events;
	snprintf(why, sizeof(why), "%s in %u ms", late[c->tor.state], c->options.deadline_ms);
	lose(c, why);
}

static void
connect_to(struct circuits *c)
{
	const struct endpoint *at = c->options.at;

	c->fd = socket(at->address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0) {
		lose_by_errno(c, errno);
		return;
	}
	ev_io_set(&c->io, c->fd, EV_WRITE);
	if (connect(c->fd, (const struct sockaddr *)&at->address, at->address_bytes) == 0) {
		ev_io_start(c->loop, &c->io);
		begin(c);
	} else if (errno == EINPROGRESS) {
		ev_io_start(c->loop, &c->io);
		set_deadline(c, true);
	} else {
		lose_by_errno(c, errno);
	}
}

static void
on_retry(EV_P_ ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	connect_to(t->data);
}

static void
on_look(EV_P_ ev_timer *t, int events)
{
	(void)loop;
	(void)events;
	serve_inbox(t->data);
}

/* ---- from outside ---- */

static unsigned
or_else(unsigned value, unsigned usual)
{
	return value != 0 ? value : usual;
}

struct circuits *
circuits_new(const struct circuits_options *o)
{
	struct circuits *c = aligned_alloc(_Alignof(struct circuits), sizeof(*c));
	const struct tor_bounds bounds = { or_else(o->close_rate, 60), o->dry_run };
	const struct tor_secrets secrets = circuits_secrets(o->at, o->password_file);

	if (c == NULL)
		abort();
	memset(c, 0, sizeof(*c));
	c->options = *o;
	c->options.deadline_ms = or_else(o->deadline_ms, 5000);
	c->options.retry_ms = or_else(o->retry_ms, 1000);
	c->options.retry_most_ms = or_else(o->retry_most_ms, 60000);
	c->retry_s = c->options.retry_ms / 1e3;
	c->fd = -1;
	c->table = circuit_table_new();
	circuit_inbox_init(&c->inbox);
	tor_control_init(&c->tor, &secrets, &bounds, c->table);
	ev_init(&c->io, on_io);
	ev_timer_init(&c->deadline, on_deadline, 0.0, 0.0);
	ev_timer_init(&c->retry, on_retry, 0.0, 0.0);
	ev_timer_init(&c->look, on_look, 0.0, LOOK_S);
	c->io.data = c->deadline.data = c->retry.data = c->look.data = c;
	return c;
}

void
circuits_free(struct circuits *c)
{
	if (c == NULL)
		return;
	circuit_table_free(c->table);
	free(c);
}

void
circuits_start(struct circuits *c, struct ev_loop *loop)
{
	c->loop = loop;
	connect_to(c);
}

void
circuits_stop(struct circuits *c)
{
	if (c->loop == NULL)
		return;
	hang_up(c);
	ev_timer_stop(c->loop, &c->retry);
	c->loop = NULL;
}

void
circuits_count(const struct circuits *c, struct circuits_counts *out)
{
	for (unsigned i = 0; i < TOR_OUTCOMES; i++)
		out->outcome[i] = counter_get(&c->tor.outcomes[i]);
	out->outcome[TOR_OUTCOME_REFUSED] +=
	    atomic_load_explicit(&c->refused, memory_order_relaxed);
	out->dropped = atomic_load_explicit(&c->dropped, memory_order_relaxed);
	out->untracked = counter_get(&c->tor.untracked);
	out->known = circuit_table_count(c->table);
	out->up = atomic_load_explicit(&c->epoch, memory_order_relaxed) != 0;
	memcpy(out->version, c->tor.version, sizeof(out->version));
}

uint32_t
circuits_effort(const struct circuits *c, uint32_t id)
{
	return circuit_table_effort(c->table, id);
}

void
circuits_denied(struct circuits *c, uint32_t id, bool close)
{
	uint32_t epoch = atomic_load_explicit(&c->epoch, memory_order_relaxed);
	unsigned after = c->options.close_after;

	if (!close && (after == 0 || (epoch != 0 && circuit_table_deny(c->table, id) < after)))
		return;
	if (epoch == 0) {
		drop(c);
		return;
	}
	/* One that tor has not told of is none of a visitor's. */
	switch (circuit_table_mark(c->table, id, true)) {
	case CIRCUIT_CLOSING:
		return;
	case CIRCUIT_UNKNOWN:
		atomic_fetch_add_explicit(&c->refused, 1, memory_order_relaxed);
		log_outcome(id, TOR_OUTCOME_REFUSED);
		return;
	case CIRCUIT_OPEN:
		break;
	}
	if (circuit_inbox_put(&c->inbox, (uint64_t)epoch << 32 | id))
		return;
	circuit_table_mark(c->table, id, false);
	drop(c);
}
