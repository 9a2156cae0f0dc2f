#include "daemon/consult.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "daemon/lookup.h"
#include "daemon/probe.h"

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

/* Each ends by the resolver's own deadline. */
static void
wait(struct consult *c, const unsigned *waits)
{
	while (*waits > 0)
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
		c->waits = lookup_ask(&c->lookup, c->waiter, on_answer, c);
		if (c->waits == 0)
			turn = TURNS_MAX - 1;
		wait(c, &c->waits);
	}
}

static void
describe(
    const struct probe *p, enum test_point which, struct consulted *t, struct dns_answer *answer)
{
	struct slice record;
	size_t at = 0;

	probe_look(p, which, t->name, answer);
	t->answered = answer->state == DNS_FOUND || answer->state == DNS_NONE;
	if (answer->state == DNS_FOUND && dns_answer_next(answer, &at, &record)) {
		char room[ADDRESS_TEXT_MAX];
		struct slice text = dns_record_text(answer->type, record, room);

		snprintf(t->said, sizeof(t->said), "%.*s%s", (int)text.len, text.ptr,
		    answer->count > 1 ? ", …" : "");
	} else {
		snprintf(t->said, sizeof(t->said), "%s",
		    answer->state == DNS_NONE ? "not listed" : "no answer");
	}
}

const char *
consult_zone(struct consult *c, unsigned n, struct consulted *listed, struct consulted *unlisted)
{
	struct probe p = { .waits = 0 };
	struct dns_answer answer[2];

	probe_ask(&p, c->resolver, policy_zone(c->policy, n), NULL);
	wait(c, &p.waits);
	describe(&p, TEST_LISTED, listed, &answer[0]);
	describe(&p, TEST_UNLISTED, unlisted, &answer[1]);
	return zone_health(&answer[0], &answer[1]);
}
