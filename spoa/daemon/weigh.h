#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/generation.h"
#include "policy/verdict.h"
#include "spop/frame.h"
#include "spop/session.h"
#include "token/pass.h"
#include "token/pass_cache.h"
#include "token/ticket.h"

#define WEIGH_ARGUMENTS 64u /* that are remembered; more are looked up each time */

/*
 * From a NOTIFY to its ACK: decode the arguments, check the pass, judge, seal a ticket, encode. No
 * socket, no clock, no allocation: this is the verdict path, and it is what is benched.
 */
struct weigher {
	struct generation *generation;
	struct judge *judge;
	struct pass_cache *passes;
	struct ticket_ids ids;
	/*
	 * What the n-th argument was called last time, and what it is: HAProxy sends the same names
	 * in the same order for as long as its configuration stands.
	 */
	struct {
		char name[30];
		uint8_t len;
		int8_t what;
	} argument[WEIGH_ARGUMENTS];
	uint64_t verdicts[4]; /* given so far, by enum verdict_kind, before shadow mode */
};

/* Takes over a reference of g. */
void weigher_init(struct weigher *w, struct generation *g);
void weigher_fini(struct weigher *w);

/* Judge by g from now on; takes over a reference. */
void weigher_reload(struct weigher *w, struct generation *g);

/* Room that weigh_notify may need in a writer. */
#define WEIGH_ANSWER_MAX 8192u

/*
 * Answer one NOTIFY with one ACK of at least one action. Where there is no verdict (no message
 * `weigh` in it, or an internal error) the ACK sets `rule` alone, and HAProxy's rule for the
 * missing verdict decides. False: the payload is malformed, nothing was written.
 */
bool weigh_notify(struct weigher *w, const struct spop_frame *f, uint32_t max_frame, int64_t now_s,
    struct spop_writer *out);
