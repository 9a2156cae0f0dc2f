#include "cli/haproxy_conf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/memory.h"
#include "base/text.h"

static struct haproxy_conf *
read_text(const char *text, bool want)
{
	static const char environment[] = "HERE=1\0OUTER=from outside\0";
	struct haproxy_conf *c =
	    haproxy_conf_new((struct slice){ environment, sizeof(environment) }, 206);
	const char *why;
	unsigned number;
	bool good = haproxy_conf_read(c, "x.cfg", slice_of(text), &why, &number);

	if (good != want || good != (why == NULL))
		fail_msg("%s: line %u: %s", text, number, why);
	return c;
}

static void
sections(void **state)
{
	struct haproxy_conf *c = read_text("stray line\n"
					   "global\n"
					   "    maxconn 10\n"
					   "defaults\n"
					   "    mode http\n"
					   "    timeout connect 5s\n"
					   "    option httplog\n"
					   "defaults second from first\n"
					   "backend one\n"
					   "    timeout connect 200ms\n"
					   "    timeout connect 300ms # the last one\n"
					   "    no option httplog\n"
					   "    server a 127.0.0.1:1 check\n"
					   "defaults third\n"
					   "    retries 0\n"
					   "listen both from third\n"
					   "    bind :1\n"
					   "[engine]\n"
					   "spoe-agent x\n"
					   "    option var-prefix p\n"
					   "[other]\n"
					   "spoe-agent x\n",
	    true);
	const struct haproxy_section *one, *both;
	const struct haproxy_line *l;

	(void)state;
	assert_int_equal(c->sections, 8);
	one = haproxy_conf_section(c, "backend", SLICE("one"));
	both = haproxy_conf_section(c, "backend", SLICE("both"));
	assert_non_null(one);
	assert_int_equal(one->number, 9);
	assert_int_equal(one->lines, 4);
	assert_ptr_equal(both, haproxy_conf_section(c, "frontend", SLICE("both")));
	assert_null(haproxy_conf_section(c, "frontend", SLICE("one")));
	l = haproxy_conf_setting(c, one, "timeout connect");
	assert_int_equal(l->number, 11);
	assert_int_equal(l->words, 3);
	/* The second defaults names one that is not there, and is empty itself. */
	assert_null(haproxy_conf_setting(c, one, "mode"));
	assert_false(haproxy_conf_option(c, one, "option httplog"));
	assert_true(haproxy_line_is(haproxy_conf_setting(c, both, "retries"), "retries 0"));
	l = haproxy_conf_line(c, one, 3);
	assert_true(haproxy_line_is(l, "server a"));
	assert_false(haproxy_line_is(l, "server b"));
	assert_false(haproxy_line_is(l, "server a 127.0.0.1:1 check more"));
	assert_true(haproxy_line_has(l, "check"));
	assert_true(slice_equal(haproxy_line_after(l, "a"), SLICE("127.0.0.1:1")));
	assert_null(haproxy_line_after(l, "check").ptr);
	assert_null(haproxy_conf_line(c, one, 4));
	assert_true(slice_equal(c->section[6].scope, SLICE("engine")));
	assert_true(slice_equal(c->section[7].scope, SLICE("other")));
	haproxy_conf_free(c);
	c = read_text("defaults\n mode tcp\nbackend b\n", true);
	assert_true(haproxy_line_is(haproxy_conf_setting(c, &c->section[1], "mode"), "mode tcp"));
	haproxy_conf_free(c);
}

