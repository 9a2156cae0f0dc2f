#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"
#include "policy/dns_view.h"
#include "policy/policy.h"
#include "policy/request.h"
#include "policy/zone.h"

/* What the visitor has already proved. */
struct evidence {
	uint16_t level;             /* of a valid pass; 0: none */
	uint8_t by;                 /* how it was earned: set of enum method */
	bool trapped;               /* somebody of this prefix went into the honeypot */
	bool pass_elsewhere;        /* a genuine pass of this host, but bound to another network */
	const struct dns_view *dns; /* NULL: nothing is asked, what the DNS would say is unknown */
};

enum verdict_kind { VERDICT_ALLOW, VERDICT_CHALLENGE, VERDICT_DENY, VERDICT_DRIP };

extern const char *const verdict_names[4]; /* "allow", "challenge", "deny", "drip" */

/* A blocklist that lists the client: zone of the policy, code of the zone. */
struct listing {
	uint8_t zone, code;
};

struct verdict {
	enum verdict_kind kind;
	/* "bot/NAME", "threshold/NAME" or "default/allow"; lives as long as the policy. */
	struct slice rule;
	int32_t weight;
	/* Set when kind is VERDICT_CHALLENGE; lives until the judge's next verdict. */
	const struct challenge *challenge;
	bool by_pass;       /* it would have been a challenge, but the pass was enough */
	bool close_circuit; /* the rule that denies closes the circuit that the request came by */
	bool excepted;      /* the visitor may not be remembered, whatever it is (ask.h) */

	/* Shadow mode, of the site or of a rule: what would have been, had it been in force. The
	 * same as above if nothing is in shadow. */
	struct {
		enum verdict_kind kind;
		struct slice rule;
		int32_t weight;
	} would;

	struct listing listed[ZONES_MAX];
	unsigned listings;
	/* Rules and zones that could not be evaluated because the DNS has not answered yet. Not 0:
	 * judge again when it has, if it is worth the wait. */
	unsigned unknown;
	struct slice site; /* "git.example.org", "*.example.org", "default"; "" without hosts */
};

/* What matched, in order, for `ammit explain`. */
struct matched {
	struct slice rule;
	enum action action;
	int32_t weight; /* added by it */
	bool shadow;    /* it counts for `would` only */
};

/* A rule that could not be evaluated, and counts as no match. */
struct failed {
	struct slice rule;
	const char *why; /* constant words */
};

/* What the DNS was asked. */
struct asked {
	enum dns_type type;
	enum dns_state state;
	char name[DNS_NAME_MAX + 1];
	char said[256]; /* "127.0.0.9", "crawl-1.example.org"; cut if it is long */
};

#define TRACE_ASKED_MAX 48
#define TRACE_MAX 256
#define TRACE_FAILED_MAX 32

struct trace {
	struct matched list[TRACE_MAX];
	unsigned count;
	struct failed failed[TRACE_FAILED_MAX];
	unsigned errors;                     /* rules that failed, kept in `failed` or not */
	struct asked asked[TRACE_ASKED_MAX]; /* each question once */
	unsigned asks;
	struct slice unknown[TRACE_FAILED_MAX]; /* what was unknown when it was judged */
	unsigned unknowns;
};

/* What one thread needs to judge: match data, JIT stack, buffers. Allocated once. */
struct judge;

struct judge *judge_new(void);
void judge_free(struct judge *j); /* NULL is legal */

/* Rules that failed since judge_new (a match limit, …): they count as 'no match'. */
uint64_t judge_errors(const struct judge *j);

/*
 * Make room for this policy. policy_judge does it too, but then a verdict allocates: call it when a
 * policy comes into force.
 */
void judge_fit(struct judge *j, const struct policy *p);

/* What load_1m, load_5m and load_15m are from now on; 0 until it is said. */
void judge_set_load(struct judge *j, const double load[3]);

/*
 * Weigh one request. Allocates nothing, never fails: a rule that cannot be evaluated does not
 * match. `trace` may be NULL.
 */
void policy_judge(const struct policy *p, struct judge *j, const struct request *r,
    const struct evidence *e, struct verdict *out, struct trace *trace);
