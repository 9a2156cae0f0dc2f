#include "cli/replay.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/memory.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "daemon/generation.h"

static void
help(FILE *to)
{
	fputs("usage: ammit replay [--policy FILE] [--against FILE] [--format FORMAT] [--captures "
	      "NAMES]\n"
	      "                    [--top N] [--json] LOG…|-\n\n"
	      "Judges every request of HAProxy logs by a policy (the embedded one if none is "
	      "named),\n"
	      "counts verdicts and rules, and says what the log did not tell. Packed logs: zcat "
	      "log.gz |\n"
	      "ammit replay -\n\n"
	      "  --against FILE    a second policy; the table shows from its verdict to that of "
	      "--policy.\n"
	      "                    Verdicts that the log itself has are compared in the same way\n"
	      "  --format FORMAT   auto (each line for itself), httplog (option httplog, "
	      "httpslog), edge\n"
	      "                    (haproxy/edge.cfg) or full (the same with AMMIT_LOG_FULL)\n"
	      "  --captures NAMES  request headers that httplog captures, in order "
	      "(user-agent,host)\n"
	      "  --top N           show the N rules that matched most (20; 0: all)\n",
	    to);
}

static bool
wrong(const char *value, const char *what)
{
	fprintf(stderr, "ammit: replay: %s: %s\n", value, what);
	return false;
}

static bool
is_format(const char *name)
{
	for (unsigned i = 0; i < 3; i++)
		if (strcmp(name, logline_names[i]) == 0)
			return true;
	return strcmp(name, "auto") == 0;
}

/* The logs are what is left at the front of argv. */
static bool
read_arguments(int argc, char **argv, struct replay *r, int *logs)
{
	*logs = 0;
	for (int i = 0; i < argc; i++) {
		const char *name = argv[i];
		const struct {
			const char *name, **to;
		} options[] = { { "--policy", &r->policy_file }, { "--against", &r->against_file },
			{ "--format", &r->format }, { "--captures", &r->captures } };
		size_t known = 0;

		if (strcmp(name, "--json") == 0) {
			r->json = true;
			continue;
		}
		if (name[0] != '-' || name[1] == '\0') {
			argv[(*logs)++] = argv[i];
			continue;
		}
		while (known < 4 && strcmp(name, options[known].name) != 0)
			known++;
		if (known == 4 && strcmp(name, "--top") != 0)
			return wrong(name, "no such option");
		if (++i == argc)
			return wrong(name, "its value is missing");
		if (known < 4)
			*options[known].to = argv[i];
		else if (!slice_number(slice_of(argv[i]), 1000000, &r->top))
			return wrong(argv[i], "--top is a number up to 1000000");
	}
	if (!is_format(r->format))
		return wrong(r->format, "--format is auto, httplog, edge or full");
	if (*logs == 0)
		return wrong("LOG", "a log is to be named, or - for standard input");
	return true;
}

static void
note_bad(struct replay *r, const char *file, const char *why)
{
	if (r->bad < REPLAY_BAD_SHOWN)
		r->shown[r->bad] = (struct replay_bad){ file, why, r->reader.number };
	r->bad++;
}

static void
count(struct replay *r, const struct verdict *v)
{
	r->tally.kind[v->kind]++;
	r->failed += r->trace.errors > 0;
	for (unsigned i = 0; i < r->trace.count; i++)
		if (r->trace.list[i].action == ACTION_WEIGH)
			tally_find(&r->tally, r->trace.list[i].rule)->weighed++;
	tally_find(&r->tally, v->rule)->decided++;
}

static void
note_inputs(struct replay *r, const struct request *request)
{
	for (unsigned i = 0; i < REQUEST_FIELDS; i++)
		if (request->field[i].ptr != NULL)
			r->seen |= (uint64_t)1 << i;
}

static void
judge(struct replay *r)
{
	struct request request = { .cut = 0 };
	struct evidence e = { .level = 0 };
	struct verdict v, old;

	r->unaddressed += !inputs_logline(r->policy, &r->logline, &request, &e);
	note_inputs(r, &request);
	policy_judge(r->policy, r->judge, &request, &e, &v, &r->trace);
	count(r, &v);
	if (r->logline.verdict.len > 0) {
		unsigned given = tally_kind(r->logline.verdict);

		r->with_verdict++;
		tally_add_change(&r->given, given, v.kind, r->reader.number, &request);
	}
	if (r->against == NULL)
		return;
	/* Each policy numbers its own headers. */
	request = (struct request){ .cut = 0 };
	inputs_logline(r->against, &r->logline, &request, &e);
	policy_judge(r->against, r->judge, &request, &e, &old, NULL);
	tally_add_change(&r->changes, old.kind, v.kind, r->reader.number, &request);
}

