#include "cli/top_table.h"

#include <stdbool.h>
#include <stdio.h>

#define NO_LABELS ((struct slice){ NULL, 0 })
#define LISTED_SHOWN 3

struct looks {
	const struct scrape *now, *before;
	double seconds;
};

static double
value(const struct looks *l, const char *name, struct slice labels)
{
	return scrape_value(l->now, name, labels);
}

static double
added(const struct looks *l, const char *name, struct slice labels)
{
	return value(l, name, labels) - scrape_value(l->before, name, labels);
}

static double
rate(const struct looks *l, const char *name, struct slice labels)
{
	return l->seconds > 0 ? added(l, name, labels) / l->seconds : 0;
}

/* A label's value without its escapes, as a terminal may see it: names come from files. */
static void
put_name(struct text *t, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\\' && i + 1 < s.len)
			i++;
		text_byte(t, (unsigned char)s.ptr[i] < 0x20 || s.ptr[i] == 0x7f ? '?' : s.ptr[i]);
	}
}

static void
put_padded(struct text *t, struct slice s, size_t columns)
{
	put_name(t, s);
	for (size_t i = s.len; i < columns; i++)
		text_byte(t, ' ');
}

/* LABEL N, and two blanks; N is at most five wide, so that a busy day fits in a line, too. */
static void
put_count(struct text *t, const char *label, double n, bool whole)
{
	if (n < 99999.5)
		text_printf(t, "%s %.*f  ", label, whole || n >= 99.95 ? 0 : 1, n);
	else if (n < 9999.5e3)
		text_printf(t, "%s %.0fk  ", label, n / 1e3);
	else
		text_printf(t, "%s %.0fM  ", label, n / 1e6);
}

static void
put_time(struct text *t, double s)
{
	if (s < 0)
		text_printf(t, "%8s", "-");
	else if (s >= 1)
		text_printf(t, "%8s", ">=1s");
	else
		text_printf(t, s < 0.01 ? "%6.1fms" : "%6.0fms", s * 1000);
}

static void
put_share(struct text *t, double part, double whole)
{
	if (whole > 0)
		text_printf(t, "%5.1f%%", 100 * part / whole);
	else
		text_printf(t, "%6s", "-");
}

static void
put_head(const struct looks *l, struct text *t)
{
	struct slice version = { NULL, 0 };
	unsigned long long up = (unsigned long long)value(l, "ammit_uptime_seconds", NO_LABELS);

	for (size_t i = 0; i < l->now->count; i++)
		if (slice_equal(l->now->sample[i].name, SLICE("ammit_build_info")))
			version = scrape_label(l->now->sample[i].labels, "version");
	text_byte(t, TOP_HEAD);
	text_put(t, SLICE("ammit "));
	put_name(t, version);
	text_printf(t, "  up %llud %02llu:%02llu:%02llu  %.0f rules  ", up / 86400, up / 3600 % 24,
	    up / 60 % 60, up % 60, value(l, "ammit_policy_rules", NO_LABELS));
	if (l->before == NULL)
		text_put(t, SLICE("average since the start\n\n"));
	else
		text_printf(t, "of %.1f s\n\n", l->seconds);
}

static void
put_verdicts(const struct looks *l, struct text *t)
{
	static const char verdicts[] = "ammit_verdicts_total", waits[] = "ammit_dns_waits_total",
			  wait[] = "ammit_dns_wait_seconds";
	double hits = added(l, "ammit_dns_cache_hits_total", NO_LABELS),
	       misses = added(l, "ammit_dns_cache_misses_total", NO_LABELS);

	text_put(t, SLICE("verdicts/s   "));
	put_count(t, "allow", rate(l, verdicts, SLICE("verdict=\"allow\"")), false);
	put_count(t, "challenge", rate(l, verdicts, SLICE("verdict=\"challenge\"")), false);
	put_count(t, "deny", rate(l, verdicts, SLICE("verdict=\"deny\"")), false);
	put_count(t, "pages", rate(l, "ammit_pages_total", NO_LABELS), false);
	put_count(t, "passes", rate(l, "ammit_passes_total", NO_LABELS), false);
	text_put(t, SLICE("\ndrip         "));
	put_count(t, "verdicts/s", rate(l, verdicts, SLICE("verdict=\"drip\"")), false);
	put_count(t, "now", value(l, "ammit_drip_visitors", NO_LABELS), true);
	put_count(t, "refused/s", rate(l, "ammit_drip_refused_total", NO_LABELS), false);
	put_count(t, "KiB/s", rate(l, "ammit_drip_bytes_total", NO_LABELS) / 1024, false);
	text_put(t, SLICE("\ndns waits/s  "));
	put_count(t, "answered", rate(l, waits, SLICE("result=\"answered\"")), false);
	put_count(t, "late", rate(l, waits, SLICE("result=\"budget\"")), false);
	put_count(t, "skipped", rate(l, waits, SLICE("result=\"not_waited\"")), false);
	text_put(t, SLICE("p50"));
	put_time(t, scrape_quantile(l->now, l->before, wait, NO_LABELS, 0.5));
	text_put(t, SLICE("  p99"));
	put_time(t, scrape_quantile(l->now, l->before, wait, NO_LABELS, 0.99));
	text_put(t, SLICE("\ndns cache    hits "));
	put_share(t, hits, hits + misses);
	put_count(t, "  entries", value(l, "ammit_dns_cache_entries", NO_LABELS), true);
	put_count(t, "MiB", value(l, "ammit_dns_cache_bytes", NO_LABELS) / (1 << 20), false);
	put_count(t, "evicted/s", rate(l, "ammit_dns_cache_evictions_total", NO_LABELS), false);
	put_count(t, "asking", value(l, "ammit_dns_inflight", NO_LABELS), true);
	text_put(t, SLICE("\n\n"));
}

