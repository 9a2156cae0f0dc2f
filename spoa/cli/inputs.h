#pragma once

#include "cli/logline.h"
#include "policy/verdict.h"

/* A header as somebody sent it, for the policy; name in any case. Nothing if it is not read. */
void inputs_header(
    const struct policy *p, struct request *r, struct slice name, struct slice value);

/* "path?query" */
void inputs_target(struct request *r, struct slice target);

/*
 * The request that a log line tells of. What the line does not tell is absent. False: the client
 * has no address (a unix socket); the rest is set.
 */
bool inputs_logline(
    const struct policy *p, const struct logline *line, struct request *r, struct evidence *e);
