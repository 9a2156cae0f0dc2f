#include <ares.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "unit/net/resolver_lab.h"

/* What resolv.conf says is replaced at link time; NULL: what the system's says. */
static const char *conf_servers;
static off_t conf_bytes;

int
ares_get_servers_ports(ares_channel channel, struct ares_addr_port_node **out)
{
	int (*real)(ares_channel, struct ares_addr_port_node **);
	ares_channel other;
	int status;

	*(void **)&real = dlsym(RTLD_NEXT, "ares_get_servers_ports");
	if (conf_servers == NULL)
		return real(channel, out);
	*out = NULL;
	if (conf_servers[0] == '\0')
		return ARES_SUCCESS;
	if (ares_init(&other) != ARES_SUCCESS)
		return ARES_ENOMEM;
	assert_int_equal(ares_set_servers_ports_csv(other, conf_servers), ARES_SUCCESS);
	status = real(other, out);
	ares_destroy(other);
	return status;
}

int
stat(const char *restrict path, struct stat *restrict out)
{
	int status = fstatat(AT_FDCWD, path, out, 0);

	if (conf_servers == NULL || strcmp(path, "/etc/resolv.conf") != 0)
		return status;
	*out = (struct stat){ .st_size = conf_bytes };
	return 0;
}

static void
has_a_deadline_and_keeps_what_comes_late(void **state)
{
	const struct resolver_counts *c;
	struct lab l;

	(void)state;
	lab_open(&l, 1, (struct resolver_options){ .attempt_ms = NEVER_MS, .deadline_ms = 30 });
	c = resolver_counts(l.resolver);
	l.server[0].mode = SAY_LATER;
	assert_int_equal(resolve(&l, DNS_A, "x.example"), DNS_FAILED);
	assert_int_equal(counter_get(&c->inflight), 1);
	assert_int_equal(counter_get(&l.tally.timeouts), 1);
	run_until(&l, l.server[0].held_count == 1);
	dns_server_release(&l.server[0]);
	run_until(&l, counter_get(&c->late) == 1);
	assert_int_equal(look(&l, DNS_A, "x.example"), DNS_FOUND);
	run_until(&l, counter_get(&c->inflight) == 0);
	/* In time it was not: who asked counts one end a query. */
	assert_int_equal(counter_get(&l.tally.answers), 0);
	assert_int_equal(counter_get(&l.tally.failures), 0);
	lab_close(&l);
}

/* Silent servers are asked in turn until the deadline. */
static void
asks_silent_servers_again(void **state)
{
	struct lab l;

	(void)state;
	lab_open(&l, 2, (struct resolver_options){ .attempt_ms = 20, .deadline_ms = NEVER_MS });
	l.server[0].mode = l.server[1].mode = SAY_NOTHING;
	{
		struct asker a = { 0 };

		assert_true(ask(&a, &l, DNS_A, "x.example"));
		run_until(&l, l.server[0].asked >= 2 && l.server[1].asked >= 2);
		assert_int_equal(a.done, 0);
		l.server[1].mode = SAY_FOUND;
		run_until(&l, a.done == 1);
		assert_int_equal(a.state, DNS_FOUND);
	}
	lab_close(&l);

	lab_open(&l, 2, (struct resolver_options){ .attempt_ms = 20, .deadline_ms = 100 });
	l.server[0].mode = l.server[1].mode = SAY_NOTHING;
	assert_int_equal(resolve(&l, DNS_A, "x.example"), DNS_FAILED);
	assert_int_equal(counter_get(&l.tally.timeouts), 1);
	run_until(&l, counter_get(&resolver_counts(l.resolver)->inflight) == 0);
	assert_int_equal(counter_get(&l.tally.timeouts), 1);
	lab_close(&l);
}

static void
asks_who_is_down_last(void **state)
{
	char name[32];
	ev_tstamp begin;
	unsigned before, i = 0;
	struct lab l;

	(void)state;
	/* So long that a busy machine does not silence the other one, too. */
	lab_open(&l, 2, (struct resolver_options){ .attempt_ms = 500, .deadline_ms = NEVER_MS });
	l.server[0].mode = SAY_NOTHING;
	for (begin = ev_time(); !atomic_load(&count(&l, 0)->down);) {
		snprintf(name, sizeof(name), "n%u", i++);
		assert_int_equal(resolve(&l, DNS_A, name), DNS_FOUND);
	}
	assert_int_equal(i, 3);
	before = l.server[0].asked;
	begin = ev_time();
	for (; i < 200 || ev_time() - begin < 2.2; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(resolve(&l, DNS_A, name), DNS_FOUND);
	}
	/* One question a second finds out. */
	assert_true(l.server[0].asked - before <= (ev_time() - begin) + 1);
	l.server[0].mode = SAY_FOUND;
	for (; atomic_load(&count(&l, 0)->down); i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(resolve(&l, DNS_A, name), DNS_FOUND);
		turn(&l);
		assert_true(ev_time() - begin < 60.);
	}
	before = l.server[1].asked;
	assert_int_equal(resolve(&l, DNS_A, "then"), DNS_FOUND);
	assert_int_equal(l.server[1].asked, before);

	/* Nobody else: who is down is asked nevertheless. */
	l.server[0].mode = l.server[1].mode = SAY_REFUSED;
	while (!atomic_load(&count(&l, 0)->down) || !atomic_load(&count(&l, 1)->down)) {
		snprintf(name, sizeof(name), "r%u", i++);
		assert_int_equal(resolve(&l, DNS_A, name), DNS_FAILED);
	}
	l.server[0].mode = l.server[1].mode = SAY_FOUND;
	assert_int_equal(resolve(&l, DNS_A, "again"), DNS_FOUND);
	lab_close(&l);
}