static void
put_servers(const struct looks *l, struct text *t)
{
	static const char took[] = "ammit_dns_server_seconds";

	text_printf(t, "%c%-26s%9s%9s%10s%8s%8s  %s\n", TOP_HEAD, "DNS SERVER", "ASKED/S", "GOOD/S",
	    "SILENT/S", "P50", "P99", "STATE");
	for (size_t i = 0; i < l->now->count; i++) {
		const struct sample *s = &l->now->sample[i];

		if (!slice_equal(s->name, SLICE("ammit_dns_server_up")))
			continue;
		if (s->value == 0)
			text_byte(t, TOP_ALARM);
		put_padded(t, scrape_label(s->labels, "server"), 25);
		text_printf(t, " %9.1f%9.1f%10.1f",
		    rate(l, "ammit_dns_server_queries_total", s->labels),
		    rate(l, "ammit_dns_server_answers_total", s->labels),
		    rate(l, "ammit_dns_server_timeouts_total", s->labels));
		put_time(t, scrape_quantile(l->now, l->before, took, s->labels, 0.5));
		put_time(t, scrape_quantile(l->now, l->before, took, s->labels, 0.99));
		text_put(t, s->value == 0 ? SLICE("  down\n") : SLICE("  up\n"));
	}
}

/* The codes of a zone with the most requests ever. */
static void
put_listed(const struct looks *l, struct slice zone, struct text *t)
{
	const struct sample *best[LISTED_SHOWN] = { NULL };

	for (size_t i = 0; i < l->now->count; i++) {
		const struct sample *s = &l->now->sample[i];

		if (!slice_equal(s->name, SLICE("ammit_dnsbl_listed_total")) || s->value <= 0 ||
		    !slice_equal(scrape_label(s->labels, "zone"), zone))
			continue;
		for (unsigned k = 0; k < LISTED_SHOWN; k++) {
			const struct sample *was = best[k];

			if (was != NULL && was->value >= s->value)
				continue;
			best[k] = s;
			s = was;
			if (s == NULL)
				break;
		}
	}
	for (unsigned k = 0; k < LISTED_SHOWN && best[k] != NULL; k++) {
		text_put(t, k == 0 ? SLICE("  ") : SLICE(", "));
		put_name(t, scrape_label(best[k]->labels, "code"));
		text_printf(t, " %.0f", best[k]->value);
	}
}

static void
put_zones(const struct looks *l, struct text *t)
{
	text_printf(t, "\n%c%-26s%9s%8s%9s  %s\n", TOP_HEAD, "BLOCKLIST", "LOOKED/S", "HITS",
	    "FAILED/S", "LISTED MOST, EVER");
	for (size_t i = 0; i < l->now->count; i++) {
		const struct sample *s = &l->now->sample[i];
		bool suspended;
		double lookups;

		if (!slice_equal(s->name, SLICE("ammit_dnsbl_lookups_total")))
			continue;
		suspended = value(l, "ammit_dnsbl_suspended", s->labels) > 0;
		lookups = added(l, "ammit_dnsbl_lookups_total", s->labels);
		if (suspended)
			text_byte(t, TOP_ALARM);
		put_padded(t, scrape_label(s->labels, "zone"), 25);
		text_printf(t, " %9.1f  ", rate(l, "ammit_dnsbl_lookups_total", s->labels));
		put_share(t, added(l, "ammit_dnsbl_cached_total", s->labels), lookups);
		text_printf(t, "%9.1f",
		    rate(l, "ammit_dnsbl_failures_total", s->labels) +
			rate(l, "ammit_dnsbl_timeouts_total", s->labels));
		if (suspended)
			text_put(t, SLICE("  SUSPENDED"));
		put_listed(l, scrape_label(s->labels, "zone"), t);
		text_byte(t, '\n');
	}
}

void
top_table(const struct scrape *now, const struct scrape *before, double seconds, struct text *out)
{
	struct looks l = { now, before, seconds };
	double up = scrape_value(now, "ammit_uptime_seconds", NO_LABELS);

	/* A daemon that was started anew counts from nothing. */
	if (before != NULL && up < scrape_value(before, "ammit_uptime_seconds", NO_LABELS))
		l.before = NULL;
	if (l.before == NULL)
		l.seconds = up > 0 ? up : 1;
	put_head(&l, out);
	put_verdicts(&l, out);
	put_servers(&l, out);
	put_zones(&l, out);
}
