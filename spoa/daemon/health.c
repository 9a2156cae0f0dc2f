#include "daemon/health.h"

static void
conclude(struct probe *p)
{
	struct checkup *c = (struct checkup *)p;
	struct zone_state *s = c->health->generation->zone[c->number];
	char name[DNS_NAME_MAX + 1];
	struct dns_answer listed, unlisted;
	const char *why;

	probe_look(p, TEST_LISTED, name, &listed);
	probe_look(p, TEST_UNLISTED, name, &unlisted);
	why = zone_health(&listed, &unlisted);
	if (why != NULL)
		zone_suspend(s, why);
	else if (listed.state == DNS_FOUND && unlisted.state == DNS_NONE)
		zone_resume(s);
}

static bool
suspended(const struct zone_state *s)
{
	return atomic_load(&s->suspended) != NULL;
}

static void
on_timer(EV_P_ ev_timer *t, int events)
{
	struct health *h = t->data;
	const bool all = ev_now(EV_A) - h->since_all_s >= HEALTH_S - 1.0;
	const unsigned zones = policy_zones(h->generation->policy);

	(void)events;
	if (all)
		h->since_all_s = ev_now(EV_A);
	for (unsigned i = 0; i < zones; i++) {
		struct checkup *c = &h->checkup[i];
		struct zone_state *s = h->generation->zone[i];

		if (s == NULL || c->probe.waits > 0 || (!all && !suspended(s)))
			continue;
		c->number = i;
		c->health = h;
		probe_ask(&c->probe, h->resolver, policy_zone(h->generation->policy, i), conclude);
	}
}

void
health_init(struct health *h, struct ev_loop *loop, struct resolver *r)
{
	*h = (struct health){ .loop = loop, .resolver = r };
	ev_timer_init(&h->timer, on_timer, 0.0, HEALTH_SUSPENDED_S);
	h->timer.data = h;
}

void
health_stop(struct health *h)
{
	for (unsigned i = 0; i < ZONES_MAX; i++)
		probe_leave(&h->checkup[i].probe);
	ev_timer_stop(h->loop, &h->timer);
}

void
health_reload(struct health *h, struct generation *g)
{
	health_stop(h);
	h->generation = g;
	h->since_all_s = 0.0;
	if (policy_zones(g->policy) == 0)
		return;
	ev_timer_set(&h->timer, 0.0, HEALTH_SUSPENDED_S);
	ev_timer_start(h->loop, &h->timer);
}
