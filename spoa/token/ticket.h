#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/host.h"
#include "base/slice.h"
#include "policy/policy.h"
#include "token/key.h"

/*
 * A ticket says what one visitor has to do: the agent seals it, HAProxy carries it, the page shows
 * it, the challenge loop opens it. Nothing else tells the challenge loop methods or a difficulty.
 *
 * Text: 32 hex digits of the id, then base64url of
 *   version u8 = 2, key id 4 bytes, issued u64 (s), methods u8, clip u8, wait u16 (s), puzzles u8,
 *   hashes u32, level u16, status u16, pass life u32 (s), binding u8, client family u8, client 16
 *   bytes, host length u8, host, MAC 32 bytes
 * in network order. The MAC is HMAC-SHA-256 under the ticket key over a domain label, the id and
 * all fields before it; every variable field has its length in front. The first 12 digits are the
 * reference that the visitor sees and that the logs have.
 */
#define TICKET_ID_BYTES 16u
#define TICKET_REFERENCE_CHARS 12u
#define TICKET_HOST_MAX HOST_MAX
#define TICKET_TEXT_MAX 512u
#define TICKET_LIFE_S 600

struct ticket {
	uint8_t id[TICKET_ID_BYTES];
	int64_t issued_s;
	struct challenge challenge;
	uint16_t status; /* HTTP status of the page */
	uint32_t pass_s; /* life of the pass that it buys */
	enum binding binding;
	struct address client; /* binding_apply of the visitor's */
	struct slice host;     /* lower case, no port, at most TICKET_HOST_MAX */
};

/* Seal under the first key; returns the length, no NUL. Host longer than the maximum is cut. */
size_t ticket_seal(const struct keyring *keys, const struct ticket *t, char out[TICKET_TEXT_MAX]);

enum ticket_error {
	TICKET_OK,
	TICKET_MALFORMED, /* not even the shape of one */
	TICKET_FORGED,    /* unknown key or wrong MAC */
	TICKET_EXPIRED,   /* older than TICKET_LIFE_S */
	TICKET_EARLY,     /* issued more than 60 s in the future: a clock jumped */
};

/*
 * Open one. out->host borrows from `store`. What is in *out may be used with TICKET_OK only, and
 * for logs with TICKET_EXPIRED and TICKET_EARLY.
 */
enum ticket_error ticket_open(const struct keyring *keys, struct slice text, int64_t now_s,
    struct ticket *out, char store[TICKET_HOST_MAX]);

/*
 * 128-bit ids without a system call: SHA-256 over a secret and a counter. One a thread.
 */
struct ticket_ids {
	uint8_t secret[32];
	uint64_t counter;
};
void ticket_ids_init(struct ticket_ids *g, const uint8_t secret[32]);
void ticket_ids_next(struct ticket_ids *g, uint8_t id[TICKET_ID_BYTES]);
