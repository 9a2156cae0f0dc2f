/*
 * Load on an SPOP socket, as HAProxy makes it, without HAProxy: N connections with D NOTIFYs in
 * flight each. One thread. Every ACK must answer a NOTIFY that is out, once, with an action.
 *
 *   spopload -a ADDR [-c CONNS] [-d DEPTH] [-t SECONDS | -n REQUESTS] [-m MIX] [-p PASS]
 *     -a, --addr    unix@PATH or ADDRESS:PORT
 *     -c, --conns   connections (1)
 *     -d, --depth   NOTIFYs in flight on each (1); 0: say HELLO, print `held`, and wait out -t
 *     -t, --time    seconds (2)
 *     -n, --count   requests, in place of a time
 *     -m, --mix     browser, pass, curl, bot or all (all)
 *     -p, --pass    the cookie that the visitor `pass` brings
 *
 * Prints one line of name=value. Exits 1 if an answer was wrong or a connection was lost.
 */
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <time.h>

#include "bench/requests.h"
#include "bench/wire.h"

#define IN_BYTES 65536u
#define DEPTH_MAX 512u
#define CONNS_MAX 20000u
#define EVENTS 64
#define STALL_MS 2000 /* this long without an answer ends the run */

struct slot {
	uint64_t stream_id;
	uint64_t sent_ns;
	bool out; /* waits for its ACK */
};

struct conn {
	int fd;
	bool open;    /* HELLO was answered */
	bool blocked; /* EPOLLOUT is wanted */
	uint64_t turn;
	size_t in_bytes, out_bytes, sent_bytes;
	struct slot *slot;
	uint8_t *in, *out;
};

enum { ALLOW, CHALLENGE, DENY, DRIP, NONE, VERDICTS };
static const char *const verdict_name[VERDICTS] = { "allow", "challenge", "deny", "drip", "none" };

/* Latency: 32 steps an octave, so a bucket is within 3 % of what fell into it. */
enum { STEPS = 32, BUCKETS = STEPS * 60 };

static struct {
	const char *addr, *mix, *pass;
	unsigned conns, depth;
	double seconds;
	uint64_t requests;
} options = { NULL, "all", "", 1, 1, 2, 0 };

static struct {
	uint8_t bytes[REQUESTS_PAYLOAD_MAX];
	size_t n;
} payload[VISITORS * REQUESTS_VARIANTS];
static unsigned payloads;

static struct {
	uint64_t sent, answered, wrong, lost, ack_bytes, verdict[VERDICTS], bucket[BUCKETS];
	unsigned open;
} count;

static int epoll_fd;
static uint64_t end_ns;

static uint64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void
latency_add(uint64_t ns)
{
	unsigned shift = 0;

	while (ns >> shift >= 2 * STEPS)
		shift++;
	count.bucket[shift * STEPS + (ns >> shift)]++;
}

/* In µs: the lower edge of the bucket that holds it. */
static double
latency_quantile(double q)
{
	double want = q * (double)count.answered, seen = 0;

	for (unsigned i = 0; i < BUCKETS; i++) {
		seen += (double)count.bucket[i];
		if (seen >= want && seen > 0) {
			unsigned shift = i < 2 * STEPS ? 0 : i / STEPS - 1;

			return (double)((uint64_t)(i - shift * STEPS) << shift) / 1000;
		}
	}
	return 0;
}

static void
build_payloads(void)
{
	for (unsigned v = 0; v < VISITORS; v++) {
		if (!requests_in_mix(&visitors[v], options.mix))
			continue;
		for (unsigned i = 0; i < REQUESTS_VARIANTS; i++) {
			payload[payloads].n = requests_payload(
			    &visitors[v], i, options.pass, payload[payloads].bytes);
			payloads++;
		}
	}
}

static bool
more_to_send(uint64_t now)
{
	return options.requests != 0 ? count.sent < options.requests : now < end_ns;
}

static bool
flush(struct conn *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	bool blocked = false;

	while (c->sent_bytes < c->out_bytes && !blocked) {
		ssize_t n = send(c->fd, c->out + c->sent_bytes, c->out_bytes - c->sent_bytes,
		    MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n < 0 && errno != EAGAIN)
			return false;
		blocked = n < 0;
		if (n > 0)
			c->sent_bytes += (size_t)n;
	}
	if (!blocked)
		c->sent_bytes = c->out_bytes = 0;
	if (blocked != c->blocked) {
		c->blocked = blocked;
		e.events = blocked ? EPOLLIN | EPOLLOUT : EPOLLIN;
		epoll_ctl(epoll_fd, EPOLL_CTL_MOD, c->fd, &e);
	}
	return true;
}

