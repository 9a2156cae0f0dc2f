#include "cli/haproxy_process.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"

#define PROC_BYTES_MAX ((size_t)256 * 1024)
#define PROCESSES_MAX 256u

/* A file of /proc, which has no size before it is read; NULL: it cannot be. */
static char *
read_proc(pid_t pid, const char *name, size_t *bytes)
{
	char path[64], *buf;
	int fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return NULL;
	buf = xcalloc(1, PROC_BYTES_MAX + 1);
	*bytes = 0;
	while (*bytes < PROC_BYTES_MAX && (n = read(fd, buf + *bytes, PROC_BYTES_MAX - *bytes)) > 0)
		*bytes += (size_t)n;
	close(fd);
	return buf;
}

/* A path as that process means it, in full; false: it is none. */
static bool
resolve(pid_t pid, struct slice argument, char out[PATH_MAX])
{
	char path[PATH_MAX];
	int n = argument.len > 0 && argument.ptr[0] == '/'
		    ? snprintf(path, sizeof(path), "%.*s", (int)argument.len, argument.ptr)
		    : snprintf(path, sizeof(path), "/proc/%d/cwd/%.*s", (int)pid, (int)argument.len,
			  argument.ptr);

	return n > 0 && (size_t)n < sizeof(path) && realpath(path, out) != NULL;
}

static bool
is_one_of(pid_t pid, struct slice argument, const char *const *files, unsigned count)
{
	char theirs[PATH_MAX], ours[PATH_MAX];
	size_t n;

	if (!resolve(pid, argument, theirs))
		return false;
	n = strlen(theirs);
	for (unsigned i = 0; i < count; i++)
		if (realpath(files[i], ours) != NULL && strncmp(theirs, ours, n) == 0 &&
		    (ours[n] == '\0' || (ours[n] == '/' && strchr(ours + n + 1, '/') == NULL)))
			return true;
	return false;
}

static bool
is_haproxy(struct slice argument)
{
	const char *slash = memrchr(argument.ptr, '/', argument.len);
	size_t skip = slash == NULL ? 0 : (size_t)(slash - argument.ptr) + 1;

	return slice_starts(
	    (struct slice){ argument.ptr + skip, argument.len - skip }, SLICE("haproxy"));
}

/* Was it started as a HAProxy with such a file, and not to check it? */
static bool
matches(pid_t pid, const char *const *files, unsigned count)
{
	size_t bytes;
	char *line = read_proc(pid, "cmdline", &bytes);
	struct slice rest = { line, bytes };
	bool haproxy = false, file = false, next = false;

	if (line == NULL)
		return false;
	while (rest.len > 0) {
		struct slice argument = slice_split(rest, '\0', &rest);

		if (slice_equal(argument, SLICE("-c"))) {
			file = false;
			break;
		}
		if (!next && argument.len > 0 && is_haproxy(argument))
			haproxy = true;
		if (next)
			file = file || is_one_of(pid, argument, files, count);
		next = slice_equal(argument, SLICE("-f"));
	}
	free(line);
	return haproxy && file;
}

/* The numbers behind "Uid:" and its like, a tab or a blank between. */
static unsigned
numbers(struct slice text, const char *name, unsigned long long out[], unsigned most)
{
	unsigned count = 0;

	while (text.len > 0) {
		struct slice line = slice_split(text, '\n', &text), value = { NULL, 0 };

		if (!slice_equal(slice_split(line, ':', &value), slice_of(name)))
			continue;
		for (size_t i = 0; i < value.len && count < most; i++) {
			size_t n = 0;

			while (
			    i + n < value.len && value.ptr[i + n] >= '0' && value.ptr[i + n] <= '9')
				n++;
			if (slice_number((struct slice){ value.ptr + i, n }, UINT_MAX, &out[count]))
				count++;
			i += n;
		}
	}
	return count;
}

bool
who_of_process(pid_t pid, struct who *out)
{
	unsigned long long uid[4], gid[4], group[HAPROXY_GROUPS_MAX];
	size_t bytes;
	char *text = read_proc(pid, "status", &bytes);
	struct slice s = { text, bytes };
	bool good;

	if (text == NULL)
		return false;
	/* Real, effective, saved, of the file system. */
	good = numbers(s, "Uid", uid, 4) == 4 && numbers(s, "Gid", gid, 4) == 4;
	if (good) {
		out->uid = (uid_t)uid[3];
		out->gid = (gid_t)gid[3];
		out->groups = numbers(s, "Groups", group, HAPROXY_GROUPS_MAX);
		for (unsigned i = 0; i < out->groups; i++)
			out->group[i] = (gid_t)group[i];
	}
	free(text);
	return good;
}

static pid_t
parent_of(pid_t pid)
{
	unsigned long long parent = 0;
	size_t bytes;
	char *text = read_proc(pid, "status", &bytes);

	if (text != NULL)
		(void)numbers((struct slice){ text, bytes }, "PPid", &parent, 1);
	free(text);
	return (pid_t)parent;
}

