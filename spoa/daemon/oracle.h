#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/slice.h"
#include "challenge/site.h"

/*
 * Answers to the question that are in no list, judged by whoever the operator names: any server
 * that speaks OpenAI's chat completions. A thread of its own asks, one answer after the other, each
 * for timeout_ms at most; what it said is remembered. Nobody waits in it: oracle_ask says what is
 * known by now. Bounded: where too many wait, or the server is down, the lists alone decide.
 */
struct oracle;

struct oracle_options {
	const char *url; /* "https://host/v1" or the whole ".../chat/completions" */
	const char *model;
	const char *key_file; /* NULL: no Authorization */
	unsigned timeout_ms;
};

/* NULL with *why: the key cannot be read, no thread can be had. */
struct oracle *oracle_new(const struct oracle_options *o, const char **why);

/* A request that is on its way is given up, which takes about a second. NULL is legal. */
void oracle_free(struct oracle *o);

/* The judge of a struct site; arg is the oracle. */
enum site_said oracle_ask(void *arg, struct slice answer, const char *language);

struct oracle_counts {
	struct counter asked, right, wrong, failed, dropped;
};
const struct oracle_counts *oracle_counts(const struct oracle *o);

/* Exposed for tests and fuzzing: the body that asks about an answer, and what a reply means. */
void oracle_write_body(
    struct text *out, const char *model, struct slice answer, const char *language);
enum oracle_reply { ORACLE_NO, ORACLE_YES, ORACLE_NONSENSE };
enum oracle_reply oracle_read_reply(struct slice body);
