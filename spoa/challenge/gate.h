#pragma once

#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"
#include "challenge/spent.h"
#include "token/key.h"
#include "token/pass.h"

/*
 * Where what a visitor brings is weighed. Pure but for the spent set: no clock, no socket, no log.
 * Methods and difficulty come from the sealed ticket alone. Checks go from cheap to dear, and
 * nothing is spent before everything else is right.
 */
enum gate_outcome {
	GATE_PASSED, /* pass and pass_s are set */
	GATE_AGAIN,  /* a double submit of the same client within GATE_AGAIN_S: of the same life */
	GATE_EARLY,  /* right so far, but left_s is not over, or the resource was not fetched */
	GATE_MALFORMED, /* not what the page sends */
	GATE_FORGED,
	GATE_EXPIRED, /* too old, from before a restart, or from the future */
	GATE_HOST,    /* of another host */
	GATE_CLIENT,  /* of another client */
	GATE_METHOD,  /* a method that the ticket does not offer */
	GATE_WRONG,   /* the solution does not hold */
	GATE_SPENT,   /* redeemed before */
};

#define GATE_OUTCOMES 11
extern const char *const gate_outcome_names[GATE_OUTCOMES]; /* "passed", "again", … for logs */

#define GATE_AGAIN_S 30

/* Who comes with a ticket, and when. */
struct gate_visit {
	struct slice ticket; /* text */
	struct slice host;   /* as sent */
	struct address client;
	int64_t now_s;
};

struct gate_request {
	struct gate_visit visit;
	/*
	 * How: METHOD_POW with the solution, puzzles numbers of 8 hex digits each, lower case,
	 * comma between. METHOD_QUESTION and METHOD_VIDEO: the caller has judged what was brought,
	 * and it was right. METHOD_WAIT: nothing but time; it stands for METHOD_RESOURCE, too,
	 * where the ticket offers that and `seen` has it.
	 */
	enum method method;
	struct slice solution;
	/* What was learned on the side, for the pass: METHOD_VIDEO, METHOD_VIDEO_FAILED or 0. */
	unsigned also;
};

struct gate_answer {
	char pass[PASS_TEXT_MAX];
	size_t pass_len;
	uint32_t pass_s; /* life, for Max-Age */
	unsigned left_s; /* with GATE_EARLY */
	/* For the log; empty when the ticket was not even read. */
	char reference[TICKET_REFERENCE_CHARS + 1];
	uint16_t level;
	enum method by; /* with a pass: how it was earned; METHOD_WAIT may have become another */
};

/*
 * Is this a ticket that the visitor may bring? GATE_PASSED: yes, and *t is it; its host borrows
 * from `store`. Spends nothing.
 */
enum gate_outcome gate_open(const struct keyring *keys, const struct spent *spent,
    const struct gate_visit *v, struct ticket *t, char store[TICKET_HOST_MAX],
    struct gate_answer *out);

/* The visitor fetched the page's stylesheet: remember it in `seen`. gate_open said GATE_PASSED. */
void gate_see(struct spent *seen, const struct gate_visit *v, const struct ticket *t);

/* Weigh and spend. */
enum gate_outcome gate_redeem(const struct keyring *keys, struct spent *spent,
    const struct spent *seen, const struct gate_request *r, struct gate_answer *out);
