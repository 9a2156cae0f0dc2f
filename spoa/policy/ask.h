#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/slice.h"

struct policy;

/*
 * The ask list: for which requests must Ammit be asked, whoever sends them? HAProxy may remember a
 * visitor and skip the question (haproxy/edge-fast.cfg) for the others alone, the plain ones.
 *
 * A list of regexes over "path?query" as sent (HAProxy's pathq), one a line, that PCRE reads. A
 * request is plain if its method is GET or HEAD, if it has a pathq, and if no line matches it. For
 * all plain requests each test of path and query, in whatever rule, threshold or site, comes to the
 * same. So two plain requests that agree in all else that the policy reads (what the line "# key"
 * names) get the same verdict, if no site of theirs is excepted, while the rates stay within
 * policy_ask(p)->rate and the answers of others (DNS, load, honeypot, the clock) are no older than
 * the memory is.
 *
 * Each line asks for no less than what the policy tests; where it cannot be said exactly, for more:
 * whatever has a percent sign in its path, or a byte that is no printable ASCII, or is longer than
 * ASK_TARGET_MAX, is asked about. What HAProxy's regexes may be too slow for (PCRE gives up, and
 * HAProxy takes that for "no match") is said by the words that it needs.
 */
#define ASK_TARGET_MAX 512u

/* Requests in HAProxy's period up to which a visitor is remembered, if no rule says less. */
#define ASK_RATE_DEFAULT 50

#define ASK_FINGERPRINT_CHARS 16u

struct ask {
	/* First digits of the SHA-256 of all lines but comments, then of the lines that give rate
	 * and key: who has another list, or reads other fields, is told from it. */
	char fingerprint[ASK_FINGERPRINT_CHARS + 1];
	int64_t rate;      /* the highest rate and pass.rate at which no comparison has turned */
	uint8_t numbers;   /* bit n: a rule looks at enum request_number n */
	uint16_t level;    /* the highest that a challenge of any site asks for; 0: none does */
	unsigned excepted; /* sites that nobody may be remembered at */
};

/* Known since the policy was loaded. */
const struct ask *policy_ask(const struct policy *p);

/*
 * The lines of the list, comments (#) in front: its fingerprint, rate and key, then what is
 * excepted and why, with rule, file and line. `line` has no newline.
 */
typedef void ask_line(void *context, struct slice line);
void policy_ask_list(const struct policy *p, ask_line *line, void *context);
