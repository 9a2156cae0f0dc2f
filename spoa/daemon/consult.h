#pragma once

#include "base/problem.h"
#include "policy/verdict.h"

/*
 * The DNS for commands that have time: a resolver on a loop of its own, which runs until all is
 * known or has failed. For explain and check.
 */
struct consult;

/* servers as in struct resolver_options. Borrows the policy. NULL with *why. */
struct consult *consult_new(const char *servers, const struct policy *p, const char **why);
void consult_free(struct consult *c); /* NULL is legal */

/* As policy_judge, with all that the DNS has to say about the request. */
void consult_judge(struct consult *c, struct judge *j, const struct request *r,
    const struct evidence *e, struct verdict *out, struct trace *trace);

/* One test point of a zone (RFC 5782, section 5), and what was said about it. */
struct consulted {
	char name[DNS_NAME_MAX + 1];
	char said[64]; /* "127.0.0.2", "not listed", "no answer" */
	bool answered;
};

/*
 * Ask zone number n of the policy what it must list and what it must not. What is wrong with it in
 * constant words, NULL: nothing, as far as it was answered.
 */
const char *consult_zone(
    struct consult *c, unsigned n, struct consulted *listed, struct consulted *unlisted);
