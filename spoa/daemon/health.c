#include "daemon/health.h"

static struct slice
test_name(const struct probe *p, unsigned which, char out[DNS_NAME_MAX + 1])
{
	const struct zone *z = policy_zone(p->health->generation->policy, p->number);

	return zone_test_name(z, which == 0, out);
}

static void
conclude(struct probe *p)
{
	struct generation *g = p->health->generation;
	struct zone_state *s = g->zone[p->number];
	struct dns_answer answer[2];
	const char *why;

	for (unsigned i = 0; i < 2; i++) {
		char name[DNS_NAME_MAX + 1];
		const struct dns_question q = {
			.type = DNS_A, .name = test_name(p, i, name), .again = true
		};

		resolver_look(p->health->resolver, &q, &answer[i]);
	}
	why = zone_health(policy_zone(g->policy, p->number), &answer[0], &answer[1]);
	if (why != NULL)
		zone_suspend(s, why);
	else if (answer[0].state == DNS_FOUND && answer[1].state == DNS_NONE)
		zone_resume(s);
}

static void
on_answer(struct dns_waiter *w)
{
	struct probe *p = w->arg;

	if (--p->waits == 0)
		conclude(p);
}

static void
ask(struct probe *p)
{
	for (unsigned i = 0; i < 2; i++) {
		char name[DNS_NAME_MAX + 1];
		const struct dns_question q = { .type = DNS_A, .name = test_name(p, i, name) };

		p->waiter[i].done = on_answer;
		p->waiter[i].arg = p;
		if (resolver_ask(p->health->resolver, &q, &p->waiter[i]))
			p->waits++;
	}
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
		struct probe *p = &h->probe[i];
		struct zone_state *s = h->generation->zone[i];

		if (s == NULL || p->waits > 0 || (!all && !suspended(s)))
			continue;
		p->number = i;
		p->health = h;
		ask(p);
	}
}

void
health_init(struct health *h, struct ev_loop *loop, struct resolver *r)
{
	*h = (struct health){ .loop = loop, .resolver = r };
	ev_timer_init(&h->timer, on_timer, 0.0, HEALTH_SUSPENDED_S);
	h->timer.data = h;
}

static void
leave(struct health *h)
{
	for (unsigned i = 0; i < ZONES_MAX; i++) {
		resolver_leave(&h->probe[i].waiter[0]);
		resolver_leave(&h->probe[i].waiter[1]);
		h->probe[i].waits = 0;
	}
}

void
health_stop(struct health *h)
{
	leave(h);
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
