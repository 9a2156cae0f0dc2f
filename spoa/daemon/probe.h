#pragma once

#include "net/resolver.h"
#include "policy/zone.h"

/*
 * The test points of a blocklist (RFC 5782, section 5), asked side by side: what it must list, and
 * what it must not. Embedded in whoever wants to know; zeroed before its first use.
 */
struct probe {
	struct resolver *resolver;
	const struct zone *zone;
	struct dns_waiter waiter[2];
	unsigned waits;                /* answers to come */
	void (*done)(struct probe *p); /* NULL: nobody is told */
};

enum test_point { TEST_LISTED, TEST_UNLISTED };

/* Ask both; p->done when nothing more is to come. Not while it waits. */
void probe_ask(
    struct probe *p, struct resolver *r, const struct zone *z, void (*done)(struct probe *p));

/* Wait no longer. Legal if it does not wait. */
void probe_leave(struct probe *p);

/* What is known about a test point by now; its name in `name`. */
void probe_look(
    const struct probe *p, enum test_point t, char name[DNS_NAME_MAX + 1], struct dns_answer *out);
