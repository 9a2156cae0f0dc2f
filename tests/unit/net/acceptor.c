#include "net/acceptor.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "unit/net/knock.h"

static int given[64];
static unsigned given_count;

static void
take(void *arg, int fd)
{
	(void)arg;
	given[given_count++] = fd;
}

static void
out_of_descriptors_pauses_and_goes_on(void **state)
{
	struct ev_loop *loop = ev_loop_new(0);
	struct sockaddr_un at;
	struct acceptor a;
	struct rlimit old, low;
	int listener = listen_somewhere(&at), clients[3], hole;

	(void)state;
	acceptor_start(&a, loop, listener, take, NULL);
	for (int i = 0; i < 3; i++)
		clients[i] = knock(&at);
	/* Room for one more descriptor and no more. */
	hole = dup(listener);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	low = (struct rlimit){ (rlim_t)hole + 1, old.rlim_max };
	close(hole);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(given_count, 1);
	assert_int_equal(a.pauses, 1);
	assert_false(ev_is_active(&a.io));
	/* Not spinning: nothing happens until the timer. */
	ev_run(loop, EVRUN_NOWAIT);
	assert_int_equal(a.pauses, 1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	while (given_count < 3)
		ev_run(loop, EVRUN_ONCE);
	assert_int_equal(a.accepted, 3);
	for (int i = 0; i < 3; i++) {
		assert_true((fcntl(given[i], F_GETFL) & O_NONBLOCK) != 0);
		close(given[i]);
		close(clients[i]);
	}
	acceptor_stop(&a);
	close(listener);
	ev_loop_destroy(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(out_of_descriptors_pauses_and_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
