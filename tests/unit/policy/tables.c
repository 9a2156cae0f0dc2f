#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/text.h"
#include "daemon/generation.h"
#include "policy/verdict.h"
#include "unit/policy/fake_dns.h"

/*
 * Verdicts of the policies that we ship, as visitors meet them: tests/data/verdicts/NAME.tsv, a row
 * for a request. What the DNS says is in `records`, all else there is none of. Read where the
 * program is started: in the root of the tree.
 */
#define ROWS_MIN 400
#define POLICIES_MAX 32

enum column { POLICY, METHOD, HOST, PATH, SRC, HEADERS, VERDICT, RULE, WEIGHT, COLUMNS };

static const struct fake_record records[] = {
	/* Listed. */
	{ DNS_A, "8.7.6.5.dnsbl.dronebl.org", "127.0.0.9" },
	{ DNS_A, "9.7.6.5.dnsbl.dronebl.org", "127.0.0.19" },
	{ DNS_A,
	    "8.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.6.0.0.0.5.0.a.0.2.0.a.2.dnsbl.dronebl.org",
	    "127.0.0.13" },
	/* Crawlers at addresses that their lists do not have, and one who only has the name. */
	{ DNS_PTR, "1.7.6.5.in-addr.arpa", "5-6-7-1.spider.yandex.com" },
	{ DNS_A, "5-6-7-1.spider.yandex.com", "5.6.7.1" },
	{ DNS_PTR, "2.7.6.5.in-addr.arpa", "5-6-7-2.spider.yandex.com" },
	{ DNS_A, "5-6-7-2.spider.yandex.com", "5.255.253.2" },
	{ DNS_PTR, "3.7.6.5.in-addr.arpa", "crawl-5-6-7-3.googlebot.com" },
	{ DNS_A, "crawl-5-6-7-3.googlebot.com", "5.6.7.3" },
	{ DNS_PTR, "4.7.6.5.in-addr.arpa", "msnbot-5-6-7-4.search.msn.com" },
	{ DNS_A, "msnbot-5-6-7-4.search.msn.com", "5.6.7.4" },
	{ DNS_PTR, "5.7.6.5.in-addr.arpa", "5-6-7-5.applebot.apple.com" },
	{ DNS_A, "5-6-7-5.applebot.apple.com", "5.6.7.5" },
	{ DNS_PTR, "6.7.6.5.in-addr.arpa", "!" },
	{ DNS_PTR, "7.7.6.5.in-addr.arpa", "?" },
	{ DNS_A, NULL, NULL },
};

static void
look(void *context, const struct dns_question *q, struct dns_answer *out)
{
	struct fake_dns *d = context;

	d->length = 0;
	fake_look(d, q, out);
}

static struct dns_tally *
zone_tally(void *context, unsigned zone, bool *suspended)
{
	(void)context, (void)zone;
	*suspended = false;
	return NULL;
}

static struct {
	struct slice file;
	struct policy *policy;
} loaded[POLICIES_MAX];
static struct judge *judge;
static unsigned rows, failures;

static struct policy *
policy_of(struct slice file)
{
	struct problems p = { 0 };
	char *name;
	unsigned i = 0;

	while (i < POLICIES_MAX && loaded[i].policy != NULL && !slice_equal(loaded[i].file, file))
		i++;
	assert_true(i < POLICIES_MAX);
	if (loaded[i].policy != NULL)
		return loaded[i].policy;
	name = strndup(file.ptr, file.len);
	loaded[i].policy = generation_policy(name, &p);
	for (size_t n = 0; n < p.count; n++)
		if (!p.list[n].warning)
			print_error("%s\n", p.list[n].text);
	problems_fini(&p);
	assert_non_null(loaded[i].policy);
	loaded[i].file = slice_of(name);
	return loaded[i].policy;
}

/* "Name: value", or what HAProxy tells beside headers: "rate: 200", "tls.version: TLSv1.3". */
static void
set_header(const struct policy *p, struct request *r, struct slice line)
{
	static const struct {
		const char *name;
		enum request_number which;
	} numbers[] = { { "rate", REQUEST_RATE }, { "pass.rate", REQUEST_PASS_RATE },
		{ "circuit.effort", REQUEST_EFFORT } };
	struct slice value, name = slice_trim(slice_split(line, ':', &value));
	char buf[64] = "hdr.";
	struct text argument = { .buf = buf, .len = 4, .cap = sizeof(buf) };
	unsigned long long n;
	int field;

	value = slice_trim(value);
	for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (!slice_equal(name, slice_of(numbers[i].name)))
			continue;
		assert_true(slice_number(value, INT32_MAX, &n));
		r->number[numbers[i].which] = (int64_t)n;
		r->known |= 1u << numbers[i].which;
		return;
	}
	if (slice_equal(name, SLICE("User-Agent"))) {
		request_set(r, REQUEST_USER_AGENT, value);
		return;
	}
	if (slice_equal(name, SLICE("tls.version"))) {
		request_set(r, REQUEST_TLS, value);
		return;
	}
	for (size_t i = 0; i < name.len; i++)
		text_byte(&argument, ascii_lower(name.ptr[i]));
	field = policy_field(p, text_slice(&argument));
	if (field != REQUEST_FIELD_NONE)
		request_set(r, (unsigned)field, value);
}

