#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "daemon/circuits.h"
#include "daemon/generation.h"
#include "daemon/lookup.h"
#include "daemon/trap.h"
#include "daemon/weigh_counts.h"
#include "policy/verdict.h"
#include "spop/frame.h"
#include "spop/session.h"
#include "token/pass.h"
#include "token/pass_cache.h"
#include "token/ticket.h"

#define WEIGH_ARGUMENTS 64u /* that are remembered; more are looked up each time */

/*
 * From a NOTIFY to its ACK: decode the arguments, check the pass, judge, seal a ticket, encode; or
 * from a request that came another way to its verdict and ticket, with no frame around them. No
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
	struct lookup lookup;
	const struct trap *trap;   /* NULL: there is none */
	struct circuits *circuits; /* NULL: nobody asks tor */
	bool may_wait; /* say WEIGH_WAITS where it would help; the caller sets it before each */
	bool again;    /* the same request a second time; the caller sets it, too */
	struct weigh_counts counts;
};

/* Takes over a reference of g. It asks no DNS until lookup_init has been called on w->lookup. */
void weigher_init(struct weigher *w, struct generation *g);
void weigher_fini(struct weigher *w);

/* Judge by g from now on; takes over a reference. */
void weigher_reload(struct weigher *w, struct generation *g);

/* Room that weigh_notify may need in a writer. */
#define WEIGH_ANSWER_MAX 8192u

enum weigh_step {
	WEIGH_MALFORMED, /* nothing was written */
	WEIGH_ANSWERED,
	WEIGH_WAITS, /* nothing was written: ask what w->lookup wants, and weigh it again */
};

/* What became of one request. */
struct weighed {
	struct verdict verdict;
	enum verdict_kind kind; /* what is in force: allow while the whole policy is in shadow */
	bool shadow;            /* it is */
	bool pass_good;         /* the request's pass holds here */
	bool failed;            /* a rule could not be evaluated */
	struct slice ticket;    /* borrows `text`; empty unless kind is VERDICT_CHALLENGE */
	char text[TICKET_TEXT_MAX];
};

/* Has shadow mode held something back? Then verdict.would says what. */
static inline bool
weighed_would_differ(const struct weighed *it)
{
	return it->shadow || it->verdict.would.kind != it->verdict.kind;
}

/*
 * Weigh one request: WEIGH_ANSWERED with *out, or WEIGH_WAITS. r->field[REQUEST_PASS] is the pass
 * as sent; its age is set in *r. Allocates nothing. What the DNS has not answered and w->lookup
 * wants is left there after WEIGH_ANSWERED too, so that it can be known next time.
 */
enum weigh_step weigh_request(
    struct weigher *w, struct request *r, int64_t now_s, struct weighed *out);

/*
 * May this visitor be remembered (policy/ask.h)? Would any plain request of his, and of whoever
 * shows the same pass, address and headers, be let through now? This one was, by a pass that is
 * good, and nothing was left open: no value cut, no answer missing, no rule failed, no rate that a
 * rule might look at.
 */
bool weigh_is_steady(const struct weigher *w, const struct request *r, const struct weighed *it);

/*
 * Answer one NOTIFY with one ACK of at least one action, as weigh_request judges it. HAProxy sends
 * the argument `fast`, the fingerprint of its ask list (policy/ask.h), with plain requests alone;
 * if it is the one of the policy, `remember` says for how many seconds the visitor need not be
 * asked about: ten, or the variable is not set. Where there is no verdict (no message `weigh` in
 * it, or an internal error) the ACK sets `rule` alone, and HAProxy's rule for the missing verdict
 * decides. `new_pass` is set to 1 where pass.rate was sent as NULL and the pass is good: HAProxy
 * may count it from now on.
 */
enum weigh_step weigh_notify(struct weigher *w, const struct spop_frame *f, uint32_t max_frame,
    int64_t now_s, struct spop_writer *out);
