#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "cli/lines.h"
#include "cli/logline.h"
#include "cli/tally.h"

#define REPLAY_BAD_SHOWN 5u

/* A line that is no request. */
struct replay_bad {
	const char *file, *why;
	uint64_t line;
};

/* `ammit replay`: what was asked for, and what came of it. */
struct replay {
	const char *policy_file, *against_file, *captures, *format;
	unsigned long long top;
	bool json;

	struct policy *policy, *against; /* against NULL: none */
	struct judge *judge;
	struct tally tally;
	struct tally_changes changes; /* from `against` */
	struct tally_changes given;   /* from the verdict in the log */
	uint64_t lines, requests, ours, bad, unaddressed, failed, with_verdict;
	uint64_t kinds[3]; /* of logline_kind */
	struct replay_bad shown[REPLAY_BAD_SHOWN];
	uint64_t seen; /* bit n: field n was in some request */
	double seconds;

	struct trace trace;
	struct logline logline;
	char store[LOGLINE_BYTES_MAX];
	struct lines reader;
};

/* The result on standard output, as tables or as JSON. */
void replay_print(struct replay *r);
