#pragma once

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "policy/expr.h"
#include "unit/policy/fake_dns.h"

/*
 * A policy as far as an expression sees one, for tests: headers get fields as they are asked for,
 * patterns are kept in a list, and a request is what world_set said.
 */
#define WORLD_PATTERNS_MAX 512u

struct world {
	struct arena *arena;
	struct expr_scope scope;
	struct slice header[REQUEST_HEADERS_MAX];
	unsigned headers;
	struct {
		unsigned field;
		struct slice source;
		struct regex *regex;
	} pattern[WORLD_PATTERNS_MAX];
	uint32_t patterns;
	struct regex_matcher *matcher;
	struct expr_store *store;

	struct request request;
	struct slice text[REQUEST_FIELDS];
	double load[3];
	int64_t weight;
	uint32_t asn;
	const char *country;
	unsigned asked; /* how often for asn and country */
	struct slice zone[ZONES_MAX];
	unsigned zones;
	struct fake_dns dns;
	dns_look *look;
	enum zone_says (*listed)(void *context, unsigned zone);
};

static inline int
world_header(void *context, struct slice name)
{
	struct world *w = context;

	if (slice_equal(name, SLICE("User-Agent")))
		return REQUEST_USER_AGENT;
	for (unsigned i = 0; i < w->headers; i++)
		if (slice_equal(w->header[i], name))
			return REQUEST_HEADER + (int)i;
	if (w->headers == REQUEST_HEADERS_MAX)
		return REQUEST_FIELD_NONE;
	w->header[w->headers] = arena_copy(w->arena, name);
	return REQUEST_HEADER + (int)w->headers++;
}

static inline bool
world_pattern(
    void *context, unsigned field, struct slice source, uint32_t *id, struct regex_notes *notes)
{
	struct world *w = context;
	struct regex *r;

	for (*id = 0; *id < w->patterns; ++*id)
		if (w->pattern[*id].field == field && slice_equal(w->pattern[*id].source, source))
			return true;
	r = w->patterns < WORLD_PATTERNS_MAX ? regex_compile(source, notes) : NULL;
	if (r == NULL)
		return false;
	w->pattern[w->patterns].field = field;
	w->pattern[w->patterns].source = arena_copy(w->arena, source);
	w->pattern[w->patterns++].regex = r;
	return true;
}

/* Those of "full.…" are refused. */
static inline int
world_zone(void *context, struct slice name, const char **why)
{
	struct world *w = context;

	for (unsigned i = 0; i < w->zones; i++)
		if (slice_equal(w->zone[i], name))
			return (int)i;
	if (w->zones == ZONES_MAX || slice_starts(name, SLICE("full."))) {
		*why = "there is no room for it";
		return -1;
	}
	w->zone[w->zones] = arena_copy(w->arena, name);
	return (int)w->zones++;
}

static inline const struct regex *
world_regex(void *context, struct slice source, struct regex_notes *notes)
{
	struct world *w = context;
	uint32_t id;

	return world_pattern(w, REQUEST_FIELDS, source, &id, notes) ? w->pattern[id].regex : NULL;
}

static inline enum regex_result
world_match(void *context, unsigned field, uint32_t pattern)
{
	struct world *w = context;

	if (pattern >= w->patterns || w->pattern[pattern].field != field)
		abort();
	return regex_match(w->pattern[pattern].regex, w->matcher, w->text[field]);
}

static inline uint32_t
world_asn(void *context)
{
	struct world *w = context;

	w->asked++;
	return w->asn;
}

static inline bool
world_country(void *context, char out[2])
{
	struct world *w = context;

	w->asked++;
	if (w->country == NULL)
		return false;
	memcpy(out, w->country, 2);
	return true;
}

static inline void
world_look(void *context, const struct dns_question *q, struct dns_answer *out)
{
	fake_look(&((struct world *)context)->dns, q, out);
}

/* "listed.…" lists the client, and so on. */
static inline enum zone_says
world_listed(void *context, unsigned zone)
{
	static const struct {
		const char *begins;
		enum zone_says says;
	} zones[] = {
		{ "listed.", ZONE_LISTED },
		{ "unknown.", ZONE_UNKNOWN },
		{ "failed.", ZONE_FAILED },
		{ "broken.", ZONE_BROKEN },
	};
	struct world *w = context;

	if (zone >= w->zones)
		abort();
	fake_note(&w->dns, "dnsbl", w->zone[zone]);
	for (unsigned i = 0; i < sizeof(zones) / sizeof(zones[0]); i++)
		if (slice_starts(w->zone[zone], slice_of(zones[i].begins)))
			return zones[i].says;
	return ZONE_NOT_LISTED;
}

static inline void
world_init(struct world *w, enum expr_place place)
{
	*w = (struct world){ .arena = arena_new() };
	w->scope =
	    (struct expr_scope){ place, w, world_header, world_pattern, world_zone, world_regex };
	w->matcher = regex_matcher_new();
	w->store = expr_store_new();
}

static inline void
world_fini(struct world *w)
{
	for (uint32_t i = 0; i < w->patterns; i++)
		regex_free(w->pattern[i].regex);
	regex_matcher_free(w->matcher);
	expr_store_free(w->store);
	arena_free(w->arena);
}

static inline struct expr *
world_compile(struct world *w, const char *text, struct expr_error *error)
{
	struct slice s = slice_of(text);

	return expr_compile(w->arena, &w->scope, &s, 1, false, error);
}

/* A field by its number, as patterns see it. */
static inline void
world_set(struct world *w, unsigned field, const char *value)
{
	request_set(&w->request, field, slice_of(value));
	w->text[field] = w->request.field[field];
}

/* A header by its name; one that nobody reads never comes. */
static inline void
world_set_header(struct world *w, const char *name, const char *value)
{
	for (unsigned i = 0; i < w->headers; i++)
		if (slice_equal(w->header[i], slice_of(name)))
			world_set(w, REQUEST_HEADER + i, value);
}

static inline struct expr_input
world_input(struct world *w)
{
	return (struct expr_input){
		.request = &w->request,
		.text = w->text,
		.header_name = w->header,
		.headers = w->headers,
		.weight = w->weight,
		.load = w->load,
		.store = w->store,
		.matcher = w->matcher,
		.context = w,
		.pattern = world_match,
		.asn = world_asn,
		.country = world_country,
		.look = w->look,
		.listed = w->listed,
	};
}

static inline enum expr_result
world_eval(struct world *w, const struct expr *e, const char **why)
{
	const struct expr_input in = world_input(w);

	return expr_eval(e, &in, why);
}

/* One of the keys matches; true as well if there is none. */
static inline bool
world_keyed(struct world *w, const struct expr *e)
{
	const struct expr_key *key;
	unsigned count = expr_keys(e, &key);

	for (unsigned i = 0; i < count; i++)
		if (world_match(w, key[i].field, key[i].pattern) == REGEX_YES)
			return true;
	return count == 0;
}
