#pragma once

#include "base/counter.h"
#include "policy/policy.h"

/* What the challenge loop did. It alone counts; any thread may read them. */
struct site_counts {
	struct counter served;             /* challenge pages */
	struct counter plain;              /* lines in place of one, for what is no navigation */
	struct counter passed;             /* passes that were given */
	struct counter passed_by[METHODS]; /* by the bits of enum method */
	struct counter refused;            /* answers that bought none */
	struct counter early;              /* who came before the wait was over */
	struct counter wrong_words;        /* answers to the question that nobody knows as orange */
	struct counter trapped;            /* visits to the honeypot that count */
};
