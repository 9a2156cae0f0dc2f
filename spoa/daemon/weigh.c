#include "daemon/weigh.h"

#include <string.h>

#include "base/crypto.h"
#include "base/log.h"
#include "policy/ask.h"

/* What an argument is, beside the fields of a request (0 and up) and REQUEST_FIELD_NONE (-1). */
#define ARGUMENT_SRC (-2)
#define ARGUMENT_RATE (-3)
#define ARGUMENT_PASS_RATE (-4)
#define ARGUMENT_FAST (-5)

/* How long HAProxy may remember a visitor, and what it has not asked about meanwhile is unseen. */
#define REMEMBER_S 10

_Static_assert(REQUEST_FIELDS <= INT8_MAX, "a field fits in what is remembered of an argument");

void
weigher_init(struct weigher *w, struct generation *g)
{
	uint8_t secret[32];

	*w = (struct weigher){ .generation = g, .judge = judge_new(), .passes = pass_cache_new() };
	judge_fit(w->judge, g->policy);
	random_bytes(secret, sizeof(secret));
	ticket_ids_init(&w->ids, secret);
	secret_wipe(secret, sizeof(secret));
}

void
weigher_fini(struct weigher *w)
{
	judge_free(w->judge);
	pass_cache_free(w->passes);
	generation_unref(w->generation);
}

void
weigher_reload(struct weigher *w, struct generation *g)
{
	generation_unref(w->generation);
	w->generation = g;
	judge_fit(w->judge, g->policy);
	pass_cache_clear(w->passes);
	memset(w->argument, 0, sizeof(w->argument));
}

static int
look_up(const struct policy *p, struct slice name)
{
	static const struct slice names[] = { { "src", 3 }, { "rate", 4 }, { "pass.rate", 9 },
		{ "fast", 4 } };

	for (int i = 0; i < 4; i++)
		if (slice_equal(name, names[i]))
			return ARGUMENT_SRC - i;
	return policy_field(p, name);
}

/* What the n-th argument, which has this name, is. */
static int
argument_is(struct weigher *w, unsigned n, struct slice name)
{
	int what;

	if (n >= WEIGH_ARGUMENTS || name.len == 0 || name.len > sizeof(w->argument[n].name))
		return look_up(w->generation->policy, name);
	if (w->argument[n].len == name.len && memcmp(w->argument[n].name, name.ptr, name.len) == 0)
		return w->argument[n].what;
	what = look_up(w->generation->policy, name);
	memcpy(w->argument[n].name, name.ptr, name.len);
	w->argument[n].len = (uint8_t)name.len;
	w->argument[n].what = (int8_t)what;
	return what;
}

/* A counter that HAProxy keeps. */
static void
take_number(enum request_number which, const struct spop_value *v, struct request *r)
{
	bool whole = v->type == SPOP_INT32 || v->type == SPOP_UINT32 || v->type == SPOP_INT64 ||
		     v->type == SPOP_UINT64;

	if (whole && v->number >= 0)
		request_set_number(r, which, v->number);
}

/* What else a NOTIFY says, beside the request. */
struct notified {
	bool weigh;        /* the message was there */
	bool uncounted;    /* pass.rate is NULL: HAProxy counts passes, and not yet this one */
	struct slice fast; /* the ask list that HAProxy has */
};

static void
take_argument(int what, const struct spop_value *v, struct request *r, struct notified *said)
{
	bool text = v->type == SPOP_STRING || v->type == SPOP_BINARY;

	if (what >= 0 && text)
		request_set(r, (unsigned)what, v->bytes);
	if (what == ARGUMENT_RATE)
		take_number(REQUEST_RATE, v, r);
	if (what == ARGUMENT_PASS_RATE) {
		take_number(REQUEST_PASS_RATE, v, r);
		said->uncounted = v->type == SPOP_NULL;
	}
	if (what == ARGUMENT_FAST && text)
		said->fast = v->bytes;
	if (what != ARGUMENT_SRC)
		return;
	if (v->type == SPOP_IPV4 || v->type == SPOP_IPV6)
		r->src = address_from_bytes(v->bytes.ptr, v->bytes.len);
	else if (text && !address_parse(v->bytes, &r->src))
		r->src = (struct address){ { 0 }, 0 };
}

/* False: malformed. */
static bool
decode(struct weigher *w, struct spop_reader payload, struct request *r, struct notified *said)
{
	struct spop_message m = { { NULL, 0 }, 0 };

	*said = (struct notified){ .weigh = false };
	while (spop_message_next(&payload, &m)) {
		struct slice name;
		struct spop_value value;

		if (said->weigh || !slice_equal(m.name, SLICE("weigh")))
			continue;
		said->weigh = true;
		for (unsigned n = 0; spop_argument_next(&payload, &m, &name, &value); n++)
			take_argument(argument_is(w, n, name), &value, r, said);
	}
	return !payload.bad;
}

