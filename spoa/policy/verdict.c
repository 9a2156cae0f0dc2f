#include "policy/verdict.h"

#include <stdlib.h>

#include "base/encode.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "policy/generation.h"

#define ROOM_BYTES ((size_t)64 * 1024) /* for fields that are not matched as they came */

const char *const verdict_names[4] = { "allow", "challenge", "deny", "drip" };

struct judge {
	uint64_t hit[POLICY_HITS_MAX], sure[POLICY_HITS_MAX], word[POLICY_WORDS_MAX];
	uint64_t rule[BITSET_WORDS(RULES_MAX)];
	struct slice text[REQUEST_FIELDS]; /* as matched: path decoded, UTF-8 repaired */
	struct regex_matcher *matcher;
	uint64_t errors;
	size_t used; /* of room */
	char room[ROOM_BYTES];
};

/* One verdict on its way. */
struct weighing {
	const struct policy *policy;
	struct judge *judge;
	const struct request *request;
	const struct evidence *evidence;
	struct verdict *out;
	struct trace *trace;
	uint64_t errors;
};

struct judge *
judge_new(void)
{
	struct judge *j = xcalloc(1, sizeof(*j));

	j->matcher = regex_matcher_new();
	return j;
}

void
judge_free(struct judge *j)
{
	if (j == NULL)
		return;
	regex_matcher_free(j->matcher);
	free(j);
}

uint64_t
judge_errors(const struct judge *j)
{
	return j->errors;
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
matched_text(struct judge *j, const struct request *r, unsigned field)
{
	struct slice s = r->field[field];
	char *out;

	if (s.len > request_limit(field))
		s.len = request_limit(field);
	if (field == REQUEST_PATH && s.len > 0 && memchr(s.ptr, '%', s.len) != NULL) {
		s = percent_decode(s, j->room + j->used);
		j->used += s.len;
	}
	if (utf8_is_ascii(s))
		return s;
	out = j->room + j->used;
	s = (struct slice){ out, utf8_repair(s, out) };
	j->used += s.len;
	return s;
}

/* Look at every field and at the address once, and mark the rules whose key may match. */
static void
scan(struct weighing *w)
{
	const struct policy *p = w->policy;
	struct judge *j = w->judge;
	const struct address *src = &w->request->src;

	memset(j->hit, 0, p->hits * sizeof(uint64_t));
	memset(j->sure, 0, p->hits * sizeof(uint64_t));
	memset(j->word, 0, p->words * sizeof(uint64_t));
	if (p->rules > 0)
		memcpy(j->rule, p->unkeyed, BITSET_WORDS(p->rules) * sizeof(uint64_t));
	j->used = 0;
	for (unsigned i = 0; i < p->fields; i++) {
		const struct field *f = &p->field[i];
		struct patset_scratch scratch = { j->hit + f->hit_at, j->sure + f->hit_at,
			j->word + f->word_at, j->rule };

		j->text[f->field] = matched_text(j, w->request, f->field);
		patset_scan(f->set, j->text[f->field], &scratch);
	}
	if (address_is_circuit(src))
		return;
	for (uint32_t node = ipset_find(p->addresses, src); node != 0;) {
		uint32_t rule = ipset_list(p->addresses, node, &node);

		j->rule[rule / 64] |= (uint64_t)1 << rule % 64;
	}
}

static bool
pattern_matches(struct weighing *w, const struct matcher *m)
{
	const struct field *f = w->policy->field;
	struct judge *j = w->judge;
	struct patset_scratch scratch;
	enum regex_result result;

	while (f->field != m->field)
		f++;
	scratch = (struct patset_scratch){ j->hit + f->hit_at, j->sure + f->hit_at,
		j->word + f->word_at, j->rule };
	result = patset_match(f->set, &scratch, m->pattern, j->text[m->field], j->matcher);
	w->errors += result == REGEX_FAILED;
	return result == REGEX_YES;
}

static bool
rule_matches(struct weighing *w, const struct rule *r)
{
	if (r->lets_through && (r->fields & w->request->cut) != 0)
		return false;
	for (uint32_t i = 0; i < r->matchers; i++) {
		const struct matcher *m = &r->matcher[i];

		if (m->kind == MATCHER_PRESENT ? w->request->field[m->field].len == 0
					       : !pattern_matches(w, m))
			return false;
	}
	return true;
}

static void
note(struct weighing *w, struct slice name, enum action action, int32_t weight)
{
	struct trace *t = w->trace;

	if (t != NULL && t->count < TRACE_MAX)
		t->list[t->count++] = (struct matched){ name, action, weight };
}

static void
add_weight(struct weighing *w, struct slice name, int32_t adjust)
{
	int64_t sum = (int64_t)w->out->weight + adjust;

	w->out->weight = sum > INT32_MAX ? INT32_MAX : sum < INT32_MIN ? INT32_MIN : (int32_t)sum;
	note(w, name, ACTION_WEIGH, adjust);
}

static void
decide(struct weighing *w, struct slice name, enum action action, const struct challenge *c)
{
	struct verdict *v = w->out;

	v->rule = name;
	note(w, name, action, 0);
	if (action == ACTION_DENY) {
		v->kind = VERDICT_DENY;
	} else if (action == ACTION_CHALLENGE && w->evidence->level >= c->level) {
		v->by_pass = true;
	} else if (action == ACTION_CHALLENGE) {
		v->kind = VERDICT_CHALLENGE;
		v->challenge = c;
	}
}

/* True if one of them decided. */
static bool
walk_rules(struct weighing *w)
{
	const struct policy *p = w->policy;

	for (size_t i = 0; i < BITSET_WORDS(p->rules); i++) {
		for (uint64_t left = w->judge->rule[i]; left != 0; left &= left - 1) {
			const struct rule *r = &p->rule[i * 64 + (unsigned)__builtin_ctzll(left)];

			if (!rule_matches(w, r))
				continue;
			if (r->action != ACTION_WEIGH) {
				decide(w, r->name, r->action, &r->challenge);
				return true;
			}
			add_weight(w, r->name, r->adjust);
		}
	}
	return false;
}

static void
walk_thresholds(struct weighing *w)
{
	const struct policy *p = w->policy;

	for (unsigned i = 0; i < p->thresholds; i++) {
		const struct threshold *t = &p->threshold[i];
		enum expr_result result = expr_eval(t->expr, w->out->weight);

		w->errors += result == EXPR_FAILED;
		if (result != EXPR_TRUE)
			continue;
		decide(w, t->name, t->action, &t->challenge);
		return;
	}
}

void
policy_judge(const struct policy *p, struct judge *j, const struct request *r,
    const struct evidence *e, struct verdict *out, struct trace *trace)
{
	struct weighing w = { p, j, r, e, out, trace, 0 };

	*out = (struct verdict){ .kind = VERDICT_ALLOW, .rule = SLICE("default/allow") };
	if (trace != NULL)
		trace->count = trace->errors = 0;
	scan(&w);
	if (!walk_rules(&w)) {
		if ((r->cut & p->read) != 0)
			add_weight(&w, SLICE("ammit/cut"), p->settings.cut_weight);
		if (e->pass_elsewhere)
			add_weight(&w, SLICE("ammit/pass-elsewhere"), p->settings.mismatch_weight);
		walk_thresholds(&w);
	}
	j->errors += w.errors;
	if (trace != NULL)
		trace->errors = (unsigned)w.errors;
}
