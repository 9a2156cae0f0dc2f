#pragma once

#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"
#include "challenge/spent.h"
#include "token/key.h"
#include "token/pass.h"

/*
 * Where a solution is weighed. Pure but for the spent set: no clock, no socket, no log. Method and
 * difficulty come from the sealed ticket alone. Checks go from cheap to dear, and nothing is spent
 * before everything else is right.
 */
enum gate_outcome {
	GATE_PASSED,    /* pass and pass_s are set */
	GATE_AGAIN,     /* a double submit of the same client within GATE_AGAIN_S: the same pass */
	GATE_MALFORMED, /* the form is not one that the page sends */
	GATE_FORGED,
	GATE_EXPIRED, /* too old, from before a restart, or from the future */
	GATE_HOST,    /* of another host */
	GATE_CLIENT,  /* of another client */
	GATE_WRONG,   /* the solution does not hold */
	GATE_SPENT,   /* redeemed before */
};

extern const char *const gate_outcome_names[9]; /* "passed", "again", "malformed", … for logs */

#define GATE_AGAIN_S 30

struct gate_request {
	struct slice ticket;   /* text, from the form */
	struct slice solution; /* puzzles numbers of 8 hex digits each, lower case, comma between */
	struct slice host;     /* as sent */
	struct address client;
	int64_t now_s;
};

struct gate_answer {
	char pass[PASS_TEXT_MAX];
	size_t pass_len;
	uint32_t pass_s; /* life, for Max-Age */
	/* For the log; empty when the ticket was not even read. */
	char reference[TICKET_REFERENCE_CHARS + 1];
	uint16_t level;
};

enum gate_outcome gate_redeem(const struct keyring *keys, struct spent *spent,
    const struct gate_request *r, struct gate_answer *out);
