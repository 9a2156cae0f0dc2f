#include "daemon/metrics.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char got[METRICS_BYTES_MAX];

/* Two workers, two zones, the same server and one of its own. */
struct world {
	struct weigh_counts weigh[2];
	struct resolver_counts dns[2];
	struct dns_tally functions[2], tally[2][2];
	struct zone_state state[2];
	struct zone zone[2];
	struct site_counts site;
	struct oracle_counts oracle;
	struct drip_counts drip;
	struct circuits_counts circuits;
	struct metrics m;
};

static struct world w;

static void
latencies(struct latency *l, unsigned fast, unsigned slow)
{
	for (unsigned i = 0; i < fast; i++)
		latency_add(l, 100);
	for (unsigned i = 0; i < slow; i++)
		latency_add(l, 3000000);
}

static void
fill_worker(unsigned i)
{
	struct resolver_counts *dns = &w.dns[i];
	unsigned n = i + 1;

	counter_set(&w.weigh[i].verdict[0], 10 * n);
	counter_set(&w.weigh[i].verdict[2], 100 * n);
	counter_set(&w.weigh[i].answered_in_time, 3 * n);
	counter_set(&w.weigh[i].budget_spent, 4 * n);
	counter_set(&w.weigh[i].not_waited, 5 * n);
	counter_set(&w.weigh[i].unknown, 6 * n);
	counter_set(&w.weigh[i].rule_errors, 7 * n);
	counter_set(&w.weigh[i].remembered, 8 * n);
	counter_set(&w.weigh[i].fast_stale, 9 * n);
	latencies(&w.weigh[i].wait, n, n);
	counter_set(&dns->hits, 8 * n);
	counter_set(&dns->inflight, 9 * n);
	dns->servers = n;
	/* They are not in the same places. */
	snprintf(dns->server[i].name, sizeof(dns->server[i].name), "[::1]:53");
	counter_set(&dns->server[i].queries, 1000 * n);
	latencies(&dns->server[i].latency, 1, 0);
	dns->server[i].down = i == 1;
	counter_set(&w.functions[i].lookups, 11 * n);
	for (unsigned z = 0; z < 2; z++) {
		counter_set(&w.tally[z][i].lookups, 13 * n + z);
		counter_set(&w.tally[z][i].listed[0], n);
		counter_set(&w.tally[z][i].listed[1], 10 * n);
		counter_set(&w.tally[z][i].listed[2], 100 * n);
		counter_set(&w.tally[z][i].listed[DNS_TALLY_CODES], 1000 * n);
	}
	w.m.worker[i] = (struct metrics_worker){ &w.weigh[i], dns };
}

static void
fill(void)
{
	static const char names[2][16] = { "bl.test", "odd\"\\\n\xff.test" };

	memset(&w, 0, sizeof(w));
	for (unsigned i = 0; i < 2; i++)
		fill_worker(i);
	snprintf(w.dns[1].server[0].name, sizeof(w.dns[1].server[0].name), "127.0.0.1:53");
	counter_set(&w.dns[1].server[0].queries, 5);
	for (unsigned z = 0; z < 2; z++) {
		w.zone[z] = (struct zone){ .zone = slice_of(names[z]), .codes = 3 };
		w.zone[z].code[0].name = SLICE("HTTP \"proxy\"");
		w.zone[z].code[1].name = SLICE("t\xc3\xb8r");
		w.zone[z].code[2].name = SLICE("HTTP \"proxy\"");
		w.state[z].tally = w.tally[z];
		w.m.zone[z] = (struct metrics_zone){ &w.zone[z], &w.state[z] };
	}
	w.state[1].suspended = "lists everybody";
	w.state[1].suspensions = 4;
	counter_set(&w.site.served, 77);
	counter_set(&w.site.passed, 66);
	counter_set(&w.site.passed_by[1], 44);
	counter_set(&w.site.early, 33);
	counter_set(&w.site.trapped, 22);
	counter_set(&w.oracle.dropped, 11);
	w.m.workers = w.m.verdict_threads = w.m.zones = 2;
	w.m.functions = w.functions;
	w.m.site = &w.site;
	w.m.oracle = &w.oracle;
	w.m.drip = &w.drip;
	counter_set(&w.drip.visitors, 12);
	counter_set(&w.drip.served, 34);
	counter_set(&w.drip.refused, 56);
	counter_set(&w.drip.bytes, 7890);
	counter_set(&w.drip.held_ms, 61250);
	w.m.circuits = &w.circuits;
	w.circuits =
	    (struct circuits_counts){ .dropped = 21, .untracked = 22, .known = 23, .up = true };
	for (unsigned i = 0; i < TOR_OUTCOMES; i++)
		w.circuits.outcome[i] = 10 + i;
	w.m.uptime_s = 99;
	w.m.rules = 5;
}

