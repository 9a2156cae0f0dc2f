#include "daemon/metrics.h"

#include <stdio.h>

#include "base/utf8.h"
#include "policy/verdict.h"

#define FUNCTIONS SLICE("(functions)")

/* A counter of a struct: what it is called, and where it stands there. */
struct row {
	const char *name, *type, *help;
	size_t offset;
};

static const struct row dns_rows[] = {
	{ "ammit_dns_cache_hits_total", "counter", "Answers that the cache had.",
	    offsetof(struct resolver_counts, hits) },
	{ "ammit_dns_cache_misses_total", "counter", "Answers that the cache had not.",
	    offsetof(struct resolver_counts, misses) },
	{ "ammit_dns_cache_evictions_total", "counter",
	    "Answers that the cache gave up before they were too old.",
	    offsetof(struct resolver_counts, cache_evictions) },
	{ "ammit_dns_cache_entries", "gauge", "Answers in the caches.",
	    offsetof(struct resolver_counts, cache_entries) },
	{ "ammit_dns_cache_bytes", "gauge", "Bytes of the caches, their tables included.",
	    offsetof(struct resolver_counts, cache_bytes) },
	{ "ammit_dns_coalesced_total", "counter", "Questions asked while they were on their way.",
	    offsetof(struct resolver_counts, coalesced) },
	{ "ammit_dns_dropped_total", "counter",
	    "Questions not asked because too many were on their way.",
	    offsetof(struct resolver_counts, dropped) },
	{ "ammit_dns_late_total", "counter", "Good answers that came after the deadline.",
	    offsetof(struct resolver_counts, late) },
	{ "ammit_dns_inflight", "gauge", "Questions on their way.",
	    offsetof(struct resolver_counts, inflight) },
};

static const struct row server_rows[] = {
	{ "ammit_dns_server_queries_total", "counter", "Queries sent to a DNS server.",
	    offsetof(struct resolver_server, queries) },
	{ "ammit_dns_server_answers_total", "counter", "Its good answers.",
	    offsetof(struct resolver_server, answers) },
	{ "ammit_dns_server_timeouts_total", "counter", "Queries that it did not answer in time.",
	    offsetof(struct resolver_server, timeouts) },
	{ "ammit_dns_server_refused_total", "counter", "Queries that it refused.",
	    offsetof(struct resolver_server, refused) },
	{ "ammit_dns_server_failures_total", "counter", "Queries that it failed on.",
	    offsetof(struct resolver_server, failures) },
	{ "ammit_dns_server_malformed_total", "counter", "Answers that were none.",
	    offsetof(struct resolver_server, malformed) },
};

static const struct row zone_rows[] = {
	{ "ammit_dnsbl_lookups_total", "counter", "Answers wanted of a blocklist.",
	    offsetof(struct dns_tally, lookups) },
	{ "ammit_dnsbl_cached_total", "counter", "Of these, from the cache.",
	    offsetof(struct dns_tally, cached) },
	{ "ammit_dnsbl_queries_total", "counter", "Questions sent out.",
	    offsetof(struct dns_tally, queries) },
	{ "ammit_dnsbl_answers_total", "counter", "Good answers, listed or not.",
	    offsetof(struct dns_tally, answers) },
	{ "ammit_dnsbl_failures_total", "counter", "Questions that nobody could answer.",
	    offsetof(struct dns_tally, failures) },
	{ "ammit_dnsbl_timeouts_total", "counter", "Questions that nobody answered in time.",
	    offsetof(struct dns_tally, timeouts) },
	{ "ammit_dnsbl_dropped_total", "counter",
	    "Questions not asked because too many were on their way.",
	    offsetof(struct dns_tally, dropped) },
};

#define ROWS(table) (sizeof(table) / sizeof((table)[0]))

static uint64_t
at_offset(const void *of, size_t offset)
{
	return counter_get((const struct counter *)((const char *)of + offset));
}

/* ---- the format ---- */

