#include "daemon/consult.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/lookup.h"

#define TURNS_MAX 8u /* a name, its addresses, and what rules behind them ask */

struct consult {
	const struct policy *policy;
	struct ev_loop *loop;
	struct resolver *resolver;
	struct zones zones;
	struct zone_state *zone[ZONES_MAX];
	struct lookup lookup;
	struct dns_waiter waiter[LOOKUP_WANTED_MAX];
	unsigned waits;
};

struct consult *
consult_new(const char *servers, const struct policy *p, const char **why)
{
	const struct resolver_options o = { .servers = servers };
	struct consult *c = xcalloc(1, sizeof(*c));

	*why = "no event loop can be had";
	c->policy = p;
	zones_init(&c->zones, 1);
	c->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (c->loop != NULL)
		c->resolver = resolver_new(c->loop, &o, why);
	if (c->resolver == NULL) {
		consult_free(c);
		return NULL;
	}
	for (unsigned i = 0; i < policy_zones(p); i++)
		c->zone[i] = zones_state(&c->zones, policy_zone(p, i));
	lookup_init(&c->lookup, c->resolver, 0, c->zones.functions);
	return c;
}

void
consult_free(struct consult *c)
{
	if (c == NULL)
		return;
	if (c->resolver != NULL)
		resolver_free(c->resolver);
	if (c->loop != NULL)
		ev_loop_destroy(c->loop);
	zones_fini(&c->zones);
	free(c);
}

static void
on_answer(struct dns_waiter *w)
{
	struct consult *c = w->arg;

	c->waits--;
}

static struct dns_waiter *
waiter_of(void *arg, unsigned i)
{
	struct consult *c = arg;

	c->waiter[i] = (struct dns_waiter){ .done = on_answer, .arg = c };
	return &c->waiter[i];
}

/* Each ends by the resolver's own deadline. */
static void
wait(struct consult *c)
{
	while (c->waits > 0)
		ev_run(c->loop, EVRUN_ONCE);
}

void
consult_judge(struct consult *c, struct judge *j, const struct request *r, const struct evidence *e,
    struct verdict *out, struct trace *trace)
{
	struct evidence with = *e;

	with.dns = &c->lookup.view;
	for (unsigned turn = 1;; turn++) {
		lookup_begin(&c->lookup, c->zone, turn > 1, turn == TURNS_MAX);
		policy_judge(c->policy, j, r, &with, out, trace);
		if (out->unknown == 0 || turn == TURNS_MAX)
			return;
		c->waits = lookup_ask(&c->lookup, waiter_of, c);
		if (c->waits == 0)
			turn = TURNS_MAX - 1;
		wait(c);
	}
}

static void
describe(struct consult *c, const struct dns_question *q, struct test_point *t,
    struct dns_answer *answer)
{
	struct slice record;
	size_t at = 0;

	resolver_look(c->resolver, q, answer);
	t->answered = answer->state == DNS_FOUND || answer->state == DNS_NONE;
	if (answer->state == DNS_FOUND && dns_answer_next(answer, &at, &record)) {
		struct address a = address_from_bytes(record.ptr, record.len);
		char text[ADDRESS_TEXT_MAX];

		address_format(&a, text);
		snprintf(t->said, sizeof(t->said), "%s%s", text, answer->count > 1 ? ", …" : "");
	} else {
		snprintf(t->said, sizeof(t->said), "%s",
		    answer->state == DNS_NONE ? "not listed" : "no answer");
	}
}

const char *
consult_zone(struct consult *c, unsigned n, struct test_point *listed, struct test_point *unlisted)
{
	const struct zone *z = policy_zone(c->policy, n);
	struct test_point *point[2] = { listed, unlisted };
	struct dns_question q[2];
	struct dns_answer answer[2];

	c->waits = 0;
	for (unsigned i = 0; i < 2; i++) {
		q[i] = (struct dns_question){ .type = DNS_A,
			.name = zone_test_name(z, i == 0, point[i]->name) };
		if (resolver_ask(c->resolver, &q[i], waiter_of(c, c->waits)))
			c->waits++;
	}
	wait(c);
	for (unsigned i = 0; i < 2; i++)
		describe(c, &q[i], point[i], &answer[i]);
	return zone_health(z, &answer[0], &answer[1]);
}
