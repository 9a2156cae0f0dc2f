#include "daemon/circuits.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/log.h"
#include "daemon/weigh.h"
#include "unit/allocations.h"
#include "unit/fixtures.h"
#include "unit/generation.h"
#include "unit/net/knock.h"

#define PATIENCE_MS 10000

/* A tor that is as the test wants it, on the same loop. */
struct world {
	struct ev_loop *loop;
	ev_timer tick;
	struct endpoint at;
	struct circuits *c;
	int listen_fd, fd; /* fd -1: nobody is connected */
	unsigned connections;
	char got[8192]; /* what it was told on this connection */
	size_t len;
};

static void
on_tick(EV_P_ ev_timer *t, int events)
{
	(void)loop;
	(void)t;
	(void)events;
}

static struct world *
new_world(const struct circuits_options *o)
{
	struct world *w = calloc(1, sizeof(*w));
	struct circuits_options with = *o;

	log_set_level(LOG_LEVEL_ERROR);
	w->loop = ev_loop_new(EVFLAG_AUTO);
	w->fd = -1;
	w->listen_fd = listen_somewhere((struct sockaddr_un *)&w->at.address);
	w->at.address_bytes = sizeof(sa_family_t) + 6;
	/* So that nothing waits longer than this. */
	ev_timer_init(&w->tick, on_tick, 0.002, 0.002);
	ev_timer_start(w->loop, &w->tick);
	with.at = &w->at;
	with.retry_ms = 10;
	with.retry_most_ms = 20;
	w->c = circuits_new(&with);
	circuits_start(w->c, w->loop);
	return w;
}

static void
hang_up(struct world *w)
{
	close(w->fd);
	w->fd = -1;
}

static void
free_world(struct world *w)
{
	circuits_stop(w->c);
	circuits_free(w->c);
	if (w->fd >= 0)
		close(w->fd);
	close(w->listen_fd);
	ev_loop_destroy(w->loop);
	free(w);
}

/* One turn of the loop, and of tor: it takes who comes, and reads. */
static void
turn(struct world *w)
{
	ssize_t n;

	ev_run(w->loop, EVRUN_ONCE);
	if (w->fd < 0) {
		w->fd = accept4(w->listen_fd, NULL, NULL, SOCK_NONBLOCK);
		if (w->fd < 0)
			return;
		w->connections++;
		w->len = 0;
	}
	while ((n = read(w->fd, w->got + w->len, sizeof(w->got) - 1 - w->len)) > 0)
		w->len += (size_t)n;
	w->got[w->len] = '\0';
	if (n == 0)
		hang_up(w);
}

static struct circuits_counts
counts(const struct world *w)
{
	struct circuits_counts c;

	circuits_count(w->c, &c);
	return c;
}