/* A stream-id of a slot is never used twice: slot, slot + depth, slot + 2 depth, … */
static void
put_notify(struct conn *c, struct slot *s, uint64_t now)
{
	uint8_t *frame = c->out + c->out_bytes, *p;
	unsigned i = (unsigned)(c->turn++ % payloads);

	s->sent_ns = now;
	s->out = true;
	p = wire_begin(frame, WIRE_NOTIFY, s->stream_id, 1);
	p = wire_put_bytes(p, payload[i].bytes, payload[i].n);
	c->out_bytes = (size_t)(wire_end(frame, p) - c->out);
	count.sent++;
}

/* Which verdict it carries; NONE if it has no action or is broken. */
static unsigned
verdict_of(const uint8_t *p, const uint8_t *end)
{
	uint64_t n;

	while (p != NULL && end - p >= 3 && p[0] == 1 && p[1] == 3) {
		const uint8_t *name = wire_get_varint(p + 3, end, &n);
		const uint8_t *value;
		bool wanted;

		if (name == NULL || n >= (uint64_t)(end - name))
			return NONE;
		wanted = n == 7 && memcmp(name, "verdict", 7) == 0;
		value = name + n;
		p = wire_get_varint(value + 1, end, &n);
		if (p == NULL || (*value & 15) != WIRE_STRING)
			continue;
		if (n > (uint64_t)(end - p))
			return NONE;
		for (unsigned v = 0; v < NONE && wanted; v++)
			if (n == strlen(verdict_name[v]) && memcmp(p, verdict_name[v], n) == 0)
				return v;
		p += n;
	}
	return NONE;
}

static bool
on_ack(struct conn *c, const uint8_t *frame, const uint8_t *end, uint64_t now)
{
	uint64_t stream_id = 0, frame_id = 0;
	const uint8_t *p = wire_get_varint(frame + 5, end, &stream_id);
	struct slot *s = &c->slot[stream_id % options.depth];
	unsigned verdict;

	p = wire_get_varint(p, end, &frame_id);
	if (p == NULL || frame_id != 1 || !s->out || s->stream_id != stream_id)
		return false;
	verdict = verdict_of(p, end);
	count.verdict[verdict]++;
	count.ack_bytes += (uint64_t)(end - frame) + 4;
	count.answered++;
	latency_add(now - s->sent_ns);
	s->out = false;
	s->stream_id += options.depth;
	if (verdict == NONE)
		count.wrong++;
	if (more_to_send(now))
		put_notify(c, s, now);
	return true;
}

static bool
on_frame(struct conn *c, const uint8_t *frame, const uint8_t *end, uint64_t now)
{
	if (frame[0] == WIRE_ACK && c->open && options.depth > 0)
		return on_ack(c, frame, end, now);
	if (frame[0] != WIRE_AGENT_HELLO || c->open)
		return false;
	c->open = true;
	count.open++;
	for (unsigned i = 0; i < options.depth && more_to_send(now); i++)
		put_notify(c, &c->slot[i], now);
	return true;
}

static bool
on_readable(struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_bytes, IN_BYTES - c->in_bytes, MSG_DONTWAIT);
	uint64_t now = now_ns();
	size_t done = 0;

	if (n <= 0)
		return n < 0 && (errno == EAGAIN || errno == EINTR);
	c->in_bytes += (size_t)n;
	while (c->in_bytes - done >= 4) {
		uint32_t bytes = wire_get_u32(c->in + done);

		if (bytes < 7 || bytes > WIRE_FRAME_MAX)
			return false;
		if (c->in_bytes - done - 4 < bytes)
			break;
		if (!on_frame(c, c->in + done + 4, c->in + done + 4 + bytes, now)) {
			count.wrong++;
			return false;
		}
		done += 4 + bytes;
	}
	memmove(c->in, c->in + done, c->in_bytes - done);
	c->in_bytes -= done;
	return flush(c);
}

static bool
conn_open(struct conn *c)
{
	struct epoll_event e = { .events = EPOLLIN, .data.ptr = c };
	size_t room = (options.depth + 1) * (REQUESTS_PAYLOAD_MAX + WIRE_HEADER_MAX);
	uint8_t *p;

	c->fd = wire_open(options.addr, false);
	c->in = malloc(options.depth == 0 ? 512 : IN_BYTES);
	c->out = malloc(room);
	c->slot = calloc(options.depth + 1, sizeof(*c->slot));
	if (c->fd < 0 || c->in == NULL || c->out == NULL || c->slot == NULL)
		return false;
	for (unsigned i = 0; i < options.depth; i++)
		c->slot[i].stream_id = i;
	p = wire_begin(c->out, WIRE_HELLO, 0, 0);
	p = wire_put_pair(p, "supported-versions", "2.0");
	p = wire_put_string(p, "max-frame-size");
	*p++ = WIRE_UINT32;
	p = wire_put_varint(p, WIRE_FRAME_MAX);
	p = wire_put_pair(p, "capabilities", "pipelining,async");
	p = wire_put_pair(p, "engine-id", "d9af0902-e7ee-4e9b-b41c-b0fea0d20855");
	c->out_bytes = (size_t)(wire_end(c->out, p) - c->out);
	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, c->fd, &e) == 0 && flush(c);
}

