#include <errno.h>
#include <poll.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/memory.h"
#include "cli/doctor.h"
#include "daemon/circuits.h"

#define ANSWER_MAX ((size_t)64 * 1024)

/* ---- where tor brings its visitors ---- */

/* The path of `bind ADDRESS`; NULL: it is no unix socket. */
static const char *
bound_path(const struct haproxy_line *l)
{
	const char *p = l->words > 1 ? l->word[1].ptr : "";

	if (strncmp(p, "unix@", 5) == 0)
		p += 5;
	return p[0] == '/' ? p : NULL;
}

static const char *
user_name(uid_t uid, char out[64])
{
	const struct passwd *pw = getpwuid(uid);

	if (pw != NULL)
		snprintf(out, 64, "%s", pw->pw_name);
	else
		snprintf(out, 64, "uid %u", (unsigned)uid);
	return out;
}

/* May somebody put another socket in its place? */
static bool
folder_is_open(const char *path, const struct stat *socket, char folder[4096], struct stat *st)
{
	char *slash;

	snprintf(folder, 4096, "%s", path);
	slash = strrchr(folder, '/');
	if (slash == folder)
		slash++;
	*slash = '\0';
	return stat(folder, st) == 0 &&
	       ((st->st_mode & 022) != 0 || (st->st_uid != 0 && st->st_uid != socket->st_uid));
}

/* tor's user, by the socket that it made itself. */
static bool
tor_uid(const struct doctor *d, uid_t *uid)
{
	const char *path = d->options.has_tor ? endpoint_path(&d->options.tor_control) : NULL;
	struct stat st;

	if (path == NULL || stat(path, &st) != 0 || !S_ISSOCK(st.st_mode))
		return false;
	*uid = st.st_uid;
	return true;
}

static void
check_onion_socket(struct doctor *d, const struct haproxy_line *l, const char *path)
{
	char folder[4096], owner[64], tor[64];
	struct stat st, above;
	uid_t uid;

	if (stat(path, &st) != 0) {
		doctor_say(d, DOCTOR_SKIP, "%s: %s\nrun ammit doctor as root while HAProxy runs",
		    path, strerror(errno));
		return;
	}
	if ((st.st_mode & 077) != 0) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s: others than %s may connect (mode %04o), and who can is any circuit he "
		    "likes\n%s:%u: bind … mode 600 user debian-tor; then systemctl restart haproxy",
		    path, user_name(st.st_uid, owner), (unsigned)st.st_mode & 07777, l->file,
		    l->number);
	} else if (tor_uid(d, &uid) && uid != 0 && uid != st.st_uid) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s belongs to %s, and tor runs as %s: no visitor comes through\n%s:%u: bind … "
		    "mode 600 user %s; then systemctl restart haproxy",
		    path, user_name(st.st_uid, owner), user_name(uid, tor), l->file, l->number,
		    tor);
	} else if (folder_is_open(path, &st, folder, &above)) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s: others may put a socket of theirs there (%s is of %s, mode %04o)\nchown "
		    "root %s; chmod 755 %s",
		    path, folder, user_name(above.st_uid, owner), (unsigned)above.st_mode & 07777,
		    folder, folder);
	} else {
		doctor_say(d, DOCTOR_OK, "%s is %s's alone", path, user_name(st.st_uid, owner));
	}
}

void
doctor_tor_socket(struct doctor *d)
{
	for (unsigned f = 0; f < d->fronts; f++) {
		const struct haproxy_line *l;

		for (size_t i = 0; (l = haproxy_conf_line(d->conf, d->front[f], i)) != NULL; i++) {
			if (!haproxy_line_is(l, "bind") || !haproxy_line_has(l, "accept-proxy") ||
			    bound_path(l) == NULL)
				continue;
			check_onion_socket(d, l, bound_path(l));
		}
	}
}

/* ---- its control port ---- */

/* Some bytes by end_ms; 0: there are none, and errno says why. */
static size_t
receive(int fd, char *out, size_t room, int64_t end_ms)
{
	int error = endpoint_wait(fd, POLLIN, end_ms);
	ssize_t n = error == 0 ? recv(fd, out, room, 0) : -1;

	if (error != 0)
		errno = error;
	else if (n == 0)
		errno = ECONNRESET;
	return n > 0 ? (size_t)n : 0;
}

/* Up to where the daemon begins to work. False with why. */
static bool
authenticate(struct tor_control *t, int fd, int64_t end_ms, char why[TOR_WHY_MAX])
{
	uint8_t nonce[TOR_COOKIE_BYTES];
	char buf[4096];

	random_bytes(nonce, sizeof(nonce));
	tor_control_begin(t, nonce);
	for (;;) {
		struct slice out = tor_control_output(t);
		size_t n;

		if (out.len > 0 && send(fd, out.ptr, out.len, MSG_NOSIGNAL) != (ssize_t)out.len) {
			snprintf(why, TOR_WHY_MAX, "%s", strerror(errno));
			return false;
		}
		tor_control_sent(t, out.len);
		if (t->state == TOR_READY)
			return true;
		n = receive(fd, buf, sizeof(buf), end_ms);
		if (n == 0) {
			snprintf(why, TOR_WHY_MAX, "%s",
			    errno == ETIMEDOUT ? "no answer in time" : strerror(errno));
			return false;
		}
		if (!tor_control_take(t, (struct slice){ buf, n })) {
			snprintf(why, TOR_WHY_MAX, "%s", t->why);
			return false;
		}
	}
}

