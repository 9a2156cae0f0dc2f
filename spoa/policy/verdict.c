#include "policy/verdict.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "policy/generation.h"
#include "policy/site.h"
#include "policy/verdict_inner.h"

#define ROOM_BYTES ((size_t)64 * 1024) /* for fields that are not matched as they came */

const char *const verdict_names[4] = { "allow", "challenge", "deny", "drip" };

struct judge {
	uint64_t rule[BITSET_WORDS(RULES_MAX)]; /* marked; clean between verdicts, as is room */
	uint64_t summary[BITSET_WORDS(BITSET_WORDS(RULES_MAX))];
	uint64_t *room; /* of the patsets */
	size_t rooms;
	struct slice text[REQUEST_FIELDS]; /* as matched: path decoded, UTF-8 repaired */
	uint64_t texts;                    /* bit n: text[n] is known */
	struct regex_matcher *matcher;
	struct expr_store *store;
	double load[3];
	struct challenge challenge; /* of the last verdict */
	uint64_t errors;
	size_t used; /* of bytes */
	char bytes[ROOM_BYTES];
};

struct judge *
judge_new(void)
{
	struct judge *j = xcalloc(1, sizeof(*j));

	j->matcher = regex_matcher_new();
	j->store = expr_store_new();
	return j;
}

void
judge_free(struct judge *j)
{
	if (j == NULL)
		return;
	regex_matcher_free(j->matcher);
	expr_store_free(j->store);
	free(j->room);
	free(j);
}

uint64_t
judge_errors(const struct judge *j)
{
	return j->errors;
}

void
judge_set_load(struct judge *j, const double load[3])
{
	memcpy(j->load, load, sizeof(j->load));
}

void
judge_fit(struct judge *j, const struct policy *p)
{
	if (p->room <= j->rooms)
		return;
	free(j->room);
	j->room = xcalloc(p->room, sizeof(*j->room));
	j->rooms = p->room;
}

/* Once; what is no escape stays as it is. */
static struct slice
percent_decode(struct slice s, char *out)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		int value = percent_value((struct slice){ s.ptr + i, s.len - i });

		out[n++] = value < 0 ? s.ptr[i] : (char)value;
		if (value >= 0)
			i += 2;
	}
	return (struct slice){ out, n };
}

/* The field as Go would see it. There is room for every field at its limit. */
static struct slice
repaired(struct judge *j, const struct request *r, unsigned field)
{
	struct slice s = r->field[field];
	char *out;

	if (s.len > request_limit(field))
		s.len = request_limit(field);
	if (field == REQUEST_PATH && s.len > 0 && memchr(s.ptr, '%', s.len) != NULL) {
		s = percent_decode(s, j->bytes + j->used);
		j->used += s.len;
	}
	if (utf8_is_ascii(s))
		return s;
	out = j->bytes + j->used;
	s = (struct slice){ out, utf8_repair(s, out) };
	j->used += s.len;
	return s;
}

static struct slice
matched_text(struct weighing *w, unsigned field)
{
	struct judge *j = w->judge;

	if ((j->texts >> field & 1) == 0) {
		j->text[field] = repaired(j, w->request, field);
		j->texts |= (uint64_t)1 << field;
	}
	return j->text[field];
}

static struct patset_scratch
scratch_of(struct judge *j, const struct field *f)
{
	return (struct patset_scratch){ j->room + f->room_at, j->rule, j->summary };
}

static uint32_t
asn_of(void *context)
{
	struct weighing *w = context;

	if (!w->asn_known && w->policy->asn_db != NULL && !address_is_circuit(&w->request->src))
		w->asn = mmdb_asn(w->policy->asn_db, &w->request->src);
	w->asn_known = true;
	return w->asn;
}

static uint32_t
country_of(struct weighing *w)
{
	char code[2];

	if (!w->country_known && w->policy->country_db != NULL &&
	    !address_is_circuit(&w->request->src) &&
	    mmdb_country(w->policy->country_db, &w->request->src, code))
		w->country = country_number(code);
	w->country_known = true;
	return w->country;
}

static bool
country_code(void *context, char out[2])
{
	uint32_t n = country_of(context);

	if (n == 0)
		return false;
	out[0] = (char)('A' + (n - 1) / 26);
	out[1] = (char)('A' + (n - 1) % 26);
	return true;
}

/* The rules whose key is this network or country. */
static void
mark_origin(struct judge *j, const struct origins *o, uint32_t number)
{
	size_t low = 0, high = o->count;

	if (number == 0)
		return;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (o->list[middle].number < number)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < o->count && o->list[low].number == number; low++)
		patset_mark(j->rule, j->summary, o->list[low].rule);
}

