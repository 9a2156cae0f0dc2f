#include "policy/fcrdns.h"

/* The name has the address, as far as is known by now. */
static enum fcrdns
confirm(dns_look *look, void *context, const struct address *a, struct slice name)
{
	const struct dns_question q = { .type = a->family == 4 ? DNS_A : DNS_AAAA, .name = name };
	struct dns_answer answer = { 0 };
	struct slice record;
	size_t at = 0;

	look(context, &q, &answer);
	if (answer.state == DNS_UNKNOWN)
		return FCRDNS_UNKNOWN;
	if (answer.state == DNS_FAILED)
		return FCRDNS_FAILED;
	while (answer.state == DNS_FOUND && dns_answer_next(&answer, &at, &record)) {
		struct address has = address_from_bytes(record.ptr, record.len);

		if (address_equal(&has, a))
			return FCRDNS_VERIFIED;
	}
	return FCRDNS_REFUTED;
}

/* What weighs more of what two names say. */
static enum fcrdns
stronger(enum fcrdns a, enum fcrdns b)
{
	static const enum fcrdns order[] = { FCRDNS_VERIFIED, FCRDNS_UNKNOWN, FCRDNS_FAILED };

	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return FCRDNS_REFUTED;
}

enum fcrdns
fcrdns_check(dns_look *look, void *context, const struct address *a,
    bool (*wanted)(void *arg, struct slice name), void *arg)
{
	char text[DNS_NAME_MAX + 1], data[DNS_DATA_MAX];
	const struct dns_question q = { .type = DNS_PTR,
		.name = dns_reverse(a, dns_arpa(a), text) };
	struct dns_answer names = { 0 };
	enum fcrdns out = FCRDNS_REFUTED;
	struct slice name;
	size_t at = 0;

	if (q.name.len == 0)
		return FCRDNS_FAILED;
	look(context, &q, &names);
	if (names.state != DNS_FOUND)
		return names.state == DNS_NONE      ? FCRDNS_NAMELESS
		       : names.state == DNS_UNKNOWN ? FCRDNS_UNKNOWN
						    : FCRDNS_FAILED;
	/* The next look may take the place of this answer. */
	names.data.len = names.data.len < sizeof(data) ? names.data.len : sizeof(data);
	if (names.data.len > 0)
		memcpy(data, names.data.ptr, names.data.len);
	names.data.ptr = data;
	/* All of them, whatever the first one says, so that they are asked side by side. */
	for (unsigned n = 0; n < FCRDNS_NAMES_MAX && dns_answer_next(&names, &at, &name);) {
		if (wanted != NULL && !wanted(arg, name))
			continue;
		out = stronger(out, confirm(look, context, a, name));
		n++;
	}
	return out;
}
