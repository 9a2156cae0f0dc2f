#include "daemon/options.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "net/resolver.h"

#define FILE_BYTES_MAX ((size_t)64 * 1024)

#define AT(member) offsetof(struct options, member)

const struct option_row option_rows[] = {
	{ "policy", OPTION_PATH, 0, 0, "the embedded one",
	    "policy in the Anubis format, YAML or JSON", AT(policy) },
	{ "policy-watch", OPTION_NUMBER, 1, 3600, "never",
	    "reload on change: seconds between looks at policy and key", AT(policy_watch_s) },
	{ "spop", OPTION_ADDRESS, 0, 0, "unix@RUNTIME/spop.sock", "where HAProxy's SPOE connects",
	    AT(spop) },
	{ "http", OPTION_ADDRESS, 0, 0, "unix@RUNTIME/http.sock",
	    "where HAProxy's backend ammit-challenge connects", AT(http) },
	{ "check-from", OPTION_PEERS, 0, 0, "nobody",
	    "proxies that may ask /.ammit/check: unix,10.8.0.0/24", AT(check_from) },
	{ "drip", OPTION_ADDRESS, 0, 0, "unix@RUNTIME/drip.sock",
	    "where backend ammit-drip connects; or off", AT(drip) },
	{ "control", OPTION_ADDRESS, 0, 0, "unix@RUNTIME/control.sock",
	    "for ammit ctl and top, and Prometheus; or off", AT(control) },
	{ "state-dir", OPTION_PATH, 0, 0, "see FOLDERS",
	    "folder of the key file, made with mode 0700 if missing", AT(state_dir) },
	{ "workers", OPTION_NUMBER, 1, 64, "one a core, at most 4", "verdict threads",
	    AT(workers) },
	{ "dns", OPTION_SERVERS, 0, 0, "those of resolv.conf",
	    "DNS servers to ask, as 127.0.0.1:53,[::1]:5353", AT(dns) },
	{ "dns-cache", OPTION_NUMBER, 1, 1024, "4", "MiB of DNS answers that each worker remembers",
	    AT(dns_cache_mib) },
	{ "drip-max", OPTION_NUMBER, 1, 1000000, "2000", "visitors that are dripped at once",
	    AT(drip_max) },
	{ "drip-rate", OPTION_NUMBER, 1, 1048576, "64", "KiB a second for all of them together",
	    AT(drip_rate_kib_s) },
	{ "drip-time", OPTION_NUMBER, 1, 86400, "900", "seconds that one is dripped at most",
	    AT(drip_time_s) },
	{ "question-url", OPTION_URL, 0, 0, "nobody",
	    "who judges answers that no list has: an OpenAI-compatible server", AT(question_url) },
	{ "question-model", OPTION_NAME, 0, 0, "default", "the model that it is asked for",
	    AT(question_model) },
	{ "question-key", OPTION_PATH, 0, 0, "none", "file with the key for it", AT(question_key) },
	{ "question-timeout", OPTION_NUMBER, 100, 60000, "5000", "ms that one answer may take",
	    AT(question_timeout_ms) },
	{ "tor-control", OPTION_ADDRESS, 0, 0, "off",
	    "tor's control port, to close circuits by: unix@/run/tor/control", AT(tor_control) },
	{ "tor-password", OPTION_PATH, 0, 0, "none",
	    "file with the password for it, where tor has no cookie for us", AT(tor_password) },
	{ "tor-close-after", OPTION_NUMBER, 0, 1000000, "0",
	    "denials that close a circuit; 0: those by close_circuit alone", AT(tor_close_after) },
	{ "tor-close-rate", OPTION_NUMBER, 1, 100000, "60",
	    "circuits closed a minute, and at once, at most", AT(tor_close_rate) },
	{ "tor-dry-run", OPTION_FLAG, 0, 0, "off",
	    "log and count the circuits that would be closed, and close none", AT(tor_dry_run) },
	{ "spop-mode", OPTION_MODE, 0, 0777, "0660", "mode of the unix socket for SPOP, octal",
	    AT(spop_mode) },
	{ "spop-group", OPTION_NAME, 0, 0, "haproxy if possible", "group of that socket",
	    AT(spop_group) },
	{ "http-mode", OPTION_MODE, 0, 0777, "0660", "mode of the unix socket for HTTP, octal",
	    AT(http_mode) },
	{ "http-group", OPTION_NAME, 0, 0, "haproxy if possible", "group of that socket",
	    AT(http_group) },
	{ "drip-mode", OPTION_MODE, 0, 0777, "0660", "mode of the unix socket for drip, octal",
	    AT(drip_mode) },
	{ "drip-group", OPTION_NAME, 0, 0, "haproxy if possible", "group of that socket",
	    AT(drip_group) },
	{ "control-mode", OPTION_MODE, 0, 0777, "0600; 0660 with control-group",
	    "mode of the unix socket for control, octal", AT(control_mode) },
	{ "control-group", OPTION_NAME, 0, 0, "the daemon's own", "group of that socket",
	    AT(control_group) },
	{ "shadow", OPTION_FLAG, 0, 0, "off",
	    "let everybody through; txn.ammit.would says what would have been", AT(shadow) },
	{ "log-level", OPTION_LEVEL, 0, 0, "info", "error, warn, info or debug", AT(log_level) },
};
const size_t option_row_count = sizeof(option_rows) / sizeof(option_rows[0]);

