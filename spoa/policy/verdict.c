#include "policy/verdict.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/memory.h"
#include "base/text.h"
#include "base/utf8.h"
#include "policy/fcrdns.h"
#include "policy/generation.h"
#include "policy/site.h"

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
	uint64_t errors;
	size_t used; /* of bytes */
	char bytes[ROOM_BYTES];
};

/* Where a verdict stands: with all rules, or without those in shadow. */
struct track {
	bool decided, by_pass;
	enum verdict_kind kind;
	struct slice rule;
	int32_t weight;
	const struct challenge *challenge;
};

/* One verdict on its way. */
struct weighing {
	const struct policy *policy;
	struct judge *judge;
	const struct request *request;
	const struct evidence *evidence;
	const struct site *site;
	struct trace *trace;
	struct track real, would; /* would: only if the policy has rules in shadow */
	uint64_t errors;
	const char *why; /* the rule at hand failed */
	/* Where the address comes from, asked once. */
	bool asn_known, country_known;
	uint32_t asn, country; /* country as country_number */
	/* What the DNS has to do with it. */
	bool ask_known, may_ask;
	bool unknown_here;           /* the rule at hand hangs on an answer that is not there */
	const struct verify *forged; /* the rule at hand found a claim that is not so */
	unsigned unknown, listings;
	uint8_t listed_zone[ZONES_MAX], listed_code[ZONES_MAX];
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

/* Once: is this client one that others may be asked about? */
static bool
may_ask(struct weighing *w)
{
	if (!w->ask_known)
		w->may_ask = policy_may_ask(w->policy, &w->request->src);
	w->ask_known = true;
	return w->may_ask;
}

static void
describe(const struct dns_answer *a, struct asked *out)
{
	struct text t = { .buf = out->said, .cap = sizeof(out->said) - 1 };
	struct slice record;
	size_t at = 0;

	while (a->state == DNS_FOUND && dns_answer_next(a, &at, &record)) {
		char address[ADDRESS_TEXT_MAX];
		struct address bytes;

		if (a->type != DNS_PTR) {
			bytes = address_from_bytes(record.ptr, record.len);
			record = (struct slice){ address, address_format(&bytes, address) };
		}
		text_put(&t, t.len > 0 ? SLICE(", ") : SLICE(""));
		text_put(&t, record);
	}
	out->said[t.len] = '\0';
}

static void
note_asked(struct trace *t, const struct dns_question *q, const struct dns_answer *a)
{
	struct asked *out = &t->asked[t->asks];

	for (unsigned i = 0; i < t->asks; i++)
		if (t->asked[i].type == q->type && slice_equal(slice_of(t->asked[i].name), q->name))
			return;
	if (t->asks == TRACE_ASKED_MAX || q->name.len > DNS_NAME_MAX)
		return;
	out->type = q->type;
	out->state = a->state;
	memcpy(out->name, q->name.ptr, q->name.len);
	out->name[q->name.len] = '\0';
	describe(a, out);
	t->asks++;
}

static void
ask(struct weighing *w, const struct dns_question *q, struct dns_answer *out)
{
	const struct dns_view *dns = w->evidence->dns;

	if (dns != NULL)
		dns->look(dns->context, q, out);
	else
		*out = (struct dns_answer){ .state = DNS_UNKNOWN, .type = q->type };
	if (w->trace != NULL)
		note_asked(w->trace, q, out);
}

/* For what no zone asks. */
static void
look(void *context, const struct dns_question *q, struct dns_answer *out)
{
	struct weighing *w = context;
	const struct policy_settings *s = &w->policy->settings;
	struct dns_question bounded = *q;

	bounded.ttl_max_s = q->type == DNS_PTR ? s->dns_reverse_s : s->dns_forward_s;
	ask(w, &bounded, out);
}

/* What zone number n says of the client, whom one may ask about. */
static enum zone_says
ask_zone(struct weighing *w, unsigned n, unsigned *worst)
{
	const struct zone *z = w->policy->zone[n];
	const struct dns_view *dns = w->evidence->dns;
	struct dns_question q = {
		.type = DNS_A, .ttl_min_s = z->ttl_min_s, .ttl_max_s = z->ttl_max_s
	};
	char name[DNS_NAME_MAX + 1];
	struct dns_answer answer;
	enum zone_says says;
	const char *why = NULL;
	bool suspended = false;

	if (!(w->request->src.family == 4 ? z->v4 : z->v6))
		return ZONE_NOT_LISTED;
	if (dns != NULL)
		q.tally = dns->zone(dns->context, n, &suspended);
	if (suspended)
		return ZONE_FAILED;
	q.name = dns_reverse(&w->request->src, z->zone, name);
	ask(w, &q, &answer);
	says = zone_read(z, &answer, worst, &why);
	if (says == ZONE_BROKEN)
		dns->broken(dns->context, n, why);
	return says;
}

static enum zone_says
listed(void *context, unsigned zone)
{
	unsigned worst;

	return ask_zone(context, zone, &worst);
}

static bool
is_wanted(void *arg, struct slice name)
{
	const struct verify *v = arg;

	for (unsigned i = 0; i < v->suffixes; i++) {
		struct slice end = v->suffix[i];

		if (name.len > end.len &&
		    memcmp(name.ptr + name.len - end.len, end.ptr, end.len) == 0)
			return true;
	}
	return false;
}

static bool
is_verified(struct weighing *w, const struct verify *v)
{
	if (!may_ask(w))
		return false;
	switch (fcrdns_check(look, w, &w->request->src, is_wanted, (void *)(uintptr_t)v)) {
	case FCRDNS_VERIFIED:
		return true;
	case FCRDNS_NAMELESS:
	case FCRDNS_REFUTED:
		w->forged = v;
		return false;
	case FCRDNS_UNKNOWN:
		w->unknown_here = true;
		return false;
	case FCRDNS_FAILED:
		break;
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
		.look = may_ask(w) ? look : NULL,
		.listed = listed,
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
		return is_verified(w, m->verify);
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
    const struct challenge *c)
{
	if (t->decided)
		return;
	t->decided = true;
	t->rule = name;
	if (action == ACTION_DENY) {
		t->kind = VERDICT_DENY;
	} else if (action == ACTION_CHALLENGE && w->evidence->level >= c->level) {
		t->by_pass = true;
	} else if (action == ACTION_CHALLENGE) {
		t->kind = VERDICT_CHALLENGE;
		t->challenge = c;
	}
}

static void
apply(struct weighing *w, const struct rule *r)
{
	const struct challenge *c = r->own_challenge ? &r->challenge : &w->site->challenge;

	note(w, r->name, r->action, r->adjust, r->shadow);
	if (r->action == ACTION_WEIGH) {
		if (!r->shadow)
			add_weight(&w->real, r->adjust);
		add_weight(&w->would, r->adjust);
		return;
	}
	if (!r->shadow)
		decide(w, &w->real, r->name, r->action, c);
	decide(w, &w->would, r->name, r->action, c);
}

/* It hangs on what the DNS has not answered yet: judged again, or, at last, by its own choice. */
static void
note_unknown(struct weighing *w, struct slice name)
{
	struct trace *t = w->trace;

	if (t != NULL && w->unknown < TRACE_FAILED_MAX)
		t->unknown[w->unknown] = name;
	w->unknown++;
	w->unknown_here = false;
}

static void
apply_unknown(struct weighing *w, const struct rule *r)
{
	const struct challenge *c = r->own_challenge ? &r->challenge : &w->site->challenge;
	const bool last = w->evidence->dns == NULL || w->evidence->dns->last;

	note_unknown(w, r->name);
	if (!last || !r->unknown_challenges)
		return;
	note(w, r->name, ACTION_CHALLENGE, 0, r->shadow);
	if (!r->shadow)
		decide(w, &w->real, r->name, ACTION_CHALLENGE, c);
	decide(w, &w->would, r->name, ACTION_CHALLENGE, c);
}

/* Somebody says that he is who he is not: the DNS says so, for certain. */
static void
apply_forged(struct weighing *w, const struct rule *r)
{
	const struct verify *v = w->forged;

	w->forged = NULL;
	if (v->forged == 0)
		return;
	note(w, v->forged_name, ACTION_WEIGH, v->forged, r->shadow);
	if (!r->shadow)
		add_weight(&w->real, v->forged);
	add_weight(&w->would, v->forged);
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
			apply_unknown(w, r);
		else if (w->forged != NULL)
			apply_forged(w, r);
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

/* A listing that comes before what lets a request through, or only asks for something. */
static void
override(struct track *t, struct slice name)
{
	if (t->decided && t->kind == VERDICT_DENY)
		return;
	t->decided = true;
	t->by_pass = false;
	t->kind = VERDICT_DENY;
	t->rule = name;
	t->challenge = NULL;
}

static void
apply_listing(struct weighing *w, unsigned n, unsigned worst)
{
	const struct zone *z = w->policy->zone[n];
	const struct zone_code *c = zone_code(z, worst);

	w->listed_zone[w->listings] = (uint8_t)n;
	w->listed_code[w->listings++] = (uint8_t)worst;
	note(w, c->rule, c->action, c->weight, false);
	if (z->over_allow) {
		override(&w->real, c->rule);
		override(&w->would, c->rule);
	} else if (c->action == ACTION_WEIGH) {
		add_weight(&w->real, c->weight);
		add_weight(&w->would, c->weight);
	} else {
		decide(w, &w->real, c->rule, c->action, &w->site->challenge);
		decide(w, &w->would, c->rule, c->action, &w->site->challenge);
	}
}

/* The blocklists, where they can still change something. */
static void
walk_zones(struct weighing *w)
{
	for (unsigned i = 0; i < w->policy->zones; i++) {
		const struct zone *z = w->policy->zone[i];
		unsigned worst;

		if (!z->weighs ||
		    (w->real.decided && (!z->over_allow || w->real.kind == VERDICT_DENY)))
			continue;
		switch (ask_zone(w, i, &worst)) {
		case ZONE_LISTED:
			apply_listing(w, i, worst);
			break;
		case ZONE_UNKNOWN:
			note_unknown(w, z->name);
			break;
		case ZONE_NOT_LISTED:
		case ZONE_FAILED:
		case ZONE_BROKEN:
			break;
		}
	}
}

static void
threshold_holds(struct weighing *w, struct track *track, const struct threshold *t)
{
	note(w, t->name, t->action, 0, track == &w->would);
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

/* What no rule says, but weighs. */
static void
weigh_evidence(struct weighing *w)
{
	const struct policy_settings *s = &w->policy->settings;

	if ((w->request->cut & w->policy->read) != 0) {
		note(w, SLICE("ammit/cut"), ACTION_WEIGH, s->cut_weight, false);
		add_weight(&w->real, s->cut_weight);
		add_weight(&w->would, s->cut_weight);
	}
	if (w->evidence->pass_elsewhere) {
		note(w, SLICE("ammit/pass-elsewhere"), ACTION_WEIGH, s->mismatch_weight, false);
		add_weight(&w->real, s->mismatch_weight);
		add_weight(&w->would, s->mismatch_weight);
	}
}

static void
conclude(const struct weighing *w, struct verdict *out)
{
	const struct track *real = &w->real, *would = w->policy->shadows ? &w->would : real;

	*out = (struct verdict){ .kind = real->kind,
		.rule = real->rule,
		.weight = real->weight,
		.challenge = real->challenge,
		.by_pass = real->by_pass,
		.would = { would->kind, would->rule, would->weight },
		.unknown = w->unknown,
		.listings = w->listings,
		.site = w->site->name };
	for (unsigned i = 0; i < w->listings; i++) {
		out->listed[i].zone = w->listed_zone[i];
		out->listed[i].code = w->listed_code[i];
	}
	if (!w->site->shadow)
		return;
	out->kind = VERDICT_ALLOW;
	out->challenge = NULL;
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
	if (p->zones > 0 && w.site->dnsbl && may_ask(&w))
		walk_zones(&w);
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
