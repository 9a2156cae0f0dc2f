#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/endpoint.h"
#include "spop/frame.h"
#include "spop/reader.h"

/*
 * HAProxy's side of SPOP (SPOE.txt 3.2), for one connection and one question at a time. Blocks,
 * for at most timeout_ms with each call.
 */
struct spop_client {
	int fd; /* -1: none */
	int timeout_ms;
	uint32_t max_frame; /* what we announce; then what was agreed */
	int connect_errno;  /* why nobody could be reached; 0: somebody was */
	const char *why;    /* what failed, in constant words */
	uint64_t asked;     /* questions so far */
	size_t len;         /* of what was read and not used */
	uint8_t in[SPOP_FRAME_MAX + SPOP_LENGTH_BYTES];
};

/* Connects and says HELLO; a health check is over with that, as HAProxy's spop-check is. False with
 * c->why; fini it all the same. */
bool spop_client_init(struct spop_client *c, const struct endpoint *at, uint32_t max_frame,
    int timeout_ms, bool healthcheck);
void spop_client_fini(struct spop_client *c);

struct spop_client_argument {
	struct slice name;
	struct spop_value value;
};

/* What an answer sets. Borrowed until the next question. */
#define SPOP_CLIENT_VARIABLES 32u
struct spop_client_answer {
	struct {
		struct slice name;
		struct spop_value value;
	} variable[SPOP_CLIENT_VARIABLES];
	unsigned count;
	int64_t us; /* from the question on */
};

/* NOTIFY with one message. False with c->why. */
bool spop_client_ask(struct spop_client *c, struct slice message,
    const struct spop_client_argument *argument, unsigned count, struct spop_client_answer *out);

/* What it sets a variable to, type SPOP_NULL: nothing. */
struct spop_value spop_client_variable(const struct spop_client_answer *a, const char *name);
