/*
 * The challenge loop: how many solutions one core checks, and how many pages it serves, counted by
 * its own CPU time, so that who asks costs nothing.
 *
 *   challenge [SOLUTIONS] [PAGES]        default 200000 60000
 *
 * One line a case: what, how many a second of one core, microseconds each.
 */
#include <ev.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "base/memory.h"
#include "challenge/pow.h"
#include "challenge/site.h"

#define NOW 1700000000
#define KEY "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define BATCH 16384u
#define PUZZLES 16u
#define CLIENTS 16u /* so many ask at once: one alone would count how the core wakes */
#define NAVIGATE "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n"

struct solved {
	char ticket[TICKET_TEXT_MAX], solution[PUZZLES * 9];
	size_t ticket_len;
};

static struct keyring keys;
static struct address client;

static double
cpu_s(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void
report(const char *what, unsigned long n, double seconds)
{
	printf("%-44s %9.0f a second, %6.2f us each\n", what, (double)n / seconds,
	    seconds / (double)n * 1e6);
	fflush(stdout);
}

/* Sixteen puzzles of sixteen hashes each: to check one is as dear as if it had been hard. */
static void
solve(struct solved *s, uint32_t i)
{
	struct ticket t = { .issued_s = NOW,
		.challenge = { METHOD_POW, PUZZLES * 16, PUZZLES, 8, 5, false },
		.status = 403,
		.pass_s = 604800,
		.binding = BINDING_NET,
		.client = binding_apply(BINDING_NET, &client),
		.host = SLICE("git.example.org") };
	uint32_t target = pow_target(t.challenge.hashes, PUZZLES);
	uint8_t seed[SHA256_BYTES];
	size_t n = 0;

	memcpy(t.id, &i, sizeof(i));
	s->ticket_len = ticket_seal(&keys, &t, s->ticket);
	pow_seed((struct slice){ s->ticket, s->ticket_len }, seed);
	for (unsigned k = 0; k < PUZZLES; k++)
		n += (size_t)snprintf(s->solution + n, sizeof(s->solution) - n, "%s%08x",
		    k > 0 ? "," : "", (unsigned)pow_solve(seed, target, k));
}

static void
bench_solutions(unsigned long count)
{
	struct solved *s = xcalloc(BATCH, sizeof(*s));
	struct spent *seen = spent_new(16, NOW - 1);
	unsigned long done = 0, right = 0, refused = 0;
	double wrong_s = 0, right_s = 0;

	for (uint32_t i = 0; i < BATCH; i++)
		solve(&s[i], i);
	while (done < count) {
		struct spent *spent = spent_new(BATCH, NOW - 1);
		struct gate_answer a;
		double begin;

		for (unsigned turn = 0; turn < 2; turn++) {
			begin = cpu_s(CLOCK_THREAD_CPUTIME_ID);
			for (uint32_t i = 0; i < BATCH; i++) {
				struct gate_request r = { .method = METHOD_POW,
					.visit = { { s[i].ticket, s[i].ticket_len },
					    SLICE("git.example.org"), client, NOW } };

				r.solution = (struct slice){ s[(i + 1 - turn) % BATCH].solution,
					PUZZLES * 9 - 1 };
				if (gate_redeem(&keys, spent, seen, &r, &a) == GATE_PASSED)
					right++;
				else
					refused++;
			}
			*(turn == 0 ? &wrong_s : &right_s) +=
			    cpu_s(CLOCK_THREAD_CPUTIME_ID) - begin;
		}
		done += BATCH;
		spent_free(spent);
	}
	if (right != done || refused != done)
		printf("WRONG: %lu right, %lu refused of %lu\n", right, refused, done);
	report("solutions, 16 puzzles, right: with the pass", done, right_s);
	report("solutions of another ticket: refused", done, wrong_s);
	spent_free(seen);
	free(s);
}

/* ---- pages ---- */

static struct site site;
static struct ev_loop *loop;
static ev_async stop;
static double served_s;
static int listen_fd;

static int64_t
now(void)
{
	return NOW;
}

static void
on_stop(EV_P_ ev_async *w, int events)
{
	(void)w;
	(void)events;
	ev_break(EV_A_ EVBREAK_ALL);
}

static void *
serve(void *arg)
{
	const char *why;
	struct http_server *s = http_server_new(loop, listen_fd, site_handle, &site, &why);
	double begin = cpu_s(CLOCK_THREAD_CPUTIME_ID);

	(void)arg;
	if (s == NULL)
		abort();
	ev_run(loop, 0);
	served_s = cpu_s(CLOCK_THREAD_CPUTIME_ID) - begin;
	http_server_free(s);
	return NULL;
}

static void
check(bool good, const char *what)
{
	if (good)
		return;
	perror(what);
	exit(1);
}

/* One answer, head and body. */
static size_t
take_answer(int fd, char *buf, size_t cap)
{
	size_t n = 0, all = SIZE_MAX;

	while (n < all) {
		ssize_t got = recv(fd, buf + n, cap - n, 0);
		const char *end, *length;

		check(got > 0, "recv");
		n += (size_t)got;
		buf[n < cap ? n : cap - 1] = '\0';
		if (all != SIZE_MAX || (end = strstr(buf, "\r\n\r\n")) == NULL)
			continue;
		length = strcasestr(buf, "Content-Length: ");
		check(length != NULL, "no Content-Length");
		all = (size_t)(end + 4 - buf) + strtoul(length + 16, NULL, 10);
	}
	return n;
}

static void
bench_pages(unsigned long count, const char *what, const char *more)
{
	static char buf[128 * 1024], ask[4096];
	struct sockaddr_in at = { .sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(at);
	struct solved s;
	pthread_t thread;
	size_t bytes = 0;
	int fd[CLIENTS], n;

	solve(&s, 77);
	n = snprintf(ask, sizeof(ask),
	    "GET /a/b?c=d HTTP/1.1\r\nHost: git.example.org\r\nX-Ammit-Src: 192.0.2.7\r\n"
	    "X-Ammit-Proto: https\r\nAccept-Language: en-US,en;q=0.5\r\n"
	    "%sX-Ammit-Ticket: "
	    "%.*s\r\n\r\n",
	    more, (int)s.ticket_len, s.ticket);
	loop = ev_loop_new(0);
	ev_async_init(&stop, on_stop);
	ev_async_start(loop, &stop);
	listen_fd = socket(AF_INET, SOCK_STREAM, 0);
	check(bind(listen_fd, (struct sockaddr *)&at, len) == 0 && listen(listen_fd, 16) == 0 &&
		  getsockname(listen_fd, (struct sockaddr *)&at, &len) == 0,
	    "listen");
	check(pthread_create(&thread, NULL, serve, NULL) == 0, "thread");
	for (unsigned k = 0; k < CLIENTS; k++) {
		fd[k] = socket(AF_INET, SOCK_STREAM, 0);
		check(connect(fd[k], (struct sockaddr *)&at, len) == 0, "connect");
	}
	for (unsigned long i = 0; i < count; i += CLIENTS) {
		for (unsigned k = 0; k < CLIENTS; k++)
			check(send(fd[k], ask, (size_t)n, 0) == n, "send");
		for (unsigned k = 0; k < CLIENTS; k++)
			bytes = take_answer(fd[k], buf, sizeof(buf));
	}
	ev_async_send(loop, &stop);
	pthread_join(thread, NULL);
	for (unsigned k = 0; k < CLIENTS; k++)
		close(fd[k]);
	ev_loop_destroy(loop);
	report(what, count, served_s);
	printf("  %zu bytes each, head and body\n", bytes);
}

int
main(int argc, char **argv)
{
	unsigned long solutions = argc > 1 ? strtoul(argv[1], NULL, 10) : 200000;
	unsigned long pages = argc > 2 ? strtoul(argv[2], NULL, 10) : 60000;
	struct themes *themes;
	const char *why;
	unsigned line;

	log_set_level(LOG_LEVEL_ERROR);
	check(keyring_parse(&keys, SLICE(KEY), &line, &why), "key");
	address_parse(SLICE("192.0.2.7"), &client);
	bench_solutions(solutions);
	site.keys = &keys;
	site.spent = spent_new(16, NOW - 1);
	site.seen = spent_new(16, NOW - 1);
	site.themes = themes = themes_of_pages(pages_new(NULL, &why));
	site.now_s = now;
	memcpy(site.cookie, "ammit", 6);
	bench_pages(pages, "pages, compressed", NAVIGATE "Accept-Encoding: gzip\r\n");
	bench_pages(pages, "pages, as they are", NAVIGATE);
	bench_pages(pages, "one line of text", "Sec-Fetch-Mode: no-cors\r\n");
	themes_free(themes);
	spent_free(site.spent);
	spent_free(site.seen);
	return 0;
}
