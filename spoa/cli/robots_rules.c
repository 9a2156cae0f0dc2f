#include "cli/robots_rules.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "cli/robots_term.h"
#include "policy/robots.h"

#define ITEM_MAX ((size_t)3500)   /* bytes of an expression, below what one may have */
#define REGEX_MAX ((size_t)16000) /* of a pattern, likewise */
#define EXCEPTIONS_MAX 64u        /* Allow lines beside one Disallow line */

/* An agent once, however often it is named, and the groups that hold for it. */
struct who {
	struct slice name;
	unsigned line, groups;
	unsigned *group;
	bool everybody;
	bool done; /* written together with one before it */
};

struct importing {
	struct robots_import *ask;
	FILE *out;
	struct problems *problems;
	struct arena *arena;
	struct robots robots;
	struct who *who;
	unsigned whos;
	unsigned *first_rule; /* of each group, and one more */
	/* Of the agents that are being written: */
	const struct who *names[ROBOTS_AGENTS_MAX];
	unsigned count;
	struct text agents;     /* regex */
	struct text exclusions; /* items of an expression, a line each */
	unsigned excluded;
	struct text plain; /* alternatives of a path_regex */
	struct text terms; /* of an expression, joined by || */
	unsigned plain_line, terms_line;
	unsigned part;
};

static void
warn(struct importing *im, unsigned line, const char *what)
{
	problem_warn(
	    im->problems, &(struct place){ .file = im->ask->file, .line = line }, "%s", what);
}

/* Words that stand in the User-Agent of every browser. */
static bool
is_browser(struct slice name)
{
	static const char *const words[] = { "mozilla", "applewebkit", "khtml", "gecko", "chrome",
		"safari" };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (slice_equal_nocase(name, slice_of(words[i])))
			return true;
	return false;
}

static struct who *
find_who(struct importing *im, struct slice name)
{
	for (unsigned i = 0; i < im->whos; i++)
		if (slice_equal_nocase(im->who[i].name, name))
			return &im->who[i];
	return NULL;
}

static void
add_group(struct importing *im, struct who *w, unsigned group)
{
	unsigned *more;

	if (w->groups > 0 && w->group[w->groups - 1] == group)
		return;
	more = arena_alloc(im->arena, (w->groups + 1) * sizeof(*more));
	if (w->groups > 0)
		memcpy(more, w->group, w->groups * sizeof(*more));
	more[w->groups++] = group;
	w->group = more;
}

static void
collect(struct importing *im)
{
	const struct robots *r = &im->robots;
	unsigned at = 0;

	im->who = arena_alloc(im->arena, (r->agents + 1) * sizeof(*im->who));
	for (unsigned i = 0; i < r->agents; i++) {
		const struct robots_agent *a = &r->agent[i];
		struct who *w = find_who(im, a->name);

		if (is_browser(a->name)) {
			warn(
			    im, a->line, "every browser says it of itself: this agent is left out");
			continue;
		}
		if (w == NULL) {
			w = &im->who[im->whos++];
			*w = (struct who){ .name = a->name,
				.line = a->line,
				.everybody = slice_equal(a->name, SLICE("*")) };
		}
		add_group(im, w, a->group);
	}
	im->first_rule = arena_alloc(im->arena, (r->groups + 1) * sizeof(*im->first_rule));
	for (unsigned g = 0; g <= r->groups; g++) {
		while (at < r->rules && r->rule[at].group < g)
			at++;
		im->first_rule[g] = at;
	}
}

/* Whoever may not fetch anything may still fetch what says so (RFC 9309, 2.2.2). */
static void
write_robots_txt(struct importing *im)
{
	for (unsigned i = 0; i < im->robots.rules; i++) {
		const struct robots_rule *d = &im->robots.rule[i];

		if (d->allow || !robots_overlap(d->pattern, SLICE("/robots.txt")))
			continue;
		fputs("\n- name: robots-txt\n  action: ALLOW\n", im->out);
		fputs(im->ask->portable ? "  expression: 'path == \"/robots.txt\"'\n"
					: "  path_regex: '^/robots\\.txt$'\n",
		    im->out);
		return;
	}
}

