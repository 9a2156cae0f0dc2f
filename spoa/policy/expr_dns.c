#include "policy/expr_function.h"
#include "policy/expr_inner.h"
#include "policy/fcrdns.h"

/* A question costs as much as a regex: the cache is asked, and maybe somebody far away. */
#define QUESTION_STEPS 20u

static const char no_answer[] = "the DNS did not answer";
static const char not_asked[] = "nothing is asked about this client";
static const char not_public[] = "no public address";

static void
look(void *context, const struct dns_question *q, struct dns_answer *out)
{
	struct run *r = context;

	if (run_spend(r, QUESTION_STEPS))
		r->in->look(r->in->context, q, out);
}

static struct dns_answer
ask(struct run *r, enum dns_type type, struct slice name)
{
	const struct dns_question q = { .type = type, .name = name };
	struct dns_answer out = { 0 };

	look(r, &q, &out);
	return out;
}

/* Why nothing can be asked about this address, NULL: it can. */
static const char *
refusal(const struct run *r, const struct address *a)
{
	if (r->in->look == NULL)
		return not_asked;
	return address_is_public(a) ? NULL : not_public;
}

static const char *
read_address(const struct run *r, struct slice s, struct address *a)
{
	if (r->in->look == NULL)
		return not_asked;
	return address_parse(s, a) ? refusal(r, a) : not_public;
}

struct value
dns_names(struct run *r, const struct value *arg, unsigned args)
{
	char question[DNS_NAME_MAX + 1];
	struct dns_answer names;
	struct address a;
	const char *why = read_address(r, arg->s, &a);
	struct value *out;
	struct slice name;
	size_t at = 0;
	unsigned count = 0;
	char *text;

	(void)args;
	if (why != NULL)
		return value_error(why);
	names = ask(r, DNS_PTR, dns_reverse(&a, dns_arpa(&a), question));
	if (names.state == DNS_UNKNOWN || names.state == DNS_FAILED)
		return value_error(names.state == DNS_UNKNOWN ? expr_unknown : no_answer);
	if (names.state == DNS_NONE)
		return value_list(NULL, 0);
	out = run_room(r, names.count * sizeof(*out));
	text = run_room(r, names.data.len);
	if (out == NULL || text == NULL)
		return value_error(expr_too_much);
	for (; count < names.count && dns_answer_next(&names, &at, &name); count++) {
		if (name.len > 0)
			memcpy(text, name.ptr, name.len);
		out[count] = value_string((struct slice){ text, name.len });
		text += name.len;
	}
	return value_list(out, count);
}

static struct value
list_of_addresses(struct run *r, const struct address *a, unsigned count)
{
	struct value *out = run_room(r, count * sizeof(*out));

	if (out == NULL)
		return value_error(expr_too_much);
	for (unsigned i = 0; i < count; i++) {
		char *text = run_room(r, ADDRESS_TEXT_MAX);

		if (text == NULL)
			return value_error(expr_too_much);
		out[i] = value_string((struct slice){ text, address_format(&a[i], text) });
	}
	return value_list(out, count);
}

/* As Go's LookupHost, which takes an address for its own name. */
struct value
dns_addresses(struct run *r, const struct value *arg, unsigned args)
{
	static const enum dns_type types[] = { DNS_A, DNS_AAAA };
	struct address a[2 * DNS_RECORDS_MAX];
	char room[DNS_NAME_MAX + 1];
	const struct slice name = dns_name_normal(arg->s, room);
	bool unknown = false, failed = false;
	unsigned count = 0;

	(void)args;
	if (r->in->look == NULL)
		return value_error(not_asked);
	if (address_parse(arg->s, a))
		return list_of_addresses(r, a, 1);
	for (unsigned i = 0; i < 2 && name.len > 0; i++) {
		const struct dns_answer answer = ask(r, types[i], name);
		struct slice record;
		size_t at = 0;

		unknown |= answer.state == DNS_UNKNOWN;
		failed |= answer.state == DNS_FAILED;
		while (answer.state == DNS_FOUND && count < (i + 1) * DNS_RECORDS_MAX &&
		       dns_answer_next(&answer, &at, &record)) {
			a[count] = address_from_bytes(record.ptr, record.len);
			count += a[count].family != 0;
		}
	}
	if (failed || unknown)
		return value_error(failed ? no_answer : expr_unknown);
	return list_of_addresses(r, a, count);
}

struct wanted {
	const struct run *run;
	const struct regex *regex;
	bool failed;
};

static bool
is_wanted(void *arg, struct slice name)
{
	struct wanted *w = arg;
	enum regex_result result;

	if (w->regex == NULL)
		return true;
	result = regex_match(w->regex, w->run->in->matcher, name);
	w->failed |= result == REGEX_FAILED;
	return result == REGEX_YES;
}

static struct value
verify(struct run *r, struct slice ip, const struct regex *regex)
{
	struct wanted wanted = { r, regex, false };
	struct address a;
	const char *why = read_address(r, ip, &a);

	if (why != NULL)
		return value_error(why);
	switch (fcrdns_check(look, r, &a, is_wanted, &wanted)) {
	case FCRDNS_VERIFIED:
		return value_bool(true);
	case FCRDNS_NAMELESS:
		return value_bool(regex == NULL);
	case FCRDNS_UNKNOWN:
		return value_error(expr_unknown);
	case FCRDNS_FAILED:
		return value_error(no_answer);
	case FCRDNS_REFUTED:
		break;
	}
	return wanted.failed ? value_error("match limit") : value_bool(false);
}

struct value
dns_verify(struct run *r, const struct value *arg, unsigned args)
{
	(void)args;
	return verify(r, arg->s, NULL);
}

struct value
expr_run_verify(struct run *r, const struct node *n)
{
	const struct value ip = expr_run(r, n->first);

	return ip.kind == KIND_ERROR ? ip : verify(r, ip.s, n->regex);
}

struct value
expr_run_listed(struct run *r, unsigned zone)
{
	const char *why = refusal(r, &r->in->request->src);

	if (why == NULL && r->in->listed == NULL)
		why = not_asked;
	if (why != NULL)
		return value_error(why);
	if (!run_spend(r, QUESTION_STEPS))
		return value_error(expr_too_much);
	switch (r->in->listed(r->in->context, zone)) {
	case ZONE_NOT_LISTED:
		return value_bool(false);
	case ZONE_LISTED:
		return value_bool(true);
	case ZONE_UNKNOWN:
		return value_error(expr_unknown);
	case ZONE_FAILED:
		return value_error(no_answer);
	case ZONE_BROKEN:
		break;
	}
	return value_error("the blocklist answers what none does");
}
