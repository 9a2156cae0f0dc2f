#pragma once

#include "base/dns.h"
#include "policy/policy.h"

/*
 * A DNS blocklist (RFC 5782) and what its answers weigh. Part of the policy, immutable.
 */
#define ZONES_MAX 16u
#define ZONE_CODES_MAX DNS_TALLY_CODES

struct zone_code {
	uint8_t code[4];   /* 127.0.0.9 */
	struct slice name; /* "HTTP proxy"; "127.0.0.9" where it has none */
	struct slice rule; /* "dnsbl/dronebl/HTTP proxy" */
	enum action action;
	int32_t weight; /* of WEIGH */
};

struct zone {
	struct slice zone;             /* "dnsbl.dronebl.org", a normal name */
	struct slice name;             /* "dronebl"; the zone where it has none */
	bool v4, v6;                   /* clients that it is asked about */
	bool weighs;                   /* false: only expressions ask it */
	bool over_allow;               /* a listing comes before a rule's ALLOW: `dnsbl: true` */
	uint32_t ttl_min_s, ttl_max_s; /* 0: the resolver's */
	unsigned codes;
	struct zone_code code[ZONE_CODES_MAX];
	struct zone_code otherwise; /* what is not named; weighs nothing if nobody says so */
};

unsigned policy_zones(const struct policy *p);
const struct zone *policy_zone(const struct policy *p, unsigned i);

enum zone_says {
	ZONE_NOT_LISTED,
	ZONE_LISTED,
	ZONE_UNKNOWN, /* not known yet */
	ZONE_FAILED,  /* nobody could say */
	ZONE_BROKEN,  /* it answers what no blocklist answers: outside 127/8, or 127.255.255.0/24 */
};

/* ZONE_LISTED: *worst is the code that counts (ZONE_CODES_MAX: `otherwise`): DRIP before DENY
 * before CHALLENGE before the most weight. `why` is set for ZONE_BROKEN. */
enum zone_says zone_read(
    const struct zone *z, const struct dns_answer *a, unsigned *worst, const char **why);

/* The code by that number, `otherwise` included. */
const struct zone_code *zone_code(const struct zone *z, unsigned n);

/*
 * RFC 5782, section 5: what must be listed and what must not (127.0.0.2 and 127.0.0.1, for a zone
 * of IPv6 only ::ffff:7f00:2 and ::ffff:7f00:1). The names to ask, in `out`.
 */
struct slice zone_test_name(const struct zone *z, bool listed, char out[DNS_NAME_MAX + 1]);

/* NULL: healthy, as far as these answers tell (DNS_FAILED and DNS_UNKNOWN tell nothing); else what
 * is wrong, in constant words. */
const char *zone_health(const struct dns_answer *listed, const struct dns_answer *unlisted);
