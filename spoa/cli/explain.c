#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/command.h"
#include "cli/inputs.h"
#include "cli/logline.h"
#include "daemon/consult.h"
#include "daemon/generation.h"
#include "policy/verdict.h"

#define HEADERS_GIVEN_MAX 64

struct question {
	const char *policy, *src, *method, *host, *path, *tls, *ja3, *ja4, *log, *captures, *dns;
	const char *header[HEADERS_GIVEN_MAX];
	unsigned headers;
	unsigned long long level;
	double load;
	uint8_t by;
	int64_t number[REQUEST_NUMBERS]; /* -1: not given */
	bool json, elsewhere, no_dns;
	char line[LOGLINE_BYTES_MAX];
	char store[LOGLINE_BYTES_MAX];
	struct logline logline;
};

static void
help(FILE *to)
{
	fputs(
	    "usage: ammit explain [--policy FILE] [--src ADDR] [--method M] [--host H]\n"
	    "                     [--path P] [--header 'Name: value']… [--pass LEVEL] [--json]\n"
	    "       ammit explain [--policy FILE] --log LINE|- [--captures NAME,NAME…] [--json]\n\n"
	    "Judges one request by a policy (the embedded one if none is named) and shows what "
	    "matched,\n"
	    "each weight, and the verdict. The request is made up, or stands in a line of a "
	    "HAProxy "
	    "log;\n"
	    "other options add to the line, or replace what stands in it. - reads it from standard "
	    "input.\n\n"
	    "  --path P          may have a query\n"
	    "  --pass LEVEL      a visitor with a good pass of that level; elsewhere: whose pass "
	    "is "
	    "bound\n"
	    "                    to another network\n"
	    "  --pass-by METHOD  how that pass was earned: pow, wait, resource, question, video, "
	    "video_failed\n"
	    "  --pass-age S      seconds since the pass was issued\n"
	    "  --rate N          requests of this client, --pass-rate N: of this pass\n"
	    "  --circuit-effort N  what tor's proof of work proved for the circuit that --src is\n"
	    "  --load N          load of the machine, for prices that follow it and for load_1m\n"
	    "  --tls VERSION     TLSv1.3; --ja3 and --ja4: fingerprints of its hello\n"
	    "  --captures NAMES  request headers that HAProxy captures (user-agent,host)\n"
	    "  --dns SERVERS     ask these and not those of resolv.conf; --no-dns: ask nobody, "
	    "what\n"
	    "                    the DNS would say is unknown then\n",
	    to);
}

/* An option with a text; NULL: no such. */
static const char **
text_option(struct question *q, const char *name)
{
	const struct {
		const char *name, **to;
	} options[] = { { "--policy", &q->policy }, { "--src", &q->src },
		{ "--method", &q->method }, { "--host", &q->host }, { "--path", &q->path },
		{ "--tls", &q->tls }, { "--ja3", &q->ja3 }, { "--ja4", &q->ja4 },
		{ "--log", &q->log }, { "--captures", &q->captures }, { "--dns", &q->dns } };

	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
		if (strcmp(name, options[i].name) == 0)
			return options[i].to;
	return NULL;
}

static bool
number_option(struct question *q, const char *name, const char *value)
{
	static const char *const names[REQUEST_NUMBERS] = { "--rate", "--pass-rate", "--pass-age",
		"--circuit-effort" };
	unsigned long long n;

	for (unsigned i = 0; i < REQUEST_NUMBERS; i++) {
		if (strcmp(name, names[i]) != 0)
			continue;
		if (!slice_number(slice_of(value), INT64_MAX, &n))
			return false;
		q->number[i] = (int64_t)n;
		return true;
	}
	return false;
}

/* One of `methods`; may be given several times. */
static bool
method_option(struct question *q, const char *value)
{
	for (unsigned i = 0; i < METHODS; i++) {
		if (strcmp(value, method_names[i]) != 0)
			continue;
		q->by |= (uint8_t)(1u << i);
		return true;
	}
	return false;
}

static bool
load_option(struct question *q, const char *value)
{
	char *end;

	q->load = strtod(value, &end);
	return end != value && *end == '\0' && q->load >= 0 && q->load <= 1e6;
}

static bool
pass_option(struct question *q, const char *value)
{
	if (strcmp(value, "elsewhere") == 0)
		q->elsewhere = true;
	else if (!slice_number(slice_of(value), 65535, &q->level))
		return false;
	return true;
}

