#include "cli/jar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define NOW 1800000000

static const struct {
	const char *header;
	const char *want; /* its line of example.org, NULL: none */
} cookies[] = {
	{ "ammit=a.b-c; Path=/; Max-Age=60; HttpOnly; SameSite=Lax",
	    "example.org\tFALSE\t/\tFALSE\t1800000060\tammit\ta.b-c\n" },
	{ "ammit=x; Path=/; Max-Age=60; Secure",
	    "example.org\tFALSE\t/\tTRUE\t1800000060\tammit\tx\n" },
	{ " a = b ;secure;PATH=/p;max-age=1", "example.org\tFALSE\t/p\tTRUE\t1800000001\ta\tb\n" },
	{ "a=b", "example.org\tFALSE\t/\tFALSE\t0\ta\tb\n" },
	{ "a=", "example.org\tFALSE\t/\tFALSE\t0\ta\t\n" },
	{ "a=b=c", "example.org\tFALSE\t/\tFALSE\t0\ta\tb=c\n" },
	{ "a=b; Max-Age=99999999999999999999999", "example.org\tFALSE\t/\tFALSE\t0\ta\tb\n" },
	{ "a=b; Max-Age=9999999999", "example.org\tFALSE\t/\tFALSE\t1834560000\ta\tb\n" },
	{ "a=b; Max-Age=x", "example.org\tFALSE\t/\tFALSE\t0\ta\tb\n" },
	{ "a=b; Path=x; Path=", "example.org\tFALSE\t/\tFALSE\t0\ta\tb\n" },
	{ "a=b; Path=/\t/", "example.org\tFALSE\t/\tFALSE\t0\ta\tb\n" },
	/* Another host's is not taken: it stays with the one that set it. */
	{ "a=b; Domain=org", "example.org\tFALSE\t/\tFALSE\t0\ta\tb\n" },
	{ "a=b; Max-Age=0", NULL },
	{ "a=b; Max-Age=-1", NULL },
	{ "", NULL },
	{ "a", NULL },
	{ "=b", NULL },
	{ "a=b\tc", NULL },
	{ "a=b c", NULL },
	{ "a\tb=c", NULL },
	{ "a=b\nc", NULL },
	{ "a=b\x7f", NULL },
	{ "a=\xc3\xa9", NULL },
	{ "a=\"b\"", NULL },
	{ "a=b,c", NULL },
	{ "a=b\\c", NULL },
};

static void
test_cookies(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cookies) / sizeof(cookies[0]); i++) {
		char line[256];
		struct text t = { .buf = line, .cap = sizeof(line) };
		struct cookie c;
		bool good = cookie_parse(slice_of(cookies[i].header), &c);

		if (good != (cookies[i].want != NULL))
			fail_msg("%s", cookies[i].header);
		if (!good)
			continue;
		jar_line(&t, &c, "example.org", NOW);
		if (!slice_equal(text_slice(&t), slice_of(cookies[i].want)))
			fail_msg("%s: %.*s", cookies[i].header, (int)t.len, line);
	}
}

static void
test_long_cookie(void **state)
{
	static char header[JAR_LINE_MAX];
	struct cookie c;

	(void)state;
	memset(header, 'x', sizeof(header) - 1);
	header[1] = '=';
	assert_false(cookie_parse(slice_of(header), &c));
	header[JAR_LINE_MAX / 2 + 1] = '\0';
	assert_true(cookie_parse(slice_of(header), &c));
}

static void
test_host_of_ipv6(void **state)
{
	char line[256];
	struct text t = { .buf = line, .cap = sizeof(line) };
	struct cookie c;

	(void)state;
	assert_true(cookie_parse(SLICE("a=b"), &c));
	jar_line(&t, &c, "[2001:db8::1]", NOW);
	assert_true(slice_equal(text_slice(&t), SLICE("2001:db8::1\tFALSE\t/\tFALSE\t0\ta\tb\n")));
}

