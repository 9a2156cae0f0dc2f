#pragma once

#include "base/dns.h"

/*
 * How a verdict sees the DNS: what is known by now, never a wait. Whoever stands behind it notes
 * what was unknown, asks for it, and judges again when it is known.
 */
typedef void dns_look(void *context, const struct dns_question *q, struct dns_answer *out);

struct dns_view {
	void *context;
	dns_look *look;

	/* Of the policy's zone: whom its lookups count for (NULL: nobody); NULL with *suspended:
	 * it is not to be asked now. */
	struct dns_tally *(*zone)(void *context, unsigned zone, bool *suspended);

	/* It answered what no blocklist answers; `why` in constant words. */
	void (*broken)(void *context, unsigned zone, const char *why);

	bool last; /* nobody judges again: what is unknown now stays so */
};
