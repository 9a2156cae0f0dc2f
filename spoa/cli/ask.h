#pragma once

#include "net/endpoint.h"
#include "net/fetch.h"

/* A running daemon, as `ammit ctl` and `ammit top` find it: where `ammit run` would listen. */
struct ask {
	struct endpoint at;
	int timeout_ms; /* of each question; ask_find sets what any of them may need */
};

/*
 * file: the daemon's options, NULL: none; control: the address of its control socket, NULL: what
 * the file says, or the default. False after saying what is wrong on stderr.
 */
bool ask_find(struct ask *a, const char *file, const char *control);

#define ASK_WHY 512u

/* The daemon's answer, whatever its status. False with `why`, which says what to do. */
bool ask(const struct ask *a, const char *method, const char *target, struct fetched *out,
    char why[ASK_WHY]);