/* What /proc/PID/NAME points to; false: not to be seen. */
static bool
read_link(const char *pid, const char *name, char out[PATH_MAX])
{
	char path[64];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/%s", pid, name);
	n = readlink(path, out, PATH_MAX - 1);
	out[n < 0 ? 0 : n] = '\0';
	return n > 0;
}

/*
 * May its environment be believed? It is of root or ourselves by all its ids, since whoever starts
 * a set-user-ID program chooses its name, arguments and environment; it runs a program that is
 * called haproxy, which is root's choice then; and root of a container is not our root.
 */
static bool
is_trusted(pid_t pid)
{
	char number[16], exe[64], theirs[PATH_MAX], ours[PATH_MAX];
	unsigned long long uid[4];
	struct stat st;
	size_t bytes;
	char *text = read_proc(pid, "status", &bytes);
	bool good = text != NULL && numbers((struct slice){ text, bytes }, "Uid", uid, 4) == 4;

	free(text);
	for (unsigned i = 1; i < 4 && good; i++)
		good = uid[i] == uid[0];
	snprintf(number, sizeof(number), "%d", (int)pid);
	snprintf(exe, sizeof(exe), "/proc/%d/exe", (int)pid);
	return good && (uid[0] == 0 || uid[0] == geteuid()) && stat(exe, &st) == 0 &&
	       (st.st_mode & (S_ISUID | S_ISGID)) == 0 && read_link(number, "ns/pid", theirs) &&
	       read_link("self", "ns/pid", ours) && strcmp(theirs, ours) == 0;
}

static void
look_at(struct haproxy_process *p, pid_t pid, const struct who *who)
{
	char path[64];
	struct stat st;

	p->pid = pid;
	p->who = *who;
	snprintf(path, sizeof(path), "/proc/%d/root/.", (int)pid);
	p->root_seen = access(path, X_OK) == 0;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	p->started_ns = 0;
	if (stat(path, &st) == 0)
		p->started_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
}

/* Of those that match: a master is the trusted one that others were started by. */
struct found {
	pid_t pid, parent;
	struct who who;
	bool trusted;
};

static unsigned
find_all(struct found *out, const char *const *files, unsigned count)
{
	DIR *d = opendir("/proc");
	struct dirent *e;
	unsigned n = 0;

	while (d != NULL && n < PROCESSES_MAX && (e = readdir(d)) != NULL) {
		unsigned long long pid;

		if (!slice_number(slice_of(e->d_name), INT_MAX, &pid) ||
		    !matches((pid_t)pid, files, count) || !who_of_process((pid_t)pid, &out[n].who))
			continue;
		out[n].pid = (pid_t)pid;
		out[n].trusted = is_trusted((pid_t)pid);
		out[n++].parent = parent_of((pid_t)pid);
	}
	if (d != NULL)
		closedir(d);
	return n;
}

/* A worker of a trusted master before its master, that before any other; the younger before the
 * older. */
static unsigned
rank(const struct found *all, unsigned n, unsigned i)
{
	for (unsigned k = 0; k < n; k++)
		if (all[i].parent == all[k].pid && all[k].trusted)
			return 2;
	return all[i].trusted;
}

bool
haproxy_process_find(struct haproxy_process *p, const char *const *files, unsigned count)
{
	struct found *all = xcalloc(PROCESSES_MAX, sizeof(*all));
	unsigned n = find_all(all, files, count), best = 0;

	*p = (struct haproxy_process){ .pid = 0 };
	for (unsigned i = 1; i < n; i++) {
		unsigned a = rank(all, n, i), b = rank(all, n, best);

		if (a > b || (a == b && all[i].pid > all[best].pid))
			best = i;
	}
	if (n > 0) {
		pid_t source = all[best].trusted         ? all[best].pid
			       : rank(all, n, best) == 2 ? all[best].parent
							 : 0;

		look_at(p, all[best].pid, &all[best].who);
		if (source != 0)
			p->environment = read_proc(source, "environ", &p->environment_bytes);
		/* It may have become another meanwhile, or its number may have. */
		if (p->environment != NULL && !is_trusted(source)) {
			free(p->environment);
			p->environment = NULL;
		}
	}
	free(all);
	return p->pid != 0;
}

void
haproxy_process_fini(struct haproxy_process *p)
{
	free(p->environment);
	*p = (struct haproxy_process){ .pid = 0 };
}

static bool
in_group(const struct who *who, gid_t gid)
{
	for (unsigned i = 0; i < who->groups; i++)
		if (who->group[i] == gid)
			return true;
	return who->gid == gid;
}

bool
who_may(const struct who *who, const struct stat *st, int how)
{
	unsigned shift = st->st_uid == who->uid ? 6 : in_group(who, st->st_gid) ? 3 : 0;

	return who->uid == 0 || ((unsigned)how & ~(st->st_mode >> shift)) == 0;
}