/* What is sent to http://example.org and https://example.org. */
static const struct {
	const char *jar, *http, *https;
} sent[] = {
	{ "", "", "" },
	{ "example.org\tFALSE\t/\tFALSE\t0\ta\tb\n", "a=b", "a=b" },
	{ "example.org\tFALSE\t/\tTRUE\t1800000001\ta\tb", "", "a=b" },
	{ "# "
	  "x\n\n#HttpOnly_example.org\tFALSE\t/\tFALSE\t0\ta\tb\r\n.Example.org\tTRUE\t/"
	  "\tFALSE\t0\tc\td\n",
	    "a=b; c=d", "a=b; c=d" },
	{ "#example.org\tFALSE\t/\tFALSE\t0\ta\tb\n", "", "" },
	{ "example.org\tFALSE\t/\tFALSE\t1800000000\ta\tb\n", "", "" },
	{ "other.org\tFALSE\t/\tFALSE\t0\ta\tb\norg\tTRUE\t/\tFALSE\t0\ta\tb\n", "", "" },
	{ "example.org\tFALSE\t/x\tFALSE\t0\ta\tb\n", "", "" },
	{ "example.org\tFALSE\t/\tFALSE\t0\ta\n", "", "" },
	{ "example.org\tFALSE\t/\tFALSE\t0\ta\tb\tc\n", "", "" },
	{ "example.org\tFALSE\t/\tFALSE\tnever\ta\tb\n", "", "" },
	{ "example.org\tFALSE\t/\tFALSE\t0\ta\tb; c=d\n", "", "" },
	{ "example.org\tFALSE\t/\tFALSE\t0\ta\tb\rX: y\n", "", "" },
};

static void
test_sent(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(sent) / sizeof(sent[0]); i++) {
		for (int https = 0; https < 2; https++) {
			char out[256];
			struct text t = { .buf = out, .cap = sizeof(out) };

			jar_cookies(&t, slice_of(sent[i].jar), "example.org", https, NOW);
			if (!slice_equal(
				text_slice(&t), slice_of(https ? sent[i].https : sent[i].http)))
				fail_msg("%zu, %d: %.*s", i, https, (int)t.len, out);
		}
	}
}

static void
test_sent_is_bounded(void **state)
{
	char out[12];
	struct text t = { .buf = out, .cap = sizeof(out) };

	(void)state;
	jar_cookies(&t,
	    SLICE("e.org\tFALSE\t/\tFALSE\t0\ta\tb\ne.org\tFALSE\t/\tFALSE\t0\tc\td\n"
		  "e.org\tFALSE\t/\tFALSE\t0\te\tf\n"),
	    "e.org", false, NOW);
	assert_true(slice_equal(text_slice(&t), SLICE("a=b; c=d")));
	assert_false(t.cut);
}

#define HEAD "# Netscape HTTP Cookie File\n\n"
#define OURS "example.org\tFALSE\t/\tFALSE\t5\tammit\tnew\n"

static const struct {
	const char *jar, *want;
} updates[] = {
	{ "", HEAD OURS },
	{ HEAD, HEAD OURS },
	{ "example.org\tFALSE\t/\tFALSE\t0\tammit\told\n", OURS },
	{ "#HttpOnly_example.org\tFALSE\t/\tTRUE\t0\tammit\told\nx", "x\n" OURS },
	{ "example.org\tFALSE\t/\tFALSE\t0\tother\told\n",
	    "example.org\tFALSE\t/\tFALSE\t0\tother\told\n" OURS },
	{ "www.example.org\tFALSE\t/\tFALSE\t0\tammit\told\n# c\nodd line\n",
	    "www.example.org\tFALSE\t/\tFALSE\t0\tammit\told\n# c\nodd line\n" OURS },
};

static void
test_updates(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(updates) / sizeof(updates[0]); i++) {
		size_t n;
		char *got = jar_with(slice_of(updates[i].jar), SLICE(OURS), &n);

		if (!slice_equal((struct slice){ got, n }, slice_of(updates[i].want)))
			fail_msg("%zu: %.*s", i, (int)n, got);
		free(got);
	}
}

static void
test_file(void **state)
{
	char folder[] = "/tmp/ammit-jar.XXXXXX", file[64], link[64];
	const char *why = NULL;
	struct stat st;
	size_t n;
	char *text;

	(void)state;
	assert_non_null(mkdtemp(folder));
	snprintf(file, sizeof(file), "%s/jar", folder);
	snprintf(link, sizeof(link), "%s/link", folder);
	text = jar_read(file, &n, &why);
	assert_int_equal(n, 0);
	free(text);
	assert_true(jar_write(file, SLICE("one"), &why));
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(symlink(file, link), 0);
	assert_true(jar_write(link, SLICE("two"), &why));
	assert_int_equal(lstat(link, &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	text = jar_read(file, &n, &why);
	assert_string_equal(text, "two");
	free(text);
	assert_null(jar_read(folder, &n, &why));
	assert_non_null(why);
	unlink(link);
	unlink(file);
	/* Nothing is left beside it. */
	assert_int_equal(rmdir(folder), 0);
	why = NULL;
	assert_false(jar_write(file, SLICE("x"), &why));
	assert_non_null(why);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cookies),
		cmocka_unit_test(test_long_cookie),
		cmocka_unit_test(test_host_of_ipv6),
		cmocka_unit_test(test_sent),
		cmocka_unit_test(test_sent_is_bounded),
		cmocka_unit_test(test_updates),
		cmocka_unit_test(test_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