/* "robots-gptbot-12": of the first agent, and of the line. */
static void
write_name(struct importing *im, unsigned line)
{
	struct slice name = im->names[0]->name;

	if (im->ask->rules == 0)
		write_robots_txt(im);
	fputs("\n- name: robots-", im->out);
	if (im->names[0]->everybody)
		fputs("everybody", im->out);
	for (size_t i = 0; i < name.len && i < 48; i++) {
		char c = ascii_lower(name.ptr[i]);
		bool word = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';

		if (c != '*')
			fputc(word ? c : '-', im->out);
	}
	fprintf(im->out, "-%u", line);
	if (im->part++ > 0)
		fprintf(im->out, "-%u", im->part);
	fprintf(im->out, "\n  action: %s\n", im->ask->action);
	if (strcmp(im->ask->action, "WEIGH") == 0)
		fprintf(im->out, "  weight:\n    adjust: %d\n", im->ask->weight);
	im->ask->rules++;
}

/* YAML in single quotes: what comes here is ASCII without line ends and quotes. */
static void
write_quoted(FILE *out, struct slice s)
{
	assert(s.len == 0 ||
	       (memchr(s.ptr, '\'', s.len) == NULL && memchr(s.ptr, '\n', s.len) == NULL));
	fputc('\'', out);
	fwrite(s.ptr, 1, s.len, out);
	fputs("'\n", out);
}

/* agent && exclusions && what */
static void
write_expression(struct importing *im, struct slice what)
{
	bool agent = im->ask->portable && im->agents.len > 0;
	struct slice rest = text_slice(&im->exclusions);
	char item[ITEM_MAX * 2 + 64];
	struct text t = { .buf = item, .cap = sizeof(item) };

	if (!agent && rest.len == 0 && what.len == 0)
		return;
	fputs("  expression:\n    all:\n", im->out);
	if (agent) {
		text_put(&t, SLICE("userAgent.matches("));
		robots_term_quote(text_slice(&im->agents), &t);
		text_put(&t, SLICE(")"));
		fputs("      - ", im->out);
		write_quoted(im->out, text_slice(&t));
	}
	while (rest.len > 0) {
		struct slice line = slice_split(rest, '\n', &rest);

		if (line.len == 0)
			continue;
		fputs("      - ", im->out);
		write_quoted(im->out, line);
	}
	if (what.len > 0) {
		fputs("      - ", im->out);
		write_quoted(im->out, what);
	}
}

static void
write_agents(struct importing *im)
{
	if (im->ask->portable || im->agents.len == 0)
		return;
	fputs("  user_agent_regex: ", im->out);
	write_quoted(im->out, text_slice(&im->agents));
}

static void
flush_plain(struct importing *im)
{
	char item[ITEM_MAX * 2 + 64];
	struct text t = { .buf = item, .cap = sizeof(item) };

	if (im->plain.len == 0)
		return;
	write_name(im, im->plain_line);
	write_agents(im);
	if (im->ask->portable) {
		text_put(&t, SLICE("path.matches("));
		robots_term_quote(text_slice(&im->plain), &t);
		text_put(&t, SLICE(")"));
		assert(!t.cut);
	} else {
		fputs("  path_regex: ", im->out);
		write_quoted(im->out, text_slice(&im->plain));
	}
	write_expression(im, text_slice(&t));
	im->plain.len = 0;
}

static void
flush_terms(struct importing *im)
{
	if (im->terms.len == 0)
		return;
	write_name(im, im->terms_line);
	write_agents(im);
	write_expression(im, text_slice(&im->terms));
	im->terms.len = 0;
}

static void
add_plain(struct importing *im, const struct robots_rule *d)
{
	char regex[ROBOTS_REGEX_ROOM(ROBOTS_PATTERN_MAX)];
	struct text t = { .buf = regex, .cap = sizeof(regex) };
	size_t most = im->ask->portable ? ITEM_MAX / 2 : REGEX_MAX;

	robots_term_regex(d->pattern, &t);
	if (t.len > most) {
		warn(im, d->line, "too long for one expression, and left out");
		return;
	}
	if (im->plain.len + t.len + 1 > most)
		flush_plain(im);
	if (im->plain.len > 0)
		text_byte(&im->plain, '|');
	else
		im->plain_line = d->line;
	text_put(&im->plain, text_slice(&t));
}

