#pragma once

#include "cli/logline.h"
#include "policy/verdict.h"

/*
 * The request that a log line tells of. What the line does not tell is absent. False: the client
 * has no address (a unix socket); the rest is set.
 */
bool inputs_logline(
    const struct policy *p, const struct logline *line, struct request *r, struct evidence *e);