/* Look at every field, the address and its origin once, and mark the rules whose key may match. */
static void
scan(struct weighing *w)
{
	const struct policy *p = w->policy;
	struct judge *j = w->judge;

	j->used = 0;
	j->texts = 0;
	for (unsigned i = 0; i < p->fields; i++) {
		const struct field *f = &p->field[i];
		struct patset_scratch scratch = scratch_of(j, f);

		patset_scan(f->set, matched_text(w, f->field), &scratch);
	}
	if (address_is_circuit(&w->request->src))
		return;
	for (uint32_t node = ipset_find(p->addresses, &w->request->src); node != 0;)
		patset_mark(j->rule, j->summary, ipset_list(p->addresses, node, &node));
	if (p->asn.count > 0)
		mark_origin(j, &p->asn, asn_of(w));
	if (p->country.count > 0)
		mark_origin(j, &p->country, country_of(w));
}

/* The judge is clean for the next verdict. */
static void
clear(struct weighing *w)
{
	const struct policy *p = w->policy;
	struct judge *j = w->judge;

	for (unsigned i = 0; i < p->fields; i++) {
		struct patset_scratch scratch = scratch_of(j, &p->field[i]);

		patset_clear(p->field[i].set, &scratch);
	}
	for (size_t i = 0; i < BITSET_WORDS(BITSET_WORDS(p->rules)); i++) {
		for (uint64_t left = j->summary[i]; left != 0; left &= left - 1)
			j->rule[i * 64 + (unsigned)__builtin_ctzll(left)] = 0;
		j->summary[i] = 0;
	}
}

static enum regex_result
pattern_result(void *context, unsigned field, uint32_t pattern)
{
	struct weighing *w = context;
	const struct field *f = &w->policy->field[w->policy->field_at[field]];
	struct patset_scratch scratch = scratch_of(w->judge, f);

	return patset_match(f->set, &scratch, pattern, w->judge->text[field], w->judge->matcher);
}