/* Anybody can have a reverse zone that fails; that must not turn off the server of all. */
static void
zones_that_fail_do_not_turn_servers_off(void **state)
{
	char name[32];
	struct lab l;

	(void)state;
	lab_open(&l, 2, patient);
	l.server[0].mode = SAY_SERVFAIL;
	for (unsigned i = 0; i < 10; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		assert_int_equal(resolve(&l, DNS_A, name), DNS_FOUND);
	}
	assert_int_equal(l.server[0].asked, 10);
	assert_false(atomic_load(&count(&l, 0)->down));
	lab_close(&l);
}

static void
has_servers_from_the_system(void **state)
{
	struct asker a = { 0 }, b = { 0 };
	char first[32], second[64];
	struct resolver_options o = patient;
	struct lab l;

	(void)state;
	conf_servers = "";
	conf_bytes = 1;
	o.servers = "";
	lab_open(&l, 2, o);
	snprintf(first, sizeof(first), "127.0.0.1:%u", l.server[0].port);
	snprintf(second, sizeof(second), "127.0.0.1:%u", l.server[1].port);
	assert_int_equal(resolver_counts(l.resolver)->servers, 0);
	assert_false(ask(&a, &l, DNS_A, "x.example"));

	conf_servers = first;
	resolver_reload(l.resolver); /* it looks the same */
	assert_int_equal(resolver_counts(l.resolver)->servers, 0);
	conf_bytes = 2;
	resolver_reload(l.resolver);
	assert_int_equal(resolver_counts(l.resolver)->servers, 1);
	assert_string_equal(count(&l, 0)->name, first);
	l.server[0].mode = SAY_LATER;
	assert_true(ask(&a, &l, DNS_A, "x.example"));
	assert_true(ask(&b, &l, DNS_A, "y.example"));
	run_until(&l, l.server[0].held_count == 2);

	conf_servers = second;
	conf_bytes = 3;
	resolver_reload(l.resolver);
	assert_int_equal(resolver_counts(l.resolver)->servers, 2); /* ever */
	assert_string_equal(count(&l, 0)->name, first);
	assert_string_equal(count(&l, 1)->name, second);
	dns_server_release(&l.server[0]);
	run_until(&l, a.done + b.done == 2);
	assert_int_equal(a.state, DNS_FOUND);
	assert_int_equal(counter_get(&count(&l, 0)->answers), 0);
	assert_int_equal(resolve(&l, DNS_A, "z.example"), DNS_FOUND);
	assert_int_equal(l.server[1].asked, 1);
	assert_int_equal(l.server[0].asked, 2);

	/* None at all, with a question on its way: it ends when its attempt does. */
	l.server[1].mode = SAY_LATER;
	a.done = 0;
	assert_true(ask(&a, &l, DNS_A, "last.example"));
	run_until(&l, l.server[1].held_count == 1);
	conf_servers = "";
	conf_bytes = 4;
	resolver_reload(l.resolver);
	dns_server_release(&l.server[1]);
	run_until(&l, a.done == 1);
	assert_int_equal(a.state, DNS_FOUND);
	assert_false(ask(&a, &l, DNS_A, "more.example"));
	lab_close(&l);
	conf_servers = NULL;
}

static void
reads_lists_of_servers(void **state)
{
	static const struct {
		const char *in, *first;
	} cases[] = {
		{ "127.0.0.1", "127.0.0.1:53" },
		{ "127.0.0.1:5353", "127.0.0.1:5353" },
		{ "::1", "[::1]:53" },
		{ "[::1]", "[::1]:53" },
		{ "[::1]:65535", "[::1]:65535" },
		{ " 192.0.2.1 , [2001:db8::1]:5353", "192.0.2.1:53" },
		{ "1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4,5.5.5.5,6.6.6.6,7.7.7.7,8.8.8.8", "1.1.1.1:53" },
		{ "1.1.1.1,2.2.2.2,3.3.3.3,4.4.4.4,5.5.5.5,6.6.6.6,7.7.7.7,8.8.8.8,9.9.9.9", NULL },
		{ "", NULL },
		{ ",", NULL },
		{ "127.0.0.1,", NULL },
		{ "localhost", NULL },
		{ "127.0.0.1:", NULL },
		{ "127.0.0.1:0", NULL },
		{ "127.0.0.1:65536", NULL },
		{ "127.0.0.1:-1", NULL },
		{ "127.0.0.1:53x", NULL },
		{ "[127.0.0.1]:53", NULL },
		{ "[::1", NULL },
		{ "[::1]53", NULL },
		{ "[::1]:", NULL },
		{ "[]:53", NULL },
		{ "fe80::1%eth0", NULL },
	};
	struct ev_loop *loop = ev_loop_new(0);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct resolver_options o = { .servers = cases[i].in };
		const char *why = NULL;
		struct resolver *r;

		print_message("  %s\n", cases[i].in);
		assert_int_equal(
		    resolver_servers_valid(slice_of(cases[i].in), &why), cases[i].first != NULL);
		if (cases[i].first == NULL)
			assert_non_null(why);
		if (cases[i].in[0] == '\0')
			continue; /* resolv.conf's */
		r = resolver_new(loop, &o, &why);
		if (cases[i].first == NULL)
			assert_null(r);
		else
			assert_string_equal(resolver_counts(r)->server[0].name, cases[i].first);
		resolver_free(r);
	}
	ev_loop_destroy(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(has_a_deadline_and_keeps_what_comes_late),
		cmocka_unit_test(asks_silent_servers_again),
		cmocka_unit_test(asks_who_is_down_last),
		cmocka_unit_test(zones_that_fail_do_not_turn_servers_off),
		cmocka_unit_test(has_servers_from_the_system),
		cmocka_unit_test(reads_lists_of_servers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
