#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/slice.h"
#include "token/key.h"
#include "token/ticket.h"

/*
 * A pass is what a solved challenge buys: a JWT (RFC 7519) with HS256 that HAProxy's jwt_verify can
 * check too. Claims, always all and in this order:
 *   {"iat":N,"exp":N,"lvl":N,"by":N,"bind":"net","net":"192.0.2.0","jti":"HEX","host":"git.example.org"}
 * "by" is the set of enum method that earned it. "net" is binding_apply of the client as inet_ntop
 * writes it, "-" for none. The algorithm is ours, never the token's: the header is compared as
 * bytes with the one that each key has.
 */
#define PASS_TEXT_MAX 1024u

struct pass {
	int64_t issued_s, expires_s;
	uint16_t level;
	uint8_t by; /* set of enum method */
	enum binding binding;
	struct address client; /* binding_apply of the visitor's */
	uint8_t id[TICKET_ID_BYTES];
	struct slice
	    host; /* host_normal; bytes outside a-z 0-9 . - _ [ ] : make the pass unsealable */
};

/* Seal under the first key. Returns the length, no NUL; 0 if the host cannot stand in one. */
size_t pass_seal(const struct keyring *keys, const struct pass *p, char out[PASS_TEXT_MAX]);

enum pass_state {
	PASS_NONE, /* empty */
	PASS_GOOD,
	PASS_MALFORMED,
	PASS_FORGED,
	PASS_EXPIRED, /* or not yet begun (60 s of grace) */
	PASS_OTHER_HOST,
	PASS_ELSEWHERE, /* genuine and of this host, but bound to another client */
};

extern const char *const pass_state_names[7];

/*
 * The two halves of a check. pass_open: shape first, then the MAC, then the claims; PASS_GOOD is a
 * genuine pass, whoever shows it and whenever; its host borrows from `store`. pass_hold: does a
 * genuine one hold here and now? Time, host, client.
 */
enum pass_state pass_open(
    const struct keyring *keys, struct slice text, struct pass *out, char store[TICKET_HOST_MAX]);
enum pass_state pass_hold(
    const struct pass *p, int64_t now_s, struct slice host, const struct address *client);

/*
 * Both. `host` is host_normal of the request's. *out may be used with PASS_GOOD and PASS_ELSEWHERE;
 * its host is `host`. Allocates nothing.
 */
enum pass_state pass_check(const struct keyring *keys, struct slice text, int64_t now_s,
    struct slice host, const struct address *client, struct pass *out);
