#pragma once

#include "policy/generation.h"
#include "policy/verdict.h"

/*
 * Inside of verdict.h: one verdict on its way. verdict.c walks rules and thresholds, verdict_dns.c
 * has what hangs on the DNS.
 */
/* Where a verdict stands: with all rules, or without those in shadow. */
struct track {
	bool decided, by_pass, close_circuit;
	enum verdict_kind kind;
	struct slice rule;
	int32_t weight;
	struct challenge challenge; /* if kind is VERDICT_CHALLENGE */
};

/* Nothing that comes later makes it worse. */
static inline bool
verdict_refuses(const struct track *t)
{
	return t->kind == VERDICT_DENY || t->kind == VERDICT_DRIP;
}

/* One verdict on its way. */
struct weighing {
	const struct policy *policy;
	struct judge *judge;
	const struct request *request;
	const struct evidence *evidence;
	const struct site *site;
	struct trace *trace;
	struct track real, would; /* would: only if the policy has rules in shadow */
	uint64_t errors;
	const char *why; /* the rule at hand failed */
	/* Where the address comes from, asked once. */
	bool asn_known, country_known;
	uint32_t asn, country; /* country as country_number */
	/* What the DNS has to do with it. */
	bool ask_known, may_ask;
	bool unknown_here;           /* the rule at hand hangs on an answer that is not there */
	const struct verify *forged; /* the rule at hand found a claim that is not so */
	unsigned unknown, listings;
	struct listing listed[ZONES_MAX];
};

/* What something that matched comes to. */
struct effect {
	struct slice name;
	enum action action;
	int32_t weight;                 /* of WEIGH */
	const struct demand *challenge; /* of CHALLENGE */
	bool shadow;                    /* for what would be, alone */
	bool close_circuit;             /* of DENY and DRIP */
};

/* Note it, and apply it to the tracks that are not decided yet. */
void verdict_apply(struct weighing *w, const struct effect *e);

/* What a CHALLENGE of this rule asks for. */
const struct demand *verdict_challenge(const struct weighing *w, const struct rule *r);

/* May anything be asked about this client? */
bool verdict_may_ask(struct weighing *w);

/* For an expression and FCrDNS; the context is the weighing. */
dns_look verdict_look;
enum zone_says verdict_listed(void *context, unsigned zone);

/* A rule's verify_dns; false with unknown_here or forged set, or neither: nobody could say. */
bool verdict_verifies(struct weighing *w, const struct verify *v);

/* The rule at hand is unknown, or found a claim that is not so. */
void verdict_apply_unknown(struct weighing *w, const struct rule *r);
void verdict_apply_forged(struct weighing *w, const struct rule *r);

/* The blocklists, where they can still change something. */
void verdict_walk_zones(struct weighing *w);
