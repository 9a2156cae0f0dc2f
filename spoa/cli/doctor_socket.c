#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/doctor.h"

/* Where one of Ammit's sockets is, as both sides have it. */
struct meeting {
	const char *option;        /* "spop" */
	const struct endpoint *at; /* where Ammit listens */
	const struct haproxy_section *backend;
	const struct haproxy_line *server;
	char root[PATH_MAX]; /* what HAProxy's paths begin with, seen from here; "": as they are */
	bool chroot;         /* it has one */
	char chroot_path[PATH_MAX];
};

static struct slice
global_value(const struct doctor *d, const char *word)
{
	for (size_t i = 0; i < d->conf->sections; i++) {
		const struct haproxy_section *s = &d->conf->section[i];
		const struct haproxy_line *l;

		if (!slice_equal(s->kind, SLICE("global")))
			continue;
		l = haproxy_conf_setting(d->conf, s, word);
		if (l != NULL && l->words > 1)
			return l->word[1];
	}
	return (struct slice){ NULL, 0 };
}

/* Whom HAProxy connects as: the process, or what its file says. False: not known. */
static bool
haproxy_who(const struct doctor *d, struct who *who)
{
	struct slice user = global_value(d, "user"), group = global_value(d, "group"),
		     uid = global_value(d, "uid"), gid = global_value(d, "gid");
	const struct passwd *pw = user.ptr != NULL ? getpwnam(user.ptr) : NULL;
	const struct group *gr = group.ptr != NULL ? getgrnam(group.ptr) : NULL;
	unsigned long long n;

	if (d->process.pid != 0) {
		*who = d->process.who;
		return true;
	}
	/* It keeps no other group when it gives up being root. */
	*who = (struct who){ .groups = 0 };
	if (pw != NULL)
		who->uid = pw->pw_uid;
	else if (uid.ptr != NULL && slice_number(uid, UINT_MAX - 1, &n))
		who->uid = (uid_t)n;
	else
		return false;
	if (gr != NULL)
		who->gid = gr->gr_gid;
	else if (gid.ptr != NULL && slice_number(gid, UINT_MAX - 1, &n))
		who->gid = (gid_t)n;
	return true;
}

static const char *
name_of(uid_t uid)
{
	const struct passwd *pw = getpwuid(uid);

	return pw != NULL ? pw->pw_name : "?";
}

static const char *
group_of(gid_t gid)
{
	const struct group *gr = getgrgid(gid);

	return gr != NULL ? gr->gr_name : "?";
}

static void
find_root(const struct doctor *d, struct meeting *m)
{
	struct slice chroot = global_value(d, "chroot");

	m->chroot = chroot.len > 1;
	snprintf(m->chroot_path, sizeof(m->chroot_path), "%.*s", DOCTOR_S(chroot));
	if (d->process.root_seen)
		snprintf(m->root, sizeof(m->root), "/proc/%d/root", (int)d->process.pid);
	else
		snprintf(m->root, sizeof(m->root), "%.*s", m->chroot ? (int)chroot.len : 0,
		    m->chroot ? chroot.ptr : "");
}

/* HAProxy's spelling of an address as ours: /PATH is a unix socket, a family may stand in front. */
static bool
server_endpoint(struct slice address, struct endpoint *out, const char **why)
{
	char buf[160];
	int n;

	if (slice_starts(address, SLICE("ipv4@")) || slice_starts(address, SLICE("ipv6@")))
		address = (struct slice){ address.ptr + 5, address.len - 5 };
	n = snprintf(buf, sizeof(buf), "%s%.*s",
	    address.len > 0 && address.ptr[0] == '/' ? "unix@" : "", DOCTOR_S(address));
	*why = "too long";
	return n > 0 && (size_t)n < sizeof(buf) &&
	       endpoint_parse((struct slice){ buf, (size_t)n }, out, why);
}

static void
say_refused(struct doctor *d, const struct meeting *m, const struct who *who, const char *path,
    const struct stat *st, bool folder)
{
	char owner[64], group[64], haproxy[64];

	snprintf(owner, sizeof(owner), "%s", name_of(st->st_uid));
	snprintf(group, sizeof(group), "%s", group_of(st->st_gid));
	snprintf(haproxy, sizeof(haproxy), "%s", name_of(who->uid));
	if (folder)
		doctor_say(d, DOCTOR_FAIL,
		    "HAProxy (user %s) may not pass through %s, which is %s:%s, mode %04o\nchmod "
		    "o+x "
		    "%s",
		    haproxy, path, owner, group, (unsigned)st->st_mode & 07777, path);
	else
		doctor_say(d, DOCTOR_FAIL,
		    "HAProxy (user %s, group %s) may not connect to %s, which is %s:%s, mode "
		    "%04o\nin ammit.conf: %s-group %s and %s-mode 0660; then systemctl restart "
		    "ammit\nAmmit may give its sockets to that group only if it is in it: usermod "
		    "-aG %s _ammit",
		    haproxy, group_of(who->gid), path, owner, group, (unsigned)st->st_mode & 07777,
		    m->option, group_of(who->gid), m->option, group_of(who->gid));
}

/* Each folder on the way, then the socket. False after saying who may not. */
static bool
may_reach(struct doctor *d, const struct meeting *m, const struct who *who, const char *path)
{
	char full[PATH_MAX * 2], part[PATH_MAX * 2];
	struct stat st;
	size_t root = strlen(m->root), n;

	snprintf(full, sizeof(full), "%s%s", m->root, path);
	for (const char *slash = strchr(full + root, '/'); slash != NULL;
	     slash = strchr(slash + 1, '/')) {
		n = (size_t)(slash - full) + 1;
		memcpy(part, full, n);
		part[n] = '\0';
		if (stat(part, &st) == 0 && S_ISDIR(st.st_mode) && !who_may(who, &st, X_OK)) {
			say_refused(d, m, who, n > root + 1 ? part + root : "/", &st, true);
			return false;
		}
	}
	if (stat(full, &st) == 0 && !who_may(who, &st, W_OK)) {
		say_refused(d, m, who, path, &st, false);
		return false;
	}
	return true;
}

