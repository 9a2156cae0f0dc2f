#include "base/dns.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define L63 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void
names_have_one_form(void **state)
{
	static const struct {
		const char *in, *want; /* NULL: none */
	} cases[] = {
		{ "example.org", "example.org" },
		{ "Example.ORG.", "example.org" },
		{ "_dmarc.x-1.test", "_dmarc.x-1.test" },
		{ "a", "a" },
		{ L63 ".a", L63 ".a" },
		{ L63 "x.a", NULL },
		{ L63 "." L63 "." L63 "." L63, NULL },
		{ "", NULL },
		{ ".", NULL },
		{ "a..b", NULL },
		{ ".a", NULL },
		{ "a b", NULL },
		{ "a/b", NULL },
		{ "a*b", NULL },
		{ "caf\xc3\xa9.fr", NULL },
		{ "a\nb", NULL },
	};
	char longest[DNS_NAME_MAX + 2], out[DNS_NAME_MAX + 1];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct slice got = dns_name_normal(slice_of(cases[i].in), out);

		if ((got.ptr == NULL) != (cases[i].want == NULL) ||
		    (got.ptr != NULL && strcmp(got.ptr, cases[i].want) != 0))
			fail_msg("%s: %s", cases[i].in, got.ptr);
	}
	for (unsigned i = 0; i < sizeof(longest); i++)
		longest[i] = i % 50 == 49 ? '.' : 'a';
	assert_int_equal(
	    dns_name_normal((struct slice){ longest, DNS_NAME_MAX }, out).len, DNS_NAME_MAX);
	assert_null(dns_name_normal((struct slice){ longest, DNS_NAME_MAX + 1 }, out).ptr);
	assert_null(dns_name_normal((struct slice){ "a\0b", 3 }, out).ptr);
}

static void
addresses_backwards(void **state)
{
	static const struct {
		const char *in, *zone, *want;
	} cases[] = {
		{ "1.2.3.4", "bl.test", "4.3.2.1.bl.test" },
		{ "255.0.10.99", "bl.test", "99.10.0.255.bl.test" },
		{ "1.2.3.4", NULL, "4.3.2.1.in-addr.arpa" },
		{ "::ffff:1.2.3.4", "bl.test", "4.3.2.1.bl.test" },
		{ "2001:db8:1::bad", "bl.test",
		    "d.a.b.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.bl.test" },
		{ "2001:db8::1", NULL,
		    "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa" },
	};
	struct address none = { { 0 }, 0 };
	char out[DNS_NAME_MAX + 1], zone[DNS_NAME_MAX];

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct address a;
		struct slice got;

		assert_true(address_parse(slice_of(cases[i].in), &a));
		got = dns_reverse(
		    &a, cases[i].zone == NULL ? dns_arpa(&a) : slice_of(cases[i].zone), out);
		assert_string_equal(got.ptr, cases[i].want);
		assert_int_equal(got.len, strlen(cases[i].want));
	}
	memset(zone, 'z', sizeof(zone));
	assert_true(address_parse(SLICE("2001:db8::1"), &none));
	assert_null(dns_reverse(&none, (struct slice){ zone, DNS_NAME_MAX - 63 }, out).ptr);
	assert_int_equal(
	    dns_reverse(&none, (struct slice){ zone, DNS_NAME_MAX - 64 }, out).len, DNS_NAME_MAX);
	/* IPv4 needs less: "255.255.255.255." at most. */
	none = (struct address){ { 255, 255, 255, 255 }, 4 };
	assert_null(dns_reverse(&none, (struct slice){ zone, DNS_NAME_MAX - 15 }, out).ptr);
	assert_int_equal(
	    dns_reverse(&none, (struct slice){ zone, DNS_NAME_MAX - 16 }, out).len, DNS_NAME_MAX);
	none = (struct address){ { 0 }, 0 };
	assert_null(dns_reverse(&none, SLICE("bl.test"), out).ptr);
	assert_null(dns_reverse(&none, SLICE(""), out).ptr);
}

static void
records_one_by_one(void **state)
{
	struct dns_answer a = { DNS_FOUND, DNS_A, 2, { "\1\2\3\4\5\6\7\10", 8 } };
	struct slice r;
	size_t at = 0;

	(void)state;
	assert_true(dns_answer_next(&a, &at, &r));
	assert_memory_equal(r.ptr, "\1\2\3\4", 4);
	assert_true(dns_answer_next(&a, &at, &r));
	assert_memory_equal(r.ptr, "\5\6\7\10", 4);
	assert_false(dns_answer_next(&a, &at, &r));
	a = (struct dns_answer){ DNS_FOUND, DNS_PTR, 2, { "\1a\3b.c", 6 } };
	at = 0;
	assert_true(dns_answer_next(&a, &at, &r));
	assert_true(slice_equal(r, SLICE("a")));
	assert_true(dns_answer_next(&a, &at, &r));
	assert_true(slice_equal(r, SLICE("b.c")));
	assert_false(dns_answer_next(&a, &at, &r));
	/* What is cut short ends it. */
	a.data.len = 5;
	at = 2;
	assert_false(dns_answer_next(&a, &at, &r));
	a = (struct dns_answer){ DNS_FOUND, DNS_AAAA, 1, { "0123456789abcde", 15 } };
	at = 0;
	assert_false(dns_answer_next(&a, &at, &r));
}

static void
latencies_fall_into_their_buckets(void **state)
{
	static struct latency l;

	(void)state;
	for (unsigned i = 0; i < LATENCY_BUCKETS - 1; i++) {
		latency_add(&l, latency_limit_us[i]);
		assert_int_equal(counter_get(&l.bucket[i]), 1);
		latency_add(&l, latency_limit_us[i] + 1);
		assert_int_equal(counter_get(&l.bucket[i + 1]), 1);
		counter_set(&l.bucket[i + 1], 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_have_one_form),
		cmocka_unit_test(addresses_backwards),
		cmocka_unit_test(records_one_by_one),
		cmocka_unit_test(latencies_fall_into_their_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
