#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/slice.h"
#include "cli/command.h"
#include "cli/crew.h"
#include "cli/visit.h"

#define AGENT_HEADER "User-Agent:"
#define TIMEOUT_S 30u
#define MOST_HASHES (UINT64_C(1) << 32)

enum { PASSED = 0, FAILED = 1, USAGE = 2 };

static void
help(FILE *to)
{
	fputs(
	    "usage: ammit solve [OPTION]… URL\n\n"
	    "Asks URL, solves the challenge that is the answer, and prints the pass as a line of a "
	    "cookie\n"
	    "jar, as curl -b and wget --load-cookies read it. If nothing is asked of this visitor, "
	    "nothing\n"
	    "is printed. A pass is bound to the host and to the visitor's network: use the same "
	    "proxy and\n"
	    "the same address family with it. ammit-protocol(7) says what goes over the wire.\n\n"
	    "  --jar FILE         put the line into FILE, and print nothing; a good pass in it is "
	    "shown to\n"
	    "                     the server first, so that nothing is solved that need not be\n"
	    "  --header           print \"Cookie: name=value\" instead\n"
	    "  -A, --user-agent NAME   ammit-solve/" AMMIT_VERSION " if not given\n"
	    "  -H 'Name: value'   a header of the requests; may be given again\n"
	    "  -k, --insecure     do not ask whose certificate it is\n"
	    "  --proxy URL        as curl has it; an onion service: socks5h://127.0.0.1:9050\n"
	    "  -4, -6             ask over IPv4 or IPv6 alone\n"
	    "  --unix PATH        connect to that socket, whatever host URL names\n"
	    "  --timeout S        of each request (30)\n"
	    "  --threads N        that solve (one a processor)\n"
	    "  --most HASHES      refuse what takes more than that (4294967296)\n"
	    "  -q, --quiet        say nothing on standard error but what went wrong\n\n"
	    "Exit status: 0 passed, or nothing to do; 1 not passed; 2 wrong usage.\n",
	    to);
}

static const char **
text_option(struct visit_wishes *w, const char *name)
{
	const struct {
		const char *name, **to;
	} options[] = { { "-A", &w->agent }, { "--user-agent", &w->agent },
		{ "--proxy", &w->proxy }, { "--unix", &w->unix_path }, { "--jar", &w->jar } };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(name, options[i].name) == 0)
			return options[i].to;
	return NULL;
}

static bool
flag_option(struct visit_wishes *w, const char *name)
{
	const struct {
		const char *name;
		bool *to;
	} options[] = { { "-k", &w->insecure }, { "--insecure", &w->insecure }, { "-q", &w->quiet },
		{ "--quiet", &w->quiet }, { "--header", &w->as_header } };

	if (strcmp(name, "-4") == 0 || strcmp(name, "-6") == 0) {
		w->family = name[1] - '0';
		return true;
	}
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		if (strcmp(name, options[i].name) != 0)
			continue;
		*options[i].to = true;
		return true;
	}
	return false;
}

/* False: it is no such option. *why is set if its value is wrong. */
static bool
value_option(struct visit_wishes *w, const char *name, const char *value, const char **why)
{
	const struct {
		const char *name, *why;
		unsigned long long *to, max;
	} numbers[] = { { "--timeout", "seconds, 1 to 3600", &w->timeout_s, 3600 },
		{ "--threads", "a number, 1 to 256", &w->threads, CREW_THREADS_MAX },
		{ "--most", "a number of hashes", &w->most, UINT64_C(1) << 60 } };
	const char **text = text_option(w, name);

	if (text != NULL) {
		*text = value;
		return true;
	}
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(name, numbers[i].name) != 0)
			continue;
		if (!slice_number(slice_of(value), numbers[i].max, numbers[i].to) ||
		    *numbers[i].to == 0)
			*why = numbers[i].why;
		return true;
	}
	if (strcmp(name, "-H") != 0)
		return false;
	if (strncasecmp(value, AGENT_HEADER, sizeof(AGENT_HEADER) - 1) == 0)
		w->agent = value + sizeof(AGENT_HEADER) - 1 +
			   strspn(value + sizeof(AGENT_HEADER) - 1, " ");
	else if (w->headers == VISIT_HEADERS_MAX)
		*why = "too many headers";
	else
		w->header[w->headers++] = value;
	return true;
}

/* False after saying what is wrong. */
static bool
read_arguments(int argc, char **argv, struct visit_wishes *w)
{
	for (int i = 0; i < argc; i++) {
		const char *name = argv[i], *why = NULL;

		if (name[0] != '-') {
			if (w->url != NULL)
				return visit_complain("%s: one URL at a time", name);
			w->url = name;
		} else if (!flag_option(w, name)) {
			bool known = value_option(w, name, i + 1 < argc ? argv[i + 1] : "", &why);

			if (!known)
				return visit_complain("%s: no such option", name);
			if (++i >= argc)
				return visit_complain("%s: its value is missing", name);
			if (why != NULL)
				return visit_complain("%s %s: %s", name, argv[i], why);
		}
	}
	if (w->url == NULL)
		return visit_complain("which URL?");
	if (w->as_header && w->jar != NULL)
		return visit_complain("--header or --jar: one of them");
	return true;
}

int
command_solve(int argc, char **argv)
{
	struct visit_wishes w = {
		.agent = "ammit-solve/" AMMIT_VERSION,
		.timeout_s = TIMEOUT_S,
		.most = MOST_HASHES,
	};

	for (int i = 0; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) {
			help(stdout);
			return PASSED;
		}
	}
	if (read_arguments(argc, argv, &w))
		return visit_site(&w) ? PASSED : FAILED;
	help(stderr);
	return USAGE;
}
