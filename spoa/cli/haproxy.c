#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "cli/command.h"
#include "cli/haproxy_parts.h"
#include "daemon/generation.h"
#include "daemon/keyfile.h"
#include "policy/ask.h"

enum part_kind { PART_FILE, PART_ASK, PART_KEYS };

static const struct part {
	const char *name, *file;
	enum part_kind kind;
	const char *help;
} parts[] = {
	{ "spoe", "ammit.spoe.conf", PART_FILE, "what HAProxy tells Ammit of a request" },
	{ "edge", "edge.cfg", PART_FILE, "HAProxy in front of a site" },
	{ "edge-fast", "edge-fast.cfg", PART_FILE,
	    "the same; visitors with a pass are remembered, and not asked about each time" },
	{ "onion", "onion.cfg", PART_FILE, "HAProxy in front of an onion service" },
	{ "homelab", "homelab.cfg", PART_FILE, "HAProxy at home, behind an edge elsewhere" },
	{ "ask", "ammit-ask.lst", PART_ASK,
	    "for edge-fast: what must be asked about, whoever sends it" },
	{ "jwt-keys", NULL, PART_KEYS,
	    "for edge-fast: the secrets that passes are checked with (keep them: who has them can "
	    "make passes)" },
};

#define PARTS (sizeof(parts) / sizeof(parts[0]))

/* What is written where no part is named: the default edge. */
static const char *const defaults[] = { "spoe", "edge" };

struct wishes {
	const char *policy, *folder, *state_dir;
	const struct part *part;
	struct haproxy_style style;
};

static void
help(FILE *to)
{
	fputs("usage: ammit haproxy PART [--policy FILE] [--haproxy VERSION] [-o DIR]\n"
	      "       ammit haproxy -o DIR [--policy FILE] [--haproxy VERSION]\n"
	      "       ammit haproxy jwt-keys --state-dir DIR\n\n"
	      "Prints a configuration of HAProxy for a policy (the embedded one if none is named): "
	      "only the\n"
	      "headers that the policy reads are sent to Ammit, each cut where Ammit expects it. "
	      "PART is one of\n\n",
	    to);
	for (size_t i = 0; i < PARTS; i++)
		fprintf(to, "  %-10s %s%s\n", parts[i].name, parts[i].help,
		    parts[i].kind == PART_FILE && haproxy_file(parts[i].file).ptr == NULL
			? " (not in this build)"
			: "");
	fprintf(to,
	    "\n  --policy FILE      the policy that `ammit run` has\n"
	    "  --haproxy VERSION  for this one alone: %s; without it, for all of them\n"
	    "  -o DIR             write DIR/FILE, as it is called in haproxy/; without PART, what\n"
	    "                     the default edge needs: ammit.spoe.conf and edge.cfg. A file "
	    "that is\n"
	    "                     there is not overwritten\n"
	    "  --state-dir DIR    as in `ammit run`: where the key file is\n",
	    haproxy_versions);
}

static int
usage(const char *what, const char *about)
{
	fprintf(stderr, "ammit haproxy: %s%s\n", what, about);
	fputs("`ammit haproxy --help` lists what there is\n", stderr);
	return 1;
}

/* ---- Where it goes ---- */

/* All of it, or a message. */
static bool
write_new(const char *folder, const char *file, struct slice text)
{
	char path[1024];
	int fd;
	bool good;

	if (snprintf(path, sizeof(path), "%s/%s", folder, file) >= (int)sizeof(path)) {
		fprintf(stderr, "ammit haproxy: %s: the name is too long\n", folder);
		return false;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0) {
		fprintf(stderr, "ammit haproxy: %s: %s%s\n", path, strerror(errno),
		    errno == EEXIST   ? ": move it away, or leave -o out and compare"
		    : errno == ENOENT ? ": make the folder first"
				      : "");
		return false;
	}
	good = write(fd, text.ptr, text.len) == (ssize_t)text.len;
	good = close(fd) == 0 && good;
	if (good)
		printf("%s\n", path);
	else
		fprintf(stderr, "ammit haproxy: %s: cannot be written\n", path);
	return good;
}

static bool
deliver(const struct wishes *w, const struct part *part, struct slice text)
{
	if (w->folder != NULL)
		return write_new(w->folder, part->file, text);
	return fwrite(text.ptr, 1, text.len, stdout) == text.len && fflush(stdout) == 0;
}

/* ---- What it is ---- */

struct growing {
	char *buf;
	size_t len, cap, lines;
};

/* HAProxy tries them one by one: beyond this a question to Ammit costs no more. */
#define LINES_MANY 200u

static void
grow(void *context, struct slice line)
{
	struct growing *g = context;

	if (g->cap - g->len < line.len + 1) {
		g->cap = 2 * g->cap + line.len + 1;
		g->buf = xreallocarray(g->buf, g->cap, 1);
	}
	memcpy(g->buf + g->len, line.ptr, line.len);
	g->len += line.len;
	g->buf[g->len++] = '\n';
	g->lines++;
}

static bool
write_ask(const struct wishes *w, const struct part *part, const struct policy *p)
{
	struct growing g = { NULL, 0, 0, 0 };
	bool good;

	policy_ask_list(p, grow, &g);
	if (g.lines > LINES_MANY)
		fprintf(stderr,
		    "ammit haproxy: %zu lines, which HAProxy tries one by one for each request: to "
		    "ask Ammit each time (edge.cfg) may cost less\n",
		    g.lines);
	good = deliver(w, part, (struct slice){ g.buf, g.len });
	free(g.buf);
	return good;
}

