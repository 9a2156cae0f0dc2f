#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cli/command.h"
#include "daemon/generation.h"
#include "daemon/options.h"

static void
help(FILE *to)
{
	fputs(
	    "usage: ammit check [--strict] FILE…\n\n"
	    "Checks policies and lists of rules as an import names them (YAML or JSON), and "
	    "configuration\n"
	    "files of the daemon (NAME.conf) with the policy that they name. Prints every error of "
	    "every\n"
	    "file, with line and column, and what would be right. Exit status 1 if there is any "
	    "error;\n"
	    "warnings alone are 0, with --strict they are 1, too. What a policy reads as hdr.NAME "
	    "needs a\n"
	    "line in ammit.spoe.conf.\n",
	    to);
}

/* Each needs a line of its own in HAProxy's configuration of the agent. */
static void
print_headers(const char *file, const struct policy *p)
{
	struct slice name;

	if (policy_header(p, 0).ptr == NULL)
		return;
	printf("%s: reads", file);
	for (unsigned i = 0; (name = policy_header(p, i)).ptr != NULL; i++)
		printf(" hdr.%.*s", (int)name.len, name.ptr);
	putchar('\n');
}

/* `whole`: a policy, no list. */
static void
check_policy(const char *file, bool whole, struct problems *p)
{
	size_t before = p->errors;
	struct policy *policy = whole ? generation_policy(file, p) : generation_policy_any(file, p);
	struct policy_size size;

	if (policy == NULL || p->errors > before) {
		policy_free(policy);
		return;
	}
	size = policy_size(policy);
	printf("%s: good: %zu rules, %zu patterns, %zu prefixes, %zu sites\n", file, size.rules,
	    size.patterns, size.prefixes, size.sites);
	print_headers(file, policy);
	policy_free(policy);
}

static void
check_options(char *file, struct problems *p)
{
	size_t before = p->errors;
	char flag[] = "-c";
	char *argv[] = { flag, file };
	struct options o;
	bool wants_help;

	options_read(&o, 2, argv, p, &wants_help);
	if (p->errors == before)
		printf("%s: good\n", file);
	if (o.policy != NULL)
		check_policy(o.policy, true, p);
	options_fini(&o);
}

/* By its name: everything else is a policy. */
static bool
is_options(const char *file)
{
	struct slice s = slice_of(file);

	return s.len > 5 && memcmp(s.ptr + s.len - 5, ".conf", 5) == 0;
}

static bool
is_help(const char *argument)
{
	return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

int
command_check(int argc, char **argv)
{
	struct problems p = { 0 };
	bool strict = false, bad;
	int files = 0;

	for (int i = 0; i < argc; i++) {
		if (is_help(argv[i])) {
			help(stdout);
			return 0;
		}
		if (strcmp(argv[i], "--strict") == 0) {
			strict = true;
		} else if (argv[i][0] == '-') {
			fprintf(stderr, "ammit: check: %s: no such option\n", argv[i]);
			help(stderr);
			return 1;
		} else {
			files++;
		}
	}
	if (files == 0) {
		help(stderr);
		return 1;
	}
	for (int i = 0; i < argc; i++) {
		if (argv[i][0] == '-')
			continue;
		if (is_options(argv[i]))
			check_options(argv[i], &p);
		else
			check_policy(argv[i], false, &p);
	}
	problems_print(&p, "");
	if (p.errors + p.warnings > 0)
		fprintf(stderr, "%zu errors, %zu warnings\n", p.errors, p.warnings);
	bad = p.errors > 0 || (strict && p.warnings > 0);
	problems_fini(&p);
	return bad;
}