static void
family(struct text *t, const char *name, const char *type, const char *help)
{
	text_printf(t, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: UTF-8, with \ " and newline escaped. */
static void
put_value(struct text *t, struct slice s)
{
	while (s.len > 0) {
		size_t n = utf8_length(s);

		if (*s.ptr == '\n')
			text_put(t, SLICE("\\n"));
		else if (*s.ptr == '\\' || *s.ptr == '"')
			text_printf(t, "\\%c", *s.ptr);
		else if (n == 0)
			text_byte(t, '?');
		else
			text_put(t, (struct slice){ s.ptr, n });
		n = n == 0 ? 1 : n;
		s.ptr += n;
		s.len -= n;
	}
}

/* NAME{LABEL="VALUE"} N; label NULL: without. */
static void
sample(struct text *t, const char *name, const char *label, struct slice value, uint64_t n)
{
	text_put(t, slice_of(name));
	if (label != NULL) {
		text_printf(t, "{%s=\"", label);
		put_value(t, value);
		text_put(t, SLICE("\"}"));
	}
	text_printf(t, " %llu\n", (unsigned long long)n);
}

static void
single(struct text *t, const char *name, const char *type, const char *help, uint64_t n)
{
	family(t, name, type, help);
	sample(t, name, NULL, (struct slice){ NULL, 0 }, n);
}

/* What latencies of several threads come to. */
struct histogram {
	uint64_t bucket[LATENCY_BUCKETS], sum_us;
};

static void
histogram_add(struct histogram *h, const struct latency *l)
{
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++)
		h->bucket[i] += counter_get(&l->bucket[i]);
	h->sum_us += counter_get(&l->sum_us);
}

static void
histogram_put(struct text *t, const char *name, const char *label, struct slice value,
    const struct histogram *h)
{
	uint64_t count = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		text_printf(t, "%s_bucket{", name);
		if (label != NULL) {
			text_printf(t, "%s=\"", label);
			put_value(t, value);
			text_put(t, SLICE("\","));
		}
		count += h->bucket[i];
		if (i < LATENCY_BUCKETS - 1)
			text_printf(t, "le=\"%g\"} ", latency_limit_us[i] / 1e6);
		else
			text_put(t, SLICE("le=\"+Inf\"} "));
		text_printf(t, "%llu\n", (unsigned long long)count);
	}
	for (unsigned sum = 0; sum < 2; sum++) {
		text_printf(t, "%s_%s", name, sum ? "sum" : "count");
		if (label != NULL) {
			text_printf(t, "{%s=\"", label);
			put_value(t, value);
			text_put(t, SLICE("\"}"));
		}
		if (sum)
			text_printf(t, " %llu.%06llu\n", (unsigned long long)(h->sum_us / 1000000),
			    (unsigned long long)(h->sum_us % 1000000));
		else
			text_printf(t, " %llu\n", (unsigned long long)count);
	}
}

/* ---- the process ---- */

static uint64_t
sum_weigh(const struct metrics *m, size_t offset)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < m->workers; i++)
		n += at_offset(m->worker[i].weigh, offset);
	return n;
}

static uint64_t
sum_dns(const struct metrics *m, size_t offset)
{
	uint64_t n = 0;

	for (unsigned i = 0; i < m->workers; i++)
		n += at_offset(m->worker[i].dns, offset);
	return n;
}

#define WEIGH(m, what) sum_weigh(m, offsetof(struct weigh_counts, what))

static uint64_t
verdicts(const struct metrics *m, unsigned kind)
{
	return sum_weigh(m, offsetof(struct weigh_counts, verdict) + kind * sizeof(struct counter));
}

static void
write_process(const struct metrics *m, struct text *t)
{
	family(t, "ammit_build_info", "gauge", "The version that runs.");
	sample(t, "ammit_build_info", "version", SLICE(AMMIT_VERSION), 1);
	single(t, "ammit_uptime_seconds", "gauge", "Seconds since the start.", m->uptime_s);
	single(t, "ammit_policy_rules", "gauge", "Rules of the policy in force.", m->rules);
	family(t, "ammit_verdicts_total", "counter", "Verdicts, before shadow mode.");
	for (unsigned i = 0; i < 4; i++)
		sample(t, "ammit_verdicts_total", "verdict", slice_of(verdict_names[i]),
		    verdicts(m, i));
	single(
	    t, "ammit_pages_total", "counter", "Challenge pages.", counter_get(&m->site->served));
	single(t, "ammit_passes_total", "counter", "Challenges that were solved.",
	    counter_get(&m->site->passed));
	single(t, "ammit_rule_errors_total", "counter",
	    "Rules that could not be evaluated and counted as no match.", WEIGH(m, rule_errors));
	single(t, "ammit_remember_total", "counter",
	    "Verdicts that HAProxy may go by for ten seconds without asking.",
	    WEIGH(m, remembered));
	single(t, "ammit_fast_stale_total", "counter",
	    "Requests whose fingerprint is that of another policy's ask list.",
	    WEIGH(m, fast_stale));
	family(t, "ammit_dns_waits_total", "counter",
	    "Requests that would be judged better by an answer of the DNS, by what came of it.");
	sample(t, "ammit_dns_waits_total", "result", SLICE("answered"), WEIGH(m, answered_in_time));
	sample(t, "ammit_dns_waits_total", "result", SLICE("budget"), WEIGH(m, budget_spent));
	sample(t, "ammit_dns_waits_total", "result", SLICE("not_waited"), WEIGH(m, not_waited));
	single(t, "ammit_dns_unknown_total", "counter",
	    "Rules and blocklists that a verdict was given without.", WEIGH(m, unknown));
}