/* Each Allow line that wins over d where both match. */
static bool
put_term(struct importing *im, const struct who *w, const struct robots_rule *d, struct text *t)
{
	unsigned exceptions = 0;

	robots_term_put(d->pattern, t);
	for (unsigned g = 0; g < w->groups; g++) {
		for (unsigned i = im->first_rule[w->group[g]]; i < im->first_rule[w->group[g] + 1];
		     i++) {
			const struct robots_rule *a = &im->robots.rule[i];

			if (!a->allow || robots_weight(a->pattern) < robots_weight(d->pattern) ||
			    !robots_overlap(a->pattern, d->pattern))
				continue;
			if (++exceptions > EXCEPTIONS_MAX)
				return false;
			text_put(t, SLICE(" && !"));
			robots_term_put(a->pattern, t);
		}
	}
	return !t->cut;
}

static bool
has_exceptions(struct importing *im, const struct who *w, const struct robots_rule *d)
{
	for (unsigned g = 0; g < w->groups; g++)
		for (unsigned i = im->first_rule[w->group[g]]; i < im->first_rule[w->group[g] + 1];
		     i++) {
			const struct robots_rule *a = &im->robots.rule[i];

			if (a->allow && robots_weight(a->pattern) >= robots_weight(d->pattern) &&
			    robots_overlap(a->pattern, d->pattern))
				return true;
		}
	return false;
}

static void
add_term(struct importing *im, const struct who *w, const struct robots_rule *d)
{
	char buf[ITEM_MAX];
	struct text t = { .buf = buf, .cap = sizeof(buf) };

	if (!put_term(im, w, d, &t)) {
		warn(im, d->line,
		    "too long, or with too many Allow lines, to be an expression: left out");
		return;
	}
	if (im->terms.len > 0 && im->terms.len + t.len + 4 > ITEM_MAX)
		flush_terms(im);
	if (im->terms.len > 0)
		text_put(&im->terms, SLICE(" || "));
	else
		im->terms_line = d->line;
	text_put(&im->terms, text_slice(&t));
}

static bool
all_plain(struct importing *im, const struct who *w)
{
	for (unsigned g = 0; g < w->groups; g++)
		for (unsigned i = im->first_rule[w->group[g]]; i < im->first_rule[w->group[g] + 1];
		     i++) {
			const struct robots_rule *d = &im->robots.rule[i];

			if (!d->allow &&
			    (!robots_term_plain(d->pattern) || has_exceptions(im, w, d)))
				return false;
		}
	return true;
}

/* Every Disallow line of the groups of w, for the agents that are gathered. */
static void
write_paths(struct importing *im, const struct who *w)
{
	bool weigh = strcmp(im->ask->action, "WEIGH") == 0;
	/* One rule a visitor, so that no weight is added twice. */
	bool together = weigh && !all_plain(im, w);

	im->part = 0;
	for (unsigned g = 0; g < w->groups; g++) {
		for (unsigned i = im->first_rule[w->group[g]]; i < im->first_rule[w->group[g] + 1];
		     i++) {
			const struct robots_rule *d = &im->robots.rule[i];

			if (d->allow)
				continue;
			if (!together && robots_term_plain(d->pattern) && !has_exceptions(im, w, d))
				add_plain(im, d);
			else
				add_term(im, w, d);
		}
	}
	flush_plain(im);
	flush_terms(im);
	if (im->part > 1 && weigh)
		warn(im, w->line,
		    "too many paths for one rule: who matches several is weighed by each");
}

