#include <stdio.h>
#include <string.h>

#include "base/slice.h"
#include "cli/command.h"
#include "daemon/consult.h"
#include "daemon/generation.h"
#include "daemon/options.h"

static void
help(FILE *to)
{
	fputs(
	    "usage: ammit check [--strict] [--dns] [--dns-servers SERVERS] FILE…\n\n"
	    "Checks policies and lists of rules as an import names them (YAML or JSON), and "
	    "configuration\n"
	    "files of the daemon (NAME.conf) with the policy that they name. Prints every error of "
	    "every\n"
	    "file, with line and column, and what would be right. Exit status 1 if there is any "
	    "error;\n"
	    "warnings alone are 0, with --strict they are 1, too. What a policy reads as hdr.NAME "
	    "needs a\n"
	    "line in ammit.spoe.conf.\n\n"
	    "  --dns                  ask each blocklist its test points (RFC 5782), too: what it "
	    "must list\n"
	    "                         and what it must not\n"
	    "  --dns-servers SERVERS  and not those of resolv.conf: 127.0.0.1:53,[::1]:5353\n",
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

struct wishes {
	bool strict, dns;
	const char *servers;
};

/* Ask each blocklist what it must list and what it must not. */
static void
check_dns(const char *file, const struct policy *policy, const char *servers, struct problems *p)
{
	const struct place at = { .file = file };
	const char *why;
	struct consult *c = consult_new(servers, policy, &why);

	if (c == NULL) {
		problem_error(p, &at, "the DNS cannot be asked: %s", why);
		return;
	}
	for (unsigned i = 0; i < policy_zones(policy); i++) {
		const struct zone *z = policy_zone(policy, i);
		struct consulted listed, unlisted;
		const char *wrong = consult_zone(c, i, &listed, &unlisted);

		printf("%s: %s: %s; %s: %s\n", file, listed.name, listed.said, unlisted.name,
		    unlisted.said);
		if (wrong == NULL && !(listed.answered && unlisted.answered))
			wrong = "nobody answered: it is down, or refuses the resolver that was "
				"asked; name another with --dns-servers";
		if (wrong != NULL)
			problem_error(
			    p, &at, "blocklist %.*s: %s", (int)z->zone.len, z->zone.ptr, wrong);
	}
	consult_free(c);
}

/* `whole`: a policy, no list. */
static void
check_policy(const char *file, bool whole, const struct wishes *w, struct problems *p)
{
	size_t before = p->errors;
	struct policy *policy = whole ? generation_policy(file, p) : generation_policy_any(file, p);
	struct policy_size size;

	if (policy != NULL)
		themes_free(themes_new(policy, p));
	if (policy == NULL || p->errors > before) {
		policy_free(policy);
		return;
	}
	size = policy_size(policy);
	printf("%s: good: %zu rules, %zu patterns, %zu prefixes, %zu sites\n", file, size.rules,
	    size.patterns, size.prefixes, size.sites);
	print_headers(file, policy);
	if (w->dns)
		check_dns(file, policy, w->servers, p);
	policy_free(policy);
}

static void
check_options(char *file, const struct wishes *w, struct problems *p)
{
	size_t before = p->errors;
	char flag[] = "-c";
	char *argv[] = { flag, file };
	struct options o;
	bool wants_help;

	options_read(&o, 2, argv, p, &wants_help);
	if (p->errors == before)
		printf("%s: good\n", file);
	if (o.policy != NULL) {
		struct wishes here = *w;

		if (here.servers == NULL)
			here.servers = o.dns;
		check_policy(o.policy, true, &here, p);
	}
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

/* How many files are named; -1 after saying what is wrong. Files move to the front. */
static int
read_arguments(int argc, char **argv, struct wishes *w)
{
	int files = 0;

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--strict") == 0) {
			w->strict = true;
		} else if (strcmp(argv[i], "--dns") == 0) {
			w->dns = true;
		} else if (strcmp(argv[i], "--dns-servers") == 0 && i + 1 < argc) {
			w->dns = true;
			w->servers = argv[++i];
		} else if (argv[i][0] == '-') {
			fprintf(stderr, "ammit: check: %s: no such option%s\n", argv[i],
			    strcmp(argv[i], "--dns-servers") == 0 ? ", or its value is missing"
								  : "");
			return -1;
		} else {
			argv[files++] = argv[i];
		}
	}
	return files > 0 ? files : -1;
}

int
command_check(int argc, char **argv)
{
	struct problems p = { 0 };
	struct wishes w = { .servers = NULL };
	int files;
	bool bad;

	for (int i = 0; i < argc; i++) {
		if (is_help(argv[i])) {
			help(stdout);
			return 0;
		}
	}
	files = read_arguments(argc, argv, &w);
	if (files < 0) {
		help(stderr);
		return 1;
	}
	for (int i = 0; i < files; i++) {
		if (is_options(argv[i]))
			check_options(argv[i], &w, &p);
		else
			check_policy(argv[i], false, &w, &p);
	}
	problems_print(&p, "");
	if (p.errors + p.warnings > 0)
		fprintf(stderr, "%zu errors, %zu warnings\n", p.errors, p.warnings);
	bad = p.errors > 0 || (w.strict && p.warnings > 0);
	problems_fini(&p);
	return bad;
}
