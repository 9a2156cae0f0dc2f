#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/memory.h"
#include "cli/doctor.h"
#include "cli/haproxy_if.h"
#include "cli/program.h"

#define OLDEST 206u /* what our files run with */
#define PROGRAM_TIMEOUT_MS 20000

extern char **environ;

/* ---- the program ---- */

static void
find_program(struct doctor *d)
{
	static char path[4096];
	const char *folders = getenv("PATH");
	char all[4096];
	struct slice rest;

	if (d->program != NULL)
		return;
	snprintf(all, sizeof(all), "%s:/usr/local/sbin:/usr/sbin:/sbin",
	    folders != NULL ? folders : "/usr/bin:/bin");
	rest = slice_of(all);
	while (rest.len > 0) {
		struct slice folder = slice_split(rest, ':', &rest);

		snprintf(path, sizeof(path), "%.*s/haproxy", DOCTOR_S(folder));
		if (folder.len > 0 && access(path, X_OK) == 0) {
			d->program = path;
			return;
		}
	}
}

/* As execve takes them: those of the running process, or ours. */
static void
find_environment(struct doctor *d)
{
	size_t bytes = 0;

	haproxy_process_find(&d->process, d->haproxy_file, d->haproxy_files);
	if (d->process.environment != NULL) {
		d->environment = xcalloc(1, d->process.environment_bytes + 1);
		memcpy(d->environment, d->process.environment, d->process.environment_bytes);
		d->environment_bytes = d->process.environment_bytes;
		return;
	}
	for (char **e = environ; *e != NULL; e++)
		bytes += strlen(*e) + 1;
	d->environment = xcalloc(1, bytes + 1);
	for (char **e = environ; *e != NULL; e++) {
		size_t n = strlen(*e) + 1;

		memcpy(d->environment + d->environment_bytes, *e, n);
		d->environment_bytes += n;
	}
}

