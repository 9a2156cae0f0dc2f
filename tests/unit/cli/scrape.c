#include "cli/scrape.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cli/top_table.h"

static const char before_text[] = "# HELP a Text.\n# TYPE a counter\na 1\n"
				  "b{x=\"1\",y=\"q\\\"}, z=\"} 2.5\n"
				  "h_bucket{zone=\"z\",le=\"0.1\"} 10\n"
				  "h_bucket{zone=\"z\",le=\"0.2\"} 10\n"
				  "h_bucket{zone=\"z\",le=\"+Inf\"} 10\n"
				  "h_count{zone=\"z\"} 10\n";
static const char now_text[] = "a 3\n"
			       "h_bucket{zone=\"z\",le=\"0.1\"} 10\n"
			       "h_bucket{zone=\"z\",le=\"0.2\"} 18\n"
			       "h_bucket{zone=\"z\",le=\"+Inf\"} 20\n"
			       "h_count{zone=\"z\"} 20\n"
			       "h_bucket{zone=\"zz\",le=\"0.1\"} 99\n";
#define ZONE SLICE("zone=\"z\"")
#define NONE ((struct slice){ NULL, 0 })

static void
test_values(void **state)
{
	struct scrape s;

	(void)state;
	scrape_read(&s, slice_of(before_text));
	assert_int_equal(s.count, 6);
	assert_true(scrape_value(&s, "a", NONE) == 1);
	assert_true(scrape_value(&s, "b", SLICE("x=\"1\",y=\"q\\\"}, z=\"")) == 2.5);
	assert_true(scrape_value(&s, "b", NONE) == 0 && scrape_value(NULL, "a", NONE) == 0);
	scrape_fini(&s);
}

static const struct {
	const char *labels, *label, *want; /* want NULL: there is none */
} labels[] = {
	{ "x=\"1\",y=\"q\\\"}, z=\"", "x", "1" },
	{ "x=\"1\",y=\"q\\\"}, z=\"", "y", "q\\\"}, z=" },
	{ "x=\"1\"", "z", NULL },
	{ "x=\"\"", "x", "" },
	{ "", "x", NULL },
	{ "x", "x", NULL },
	{ "x=", "x", NULL },
	{ "x=\"", "x", NULL },
	{ "x=\"a\\\"", "x", NULL },
	{ "x=\"a\\", "x", NULL },
};

static void
test_labels(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(labels) / sizeof(labels[0]); i++) {
		struct slice got = scrape_label(slice_of(labels[i].labels), labels[i].label);

		if ((got.ptr == NULL) != (labels[i].want == NULL) ||
		    (got.ptr != NULL && !slice_equal(got, slice_of(labels[i].want))))
			fail_msg("%s of %s: %.*s", labels[i].label, labels[i].labels, (int)got.len,
			    got.ptr);
	}
}

static void
test_garbage(void **state)
{
	static const char *const garbage[] = { "", "\n\n", "a", "a b", "{} 1x", "a{ 1", "a} 1",
		"a{x=\"1\" 1", " ", "a 1 x", "}{ 1" };

	(void)state;
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		struct scrape s;

		scrape_read(&s, slice_of(garbage[i]));
		if (s.count > 1 || (s.count == 1 && s.sample[0].name.len == 0))
			fail_msg("%s", garbage[i]);
		scrape_fini(&s);
	}
}

static void
test_quantiles(void **state)
{
	struct scrape before, now;

	(void)state;
	scrape_read(&before, slice_of(before_text));
	scrape_read(&now, slice_of(now_text));
	/* Ten since: eight from 0.1 to 0.2, two above. */
	assert_true(fabs(scrape_quantile(&now, &before, "h", ZONE, 0.4) - 0.15) < 1e-9);
	assert_true(fabs(scrape_quantile(&now, &before, "h", ZONE, 0.99) - 0.2) < 1e-9);
	/* Twenty ever: half of them below 0.1. */
	assert_true(fabs(scrape_quantile(&now, NULL, "h", ZONE, 0.25) - 0.05) < 1e-9);
	assert_true(scrape_quantile(&now, &now, "h", ZONE, 0.5) == -1);
	assert_true(scrape_quantile(&now, &before, "h", SLICE("zone=\"y\""), 0.5) == -1);
	scrape_fini(&before);
	scrape_fini(&now);
}

