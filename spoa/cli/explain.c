#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "daemon/generation.h"
#include "policy/verdict.h"

#define HEADERS_GIVEN_MAX 64

struct question {
	const char *policy, *src, *method, *host, *path;
	const char *header[HEADERS_GIVEN_MAX];
	unsigned headers;
	unsigned long long level;
	bool json, elsewhere;
};

static void
help(FILE *to)
{
	fputs(
	    "usage: ammit explain [--policy FILE] [--src ADDR] [--method M] [--host H]\n"
	    "                     [--path P] [--header 'Name: value']… [--pass LEVEL] [--json]\n\n"
	    "Judges one made-up request by a policy (the embedded one if none is named) and shows "
	    "what\n"
	    "matched, each weight, and the verdict. --path may have a query. --pass LEVEL is a "
	    "visitor\n"
	    "with a good pass of that level, --pass elsewhere one whose pass is bound to another "
	    "network.\n",
	    to);
}

/* False after saying what is wrong. */
static bool
read_arguments(int argc, char **argv, struct question *q)
{
	for (int i = 0; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL;

		if (strcmp(name, "--json") == 0) {
			q->json = true;
			continue;
		}
		if (value == NULL) {
			fprintf(stderr,
			    "ammit: explain: %s: no such option, or its value is missing\n", name);
			return false;
		}
		i++;
		if (strcmp(name, "--policy") == 0)
			q->policy = value;
		else if (strcmp(name, "--src") == 0)
			q->src = value;
		else if (strcmp(name, "--method") == 0)
			q->method = value;
		else if (strcmp(name, "--host") == 0)
			q->host = value;
		else if (strcmp(name, "--path") == 0)
			q->path = value;
		else if (strcmp(name, "--header") == 0 && q->headers < HEADERS_GIVEN_MAX)
			q->header[q->headers++] = value;
		else if (strcmp(name, "--pass") == 0 && strcmp(value, "elsewhere") == 0)
			q->elsewhere = true;
		else if (strcmp(name, "--pass") != 0 ||
			 !slice_number(slice_of(value), 65535, &q->level)) {
			fprintf(stderr, "ammit: explain: %s %s: no such option or value\n", name,
			    value);
			return false;
		}
	}
	return true;
}

static void
set_header(const struct policy *p, struct request *r, const char *line)
{
	struct slice value, name = slice_trim(slice_split(slice_of(line), ':', &value));
	char argument[256];
	struct text t = { .buf = argument, .cap = sizeof(argument) };
	int field;

	value = slice_trim(value);
	if (slice_equal_nocase(name, SLICE("user-agent"))) {
		request_set(r, REQUEST_USER_AGENT, value);
		return;
	}
	if (slice_equal_nocase(name, SLICE("host"))) {
		request_set(r, REQUEST_HOST, value);
		return;
	}
	text_put(&t, SLICE("hdr."));
	for (size_t i = 0; i < name.len; i++)
		text_byte(&t, ascii_lower(name.ptr[i]));
	field = policy_field(p, text_slice(&t));
	if (field != REQUEST_FIELD_NONE)
		request_set(r, (unsigned)field, value);
}

static void
print_json(const struct verdict *v, const struct trace *t)
{
	size_t room = 1 << 20;
	struct text out = { .buf = xcalloc(1, room), .cap = room };

	text_printf(&out, "{\"verdict\": \"%s\", \"rule\": ", verdict_names[v->kind]);
	text_quote_json(&out, v->rule);
	text_printf(&out, ", \"weight\": %d, \"matched\": [", v->weight);
	for (unsigned i = 0; i < t->count; i++) {
		text_put(&out, i > 0 ? SLICE(", {\"rule\": ") : SLICE("{\"rule\": "));
		text_quote_json(&out, t->list[i].rule);
		text_printf(&out, ", \"action\": \"%s\", \"weight\": %d}",
		    action_names[t->list[i].action], t->list[i].weight);
	}
	text_put(&out, SLICE("]"));
	if (v->challenge != NULL)
		text_printf(&out,
		    ", \"challenge\": {\"hashes\": %u, \"puzzles\": %u, \"level\": %u}",
		    v->challenge->hashes, v->challenge->puzzles, v->challenge->level);
	text_printf(
	    &out, ", \"by_pass\": %s, \"errors\": %u}", v->by_pass ? "true" : "false", t->errors);
	printf("%.*s\n", (int)out.len, out.buf);
	free(out.buf);
}

static void
print_text(const struct verdict *v, const struct trace *t)
{
	for (unsigned i = 0; i < t->count; i++) {
		printf("  %-9s %.*s", action_names[t->list[i].action], (int)t->list[i].rule.len,
		    t->list[i].rule.ptr);
		if (t->list[i].action == ACTION_WEIGH)
			printf("  %+d", t->list[i].weight);
		putchar('\n');
	}
	if (t->errors > 0)
		printf("  %u rules failed and count as no match\n", t->errors);
	printf("weight %d\n%s by %.*s%s\n", v->weight, verdict_names[v->kind], (int)v->rule.len,
	    v->rule.ptr, v->by_pass ? ", answered by the pass" : "");
	if (v->challenge != NULL)
		printf("challenge: %u hashes expected in %u puzzles, worth level %u\n",
		    v->challenge->hashes, v->challenge->puzzles, v->challenge->level);
}

static bool
ask(const struct policy *p, const struct question *q)
{
	struct request r = { .cut = 0 };
	struct evidence e = { (uint16_t)q->level, q->elsewhere };
	struct slice query, path = slice_split(slice_of(q->path), '?', &query);
	struct judge *j;
	struct verdict v;
	struct trace t = { .count = 0 };

	if (!address_parse(slice_of(q->src), &r.src)) {
		fprintf(stderr, "ammit: explain: --src %s: no IPv4 or IPv6 address\n", q->src);
		return false;
	}
	request_set(&r, REQUEST_METHOD, slice_of(q->method));
	request_set(&r, REQUEST_HOST, slice_of(q->host));
	request_set(&r, REQUEST_PATH, path);
	request_set(&r, REQUEST_QUERY, query);
	for (unsigned i = 0; i < q->headers; i++)
		set_header(p, &r, q->header[i]);
	j = judge_new();
	policy_judge(p, j, &r, &e, &v, &t);
	if (q->json)
		print_json(&v, &t);
	else
		print_text(&v, &t);
	judge_free(j);
	return true;
}

int
command_explain(int argc, char **argv)
{
	struct question q = {
		.src = "192.0.2.1", .method = "GET", .host = "example.org", .path = "/"
	};
	struct problems problems = { 0 };
	struct policy *p;
	int status = 1;

	if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
		help(stdout);
		return 0;
	}
	if (!read_arguments(argc, argv, &q)) {
		help(stderr);
		return 1;
	}
	p = generation_policy(q.policy, &problems);
	problems_print(&problems, "");
	if (p != NULL && ask(p, &q))
		status = 0;
	policy_free(p);
	problems_fini(&problems);
	return status;
}