/* What a master tells its workers, or systemd a master: not for one that only looks at a file. */
static bool
is_for_masters(const char *variable)
{
	static const char *const names[] = { "HAPROXY_MWORKER", "HAPROXY_PROCESSES",
		"HAPROXY_LOAD_SUCCESS", "HAPROXY_STARTUPLOGS_FD", "NOTIFY_SOCKET=", "LISTEN_" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strncmp(variable, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

bool
doctor_haproxy_run(struct doctor *d, const char *const *arguments, struct text *said, int *status,
    const char **why)
{
	char *argv[DOCTOR_FILES_MAX * 2 + 4], **env;
	unsigned n = 0, count = 0;
	bool good;

	argv[n++] = (char *)(uintptr_t)d->program;
	for (; *arguments != NULL; arguments++)
		argv[n++] = (char *)(uintptr_t)*arguments;
	argv[n] = NULL;
	env = xcalloc(d->environment_bytes + 1, sizeof(*env));
	for (size_t i = 0; i < d->environment_bytes; i += strlen(d->environment + i) + 1)
		if (!is_for_masters(d->environment + i))
			env[count++] = d->environment + i;
	good = program_run(argv, env, PROGRAM_TIMEOUT_MS, said, status, why);
	free(env);
	return good;
}

void
doctor_haproxy_program(struct doctor *d)
{
	static const char *const arguments[] = { "-v", NULL };
	char buf[4096];
	struct text said = { .buf = buf, .cap = sizeof(buf) };
	struct slice rest, line;
	const char *why, *at;
	int status;

	find_program(d);
	find_environment(d);
	if (d->program == NULL) {
		doctor_say(d, DOCTOR_SKIP,
		    "no haproxy in PATH and /usr/sbin\nname it: ammit doctor --haproxy PROGRAM");
		return;
	}
	if (!doctor_haproxy_run(d, arguments, &said, &status, &why)) {
		doctor_say(d, DOCTOR_FAIL, "%s cannot be run: %s\nammit doctor --haproxy PROGRAM",
		    d->program, why);
		d->program = NULL;
		return;
	}
	line = slice_split(text_slice(&said), '\n', &rest);
	at = line.len == 0 ? NULL : memmem(line.ptr, line.len, "version ", 8);
	if (at != NULL)
		d->version = haproxy_version(
		    (struct slice){ at + 8, line.len - (size_t)(at - line.ptr) - 8 });
	if (d->version == 0)
		doctor_say(
		    d, DOCTOR_WARN, "%s -v says no version: \"%.*s\"", d->program, DOCTOR_S(line));
	else if (d->version < OLDEST)
		doctor_say(d, DOCTOR_FAIL, "HAProxy %u.%u is too old\ninstall HAProxy 2.6 or later",
		    d->version / 100, d->version % 100);
	else if (d->process.pid != 0)
		doctor_say(d, DOCTOR_OK, "HAProxy %u.%u; it runs as pid %d, uid %u",
		    d->version / 100, d->version % 100, (int)d->process.pid,
		    (unsigned)d->process.who.uid);
	else
		doctor_say(d, DOCTOR_OK,
		    "HAProxy %u.%u; none that can be seen runs with this configuration",
		    d->version / 100, d->version % 100);
}

/* ---- its file ---- */

static bool
changed_since(const struct doctor *d, const char *file)
{
	struct stat st;

	return d->process.pid != 0 && stat(file, &st) == 0 &&
	       (int64_t)st.st_mtim.tv_sec * 1000000000 + st.st_mtim.tv_nsec > d->process.started_ns;
}

void
doctor_haproxy_config(struct doctor *d)
{
	const char *why, *changed = NULL;
	unsigned number;
	size_t bytes;

	/* Of a version that is not known, what the oldest one reads. */
	d->conf = haproxy_conf_new((struct slice){ d->environment, d->environment_bytes },
	    d->version != 0 ? d->version : OLDEST);
	for (unsigned i = 0; i < d->haproxy_files; i++) {
		const char *file = d->haproxy_file[i];

		d->text[i] = file_read(file, HAPROXY_FILE_MAX, &bytes, &why);
		if (d->text[i] == NULL) {
			doctor_say(d, DOCTOR_FAIL,
			    "%s: %s\nname the file that HAProxy runs with: ammit doctor "
			    "--haproxy-cfg FILE",
			    file, why);
			return;
		}
		if (!haproxy_conf_read(
			d->conf, file, (struct slice){ d->text[i], bytes }, &why, &number)) {
			doctor_say(d, DOCTOR_FAIL, "%s:%u: %s\nmend the line; haproxy -c -f %s",
			    file, number, why, file);
			return;
		}
		if (changed_since(d, file))
			changed = file;
	}
	d->have |= DOCTOR_HAS_CONFIG;
	if (d->conf->not_decided > 0)
		doctor_say(d, DOCTOR_SKIP,
		    "%u conditions (.if) of the configuration are not understood here, and taken "
		    "as false",
		    d->conf->not_decided);
	if (changed != NULL)
		doctor_say(d, DOCTOR_WARN,
		    "%s has changed since HAProxy was started\nsystemctl reload haproxy; HAProxy "
		    "2.6 goes on "
		    "with old values of presetenv: systemctl restart haproxy",
		    changed);
	else
		doctor_say(d, DOCTOR_OK, "%s%s: %zu sections, %zu lines", d->haproxy_file[0],
		    d->haproxy_files > 1 ? " and others" : "", d->conf->sections, d->conf->lines);
}

/* The first line that it says with this word in it, else the first of all. */
static struct slice
telling(struct slice said, const char *word)
{
	struct slice rest = said;

	while (rest.len > 0) {
		struct slice line = slice_split(rest, '\n', &rest);

		if (slice_contains_nocase(line, slice_of(word)))
			return line;
	}
	return slice_split(said, '\n', &rest);
}

void
doctor_haproxy_accepts(struct doctor *d)
{
	const char *arguments[DOCTOR_FILES_MAX * 2 + 2], *why;
	char buf[16384];
	struct text said = { .buf = buf, .cap = sizeof(buf) };
	struct slice line;
	unsigned n = 0;
	int status;

	if (d->program == NULL) {
		doctor_say(d, DOCTOR_SKIP, "there is no haproxy here that could be asked");
		return;
	}
	arguments[n++] = "-c";
	for (unsigned i = 0; i < d->haproxy_files; i++) {
		arguments[n++] = "-f";
		arguments[n++] = d->haproxy_file[i];
	}
	arguments[n] = NULL;
	if (!doctor_haproxy_run(d, arguments, &said, &status, &why)) {
		doctor_say(d, DOCTOR_SKIP, "haproxy -c: %s", why);
		return;
	}
	line = telling(text_slice(&said), status != 0 ? "[ALERT]" : "[WARNING]");
	if (status != 0 && geteuid() != 0 &&
	    slice_contains_nocase(text_slice(&said), SLICE("permission denied")))
		doctor_say(d, DOCTOR_SKIP,
		    "haproxy -c may not read all that it names: %.*s\nrun ammit doctor as root",
		    DOCTOR_S(line));
	else if (status != 0)
		doctor_say(d, DOCTOR_FAIL, "HAProxy refuses it: %.*s\nhaproxy -c -f %s",
		    DOCTOR_S(line), d->haproxy_file[0]);
	else if (slice_contains_nocase(line, SLICE("[WARNING]")))
		doctor_say(d, DOCTOR_WARN, "HAProxy warns: %.*s\nhaproxy -c -f %s", DOCTOR_S(line),
		    d->haproxy_file[0]);
	else
		doctor_say(d, DOCTOR_OK, "haproxy -c: good, no warning");
}

/* ---- the filter, and what it names ---- */

static struct slice
default_name(struct slice s, const char *other)
{
	return s.ptr != NULL ? s : slice_of(other);
}

/* The sections of the SPOE file that belong to the engine. */
static const struct haproxy_section *
spoe_section(const struct doctor *d, struct slice engine, const char *kind, struct slice name)
{
	for (size_t i = 0; i < d->spoe->sections; i++) {
		const struct haproxy_section *s = &d->spoe->section[i];

		if (slice_equal(s->scope, engine) && slice_equal(s->kind, slice_of(kind)) &&
		    (name.ptr == NULL || slice_equal(s->name, name)))
			return s;
	}
	return NULL;
}

/* args NAME=FETCH NAME=FETCH …, on any number of lines. */
static void
collect_arguments(struct doctor *d)
{
	const struct haproxy_line *l;

	for (size_t i = 0; (l = haproxy_conf_line(d->spoe, d->message, i)) != NULL; i++) {
		if (!haproxy_line_is(l, "args"))
			continue;
		for (unsigned w = 1; w < l->words && d->arguments < DOCTOR_ARGUMENTS_MAX; w++) {
			struct doctor_argument *a = &d->argument[d->arguments++];

			a->name = slice_split(l->word[w], '=', &a->sample);
			a->line = l;
			/* A fetch with a = in its own arguments, and no name. */
			if (a->sample.ptr == NULL || memchr(a->name.ptr, '(', a->name.len) != NULL)
				*a = (struct doctor_argument){ { "", 0 }, l->word[w], l };
		}
	}
}

static void
find_prefix(struct doctor *d, struct slice engine)
{
	const struct haproxy_line *l = haproxy_conf_setting(d->spoe, d->agent, "option var-prefix");
	struct slice prefix = l != NULL && l->words > 2 ? l->word[2] : engine;
	char buf[256];
	int n = snprintf(buf, sizeof(buf), "txn.%.*s.", DOCTOR_S(prefix));

	d->prefix = arena_copy(d->spoe->arena,
	    (struct slice){ buf, (size_t)n < sizeof(buf) ? (size_t)n : sizeof(buf) - 1 });
}

/* False after saying what is wrong. */
static bool
read_spoe(struct doctor *d, const struct haproxy_line *filter)
{
	struct slice engine = default_name(haproxy_line_after(filter, "engine"), ""),
		     file = haproxy_line_after(filter, "config");
	const char *path, *why;
	unsigned number;
	size_t bytes;

	if (file.ptr == NULL) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: the filter names no file\nfilter spoe engine ammit config "
		    "/etc/haproxy/ammit.spoe.conf",
		    filter->file, filter->number);
		return false;
	}
	path = file.ptr; /* the arena puts a NUL behind it */
	d->spoe = haproxy_conf_new((struct slice){ NULL, 0 }, d->conf->version);
	d->spoe->env = d->conf->env;
	d->text[DOCTOR_FILES_MAX] = file_read(path, HAPROXY_FILE_MAX, &bytes, &why);
	if (d->text[DOCTOR_FILES_MAX] == NULL) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s:%u: %s: %s\ncopy ammit.spoe.conf there, or name another file in the filter",
		    filter->file, filter->number, path, why);
		return false;
	}
	if (!haproxy_conf_read(
		d->spoe, path, (struct slice){ d->text[DOCTOR_FILES_MAX], bytes }, &why, &number)) {
		doctor_say(d, DOCTOR_FAIL, "%s:%u: %s\nmend the line", path, number, why);
		return false;
	}
	d->agent = spoe_section(d, engine, "spoe-agent", (struct slice){ NULL, 0 });
	d->message = spoe_section(d, engine, "spoe-message", SLICE("weigh"));
	if (d->agent == NULL || d->message == NULL) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s has no section [%.*s] with an spoe-agent and an spoe-message weigh\ncopy "
		    "ammit.spoe.conf as it was shipped",
		    path, DOCTOR_S(engine));
		return false;
	}
	find_prefix(d, engine);
	collect_arguments(d);
	d->have |= DOCTOR_HAS_FILTER;
	return true;
}