#define SEEN(up, n)                                                                                \
	"ammit_uptime_seconds " up "\nammit_verdicts_total{verdict=\"deny\"} " n "\n"              \
	"ammit_dns_server_up{server=\"1.2.3.4:53\"} 0\n"                                           \
	"ammit_dnsbl_lookups_total{zone=\"z\"} 4\nammit_dnsbl_cached_total{zone=\"z\"} 1\n"        \
	"ammit_dnsbl_suspended{zone=\"z\"} 1\n"                                                    \
	"ammit_dnsbl_listed_total{zone=\"z\",code=\"a\"} 1\n"                                      \
	"ammit_dnsbl_listed_total{zone=\"z\",code=\"b\"} 4\n"                                      \
	"ammit_dnsbl_listed_total{zone=\"z\",code=\"c\\\"\033\"} 3\n"                              \
	"ammit_dnsbl_listed_total{zone=\"z\",code=\"d\"} 2\n"

static const struct {
	const char *name, *before, *now; /* before NULL: none */
	const char *want;
} tables[] = {
	{ "since the start", NULL, SEEN("10", "50"), "deny 5.0 " },
	{ "a rate", SEEN("10", "50"), SEEN("12", "70"), "deny 10.0 " },
	{ "started anew", SEEN("100", "500"), SEEN("10", "20"), "deny 2.0 " },
	{ "just started", NULL, SEEN("0", "3"), "deny 3.0 " },
	{ "a server that is down", NULL, SEEN("10", "1"), "\n\0021.2.3.4:53 " },
	{ "the three most, as a terminal may see them", NULL, SEEN("10", "1"),
	    " 25.0%      0.0  SUSPENDED  b 4, c\"? 3, d 2\n" },
};

static void
test_table(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
		static char buf[TOP_BYTES_MAX + 1];
		struct text out = { .buf = buf, .cap = sizeof(buf) - 1 };
		struct scrape before, now;

		scrape_read(&before, slice_of(tables[i].before != NULL ? tables[i].before : ""));
		scrape_read(&now, slice_of(tables[i].now));
		top_table(&now, tables[i].before != NULL ? &before : NULL, 2, &out);
		buf[out.len] = '\0';
		if (strstr(buf, tables[i].want) == NULL)
			fail_msg("%s: %s", tables[i].name, buf);
		scrape_fini(&before);
		scrape_fini(&now);
	}
}

/* Trailing blanks may be cut off, nothing else. */
static void
test_width(void **state)
{
	static const char *const names[] = { "verdicts_total{verdict=\"allow\"}",
		"verdicts_total{verdict=\"challenge\"}", "verdicts_total{verdict=\"deny\"}",
		"pages_total", "passes_total", "dns_waits_total{result=\"answered\"}",
		"dns_waits_total{result=\"budget\"}", "dns_waits_total{result=\"not_waited\"}",
		"dns_wait_seconds_bucket{le=\"0.5\"}", "dns_wait_seconds_count",
		"dns_cache_hits_total", "dns_cache_entries", "dns_cache_bytes",
		"dns_cache_evictions_total", "dns_inflight", "dns_server_up{server=\"s\"}",
		"dns_server_queries_total{server=\"s\"}", "dns_server_answers_total{server=\"s\"}",
		"dns_server_timeouts_total{server=\"s\"}", "dnsbl_lookups_total{zone=\"z\"}",
		"dnsbl_cached_total{zone=\"z\"}", "dnsbl_failures_total{zone=\"z\"}" };
	static const double counts[] = { 0, 99.9, 99.96, 99999.4, 99999.6, 999999, 5e6 };
	static char seen[8192], buf[TOP_BYTES_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		struct text in = { .buf = seen, .cap = sizeof(seen) },
			    out = { .buf = buf, .cap = sizeof(buf) };
		struct slice rest, line;
		struct scrape now;

		text_printf(&in, "ammit_uptime_seconds 1\n");
		for (size_t k = 0; k < sizeof(names) / sizeof(names[0]); k++)
			text_printf(&in, "ammit_%s %f\n", names[k], counts[i]);
		scrape_read(&now, text_slice(&in));
		top_table(&now, NULL, 1, &out);
		for (rest = text_slice(&out); rest.len > 0;) {
			line = slice_split(rest, '\n', &rest);
			if (line.len > 0 && line.ptr[0] <= TOP_ALARM)
				line = (struct slice){ line.ptr + 1, line.len - 1 };
			if (slice_trim(line).len > 80)
				fail_msg("%.*s", (int)line.len, line.ptr);
		}
		scrape_fini(&now);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_labels),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_width),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
