#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/command.h"
#include "cli/robots_rules.h"
#include "policy/robots.h"

static void
help(FILE *to)
{
	fputs("usage: ammit import-robots [--action DENY|CHALLENGE|WEIGH] [--weight N] [--star]\n"
	      "                           [--portable] FILE|-\n\n"
	      "Writes the rules that hold crawlers to a robots.txt (RFC 9309), as a list that a "
	      "policy\n"
	      "can import: what is disallowed is denied, or what --action says; what is allowed is "
	      "left\n"
	      "to the rules that follow. Warnings name each line that could not be said in a "
	      "policy.\n\n"
	      "  --star      the group of \"User-agent: *\" too: it holds for every visitor that "
	      "no other\n"
	      "              group names, browsers as well\n"
	      "  --portable  rules that Anubis reads, too (user agent and path in one expression)\n"
	      "  --weight N  what --action WEIGH adds, -1000000 to 1000000 (10)\n",
	    to);
}

static bool
wrong(const char *what, const char *value)
{
	fprintf(stderr, "ammit: import-robots: %s: %s\n", value, what);
	return false;
}

static bool
read_weight(const char *value, int *out)
{
	bool minus = *value == '-';
	unsigned long long n;

	if (!slice_number(slice_of(value + minus), 1000000, &n))
		return false;
	*out = minus ? -(int)n : (int)n;
	return true;
}

static bool
read_arguments(int argc, char **argv, struct robots_import *im)
{
	bool weight = false;

	for (int i = 0; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : "";

		if (strcmp(name, "--star") == 0) {
			im->star = true;
		} else if (strcmp(name, "--portable") == 0) {
			im->portable = true;
		} else if (strcmp(name, "--action") == 0) {
			if (strcmp(value, "DENY") != 0 && strcmp(value, "CHALLENGE") != 0 &&
			    strcmp(value, "WEIGH") != 0)
				return wrong("--action is DENY, CHALLENGE or WEIGH", value);
			im->action = argv[++i];
		} else if (strcmp(name, "--weight") == 0) {
			if (!read_weight(value, &im->weight))
				return wrong("--weight is a number, -1000000 to 1000000", value);
			weight = true;
			i++;
		} else if (name[0] == '-' && name[1] != '\0') {
			return wrong("no such option", name);
		} else if (im->file != NULL) {
			return wrong("one file at a time", name);
		} else {
			im->file = name;
		}
	}
	if (im->file == NULL)
		return wrong("a robots.txt is to be named, or - for standard input", "FILE");
	if (weight && strcmp(im->action, "WEIGH") != 0)
		return wrong("only with --action WEIGH", "--weight");
	return true;
}

/* All of standard input or of a file (which may be a pipe), NULL after saying why not. */
static char *
read_all(const char *file, size_t *bytes)
{
	FILE *f = strcmp(file, "-") == 0 ? stdin : fopen(file, "rb");
	char *text;

	if (f == NULL) {
		fprintf(stderr, "ammit: import-robots: %s: %m\n", file);
		return NULL;
	}
	text = xcalloc(1, ROBOTS_BYTES_MAX + 1);
	*bytes = fread(text, 1, ROBOTS_BYTES_MAX + 1, f);
	if (ferror(f) || *bytes > ROBOTS_BYTES_MAX) {
		if (ferror(f))
			fprintf(stderr, "ammit: import-robots: %s: %m\n", file);
		else
			wrong("larger than 4 MiB: no crawler reads so much", file);
		free(text);
		text = NULL;
	}
	if (f != stdin)
		fclose(f);
	return text;
}

int
command_import_robots(int argc, char **argv)
{
	struct robots_import im = { .action = "DENY", .weight = 10 };
	struct problems problems = { 0 };
	size_t bytes;
	char *text;
	int status = 1;

	if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
		help(stdout);
		return 0;
	}
	if (!read_arguments(argc, argv, &im)) {
		help(stderr);
		return 1;
	}
	text = read_all(im.file, &bytes);
	if (text == NULL)
		return 1;
	if (strcmp(im.file, "-") == 0)
		im.file = "(standard input)";
	if (robots_rules_write(&im, (struct slice){ text, bytes }, stdout, &problems))
		status = 0;
	if (status == 0 && im.rules == 0)
		fprintf(
		    stderr, "ammit: import-robots: %s disallows nothing here: no rules\n", im.file);
	if (fflush(stdout) != 0) {
		fprintf(stderr, "ammit: import-robots: standard output: %m\n");
		status = 1;
	}
	problems_print(&problems, "");
	problems_fini(&problems);
	free(text);
	return status;
}
