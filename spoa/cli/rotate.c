#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "daemon/keyfile.h"
#include "daemon/options.h"

int
command_rotate(int argc, char **argv)
{
	struct options o;
	struct problems p = { 0 };
	bool help;
	int status = 1;

	options_read(&o, argc, argv, &p, &help);
	if (help) {
		puts("usage: ammit rotate [-c FILE] [--state-dir DIR]\n\n"
		     "Puts a new key in front of the key file and keeps the one before it, so that "
		     "passes\n"
		     "of the last key hold until they expire. Then send the daemon SIGHUP: it "
		     "seals with\n"
		     "the new key and opens with both. Rotating twice voids what the first key "
		     "sealed.");
		status = 0;
	} else if (p.errors == 0 && keyfile_rotate(o.state_dir, &p)) {
		printf("%s/key has a new key; send the daemon SIGHUP to use it\n", o.state_dir);
		status = 0;
	}
	problems_print(&p, "ammit: ");
	problems_fini(&p);
	options_fini(&o);
	return status;
}