/* An option whose value is no text. */
static bool
other_option(struct question *q, const char *name, const char *value)
{
	if (strcmp(name, "--pass") == 0)
		return pass_option(q, value);
	if (strcmp(name, "--pass-by") == 0)
		return method_option(q, value);
	if (strcmp(name, "--load") == 0)
		return load_option(q, value);
	return number_option(q, name, value);
}

/* False after saying what is wrong. */
static bool
read_arguments(int argc, char **argv, struct question *q)
{
	for (int i = 0; i < argc; i++) {
		const char *name = argv[i], *value = i + 1 < argc ? argv[i + 1] : NULL, **text;

		if (strcmp(name, "--json") == 0) {
			q->json = true;
			continue;
		}
		if (strcmp(name, "--no-dns") == 0) {
			q->no_dns = true;
			continue;
		}
		if (value == NULL) {
			fprintf(stderr,
			    "ammit: explain: %s: no such option, or its value is missing\n", name);
			return false;
		}
		i++;
		text = text_option(q, name);
		if (text != NULL)
			*text = value;
		else if (strcmp(name, "--header") == 0 && q->headers < HEADERS_GIVEN_MAX)
			q->header[q->headers++] = value;
		else if (!other_option(q, name, value)) {
			fprintf(stderr, "ammit: explain: %s %s: no such option or value\n", name,
			    value);
			return false;
		}
	}
	return true;
}

/* The line that --log says, or the first of standard input. */
static bool
read_log(struct question *q)
{
	struct slice line = slice_of(q->log);
	const char *why;

	if (strcmp(q->log, "-") == 0) {
		if (fgets(q->line, sizeof(q->line), stdin) == NULL)
			q->line[0] = '\0';
		line = slice_of(q->line);
	}
	line = slice_trim(line);
	if (line.len >= sizeof(q->store))
		why = "longer than 64 KiB";
	else if (logline_parse(line, slice_of(q->captures), q->store, &q->logline, &why))
		return true;
	fprintf(stderr, "ammit: explain: --log: %s\n", why);
	return false;
}

static void
print_dns(struct text *out, const struct trace *t)
{
	text_put(out, SLICE("], \"dns\": ["));
	for (unsigned i = 0; i < t->asks; i++) {
		const struct asked *a = &t->asked[i];

		text_printf(out, "%s{\"type\": \"%s\", \"name\": ", i > 0 ? ", " : "",
		    dns_type_name(a->type));
		text_quote_json(out, slice_of(a->name));
		text_printf(out, ", \"state\": \"%s\", \"said\": ", dns_state_names[a->state]);
		text_quote_json(out, slice_of(a->said));
		text_byte(out, '}');
	}
	text_put(out, SLICE("], \"unknown\": ["));
	for (unsigned i = 0; i < t->unknowns && i < TRACE_FAILED_MAX; i++) {
		text_put(out, i > 0 ? SLICE(", ") : SLICE(""));
		text_quote_json(out, t->unknown[i]);
	}
}

static void
put_challenge(struct text *out, const struct challenge *c)
{
	const char *between = "";

	text_put(out, SLICE(", \"challenge\": {\"methods\": ["));
	for (unsigned i = 0; i < METHODS; i++) {
		if ((c->methods & 1u << i) == 0)
			continue;
		text_printf(out, "%s\"%s\"", between, method_names[i]);
		between = ", ";
	}
	text_printf(out,
	    "], \"hashes\": %u, \"puzzles\": %u, \"level\": %u, \"wait_s\": %u, \"clip\": %s}",
	    c->hashes, c->puzzles, c->level, c->wait_s, c->clip ? "true" : "false");
}

