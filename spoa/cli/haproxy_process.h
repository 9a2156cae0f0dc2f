#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/slice.h"

#define HAPROXY_GROUPS_MAX 64u

/* Who somebody is to the file system. */
struct who {
	uid_t uid;
	gid_t gid;
	gid_t group[HAPROXY_GROUPS_MAX]; /* beside gid */
	unsigned groups;
};

/* A running HAProxy, as /proc has it. */
struct haproxy_process {
	pid_t pid; /* 0: none was found */
	struct who who;
	/*
	 * NAME=VALUE with NULs between, that it was started with; NULL: not to be seen, or not to
	 * be believed. Programs are run with it, so it is taken from nobody but root and ourselves:
	 * anybody may call his process haproxy, and a set-user-ID program of root's that he starts.
	 */
	char *environment;
	size_t environment_bytes;
	bool root_seen;     /* /proc/PID/root can be looked into */
	int64_t started_ns; /* by the clock that files have */
};

/*
 * The one that was started with `-f` and one of these files, or a folder that one of them stands
 * in; of a master and its workers a worker, with the master's environment. False: there is none
 * that can be seen.
 */
bool haproxy_process_find(struct haproxy_process *p, const char *const *files, unsigned count);
void haproxy_process_fini(struct haproxy_process *p);

/* May `who` do that (R_OK, W_OK, X_OK) by owner, group and mode? */
bool who_may(const struct who *who, const struct stat *st, int how);

/* Those of a process. */
bool who_of_process(pid_t pid, struct who *out);
