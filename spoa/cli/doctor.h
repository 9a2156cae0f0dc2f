#pragma once

#include <stdbool.h>

#include "cli/haproxy_conf.h"
#include "cli/haproxy_process.h"
#include "daemon/options.h"
#include "policy/policy.h"

/*
 * `ammit doctor`: what is wrong with a set-up, check by check. Each is a row of the table in
 * doctor.c and a function that says one line or more; what it has found out for those after it
 * stands here.
 */
enum doctor_result { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_SKIP };
#define DOCTOR_RESULTS 4u

#define DOCTOR_FILES_MAX 16u
#define DOCTOR_FRONTS_MAX 16u
#define DOCTOR_ARGUMENTS_MAX 255u /* as many as a message of SPOP has */
#define DOCTOR_TIMEOUT_MS 2000

/* What a check may need; without it, it is skipped, and that is said. */
enum doctor_have {
	DOCTOR_HAS_OPTIONS = 1,
	DOCTOR_HAS_POLICY = 2,
	DOCTOR_HAS_CONFIG = 4, /* HAProxy's */
	DOCTOR_HAS_FILTER = 8, /* in it, with an SPOE file that was read */
	DOCTOR_HAS_AGENT = 16, /* the backend that it asks */
	DOCTOR_HAS_SPOP = 32,  /* somebody answers there */
};

/* An SPOE argument, NAME=FETCH,CONVERTERS. */
struct doctor_argument {
	struct slice name, sample;
	const struct haproxy_line *line;
};

struct doctor {
	const char *options_file, *policy_file, *program; /* program: haproxy itself; NULL: none */
	const char *haproxy_file[DOCTOR_FILES_MAX];
	unsigned haproxy_files;
	bool json, colour;

	unsigned have; /* of enum doctor_have */
	struct options options;
	struct policy *policy;

	struct haproxy_process process;
	unsigned version; /* of HAProxy, 206 is 2.6; 0: not known */
	struct haproxy_conf *conf, *spoe;
	char *text[DOCTOR_FILES_MAX + 1]; /* of the files */
	char *environment;                /* what HAProxy is started with */
	size_t environment_bytes;
	const struct haproxy_section *front[DOCTOR_FRONTS_MAX]; /* with the filter */
	unsigned fronts;
	bool elsewhere; /* visitors are weighed before they come here, so Ammit need not run */
	const struct haproxy_section *agent, *message; /* of the SPOE file */
	const struct haproxy_section *backend;         /* where the agent is asked */
	struct slice prefix;                           /* of variables: "txn.ammit." */
	struct doctor_argument argument[DOCTOR_ARGUMENTS_MAX];
	unsigned arguments;
	long long processing_ms; /* -1: no limit, or not known */

	pid_t daemon; /* 0: not known */
	bool daemon_known;
	struct who daemon_who;

	const char *check; /* the one that speaks */
	unsigned said, count[DOCTOR_RESULTS];
};

/*
 * One line of a check's result; what stands behind the first newline of the format is the fix: a
 * command or a line of configuration, more than one with newlines between. Bytes that no terminal
 * should get are replaced.
 */
void doctor_say(struct doctor *d, enum doctor_result result, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Slices for %.*s. */
#define DOCTOR_S(slice) (int)(slice).len, (slice).ptr == NULL ? "" : (slice).ptr

/* doctor_haproxy.c: the file and the program */
void doctor_haproxy_config(struct doctor *d);
void doctor_haproxy_program(struct doctor *d);
void doctor_haproxy_accepts(struct doctor *d);
void doctor_haproxy_filter(struct doctor *d);

/* Run HAProxy with the environment that it has; false with *why. */
bool doctor_haproxy_run(struct doctor *d, const char *const *arguments, struct text *said,
    int *status, const char **why);

/* doctor_edge.c: what the file does with verdicts */
void doctor_edge_question(struct doctor *d);
void doctor_edge_failure(struct doctor *d);
void doctor_edge_headers(struct doctor *d);
void doctor_edge_challenge(struct doctor *d);
void doctor_edge_agent(struct doctor *d);

/* doctor_variable.c: txn.ammit.* */
void doctor_edge_variables(struct doctor *d);

/* doctor_spoe.c */
void doctor_spoe_names(struct doctor *d);
void doctor_spoe_arguments(struct doctor *d);
void doctor_spoe_caps(struct doctor *d);
void doctor_spoe_frame(struct doctor *d);
void doctor_spoe_timeout(struct doctor *d);

/* Is there such an argument? */
bool doctor_sends(const struct doctor *d, struct slice name);

/* Of var(NAME): what the configuration sets it to last; {NULL, 0}: it does not. */
struct slice doctor_variable_of(const struct doctor *d, struct slice sample);

/* doctor_rates.c */
void doctor_edge_rates(struct doctor *d);

/* doctor_fast.c: who is not asked about; nothing is said of what is not there */
void doctor_fast_list(struct doctor *d);
void doctor_fast_visitor(struct doctor *d);

/* HAProxy checks passes by itself, in place of remembering who showed which. */
bool doctor_fast_checks_passes(const struct doctor *d);

/* doctor_pass.c */
void doctor_fast_pass(struct doctor *d);

/* doctor_tor.c */
void doctor_tor_socket(struct doctor *d);
void doctor_tor_control(struct doctor *d);

/* doctor_socket.c */
void doctor_socket_spop(struct doctor *d);
void doctor_socket_http(struct doctor *d);
void doctor_socket_drip(struct doctor *d);

/* doctor_ammit.c */
void doctor_ammit_options(struct doctor *d);
void doctor_ammit_policy(struct doctor *d);
void doctor_ammit_dns(struct doctor *d);
void doctor_ammit_daemon(struct doctor *d);
void doctor_ammit_key(struct doctor *d);
void doctor_ammit_descriptors(struct doctor *d);

/* doctor_live.c */
void doctor_live_spop(struct doctor *d);
void doctor_live_weigh(struct doctor *d);
void doctor_live_page(struct doctor *d);
void doctor_live_drip(struct doctor *d);

/* Has any word of the line that in it? Which word equals that one: l->words, none does. */
bool doctor_line_holds(const struct haproxy_line *l, const char *part);
unsigned doctor_line_at(const struct haproxy_line *l, const char *word);

/* Does the line, or any line, read or set that variable of Ammit (without its prefix)? */
enum doctor_use { DOCTOR_READS = 1, DOCTOR_SETS = 2 };
bool doctor_line_uses(
    const struct doctor *d, const struct haproxy_line *l, struct slice name, unsigned how);
bool doctor_conf_uses(const struct doctor *d, struct slice name, unsigned how);

/* The server of a backend that is Ammit: its only one, or the first. */
const struct haproxy_line *doctor_server(const struct doctor *d, const struct haproxy_section *s);

/* Has it that word, itself or by default-server? */
bool doctor_server_has(const struct doctor *d, const struct haproxy_section *s,
    const struct haproxy_line *server, const char *word);