static void
write_all(void)
{
	struct text out = { .buf = got, .cap = sizeof(got) };

	metrics_write(&w.m, &out);
	assert_false(out.cut);
	assert_true(out.len < sizeof(got));
	got[out.len] = '\0';
}

#define WAIT "ammit_dns_wait_seconds"
#define TOOK "ammit_dns_server_seconds"
#define LISTED "ammit_dnsbl_listed_total"
#define ODD "odd\\\"\\\\\\n?.test"

static const char *const lines[] = {
	"ammit_build_info{version=\"" AMMIT_VERSION "\"} 1",
	"ammit_uptime_seconds 99",
	"ammit_policy_rules 5",
	"ammit_verdicts_total{verdict=\"allow\"} 30",
	"ammit_verdicts_total{verdict=\"challenge\"} 0",
	"ammit_verdicts_total{verdict=\"deny\"} 300",
	"ammit_pages_total 77",
	"ammit_passes_total 66",
	"ammit_passes_by_total{method=\"wait\"} 44",
	"ammit_challenge_answers_total{result=\"early\"} 33",
	"ammit_honeypot_total 22",
	"ammit_question_total{result=\"dropped\"} 11",
	"ammit_rule_errors_total 21",
	"ammit_remember_total 24",
	"ammit_fast_stale_total 27",
	"ammit_dns_waits_total{result=\"answered\"} 9",
	"ammit_dns_waits_total{result=\"budget\"} 12",
	"ammit_dns_waits_total{result=\"not_waited\"} 15",
	"ammit_dns_unknown_total 18",
	/* Three of 0.1 ms, three of 3 s. */
	"# TYPE " WAIT " histogram",
	WAIT "_bucket{le=\"0.0001\"} 3",
	WAIT "_bucket{le=\"0.00025\"} 3",
	WAIT "_bucket{le=\"1\"} 3",
	WAIT "_bucket{le=\"+Inf\"} 6",
	WAIT "_count 6",
	WAIT "_sum 9.000300",
	"ammit_dns_cache_hits_total 24",
	"# TYPE ammit_dns_inflight gauge",
	"ammit_dns_inflight 27",
	"ammit_dns_server_queries_total{server=\"[::1]:53\"} 3000",
	"ammit_dns_server_queries_total{server=\"127.0.0.1:53\"} 5",
	"ammit_dns_server_up{server=\"[::1]:53\"} 0",
	"ammit_dns_server_up{server=\"127.0.0.1:53\"} 1",
	TOOK "_bucket{server=\"[::1]:53\",le=\"0.0001\"} 2",
	TOOK "_bucket{server=\"127.0.0.1:53\",le=\"+Inf\"} 0",
	TOOK "_count{server=\"[::1]:53\"} 2",
	TOOK "_sum{server=\"[::1]:53\"} 0.000200",
	"ammit_dnsbl_lookups_total{zone=\"bl.test\"} 39",
	"ammit_dnsbl_lookups_total{zone=\"" ODD "\"} 41",
	"ammit_dnsbl_lookups_total{zone=\"(functions)\"} 33",
	"ammit_dnsbl_suspended{zone=\"bl.test\"} 0",
	"ammit_dnsbl_suspended{zone=\"" ODD "\"} 1",
	"ammit_dnsbl_suspensions_total{zone=\"" ODD "\"} 4",
	"ammit_verdicts_total{verdict=\"drip\"} 0",
	"ammit_drip_visitors 12",
	"ammit_drip_served_total 34",
	"ammit_drip_refused_total 56",
	"ammit_drip_bytes_total 7890",
	"ammit_drip_held_seconds_total 61.250",
	"ammit_tor_up 1",
	"ammit_tor_circuits 23",
	"ammit_circuits_closed_total 11",
	"ammit_circuits_gone_total 12",
	"ammit_circuits_refused_total 13",
	"ammit_circuits_limited_total 14",
	"ammit_circuits_dry_run_total 15",
	"ammit_circuits_dropped_total 21",
	"ammit_circuits_untracked_total 22",
	/* Two codes have one name. */
	LISTED "{zone=\"bl.test\",code=\"HTTP \\\"proxy\\\"\"} 303",
	LISTED "{zone=\"bl.test\",code=\"t\xc3\xb8r\"} 30",
	LISTED "{zone=\"bl.test\",code=\"other\"} 3000",
};

