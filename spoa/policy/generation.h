#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/mmdb.h"
#include "policy/ask.h"
#include "policy/expr.h"
#include "policy/ipset.h"
#include "policy/patset.h"
#include "policy/policy.h"
#include "policy/zone.h"

/*
 * What a policy is inside: load.c, import.c, rule.c and matcher.c build it, verdict.c reads it.
 *
 * A rule costs nothing unless something points at it. Each rule has one key: its address lists if
 * it has any, else a pattern that needs a word, else the patterns that its expression needs one of,
 * else its networks or countries. The scan of a field, the lookup of the address and of its origin
 * mark the rules whose key may match in one bit set with a summary above it, and only marked rules
 * are walked, in order. Rules without a key (`^$`, "header is there", patterns without a word) are
 * marked always: `unkeyed`. So a verdict costs the bytes of the request and what they hit, whether
 * there are 10 rules or 10,000.
 *
 * Each site has a range of rules of its own; those of all sites come last and are walked after it.
 */
enum matcher_kind {
	MATCHER_PATTERN, /* of the field's patset */
	MATCHER_PRESENT, /* the field is not empty */
	MATCHER_ASN,     /* the network is in a list */
	MATCHER_COUNTRY,
	MATCHER_EXPR,
	MATCHER_VERIFY, /* the client's name is one of these, and has its address: always last */
	MATCHER_NEVER,  /* the whole rule is out */
};

/* verify_dns of a rule. */
struct verify {
	const struct slice *suffix; /* ".googlebot.com" */
	unsigned suffixes;
	int32_t forged;           /* weight of a claim that is not so */
	struct slice forged_name; /* "bot/NAME/forged" */
};

struct matcher {
	enum matcher_kind kind;
	uint8_t field;
	uint32_t pattern;
	/* Of networks, ascending, and of countries, as country_number. */
	const uint32_t *origin;
	uint32_t origins;
	const struct expr *expr;
	const struct verify *verify;
};

/* Once, when all else is there: p->ask, and which sites are excepted. */
void ask_seal(struct policy *p);

/* "DE" as a number; 0 for what are no two capital letters. */
static inline uint32_t
country_number(const char code[2])
{
	return code[0] >= 'A' && code[0] <= 'Z' && code[1] >= 'A' && code[1] <= 'Z'
		   ? (uint32_t)(code[0] - 'A') * 26 + (uint32_t)(code[1] - 'A') + 1
		   : 0;
}

/* A point of a curve: at this weight that many hashes, at this load that factor. */
struct point {
	double at, value;
	double log; /* log2 of value */
};

#define POINTS_MAX 16

/*
 * What a CHALLENGE asks for. Without a curve it is always the same. With one the hashes follow from
 * the weight, along straight lines between the logarithms of its points, and level from them; then
 * the load multiplies them, along straight lines, which no pass is asked to follow: a visitor who
 * has passed stays passed when the load rises. Never more than the slowest browser does in most_s.
 */
struct demand {
	struct challenge challenge;
	bool own_level, own_wait; /* the file says it: it follows from no weight */
	uint16_t most_s;
	unsigned prices, loads; /* points of each curve; 0: it is flat */
	const struct point *price, *load;
};

/* Hashes a second of the slowest browser that is cared for: one core, no JIT. */
#define SLOWEST_HASHES_PER_S 100000u

/* The challenge of a demand at this weight and load_1m. */
struct challenge demand_challenge(const struct demand *d, int32_t weight, double load);

#define RULES_MAX 100000u
#define SITES_MAX 10000u

struct rule {
	struct slice name; /* "bot/NAME" */
	enum action action;
	bool lets_through;       /* never matches on a value that was cut */
	bool shadow;             /* counts for what would be */
	bool own_challenge;      /* else the site's */
	bool keyed;              /* until it is sealed */
	bool unknown_challenges; /* what it does while the DNS has not answered */
	bool close_circuit;      /* of DENY and DRIP */
	int32_t adjust;          /* of WEIGH */
	uint32_t matchers; /* all must match; addresses are not among them, they are the key */
	const struct matcher *matcher;
	uint64_t fields;  /* bit n: it looks at field n */
	const char *file; /* where it stands */
	uint32_t line;
	struct demand challenge;
};

struct threshold {
	struct slice name; /* "threshold/NAME" */
	enum action action;
	bool close_circuit; /* of DENY and DRIP */
	const struct expr *expr;
	struct demand challenge;
};

/* Weights that nearly every request has: the answer is known when the policy is loaded. */
#define THRESHOLD_FROM (-128)
#define THRESHOLD_WEIGHTS 256
#define THRESHOLD_NONE 254u
#define THRESHOLD_ASK 255u

/* One of `hosts`, or all the rest (site[0]). */
struct site {
	struct slice name;   /* as written, lower case; "" for the rest */
	uint32_t first, end; /* rules of its own */
	bool common;         /* then those of all sites */
	bool dnsbl;          /* then the blocklists */
	bool shadow;
	bool excepted; /* nobody may be remembered here (ask.h) */
	struct threshold *threshold;
	unsigned thresholds;
	/* Which threshold holds at THRESHOLD_FROM + n; else THRESHOLD_ASK: evaluate them. */
	uint8_t *at_weight;
	struct demand challenge; /* of CHALLENGE rules that have none */
	const struct page_settings *page;
};

/* The patterns of one field, and where a judge notes its hits. */
struct field {
	uint8_t field;
	struct patset *set;
	size_t room_at; /* in the judge's room, in 64-bit words */
};

/* Rules whose key is a network or a country, sorted by it. */
struct origin {
	uint32_t number, rule;
};

struct origins {
	struct origin *list;
	size_t count;
};

struct policy {
	struct arena *arena;
	struct policy_settings settings;
	struct page_settings *page, *page_last; /* all of them; one at least, once it is loaded */

	struct rule *rule;
	uint32_t rules, common; /* rule[common] is the first for all sites */
	uint64_t *unkeyed, *unkeyed_summary;
	bool shadows; /* a rule is in shadow */

	struct site *site; /* [0]: hosts that no other names; the others sorted by name */
	uint32_t sites;

	struct field field[REQUEST_FIELDS]; /* those with patterns */
	unsigned fields;
	int8_t field_at[REQUEST_FIELDS]; /* in field[], -1: it has no patterns */
	size_t room;                     /* 64-bit words that all fields need */
	uint64_t read;                   /* bit n: a rule looks at field n */
	struct ipset *addresses;
	struct origins asn, country;
	struct mmdb *asn_db, *country_db; /* NULL: none */
	struct patset_limits limits;

	struct zone *zone[ZONES_MAX];
	unsigned zones;
	struct ipset *never; /* clients that the DNS is never asked about; NULL: none is named */

	struct regex **regex; /* of expressions, on other texts than fields */
	size_t regexes;

	struct ask ask;

	struct slice header[REQUEST_HEADERS_MAX];    /* lower case */
	struct slice canonical[REQUEST_HEADERS_MAX]; /* Sec-Fetch-Mode */
	unsigned headers;
};
