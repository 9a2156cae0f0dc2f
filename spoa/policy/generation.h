#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "policy/expr.h"
#include "policy/ipset.h"
#include "policy/patset.h"
#include "policy/policy.h"

/*
 * What a policy is inside: load.c and rule.c build it, verdict.c reads it.
 *
 * A rule costs nothing unless something points at it. Each rule has one key: its address lists if
 * it has any, else its first pattern that needs a word. The scan of a field and the lookup of the
 * address mark the rules whose key may match in one bit set, and only marked rules are walked, in
 * order. Rules without a key (`^$`, "header is there", patterns without a word) are marked always:
 * `unkeyed`. So a verdict costs the bytes of the request and what they hit, whether there are 10
 * rules or 10,000; the bit set itself is one word for 64 rules. Expressions become one more kind of
 * matcher, their constant matches() and contains() more patterns of the same sets; hosts become a
 * mask over the rules.
 */
enum matcher_kind {
	MATCHER_PATTERN, /* of the field's patset */
	MATCHER_PRESENT, /* the field is not empty */
};

struct matcher {
	enum matcher_kind kind;
	uint8_t field;
	uint32_t pattern;
};

#define RULES_MAX 100000u

struct rule {
	struct slice name; /* "bot/NAME" */
	enum action action;
	bool lets_through; /* never matches on a value that was cut */
	int32_t adjust;    /* of WEIGH */
	uint32_t matchers; /* all must match; addresses are not among them, they are the key */
	const struct matcher *matcher;
	uint64_t fields; /* bit n: it looks at field n */
	struct challenge challenge;
};

struct threshold {
	struct slice name; /* "threshold/NAME" */
	enum action action;
	const struct expr *expr;
	struct challenge challenge;
};

/* The patterns of one field, and where a judge notes its hits. */
struct field {
	uint8_t field;
	struct patset *set;
	uint32_t hit_at, word_at; /* offsets in the judge's bit sets, in 64-bit words */
};

struct policy {
	struct arena *arena;
	struct policy_settings settings;

	struct rule *rule;
	uint32_t rules;
	uint64_t *unkeyed; /* [rule] */

	struct threshold *threshold;
	unsigned thresholds;

	struct field field[REQUEST_FIELDS]; /* those with patterns */
	unsigned fields;
	uint32_t hits, words; /* 64-bit words that all fields need */
	uint64_t read;        /* bit n: a rule looks at field n */
	struct ipset *addresses;
	struct patset_limits limits;

	struct slice header[REQUEST_HEADERS_MAX];
	unsigned headers;
};

/* What a judge must have room for, whatever the policy. */
#define POLICY_HITS_MAX (PATTERNS_MAX / 64 + REQUEST_FIELDS)
#define POLICY_WORDS_MAX (PATSET_STATES_MAX / 3 / 64 + REQUEST_FIELDS)
