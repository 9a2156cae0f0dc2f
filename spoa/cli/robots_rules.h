#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/problem.h"
#include "base/slice.h"

/* What `ammit import-robots` is to make of a robots.txt. */
struct robots_import {
	const char *file;   /* its name in problems */
	const char *action; /* "DENY", "CHALLENGE", "WEIGH" */
	int weight;         /* of WEIGH */
	bool star;          /* the group for everybody, too */
	bool portable;      /* without our own keys: Anubis reads it */
	size_t rules;       /* written */
};

/*
 * Write the rules as YAML. Agents that the same groups hold for share rules; an agent with a group
 * of its own is not held by that of a shorter name within its own (Googlebot, Googlebot-Image), nor
 * by the one for everybody. False: not a robots.txt at all, nothing was written.
 */
bool robots_rules_write(
    struct robots_import *im, struct slice text, FILE *out, struct problems *problems);