static void
write_challenges(const struct metrics *m, struct text *t)
{
	static const char answers[] = "ammit_challenge_answers_total";
	static const char methods[] = "ammit_passes_by_total", words[] = "ammit_question_total";

	family(t, methods, "counter", "Passes by the way that they were earned.");
	for (unsigned i = 0; i < METHODS; i++)
		if ((METHODS_OFFERED & 1u << i) != 0)
			sample(t, methods, "method", slice_of(method_names[i]),
			    counter_get(&m->site->passed_by[i]));
	family(t, answers, "counter", "What else the challenge loop said.");
	sample(t, answers, "result", SLICE("plain"), counter_get(&m->site->plain));
	sample(t, answers, "result", SLICE("refused"), counter_get(&m->site->refused));
	sample(t, answers, "result", SLICE("early"), counter_get(&m->site->early));
	sample(t, answers, "result", SLICE("wrong_word"), counter_get(&m->site->wrong_words));
	single(t, "ammit_honeypot_total", "counter", "Visits to the honeypot that count.",
	    counter_get(&m->site->trapped));
	if (m->oracle == NULL)
		return;
	family(t, words, "counter", "Answers to the question that question-url was to judge.");
	sample(t, words, "result", SLICE("right"), counter_get(&m->oracle->right));
	sample(t, words, "result", SLICE("wrong"), counter_get(&m->oracle->wrong));
	sample(t, words, "result", SLICE("failed"), counter_get(&m->oracle->failed));
	sample(t, words, "result", SLICE("dropped"), counter_get(&m->oracle->dropped));
}

static void
write_drip(const struct metrics *m, struct text *t)
{
	static const struct row rows[] = {
		{ "ammit_drip_visitors", "gauge", "Visitors that are dripped now.",
		    offsetof(struct drip_counts, visitors) },
		{ "ammit_drip_served_total", "counter", "Visitors that were dripped.",
		    offsetof(struct drip_counts, served) },
		{ "ammit_drip_refused_total", "counter",
		    "Visitors that were denied instead, since all places were taken.",
		    offsetof(struct drip_counts, refused) },
		{ "ammit_drip_bytes_total", "counter", "Bytes that they were sent.",
		    offsetof(struct drip_counts, bytes) },
	};
	static const char held[] = "ammit_drip_held_seconds_total";

	if (m->drip == NULL)
		return;
	for (size_t i = 0; i < ROWS(rows); i++)
		single(t, rows[i].name, rows[i].type, rows[i].help,
		    at_offset(m->drip, rows[i].offset));
	family(t, held, "counter", "Seconds that they were held, all together.");
	text_printf(t, "%s %.3f\n", held, (double)counter_get(&m->drip->held_ms) / 1000);
}

