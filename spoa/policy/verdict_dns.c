#include <string.h>

#include "base/text.h"
#include "policy/fcrdns.h"
#include "policy/verdict_inner.h"

/* Once: is this client one that others may be asked about? */
bool
verdict_may_ask(struct weighing *w)
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
		char room[ADDRESS_TEXT_MAX];

		text_put(&t, t.len > 0 ? SLICE(", ") : SLICE(""));
		text_put(&t, dns_record_text(a->type, record, room));
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
void
verdict_look(void *context, const struct dns_question *q, struct dns_answer *out)
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

enum zone_says
verdict_listed(void *context, unsigned zone)
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

bool
verdict_verifies(struct weighing *w, const struct verify *v)
{
	if (!verdict_may_ask(w))
		return false;
	switch (fcrdns_check(verdict_look, w, &w->request->src, is_wanted, (void *)(uintptr_t)v)) {
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

void
verdict_apply_unknown(struct weighing *w, const struct rule *r)
{
	const bool last = w->evidence->dns == NULL || w->evidence->dns->last;

	note_unknown(w, r->name);
	if (last && r->unknown_challenges)
		verdict_apply(w, &(struct effect){ r->name, ACTION_CHALLENGE, 0,
				     verdict_challenge(w, r), r->shadow, false });
}

/* Somebody says that he is who he is not: the DNS says so, for certain. */
void
verdict_apply_forged(struct weighing *w, const struct rule *r)
{
	const struct verify *v = w->forged;

	w->forged = NULL;
	if (v->forged != 0)
		verdict_apply(w, &(struct effect){ v->forged_name, ACTION_WEIGH, v->forged, NULL,
				     r->shadow, false });
}

/* A listing that comes before what lets a request through, or only asks for something: it is as
 * if nothing had decided yet. */
static void
override(struct track *t)
{
	if (verdict_refuses(t))
		return;
	t->decided = t->by_pass = false;
	t->kind = VERDICT_ALLOW;
}

static void
apply_listing(struct weighing *w, unsigned n, unsigned worst)
{
	const struct zone *z = w->policy->zone[n];
	const struct zone_code *c = zone_code(z, worst);

	w->listed[w->listings++] = (struct listing){ (uint8_t)n, (uint8_t)worst };
	if (z->over_allow) {
		override(&w->real);
		override(&w->would);
	}
	verdict_apply(w,
	    &(struct effect){ c->rule, c->action, c->weight, &w->site->challenge, false, false });
}

/* The blocklists, where they can still change something. */
void
verdict_walk_zones(struct weighing *w)
{
	for (unsigned i = 0; i < w->policy->zones; i++) {
		const struct zone *z = w->policy->zone[i];
		unsigned worst;

		if (!z->weighs ||
		    (w->real.decided && (!z->over_allow || verdict_refuses(&w->real))))
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
