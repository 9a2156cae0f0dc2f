#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"

/* One of tor's circuits, as a line of GETINFO circuit-status or a CIRC or CIRC_MINOR event tells
 * of it (control-spec, 4.1.1 and 4.1.15). */
struct circuit {
	uint32_t id;
	bool gone;          /* CLOSED or FAILED */
	bool purpose_known; /* it has a PURPOSE */
	bool service;       /* which is HS_SERVICE_REND: a visitor of an onion service */
	bool effort_known;
	uint32_t effort; /* HS_POW=v1,N: of the proof of work that tor's own client did for it */
};

/* False with *why if it does not begin with an id and a status. What else stands in it and cannot
 * be read is as if it were not there. */
bool circuit_parse(struct slice line, struct circuit *out, const char **why);
