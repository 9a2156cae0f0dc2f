#include "cli/haproxy_if.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void
conditions(void **state)
{
	static const struct {
		const char *in;
		int want; /* -1: not known */
	} cases[] = {
		{ "", 0 },
		{ "1", 1 },
		{ "0", 0 },
		{ "7 ", 1 },
		{ "defined(HERE)", 1 },
		{ "defined( HERE )", 1 },
		{ "defined(EMPTY)", 1 },
		{ "defined(GONE)", 0 },
		{ "!defined(GONE)", 1 },
		{ "!!defined(GONE)", 0 },
		{ "version_atleast(2.6)", 1 },
		{ "version_atleast(2.6-dev3)", 1 },
		{ "version_atleast(2.10)", 0 },
		{ "version_atleast(3.1)", 0 },
		{ "version_before(3.1)", 1 },
		{ "version_before(2.6)", 0 },
		{ "streq(a,a)", 1 },
		{ "streq(a,b)", 0 },
		{ "strneq(a,b)", 1 },
		{ "strstr(haystack,yst)", 1 },
		{ "strstr(haystack,x)", 0 },
		{ "defined(HERE) && version_atleast(3.0)", 0 },
		{ "defined(HERE) || version_atleast(3.0)", 1 },
		{ "0 && 0 || 1", 1 },
		{ "0 && (0 || 1)", 0 },
		{ "!(0 || 1)", 0 },
		{ "feature(OPENSSL)", -1 },
		{ "defined(HERE) && feature(OPENSSL)", -1 },
		{ "defined(HERE", -1 },
		{ "(1", -1 },
		{ "1 1", -1 },
		{ "&&", -1 },
		{ "yes", -1 },
	};
	static const char environment[] = "HERE=1\0EMPTY=\0";
	struct haproxy_conf *c =
	    haproxy_conf_new((struct slice){ environment, sizeof(environment) }, 206);
	char deep[20001];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool known = false, value = haproxy_if(c, slice_of(cases[i].in), &known);

		if ((known ? value : -1) != cases[i].want || (!known && value))
			fail_msg("%s: %d, known %d", cases[i].in, value, known);
	}
	for (unsigned i = 0; i < 3; i++) {
		bool known = true;

		memset(deep, "(!\0"[i == 2 ? 0 : i], sizeof(deep) - 1);
		deep[sizeof(deep) - 1] = '\0';
		(void)haproxy_if(c, slice_of(deep), &known);
		assert_false(known);
	}
	haproxy_conf_free(c);
}

static void
versions(void **state)
{
	(void)state;
	assert_int_equal(haproxy_version(SLICE("2.6.12-1+deb12u1 2023/12/16")), 206);
	assert_int_equal(haproxy_version(SLICE("3.2")), 302);
	assert_int_equal(haproxy_version(SLICE("3.1-dev7")), 301);
	assert_int_equal(haproxy_version(SLICE("2")), 0);
	assert_int_equal(haproxy_version(SLICE("")), 0);
	assert_int_equal(haproxy_version(SLICE("a.b")), 0);
	assert_int_equal(haproxy_version(SLICE("999999.1")), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(conditions),
		cmocka_unit_test(versions) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
