#pragma once

#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/counter.h"
#include "net/endpoint.h"
#include "onion/tor_control.h"

/*
 * Circuits of Tor: what tor's control port tells of them, and which of them are closed. It lives on
 * the main loop; the threads that judge hand over ids and look at a table, and neither waits for
 * anything. Whatever tor does (it is down, slow, refuses, says nonsense), no verdict is touched by
 * it: then no effort is known, and what was to be closed is counted as dropped.
 */
struct circuits;

struct circuits_options {
	const struct endpoint *at;
	const char *password_file; /* NULL: none; read on each connection, as the cookie is */
	unsigned close_after;      /* denials of one circuit; 0: those of a close_circuit alone */
	unsigned close_rate;       /* a minute */
	bool dry_run;
	/* 0: those of use: 5000, 1000 and 60000. */
	unsigned deadline_ms, retry_ms, retry_most_ms;
};

/* Read from the files of this machine; both are borrowed. */
struct tor_secrets circuits_secrets(const struct endpoint *at, const char *password_file);

/* Borrows *o, whose endpoint and file name must live as long. */
struct circuits *circuits_new(const struct circuits_options *o);
void circuits_free(struct circuits *c); /* NULL is legal */

/* On the loop that it lives on; stop before its end. */
void circuits_start(struct circuits *c, struct ev_loop *loop);
void circuits_stop(struct circuits *c);

struct circuits_counts {
	uint64_t outcome[TOR_OUTCOMES];
	uint64_t dropped;   /* were to be closed, and nobody could be told: tor is down, or full */
	uint64_t untracked; /* circuits that the table had no room for */
	unsigned known;     /* circuits of visitors now */
	bool up;            /* tor answers, and we are authenticated */
	char version[64];   /* of that tor */
};

/* On that loop. */
void circuits_count(const struct circuits *c, struct circuits_counts *out);

/* ---- any thread, and no system call, lock or allocation ---- */

/* Of tor's proof of work for this circuit; 0: none, or it is not known. */
uint32_t circuits_effort(const struct circuits *c, uint32_t id);

/* A request of this circuit is denied; close: by a rule that closes it. */
void circuits_denied(struct circuits *c, uint32_t id, bool close);
