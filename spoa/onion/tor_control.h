#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/counter.h"
#include "base/slice.h"
#include "onion/reply.h"
#include "onion/table.h"

/*
 * The client's side of tor's control protocol (control-spec), as far as it closes circuits: it
 * authenticates, keeps a table of the circuits that visitors of onion services come by, and closes
 * those that it is told to. No descriptor, no loop, no clock: bytes in, commands out.
 *
 * It closes nothing but circuits whose purpose tor has said to be HS_SERVICE_REND: CLOSECIRCUIT
 * would close any, introduction points too.
 */
enum tor_state {
	TOR_CLOSED,    /* tor_control_begin has not been called, or something was wrong */
	TOR_METHODS,   /* PROTOCOLINFO is asked */
	TOR_CHALLENGE, /* AUTHCHALLENGE: tor is to prove that it has the cookie */
	TOR_PROOF,     /* AUTHENTICATE */
	TOR_EVENTS,    /* SETEVENTS */
	TOR_LIST,      /* GETINFO circuit-status */
	TOR_READY,     /* nothing is awaited but events */
	TOR_CLOSES,    /* CLOSECIRCUIT */
};

/* Ways to authenticate, best first. */
enum tor_method { TOR_SAFECOOKIE, TOR_COOKIE, TOR_PASSWORD, TOR_NULL };
#define TOR_METHODS_COUNT 4u
extern const char *const tor_method_names[TOR_METHODS_COUNT]; /* as PROTOCOLINFO has them */

#define TOR_COOKIE_BYTES 32u
#define TOR_PASSWORD_MAX 512u
#define TOR_WHY_MAX 512u

/* Who reads the secrets: false with why. */
struct tor_secrets {
	bool (*cookie)(
	    void *arg, const char *path, uint8_t out[TOR_COOKIE_BYTES], char why[TOR_WHY_MAX]);
	/* NULL: there is no password. */
	bool (*password)(void *arg, char out[TOR_PASSWORD_MAX], size_t *len, char why[TOR_WHY_MAX]);
	void *arg;
	/*
	 * Nobody but tor can be at the other end (a unix socket). COOKIE hands any file of 32 bytes
	 * that it names to whoever is there, so it is not for TCP, where another user may listen
	 * while tor is down. SAFECOOKIE hands out nothing.
	 */
	bool trusted;
};

struct tor_bounds {
	unsigned rate; /* closes a minute, and at once; 1 or more */
	bool dry_run;  /* count, but close nothing */
};

/* What became of a circuit that was to be closed. */
enum tor_outcome {
	TOR_OUTCOME_NONE,    /* not known yet */
	TOR_OUTCOME_CLOSED,  /* tor says so */
	TOR_OUTCOME_GONE,    /* it was gone already */
	TOR_OUTCOME_REFUSED, /* tor does not say that it is one of a visitor; or tor refused */
	TOR_OUTCOME_LIMITED, /* too many within a minute */
	TOR_OUTCOME_DRY,     /* it would have been closed */
};
#define TOR_OUTCOMES 6u
extern const char *const tor_outcome_names[TOR_OUTCOMES];

struct tor_control {
	enum tor_state state;
	struct tor_secrets secrets;
	struct tor_bounds bounds;
	struct circuit_table *table;
	enum tor_method method; /* that is tried, or was good */
	uint8_t offered;        /* set of enum tor_method, from PROTOCOLINFO */
	uint8_t refused;        /* tor did not take them last time: others are tried before */
	char cookie_file[1024];
	char version[64]; /* of tor; "" if it does not tell */
	uint8_t cookie[TOR_COOKIE_BYTES], nonce[TOR_COOKIE_BYTES];
	uint32_t closing, ended;
	enum tor_outcome outcome;  /* of `ended` */
	int64_t tokens, filled_ms; /* in 1/60000 of a close */
	char why[TOR_WHY_MAX];     /* it failed, or a secret could not be had */
	char out[2 * TOR_PASSWORD_MAX + 64];
	size_t out_len;
	uint64_t lines; /* that tor has said, in all */
	struct counter outcomes[TOR_OUTCOMES], untracked;
	struct tor_reader reader;
};

/* The table stays the caller's. */
void tor_control_init(struct tor_control *t, const struct tor_secrets *secrets,
    const struct tor_bounds *bounds, struct circuit_table *table);

/* A connection is open; nonce: 32 random bytes. */
void tor_control_begin(struct tor_control *t, const uint8_t nonce[TOR_COOKIE_BYTES]);

/* It has ended, or is to end: all circuits are forgotten. `why` stays. */
void tor_control_end(struct tor_control *t);

/* Bytes from tor. False: the connection is of no use any more, t->why says why. */
bool tor_control_take(struct tor_control *t, struct slice bytes);

/* What is to be sent, and that n bytes of it were. */
struct slice tor_control_output(const struct tor_control *t);
void tor_control_sent(struct tor_control *t, size_t n);

/* Is something due from tor: an answer, or the rest of a line? */
bool tor_control_waits(const struct tor_control *t);

/*
 * Close a circuit. Only when t->state is TOR_READY, one after the other. TOR_OUTCOME_NONE: tor is
 * asked, and tor_control_outcome tells what it said once the state is TOR_READY again. Whatever
 * keeps it open unmarks it in the table, so that it can be asked for again.
 */
enum tor_outcome tor_control_close(struct tor_control *t, uint32_t id, int64_t now_ms);

/* Told once; TOR_OUTCOME_NONE: nothing new. */
enum tor_outcome tor_control_outcome(struct tor_control *t, uint32_t *id);
