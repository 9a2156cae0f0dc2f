#pragma once

#include "base/dns.h"

/* What an answer of a server says about one question. */
struct dns_message {
	enum dns_state state;
	uint32_t ttl_s; /* of FOUND: the least on the way to it, CNAMEs included; of NONE: RFC 2308,
			   section 5, 0 without SOA */
	uint8_t rcode;  /* 0 where there was no header */
	bool malformed; /* then it is DNS_FAILED */
	unsigned count;
	size_t bytes;
	uint8_t data[DNS_DATA_MAX]; /* as in struct dns_answer */
};

/*
 * Read a whole message (RFC 1035, section 4) that came in answer to q. Follows CNAMEs from the
 * name that was asked for within the message; records of other names are ignored. DNS_FAILED:
 * malformed, not an answer, to another question, truncated, any RCODE but NOERROR and NXDOMAIN, a
 * referral, more than 16 aliases or 1024 answers. A PTR's target that is no normal name is ignored.
 * Bounded: no name is followed for more than its length allows, no section beyond the bytes.
 */
void dns_message_read(
    const uint8_t *bytes, size_t n, const struct dns_question *q, struct dns_message *out);