static void
print_json(const struct verdict *v, const struct trace *t, const struct request *r)
{
	size_t room = 1 << 20;
	struct text out = { .buf = xcalloc(1, room), .cap = room };

	text_printf(&out, "{\"verdict\": \"%s\", \"rule\": ", verdict_names[v->kind]);
	text_quote_json(&out, v->rule);
	text_printf(&out, ", \"weight\": %d, \"matched\": [", v->weight);
	for (unsigned i = 0; i < t->count; i++) {
		text_put(&out, i > 0 ? SLICE(", {\"rule\": ") : SLICE("{\"rule\": "));
		text_quote_json(&out, t->list[i].rule);
		text_printf(&out, ", \"action\": \"%s\", \"weight\": %d, \"shadow\": %s}",
		    action_names[t->list[i].action], t->list[i].weight,
		    t->list[i].shadow ? "true" : "false");
	}
	text_put(&out, SLICE("]"));
	if (v->challenge != NULL)
		put_challenge(&out, v->challenge);
	text_put(&out, SLICE(", \"would\": {\"verdict\": "));
	text_quote_json(&out, slice_of(verdict_names[v->would.kind]));
	text_put(&out, SLICE(", \"rule\": "));
	text_quote_json(&out, v->would.rule);
	text_printf(&out, ", \"weight\": %d}, \"site\": ", v->would.weight);
	text_quote_json(&out, v->site);
	text_put(&out, SLICE(", \"failed\": ["));
	for (unsigned i = 0; i < t->errors && i < TRACE_FAILED_MAX; i++) {
		text_put(&out, i > 0 ? SLICE(", {\"rule\": ") : SLICE("{\"rule\": "));
		text_quote_json(&out, t->failed[i].rule);
		text_put(&out, SLICE(", \"why\": "));
		text_quote_json(&out, slice_of(t->failed[i].why));
		text_byte(&out, '}');
	}
	print_dns(&out, t);
	text_printf(&out, "], \"circuit\": {\"id\": %lu, \"effort\": %lld, \"close\": %s}",
	    (unsigned long)address_circuit(&r->src), (long long)r->number[REQUEST_EFFORT],
	    v->close_circuit && address_circuit(&r->src) != 0 ? "true" : "false");
	text_printf(
	    &out, ", \"by_pass\": %s, \"errors\": %u}", v->by_pass ? "true" : "false", t->errors);
	printf("%.*s\n", (int)out.len, out.buf);
	free(out.buf);
}

/* Only what it offers is said. */
static void
print_challenge(const struct challenge *c)
{
	char methods[METHODS_TEXT_MAX];

	methods_format(c->methods, methods);
	printf("challenge: by %s, worth level %u\n", methods, c->level);
	if ((c->methods & METHOD_POW) != 0)
		printf("  pow       %u hashes expected in %u puzzles\n", c->hashes, c->puzzles);
	if ((c->methods & METHOD_WAIT) != 0)
		printf("  wait      %u s\n", c->wait_s);
	if (c->clip)
		puts("  clip      the page plays one, and the pass says whether it did");
}

static void
print_text(const struct verdict *v, const struct trace *t, const struct request *r)
{
	if (address_circuit(&r->src) != 0)
		printf("  circuit   %lu, effort %lld\n", (unsigned long)address_circuit(&r->src),
		    (long long)r->number[REQUEST_EFFORT]);
	for (unsigned i = 0; i < t->asks; i++)
		printf("  asked     %s %s: %s%s%s\n", dns_type_name(t->asked[i].type),
		    t->asked[i].name, dns_state_names[t->asked[i].state],
		    t->asked[i].said[0] != '\0' ? ", " : "", t->asked[i].said);
	for (unsigned i = 0; i < t->count; i++) {
		printf("  %-9s %.*s", action_names[t->list[i].action], (int)t->list[i].rule.len,
		    t->list[i].rule.ptr);
		if (t->list[i].action == ACTION_WEIGH)
			printf("  %+d", t->list[i].weight);
		puts(t->list[i].shadow ? "  (in shadow)" : "");
	}
	for (unsigned i = 0; i < t->errors && i < TRACE_FAILED_MAX; i++)
		printf("  failed    %.*s: %s; counts as no match\n", (int)t->failed[i].rule.len,
		    t->failed[i].rule.ptr, t->failed[i].why);
	if (t->errors > TRACE_FAILED_MAX)
		printf("  failed    and %u more\n", t->errors - TRACE_FAILED_MAX);
	for (unsigned i = 0; i < t->unknowns && i < TRACE_FAILED_MAX; i++)
		printf("  unknown   %.*s: the DNS has not answered\n", (int)t->unknown[i].len,
		    t->unknown[i].ptr);
	if (v->site.len > 0)
		printf("site %.*s\n", (int)v->site.len, v->site.ptr);
	printf("weight %d\n%s by %.*s%s\n", v->weight, verdict_names[v->kind], (int)v->rule.len,
	    v->rule.ptr, v->by_pass ? ", answered by the pass" : "");
	if (v->would.kind != v->kind || v->would.weight != v->weight ||
	    !slice_equal(v->would.rule, v->rule))
		printf("would be %s by %.*s with weight %d, were nothing in shadow\n",
		    verdict_names[v->would.kind], (int)v->would.rule.len, v->would.rule.ptr,
		    v->would.weight);
	if (v->close_circuit && address_circuit(&r->src) != 0)
		puts("the circuit is closed, where tor-control is set");
	if (v->challenge != NULL)
		print_challenge(v->challenge);
}