/* Is that frontend told by PROXY whose its connections are, on each of its binds? Or does it hand
 * them on unread? */
static bool
receives(const struct doctor *d, const struct haproxy_section *s)
{
	const struct haproxy_line *l, *mode = haproxy_conf_setting(d->conf, s, "mode");
	bool told = true;

	if (mode != NULL && mode->words > 1 && slice_equal(mode->word[1], SLICE("tcp")))
		return true;

	for (size_t i = 0; (l = haproxy_conf_line(d->conf, s, i)) != NULL; i++) {
		if (haproxy_line_is(l, "tcp-request connection expect-proxy"))
			return true;
		told = told && (!haproxy_line_is(l, "bind") || haproxy_line_has(l, "accept-proxy"));
	}
	return told;
}

/* As homelab.cfg, or edge-tcp.cfg: there are frontends, and requests are read elsewhere, too. */
static bool
receives_only(const struct doctor *d)
{
	unsigned fronts = 0;

	for (size_t i = 0; i < d->conf->sections; i++) {
		const struct haproxy_section *s = &d->conf->section[i];

		if (haproxy_conf_setting(d->conf, s, "bind") == NULL ||
		    (!slice_equal(s->kind, SLICE("frontend")) &&
			!slice_equal(s->kind, SLICE("listen"))))
			continue;
		if (!receives(d, s))
			return false;
		fronts++;
	}
	return fronts > 0;
}

