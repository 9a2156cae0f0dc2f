#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/counter.h"
#include "base/slice.h"

/* Names, questions and answers of the DNS as the rest of the program sees them. Pure. */
enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_AAAA = 28 }; /* RFC 1035, 3.2.2; RFC 3596 */

enum dns_state {
	DNS_UNKNOWN, /* nobody has answered yet */
	DNS_FOUND,   /* `count` records, one at least */
	DNS_NONE,    /* there is no such name, or it has no such record */
	DNS_FAILED,  /* nobody could or would say: tells nothing about the name */
};

/* As text, without the final dot. */
#define DNS_NAME_MAX 253u

/* What of an answer is kept; more records are dropped. */
#define DNS_DATA_MAX 1024u
#define DNS_RECORDS_MAX 64u

/*
 * Records one behind the other: 4 bytes of an A, 16 of an AAAA, of a PTR a byte of length and the
 * name (normal, see below). Borrowed from whoever gave the answer.
 */
struct dns_answer {
	enum dns_state state;
	enum dns_type type;
	unsigned count;
	struct slice data;
};

/* The record at *at (begin with 0), which moves on; false at the end. Of a PTR the name alone. */
bool dns_answer_next(const struct dns_answer *a, size_t *at, struct slice *record);

/* For people: the address in `room`, or the name as it stands. */
struct slice dns_record_text(enum dns_type type, struct slice record, char room[ADDRESS_TEXT_MAX]);

/* Counts of whoever asks (a zone, the functions of expressions); written by one thread. */
#define DNS_TALLY_CODES 64u

struct dns_tally {
	struct counter lookups;  /* answers wanted, cached or not */
	struct counter cached;   /* of these, from the cache */
	struct counter queries;  /* sent out, each name once however many wait for it */
	struct counter answers;  /* good ones, found or none */
	struct counter failures; /* nobody could say: refused, server failure, malformed */
	struct counter timeouts; /* nobody said in time */
	struct counter dropped;  /* not asked: too many were on their way */
	struct latency latency;  /* of answers */
	struct counter listed[DNS_TALLY_CODES + 1]; /* requests, by code of the zone; last: other */
};

struct dns_question {
	enum dns_type type;
	struct slice name; /* normal */
	/*
	 * Bounds of how long it is known; 0: the resolver's own. The most counts for DNS_NONE, too,
	 * and more than any least.
	 */
	uint32_t ttl_min_s, ttl_max_s;
	struct dns_tally *tally; /* NULL: nobody counts */
	bool again;              /* the same request looks a second time: its look is not counted */
};

/*
 * The normal form of a host name: lower case, no final dot, labels of 1 to 63 letters, digits, -
 * and _, at most DNS_NAME_MAX bytes. In `out`; {NULL, 0} if it is none.
 */
struct slice dns_name_normal(struct slice name, char out[DNS_NAME_MAX + 1]);

/*
 * "4.3.2.1.ZONE" of 1.2.3.4, or the 32 nibbles of an IPv6 address, last first (RFC 5782, 2.1 and
 * 2.4; with dns_arpa the name of a PTR: RFC 1035, 3.5; RFC 3596, 2.5). NUL-terminated in `out`;
 * {NULL, 0} if it is too long or the address is none.
 */
struct slice dns_reverse(const struct address *a, struct slice zone, char out[DNS_NAME_MAX + 1]);

/* "in-addr.arpa" or "ip6.arpa". */
struct slice dns_arpa(const struct address *a);

/* "A", "PTR", "AAAA"; "found", … */
extern const char *const dns_state_names[4];
const char *dns_type_name(enum dns_type t);