/* The host as tickets and passes have it, worked out once and only if somebody asks. */
struct host {
	struct slice name;
	bool known;
	char store[TICKET_HOST_MAX];
};

static struct slice
host_of(struct host *h, const struct request *r)
{
	if (!h->known) {
		h->name = host_normal(r->field[REQUEST_HOST], h->store);
		h->known = true;
	}
	return h->name;
}

static void
check_pass(struct weigher *w, struct request *r, struct host *h, int64_t now_s, struct evidence *e)
{
	struct slice text = r->field[REQUEST_PASS];
	struct pass pass;
	enum pass_state state = PASS_NONE;

	if (text.len > 0)
		state = pass_cache_check(
		    w->passes, &w->generation->keys, text, now_s, host_of(h, r), &r->src, &pass);
	if (state == PASS_GOOD) {
		e->level = pass.level;
		e->by = pass.by;
		request_set_number(
		    r, REQUEST_PASS_AGE, now_s > pass.issued_s ? now_s - pass.issued_s : 0);
	} else if (state == PASS_ELSEWHERE)
		e->pass_elsewhere = true;
}

static struct slice
seal(struct weigher *w, const struct request *r, struct host *h, int64_t now_s,
    const struct challenge *c, char text[TICKET_TEXT_MAX])
{
	const struct policy_settings *s = policy_settings(w->generation->policy);
	struct ticket t = {
		.issued_s = now_s,
		.challenge = *c,
		.status = s->status_challenge,
		.pass_s = s->pass_s,
		.binding = s->binding,
		.client = binding_apply(s->binding, &r->src),
		.host = host_of(h, r),
	};

	ticket_ids_next(&w->ids, t.id);
	return (struct slice){ text, ticket_seal(&w->generation->keys, &t, text) };
}

/* What is in force; in shadow mode it would have been in force. */
static enum verdict_kind
enforced(const struct weigher *w, const struct verdict *v)
{
	return w->generation->shadow ? VERDICT_ALLOW : v->kind;
}

static void
write_verdict(struct weigher *w, const struct weighed *it, struct spop_writer *out)
{
	const struct verdict *v = &it->verdict;

	spop_write_set_string(out, SLICE("verdict"), slice_of(verdict_names[it->kind]));
	spop_write_set_string(out, SLICE("rule"), v->rule);
	spop_write_set_number(out, SLICE("weight"), v->weight);
	if (it->kind == VERDICT_CHALLENGE)
		spop_write_set_string(out, SLICE("ticket"), it->ticket);
	if (it->kind == VERDICT_DENY)
		spop_write_set_number(
		    out, SLICE("status"), policy_settings(w->generation->policy)->status_deny);
	if (weighed_would_differ(it))
		spop_write_set_string(out, SLICE("would"), slice_of(verdict_names[v->would.kind]));
	if (!slice_equal(v->would.rule, v->rule))
		spop_write_set_string(out, SLICE("would_rule"), v->would.rule);
}

bool
weigh_is_steady(const struct weigher *w, const struct request *r, const struct weighed *it)
{
	const struct verdict *v = &it->verdict;
	const int64_t rate = policy_ask(w->generation->policy)->rate;

	for (unsigned i = REQUEST_RATE; i <= REQUEST_PASS_RATE; i++)
		if ((r->known >> i & 1) != 0 && r->number[i] > rate)
			return false;
	return it->kind == VERDICT_ALLOW && it->pass_good && !it->failed && !v->excepted &&
	       !it->shadow && v->unknown == 0 && r->cut == 0 && v->would.kind == v->kind &&
	       slice_equal(v->would.rule, v->rule);
}

/* HAProxy may remember him, if its list is the one of the policy in force. */
static void
write_remember(struct weigher *w, struct slice fast, const struct request *r,
    const struct weighed *it, struct spop_writer *out)
{
	const struct ask *ask = policy_ask(w->generation->policy);

	if (!slice_equal(fast, (struct slice){ ask->fingerprint, ASK_FINGERPRINT_CHARS })) {
		counter_add(&w->counts.fast_stale, 1);
		if (!atomic_exchange(&w->generation->fast_told, true))
			log_line(LOG_LEVEL_WARN, "fast_stale",
			    "want=%s fix=\"nobody is remembered: HAProxy's list is another "
			    "policy's; run ammit haproxy ask, set AMMIT_FAST_FOR and restart "
			    "HAProxy\"",
			    ask->fingerprint);
		return;
	}
	if (!weigh_is_steady(w, r, it))
		return;
	counter_add(&w->counts.remembered, 1);
	spop_write_set_number(out, SLICE("remember"), REMEMBER_S);
}