/* Which of its lines a file has: the second word of each, `backend b` around them. */
static void
branches(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ ".if defined(HERE)\nx 1\n.else\nx 2\n.endif\nx 3\n", "13" },
		{ ".if defined(GONE)\nx 1\n.else\nx 2\n.endif\nx 3\n", "23" },
		{ ".if 0\nx 1\n.elif 1\nx 2\n.elif 1\nx 3\n.else\nx 4\n.endif\n", "2" },
		{ ".if 0\nx 1\n.if 1\nx 2\n.else\nx 3\n.endif\nx 4\n.endif\nx 5\n", "5" },
		{ ".if 1\nx 1\n.if 0\nx 2\n.else\nx 3\n.endif\n.endif\n", "13" },
		{ ".if version_atleast(3.1)\nx 1\n.else\nx 2\n.endif\n", "2" },
		{ ".if feature(QUIC)\nx 1\n.endif\nx 2\n", "2" },
		{ ".if 0\nan \"open quote\n.endif\nx 1\n", "1" },
		{ ".notice hello\nx 1\n", "1" },
		{ "presetenv OUTER 1\nx \"$OUTER\"\n", "from outside" },
		{ "setenv OUTER 1\nx \"$OUTER\"\n", "1" },
		{ "presetenv NEW 1\npresetenv NEW 2\nx \"$NEW\"\n", "1" },
		{ "presetenv NEW 1\n.if defined(NEW)\nx 1\n.endif\n", "1" },
		{ "unsetenv HERE\n.if defined(HERE)\nx 1\n.else\nx 2\n.endif\n", "2" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char in[512], got[64];
		struct text t = { .buf = got, .cap = sizeof(got) };
		struct haproxy_conf *c;
		const struct haproxy_line *l;

		snprintf(in, sizeof(in), "backend b\n%s", cases[i].in);
		c = read_text(in, true);
		for (size_t n = 0; (l = haproxy_conf_line(c, c->section, n)) != NULL; n++)
			if (haproxy_line_is(l, "x"))
				text_put(&t, l->word[1]);
		if (!slice_equal(text_slice(&t), slice_of(cases[i].want)))
			fail_msg("%s: %.*s", cases[i].in, (int)t.len, got);
		assert_int_equal(c->not_decided, strstr(cases[i].in, "feature") != NULL);
		haproxy_conf_free(c);
	}
}

static void
refused(void **state)
{
	static const char *const bad[] = { "a \"b\n", ".else\n", ".endif\n", ".elif 1\n",
		".if 1\nx\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		haproxy_conf_free(read_text(bad[i], false));
}

/* Each line may be ever so short, and become ever so long. */
static void
expansion(void **state)
{
	char *text = xcalloc(1, 400000);
	size_t n = (size_t)snprintf(text, 400000, "global\nsetenv A 0123456789abcdef\n");

	(void)state;
	for (unsigned i = 0; i < 11; i++)
		n += (size_t)snprintf(text + n, 400000 - n, "setenv A \"$A$A\"\n");
	for (unsigned i = 0; i < 20000; i++)
		n += (size_t)snprintf(text + n, 400000 - n, "x \"$A\"\n");
	haproxy_conf_free(read_text(text, false));
	free(text);
}

static void
times(void **state)
{
	static const struct {
		const char *in;
		long long want;
	} cases[] = { { "50", 50 }, { "50ms", 50 }, { "5s", 5000 }, { "3m", 180000 },
		{ "1h", 3600000 }, { "1d", 86400000 }, { "1us", 1 }, { "1500us", 2 }, { "0", 0 },
		{ "", -1 }, { "s", -1 }, { "5 s", -1 }, { "5x", -1 }, { "-5", -1 },
		{ "99999999999", -1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(haproxy_time_ms(slice_of(cases[i].in)), cases[i].want);
}

/* The shipped files are read to their ends. */
static void
shipped(void **state)
{
	static const char *const files[] = { "haproxy/edge.cfg", "haproxy/ammit.spoe.conf" };

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		const char *why;
		size_t bytes;
		char *text = file_read(files[i], HAPROXY_FILE_MAX, &bytes, &why);
		struct haproxy_conf *c;

		assert_non_null(text);
		c = read_text(text, true);
		assert_int_equal(c->not_decided, 0);
		assert_true(c->sections >= 3);
		haproxy_conf_free(c);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(sections), cmocka_unit_test(branches),
		cmocka_unit_test(refused), cmocka_unit_test(expansion), cmocka_unit_test(times),
		cmocka_unit_test(shipped) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
