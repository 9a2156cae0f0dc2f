#include "daemon/probe.h"

static void
on_answer(struct dns_waiter *w)
{
	struct probe *p = w->arg;

	if (--p->waits == 0 && p->done != NULL)
		p->done(p);
}

static struct dns_question
question(const struct probe *p, enum test_point t, char name[DNS_NAME_MAX + 1])
{
	return (struct dns_question){ .type = DNS_A,
		.name = zone_test_name(p->zone, t == TEST_LISTED, name) };
}

void
probe_ask(struct probe *p, struct resolver *r, const struct zone *z, void (*done)(struct probe *p))
{
	p->resolver = r;
	p->zone = z;
	p->done = done;
	p->waits = 0;
	for (unsigned i = 0; i < 2; i++) {
		char name[DNS_NAME_MAX + 1];
		const struct dns_question q = question(p, (enum test_point)i, name);

		p->waiter[i] = (struct dns_waiter){ .done = on_answer, .arg = p };
		if (resolver_ask(r, &q, &p->waiter[i]))
			p->waits++;
	}
}

void
probe_leave(struct probe *p)
{
	resolver_leave(&p->waiter[0]);
	resolver_leave(&p->waiter[1]);
	p->waits = 0;
}

void
probe_look(
    const struct probe *p, enum test_point t, char name[DNS_NAME_MAX + 1], struct dns_answer *out)
{
	struct dns_question q = question(p, t, name);

	q.again = true;
	resolver_look(p->resolver, &q, out);
}
