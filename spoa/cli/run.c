#include <stdio.h>

#include "cli/command.h"
#include "daemon/options.h"
#include "daemon/server.h"

static void
help(void)
{
	puts(
	    "usage: ammit run [-c FILE] [--OPTION VALUE]…\n\n"
	    "The daemon. With nothing said it judges by the embedded policy and listens on unix "
	    "sockets.\n"
	    "ADDR is unix@PATH or HOST:PORT. -c FILE has the same options, `NAME VALUE` a line; "
	    "what\n"
	    "the command line says goes before. SIGHUP reloads policy and keys, SIGTERM drains.\n");
	options_print_help();
	puts("\nFOLDERS: sockets stand in $RUNTIME_DIRECTORY, else /run/ammit, else the state "
	     "folder; the key\n"
	     "in $STATE_DIRECTORY, else /var/lib/ammit, else ~/.local/state/ammit.");
}

int
command_run(int argc, char **argv)
{
	struct options o;
	struct problems p = { 0 };
	bool wants_help;
	int status = 1;

	options_read(&o, argc, argv, &p, &wants_help);
	if (wants_help) {
		help();
		status = 0;
	} else if (p.errors > 0) {
		problems_print(&p, "ammit: ");
	} else {
		status = server_run(&o);
	}
	problems_fini(&p);
	options_fini(&o);
	return status;
}
