#include "cli/doctor.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "cli/command.h"

#define HAPROXY_FILE "/etc/haproxy/haproxy.cfg"
#define OPTIONS_FILE "/etc/ammit/ammit.conf"

/* In this order: each knows what those above it have found out. */
static const struct row {
	const char *name;
	void (*run)(struct doctor *d);
	unsigned needs;
} rows[] = {
	{ "ammit.options", doctor_ammit_options, 0 },
	{ "ammit.policy", doctor_ammit_policy, DOCTOR_HAS_OPTIONS },
	{ "haproxy.program", doctor_haproxy_program, 0 },
	{ "haproxy.config", doctor_haproxy_config, 0 },
	{ "haproxy.accepts", doctor_haproxy_accepts, DOCTOR_HAS_CONFIG },
	{ "haproxy.filter", doctor_haproxy_filter, DOCTOR_HAS_CONFIG },
	{ "edge.question", doctor_edge_question, DOCTOR_HAS_FILTER },
	{ "edge.variables", doctor_edge_variables, DOCTOR_HAS_FILTER },
	{ "edge.failure", doctor_edge_failure, DOCTOR_HAS_FILTER },
	{ "edge.headers", doctor_edge_headers, DOCTOR_HAS_FILTER },
	{ "edge.challenge", doctor_edge_challenge, DOCTOR_HAS_FILTER },
	{ "edge.agent", doctor_edge_agent, DOCTOR_HAS_AGENT },
	{ "spoe.names", doctor_spoe_names, DOCTOR_HAS_FILTER },
	{ "spoe.arguments", doctor_spoe_arguments, DOCTOR_HAS_FILTER | DOCTOR_HAS_POLICY },
	{ "spoe.caps", doctor_spoe_caps, DOCTOR_HAS_FILTER },
	{ "spoe.frame", doctor_spoe_frame, DOCTOR_HAS_FILTER },
	{ "edge.rates", doctor_edge_rates, DOCTOR_HAS_FILTER | DOCTOR_HAS_POLICY },
	{ "fast.list", doctor_fast_list, DOCTOR_HAS_FILTER | DOCTOR_HAS_POLICY },
	{ "fast.visitor", doctor_fast_visitor, DOCTOR_HAS_FILTER | DOCTOR_HAS_POLICY },
	{ "fast.pass", doctor_fast_pass, DOCTOR_HAS_FILTER | DOCTOR_HAS_POLICY },
	{ "spoe.timeout", doctor_spoe_timeout, DOCTOR_HAS_FILTER | DOCTOR_HAS_POLICY },
	{ "socket.spop", doctor_socket_spop, DOCTOR_HAS_AGENT | DOCTOR_HAS_OPTIONS },
	{ "socket.http", doctor_socket_http, DOCTOR_HAS_CONFIG | DOCTOR_HAS_OPTIONS },
	{ "socket.drip", doctor_socket_drip, DOCTOR_HAS_CONFIG | DOCTOR_HAS_OPTIONS },
	{ "tor.socket", doctor_tor_socket, DOCTOR_HAS_FILTER | DOCTOR_HAS_OPTIONS },
	{ "live.spop", doctor_live_spop, DOCTOR_HAS_OPTIONS },
	{ "live.weigh", doctor_live_weigh, DOCTOR_HAS_SPOP },
	{ "live.page", doctor_live_page, DOCTOR_HAS_OPTIONS },
	{ "live.drip", doctor_live_drip, DOCTOR_HAS_OPTIONS },
	{ "tor.control", doctor_tor_control, DOCTOR_HAS_OPTIONS },
	{ "ammit.daemon", doctor_ammit_daemon, DOCTOR_HAS_OPTIONS },
	{ "ammit.key", doctor_ammit_key, DOCTOR_HAS_OPTIONS },
	{ "ammit.descriptors", doctor_ammit_descriptors, DOCTOR_HAS_SPOP },
	{ "ammit.dns", doctor_ammit_dns, DOCTOR_HAS_POLICY },
};

/* Why a check cannot be made, by the bit of enum doctor_have. */
static const char *const missing[] = { "the options of Ammit are not known",
	"the policy is not known", "HAProxy's configuration is not known",
	"there is no filter with an SPOE file that could be read",
	"the backend that SPOE asks is not known", "nobody answers at the address of SPOP" };

static void
help(FILE *to)
{
	fputs("usage: ammit doctor [OPTION]…\n\n"
	      "Checks a set-up of HAProxy and Ammit as it runs here: configuration, sockets, "
	      "timeouts, tor's\n"
	      "control port, and real questions. A line a check, with the way to mend it below; "
	      "exit status 1\n"
	      "if any of them is FAIL. What cannot be checked (not root, no HAProxy here) is skip, "
	      "with the\n"
	      "reason.\n\n"
	      "  -c FILE               options of the daemon (" OPTIONS_FILE ", if it is "
	      "there)\n"
	      "  --policy FILE         and not the policy that they name\n"
	      "  --haproxy-cfg FILE    configuration of HAProxy, several in its order\n"
	      "                        (" HAPROXY_FILE ")\n"
	      "  --haproxy PROGRAM     HAProxy itself (haproxy, in PATH and /usr/sbin)\n"
	      "  --json                {\"checks\": [{\"check\", \"result\", \"found\", \"fix\"}, "
	      "…], \"ok\", …}\n",
	    to);
}

/* Foreign bytes end no line and say nothing to a terminal: only characters stay that are no
 * controls, those of C1 included. */
static void
clean(char *s)
{
	struct slice rest = slice_of(s);

	while (rest.len > 0) {
		uint32_t character = 0;
		size_t n = utf8_decode(rest, &character);

		if (n == 0 || character < ' ' || (character >= 127 && character < 160)) {
			n = n == 0 ? 1 : n;
			memset(s, '?', n);
		}
		s += n;
		rest = (struct slice){ rest.ptr + n, rest.len - n };
	}
}