void
doctor_haproxy_filter(struct doctor *d)
{
	const struct haproxy_line *found = NULL, *use;
	struct slice backend = { NULL, 0 };

	for (size_t i = 0; i < d->conf->sections; i++) {
		const struct haproxy_section *s = &d->conf->section[i];
		const struct haproxy_line *l;

		for (size_t k = 0; (l = haproxy_conf_line(d->conf, s, k)) != NULL; k++) {
			if (!haproxy_line_is(l, "filter spoe") ||
			    !slice_equal(haproxy_line_after(l, "engine"), SLICE("ammit")))
				continue;
			found = found == NULL ? l : found;
			if (d->fronts < DOCTOR_FRONTS_MAX)
				d->front[d->fronts++] = s;
		}
	}
	if (found == NULL && receives_only(d)) {
		d->elsewhere = true;
		doctor_say(d, DOCTOR_SKIP,
		    "visitors come by PROXY, or are passed on unread: nobody is weighed here, and "
		    "that is for the HAProxy at the other end\nrun ammit doctor there");
		return;
	}
	if (found == NULL) {
		doctor_say(d, DOCTOR_FAIL,
		    "no frontend has the filter, so nobody is weighed\nfilter spoe engine ammit "
		    "config /etc/haproxy/ammit.spoe.conf");
		return;
	}
	if (!read_spoe(d, found))
		return;
	use = haproxy_conf_setting(d->spoe, d->agent, "use-backend");
	if (use != NULL && use->words > 1) {
		backend = use->word[1];
		d->backend = haproxy_conf_section(d->conf, "backend", backend);
	}
	if (d->backend == NULL) {
		doctor_say(d, DOCTOR_FAIL,
		    "%s: use-backend names \"%.*s\", which HAProxy's configuration does not "
		    "have\ncopy backend ammit-agent of edge.cfg",
		    d->agent->file, DOCTOR_S(backend));
		return;
	}
	d->have |= DOCTOR_HAS_AGENT;
	doctor_say(d, DOCTOR_OK, "engine ammit in %u %s, %s, %u arguments, backend %.*s", d->fronts,
	    d->fronts == 1 ? "frontend" : "frontends", d->agent->file, d->arguments,
	    DOCTOR_S(backend));
}