static void
conn_lost(struct conn *c)
{
	count.lost++;
	close(c->fd);
	c->fd = -1;
}

/* Until all is answered, or time is up, or nothing comes any more. */
static void
run(void)
{
	struct epoll_event ready[EVENTS];

	while (count.lost < options.conns) {
		bool idle = options.depth == 0 && count.open == options.conns;
		int n;

		if (options.depth > 0 && count.answered == count.sent &&
		    count.open == options.conns && !more_to_send(now_ns()))
			return;
		if (idle) {
			printf("held=%u\n", count.open);
			fflush(stdout);
			poll(NULL, 0, (int)(options.seconds * 1000));
			return;
		}
		n = epoll_wait(epoll_fd, ready, EVENTS, STALL_MS);
		if (n == 0)
			return;
		for (int i = 0; i < n; i++) {
			struct conn *c = ready[i].data.ptr;

			if ((ready[i].events & EPOLLOUT && !flush(c)) ||
			    (ready[i].events & ~(uint32_t)EPOLLOUT && !on_readable(c)))
				conn_lost(c);
		}
	}
}

static bool
parse(int argc, char **argv)
{
	static const struct option names[] = { { "addr", 1, NULL, 'a' }, { "conns", 1, NULL, 'c' },
		{ "depth", 1, NULL, 'd' }, { "time", 1, NULL, 't' }, { "count", 1, NULL, 'n' },
		{ "mix", 1, NULL, 'm' }, { "pass", 1, NULL, 'p' }, { NULL, 0, NULL, 0 } };
	int option;

	while ((option = getopt_long(argc, argv, "a:c:d:t:n:m:p:", names, NULL)) != -1) {
		if (option == 'a')
			options.addr = optarg;
		else if (option == 'c')
			options.conns = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 'd')
			options.depth = (unsigned)strtoul(optarg, NULL, 10);
		else if (option == 't')
			options.seconds = strtod(optarg, NULL);
		else if (option == 'n')
			options.requests = strtoull(optarg, NULL, 10);
		else if (option == 'm')
			options.mix = optarg;
		else if (option == 'p')
			options.pass = optarg;
		else
			return false;
	}
	return optind == argc && options.addr != NULL && options.conns >= 1 &&
	       options.conns <= CONNS_MAX && options.depth <= DEPTH_MAX && options.seconds > 0 &&
	       options.seconds <= 3600 && strlen(options.pass) <= REQUESTS_PASS_MAX;
}

static void
report(double seconds)
{
	double answered = (double)count.answered;

	printf("verdicts=%" PRIu64 " seconds=%.3f rate=%.0f p50_us=%.1f p99_us=%.1f",
	    count.answered, seconds, answered / seconds, latency_quantile(0.5),
	    latency_quantile(0.99));
	for (unsigned v = 0; v < VERDICTS; v++)
		printf(" %s=%" PRIu64, verdict_name[v], count.verdict[v]);
	printf(" ack_bytes=%.0f unanswered=%" PRIu64 " wrong=%" PRIu64 " lost=%" PRIu64 "\n",
	    count.answered ? (double)count.ack_bytes / answered : 0.0, count.sent - count.answered,
	    count.wrong, count.lost);
}

int
main(int argc, char **argv)
{
	static struct conn *conns; /* to the end */
	uint64_t begin_ns;

	if (parse(argc, argv))
		build_payloads();
	if (payloads == 0) {
		fprintf(stderr, "usage: spopload -a ADDR [-c CONNS] [-d DEPTH] [-t SECONDS | -n "
				"REQUESTS] [-m browser|pass|curl|bot|all] [-p PASS]\n");
		return 2;
	}
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	conns = calloc(options.conns, sizeof(*conns));
	if (epoll_fd < 0 || conns == NULL)
		return 1;
	begin_ns = now_ns();
	end_ns = begin_ns + (uint64_t)(options.seconds * 1e9);
	for (unsigned i = 0; i < options.conns; i++) {
		if (!conn_open(&conns[i])) {
			perror(options.addr);
			return 1;
		}
	}
	run();
	report((double)(now_ns() - begin_ns) / 1e9);
	return count.wrong > 0 || count.lost > 0 || count.answered < count.sent ||
	       count.open < options.conns;
}