static void
say(struct world *w, const char *text)
{
	assert_int_equal(send(w->fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Until it was told this. */
static void
hear(struct world *w, const char *line)
{
	int64_t end = clock_mono_ms() + PATIENCE_MS;

	while (w->fd < 0 || strstr(w->got, line) == NULL) {
		if (clock_mono_ms() > end)
			fail_msg("waited in vain for %s, got %s", line, w->got);
		turn(w);
	}
}

#define UNTIL(w, condition)                                                                        \
	for (int64_t end_ = clock_mono_ms() + PATIENCE_MS; !(condition); turn(w))                  \
		if (clock_mono_ms() > end_)                                                        \
	fail_msg("waited in vain for " #condition)

static void
come_up(struct world *w, const char *list)
{
	hear(w, "PROTOCOLINFO 1\r\n");
	say(w, "250-PROTOCOLINFO 1\r\n250-AUTH METHODS=NULL\r\n250 OK\r\n");
	hear(w, "AUTHENTICATE\r\n");
	say(w, "250 OK\r\n");
	hear(w, "SETEVENTS CIRC CIRC_MINOR\r\n");
	say(w, "250 OK\r\n");
	hear(w, "GETINFO circuit-status\r\n");
	say(w, list);
	UNTIL(w, counts(w).up);
}

#define LIST                                                                                       \
	"250+circuit-status=\r\n"                                                                  \
	"5 BUILT PURPOSE=HS_SERVICE_INTRO\r\n"                                                     \
	"65536 BUILT PURPOSE=HS_SERVICE_REND HS_POW=v1,731\r\n"                                    \
	"131072 BUILT PURPOSE=HS_SERVICE_REND\r\n.\r\n250 OK\r\n"

static void
denied_circuits_are_closed(void **state)
{
	struct world *w = new_world(&(struct circuits_options){ .close_after = 0 });

	(void)state;
	come_up(w, LIST);
	assert_int_equal(counts(w).known, 2);
	assert_int_equal(circuits_effort(w->c, 65536), 731);
	assert_int_equal(circuits_effort(w->c, 131072), 0);
	assert_int_equal(circuits_effort(w->c, 5), 0);
	/* Neither an introduction point, nor one that is not known, nor one that no rule closes. */
	circuits_denied(w->c, 5, true);
	circuits_denied(w->c, 6, true);
	circuits_denied(w->c, 0, true);
	circuits_denied(w->c, 131072, false);
	for (unsigned i = 0; i < 5; i++)
		circuits_denied(w->c, 65536, true);
	hear(w, "CLOSECIRCUIT 65536\r\n");
	say(w, "650 CIRC 65536 CLOSED PURPOSE=HS_SERVICE_REND REASON=REQUESTED\r\n250 OK\r\n");
	UNTIL(w, counts(w).outcome[TOR_OUTCOME_CLOSED] == 1);
	assert_int_equal(counts(w).known, 1);
	assert_int_equal(counts(w).outcome[TOR_OUTCOME_REFUSED], 3);
	circuits_denied(w->c, 131072, true);
	hear(w, "CLOSECIRCUIT 131072\r\n");
	say(w, "552 Unknown circuit \"131072\"\r\n");
	UNTIL(w, counts(w).outcome[TOR_OUTCOME_GONE] == 1);
	assert_null(strstr(w->got, "CLOSECIRCUIT 5"));
	assert_int_equal(counts(w).dropped, 0);
	free_world(w);
}

static void
some_denials_close(void **state)
{
	struct world *w = new_world(&(struct circuits_options){ .close_after = 3 });

	(void)state;
	come_up(w, LIST);
	for (unsigned i = 0; i < 2; i++) {
		circuits_denied(w->c, 65536, false);
		circuits_denied(w->c, 131072, false);
	}
	/* Gone and come back: it begins anew. */
	say(w, "650 CIRC 65536 CLOSED PURPOSE=HS_SERVICE_REND\r\n");
	UNTIL(w, counts(w).known == 1);
	say(w, "650 CIRC 65536 BUILT PURPOSE=HS_SERVICE_REND\r\n");
	UNTIL(w, counts(w).known == 2);
	circuits_denied(w->c, 65536, false);
	circuits_denied(w->c, 131072, false);
	hear(w, "CLOSECIRCUIT 131072\r\n");
	say(w, "250 OK\r\n");
	UNTIL(w, counts(w).outcome[TOR_OUTCOME_CLOSED] == 1);
	assert_null(strstr(w->got, "CLOSECIRCUIT 65536"));
	free_world(w);
}

static void
a_dry_run_says_nothing(void **state)
{
	struct world *w = new_world(&(struct circuits_options){ .dry_run = true });

	(void)state;
	come_up(w, LIST);
	for (unsigned i = 0; i < 5; i++)
		circuits_denied(w->c, 65536, true);
	UNTIL(w, counts(w).outcome[TOR_OUTCOME_DRY] == 1);
	assert_null(strstr(w->got, "CLOSECIRCUIT"));
	free_world(w);
}

/* Ids of one tor mean other circuits at the next. */
static void
nothing_outlives_the_connection(void **state)
{
	struct world *w = new_world(&(struct circuits_options){ .close_after = 1 });
	struct circuits_counts c;

	(void)state;
	come_up(w, LIST);
	/* It is in the inbox when the connection ends. */
	circuits_denied(w->c, 65536, false);
	hang_up(w);
	UNTIL(w, !counts(w).up);
	assert_int_equal(counts(w).known, 0);
	assert_int_equal(circuits_effort(w->c, 65536), 0);
	circuits_denied(w->c, 65536, true);
	assert_int_equal(counts(w).dropped, 2);
	come_up(w, LIST);
	assert_int_equal(w->connections, 2);
	circuits_denied(w->c, 131072, true);
	hear(w, "CLOSECIRCUIT 131072\r\n");
	/* It ends before it answers. */
	hang_up(w);
	UNTIL(w, !counts(w).up);
	c = counts(w);
	assert_int_equal(c.dropped, 3);
	assert_int_equal(c.outcome[TOR_OUTCOME_CLOSED], 0);
	come_up(w, LIST);
	assert_null(strstr(w->got, "CLOSECIRCUIT"));
	free_world(w);
}

static unsigned
descriptors(void)
{
	unsigned n = 0;

	for (int fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

struct deniers {
	struct circuits *c;
	_Atomic bool stop;
};

static void *
deny_all_the_time(void *arg)
{
	struct deniers *d = arg;

	while (!atomic_load(&d->stop))
		circuits_denied(d->c, 65536, true);
	return NULL;
}

#define RECONNECTS 20u

/* Tor comes and goes while workers deny: a circuit that was handed over at that moment is closed on
 * the next connection all the same, and no descriptor stays. */
static void
tor_comes_and_goes(void **state)
{
	struct world *w = new_world(&(struct circuits_options){ .close_rate = 100000 });
	struct deniers d = { .c = w->c };
	pthread_t thread[2];
	unsigned before = 0;

	(void)state;
	atomic_init(&d.stop, false);
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, deny_all_the_time, &d), 0);
	for (unsigned i = 0; i < RECONNECTS; i++) {
		come_up(w, LIST);
		if (i == 0)
			before = descriptors();
		assert_int_equal(descriptors(), before);
		hear(w, "CLOSECIRCUIT 65536\r\n");
		hang_up(w);
		UNTIL(w, !counts(w).up);
	}
	atomic_store(&d.stop, true);
	for (size_t i = 0; i < 2; i++)
		pthread_join(thread[i], NULL);
	free_world(w);
}

/* More at once than there is room for: the rest is dropped, counted, and can be asked for again. */
static void
a_full_inbox_drops(void **state)
{
	struct world *w =
	    new_world(&(struct circuits_options){ .close_rate = 100000, .dry_run = true });

	(void)state;
	come_up(w, LIST);
	for (uint32_t id = 1000; id < 3000; id++) {
		char line[64];

		snprintf(line, sizeof(line), "650 CIRC %lu BUILT PURPOSE=HS_SERVICE_REND\r\n",
		    (unsigned long)id);
		say(w, line);
		if (id % 50 == 0)
			turn(w);
	}
	UNTIL(w, counts(w).known == 2002);
	for (unsigned i = 0; i < 3; i++)
		for (uint32_t id = 1000; id < 3000; id++)
			circuits_denied(w->c, id, true);
	UNTIL(w, counts(w).outcome[TOR_OUTCOME_DRY] == 1024);
	assert_int_equal(counts(w).dropped, 3 * (2000 - 1024));
	for (uint32_t id = 1000; id < 3000; id++)
		circuits_denied(w->c, id, true);
	UNTIL(w, counts(w).outcome[TOR_OUTCOME_DRY] == 2000);
	free_world(w);
}

/* What it says when somebody comes; whatever it is, it is tried again and nothing is known. */
static const struct {
	const char *name, *says;
	bool hangs_up;
} faults[] = {
	{ "hangs up", "", true },
	{ "says nothing", "", false },
	{ "half a line", "250-PROTO", false },
	{ "half a reply", "250-PROTOCOLINFO 1\r\n", false },
	{ "garbage", "\x16\x03\x01\x02", false },
	{ "another protocol", "220 mail.example.org ESMTP\r\n", false },
	{ "no end of a line",
	    "250-"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "a",
	    false },
	{ "a password that we have not",
	    "250-PROTOCOLINFO 1\r\n250-AUTH METHODS=HASHEDPASSWORD\r\n250 OK\r\n", false },
	{ "refuses", "515 Authentication failed\r\n", false },
	{ "events only", "650 CIRC 1 BUILT PURPOSE=HS_SERVICE_REND\r\n", false },
};

static void
faults_are_survived(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		struct world *w = new_world(&(struct circuits_options){ .deadline_ms = 30 });

		for (unsigned seen = 0; w->connections < 4;) {
			turn(w);
			if (w->connections == seen || w->fd < 0)
				continue;
			seen = w->connections;
			if (faults[i].says[0] != '\0')
				say(w, faults[i].says);
			if (faults[i].hangs_up)
				hang_up(w);
		}
		if (counts(w).up || counts(w).known > 0)
			fail_msg("%s: it is up", faults[i].name);
		free_world(w);
	}
}

/* A line that does not end, and an answer that does not come, once all was well. */
static void
deadlines_hold_later_too(void **state)
{
	struct world *w = new_world(&(struct circuits_options){ .deadline_ms = 50 });
	int64_t until;

	(void)state;
	come_up(w, LIST);
	say(w, "650 CIRC 7 BUI");
	UNTIL(w, !counts(w).up && w->fd < 0);
	come_up(w, LIST);
	circuits_denied(w->c, 65536, true);
	hear(w, "CLOSECIRCUIT 65536\r\n");
	/* Events put off nothing. */
	for (until = clock_mono_ms() + PATIENCE_MS; counts(w).up && clock_mono_ms() < until;) {
		if (w->fd >= 0)
			send(w->fd, "650 CIRC 9 LAUNCHED\r\n", 21, MSG_NOSIGNAL);
		turn(w);
	}
	assert_true(clock_mono_ms() < until);
	UNTIL(w, w->fd < 0);
	/* But lines that come in parts, one after the other, are no fault. */
	come_up(w, LIST);
	for (until = clock_mono_ms() + 150; clock_mono_ms() < until;) {
		say(w, "650 CIRC 9 LAUNCHED\r\n650 CIR");
		turn(w);
		say(w, "C 9 LAUNCHED\r\n650 CIR");
		turn(w);
		say(w, "C 9 LAUNCHED\r\n");
	}
	assert_true(counts(w).up);
	free_world(w);
}

/* ---- with a policy ---- */

static const char policy_text[] =
    "{\"bots\": ["
    "{\"name\": \"paid\", \"expression\": \"circuit.effort >= 500\", \"action\": \"ALLOW\"},"
    "{\"name\": \"mild\", \"user_agent_regex\": \"Mild\", \"action\": \"DENY\"},"
    "{\"name\": \"hard\", \"user_agent_regex\": \"Hard\", \"action\": \"DENY\","
    " \"close_circuit\": true}], \"thresholds\": [{\"name\": \"all\", \"action\": \"ALLOW\","
    " \"expression\": \"true\"}]}";

static enum verdict_kind
weigh(struct weigher *w, const char *src, const char *agent)
{
	struct request r = { .cut = 0 };
	struct weighed it;

	r.src = address(src);
	request_set(&r, REQUEST_USER_AGENT, slice_of(agent));
	assert_int_equal(weigh_request(w, &r, 1900000000, &it), WEIGH_ANSWERED);
	return it.kind;
}

#define PAID "fc00:dead:beef:4dad::1:0"
#define FREE "fc00:dead:beef:4dad::2:0"

static void
only_verdicts_in_force_close(void **state)
{
	struct world *w = new_world(&(struct circuits_options){ .close_after = 3 });
	struct weigher weigher;
	unsigned before;

	(void)state;
	come_up(w, LIST);
	for (unsigned shadow = 0; shadow < 2; shadow++) {
		weigher_init(&weigher, make_generation(slice_of(policy_text), shadow == 0));
		weigher.circuits = w->c;
		/* Who has paid is let through by a policy that says so. */
		assert_int_equal(weigh(&weigher, PAID, "Hard"), VERDICT_ALLOW);
		/* In shadow nobody is closed, and addresses of the Internet never are. */
		for (unsigned i = 0; i < 10; i++) {
			weigh(&weigher, "192.0.2.1", "Hard");
			weigh(&weigher, "2001:db8::2:0", "Hard");
			weigh(&weigher, "fc00:dead:beef:4dae::2:0", "Hard");
			if (shadow == 0)
				assert_int_equal(weigh(&weigher, FREE, "Hard"), VERDICT_ALLOW);
		}
		if (shadow == 0)
			weigher_fini(&weigher);
	}
	assert_int_equal(weigh(&weigher, FREE, "Mild"), VERDICT_DENY);
	assert_int_equal(weigh(&weigher, FREE, "Mild"), VERDICT_DENY);
	/* More than a look every 100 ms. */
	for (int64_t until = clock_mono_ms() + 250; clock_mono_ms() < until;)
		turn(w);
	assert_null(strstr(w->got, "CLOSECIRCUIT"));
	assert_int_equal(weigh(&weigher, FREE, "Mild"), VERDICT_DENY);
	hear(w, "CLOSECIRCUIT 131072\r\n");
	say(w, "250 OK\r\n650 CIRC 131072 CLOSED\r\n");
	UNTIL(w, counts(w).known == 1);
	say(w, "650 CIRC 131072 BUILT PURPOSE=HS_SERVICE_REND\r\n");
	UNTIL(w, counts(w).known == 2);
	w->len = 0;
	before = allocations;
	for (unsigned i = 0; i < 2000; i++)
		weigh(&weigher, FREE, "Hard");
	assert_int_equal(allocations, before);
	hear(w, "CLOSECIRCUIT 131072\r\n");
	/* Tor goes, and verdicts stay what they are; only nobody knows who has paid. */
	hang_up(w);
	UNTIL(w, !counts(w).up);
	assert_int_equal(weigh(&weigher, FREE, "Mild"), VERDICT_DENY);
	assert_int_equal(weigh(&weigher, PAID, "Hard"), VERDICT_DENY);
	weigher_fini(&weigher);
	free_world(w);
}

/* ---- secrets in files ---- */

static const struct {
	const char *name, *text; /* of the password's file; NULL: it is not there */
	const char *want;        /* NULL: tor hears no password */
} passwords[] = {
	{ "a line", "pass word\n", "AUTHENTICATE \"pass word\"\r\n" },
	{ "no line end", "a\"b\\c", "AUTHENTICATE \"a\\\"b\\\\c\"\r\n" },
	{ "of another system", "x\r\n", "AUTHENTICATE \"x\"\r\n" },
	{ "more lines", "one\ntwo\n", "AUTHENTICATE \"one\"\r\n" },
	{ "empty", "", NULL },
	{ "an empty line", "\nx\n", NULL },
	{ "two commands", "x\rCLOSECIRCUIT 5\n", NULL },
	{ "not there", NULL, NULL },
};

static void
passwords_are_read_anew(void **state)
{
	char file[] = "/tmp/ammit-circuits-XXXXXX";

	(void)state;
	close(mkstemp(file));
	for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++) {
		const struct circuits_options o = { .password_file = file };
		struct world *w;

		unlink(file);
		if (passwords[i].text != NULL) {
			FILE *f = fopen(file, "w");

			assert_non_null(f);
			fputs(passwords[i].text, f);
			fclose(f);
		}
		w = new_world(&o);
		hear(w, "PROTOCOLINFO 1\r\n");
		say(w, "250-PROTOCOLINFO 1\r\n250-AUTH METHODS=HASHEDPASSWORD\r\n250 OK\r\n");
		if (passwords[i].want != NULL) {
			hear(w, passwords[i].want);
		} else {
			UNTIL(w, w->connections == 2);
			assert_null(strstr(w->got, "AUTHENTICATE"));
		}
		free_world(w);
	}
	unlink(file);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(denied_circuits_are_closed),
		cmocka_unit_test(some_denials_close),
		cmocka_unit_test(a_dry_run_says_nothing),
		cmocka_unit_test(nothing_outlives_the_connection),
		cmocka_unit_test(tor_comes_and_goes),
		cmocka_unit_test(a_full_inbox_drops),
		cmocka_unit_test(faults_are_survived),
		cmocka_unit_test(deadlines_hold_later_too),
		cmocka_unit_test(only_verdicts_in_force_close),
		cmocka_unit_test(passwords_are_read_anew),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
