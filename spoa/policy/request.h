#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"

/*
 * One request as HAProxy told it: the input of a verdict. All bytes are borrowed from the frame.
 * What is absent and what is empty are the same (HAProxy sends either, by version).
 *
 * HAProxy cuts each argument one byte behind the limit here (haproxy/ammit.spoe.conf), so a value
 * longer than its limit was cut on its way, and is marked: no rule that lets a request through may
 * match on it, and the cut itself is evidence.
 */
enum request_field {
	REQUEST_METHOD,
	REQUEST_PATH, /* as sent, before percent-decoding, without the query */
	REQUEST_QUERY,
	REQUEST_HOST,
	REQUEST_USER_AGENT,
	REQUEST_VERSION, /* "1.1" */
	REQUEST_PASS,    /* the pass cookie */
	REQUEST_TLS,     /* "TLSv1.3"; absent on plain http */
	REQUEST_JA3,     /* fingerprints of the TLS hello, where HAProxy makes them */
	REQUEST_JA4,
	REQUEST_HEADER, /* the first of the headers that the policy reads */
};

#define REQUEST_HEADERS_MAX 48
#define REQUEST_FIELDS (REQUEST_HEADER + REQUEST_HEADERS_MAX)
#define REQUEST_FIELD_NONE (-1)

/* Numbers that HAProxy counts, or the pass says. */
enum request_number {
	REQUEST_RATE,      /* requests of this client within HAProxy's period (argument rate) */
	REQUEST_PASS_RATE, /* of this pass (argument pass.rate) */
	REQUEST_PASS_AGE,  /* seconds since the pass was issued; only of one that holds here */
	REQUEST_EFFORT, /* of tor's proof of work, of this circuit; tor's control port tells it */
	REQUEST_NUMBERS,
};

struct request {
	struct address src;
	struct slice field[REQUEST_FIELDS];
	uint64_t cut; /* bit n: field[n] was longer than its limit and is cut to it */
	int64_t number[REQUEST_NUMBERS];
	uint8_t known; /* bit n: number[n] is */
};

_Static_assert(REQUEST_FIELDS <= 64, "a bit a field");

/* Bytes that a field may have: method 32, path, query and pass 1024, host 255, User-Agent 512,
 * version 8, TLS version 16, JA3 and JA4 64, any other header 256. */
size_t request_limit(unsigned field);

/* Set a field; a value longer than request_limit is cut to it and marked. */
void request_set(struct request *r, unsigned field, struct slice value);

/* "path?query", as sent: path and query are parted here and nowhere else, at the first '?'. */
void request_set_target(struct request *r, struct slice target);

void request_set_number(struct request *r, enum request_number which, int64_t value);

/* Names of the fields before REQUEST_HEADER, as in the SPOE arguments: method, path, query, host,
 * ua, ver, pass, tls.version, tls.ja3, tls.ja4. A header's argument is "hdr." and its name in lower
 * case: hdr.accept. */
extern const char *const request_argument[REQUEST_HEADER];