/* Services of this tor, and how many of them say whose a connection is. */
struct services {
	unsigned all, exporting;
	bool ended, refused;
};

/* 250-HiddenServiceExportCircuitID=haproxy, behind the HiddenServiceDir that it is for. */
static void
count_service(struct services *s, struct slice line)
{
	struct slice value, key;

	while (line.len > 0 && line.ptr[line.len - 1] == '\r')
		line.len--;
	if (line.len < 4 || line.ptr[0] == '6') /* an event */
		return;
	s->ended = line.ptr[3] == ' ';
	s->refused = line.ptr[0] != '2';
	key = slice_split((struct slice){ line.ptr + 4, line.len - 4 }, '=', &value);
	if (slice_equal_nocase(key, SLICE("HiddenServiceDir")))
		s->all++;
	else if (slice_equal_nocase(key, SLICE("HiddenServiceExportCircuitID")) &&
		 slice_equal_nocase(value, SLICE("haproxy")))
		s->exporting++;
}

/* False: tor does not tell. */
static bool
ask_services(int fd, int64_t end_ms, struct services *s)
{
	static const char question[] = "GETCONF HiddenServiceOptions\r\n";
	char *buf = xcalloc(1, ANSWER_MAX);
	size_t have = 0, done = 0, n = 1;

	*s = (struct services){ .all = 0 };
	if (send(fd, question, sizeof(question) - 1, MSG_NOSIGNAL) != sizeof(question) - 1)
		n = 0;
	while (n > 0 && !s->ended && have < ANSWER_MAX) {
		const char *end;

		n = receive(fd, buf + have, ANSWER_MAX - have, end_ms);
		have += n;
		while (!s->ended && (end = memchr(buf + done, '\n', have - done)) != NULL) {
			count_service(s, (struct slice){ buf + done, (size_t)(end - buf) - done });
			done = (size_t)(end - buf) + 1;
		}
	}
	free(buf);
	return s->ended && !s->refused;
}

static void
say_services(struct doctor *d, const struct tor_control *t, int fd, int64_t end_ms)
{
	const char *version = t->version[0] != '\0' ? t->version : "of an unknown version",
		   *by = tor_method_names[t->method];
	struct services s;

	if (!ask_services(fd, end_ms, &s))
		doctor_say(d, DOCTOR_OK,
		    "tor %s lets us in by %s; of its services it does not tell", version, by);
	else if (s.all == 0)
		doctor_say(d, DOCTOR_WARN,
		    "tor %s lets us in by %s, and has no onion service\nHiddenServiceDir and "
		    "HiddenServicePort in the torrc of this tor; or tor-control names another "
		    "one's",
		    version, by);
	else if (s.exporting == 0)
		doctor_say(d, DOCTOR_WARN,
		    "tor %s lets us in by %s, and no service of it says which circuit a visitor "
		    "came by\nHiddenServiceExportCircuitID haproxy, below HiddenServiceDir in the "
		    "torrc; then systemctl reload tor",
		    version, by);
	else
		doctor_say(d, DOCTOR_OK,
		    "tor %s lets us in by %s; %u of its %u services say which circuit a visitor "
		    "came by",
		    version, by, s.exporting, s.all);
}

static void
say_unconnected(struct doctor *d, const struct endpoint *at, int error)
{
	if (error == EACCES || error == EPERM)
		doctor_say(
		    d, DOCTOR_SKIP, "%s: %s\nrun ammit doctor as root", at->text, strerror(error));
	else
		doctor_say(d, DOCTOR_FAIL,
		    "%s: %s, so no circuit is closed\nsystemctl start tor; ControlSocket or "
		    "ControlPort in the torrc; tor-control in ammit.conf says which",
		    at->text, strerror(error));
}

void
doctor_tor_control(struct doctor *d)
{
	const struct endpoint *at = &d->options.tor_control;
	struct tor_secrets secrets = circuits_secrets(at, d->options.tor_password);
	const struct tor_bounds bounds = { 1, true };
	int64_t end_ms = clock_mono_ms() + DOCTOR_TIMEOUT_MS;
	char why[TOR_WHY_MAX];
	struct tor_control *t;
	struct circuit_table *table;
	int fd;

	if (!d->options.has_tor) {
		doctor_say(d, DOCTOR_OK, "tor-control is off: no circuit is closed");
		return;
	}
	fd = endpoint_connect(at, end_ms);
	if (fd < 0) {
		say_unconnected(d, at, errno);
		return;
	}
	/* Root can read more than the daemon: what whoever listens there names is not handed out.
	 */
	secrets.trusted = false;
	t = xcalloc(1, sizeof(*t));
	table = circuit_table_new();
	tor_control_init(t, &secrets, &bounds, table);
	if (authenticate(t, fd, end_ms, why))
		say_services(d, t, fd, end_ms);
	else
		doctor_say(d, DOCTOR_FAIL,
		    "%s: %s\nCookieAuthentication 1 and CookieAuthFileGroupReadable 1 in the "
		    "torrc, "
		    "or HashedControlPassword and tor-password FILE in ammit.conf",
		    at->text, why);
	tor_control_end(t);
	secret_wipe(t, sizeof(*t));
	free(t);
	circuit_table_free(table);
	close(fd);
}