static struct request
request_of(const struct policy *p, const struct slice *column)
{
	struct request r = { 0 };
	struct slice query = { NULL, 0 }, path = slice_split(column[PATH], '?', &query);

	assert_true(address_parse(column[SRC], &r.src));
	request_set(&r, REQUEST_METHOD, column[METHOD]);
	request_set(&r, REQUEST_HOST, column[HOST]);
	request_set(&r, REQUEST_PATH, path);
	request_set(&r, REQUEST_QUERY, query);
	request_set(&r, REQUEST_VERSION, SLICE("1.1"));
	for (struct slice rest = column[HEADERS]; rest.len > 0;) {
		const char *bar = memmem(rest.ptr, rest.len, " | ", 3);
		size_t n = bar == NULL ? rest.len : (size_t)(bar - rest.ptr);

		set_header(p, &r, (struct slice){ rest.ptr, n });
		rest = bar == NULL ? (struct slice){ NULL, 0 }
				   : (struct slice){ bar + 3, rest.len - n - 3 };
	}
	return r;
}

static void
check_row(const char *file, unsigned line, const struct slice *column)
{
	const struct policy *p = policy_of(column[POLICY]);
	struct request r = request_of(p, column);
	struct fake_dns dns = { .list = records };
	const struct dns_view view = { &dns, look, zone_tally, NULL, true };
	const struct evidence none = { .dns = &view };
	struct verdict v;
	char got[16];

	rows++;
	policy_judge(p, judge, &r, &none, &v, NULL);
	snprintf(got, sizeof(got), "%d", v.weight);
	if (slice_equal(column[VERDICT], slice_of(verdict_names[v.kind])) &&
	    slice_equal(column[RULE], v.rule) && slice_equal(column[WEIGHT], slice_of(got)))
		return;
	failures++;
	print_error("%s:%u: %s %.*s %s, not %.*s %.*s %.*s: %.*s %.*s\n", file, line,
	    verdict_names[v.kind], (int)v.rule.len, v.rule.ptr, got, (int)column[VERDICT].len,
	    column[VERDICT].ptr, (int)column[RULE].len, column[RULE].ptr, (int)column[WEIGHT].len,
	    column[WEIGHT].ptr, (int)column[PATH].len, column[PATH].ptr, (int)column[HEADERS].len,
	    column[HEADERS].ptr);
}

static void
check_file(const char *file)
{
	FILE *f = fopen(file, "r");
	char line[8192];
	unsigned number = 0;

	assert_non_null(f);
	while (fgets(line, sizeof(line), f) != NULL) {
		struct slice column[COLUMNS], rest = slice_of(line);
		unsigned n = 0;

		number++;
		assert_true(rest.len > 0 && line[rest.len - 1] == '\n');
		rest.len--;
		if (rest.len == 0 || line[0] == '#')
			continue;
		while (n < COLUMNS && rest.ptr != NULL)
			column[n++] = slice_split(rest, '\t', &rest);
		if (n != COLUMNS || rest.len > 0) {
			print_error("%s:%u: not %d columns\n", file, number, COLUMNS);
			failures++;
			continue;
		}
		check_row(file, number, column);
	}
	fclose(f);
}

static void
tables(void **state)
{
	glob_t found;

	(void)state;
	judge = judge_new();
	assert_int_equal(glob("tests/data/verdicts/*.tsv", 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++)
		check_file(found.gl_pathv[i]);
	globfree(&found);
	for (unsigned i = 0; i < POLICIES_MAX && loaded[i].policy != NULL; i++) {
		policy_free(loaded[i].policy);
		free((char *)(uintptr_t)loaded[i].file.ptr);
	}
	judge_free(judge);
	assert_int_equal(failures, 0);
	assert_true(rows >= ROWS_MIN);
}

int
main(void)
{
	const struct CMUnitTest all[] = { cmocka_unit_test(tables) };

	return cmocka_run_group_tests(all, NULL, NULL);
}
