#include "policy/ask_inner.h"

#include <stdlib.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encode.h"
#include "base/memory.h"
#include "base/text.h"
#include "policy/expr_inner.h"

/* What no regex of a policy is compared with: it is asked about whatever the policy says. */
static const char *const always[] = {
	"^(?!/)",         /* no path, or none that begins as one does */
	"^[^?]*%",        /* Ammit judges the path decoded */
	"[^!-~]",         /* blanks, controls, and what is read as UTF-8 */
	"^[\\s\\S]{513}", /* longer than ASK_TARGET_MAX */
};

#define ALWAYS (sizeof(always) / sizeof(always[0]))

_Static_assert(ASK_TARGET_MAX == 512, "as the line above says");

static const char at_path[] =
    "its path_regex fits nearly any path, or is too slow for HAProxy: begin it with ^/, or name "
    "words of three letters or more, and repeat no group";
static const char at_query[] =
    "its query_regex fits nearly any query, or is too slow for HAProxy: name words of three "
    "letters or more, and repeat no group";

void
ask_add(struct asking *a, struct slice line)
{
	if (a->lines == a->room) {
		a->room = a->room == 0 ? 64 : a->room * 2;
		a->line = xreallocarray(a->line, a->room, sizeof(*a->line));
	}
	a->line[a->lines++] = arena_copy(a->arena, line);
}

struct slice
ask_regex_of(const struct policy *p, unsigned field, uint32_t pattern)
{
	return patset_regex(p->field[p->field_at[field]].set, pattern);
}

/* All tests of a rule; sets a->why. */
static void
add_rule(struct asking *a, const struct rule *r)
{
	a->why = NULL;
	for (uint32_t i = 0; i < r->matchers; i++) {
		const struct matcher *m = &r->matcher[i];
		const bool query = m->field == REQUEST_QUERY;

		if (m->kind == MATCHER_EXPR)
			ask_add_expression(a, m->expr);
		if (m->kind == MATCHER_PATTERN && (query || m->field == REQUEST_PATH) &&
		    !ask_add_regex(a, ask_regex_of(a->policy, m->field, m->pattern), query))
			a->why = query ? at_query : at_path;
	}
}

static int
by_text(const void *x, const void *y)
{
	return strcmp(((const struct slice *)x)->ptr, ((const struct slice *)y)->ptr);
}

/* Each line once, in one order whatever the order of the rules. */
static void
sort(struct asking *a)
{
	size_t kept = 0;

	if (a->lines > 0)
		qsort(a->line, a->lines, sizeof(*a->line), by_text);
	for (size_t i = 0; i < a->lines; i++)
		if (kept == 0 || !slice_equal(a->line[kept - 1], a->line[i]))
			a->line[kept++] = a->line[i];
	a->lines = kept;
}

/* "# rate 50" and "# key src host method ua hdr.accept": what else must be the same. */
static void
add_terms(const struct policy *p, int64_t rate, struct text *t)
{
	uint64_t read = p->read;

	text_printf(t, "# rate %lld\n# key pass src host method", (long long)rate);
	for (unsigned i = 0; i < REQUEST_HEADER; i++)
		if ((read >> i & 1) != 0 && i != REQUEST_METHOD && i != REQUEST_PATH &&
		    i != REQUEST_QUERY && i != REQUEST_HOST && i != REQUEST_PASS)
			text_printf(t, " %s", request_argument[i]);
	/* HAProxy counts it then, which it does not for the asking. */
	if ((p->ask.numbers >> REQUEST_PASS_RATE & 1) != 0)
		text_put(t, SLICE(" pass.rate"));
	for (unsigned i = 0; i < p->headers; i++)
		text_printf(t, " hdr.%.*s", (int)p->header[i].len, p->header[i].ptr);
}

/* Room for the terms: 48 headers of at most 64 bytes. */
#define TERMS_MAX 4096u

static void
fingerprint(const struct asking *a, char out[ASK_FINGERPRINT_CHARS + 1])
{
	char terms[TERMS_MAX];
	struct text t = { .buf = terms, .cap = sizeof(terms) };
	uint8_t digest[SHA256_BYTES];
	struct sha256 h;

	sha256_init(&h);
	for (size_t i = 0; i < ALWAYS; i++) {
		sha256_update(&h, always[i], strlen(always[i]));
		sha256_update(&h, "\n", 1);
	}
	for (size_t i = 0; i < a->lines; i++) {
		sha256_update(&h, a->line[i].ptr, a->line[i].len);
		sha256_update(&h, "\n", 1);
	}
	add_terms(a->policy, a->rate, &t);
	sha256_update(&h, t.buf, t.len);
	sha256_final(&h, digest);
	hex_encode(digest, ASK_FINGERPRINT_CHARS / 2, out);
	out[ASK_FINGERPRINT_CHARS] = '\0';
}

/* All lines of all rules, and why[rule] where one cannot be listed. */
static void
collect(struct asking *a, const struct policy *p, const char **why)
{
	*a = (struct asking){ .policy = p, .arena = arena_new(), .rate = ASK_RATE_DEFAULT };
	for (uint32_t i = 0; i < p->rules; i++) {
		add_rule(a, &p->rule[i]);
		why[i] = a->why;
	}
	sort(a);
}

