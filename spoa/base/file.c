#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

/* What failed; where the words of the system do not say what to do, ours. */
static const char *
describe(int error)
{
	return error == EACCES ? "Permission denied: let the user that runs this read it"
			       : strerror(error);
}

static const char *
too_large(unsigned long long bytes, size_t most)
{
	static _Thread_local char why[80];

	snprintf(why, sizeof(why), "it has %llu bytes, and at most %zu are read", bytes, most);
	return why;
}

char *
file_read(const char *path, size_t most, size_t *bytes, const char **why)
{
	struct stat st;
	char *buf = NULL;
	size_t have = 0;
	/* Not blocking: a FIFO would wait for its writer. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		*why = describe(errno);
		return NULL;
	}
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		*why = S_ISDIR(st.st_mode) ? "it is a folder: name a file in it"
					   : "it is no regular file";
		goto fail;
	}
	if ((unsigned long long)st.st_size > most) {
		*why = too_large((unsigned long long)st.st_size, most);
		goto fail;
	}
	buf = xcalloc(1, (size_t)st.st_size + 1);
	while (have < (size_t)st.st_size) {
		ssize_t r = read(fd, buf + have, (size_t)st.st_size - have);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			*why = strerror(errno);
			goto fail;
		}
		if (r == 0)
			break;
		have += (size_t)r;
	}
	close(fd);
	buf[have] = '\0';
	*bytes = have;
	return buf;
fail:
	free(buf);
	close(fd);
	return NULL;
}

bool
file_make_folder(const char *path)
{
	char part[PATH_MAX];
	size_t n = strlen(path);

	if (n == 0 || n >= sizeof(part)) {
		errno = ENAMETOOLONG;
		return false;
	}
	memcpy(part, path, n + 1);
	for (size_t i = 1; i <= n; i++) {
		if (part[i] != '/' && part[i] != '\0')
			continue;
		part[i] = '\0';
		if (mkdir(part, 0700) != 0 && errno != EEXIST &&
		    (i == n || access(part, F_OK) != 0))
			return false;
		part[i] = path[i];
	}
	return true;
}
