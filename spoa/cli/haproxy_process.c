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

static void
take(struct haproxy_process *p, pid_t pid, const struct who *who)
{
	char path[64];
	struct stat st;

	haproxy_process_fini(p);
	p->pid = pid;
	p->who = *who;
	p->environment = read_proc(pid, "environ", &p->environment_bytes);
	snprintf(path, sizeof(path), "/proc/%d/root/.", (int)pid);
	p->root_seen = access(path, X_OK) == 0;
	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (stat(path, &st) == 0)
		p->started_ns = (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec;
}

bool
haproxy_process_find(struct haproxy_process *p, const char *const *files, unsigned count)
{
	DIR *d = opendir("/proc");
	struct dirent *e;

	*p = (struct haproxy_process){ .pid = 0 };
	while (d != NULL && (e = readdir(d)) != NULL) {
		unsigned long long pid;
		struct who who;

		if (!slice_number(slice_of(e->d_name), INT_MAX, &pid) ||
		    !matches((pid_t)pid, files, count) || !who_of_process((pid_t)pid, &who))
			continue;
		/* The worker connects, and it is the one that gave up being root; the youngest, if
		 * there are several. */
		if (p->pid == 0 || (who.uid != 0 && p->who.uid == 0) ||
		    ((who.uid == 0) == (p->who.uid == 0) && (pid_t)pid > p->pid))
			take(p, (pid_t)pid, &who);
	}
	if (d != NULL)
		closedir(d);
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
