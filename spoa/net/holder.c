#include "net/holder.h"

#include <dirent.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/slice.h"

void
holder_name(pid_t pid, char *out, size_t bytes)
{
	char path[64], name[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	f = fopen(path, "re");
	if (f != NULL) {
		if (fgets(name, sizeof(name), f) != NULL)
			name[strcspn(name, "\n")] = '\0';
		fclose(f);
	}
	if (name[0] != '\0')
		snprintf(out, bytes, "%s (pid %d)", name, (int)pid);
	else
		snprintf(out, bytes, "pid %d", (int)pid);
}

/* The inode of a listening socket on this port, 0: none. */
static unsigned long
listening_inode(const char *table, unsigned port)
{
	FILE *f = fopen(table, "re");
	char line[512];
	unsigned long found = 0;

	if (f == NULL)
		return 0;
	while (found == 0 && fgets(line, sizeof(line), f) != NULL) {
		unsigned local_port, state;
		unsigned long inode;

		if (sscanf(line, " %*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x %*s %*s %*s %*d %*d %lu",
			&local_port, &state, &inode) == 3 &&
		    local_port == port && state == 0x0a)
			found = inode;
	}
	fclose(f);
	return found;
}

static bool
has_descriptor(const char *pid, const char *target)
{
	char path[300], link[64];
	DIR *d;
	struct dirent *e;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%s/fd", pid);
	d = opendir(path);
	if (d == NULL)
		return false;
	while (!found && (e = readdir(d)) != NULL) {
		ssize_t n = readlinkat(dirfd(d), e->d_name, link, sizeof(link) - 1);

		if (n > 0) {
			link[n] = '\0';
			found = strcmp(link, target) == 0;
		}
	}
	closedir(d);
	return found;
}

bool
holder_of_port(const struct sockaddr_storage *address, char *out, size_t bytes)
{
	unsigned port = ntohs(address->ss_family == AF_INET
				  ? ((const struct sockaddr_in *)address)->sin_port
				  : ((const struct sockaddr_in6 *)address)->sin6_port);
	unsigned long inode = listening_inode("/proc/net/tcp", port);
	char target[64];
	DIR *d;
	struct dirent *e;
	bool found = false;

	if (inode == 0)
		inode = listening_inode("/proc/net/tcp6", port);
	d = inode == 0 ? NULL : opendir("/proc");
	if (d == NULL)
		return false;
	snprintf(target, sizeof(target), "socket:[%lu]", inode);
	while (!found && (e = readdir(d)) != NULL) {
		unsigned long long pid;

		if (slice_number(slice_of(e->d_name), 1u << 30, &pid) &&
		    has_descriptor(e->d_name, target)) {
			holder_name((pid_t)pid, out, bytes);
			found = true;
		}
	}
	closedir(d);
	return found;
}
