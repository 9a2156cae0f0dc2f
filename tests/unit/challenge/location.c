#include "challenge/location.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *in;
	bool want;
} cases[] = {
	{ "/", true },
	{ "/index.html", true },
	{ "/a/b/c", true },
	{ "/a/b/", true },
	{ "/a//b", true },
	{ "/?q=1", true },
	{ "/a?next=https://example.org/", true },
	{ "/a?next=//example.org", true },
	{ "/a#part", true },
	{ "/#", true },
	{ "/@user", true },
	{ "/:80/", true },
	{ "/a:b", true },
	{ "/javascript:alert(1)", true },
	{ "/https://example.org/", true },
	{ "/%2f%2fevil", true },
	{ "/%2Fevil", true },
	{ "/%5cevil", true },
	{ "/%", true },
	{ "/%zz", true },
	{ "/%2", true },
	{ "/%00", true },
	{ "/a%20b", true },
	{ "/%C3%A4", true },
	{ "/~user/", true },
	{ "/<script>", true },
	{ "/...", true },
	{ "/.../.ammitx/", true },
	{ "/.", true },
	{ "/..", true },
	{ "/a/./b", true },
	{ "/a/../b", true },
	{ "/a/%2e%2e/b", true },
	{ "/.well-known/acme", true },
	{ "/.ammitx/pass", true },
	{ "/ammit/pass", true },
	{ "/x.ammit/pass", true },
	{ "/.ammi/t", true },
	{ "/repo/.ammit/pass", true },
	{ "/?/.ammit/pass", true },
	{ "/a?/../.ammit/", true },
	{ "/%252eammit/pass", true },

	{ "", false },
	{ "?q", false },
	{ "#a", false },
	{ "a", false },
	{ "./a", false },
	{ "../a", false },
	{ "%2fa", false },
	{ "//", false },
	{ "//evil", false },
	{ "//evil.example/path", false },
	{ "///evil", false },
	{ "/\\evil", false },
	{ "\\/evil", false },
	{ "\\\\evil", false },
	{ "/a\\..\\..\\evil", false },
	{ "/?a=\\", false },
	{ "/\t/evil", false },
	{ "\t//evil", false },
	{ "/\n/evil", false },
	{ "/a\r\nSet-Cookie: x=1", false },
	{ "/ /evil", false },
	{ "/ /", false },
	{ " /a", false },
	{ "/a ", false },
	{ "/\x01", false },
	{ "/\x1f/evil", false },
	{ "/\x7f", false },
	{ "/\x80", false },
	{ "/\xc3\xa4", false },
	{ "/\xe2\x80\xa8", false },
	{ "/\xff", false },
	{ "javascript:alert(1)", false },
	{ "JavaScript:alert(1)//", false },
	{ "java\tscript:alert(1)", false },
	{ "data:text/html,x", false },
	{ "vbscript:x", false },
	{ "https://example.org/", false },
	{ "http:example.org", false },
	{ "https:/example.org", false },
	{ "mailto:a@example.org", false },

	{ "/.ammit/pass", false },
	{ "/.ammit/", false },
	{ "/.ammit", false },
	{ "/.ammit?x", false },
	{ "/.ammit#x", false },
	{ "/.AMMIT/pass", false },
	{ "/%2eammit/pass", false },
	{ "/%2Eammit/pass", false },
	{ "/.%61mmit/pass", false },
	{ "/%2e%61%6d%6d%69%74/pass", false },
	{ "/.ammit%2fpass", false },
	{ "/.ammit%5cpass", false },
	{ "/%2f.ammit/pass", false },
	{ "/a/../.ammit/x", false },
	{ "/./.ammit/", false },
	{ "/%2e/.ammit/", false },
	{ "/a/%2e%2e/.ammit/x", false },
	{ "/a/.%2E/.ammit/x", false },
	{ "/a/b/../../.ammit/x", false },
	{ "/x%2fy/../.ammit/x", false },
	{ "/../.ammit/", false },
	{ "//.ammit", false },
	{ "//.ammit/pass", false },
	{ "/.//evil.example", false },
	{ "/a/..//evil.example", false },
	{ "/%2e%2e//evil.example", false },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (location_valid(slice_of(cases[i].in)) != cases[i].want)
			fail_msg("%s", cases[i].in);
}

static void
test_length_and_nul(void **state)
{
	char large[LOCATION_MAX + 1];
	static const char nul[] = "/a\0b";

	(void)state;
	memset(large, 'a', sizeof(large));
	large[0] = '/';
	assert_true(location_valid((struct slice){ large, LOCATION_MAX }));
	assert_false(location_valid((struct slice){ large, LOCATION_MAX + 1 }));
	assert_false(location_valid((struct slice){ nul, sizeof(nul) - 1 }));
	assert_false(location_valid((struct slice){ NULL, 0 }));
}

/* One bad byte anywhere is enough. */
static void
test_every_byte(void **state)
{
	char path[] = "/abc?d=e#f";

	(void)state;
	for (size_t i = 0; i < sizeof(path) - 1; i++)
		for (int c = 0; c < 256; c++) {
			char good = path[i];
			bool bad = c <= 0x20 || c >= 0x7f || c == '\\' || (i == 0 && c != '/') ||
				   (i == 1 && c == '/');

			path[i] = (char)c;
			assert_int_equal(
			    location_valid((struct slice){ path, sizeof(path) - 1 }), !bad);
			path[i] = good;
		}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_length_and_nul),
		cmocka_unit_test(test_every_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