static void
write_circuits(const struct metrics *m, struct text *t)
{
	const struct circuits_counts *c = m->circuits;

	if (c == NULL)
		return;
	single(t, "ammit_tor_up", "gauge", "1: tor's control port answers.", c->up);
	single(
	    t, "ammit_tor_circuits", "gauge", "Circuits of visitors that tor tells of.", c->known);
	single(t, "ammit_circuits_closed_total", "counter", "Circuits that tor closed for us.",
	    c->outcome[TOR_OUTCOME_CLOSED]);
	single(t, "ammit_circuits_gone_total", "counter",
	    "Circuits that were gone before tor could close them.", c->outcome[TOR_OUTCOME_GONE]);
	single(t, "ammit_circuits_refused_total", "counter",
	    "Ids that were not closed: tor did not say that it is a visitor's circuit, or refused.",
	    c->outcome[TOR_OUTCOME_REFUSED]);
	single(t, "ammit_circuits_limited_total", "counter",
	    "Denials whose circuit was left open since tor-close-rate was reached.",
	    c->outcome[TOR_OUTCOME_LIMITED]);
	single(t, "ammit_circuits_dropped_total", "counter",
	    "Denials whose circuit was left open since tor could not be told.", c->dropped);
	single(t, "ammit_circuits_dry_run_total", "counter",
	    "Circuits that would have been closed, but for tor-dry-run.",
	    c->outcome[TOR_OUTCOME_DRY]);
	single(t, "ammit_circuits_untracked_total", "counter",
	    "Times that tor told of a circuit for which there was no room.", c->untracked);
}

static void
write_waits(const struct metrics *m, struct text *t)
{
	static const char name[] = "ammit_dns_wait_seconds";
	struct histogram h = { .sum_us = 0 };

	for (unsigned i = 0; i < m->workers; i++)
		histogram_add(&h, &m->worker[i].weigh->wait);
	family(t, name, "histogram", "How long requests waited for the DNS.");
	histogram_put(t, name, NULL, (struct slice){ NULL, 0 }, &h);
}

/* ---- servers ---- */

/* Workers may have read resolv.conf at different times. */
struct servers {
	struct slice name[2 * RESOLVER_COUNTED_MAX];
	unsigned count;
};

static unsigned
server_count(const struct metrics_worker *w)
{
	unsigned n = atomic_load(&w->dns->servers);

	return n < RESOLVER_COUNTED_MAX ? n : RESOLVER_COUNTED_MAX;
}

static void
find_servers(const struct metrics *m, struct servers *s)
{
	s->count = 0;
	for (unsigned w = 0; w < m->workers; w++) {
		for (unsigned i = 0; i < server_count(&m->worker[w]); i++) {
			struct slice name = slice_of(m->worker[w].dns->server[i].name);
			unsigned k = 0;

			while (k < s->count && !slice_equal(s->name[k], name))
				k++;
			if (k == s->count && k < ROWS(s->name))
				s->name[s->count++] = name;
		}
	}
}

/* The next server of that name, of whichever worker; NULL at the end. *at: begin with 0. */
static const struct resolver_server *
next_server(const struct metrics *m, struct slice name, unsigned *at)
{
	for (; *at < m->workers * RESOLVER_COUNTED_MAX; ++*at) {
		const struct metrics_worker *w = &m->worker[*at / RESOLVER_COUNTED_MAX];
		unsigned i = *at % RESOLVER_COUNTED_MAX;

		if (i < server_count(w) && slice_equal(slice_of(w->dns->server[i].name), name)) {
			++*at;
			return &w->dns->server[i];
		}
	}
	return NULL;
}

static uint64_t
sum_server(const struct metrics *m, struct slice name, size_t offset)
{
	const struct resolver_server *r;
	uint64_t n = 0;

	for (unsigned at = 0; (r = next_server(m, name, &at)) != NULL;)
		n += at_offset(r, offset);
	return n;
}

static bool
server_up(const struct metrics *m, struct slice name)
{
	const struct resolver_server *r;

	for (unsigned at = 0; (r = next_server(m, name, &at)) != NULL;)
		if (atomic_load(&r->down))
			return false;
	return true;
}

static void
write_servers(const struct metrics *m, struct text *t)
{
	static const char up[] = "ammit_dns_server_up", took[] = "ammit_dns_server_seconds";
	const struct resolver_server *r;
	struct servers s;

	for (size_t i = 0; i < ROWS(dns_rows); i++)
		single(t, dns_rows[i].name, dns_rows[i].type, dns_rows[i].help,
		    sum_dns(m, dns_rows[i].offset));
	find_servers(m, &s);
	for (size_t i = 0; i < ROWS(server_rows); i++) {
		family(t, server_rows[i].name, server_rows[i].type, server_rows[i].help);
		for (unsigned k = 0; k < s.count; k++)
			sample(t, server_rows[i].name, "server", s.name[k],
			    sum_server(m, s.name[k], server_rows[i].offset));
	}
	family(t, up, "gauge", "0: a worker asks it last, since it does not answer.");
	for (unsigned k = 0; k < s.count; k++)
		sample(t, up, "server", s.name[k], server_up(m, s.name[k]));
	family(t, took, "histogram", "How long its answers took.");
	for (unsigned k = 0; k < s.count; k++) {
		struct histogram h = { .sum_us = 0 };

		for (unsigned at = 0; (r = next_server(m, s.name[k], &at)) != NULL;)
			histogram_add(&h, &r->latency);
		histogram_put(t, took, "server", s.name[k], &h);
	}
}

