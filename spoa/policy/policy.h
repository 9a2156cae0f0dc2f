#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/arena.h"
#include "base/problem.h"
#include "base/slice.h"
#include "policy/request.h"
#include "policy/source.h"

/*
 * A policy in the Anubis format, compiled: an immutable generation that any number of threads
 * read. Order, AND of the matchers in a rule, first terminal action wins, WEIGH adds, then the
 * thresholds: as Anubis 1.27 does it.
 */
struct policy;

/*
 * Ways through a challenge, each a bit. Any one that a challenge offers is enough for its level,
 * and the pass says which it was.
 */
enum method {
	METHOD_POW = 1,           /* proof of work: JavaScript, or `ammit solve` */
	METHOD_WAIT = 2,          /* wait wait_s seconds from the sealed time of issue on */
	METHOD_RESOURCE = 4,      /* fetch a stylesheet of the page, as browsers do */
	METHOD_QUESTION = 8,      /* name something orange */
	METHOD_VIDEO = 16,        /* play a clip and tell its size; never the only way */
	METHOD_VIDEO_FAILED = 32, /* in passes alone: the clip was asked for and did not play */
};

#define METHODS_OFFERED                                                                            \
	(METHOD_POW | METHOD_WAIT | METHOD_RESOURCE | METHOD_QUESTION | METHOD_VIDEO)
#define METHODS 6

extern const char *const method_names[METHODS]; /* by bit: "pow", "wait", "resource", … */

/* "pow wait": those of a set, blanks between; the longest has METHODS_TEXT_MAX with its NUL. */
#define METHODS_TEXT_MAX 56
void methods_format(unsigned methods, char out[METHODS_TEXT_MAX]);

/* What a visitor is asked to do. Sealed into the ticket, so the challenge loop needs no policy. */
struct challenge {
	uint8_t methods; /* set of enum method, of METHODS_OFFERED; one beside METHOD_VIDEO */
	uint32_t hashes; /* expected number of them, over all puzzles; 1 to CHALLENGE_HASHES_MAX */
	uint8_t puzzles; /* 1 to CHALLENGE_PUZZLES_MAX */
	uint16_t level;  /* what a pass for it is worth; a pass of this level or more is enough */
	uint16_t wait_s; /* 1 to CHALLENGE_WAIT_MAX_S */
	bool clip;       /* the page plays a clip, and the pass says whether it did */
};

#define CHALLENGE_HASHES_MAX (1u << 26)
#define CHALLENGE_PUZZLES_MAX 32
#define CHALLENGE_WAIT_MAX_S 300

/* DRIP is ours, beside those of Anubis. */
enum action { ACTION_ALLOW, ACTION_DENY, ACTION_CHALLENGE, ACTION_WEIGH, ACTION_DRIP };

#define ACTIONS 5u

extern const char *const action_names[ACTIONS]; /* "ALLOW", … */

/* RFC 9309, 2.5: crawlers read 500 KiB at least, and may leave the rest. */
#define POLICY_ROBOTS_BYTES_MAX (500u * 1024)

/* What the file says beside the rules. */
struct policy_settings {
	uint16_t status_challenge, status_deny; /* HTTP status; 403 unless the file says so */
	char cookie[64];                        /* name of the pass cookie: "ammit" */
	enum binding binding;                   /* of tickets and passes: net */
	uint32_t pass_s;                        /* life of a pass: 7 days */
	int32_t cut_weight;      /* evidence "ammit/cut": a value was longer than its limit: 10 */
	int32_t mismatch_weight; /* evidence "ammit/pass-elsewhere": 10 */
	int32_t by_weight[METHODS]; /* evidence "ammit/pass-by-NAME" of the pass that holds: 0 */
	int32_t trap_weight;        /* evidence "ammit/honeypot": 30 */
	uint32_t trap_s;            /* how long it is remembered; 0: there is no honeypot */
	uint32_t dns_budget_ms;     /* how long a request waits for the DNS: 20; 0: not at all */
	uint32_t dns_forward_s, dns_reverse_s; /* dns_ttl: answers are known no longer; 0: theirs */
	struct slice robots; /* what /robots.txt is for all crawlers; NULL: the site's own */
};

/*
 * Parse and compile text in one go, JSON or YAML. `file` is how it is called in problems, and where
 * the paths in it begin. `source` NULL: it may name no other file.
 */
struct policy *policy_load(
    const char *file, struct slice text, const struct source *source, struct problems *problems);

/* As policy_load, or of a list of rules as an import names it. For `ammit check`. */
struct policy *policy_load_any(
    const char *file, struct slice text, const struct source *source, struct problems *problems);

void policy_free(struct policy *p); /* NULL is legal */

const struct policy_settings *policy_settings(const struct policy *p);

/* How the pages of a site look, by its Host header (policy/page.h). */
struct page_settings;
const struct page_settings *policy_page(const struct policy *p, struct slice host);

/* The first of all that there are; the others by `next`. */
const struct page_settings *policy_pages(const struct policy *p);

/* Rules it has, patterns, prefixes, sites beside the default one; bytes it holds. */
struct policy_size {
	size_t rules, patterns, prefixes, sites, bytes;
};
struct policy_size policy_size(const struct policy *p);

/*
 * Which field of struct request an SPOE argument fills: "ua", "hdr.accept", … REQUEST_FIELD_NONE
 * for what this policy does not read ("src" is not a field: the caller knows it).
 */
int policy_field(const struct policy *p, struct slice argument);

/* A header as somebody sent it, name in any case: it becomes a field, if this policy reads it. */
void policy_take_header(
    const struct policy *p, struct request *r, struct slice name, struct slice value);

/* Bit n: a rule looks at field n (and at more headers than there are, if it may be any of them). */
uint64_t policy_reads(const struct policy *p);

/* May something about this client be asked? Not if it is in no public network, or in dns.never. */
bool policy_may_ask(const struct policy *p, const struct address *client);

/* The i-th header that the policy reads, lower case; {NULL, 0} past the last. */
struct slice policy_header(const struct policy *p, unsigned i);
