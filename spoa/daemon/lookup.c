#include "daemon/lookup.h"

#include <string.h>

static void
want(struct lookup *l, const struct dns_question *q)
{
	struct wanted *w;

	for (unsigned i = 0; i < l->wanted; i++)
		if (l->want[i].question.type == q->type &&
		    slice_equal(l->want[i].question.name, q->name))
			return;
	if (l->wanted == LOOKUP_WANTED_MAX || q->name.len > DNS_NAME_MAX)
		return;
	w = &l->want[l->wanted++];
	memcpy(w->name, q->name.ptr, q->name.len);
	w->question = *q;
	w->question.name.ptr = w->name;
}

static void
look(void *context, const struct dns_question *q, struct dns_answer *out)
{
	struct lookup *l = context;
	struct dns_question known = *q;

	if (known.tally == NULL)
		known.tally = l->functions;
	known.again = l->again;
	resolver_look(l->resolver, &known, out);
	if (out->state == DNS_UNKNOWN)
		want(l, &known);
}

static struct dns_tally *
zone(void *context, unsigned number, bool *suspended)
{
	struct lookup *l = context;
	struct zone_state *s = l->zone[number];

	*suspended = s == NULL || atomic_load_explicit(&s->suspended, memory_order_relaxed) != NULL;
	return s == NULL ? NULL : &s->tally[l->worker];
}

static void
broken(void *context, unsigned number, const char *why)
{
	struct lookup *l = context;

	if (l->zone[number] != NULL)
		zone_suspend(l->zone[number], why);
}

void
lookup_init(struct lookup *l, struct resolver *r, unsigned worker, struct dns_tally *functions)
{
	l->view = (struct dns_view){ l, look, zone, broken, false };
	l->resolver = r;
	l->functions = functions;
	l->worker = worker;
	l->zone = NULL;
	l->wanted = 0;
}

void
lookup_begin(struct lookup *l, struct zone_state *const *zones, bool again, bool last)
{
	l->zone = zones;
	l->again = again;
	l->view.last = last;
	l->wanted = 0;
}

unsigned
lookup_ask(
    struct lookup *l, struct dns_waiter *waiter, void (*done)(struct dns_waiter *w), void *arg)
{
	unsigned waiting = 0;

	for (unsigned i = 0; i < l->wanted; i++) {
		struct dns_waiter *w = waiter == NULL ? NULL : &waiter[waiting];

		if (w != NULL)
			*w = (struct dns_waiter){ .done = done, .arg = arg };
		if (resolver_ask(l->resolver, &l->want[i].question, w) && w != NULL)
			waiting++;
	}
	l->wanted = 0;
	return waiting;
}
