/*
 * A long Ethernet cable between two network namespaces, for kernels without sch_netem: a TAP at
 * each end, and every frame arrives so much later than it was sent, in order.
 *
 *   longwire NETNS NAME NETNS NAME ONE_WAY_US      prints "ready" once both ends are there
 *
 * Each line on standard input is a command, answered by "ok" when it is in force: "delay US", "cut"
 * (what is on its way is lost, too) and "join". Ends, and takes its ends along, with its standard
 * input. Needs root and /dev/net/tun.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include <linux/if.h>
#include <linux/if_tun.h>

/* 1500 bytes and an Ethernet header with a tag: what is longer is lost, as on a real one. */
#define FRAME_MAX 1518
#define FRAMES 8192
#define NEVER_NS UINT64_MAX

struct lane {
	int in, out;
	unsigned first, count;
	struct {
		uint64_t due_ns;
		uint16_t len;
		uint8_t bytes[FRAME_MAX + 1];
	} * ring;
};

static uint64_t delay_ns;
static bool cut;

static uint64_t
clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The end of the cable in a namespace; the caller stays in his own. */
static int
plug(const char *netns, const char *name)
{
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), other, tap;
	char path[128];

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	other = open(path, O_RDONLY | O_CLOEXEC);
	if (own < 0 || other < 0 || setns(other, CLONE_NEWNET) != 0)
		err(1, "%s", path);
	tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", name);
	if (tap < 0 || ioctl(tap, TUNSETIFF, &request) != 0)
		err(1, "/dev/net/tun: %s in %s", name, netns);
	if (setns(own, CLONE_NEWNET) != 0)
		err(1, "back from %s", path);
	close(other);
	close(own);
	return tap;
}

static void
lane_open(struct lane *l, int in, int out)
{
	*l = (struct lane){ .in = in, .out = out, .ring = calloc(FRAMES, sizeof(*l->ring)) };
	if (l->ring == NULL)
		err(1, "memory");
}

/* Deliver what is due at `now`; the time when the next one is. */
static uint64_t
lane_deliver(struct lane *l, uint64_t now)
{
	while (l->count > 0 && l->ring[l->first].due_ns <= now) {
		/* An end that is not up, or has no room: lost, as on a real cable. */
		if (write(l->out, l->ring[l->first].bytes, l->ring[l->first].len) < 0 &&
		    errno == EBADF)
			err(1, "write");
		l->first = (l->first + 1) % FRAMES;
		l->count--;
	}
	return l->count > 0 ? l->ring[l->first].due_ns : NEVER_NS;
}

static void
lane_take(struct lane *l)
{
	uint64_t due_ns = clock_ns() + delay_ns;

	for (int turn = 0; turn < 64; turn++) {
		unsigned at = (l->first + l->count) % FRAMES;
		uint8_t spare[FRAME_MAX + 1];
		bool room = l->count < FRAMES;
		ssize_t n = read(l->in, room ? l->ring[at].bytes : spare, sizeof(spare));

		if (n <= 0)
			return;
		if (!room || cut || n > FRAME_MAX)
			continue;
		l->ring[at].due_ns = due_ns;
		l->ring[at].len = (uint16_t)n;
		l->count++;
	}
}

/* Read commands, and answer them; false at the end of the input. */
static bool
obey(struct lane lanes[2])
{
	char text[64], *rest = text, *line;
	ssize_t n = read(STDIN_FILENO, text, sizeof(text) - 1);

	if (n <= 0)
		return false;
	text[n] = '\0';
	while ((line = strsep(&rest, "\n")) != NULL && *line != '\0') {
		unsigned long us;

		if (sscanf(line, "delay %lu", &us) == 1)
			delay_ns = (uint64_t)us * 1000;
		else if (strcmp(line, "cut") == 0)
			cut = true;
		else if (strcmp(line, "join") == 0)
			cut = false;
		else
			errx(1, "no command: %s", line);
		if (cut)
			lanes[0].count = lanes[1].count = 0;
		puts("ok");
	}
	return true;
}

int
main(int argc, char **argv)
{
	struct lane lanes[2];
	int a, b;

	if (argc != 6)
		errx(2, "usage: longwire NETNS NAME NETNS NAME ONE_WAY_US");
	delay_ns = strtoull(argv[5], NULL, 10) * 1000;
	a = plug(argv[1], argv[2]);
	b = plug(argv[3], argv[4]);
	lane_open(&lanes[0], a, b);
	lane_open(&lanes[1], b, a);
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* The kernel would otherwise wake us up to 50 us late. */
	prctl(PR_SET_TIMERSLACK, 1);
	puts("ready");

	for (;;) {
		struct pollfd fds[3] = { { a, POLLIN, 0 }, { b, POLLIN, 0 },
			{ STDIN_FILENO, POLLIN, 0 } };
		uint64_t now = clock_ns(), next = NEVER_NS;
		struct timespec wait;

		for (int i = 0; i < 2; i++) {
			uint64_t due_ns = lane_deliver(&lanes[i], now);

			next = due_ns < next ? due_ns : next;
		}
		if (next != NEVER_NS)
			wait = (struct timespec){ .tv_sec = (time_t)((next - now) / 1000000000),
				.tv_nsec = (long)((next - now) % 1000000000) };
		if (ppoll(fds, 3, next != NEVER_NS ? &wait : NULL, NULL) < 0 && errno != EINTR)
			err(1, "ppoll");
		if (fds[2].revents != 0 && !obey(lanes))
			return 0;
		for (int i = 0; i < 2; i++)
			if (fds[i].revents & POLLIN)
				lane_take(&lanes[i]);
	}
}
