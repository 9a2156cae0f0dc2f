#include <stdio.h>

#include "base/text.h"
#include "cli/replay.h"

#define LONG(n) ((unsigned long long)(n))

static double
share(uint64_t part, uint64_t whole)
{
	return whole == 0 ? 0 : 100.0 * (double)part / (double)whole;
}

/* Name of the n-th field that the policy reads and no line had, {NULL, 0} for any other. */
static struct slice
missing_field(const struct replay *r, unsigned n)
{
	/* A pass is worth its level, which the log may have. */
	if (n == REQUEST_PASS || (policy_reads(r->policy) >> n & 1) == 0 || (r->seen >> n & 1) != 0)
		return (struct slice){ NULL, 0 };
	return n < REQUEST_HEADER ? slice_of(request_argument[n])
				  : policy_header(r->policy, n - REQUEST_HEADER);
}

static void
print_quoted(struct slice s)
{
	char buf[2048];
	struct text t = { .buf = buf, .cap = sizeof(buf) };

	text_quote_json(&t, s);
	fwrite(buf, 1, t.len, stdout);
}

static void
print_changes(const struct tally_changes *c, const char *from, const char *to)
{
	printf("\n%s -> %s: %llu the same, %llu different (%.2f %%)\n", from, to, LONG(c->same),
	    LONG(c->different), share(c->different, c->same + c->different));
	for (unsigned before = 0; before < TALLY_KINDS; before++) {
		for (unsigned after = 0; after < TALLY_KINDS; after++) {
			const struct tally_change *cell = &c->cell[before][after];

			if (before == after || cell->count == 0)
				continue;
			printf("  %-9s -> %-9s %10llu\n", tally_names[before], tally_names[after],
			    LONG(cell->count));
			for (unsigned i = 0; i < cell->examples; i++)
				printf("      %s\n", cell->example[i]);
		}
	}
}

static void
print_rules(const struct replay *r)
{
	size_t most = r->top > 0 && r->top < r->tally.rules ? (size_t)r->top : r->tally.rules;

	printf("\n%10s %10s  rule\n", "decided", "weighed");
	for (size_t i = 0; i < most; i++)
		printf("%10llu %10llu  %.*s\n", LONG(r->tally.rule[i].decided),
		    LONG(r->tally.rule[i].weighed), (int)r->tally.rule[i].name.len,
		    r->tally.rule[i].name.ptr);
	if (most < r->tally.rules)
		printf("%21s  and %zu more: --top 0 shows all\n", "", r->tally.rules - most);
}

static void
print_missing(const struct replay *r)
{
	bool any = false;

	for (unsigned n = 0; n < REQUEST_FIELDS; n++) {
		struct slice name = missing_field(r, n);

		if (name.ptr == NULL)
			continue;
		fputs(any ? ", " : "\nthe policy reads these, and no line had them: ", stdout);
		printf("%s%.*s", n >= REQUEST_HEADER ? "header " : "", (int)name.len, name.ptr);
		any = true;
	}
	if (any)
		puts("\nrules that ask for them were judged as if they were absent");
}

static void
print_bad(const struct replay *r)
{
	if (r->bad == 0)
		return;
	printf("\n%llu lines are no request:\n", LONG(r->bad));
	for (unsigned i = 0; i < r->bad && i < REPLAY_BAD_SHOWN; i++)
		printf(
		    "  %s:%llu: %s\n", r->shown[i].file, LONG(r->shown[i].line), r->shown[i].why);
	if (r->bad > REPLAY_BAD_SHOWN)
		printf("  and %llu more\n", LONG(r->bad - REPLAY_BAD_SHOWN));
}