/* ---- blocklists ---- */

/* The tallies of zone i, one a worker; behind the last zone those of the functions. */
static const struct dns_tally *
tallies(const struct metrics *m, unsigned i)
{
	return i < m->zones ? m->zone[i].state->tally : m->functions;
}

static struct slice
zone_name(const struct metrics *m, unsigned i)
{
	return i < m->zones ? m->zone[i].zone->zone : FUNCTIONS;
}

static uint64_t
sum_zone(const struct metrics *m, unsigned i, size_t offset)
{
	const struct dns_tally *tally = tallies(m, i);
	uint64_t n = 0;

	for (unsigned w = 0; w < m->workers; w++)
		n += at_offset(&tally[w], offset);
	return n;
}

static struct slice
code_name(const struct zone *z, unsigned code)
{
	return code < z->codes ? z->code[code].name : SLICE("other");
}

/* Codes that have one name are one: two samples with the same labels would be an error. */
static void
write_listed(const struct metrics *m, unsigned i, struct text *t)
{
	const struct zone *z = m->zone[i].zone;

	for (unsigned c = 0; c <= z->codes; c++) {
		struct slice name = code_name(z, c);
		uint64_t n = 0;
		unsigned before = 0;

		while (before < c && !slice_equal(code_name(z, before), name))
			before++;
		if (before < c)
			continue;
		for (unsigned k = c; k <= z->codes; k++) {
			unsigned index = k < z->codes ? k : DNS_TALLY_CODES;

			if (slice_equal(code_name(z, k), name))
				n += sum_zone(m, i,
				    offsetof(struct dns_tally, listed) +
					index * sizeof(struct counter));
		}
		text_put(t, SLICE("ammit_dnsbl_listed_total{zone=\""));
		put_value(t, z->zone);
		text_put(t, SLICE("\",code=\""));
		put_value(t, name);
		text_printf(t, "\"} %llu\n", (unsigned long long)n);
	}
}

static void
write_zones(const struct metrics *m, struct text *t)
{
	static const char suspended[] = "ammit_dnsbl_suspended",
			  suspensions[] = "ammit_dnsbl_suspensions_total",
			  took[] = "ammit_dnsbl_seconds";

	for (size_t r = 0; r < ROWS(zone_rows); r++) {
		family(t, zone_rows[r].name, zone_rows[r].type, zone_rows[r].help);
		for (unsigned i = 0; i <= m->zones; i++)
			sample(t, zone_rows[r].name, "zone", zone_name(m, i),
			    sum_zone(m, i, zone_rows[r].offset));
	}
	family(t, took, "histogram", "How long answers took, of whichever server.");
	for (unsigned i = 0; i <= m->zones; i++) {
		struct histogram h = { .sum_us = 0 };

		for (unsigned w = 0; w < m->workers; w++)
			histogram_add(&h, &tallies(m, i)[w].latency);
		histogram_put(t, took, "zone", zone_name(m, i), &h);
	}
	family(t, suspended, "gauge", "1: it is not asked, its test points are wrong.");
	for (unsigned i = 0; i < m->zones; i++)
		sample(t, suspended, "zone", zone_name(m, i),
		    atomic_load(&m->zone[i].state->suspended) != NULL);
	family(t, suspensions, "counter", "How often it was suspended.");
	for (unsigned i = 0; i < m->zones; i++)
		sample(t, suspensions, "zone", zone_name(m, i),
		    atomic_load(&m->zone[i].state->suspensions));
	family(t, "ammit_dnsbl_listed_total", "counter",
	    "Requests of clients that it lists, by what as.");
	for (unsigned i = 0; i < m->zones; i++)
		write_listed(m, i, t);
}

void
metrics_write(const struct metrics *m, struct text *t)
{
	write_process(m, t);
	write_challenges(m, t);
	write_drip(m, t);
	write_circuits(m, t);
	write_waits(m, t);
	write_servers(m, t);
	write_zones(m, t);
}

