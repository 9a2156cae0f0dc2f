#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * The header of every answer that is a challenge, for those who are no browser (ammit-protocol(7)):
 *   Ammit-Challenge: ticket="TEXT", methods="pow wait", puzzles=16, target=1048576, wait=5
 * A dictionary as RFC 8941 has it; members that are not known here are passed over.
 */
#define OFFER_HEADER "Ammit-Challenge"
#define OFFER_TICKET_MAX 1024u
#define OFFER_WAIT_MAX_S 600u

struct offer {
	struct slice ticket; /* letters, digits, - and _; borrowed from the header */
	bool pow, wait;      /* what buys the pass, of what a program can do */
	/* With pow: */
	unsigned puzzles; /* 1 to CHALLENGE_PUZZLES_MAX */
	uint32_t target;  /* above 0 */
	/* With wait: */
	unsigned wait_s; /* at most OFFER_WAIT_MAX_S */
};

/* Tries that are expected. */
uint64_t offer_hashes(const struct offer *o);

/* False with *why: it is none, or none that anybody could fulfil. */
bool offer_parse(struct slice header, struct offer *o, const char **why);