static bool
among(const struct matcher *m, uint32_t number)
{
	uint32_t low = 0, high = m->origins;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (m->origin[middle] == number)
			return number != 0;
		if (m->origin[middle] < number)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

static bool
expression_holds(struct weighing *w, const struct expr *e, int64_t weight)
{
	struct judge *j = w->judge;
	const struct expr_input in = {
		.request = w->request,
		.text = j->text,
		.weight = weight,
		.load = j->load,
		.store = j->store,
		.matcher = j->matcher,
		.context = w,
		.pattern = pattern_result,
		.asn = asn_of,
		.country = country_code,
		.look = verdict_may_ask(w) ? verdict_look : NULL,
		.listed = verdict_listed,
		.header_name = w->policy->canonical,
		.headers = w->policy->headers,
	};
	const char *why = "it failed";
	enum expr_result result;

	for (uint64_t left = expr_fields(e) & ~j->texts; left != 0; left &= left - 1)
		matched_text(w, (unsigned)__builtin_ctzll(left));
	result = expr_eval(e, &in, &why);
	if (result == EXPR_FAILED)
		w->why = why;
	if (result == EXPR_UNKNOWN)
		w->unknown_here = true;
	return result == EXPR_TRUE;
}

static bool
holds(struct weighing *w, const struct matcher *m)
{
	enum regex_result result;

	switch (m->kind) {
	case MATCHER_PRESENT:
		return w->request->field[m->field].len > 0;
	case MATCHER_ASN:
		return among(m, asn_of(w));
	case MATCHER_COUNTRY:
		return among(m, country_of(w));
	case MATCHER_EXPR:
		return expression_holds(w, m->expr, 0);
	case MATCHER_VERIFY:
		return verdict_verifies(w, m->verify);
	case MATCHER_NEVER:
		return false;
	case MATCHER_PATTERN:
		break;
	}
	result = pattern_result(w, m->field, m->pattern);
	if (result == REGEX_FAILED)
		w->why = "a regex hit its match limit";
	return result == REGEX_YES;
}

/* What failed counts as no match. */
static void
note_failure(struct weighing *w, struct slice name)
{
	struct trace *t = w->trace;

	if (w->why == NULL)
		return;
	if (t != NULL && w->errors < TRACE_FAILED_MAX)
		t->failed[w->errors] = (struct failed){ name, w->why };
	w->errors++;
	w->why = NULL;
}

static bool
rule_matches(struct weighing *w, const struct rule *r)
{
	bool all = true;

	if (r->lets_through && (r->fields & w->request->cut) != 0)
		return false;
	for (uint32_t i = 0; i < r->matchers && all; i++)
		all = holds(w, &r->matcher[i]);
	note_failure(w, r->name);
	return all;
}

static void
note(struct weighing *w, struct slice name, enum action action, int32_t weight, bool shadow)
{
	struct trace *t = w->trace;

	if (t != NULL && t->count < TRACE_MAX)
		t->list[t->count++] = (struct matched){ name, action, weight, shadow };
}

static void
add_weight(struct track *t, int32_t adjust)
{
	int64_t sum = (int64_t)t->weight + adjust;

	if (!t->decided)
		t->weight = sum > INT32_MAX   ? INT32_MAX
			    : sum < INT32_MIN ? INT32_MIN
					      : (int32_t)sum;
}

static void
decide(const struct weighing *w, struct track *t, struct slice name, enum action action,
    const struct demand *d)
{
	if (t->decided)
		return;
	t->decided = true;
	t->rule = name;
	if (action == ACTION_DENY)
		t->kind = VERDICT_DENY;
	if (action == ACTION_DRIP)
		t->kind = VERDICT_DRIP;
	if (action != ACTION_CHALLENGE)
		return;
	/* Whoever has a pass that is enough whatever the price is: most do, and it is not computed.
	 */
	if ((d->own_level || d->prices == 0) && w->evidence->level >= d->challenge.level) {
		t->by_pass = true;
		return;
	}
	t->challenge = demand_challenge(d, t->weight, w->judge->load[0]);
	if (w->evidence->level >= t->challenge.level)
		t->by_pass = true;
	else
		t->kind = VERDICT_CHALLENGE;
}

void
verdict_apply(struct weighing *w, const struct effect *e)
{
	struct track *const tracks[] = { &w->would, e->shadow ? NULL : &w->real };

	note(w, e->name, e->action, e->weight, e->shadow);
	for (unsigned i = 0; i < 2; i++) {
		if (tracks[i] == NULL)
			continue;
		if (e->action == ACTION_WEIGH) {
			add_weight(tracks[i], e->weight);
			continue;
		}
		tracks[i]->close_circuit |= !tracks[i]->decided && e->close_circuit;
		decide(w, tracks[i], e->name, e->action, e->challenge);
	}
}

const struct demand *
verdict_challenge(const struct weighing *w, const struct rule *r)
{
	return r->own_challenge ? &r->challenge : &w->site->challenge;
}

static void
apply(struct weighing *w, const struct rule *r)
{
	verdict_apply(w, &(struct effect){ r->name, r->action, r->adjust, verdict_challenge(w, r),
			     r->shadow, r->close_circuit });
}

/* Of one 64: those that are marked, or have no key, between first and end. */
static uint64_t
marked(const struct weighing *w, size_t word, uint32_t first, uint32_t end)
{
	uint64_t bits = w->judge->rule[word] | w->policy->unkeyed[word];

	if (word == first / 64)
		bits &= ~(uint64_t)0 << first % 64;
	if (word == end / 64)
		bits &= ((uint64_t)1 << end % 64) - 1;
	return bits;
}

/* Those of one 64, in order, until all is decided. */
static void
walk_word(struct weighing *w, size_t word, uint32_t first, uint32_t end)
{
	for (uint64_t left = marked(w, word, first, end); left != 0; left &= left - 1) {
		const struct rule *r =
		    &w->policy->rule[word * 64 + (unsigned)__builtin_ctzll(left)];

		if (rule_matches(w, r))
			apply(w, r);
		else if (w->unknown_here)
			verdict_apply_unknown(w, r);
		else if (w->forged != NULL)
			verdict_apply_forged(w, r);
		if (w->real.decided)
			return;
	}
}

/* Rules in first .. end - 1. */
static void
walk_rules(struct weighing *w, uint32_t first, uint32_t end)
{
	if (first >= end)
		return;
	for (size_t s = first / 4096; s <= (end - 1) / 4096; s++) {
		uint64_t words = w->judge->summary[s] | w->policy->unkeyed_summary[s];

		for (; words != 0 && !w->real.decided; words &= words - 1) {
			size_t word = s * 64 + (unsigned)__builtin_ctzll(words);

			if (word >= first / 64 && word <= (end - 1) / 64)
				walk_word(w, word, first, end);
		}
	}
}

static void
threshold_holds(struct weighing *w, struct track *track, const struct threshold *t)
{
	note(w, t->name, t->action, 0, track == &w->would);
	track->close_circuit |= !track->decided && t->close_circuit;
	decide(w, track, t->name, t->action, &t->challenge);
}

static void
walk_thresholds(struct weighing *w, struct track *track)
{
	const struct site *s = w->site;
	const int64_t at = (int64_t)track->weight - THRESHOLD_FROM;
	unsigned known = THRESHOLD_ASK;

	if (track->decided)
		return;
	if (at >= 0 && at < THRESHOLD_WEIGHTS)
		known = s->at_weight[at];
	if (known < THRESHOLD_NONE)
		threshold_holds(w, track, &s->threshold[known]);
	if (known != THRESHOLD_ASK)
		return;
	for (unsigned i = 0; i < s->thresholds && !track->decided; i++) {
		const struct threshold *t = &s->threshold[i];
		bool true_here = expression_holds(w, t->expr, track->weight);

		note_failure(w, t->name);
		if (true_here)
			threshold_holds(w, track, t);
	}
}

/* By the bits of enum method. */
static const char *const by_names[METHODS] = { "ammit/pass-by-pow", "ammit/pass-by-wait",
	"ammit/pass-by-resource", "ammit/pass-by-question", "ammit/pass-by-video",
	"ammit/pass-video-failed" };

/* What no rule says, but weighs. */
static void
weigh_evidence(struct weighing *w)
{
	const struct policy_settings *s = &w->policy->settings;

	if ((w->request->cut & w->policy->read) != 0)
		verdict_apply(w, &(struct effect){ .name = SLICE("ammit/cut"),
				     .action = ACTION_WEIGH,
				     .weight = s->cut_weight });
	if (w->evidence->pass_elsewhere)
		verdict_apply(w, &(struct effect){ .name = SLICE("ammit/pass-elsewhere"),
				     .action = ACTION_WEIGH,
				     .weight = s->mismatch_weight });
	if (w->evidence->trapped)
		verdict_apply(w, &(struct effect){ .name = SLICE("ammit/honeypot"),
				     .action = ACTION_WEIGH,
				     .weight = s->trap_weight });
	for (unsigned i = 0; i < METHODS; i++)
		if ((w->evidence->by & 1u << i) != 0 && s->by_weight[i] != 0)
			verdict_apply(w, &(struct effect){ .name = slice_of(by_names[i]),
					     .action = ACTION_WEIGH,
					     .weight = s->by_weight[i] });
}

static void
conclude(const struct weighing *w, struct verdict *out)
{
	const struct track *real = &w->real, *would = w->policy->shadows ? &w->would : real;

	w->judge->challenge = real->challenge;

	*out = (struct verdict){ .kind = real->kind,
		.rule = real->rule,
		.weight = real->weight,
		.challenge = real->kind == VERDICT_CHALLENGE ? &w->judge->challenge : NULL,
		.by_pass = real->by_pass,
		.close_circuit = real->close_circuit,
		.excepted = w->site->excepted,
		.would = { would->kind, would->rule, would->weight },
		.unknown = w->unknown,
		.listings = w->listings,
		.site = w->site->name };
	memcpy(out->listed, w->listed, w->listings * sizeof(out->listed[0]));
	if (!w->site->shadow)
		return;
	out->kind = VERDICT_ALLOW;
	out->challenge = NULL;
	out->close_circuit = false;
}

void
policy_judge(const struct policy *p, struct judge *j, const struct request *r,
    const struct evidence *e, struct verdict *out, struct trace *trace)
{
	const struct track begin = { .kind = VERDICT_ALLOW, .rule = SLICE("default/allow") };
	struct weighing w = { .policy = p,
		.judge = j,
		.request = r,
		.evidence = e,
		.site = site_find(p, r->field[REQUEST_HOST]),
		.trace = trace,
		.real = begin,
		.would = begin };

	if (trace != NULL)
		trace->count = trace->errors = trace->asks = trace->unknowns = 0;
	judge_fit(j, p);
	scan(&w);
	walk_rules(&w, w.site->first, w.site->end);
	if (!w.real.decided && w.site->common)
		walk_rules(&w, p->common, p->rules);
	if (p->zones > 0 && w.site->dnsbl && verdict_may_ask(&w))
		verdict_walk_zones(&w);
	if (!w.real.decided) {
		weigh_evidence(&w);
		walk_thresholds(&w, &w.real);
	}
	if (!w.would.decided && w.would.weight == w.real.weight)
		w.would = w.real;
	if (p->shadows)
		walk_thresholds(&w, &w.would);
	clear(&w);
	conclude(&w, out);
	j->errors += w.errors;
	if (trace == NULL)
		return;
	trace->errors = (unsigned)w.errors;
	trace->unknowns = w.unknown;
}
