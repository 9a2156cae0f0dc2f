#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "spop/frame.h"
#include "spop/writer.h"

/*
 * One SPOP connection as the agent sees it, without the connection: frames in, answers out. Pure.
 * Frames go in one after the other as they were read; what it writes is to be sent as it is, each
 * frame in one write.
 */
enum spop_state {
	SPOP_WAIT_HELLO, /* nothing but HAPROXY-HELLO may come */
	SPOP_OPEN,       /* HELLO answered: NOTIFY comes */
	SPOP_CLOSED,     /* DISCONNECT written: send what is there, then close */
};

struct spop_session {
	enum spop_state state;
	uint32_t max_frame; /* negotiated, SPOP_FRAME_LEAST … SPOP_FRAME_MAX */
	bool healthcheck;   /* the HELLO was a check: expect the peer to go */
	bool pipelining;    /* announced by the peer, and so by us */
};

void spop_session_init(struct spop_session *s);

enum spop_step {
	SPOP_STEP_NONE,   /* taken care of: go on */
	SPOP_STEP_NOTIFY, /* *f is a NOTIFY: decode its payload, and answer it, always */
	SPOP_STEP_CLOSE,  /* send what was written, then close; *status says why */
};

/* The most that one step writes. */
#define SPOP_SESSION_ROOM 128u

/*
 * The next frame of the peer. On SPOP_BROKEN bytes *status is the reason and a DISCONNECT has been
 * written, before HELLO too. *used is how many bytes of the input are done with (0: incomplete,
 * read more). With less than SPOP_SESSION_ROOM left in w an answer may be missing; a HELLO that
 * cannot be answered is SPOP_STEP_CLOSE (SPOP_NO_RESOURCE).
 */
enum spop_step spop_session_next(struct spop_session *s, const uint8_t *bytes, size_t n,
    size_t *used, struct spop_frame *f, struct spop_writer *w, enum spop_status *status);

/* Write AGENT-DISCONNECT and close: we go (SPOP_NORMAL) or the peer misbehaves. */
void spop_session_disconnect(
    struct spop_session *s, struct spop_writer *w, enum spop_status status);

/*
 * Walk a NOTIFY payload: messages, then the arguments of each. spop_message_next gives the name and
 * count of the next message, spop_argument_next its arguments; both return false at the end or when
 * the payload is bad (r->bad). Arguments that were not read are skipped by spop_message_next.
 * *m starts out zeroed.
 */
struct spop_message {
	struct slice name;
	unsigned left; /* arguments not read yet */
};
bool spop_message_next(struct spop_reader *r, struct spop_message *m);
bool spop_argument_next(
    struct spop_reader *r, struct spop_message *m, struct slice *name, struct spop_value *value);
