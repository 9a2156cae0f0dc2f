#include <stdio.h>
#include <string.h>

#include "cli/command.h"

static const struct command commands[] = {
	{ "run", command_run, "the daemon: verdicts for HAProxy, and the challenge pages" },
	{ "check", command_check, "check policies and configuration files, like nginx -t" },
	{ "explain", command_explain, "show how a policy judges one request, and why" },
	{ "replay", command_replay, "judge the requests of a HAProxy log, and compare policies" },
	{ "import-robots", command_import_robots, "make rules of a robots.txt" },
	{ "haproxy", command_haproxy,
	    "print HAProxy's configuration for a policy and a version of HAProxy" },
	{ "solve", command_solve, "pass a challenge without a browser: prints the cookie" },
	{ "rotate", command_rotate,
	    "make a new key; passes of the old one hold until they expire" },
	{ "ctl", command_ctl, "ask a running daemon: counts, what the DNS said; reload it" },
	{ "doctor", command_doctor, "check a set-up of HAProxy and Ammit as it runs here" },
	{ "top", command_top, "watch a running daemon: verdicts, DNS servers, blocklists" },
};

static void
usage(FILE *to)
{
	fputs("ammit weighs HTTP requests for HAProxy and asks the doubtful ones for a proof of "
	      "work.\n\n"
	      "usage: ammit COMMAND [ARG…]\n\n",
	    to);
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		fprintf(to, "  %-13s %s\n", commands[i].name, commands[i].help);
	fputs("\n`ammit COMMAND --help` says more; `ammit --version` says which this is.\n", to);
}

int
main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(name, commands[i].name) == 0)
			return commands[i].run(argc - 2, argv + 2);
	if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
		puts("ammit " AMMIT_VERSION);
		return 0;
	}
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || strcmp(name, "help") == 0) {
		usage(stdout);
		return 0;
	}
	if (name[0] != '\0')
		fprintf(stderr, "ammit: there is no command \"%s\"\n\n", name);
	usage(stderr);
	return 1;
}