/* The first threshold of a site whose verdict is left to chance, and why; NULL: none. */
static const struct threshold *
by_chance(struct asking *a, const struct site *s)
{
	for (unsigned i = 0; i < s->thresholds; i++) {
		a->why = NULL;
		ask_add_expression(a, s->threshold[i].expr);
		if (a->why != NULL)
			return &s->threshold[i];
	}
	return NULL;
}

static bool
is_excepted(struct asking *a, const struct site *s, const char *const *why)
{
	const struct policy *p = a->policy;

	for (uint32_t i = s->first; i < s->end; i++)
		if (why[i] != NULL)
			return true;
	for (uint32_t i = p->common; i < p->rules && s->common; i++)
		if (why[i] != NULL)
			return true;
	return by_chance(a, s) != NULL;
}

/* The highest level that a pass must have for it, at whatever weight. */
static void
raise_level(uint16_t *level, const struct demand *d)
{
	const bool flat = d->own_level || d->prices == 0;

	if (flat && d->challenge.level > *level)
		*level = d->challenge.level;
	/* Between its points a curve is straight. */
	for (unsigned i = 0; i < d->prices && !flat; i++) {
		struct challenge c = demand_challenge(d, (int32_t)d->price[i].at, 0);

		if (c.level > *level)
			*level = c.level;
	}
}

static uint16_t
highest_level(const struct policy *p)
{
	bool of_site = p->zones > 0;
	uint16_t level = 0;

	for (uint32_t i = 0; i < p->rules; i++) {
		const struct rule *r = &p->rule[i];

		if (r->action != ACTION_CHALLENGE && !r->unknown_challenges)
			continue;
		of_site |= !r->own_challenge;
		if (r->own_challenge)
			raise_level(&level, &r->challenge);
	}
	for (uint32_t i = 0; i < p->sites; i++) {
		const struct site *s = &p->site[i];

		if (of_site)
			raise_level(&level, &s->challenge);
		for (unsigned k = 0; k < s->thresholds; k++)
			if (s->threshold[k].action == ACTION_CHALLENGE)
				raise_level(&level, &s->threshold[k].challenge);
	}
	return level;
}

void
ask_seal(struct policy *p)
{
	const char **why = xcalloc(p->rules + 1u, sizeof(*why));
	struct asking a;

	collect(&a, p, why);
	p->ask.rate = a.rate;
	p->ask.numbers = a.numbers;
	p->ask.level = highest_level(p);
	fingerprint(&a, p->ask.fingerprint);
	for (uint32_t i = 0; i < p->sites; i++) {
		p->site[i].excepted = is_excepted(&a, &p->site[i], why);
		p->ask.excepted += p->site[i].excepted;
	}
	arena_free(a.arena);
	free(a.line);
	free(why);
}

const struct ask *
policy_ask(const struct policy *p)
{
	return &p->ask;
}

/* What is excepted, and why. */
static void
say_exceptions(struct asking *a, const char *const *why, ask_line *line, void *context)
{
	const struct policy *p = a->policy;
	char room[1024];

	for (uint32_t i = 0; i < p->rules; i++) {
		struct text t = { .buf = room, .cap = sizeof(room) };
		const struct rule *r = &p->rule[i];

		if (why[i] == NULL)
			continue;
		text_printf(&t, "# never remembered because of %.*s (%s:%u): %s", (int)r->name.len,
		    r->name.ptr, r->file, r->line, why[i]);
		line(context, text_slice(&t));
	}
	for (uint32_t i = 0; i < p->sites; i++) {
		struct text t = { .buf = room, .cap = sizeof(room) };
		const struct site *s = &p->site[i];
		const struct threshold *by = by_chance(a, s);
		struct slice name = i == 0 ? SLICE("default") : s->name;

		if (by != NULL)
			text_printf(&t, "# never remembered at %.*s because of %.*s: %s",
			    (int)name.len, name.ptr, (int)by->name.len, by->name.ptr, a->why);
		else if (s->excepted)
			text_printf(&t, "# never remembered at %.*s", (int)name.len, name.ptr);
		if (t.len > 0)
			line(context, text_slice(&t));
	}
}

void
policy_ask_list(const struct policy *p, ask_line *line, void *context)
{
	const char **why = xcalloc(p->rules + 1u, sizeof(*why));
	char terms[TERMS_MAX];
	struct text t = { .buf = terms, .cap = sizeof(terms) };
	struct slice key, rate;
	struct asking a;

	collect(&a, p, why);
	text_printf(&t, "# fingerprint %s", p->ask.fingerprint);
	line(context, text_slice(&t));
	t.len = 0;
	add_terms(p, p->ask.rate, &t);
	rate = slice_split(text_slice(&t), '\n', &key);
	line(context, rate);
	line(context, key);
	say_exceptions(&a, why, line, context);
	for (size_t i = 0; i < ALWAYS; i++)
		line(context, slice_of(always[i]));
	for (size_t i = 0; i < a.lines; i++)
		line(context, a.line[i]);
	arena_free(a.arena);
	free(a.line);
	free(why);
}