static void
print_json(struct doctor *d, const char *result, const char *found, const char *fix)
{
	char buf[16384];
	struct text t = { .buf = buf, .cap = sizeof(buf) };

	text_printf(&t,
	    "%s\n{\"check\": \"%s\", \"result\": \"%s\", \"found\": ", d->said > 0 ? "," : "",
	    d->check, result);
	text_quote_json_utf8(&t, slice_of(found));
	text_put(&t, SLICE(", \"fix\": "));
	if (fix != NULL)
		text_quote_json_utf8(&t, slice_of(fix));
	else
		text_put(&t, SLICE("null"));
	text_put(&t, SLICE("}"));
	fwrite(buf, 1, t.len, stdout);
}

static void
print_plain(const struct doctor *d, enum doctor_result result, const char *found, char *fix)
{
	static const char *const words[] = { "ok", "warn", "FAIL", "skip" };
	static const char *const colours[] = { "\033[32m", "\033[33m", "\033[1;31m", "\033[2m" };

	printf("%s%-4s%s  %-17s  %s\n", d->colour ? colours[result] : "", words[result],
	    d->colour ? "\033[0m" : "", d->check, found);
	while (fix != NULL) {
		char *next = strchr(fix, '\n');

		if (next != NULL)
			*next++ = '\0';
		clean(fix);
		printf("        %s\n", fix);
		fix = next;
	}
}

void
doctor_say(struct doctor *d, enum doctor_result result, const char *format, ...)
{
	static const char *const words[] = { "ok", "warn", "fail", "skip" };
	char buf[4096], *fix;
	va_list args;

	va_start(args, format);
	vsnprintf(buf, sizeof(buf), format, args);
	va_end(args);
	fix = strchr(format, '\n') == NULL ? NULL : strchr(buf, '\n');
	if (fix != NULL)
		*fix++ = '\0';
	clean(buf);
	if (d->json)
		print_json(d, words[result], buf, fix);
	else
		print_plain(d, result, buf, fix);
	fflush(stdout);
	d->said++;
	d->count[result]++;
}

static const char *
why_not(const struct doctor *d, const struct row *row)
{
	for (unsigned i = 0; i < sizeof(missing) / sizeof(missing[0]); i++)
		if ((row->needs & ~d->have & (1u << i)) != 0)
			return missing[i];
	return NULL;
}

static void
examine(struct doctor *d)
{
	if (d->json)
		fputs("{\"checks\": [", stdout);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *why = why_not(d, &rows[i]);

		d->check = rows[i].name;
		if (why != NULL)
			doctor_say(d, DOCTOR_SKIP, "%s", why);
		else
			rows[i].run(d);
	}
	printf(d->json ? "],\n\"ok\": %u, \"warn\": %u, \"fail\": %u, \"skip\": %u}\n"
		       : "%u ok, %u warn, %u FAIL, %u skip\n",
	    d->count[DOCTOR_OK], d->count[DOCTOR_WARN], d->count[DOCTOR_FAIL],
	    d->count[DOCTOR_SKIP]);
}

/* NULL after saying what is wrong; else the value of option argv[*i]. */
static const char *
value(int argc, char **argv, int *i)
{
	if (*i + 1 < argc)
		return argv[++*i];
	fprintf(stderr, "ammit: doctor: a value is missing behind %s\n", argv[*i]);
	return NULL;
}

static bool
read_arguments(struct doctor *d, int argc, char **argv)
{
	for (int i = 0; i < argc; i++) {
		const char **to;

		if (strcmp(argv[i], "--json") == 0) {
			d->json = true;
			continue;
		}
		if (strcmp(argv[i], "-c") == 0) {
			to = &d->options_file;
		} else if (strcmp(argv[i], "--policy") == 0) {
			to = &d->policy_file;
		} else if (strcmp(argv[i], "--haproxy") == 0) {
			to = &d->program;
		} else if (strcmp(argv[i], "--haproxy-cfg") == 0) {
			if (d->haproxy_files == DOCTOR_FILES_MAX) {
				fprintf(stderr, "ammit: doctor: more than %u files\n",
				    DOCTOR_FILES_MAX);
				return false;
			}
			to = &d->haproxy_file[d->haproxy_files++];
		} else {
			fprintf(stderr, "ammit: doctor: %s: no such option\n", argv[i]);
			return false;
		}
		*to = value(argc, argv, &i);
		if (*to == NULL)
			return false;
	}
	return true;
}

static void
finish(struct doctor *d)
{
	haproxy_conf_free(d->conf);
	haproxy_conf_free(d->spoe);
	haproxy_process_fini(&d->process);
	policy_free(d->policy);
	options_fini(&d->options);
	for (unsigned i = 0; i < DOCTOR_FILES_MAX + 1; i++)
		free(d->text[i]);
	free(d->environment);
	free(d);
}

int
command_doctor(int argc, char **argv)
{
	struct doctor *d;
	int status;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			help(stdout);
			return 0;
		}
	}
	d = xcalloc(1, sizeof(*d));
	if (!read_arguments(d, argc, argv)) {
		help(stderr);
		free(d);
		return 2;
	}
	if (d->haproxy_files == 0)
		d->haproxy_file[d->haproxy_files++] = HAPROXY_FILE;
	if (d->options_file == NULL && access(OPTIONS_FILE, F_OK) == 0)
		d->options_file = OPTIONS_FILE;
	d->processing_ms = -1;
	d->colour = !d->json && isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
	examine(d);
	status = d->count[DOCTOR_FAIL] > 0;
	finish(d);
	return status;
}