static void
say_missing(struct doctor *d, const struct meeting *m, const char *theirs, const char *ours)
{
	bool here = access(ours, F_OK) == 0;

	if (!here)
		doctor_say(d, DOCTOR_FAIL,
		    "%s does not exist: Ammit does not run, or not with these "
		    "options\nsystemctl start ammit; journalctl -u ammit",
		    ours);
	else if (m->chroot && d->process.root_seen)
		doctor_say(d, DOCTOR_FAIL,
		    "HAProxy looks for %s in its chroot %s, and it is not there\nput "
		    "contrib/systemd/haproxy-chroot.conf into "
		    "/etc/systemd/system/haproxy.service.d (the Debian package has it);\nthen "
		    "systemctl daemon-reload; systemctl restart haproxy\nwithout systemd: mount "
		    "--bind the folder of the socket to %s%s; or remove chroot",
		    theirs, m->chroot_path, m->chroot_path, theirs);
	else if (m->chroot)
		doctor_say(d, DOCTOR_SKIP,
		    "what HAProxy sees of %s in its chroot %s cannot be seen from here: %s\nrun "
		    "ammit doctor as root while HAProxy runs; contrib/systemd/haproxy-chroot.conf "
		    "binds the folder there",
		    theirs, m->chroot_path,
		    d->process.pid == 0 ? "it does not run" : "that takes root");
	else
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: HAProxy looks for %s, and Ammit listens at %s\nserver … \"%s\", or %s "
		    "%s in ammit.conf",
		    m->server->file, m->server->number, theirs, ours, m->at->text, m->option,
		    m->at->text);
}

static void
check_path(struct doctor *d, const struct meeting *m, const char *theirs, const char *ours)
{
	char full[PATH_MAX * 2];
	struct stat here, there;
	struct who who;

	snprintf(full, sizeof(full), "%s%s", m->root, theirs);
	if (stat(full, &there) != 0 && (errno == EACCES || errno == EPERM)) {
		doctor_say(d, DOCTOR_SKIP, "%s cannot be looked at: %s\nrun ammit doctor as root",
		    theirs, strerror(errno));
		return;
	}
	if (stat(full, &there) != 0 || stat(ours, &here) != 0) {
		say_missing(d, m, theirs, ours);
		return;
	}
	if (!S_ISSOCK(there.st_mode) || here.st_dev != there.st_dev ||
	    here.st_ino != there.st_ino) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: %s, which HAProxy connects to, is not the socket %s that Ammit listens "
		    "at\nserver … \"%s\"",
		    m->server->file, m->server->number, theirs, ours, m->at->text);
		return;
	}
	if (!haproxy_who(d, &who)) {
		doctor_say(d, DOCTOR_SKIP,
		    "%s is the same on both sides, but as whom HAProxy connects is not known: it "
		    "does not run, and its file names no user\nrun ammit doctor while HAProxy runs",
		    ours);
		return;
	}
	if (may_reach(d, m, &who, theirs))
		doctor_say(d, DOCTOR_OK, "%s is the same on both sides, and user %s may connect",
		    ours, name_of(who.uid));
}

static void
check_meeting(struct doctor *d, struct meeting *m)
{
	const char *ours = endpoint_path(m->at), *why, *theirs;
	struct slice address = m->server->word[2];
	struct endpoint e;

	if (!server_endpoint(address, &e, &why)) {
		doctor_say(d, DOCTOR_SKIP,
		    "%s:%u: \"%.*s\" is no address that could be compared with %s of Ammit",
		    m->server->file, m->server->number, DOCTOR_S(address), m->at->text);
		return;
	}
	theirs = endpoint_path(&e);
	if (ours != NULL && theirs != NULL) {
		find_root(d, m);
		check_path(d, m, theirs, ours);
	} else if (ours == NULL && theirs == NULL &&
		   memcmp(&e.address, &m->at->address, sizeof(e.address)) == 0) {
		doctor_say(d, DOCTOR_OK, "%s on both sides", m->at->text);
	} else {
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: HAProxy connects to %.*s, and Ammit listens at %s\nserver … \"%s\", or "
		    "%s %.*s in ammit.conf",
		    m->server->file, m->server->number, DOCTOR_S(address), m->at->text, m->at->text,
		    m->option, DOCTOR_S(address));
	}
}

static void
check_backend(struct doctor *d, const char *option, const struct endpoint *at,
    const struct haproxy_section *backend)
{
	struct meeting m = { .option = option, .at = at, .backend = backend };

	m.server = backend == NULL ? NULL : doctor_server(d, backend);
	if (m.server == NULL)
		doctor_say(d, DOCTOR_SKIP, "HAProxy's configuration has no such server");
	else
		check_meeting(d, &m);
}

void
doctor_socket_spop(struct doctor *d)
{
	check_backend(d, "spop", &d->options.spop, d->backend);
}

void
doctor_socket_http(struct doctor *d)
{
	check_backend(d, "http", &d->options.http,
	    haproxy_conf_section(d->conf, "backend", SLICE("ammit-challenge")));
}

void
doctor_socket_drip(struct doctor *d)
{
	if (!d->options.has_drip)
		doctor_say(d, DOCTOR_OK, "drip is off: who would be dripped is denied");
	else
		check_backend(d, "drip", &d->options.drip,
		    haproxy_conf_section(d->conf, "backend", SLICE("ammit-drip")));
}