static void
test_samples(void **state)
{
	(void)state;
	fill();
	write_all();
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		char line[256];

		snprintf(line, sizeof(line), "\n%s\n", lines[i]);
		if (strstr(got, line) == NULL)
			fail_msg("there is no line %s\n%s", lines[i], got);
	}
	assert_null(strstr(got, "suspended{zone=\"(functions)\"}"));
	assert_null(strstr(got, LISTED "{zone=\"(functions)\""));
}

/* Each sample once; each stands with its family, behind HELP and TYPE. */
static void
test_form(void **state)
{
	static char seen[METRICS_BYTES_MAX];
	struct slice rest, line;
	char type[128] = "", key[512];
	size_t samples = 0;

	(void)state;
	fill();
	write_all();
	snprintf(seen, sizeof(seen), "\n");
	for (rest = slice_of(got); rest.len > 0; samples++) {
		size_t name = 0, end;

		line = slice_split(rest, '\n', &rest);
		assert_true(line.len > 0 && line.len < 400);
		if (slice_starts(line, SLICE("# HELP "))) {
			struct slice after = { line.ptr + 7, line.len - 7 };
			struct slice family = slice_split(after, ' ', &after);

			assert_true(after.len > 0);
			snprintf(type, sizeof(type), "# TYPE %.*s ", (int)family.len, family.ptr);
			/* A family begins once. */
			assert_null(strstr(seen, type));
			assert_true(slice_starts(rest, slice_of(type)));
			snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s\n", type);
			continue;
		}
		if (line.ptr[0] == '#')
			continue;
		while (name < line.len && line.ptr[name] != '{' && line.ptr[name] != ' ')
			name++;
		end = strlen(type) - 8;
		assert_true(name >= end && memcmp(line.ptr, type + 7, end) == 0);
		for (end = line.len; line.ptr[end - 1] != ' '; end--)
			;
		snprintf(key, sizeof(key), "\n%.*s\n", (int)end, line.ptr);
		if (strstr(seen, key) != NULL)
			fail_msg("twice: %s", key);
		snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s", key + 1);
	}
	assert_true(samples > 100);
}

static void
test_nothing_yet(void **state)
{
	(void)state;
	fill();
	w.m.workers = w.m.zones = 0;
	w.m.drip = NULL;
	w.m.circuits = NULL;
	write_all();
	assert_non_null(strstr(got, "\nammit_dnsbl_lookups_total{zone=\"(functions)\"} 0\n"));
	assert_null(strstr(got, "{server="));
	assert_null(strstr(got, "ammit_drip_"));
	assert_null(strstr(got, "ammit_tor_"));
	assert_null(strstr(got, "ammit_circuits_"));
}

/* What does not fit is said, not overrun. */
static void
test_no_room(void **state)
{
	struct text out = { .buf = got, .cap = 100 };

	(void)state;
	fill();
	got[100] = '#';
	metrics_write(&w.m, &out);
	assert_true(out.cut && out.len <= 100 && got[100] == '#');
}

static void
test_stat(void **state)
{
	static const char *const want[] = { "up 99 s, 5 rules, 2 workers\n",
		"verdicts: allow 30, challenge 0, deny 300, drip 0\n",
		"drip: 12 now, 34 served, 56 refused, 7890 bytes, 61 s held\n",
		"tor: up, 23 circuits, 11 closed, 15 would be, 13 refused, 35 left open\n",
		"server [::1]:53: down, 3000 queries", "server 127.0.0.1:53: up, 5 queries",
		"zone bl.test: 39 lookups", "; suspended: lists everybody\n" };
	struct text out = { .buf = got, .cap = sizeof(got) };

	(void)state;
	fill();
	metrics_write_stat(&w.m, &out);
	got[out.len] = '\0';
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++)
		if (strstr(got, want[i]) == NULL)
			fail_msg("there is no %s in %s", want[i], got);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_samples),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_nothing_yet),
		cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_stat),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