static void
write_no_verdict(const struct spop_frame *f, struct slice why, struct spop_writer *out)
{
	uint8_t *begin = spop_frame_begin(out, SPOP_ACK, f->stream_id, f->frame_id);

	spop_write_set_string(out, SLICE("rule"), why);
	spop_frame_end(out, begin, WEIGH_ANSWER_MAX);
}

/* What only one judging of a request may count: the one that answers it. */
static void
count(struct weigher *w, const struct verdict *v, uint64_t errors)
{
	if (errors > 0)
		counter_add(&w->counts.rule_errors, errors);
	counter_add(&w->counts.verdict[v->would.kind], 1);
	if (v->unknown > 0)
		counter_add(&w->counts.unknown, v->unknown);
	for (unsigned i = 0; i < v->listings; i++) {
		struct zone_state *s = w->generation->zone[v->listed[i].zone];

		if (s != NULL)
			counter_add(&s->tally[w->lookup.worker].listed[v->listed[i].code], 1);
	}
}

enum weigh_step
weigh_request(struct weigher *w, struct request *r, int64_t now_s, struct weighed *out)
{
	struct evidence e = { .level = 0 };
	struct host host;
	uint64_t errors;
	uint32_t circuit = w->circuits == NULL ? 0 : address_circuit(&r->src);

	w->lookup.wanted = 0;
	host.known = false; /* its store needs no zeroes */
	check_pass(w, r, &host, now_s, &e);
	e.trapped = w->trap != NULL && policy_settings(w->generation->policy)->trap_s > 0 &&
		    trap_holds(w->trap, &r->src, now_s);
	if (circuit != 0)
		request_set_number(r, REQUEST_EFFORT, circuits_effort(w->circuits, circuit));
	if (w->lookup.resolver != NULL) {
		lookup_begin(&w->lookup, w->generation->zone, w->again, !w->may_wait);
		e.dns = &w->lookup.view;
	}
	errors = judge_errors(w->judge);
	policy_judge(w->generation->policy, w->judge, r, &e, &out->verdict, NULL);
	if (out->verdict.unknown == 0)
		w->lookup.wanted = 0; /* whatever it is, it would change nothing */
	if (w->may_wait && w->lookup.wanted > 0)
		return WEIGH_WAITS;
	errors = judge_errors(w->judge) - errors;
	count(w, &out->verdict, errors);
	out->failed = errors > 0;
	out->shadow = w->generation->shadow;
	out->pass_good = e.level > 0;
	out->kind = enforced(w, &out->verdict);
	out->ticket = (struct slice){ NULL, 0 };
	if (out->kind == VERDICT_CHALLENGE)
		out->ticket = seal(w, r, &host, now_s, out->verdict.challenge, out->text);
	if (circuit != 0 && (out->kind == VERDICT_DENY || out->kind == VERDICT_DRIP))
		circuits_denied(w->circuits, circuit, out->verdict.close_circuit);
	return WEIGH_ANSWERED;
}

enum weigh_step
weigh_notify(struct weigher *w, const struct spop_frame *f, uint32_t max_frame, int64_t now_s,
    struct spop_writer *out)
{
	struct request r = { .cut = 0 };
	struct weighed it;
	uint8_t *begin;
	struct notified said;

	w->lookup.wanted = 0;
	if (!decode(w, f->payload, &r, &said))
		return WEIGH_MALFORMED;
	if (!said.weigh) {
		write_no_verdict(f, SLICE("ammit/no-message"), out);
		return WEIGH_ANSWERED;
	}
	if (weigh_request(w, &r, now_s, &it) == WEIGH_WAITS)
		return WEIGH_WAITS;
	begin = spop_frame_begin(out, SPOP_ACK, f->stream_id, f->frame_id);
	write_verdict(w, &it, out);
	/* A key in HAProxy's table for who has paid for it, and for nobody else. */
	if (said.uncounted && it.pass_good)
		spop_write_set_number(out, SLICE("new_pass"), 1);
	if (said.fast.len > 0)
		write_remember(w, said.fast, &r, &it, out);
	if (!spop_frame_end(
		out, begin, max_frame < WEIGH_ANSWER_MAX ? max_frame : WEIGH_ANSWER_MAX))
		write_no_verdict(f, SLICE("ammit/answer-too-long"), out);
	return WEIGH_ANSWERED;
}