static bool
is_word(char c)
{
	c = ascii_lower(c);
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* \bname\b, as far as words begin and end there. */
static void
put_agent(struct slice name, struct text *t)
{
	text_put(t, is_word(name.ptr[0]) ? SLICE("\\b") : SLICE(""));
	robots_regex(name, false, t);
	text_put(t, is_word(name.ptr[name.len - 1]) ? SLICE("\\b") : SLICE(""));
}

/* Is `inner` within `name`, and shorter? */
static bool
is_within(struct slice inner, struct slice name)
{
	for (size_t i = 0; inner.len < name.len && i + inner.len <= name.len; i++)
		if (slice_equal_nocase(inner, (struct slice){ name.ptr + i, inner.len }))
			return true;
	return false;
}

static bool
is_gathered(const struct importing *im, const struct who *w)
{
	for (unsigned i = 0; i < im->count; i++)
		if (im->names[i] == w)
			return true;
	return false;
}

/* Agents with a group of their own, which those that are gathered would match, too. */
static void
put_exclusions(struct importing *im, const struct who *first)
{
	char buf[ROBOTS_REGEX_ROOM(ROBOTS_PATTERN_MAX)];

	im->exclusions.len = 0;
	for (unsigned i = 0; i < im->whos; i++) {
		const struct who *w = &im->who[i];
		struct text t = { .buf = buf, .cap = sizeof(buf) };
		bool within = first->everybody;

		if (w->everybody || is_gathered(im, w))
			continue;
		for (unsigned n = 0; n < im->count && !within; n++)
			within = is_within(im->names[n]->name, w->name);
		if (!within)
			continue;
		text_put(&t, SLICE("(?i)"));
		put_agent(w->name, &t);
		if (t.cut || t.len > ITEM_MAX / 2) {
			warn(im, w->line,
			    "a name too long to be an exception: the wider group holds, too");
			continue;
		}
		text_put(&im->exclusions, SLICE("!userAgent.matches("));
		robots_term_quote(text_slice(&t), &im->exclusions);
		text_put(&im->exclusions, SLICE(")\n"));
	}
}

static bool
same_groups(const struct who *a, const struct who *b)
{
	return a->groups == b->groups && a->everybody == b->everybody &&
	       memcmp(a->group, b->group, a->groups * sizeof(*a->group)) == 0;
}

/* The agents from `first` on that have its groups, as many as one pattern holds. */
static void
gather(struct importing *im, struct who *first)
{
	char buf[ROBOTS_REGEX_ROOM(ROBOTS_PATTERN_MAX)];
	size_t most = ITEM_MAX / 2;

	im->count = 0;
	im->agents.len = 0;
	for (struct who *w = first; w < im->who + im->whos; w++) {
		struct text t = { .buf = buf, .cap = sizeof(buf) };

		if (w->done || !same_groups(w, first))
			continue;
		put_agent(w->name, &t);
		if (t.len > most) {
			warn(im, w->line, "a name too long for a pattern: left out");
			w->done = true;
			continue;
		}
		if (im->agents.len + t.len + 8 > most)
			break;
		if (!first->everybody)
			text_put(&im->agents, im->agents.len == 0 ? SLICE("(?i)") : SLICE("|"));
		if (!first->everybody)
			text_put(&im->agents, text_slice(&t));
		w->done = true;
		im->names[im->count++] = w;
	}
}

static void
write_delays(struct importing *im)
{
	for (unsigned i = 0; i < im->robots.delays; i++) {
		const struct robots_delay *d = &im->robots.delay[i];
		char buf[128];
		struct text t = { .buf = buf, .cap = sizeof(buf) };

		text_quote_log(&t, d->seconds);
		fprintf(im->out, "# line %u: Crawl-delay %.*s: no rule says how often\n", d->line,
		    (int)t.len, buf);
	}
}

static void
write_all(struct importing *im)
{
	fprintf(im->out,
	    "# Made by ammit import-robots. In a policy: bots: [ { import: THIS-FILE } ]\n");
	write_delays(im);
	for (unsigned i = 0; i < im->whos; i++)
		if (im->who[i].everybody && !im->ask->star)
			fprintf(im->out,
			    "# line %u: the group for every other visitor is left out; --star adds "
			    "it\n",
			    im->who[i].line);
	/* Everybody last: the group of a name goes before. */
	for (unsigned star = 0; star <= im->ask->star; star++)
		for (unsigned i = 0; i < im->whos; i++) {
			struct who *first = &im->who[i];

			if (first->everybody != (bool)star)
				continue;
			while (!first->done) {
				gather(im, first);
				if (im->count == 0)
					continue;
				put_exclusions(im, first);
				write_paths(im, first);
			}
		}
	if (im->ask->rules == 0)
		fputs("[]\n", im->out);
}

static struct text
make_text(struct arena *a, size_t room)
{
	return (struct text){ .buf = arena_alloc(a, room), .cap = room };
}

bool
robots_rules_write(
    struct robots_import *ask, struct slice text, FILE *out, struct problems *problems)
{
	struct importing *im = xcalloc(1, sizeof(*im));
	bool good;

	im->ask = ask;
	im->out = out;
	im->problems = problems;
	im->arena = arena_new();
	good = robots_parse(im->arena, ask->file, text, &im->robots, problems);
	if (good) {
		collect(im);
		im->agents = make_text(im->arena, 2 * ITEM_MAX);
		im->plain = make_text(im->arena, 2 * REGEX_MAX);
		im->terms = make_text(im->arena, 2 * ITEM_MAX);
		/* Every name as an exception, its bytes as escapes, quoted. */
		im->exclusions = make_text(im->arena, text.len * 16 + im->whos * 64 + 64);
		write_all(im);
	}
	arena_free(im->arena);
	free(im);
	return good;
}
