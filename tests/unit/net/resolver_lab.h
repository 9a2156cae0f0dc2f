#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "net/resolver.h"
#include "unit/net/dns_server.h"

/* A resolver on a loop of its own, one or two servers on the same, and who asks. */
struct lab {
	struct ev_loop *loop;
	struct dns_server server[2];
	unsigned servers;
	char list[64];
	struct resolver *resolver;
	struct dns_tally tally;
};

/* Hours; what a test is about is set shorter. */
#define NEVER_MS 3600000u

static const struct resolver_options patient = { .attempt_ms = NEVER_MS, .deadline_ms = NEVER_MS };

static inline void
lab_open(struct lab *l, unsigned servers, struct resolver_options o)
{
	const char *why = NULL;

	memset(l, 0, sizeof(*l));
	l->loop = ev_loop_new(0);
	l->servers = servers;
	for (unsigned i = 0; i < servers; i++)
		dns_server_open(&l->server[i], l->loop, SAY_FOUND);
	snprintf(l->list, sizeof(l->list),
	    servers == 2 ? "127.0.0.1:%u,127.0.0.1:%u" : "127.0.0.1:%u", l->server[0].port,
	    l->server[1].port);
	if (o.servers == NULL)
		o.servers = l->list;
	l->resolver = resolver_new(l->loop, &o, &why);
	assert_non_null(l->resolver);
}

static inline void
lab_close(struct lab *l)
{
	resolver_free(l->resolver);
	for (unsigned i = 0; i < l->servers; i++)
		dns_server_close(&l->server[i]);
	ev_loop_destroy(l->loop);
}

/* A turn of the loop; a minute without anything that the test waits for is a failure. */
#define run_until(l, condition)                                                                    \
	do {                                                                                       \
		ev_tstamp begin_ = ev_time();                                                      \
		while (!(condition)) {                                                             \
			turn(l);                                                                   \
			if (ev_time() - begin_ > 60.)                                              \
				fail_msg("never: %s", #condition);                                 \
		}                                                                                  \
	} while (0)

static inline void
on_nothing(EV_P_ ev_timer *t, int events)
{
	(void)loop, (void)t, (void)events;
}

static inline void
turn(struct lab *l)
{
	ev_timer wake;

	ev_timer_init(&wake, on_nothing, 0.005, 0.);
	ev_timer_start(l->loop, &wake);
	ev_run(l->loop, EVRUN_ONCE);
	ev_timer_stop(l->loop, &wake);
}

struct asker {
	struct dns_waiter waiter; /* first */
	struct lab *lab;
	const char *name;
	unsigned done;
	enum dns_state state; /* as it was known when it was told */
	struct dns_waiter *leaves;
	bool asks_again;
};

static bool asking; /* `done` may not be called meanwhile */

static inline struct dns_question
question(struct lab *l, enum dns_type type, const char *name)
{
	return (struct dns_question){ .type = type, .name = slice_of(name), .tally = &l->tally };
}

static inline enum dns_state
look(struct lab *l, enum dns_type type, const char *name)
{
	struct dns_question q = question(l, type, name);
	struct dns_answer a;

	resolver_look(l->resolver, &q, &a);
	return a.state;
}

static inline bool ask(struct asker *a, struct lab *l, enum dns_type type, const char *name);

static inline void
on_done(struct dns_waiter *w)
{
	struct asker *a = (struct asker *)w;

	assert_false(asking);
	assert_null(w->back);
	a->done++;
	a->state = look(a->lab, DNS_A, a->name);
	if (a->leaves != NULL)
		resolver_leave(a->leaves);
	if (a->asks_again) {
		a->asks_again = false;
		ask(a, a->lab, DNS_A, a->name);
	}
}

static inline bool
ask(struct asker *a, struct lab *l, enum dns_type type, const char *name)
{
	struct dns_question q = question(l, type, name);
	bool asked;

	a->waiter.done = on_done;
	a->lab = l;
	a->name = name;
	asking = true;
	asked = resolver_ask(l->resolver, &q, &a->waiter);
	asking = false;
	return asked;
}

/* Ask, and wait for what comes. */
static inline enum dns_state
resolve(struct lab *l, enum dns_type type, const char *name)
{
	struct asker a = { .done = 0 };

	assert_true(ask(&a, l, type, name));
	run_until(l, a.done > 0);
	return look(l, type, name);
}

static inline const struct resolver_server *
count(struct lab *l, unsigned server)
{
	return &resolver_counts(l->resolver)->server[server];
}
