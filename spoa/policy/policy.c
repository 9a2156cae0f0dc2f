#include "policy/policy.h"

#include <stdlib.h>

#include "policy/generation.h"

void
policy_free(struct policy *p)
{
	if (p == NULL)
		return;
	for (unsigned i = 0; i < p->fields; i++)
		patset_free(p->field[i].set);
	for (size_t i = 0; i < p->regexes; i++)
		regex_free(p->regex[i]);
	free(p->regex);
	free(p->rule);
	free(p->asn.list);
	free(p->country.list);
	mmdb_close(p->asn_db);
	mmdb_close(p->country_db);
	ipset_free(p->addresses);
	ipset_free(p->never);
	arena_free(p->arena);
	free(p);
}

const struct policy_settings *
policy_settings(const struct policy *p)
{
	return &p->settings;
}

struct policy_size
policy_size(const struct policy *p)
{
	struct policy_size size = { .rules = p->rules,
		.prefixes = ipset_count(p->addresses),
		.sites = p->sites - 1,
		.bytes = sizeof(*p) + arena_bytes(p->arena) + p->rules * sizeof(*p->rule) };

	for (unsigned i = 0; i < p->fields; i++) {
		size.patterns += patset_count(p->field[i].set);
		size.bytes += patset_bytes(p->field[i].set);
	}
	return size;
}

int
policy_field(const struct policy *p, struct slice argument)
{
	if (slice_starts(argument, SLICE("hdr."))) {
		struct slice name = { argument.ptr + 4, argument.len - 4 };

		for (unsigned i = 0; i < p->headers; i++)
			if (slice_equal(p->header[i], name))
				return REQUEST_HEADER + (int)i;
		return REQUEST_FIELD_NONE;
	}
	for (int i = 0; i < REQUEST_HEADER; i++)
		if (slice_equal(slice_of(request_argument[i]), argument))
			return i;
	return REQUEST_FIELD_NONE;
}

void
policy_take_header(const struct policy *p, struct request *r, struct slice name, struct slice value)
{
	if (slice_equal_nocase(name, SLICE("user-agent"))) {
		request_set(r, REQUEST_USER_AGENT, value);
		return;
	}
	if (slice_equal_nocase(name, SLICE("host"))) {
		request_set(r, REQUEST_HOST, value);
		return;
	}
	for (unsigned i = 0; i < p->headers; i++)
		if (slice_equal_nocase(p->header[i], name))
			request_set(r, REQUEST_HEADER + i, value);
}

struct slice
policy_header(const struct policy *p, unsigned i)
{
	return i < p->headers ? p->header[i] : (struct slice){ NULL, 0 };
}

uint64_t
policy_reads(const struct policy *p)
{
	return p->read;
}