/* ---- for people ---- */

static unsigned long long
zone_count(const struct metrics *m, unsigned i, size_t offset)
{
	return (unsigned long long)sum_zone(m, i, offset);
}

static void
stat_zones(const struct metrics *m, struct text *t)
{
	for (unsigned i = 0; i <= m->zones; i++) {
		const char *why = i < m->zones ? atomic_load(&m->zone[i].state->suspended) : NULL;

		text_put(t, SLICE("zone "));
		text_put(t, zone_name(m, i));
		text_printf(t, ": %llu lookups, %llu cached, %llu failed, %llu timed out",
		    zone_count(m, i, offsetof(struct dns_tally, lookups)),
		    zone_count(m, i, offsetof(struct dns_tally, cached)),
		    zone_count(m, i, offsetof(struct dns_tally, failures)),
		    zone_count(m, i, offsetof(struct dns_tally, timeouts)));
		if (why != NULL)
			text_printf(t, "; suspended: %s", why);
		text_byte(t, '\n');
	}
}

void
metrics_write_stat(const struct metrics *m, struct text *t)
{
	struct servers s;

	text_printf(t, "ammit %s, up %llu s, %zu rules, %u workers\nverdicts", AMMIT_VERSION,
	    (unsigned long long)m->uptime_s, m->rules, m->verdict_threads);
	for (unsigned i = 0; i < 4; i++)
		text_printf(t, "%s %s %llu", i == 0 ? ":" : ",", verdict_names[i],
		    (unsigned long long)verdicts(m, i));
	text_printf(t, "\nchallenges: %llu pages, %llu solved\n",
	    (unsigned long long)counter_get(&m->site->served),
	    (unsigned long long)counter_get(&m->site->passed));
	if (m->drip != NULL)
		text_printf(t,
		    "drip: %llu now, %llu served, %llu refused, %llu bytes, %llu s held\n",
		    (unsigned long long)counter_get(&m->drip->visitors),
		    (unsigned long long)counter_get(&m->drip->served),
		    (unsigned long long)counter_get(&m->drip->refused),
		    (unsigned long long)counter_get(&m->drip->bytes),
		    (unsigned long long)counter_get(&m->drip->held_ms) / 1000);
	if (m->circuits != NULL)
		text_printf(t,
		    "tor: %s, %u circuits, %llu closed, %llu would be, %llu refused, %llu left "
		    "open\n",
		    m->circuits->up ? "up" : "down", m->circuits->known,
		    (unsigned long long)m->circuits->outcome[TOR_OUTCOME_CLOSED],
		    (unsigned long long)m->circuits->outcome[TOR_OUTCOME_DRY],
		    (unsigned long long)m->circuits->outcome[TOR_OUTCOME_REFUSED],
		    (unsigned long long)(m->circuits->outcome[TOR_OUTCOME_LIMITED] +
					 m->circuits->dropped));
	text_printf(t, "dns: %llu waits answered, %llu out of time, %llu not waited for\n",
	    (unsigned long long)WEIGH(m, answered_in_time),
	    (unsigned long long)WEIGH(m, budget_spent), (unsigned long long)WEIGH(m, not_waited));
	text_printf(t, "dns cache: %llu entries, %llu bytes, %llu hits, %llu misses\n",
	    (unsigned long long)sum_dns(m, offsetof(struct resolver_counts, cache_entries)),
	    (unsigned long long)sum_dns(m, offsetof(struct resolver_counts, cache_bytes)),
	    (unsigned long long)sum_dns(m, offsetof(struct resolver_counts, hits)),
	    (unsigned long long)sum_dns(m, offsetof(struct resolver_counts, misses)));
	find_servers(m, &s);
	for (unsigned k = 0; k < s.count; k++) {
		text_put(t, SLICE("server "));
		text_put(t, s.name[k]);
		text_printf(t, ": %s, %llu queries, %llu answers, %llu timed out\n",
		    server_up(m, s.name[k]) ? "up" : "down",
		    (unsigned long long)sum_server(
			m, s.name[k], offsetof(struct resolver_server, queries)),
		    (unsigned long long)sum_server(
			m, s.name[k], offsetof(struct resolver_server, answers)),
		    (unsigned long long)sum_server(
			m, s.name[k], offsetof(struct resolver_server, timeouts)));
	}
	stat_zones(m, t);
}
