#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

/*
 * An IPv4 or IPv6 address in network order. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is IPv4
 * here, always. Bytes that the family does not use are zero, so two addresses compare with memcmp.
 */
struct address {
	uint8_t bytes[16];
	uint8_t family; /* 4, 6, or 0: unknown */
};

struct prefix {
	struct address base; /* host bits are zero */
	uint8_t bits;
};

#define ADDRESS_TEXT_MAX 46 /* with NUL */

/* n is 4 or 16; anything else gives family 0. */
struct address address_from_bytes(const void *bytes, size_t n);

/* RFC 4291 text or dotted quad, nothing around it. */
bool address_parse(struct slice s, struct address *out);

/* As inet_ntop writes it, "-" for family 0; returns its length. */
size_t address_format(const struct address *a, char out[ADDRESS_TEXT_MAX]);

bool address_equal(const struct address *a, const struct address *b);

/* The first bits4 or bits6 bits of it, the rest zero. */
struct address address_mask(const struct address *a, unsigned bits4, unsigned bits6);

/* In fc00:dead:beef:4dad::/64: a Tor circuit, not an address (tor's HiddenServiceExportCircuitID).
 */
bool address_is_circuit(const struct address *a);

/* Its id, the last 32 bits, as tor's control port has it. Tor counts from 1 in each of its
 * processes; 0: this is no circuit. */
uint32_t address_circuit(const struct address *a);

/*
 * One that others on the Internet can have: not private, loopback, link-local, shared (RFC 6598),
 * unique local, multicast, documentation, benchmarking or otherwise special (RFC 6890), no circuit.
 */
bool address_is_public(const struct address *a);

/* "192.0.2.0/24", "2001:db8::/32". False with *why, which says what is wrong and what is right. */
bool prefix_parse(struct slice s, struct prefix *out, const char **why);

/*
 * Whom a ticket or a pass holds for, as the policy chose:
 * none: anyone; net: the same /24 or /48 (for circuits: any circuit of the service); exact: the
 * same address; circuit: the same circuit on the onion side, elsewhere as net.
 */
enum binding { BINDING_NONE, BINDING_NET, BINDING_EXACT, BINDING_CIRCUIT };

extern const char *const binding_names[4];

/* What of the client's address is sealed, and compared later. */
struct address binding_apply(enum binding b, const struct address *client);