static void
print_text(const struct replay *r)
{
	printf(
	    "%llu requests in %llu lines, %.1f s", LONG(r->requests), LONG(r->lines), r->seconds);
	if (r->seconds >= 0.1)
		printf(", %.0f lines/s", (double)r->lines / r->seconds);
	puts("\n");
	for (unsigned i = 0; i < TALLY_NONE; i++)
		if (r->tally.kind[i] > 0 || i != VERDICT_DRIP)
			printf("  %-9s %10llu %7.2f %%\n", tally_names[i], LONG(r->tally.kind[i]),
			    share(r->tally.kind[i], r->requests));
	if (r->tally.rules > 0)
		print_rules(r);
	if (r->against != NULL)
		print_changes(&r->changes, r->against_file,
		    r->policy_file != NULL ? r->policy_file : "(embedded policy)");
	if (r->with_verdict > 0)
		print_changes(&r->given, "given in the log",
		    r->policy_file != NULL ? r->policy_file : "(embedded policy)");
	if (r->requests > 0)
		print_missing(r);
	if (r->ours > 0)
		printf("\n%llu requests were for Ammit's own pages, which nobody weighs\n",
		    LONG(r->ours));
	if (r->unaddressed > 0)
		printf("\n%llu requests came without an address: no address rule matched them\n",
		    LONG(r->unaddressed));
	if (r->failed > 0)
		printf("\nin %llu requests a rule failed, which counts as no match: explain --log "
		       "says why\n",
		    LONG(r->failed));
	print_bad(r);
}

static void
json_changes(const char *name, const struct tally_changes *c)
{
	const char *comma = "";

	printf(", \"%s\": {\"same\": %llu, \"different\": %llu, \"changes\": [", name,
	    LONG(c->same), LONG(c->different));
	for (unsigned before = 0; before < TALLY_KINDS; before++) {
		for (unsigned after = 0; after < TALLY_KINDS; after++) {
			const struct tally_change *cell = &c->cell[before][after];

			if (before == after || cell->count == 0)
				continue;
			printf(
			    "%s{\"from\": \"%s\", \"to\": \"%s\", \"count\": %llu, \"examples\": [",
			    comma, tally_names[before], tally_names[after], LONG(cell->count));
			for (unsigned i = 0; i < cell->examples; i++) {
				fputs(i > 0 ? ", " : "", stdout);
				print_quoted(slice_of(cell->example[i]));
			}
			fputs("]}", stdout);
			comma = ", ";
		}
	}
	fputs("]}", stdout);
}

static void
json_lists(const struct replay *r)
{
	size_t most = r->top > 0 && r->top < r->tally.rules ? (size_t)r->top : r->tally.rules;
	const char *comma = "";

	fputs(", \"rules\": [", stdout);
	for (size_t i = 0; i < most; i++) {
		fputs(i > 0 ? ", {\"rule\": " : "{\"rule\": ", stdout);
		print_quoted(r->tally.rule[i].name);
		printf(", \"decided\": %llu, \"weighed\": %llu}", LONG(r->tally.rule[i].decided),
		    LONG(r->tally.rule[i].weighed));
	}
	fputs("], \"missing\": [", stdout);
	for (unsigned n = 0; n < REQUEST_FIELDS; n++) {
		struct slice name = missing_field(r, n);

		if (name.ptr == NULL)
			continue;
		fputs(comma, stdout);
		print_quoted(name);
		comma = ", ";
	}
	fputs("], \"bad\": [", stdout);
	for (unsigned i = 0; i < r->bad && i < REPLAY_BAD_SHOWN; i++) {
		fputs(i > 0 ? ", {\"file\": " : "{\"file\": ", stdout);
		print_quoted(slice_of(r->shown[i].file));
		printf(", \"line\": %llu, \"why\": ", LONG(r->shown[i].line));
		print_quoted(slice_of(r->shown[i].why));
		fputs("}", stdout);
	}
	fputs("]", stdout);
}

static void
print_json(const struct replay *r)
{
	printf("{\"lines\": %llu, \"requests\": %llu, \"own\": %llu, \"not_requests\": %llu, "
	       "\"without_address\": %llu, \"with_failed_rules\": %llu, \"seconds\": %.3f",
	    LONG(r->lines), LONG(r->requests), LONG(r->ours), LONG(r->bad), LONG(r->unaddressed),
	    LONG(r->failed), r->seconds);
	fputs(", \"verdicts\": {", stdout);
	for (unsigned i = 0; i < TALLY_NONE; i++)
		printf("%s\"%s\": %llu", i > 0 ? ", " : "", tally_names[i], LONG(r->tally.kind[i]));
	fputs("}", stdout);
	json_lists(r);
	if (r->against != NULL)
		json_changes("against", &r->changes);
	if (r->with_verdict > 0)
		json_changes("given", &r->given);
	puts("}");
}

void
replay_print(struct replay *r)
{
	if (r->json)
		print_json(r);
	else
		print_text(r);
}
