#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cli/command.h"
#include "daemon/generation.h"
#include "daemon/options.h"

static void
check_policy(const char *file, struct problems *p)
{
	size_t before = p->errors;
	struct policy *policy = generation_policy(file, p);
	struct policy_size size;

	if (policy == NULL || p->errors > before)
		return;
	size = policy_size(policy);
	printf("%s: good: %zu rules, %zu patterns, %zu prefixes\n", file, size.rules, size.patterns,
	    size.prefixes);
	policy_free(policy);
}

static void
check_options(char *file, struct problems *p)
{
	size_t before = p->errors;
	char flag[] = "-c";
	char *argv[] = { flag, file };
	struct options o;
	bool help;

	options_read(&o, 2, argv, p, &help);
	if (p->errors == before)
		printf("%s: good\n", file);
	if (o.policy != NULL)
		check_policy(o.policy, p);
	options_fini(&o);
}

/* By its name: everything else is a policy. */
static bool
is_options(const char *file)
{
	struct slice s = slice_of(file);

	return s.len > 5 && memcmp(s.ptr + s.len - 5, ".conf", 5) == 0;
}

int
command_check(int argc, char **argv)
{
	struct problems p = { 0 };
	size_t errors;

	if (argc == 0 || strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
		fprintf(argc == 0 ? stderr : stdout,
		    "usage: ammit check FILE…\n\n"
		    "Checks policies (JSON), and configuration files of the daemon (NAME.conf) "
		    "with the\n"
		    "policy that they name. Prints every error of every file, with line and "
		    "column, and what\n"
		    "would be right. Exit status 1 if there is any error; warnings alone are 0.\n");
		return argc == 0;
	}
	for (int i = 0; i < argc; i++) {
		if (is_options(argv[i]))
			check_options(argv[i], &p);
		else
			check_policy(argv[i], &p);
	}
	problems_print(&p, "");
	errors = p.errors;
	if (errors + p.warnings > 0)
		fprintf(stderr, "%zu errors, %zu warnings\n", errors, p.warnings);
	problems_fini(&p);
	return errors > 0;
}
