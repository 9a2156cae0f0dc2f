#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/ask.h"
#include "cli/command.h"
#include "daemon/control.h"

static void
help(FILE *to)
{
	fputs(
	    "usage: ammit ctl [-c FILE|--control ADDR] COMMAND\n\n"
	    "Asks a running daemon. It is looked for where `ammit run` listens; -c names its file "
	    "of\n"
	    "options, --control its socket: unix@PATH or HOST:PORT.\n\n"
	    "  stat             counts, in a few lines\n"
	    "  metrics          all counts, as Prometheus reads them\n"
	    "  dns show [PART]  answers that it remembers: type, name, state, seconds left, "
	    "records;\n"
	    "                   of names with PART in them\n"
	    "  dns flush        forget them\n"
	    "  reload           read policy and keys again; what is wrong is said here\n",
	    to);
}

struct order {
	const char *method;
	char target[300];
};

static bool
is_word(int argc, char **argv, int i, const char *word)
{
	return i < argc && strcmp(argv[i], word) == 0;
}

/* False: it is no command. */
static bool
read_order(int argc, char **argv, struct order *o)
{
	static const struct {
		const char *word[2], *method, *target;
	} orders[] = {
		{ { "stat" }, "GET", "/stat" },
		{ { "metrics" }, "GET", "/metrics" },
		{ { "dns", "show" }, "GET", "/dns" },
		{ { "dns", "flush" }, "POST", "/dns/flush" },
		{ { "reload" }, "POST", "/reload" },
	};

	for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
		int words = orders[i].word[1] != NULL ? 2 : 1;

		if (!is_word(argc, argv, 0, orders[i].word[0]) ||
		    (words == 2 && !is_word(argc, argv, 1, orders[i].word[1])))
			continue;
		o->method = orders[i].method;
		snprintf(o->target, sizeof(o->target), "%s", orders[i].target);
		if (argc == words)
			return true;
		if (strcmp(orders[i].target, "/dns") != 0 || argc != 3)
			return false;
		if (!control_part_valid(slice_of(argv[2]))) {
			fputs("ammit: ctl: names of the DNS have letters, digits, dots, - and _\n",
			    stderr);
			return false;
		}
		snprintf(o->target, sizeof(o->target), "/dns?name=%s", argv[2]);
		return true;
	}
	return false;
}

static int
carry_out(const struct ask *a, const struct order *o)
{
	struct fetched got;
	char why[ASK_WHY];
	bool good;

	if (!ask(a, o->method, o->target, &got, why)) {
		fprintf(stderr, "ammit: %s\n", why);
		return 1;
	}
	good = got.status == 200;
	fwrite(got.body, 1, got.body_bytes, good ? stdout : stderr);
	free(got.body);
	return good ? 0 : 1;
}

int
command_ctl(int argc, char **argv)
{
	const char *file = NULL, *control = NULL;
	struct order o;
	struct ask a;
	int i = 0;

	for (int k = 0; k < argc; k++) {
		if (strcmp(argv[k], "--help") == 0 || strcmp(argv[k], "-h") == 0) {
			help(stdout);
			return 0;
		}
	}
	for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
		if (strcmp(argv[i], "-c") == 0)
			file = argv[i + 1];
		else if (strcmp(argv[i], "--control") == 0)
			control = argv[i + 1];
		else
			break;
	}
	if (!read_order(argc - i, argv + i, &o)) {
		help(stderr);
		return 1;
	}
	return ask_find(&a, file, control) ? carry_out(&a, &o) : 1;
}