static void
take_line(struct replay *r, const char *file, struct slice line, bool too_long)
{
	const char *why = "longer than 64 KiB";

	r->lines++;
	if (too_long || !logline_parse(line, slice_of(r->captures), r->store, &r->logline, &why)) {
		note_bad(r, file, line.len == 0 ? "an empty line" : why);
		return;
	}
	if (strcmp(r->format, "auto") != 0 &&
	    strcmp(r->format, logline_names[r->logline.kind]) != 0) {
		note_bad(r, file, "a request in another format than --format says");
		return;
	}
	r->kinds[r->logline.kind]++;
	/* HAProxy does not have these weighed. */
	if (slice_starts(r->logline.path, SLICE("/.ammit/"))) {
		r->ours++;
		return;
	}
	r->requests++;
	judge(r);
}

static void
progress(const struct replay *r, int64_t begun_ms, uint64_t total)
{
	int64_t ms = clock_mono_ms() - begun_ms;

	if (ms < 1000)
		return;
	if (total > 0)
		fprintf(stderr, "\r%3d%% of %llu MB, %llu lines\033[K",
		    (int)(r->reader.bytes * 100 / total > 100 ? 100
							      : r->reader.bytes * 100 / total),
		    (unsigned long long)(total / 1000000), (unsigned long long)r->lines);
	else
		fprintf(stderr, "\r%llu MB, %llu lines\033[K",
		    (unsigned long long)(r->reader.bytes / 1000000), (unsigned long long)r->lines);
}

static bool
replay_log(struct replay *r, const char *file)
{
	bool standard = strcmp(file, "-") == 0, too_long, show = isatty(STDERR_FILENO) == 1;
	int fd = standard ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC);
	int64_t begun_ms = clock_mono_ms(), shown_ms = begun_ms;
	uint64_t total = 0;
	struct slice line;
	struct stat st;

	if (fd < 0)
		return wrong(file, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		total = (uint64_t)st.st_size;
	lines_init(&r->reader, fd);
	while (lines_next(&r->reader, &line, &too_long)) {
		take_line(r, file, line, too_long);
		if (show && r->lines % 4096 == 0 && clock_mono_ms() - shown_ms >= 200) {
			shown_ms = clock_mono_ms();
			progress(r, begun_ms, total);
		}
	}
	if (show && clock_mono_ms() - begun_ms >= 1000)
		fputs("\r\033[K", stderr);
	r->seconds += (double)(clock_mono_ms() - begun_ms) / 1000;
	if (!standard)
		close(fd);
	return r->reader.error == 0 || wrong(file, strerror(r->reader.error));
}

static bool
load(struct replay *r)
{
	struct problems problems = { 0 };

	r->policy = generation_policy(r->policy_file, &problems);
	if (r->against_file != NULL)
		r->against = generation_policy(r->against_file, &problems);
	problems_print(&problems, "");
	problems_fini(&problems);
	return r->policy != NULL && (r->against_file == NULL || r->against != NULL);
}

static bool
replay(struct replay *r, char **log, int logs)
{
	bool good = true;

	if (!load(r))
		return false;
	r->judge = judge_new();
	for (int i = 0; i < logs; i++)
		good &= replay_log(r, log[i]);
	tally_sort(&r->tally);
	replay_print(r);
	if (fflush(stdout) != 0)
		good = wrong("standard output", strerror(errno));
	if (r->requests == 0 && good)
		good = wrong("LOG", "there is no request in it");
	return good;
}

int
command_replay(int argc, char **argv)
{
	struct replay *r;
	int logs, status = 1;

	if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
		help(stdout);
		return 0;
	}
	r = xcalloc(1, sizeof(*r));
	r->captures = "user-agent,host";
	r->format = "auto";
	r->top = 20;
	if (!read_arguments(argc, argv, r, &logs))
		help(stderr);
	else if (replay(r, argv, logs))
		status = 0;
	tally_fini(&r->tally);
	judge_free(r->judge);
	policy_free(r->policy);
	policy_free(r->against);
	free(r);
	return status;
}