static void
fill(const struct policy *p, const struct question *q, struct request *r, struct evidence *e)
{
	const struct {
		enum request_field field;
		const char *value;
	} fields[] = { { REQUEST_METHOD, q->method }, { REQUEST_HOST, q->host },
		{ REQUEST_TLS, q->tls }, { REQUEST_JA3, q->ja3 }, { REQUEST_JA4, q->ja4 } };

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].value != NULL)
			request_set(r, fields[i].field, slice_of(fields[i].value));
	if (q->path != NULL)
		request_set_target(r, slice_of(q->path));
	for (unsigned i = 0; i < q->headers; i++) {
		struct slice value, name = slice_split(slice_of(q->header[i]), ':', &value);

		policy_take_header(p, r, slice_trim(name), slice_trim(value));
	}
	for (unsigned i = 0; i < REQUEST_NUMBERS; i++)
		if (q->number[i] >= 0)
			request_set_number(r, (enum request_number)i, q->number[i]);
	if (q->level > 0)
		e->level = (uint16_t)q->level;
	if (q->by != 0)
		e->by = q->by;
	e->pass_elsewhere = q->elsewhere;
}

static bool
ask(const struct policy *p, struct consult *c, const struct question *q)
{
	struct request r = { .cut = 0 };
	struct evidence e = { .level = 0 };
	struct judge *j;
	struct verdict v;
	struct trace *t;

	if (q->log != NULL && !inputs_logline(p, &q->logline, &r, &e) && q->src == NULL)
		fprintf(stderr,
		    "ammit: explain: the client of the line has no address; --src says one\n");
	if (q->src != NULL && !address_parse(slice_of(q->src), &r.src)) {
		fprintf(stderr, "ammit: explain: --src %s: no IPv4 or IPv6 address\n", q->src);
		return false;
	}
	fill(p, q, &r, &e);
	j = judge_new();
	judge_set_load(j, (const double[3]){ q->load, q->load, q->load });
	t = xcalloc(1, sizeof(*t));
	if (c != NULL)
		consult_judge(c, j, &r, &e, &v, t);
	else
		policy_judge(p, j, &r, &e, &v, t);
	if (q->json)
		print_json(&v, t, &r);
	else
		print_text(&v, t, &r);
	free(t);
	judge_free(j);
	return true;
}

/* What a made-up request has unless something else is said. */
static void
set_defaults(struct question *q)
{
	if (q->src == NULL)
		q->src = "192.0.2.1";
	if (q->method == NULL)
		q->method = "GET";
	if (q->host == NULL)
		q->host = "example.org";
	if (q->path == NULL)
		q->path = "/";
}

static int
explain(struct question *q)
{
	struct problems problems = { 0 };
	struct policy *p;
	struct consult *c = NULL;
	int status = 1;

	if (q->log == NULL)
		set_defaults(q);
	else if (!read_log(q))
		return 1;
	p = generation_policy(q->policy, &problems);
	problems_print(&problems, "");
	if (p != NULL && !q->no_dns) {
		const char *why;

		c = consult_new(q->dns, p, &why);
		if (c == NULL)
			fprintf(stderr, "ammit: explain: the DNS is not asked: %s\n", why);
	}
	if (p != NULL && ask(p, c, q))
		status = 0;
	consult_free(c);
	policy_free(p);
	problems_fini(&problems);
	return status;
}

int
command_explain(int argc, char **argv)
{
	struct question *q;
	int status = 1;

	if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0)) {
		help(stdout);
		return 0;
	}
	q = xcalloc(1, sizeof(*q));
	q->captures = "user-agent,host";
	for (unsigned i = 0; i < REQUEST_NUMBERS; i++)
		q->number[i] = -1;
	if (read_arguments(argc, argv, q))
		status = explain(q);
	else
		help(stderr);
	free(q);
	return status;
}
