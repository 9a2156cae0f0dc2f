#include "cli/program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "net/endpoint.h"

extern char **environ;

/* In the child: where 127 is said by a shell, errno is said here. */
static void
become(char *const argv[], char *const environment[], int out, int error)
{
	int nowhere = open("/dev/null", O_RDONLY | O_CLOEXEC), why;

	if (nowhere >= 0 && dup2(nowhere, 0) >= 0 && dup2(out, 1) >= 0 && dup2(out, 2) >= 0)
		execve(argv[0], argv, environment != NULL ? environment : environ);
	why = errno;
	if (write(error, &why, sizeof(why)) != sizeof(why))
		_exit(126);
	_exit(127);
}

/* Until it has closed its end. False: it did not in time. */
static bool
listen_to(int fd, int64_t end_ms, struct text *said)
{
	char buf[4096];

	for (;;) {
		ssize_t n;

		if (endpoint_wait(fd, POLLIN, end_ms) != 0)
			return false;
		n = read(fd, buf, sizeof(buf));
		if (n == 0 || (n < 0 && errno != EINTR))
			return true;
		if (n > 0)
			text_put(said, (struct slice){ buf, (size_t)n });
	}
}

bool
program_run(char *const argv[], char *const environment[], int timeout_ms, struct text *said,
    int *status, const char **why)
{
	int out[2], error[2], failed = 0, ended;
	bool in_time;
	pid_t child;

	*why = NULL;
	if (pipe2(out, O_CLOEXEC) != 0) {
		*why = strerror(errno);
		return false;
	}
	child = pipe2(error, O_CLOEXEC) == 0 ? fork() : -1;
	if (child == 0)
		become(argv, environment, out[1], error[1]);
	close(out[1]);
	if (child < 0) {
		*why = strerror(errno);
		close(out[0]);
		return false;
	}
	close(error[1]);
	if (read(error[0], &failed, sizeof(failed)) == sizeof(failed))
		*why = strerror(failed);
	close(error[0]);
	in_time = listen_to(out[0], clock_mono_ms() + timeout_ms, said);
	close(out[0]);
	if (!in_time) {
		kill(child, SIGKILL);
		*why = "it did not end in time";
	}
	while (waitpid(child, &ended, 0) < 0 && errno == EINTR)
		;
	*status = WIFEXITED(ended) ? WEXITSTATUS(ended) : 128 + WTERMSIG(ended);
	return *why == NULL;
}