/* Somebody who runs edge-fast would wonder why it is not fast. */
static void
say_excepted(const struct policy *p)
{
	const unsigned excepted = policy_ask(p)->excepted;

	if (excepted > 0)
		fprintf(stderr,
		    "ammit haproxy: nobody is remembered at %u of %zu sites; `ammit haproxy ask` "
		    "says because of which rules\n",
		    excepted, policy_size(p).sites + 1);
}

static bool
write_part(const struct wishes *w, const struct part *part, const struct policy *p)
{
	struct slice text;
	struct text out = { 0 };
	bool good;

	if (strcmp(part->name, "ask") == 0 || strcmp(part->name, "edge-fast") == 0)
		say_excepted(p);
	if (part->kind == PART_ASK)
		return write_ask(w, part, p);
	text = haproxy_file(part->file);
	if (text.ptr == NULL) {
		fprintf(stderr, "ammit haproxy: %s is not in this build\n", part->file);
		return false;
	}
	out.cap = HAPROXY_ROOM(text.len);
	out.buf = xcalloc(out.cap, 1);
	haproxy_write(text, p, w->style, &out);
	good = deliver(w, part, text_slice(&out));
	free(out.buf);
	return good;
}

/* The two newest keys: more HAProxy does not look for. */
static int
print_keys(const struct wishes *w)
{
	struct problems p = { 0 };
	struct keyring keys;
	char path[1024];
	int status = 1;

	(void)keyfile_path(w->state_dir, path, sizeof(path));
	/* keyfile_load would make one, and `ammit run` would have another home for its own. */
	if (access(path, F_OK) != 0) {
		fprintf(stderr,
		    "ammit haproxy: %s: %s: name the folder that `ammit run` has with --state-dir; "
		    "its first run makes the key\n",
		    path, strerror(errno));
		return 1;
	}
	if (keyfile_load(w->state_dir, &keys, &p)) {
		puts("    # Whoever reads these can make passes: mode 600, and in no repository.\n"
		     "    # After `ammit rotate`: print them again, and reload HAProxy (setenv, so "
		     "that 2.6 takes them).");
		for (unsigned i = 0; i < 2; i++) {
			const struct key *k = &keys.key[i < keys.count ? i : 0];

			printf("    setenv AMMIT_FAST_KID%s \"%02x%02x%02x%02x\"\n"
			       "    setenv AMMIT_FAST_SECRET%s \"%s\"\n",
			    i == 0 ? "" : "_OLD", k->id[0], k->id[1], k->id[2], k->id[3],
			    i == 0 ? "" : "_OLD", k->pass_secret);
		}
		keyring_wipe(&keys);
		status = 0;
	}
	problems_print(&p, "ammit haproxy: ");
	problems_fini(&p);
	return status;
}

static int
print_parts(const struct wishes *w)
{
	struct problems problems = { 0 };
	struct policy *p = generation_policy(w->policy, &problems);
	bool good = p != NULL;

	problems_print(&problems, "");
	problems_fini(&problems);
	for (size_t i = 0; i < PARTS && good; i++) {
		bool wanted = w->part == &parts[i];

		for (size_t k = 0; k < sizeof(defaults) / sizeof(defaults[0]); k++)
			wanted |= w->part == NULL && strcmp(parts[i].name, defaults[k]) == 0;
		if (wanted)
			good = write_part(w, &parts[i], p);
	}
	policy_free(p);
	return good ? 0 : 1;
}

/* ---- What is asked for ---- */

static bool
take_part(struct wishes *w, const char *name)
{
	for (size_t i = 0; i < PARTS && w->part == NULL; i++)
		if (strcmp(parts[i].name, name) == 0) {
			w->part = &parts[i];
			return true;
		}
	return false;
}

int
command_haproxy(int argc, char **argv)
{
	struct wishes w = { 0 };

	for (int i = 0; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) {
			help(stdout);
			return 0;
		}
		if (name[0] != '-') {
			if (!take_part(&w, name))
				return usage(w.part != NULL ? "one part at a time, not also "
							    : "there is no part called ",
				    name);
			continue;
		}
		if (value == NULL)
			return usage("a value is missing behind ", name);
		i++;
		if (strcmp(name, "--policy") == 0) {
			w.policy = value;
		} else if (strcmp(name, "-o") == 0) {
			w.folder = value;
		} else if (strcmp(name, "--state-dir") == 0) {
			w.state_dir = value;
		} else if (strcmp(name, "--haproxy") == 0) {
			if (!haproxy_style_parse(value, &w.style)) {
				fprintf(stderr,
				    "ammit haproxy: --haproxy %s: known are %s; another release: "
				    "the one before it\n",
				    value, haproxy_versions);
				return 1;
			}
		} else {
			return usage("there is no option ", name);
		}
	}
	if (w.part != NULL && w.part->kind == PART_KEYS) {
		if (w.state_dir == NULL)
			return usage("jwt-keys needs ", "--state-dir DIR");
		return print_keys(&w);
	}
	if (w.part == NULL && w.folder == NULL) {
		help(stderr);
		return 1;
	}
	return print_parts(&w);
}