static void *
place_of(struct options *o, const struct option_row *row)
{
	return (char *)o + row->at;
}

/* Of those that may be off: was it said where they are? */
static void
set_asked(struct options *o, const struct option_row *row, bool asked)
{
	if (row->at == AT(drip)) {
		o->drip_asked = asked;
		o->drip_off = !asked;
	} else if (row->at == AT(tor_control)) {
		o->has_tor = asked;
	} else if (row->at == AT(control)) {
		o->control_asked = asked;
		o->control_off = !asked;
	}
}

static bool
may_be_off(const struct option_row *row)
{
	return row->at == AT(drip) || row->at == AT(control) || row->at == AT(tor_control);
}

static bool
read_mode(struct slice s, mode_t *out)
{
	mode_t mode = 0;

	if (s.len == 0 || s.len > 4)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '7')
			return false;
		mode = mode * 8 + (mode_t)(s.ptr[i] - '0');
	}
	*out = mode;
	return mode <= 0777;
}

static bool
read_level(struct slice s, enum log_level *out)
{
	static const char *const names[] = { "error", "warn", "info", "debug" };

	for (unsigned i = 0; i < 4; i++) {
		if (slice_equal(s, slice_of(names[i]))) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

static void
set_string(struct options *o, const struct option_row *row, struct slice value)
{
	char **string = place_of(o, row);

	free(*string);
	*string = xcalloc(1, value.len + 1);
	memcpy(*string, value.ptr, value.len);
}

/* Address, "off", servers, or peers. */
static void
set_net(struct options *o, const struct option_row *row, struct slice value, struct problems *p,
    const struct place *at)
{
	struct endpoint e;
	const char *why;

	if (row->kind == OPTION_PEERS) {
		if (!peers_parse(value, place_of(o, row), &why))
			problem_error(
			    p, at, "\"%.*s\" names no peers: %s", (int)value.len, value.ptr, why);
	} else if (row->kind == OPTION_SERVERS) {
		if (resolver_servers_valid(value, &why))
			set_string(o, row, value);
		else
			problem_error(p, at, "\"%.*s\" names no DNS servers: %s", (int)value.len,
			    value.ptr, why);
	} else if (may_be_off(row) && slice_equal(value, SLICE("off"))) {
		set_asked(o, row, false);
	} else if (endpoint_parse(value, &e, &why)) {
		*(struct endpoint *)place_of(o, row) = e;
		set_asked(o, row, true);
	} else {
		problem_error(p, at, "\"%.*s\" is no address: %s", (int)value.len, value.ptr, why);
	}
}

static void
set(struct options *o, const struct option_row *row, struct slice value, struct problems *p,
    const struct place *at)
{
	unsigned long long number;

	switch (row->kind) {
	case OPTION_PATH:
	case OPTION_NAME:
		if (value.len == 0)
			problem_error(p, at, "a value is missing");
		else
			set_string(o, row, value);
		return;
	case OPTION_URL:
		if (!slice_starts(value, SLICE("http://")) &&
		    !slice_starts(value, SLICE("https://")))
			problem_error(p, at, "\"%.*s\" is no address: https://host/v1, for example",
			    (int)value.len, value.ptr);
		else
			set_string(o, row, value);
		return;
	case OPTION_ADDRESS:
	case OPTION_SERVERS:
	case OPTION_PEERS:
		set_net(o, row, value, p, at);
		return;
	case OPTION_NUMBER:
		if (!slice_number(value, row->most, &number) || number < row->least)
			problem_error(p, at, "\"%.*s\" is no number from %u to %u", (int)value.len,
			    value.ptr, row->least, row->most);
		else
			*(unsigned *)place_of(o, row) = (unsigned)number;
		return;
	case OPTION_MODE:
		if (!read_mode(value, place_of(o, row)))
			problem_error(p, at, "\"%.*s\" is no mode: write it in octal, as 0660",
			    (int)value.len, value.ptr);
		return;
	case OPTION_FLAG:
		if (slice_equal(value, SLICE("on")) || slice_equal(value, SLICE("off")))
			*(bool *)place_of(o, row) = value.len == 2;
		else
			problem_error(
			    p, at, "\"%.*s\" is neither on nor off", (int)value.len, value.ptr);
		return;
	case OPTION_LEVEL:
		if (!read_level(value, place_of(o, row)))
			problem_error(p, at, "\"%.*s\" is no level: error, warn, info or debug",
			    (int)value.len, value.ptr);
		return;
	}
}

static const struct option_row *
row_of(struct slice name)
{
	for (size_t i = 0; i < option_row_count; i++)
		if (slice_equal(name, slice_of(option_rows[i].name)))
			return &option_rows[i];
	return NULL;
}

void
options_read_file(struct options *o, const char *file, struct problems *p)
{
	struct place at = { .file = file };
	const char *why;
	size_t bytes;
	char *text = file_read(file, FILE_BYTES_MAX, &bytes, &why);
	struct slice rest = { text, bytes };

	if (text == NULL) {
		problem_error(p, &at, "cannot be read: %s", why);
		return;
	}
	while (rest.len > 0) {
		struct slice comment, name, value,
		    line = slice_trim(slice_split(slice_split(rest, '\n', &rest), '#', &comment));
		const struct option_row *row;

		at.line++;
		if (line.len == 0)
			continue;
		name = (struct slice){ line.ptr, 0 };
		while (
		    name.len < line.len && line.ptr[name.len] != ' ' && line.ptr[name.len] != '\t')
			name.len++;
		value = slice_trim((struct slice){ line.ptr + name.len, line.len - name.len });
		row = row_of(name);
		if (row == NULL) {
			problem_error(p, &at,
			    "\"%.*s\" is no option; `ammit run --help` lists them", (int)name.len,
			    name.ptr);
			continue;
		}
		at.path = row->name;
		set(o, row, value, p, &at);
		at.path = NULL;
	}
	free(text);
}

/* The folder that the sockets stand in, or NULL: the state folder. */
static const char *
runtime_folder(char *buf, size_t bytes)
{
	const char *given = getenv("RUNTIME_DIRECTORY");

	if (given != NULL && given[0] != '\0') {
		/* systemd separates several by colons. */
		snprintf(buf, bytes, "%.*s", (int)strcspn(given, ":"), given);
		return buf;
	}
	if (access(OPTIONS_RUN, W_OK) == 0 || (geteuid() == 0 && access("/run", W_OK) == 0))
		return OPTIONS_RUN;
	return NULL;
}

static char *
state_folder(void)
{
	const char *given = getenv("STATE_DIRECTORY"), *xdg = getenv("XDG_STATE_HOME"),
		   *home = getenv("HOME");
	char buf[4096];

	if (given != NULL && given[0] != '\0')
		snprintf(buf, sizeof(buf), "%.*s", (int)strcspn(given, ":"), given);
	else if (geteuid() == 0 || access("/var/lib/ammit", W_OK) == 0)
		snprintf(buf, sizeof(buf), "/var/lib/ammit");
	else if (xdg != NULL && xdg[0] == '/')
		snprintf(buf, sizeof(buf), "%s/ammit", xdg);
	else
		snprintf(buf, sizeof(buf), "%s/.local/state/ammit", home != NULL ? home : "");
	return xstrdup(buf);
}

static void
default_socket(struct endpoint *e, const char *folder, const char *name, struct problems *p)
{
	char buf[4200];
	const char *why;

	if (e->text[0] != '\0')
		return;
	snprintf(buf, sizeof(buf), "unix@%s/%s", folder, name);
	if (!endpoint_parse(slice_of(buf), e, &why))
		problem_error(p, &(struct place){ 0 },
		    "%s: %s; set it with --spop, --http, --drip and --control", buf, why);
}

static void
resolve(struct options *o, struct problems *p)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	char buf[4096];
	const char *folder;

	if (o->state_dir == NULL)
		o->state_dir = state_folder();
	if (o->workers == 0)
		o->workers = cores < 1 ? 1 : cores > 4 ? 4 : (unsigned)cores;
	if (o->dns_cache_mib == 0)
		o->dns_cache_mib = 4;
	if (o->control_mode == 0)
		o->control_mode = o->control_group != NULL ? 0660 : 0600;
	if (o->question_model == NULL)
		o->question_model = xstrdup("default");
	if (o->question_timeout_ms == 0)
		o->question_timeout_ms = 5000;
	if (o->tor_close_rate == 0)
		o->tor_close_rate = 60;
	if (!o->has_tor && (o->tor_close_after != 0 || o->tor_password != NULL || o->tor_dry_run))
		problem_warn(p, &(struct place){ .path = "tor-control" },
		    "is off, so the other tor-* options do nothing: name tor's control port, "
		    "unix@/run/tor/control for example");
	if (o->drip_max == 0)
		o->drip_max = 2000;
	if (o->drip_rate_kib_s == 0)
		o->drip_rate_kib_s = 64;
	if (o->drip_time_s == 0)
		o->drip_time_s = 900;
	o->has_drip = !o->drip_off;
	o->has_control = !o->control_off;
	if (o->spop.text[0] != '\0' && o->http.text[0] != '\0' && (o->drip_off || o->drip_asked) &&
	    (o->control_off || o->control_asked))
		return;
	folder = runtime_folder(buf, sizeof(buf));
	if (folder == NULL)
		folder = o->state_dir;
	o->in_run = strcmp(folder, OPTIONS_RUN) == 0;
	default_socket(&o->spop, folder, "spop.sock", p);
	default_socket(&o->http, folder, "http.sock", p);
	if (o->has_drip)
		default_socket(&o->drip, folder, "drip.sock", p);
	if (o->has_control)
		default_socket(&o->control, folder, "control.sock", p);
}

static void
read_flags(struct options *o, int argc, char **argv, struct problems *p)
{
	for (int i = 0; i < argc; i++) {
		struct slice value, name = slice_of(argv[i]);
		const struct option_row *row = NULL;
		struct place at = { .path = argv[i] };

		if (slice_equal(name, SLICE("-c"))) {
			i++;
			continue;
		}
		if (slice_starts(name, SLICE("--"))) {
			name =
			    slice_split((struct slice){ name.ptr + 2, name.len - 2 }, '=', &value);
			row = row_of(name);
		}
		if (row == NULL) {
			problem_error(p, &at, "is no option; `ammit run --help` lists them");
			continue;
		}
		if (value.ptr == NULL) {
			if (row->kind == OPTION_FLAG)
				value = SLICE("on");
			else if (i + 1 < argc)
				value = slice_of(argv[++i]);
			else
				value = (struct slice){ "", 0 };
		}
		set(o, row, value, p, &at);
	}
}

void
options_read(struct options *o, int argc, char **argv, struct problems *p, bool *help)
{
	*o = (struct options){
		.spop_mode = 0660, .http_mode = 0660, .drip_mode = 0660, .log_level = LOG_LEVEL_INFO
	};
	*help = false;
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			*help = true;
			return;
		}
	}
	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "-c") != 0)
			continue;
		if (i + 1 < argc)
			options_read_file(o, argv[i + 1], p);
		else
			problem_error(
			    p, &(struct place){ .path = "-c" }, "a file is missing behind it");
	}
	read_flags(o, argc, argv, p);
	if (p->errors == 0)
		resolve(o, p);
}

void
options_fini(struct options *o)
{
	free(o->policy);
	free(o->state_dir);
	free(o->spop_group);
	free(o->http_group);
	free(o->drip_group);
	free(o->control_group);
	free(o->dns);
	free(o->question_url);
	free(o->tor_password);
	free(o->question_model);
	free(o->question_key);
	memset(o, 0, sizeof(*o));
}

void
options_print_help(void)
{
	static const char *const values[] = { "PATH", "ADDR", "N", "MODE", "NAME", "", "LEVEL",
		"SERVERS", "PEERS", "URL" };

	for (size_t i = 0; i < option_row_count; i++) {
		const struct option_row *row = &option_rows[i];
		char left[40];

		snprintf(left, sizeof(left), "--%s %s", row->name, values[row->kind]);
		printf("  %-22s %s (%s)\n", left, row->help, row->unset);
	}
}
