#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Byte streams that are read in large pieces and answered in large pieces, many of them on one
 * loop. All buffers belong to the loop: a stream that holds no half message and no unsent answer
 * has none, so an idle one costs only its struct. Back-pressure: while an answer cannot be sent,
 * nothing more is read.
 */
#define STREAM_IN_BYTES ((size_t)128 * 1024) /* the largest message must fit */
#define STREAM_OUT_BYTES ((size_t)64 * 1024)

struct stream;

/* What a loop's streams share. */
struct stream_home {
	struct ev_loop *loop;
	uint8_t *in, *out;    /* scratch of the stream that is being served */
	uint8_t *spare_in[8]; /* kept for the next half message, the next back-pressure */
	uint8_t *spare_out[8];
	unsigned spares_in, spares_out;
	struct stream *first; /* all streams of this loop */
	unsigned count;
	uint64_t reads, writes;
};

void stream_home_init(struct stream_home *h, struct ev_loop *loop);
void stream_home_fini(struct stream_home *h); /* no stream may be left */

enum stream_answer {
	STREAM_GO_ON, /* read on */
	STREAM_FULL,  /* no room for another answer: send, then call again with what is left */
	STREAM_END,   /* send what is written, then leave */
};

/*
 * Called with all bytes that are there. Writes answers to *out (room of them, at least
 * STREAM_OUT_BYTES / 2 at the first call of a turn), says in *used how many bytes of input it is
 * done with and in *written how many it wrote. Whole messages only; the rest comes again with more
 * behind it.
 */
typedef enum stream_answer stream_bytes(struct stream *s, const uint8_t *bytes, size_t n,
    size_t *used, uint8_t *out, size_t room, size_t *written);

/* Called once, before the stream is freed. */
typedef void stream_gone(struct stream *s);

enum stream_state {
	STREAM_READING, /* waits for bytes */
	STREAM_BLOCKED, /* has unsent answers: waits until it can write, reads nothing */
	STREAM_CLOSING, /* as STREAM_BLOCKED, and leaves when all is sent */
	STREAM_LEAVING, /* all is sent, our side is shut: drops what comes until the peer closes */
};

/* Embed it first in what a connection is; allocate with calloc, it is freed here. */
struct stream {
	struct stream_home *home;
	struct stream *next, *prev;
	ev_io io;
	ev_timer
	    deadline; /* runs while bytes are owed: by the peer (first or half message) or to it */
	stream_bytes *bytes;
	stream_gone *gone;
	uint8_t *in, *out;
	uint32_t in_len, out_len, out_sent;
	enum stream_state state;
	bool greeted; /* set by the owner: from now on silence is no fault */
};

/* A peer that owes bytes longer than this, or takes none, is closed. */
#define STREAM_DEADLINE_S 10.0

/* And one that does not close after we did, this. */
#define STREAM_LEAVING_S 1.0

void stream_start(
    struct stream *s, struct stream_home *h, int fd, stream_bytes *bytes, stream_gone *gone);

/* Read and answer what is there now, without waiting for the loop. The stream may be freed. */
void stream_serve(struct stream *s);

/* Queue bytes as an answer and close when they are sent. n <= STREAM_OUT_BYTES. May free it. */
void stream_finish(struct stream *s, const uint8_t *bytes, size_t n);

/*
 * Send an answer that comes later than the bytes that it answers; n <= STREAM_OUT_BYTES. Not from
 * within stream_bytes. A peer that has taken nothing for so long that there is no room is closed.
 * False: the stream is gone.
 */
bool stream_send(struct stream *s, const uint8_t *bytes, size_t n);

/* The one way a stream ends. */
void stream_close(struct stream *s);
