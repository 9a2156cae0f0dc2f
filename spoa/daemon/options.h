#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/log.h"
#include "base/problem.h"
#include "base/slice.h"
#include "net/endpoint.h"
#include "net/peers.h"

#define OPTIONS_RUN "/run/ammit"

/*
 * What `ammit run` can be told, on the command line (--NAME VALUE) or in a file (NAME VALUE, one a
 * line, # comments). One table feeds the parser, --help, the check command and the man page's test.
 */
struct options {
	char *policy;    /* file; NULL: the embedded one */
	char *state_dir; /* never NULL once resolved */
	struct endpoint spop, http, drip, control;
	/* Of the two that may be missing: there is one, unless it was said that it is off; and its
	 * address was said, so it must be had. */
	bool has_drip, drip_off, drip_asked;
	bool has_control, control_off, control_asked;
	bool in_run; /* a socket stands in OPTIONS_RUN, which is made when the daemon starts */
	unsigned workers;
	unsigned policy_watch_s; /* between two looks; 0: never */
	struct peers check_from; /* who may ask /.ammit/check */
	char *dns; /* servers as resolver_servers_valid likes them; NULL: those of resolv.conf */
	unsigned dns_cache_mib;              /* of each worker */
	char *question_url;                  /* NULL: nobody judges what no list has */
	char *question_model, *question_key; /* the model is never NULL once resolved */
	unsigned question_timeout_ms;
	struct endpoint tor_control; /* if has_tor */
	bool has_tor, tor_dry_run;
	char *tor_password; /* file; NULL: none */
	unsigned tor_close_after, tor_close_rate;
	unsigned drip_max, drip_rate_kib_s, drip_time_s;
	mode_t spop_mode, http_mode, drip_mode, control_mode;
	/* NULL: group haproxy if there is one and we may */
	char *spop_group, *http_group, *drip_group;
	char *control_group; /* NULL: ours */
	bool shadow;
	enum log_level log_level;
};

enum option_kind {
	OPTION_PATH,
	OPTION_ADDRESS,
	OPTION_NUMBER,
	OPTION_MODE,
	OPTION_NAME,
	OPTION_FLAG,
	OPTION_LEVEL,
	OPTION_SERVERS,
	OPTION_PEERS,
	OPTION_URL
};

struct option_row {
	const char *name;
	enum option_kind kind;
	unsigned least, most; /* of a number */
	const char *unset;    /* default, as --help says it */
	const char *help;
	size_t at; /* in struct options */
};

extern const struct option_row option_rows[];
extern const size_t option_row_count;

/*
 * argv holds what follows `run`. Reads -c FILE first, then the flags on top of it; then fills in
 * what was left unsaid: folders, sockets, workers. Nothing is made. Every problem is collected; the
 * options may be used only if there is none. *help is set on --help, and then nothing else is
 * looked at.
 */
void options_read(struct options *o, int argc, char **argv, struct problems *p, bool *help);

/* Parse a configuration file alone, as `ammit check` does. */
void options_read_file(struct options *o, const char *file, struct problems *p);

void options_fini(struct options *o);

/* The table as text for --help. */
void options_print_help(void);
