#include "base/text.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *name;
	void (*write)(struct text *, struct slice);
	struct slice in;
	const char *want;
} escapes[] = {
	{ "log, plain", text_quote_log, { "GET /a b", 8 }, "\"GET /a b\"" },
	{ "log, empty", text_quote_log, { NULL, 0 }, "\"\"" },
	{ "log, forged line", text_quote_log, { "a\"\nammit x=\\", 12 },
	    "\"a\\\"\\x0aammit x=\\\\\"" },
	{ "log, NUL, DEL and high", text_quote_log, { "\0\x7f\xff\x1f", 4 },
	    "\"\\x00\\x7f\\xff\\x1f\"" },
	{ "json, control", text_quote_json, { "\n\x1b\"\\/", 5 }, "\"\\u000a\\u001b\\\"\\\\/\"" },
	{ "json, high", text_quote_json, { "\xc3\xa4", 2 }, "\"\\u00c3\\u00a4\"" },
	{ "utf8, plain", text_quote_json_utf8, { "a \xc3\xa4 \xe2\x82\xac \xf0\x9f\x8d\x8a", 13 },
	    "\"a \xc3\xa4 \xe2\x82\xac \xf0\x9f\x8d\x8a\"" },
	{ "utf8, escapes", text_quote_json_utf8, { "\"\\\n\x7f\0/", 6 },
	    "\"\\\"\\\\\\u000a\\u007f\\u0000/\"" },
	{ "utf8, the end of a script", text_quote_json_utf8, { "</script><!--", 13 },
	    "\"\\u003c/script>\\u003c!--\"" },
	{ "utf8, broken", text_quote_json_utf8, { "a\xff\xe2\x82z\xc3", 6 },
	    "\"a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbdz\xef\xbf\xbd\"" },
	{ "utf8, empty", text_quote_json_utf8, { NULL, 0 }, "\"\"" },
	{ "html", text_html, { "<a href=\"x\">'&amp;", 18 },
	    "&lt;a href=&quot;x&quot;&gt;&#39;&amp;amp;" },
	{ "html, plain", text_html, { "\xc3\xa4 b", 4 }, "\xc3\xa4 b" },
};

static void
escape(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(escapes); i++) {
		char buf[128];
		struct text t = { .buf = buf, .cap = sizeof(buf) };

		escapes[i].write(&t, escapes[i].in);
		if (t.cut || !slice_equal(text_slice(&t), slice_of(escapes[i].want)))
			fail_msg("%s: %.*s", escapes[i].name, (int)t.len, buf);
	}
}

/* In every room: the right bytes or cut, nothing behind cap, and a quote that is always closed. */
static void
cut_anywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(escapes); i++) {
		size_t whole = strlen(escapes[i].want);
		bool quoted = escapes[i].write != text_html;

		for (size_t cap = 0; cap <= whole + 1; cap++) {
			char buf[128];
			struct text t = { .buf = buf, .cap = cap };
			size_t backslashes = 0;

			memset(buf, '#', sizeof(buf));
			escapes[i].write(&t, escapes[i].in);
			assert_int_equal(t.cut, cap < whole);
			assert_int_equal(t.cap, cap);
			assert_true(t.len <= cap);
			assert_int_equal(buf[cap], '#');
			if (!quoted || t.len == 0)
				continue;
			assert_true(t.len >= 2);
			assert_memory_equal(buf, escapes[i].want, t.len - 1);
			assert_int_equal(buf[t.len - 1], '"');
			while (buf[t.len - 2 - backslashes] == '\\')
				backslashes++;
			if (backslashes % 2 != 0)
				fail_msg("%s: the quote is escaped at %zu", escapes[i].name, cap);
		}
	}
}

static void
put_and_printf(void **state)
{
	char buf[8];
	struct text t = { .buf = buf, .cap = sizeof(buf) };

	(void)state;
	text_put(&t, SLICE("abc"));
	text_printf(&t, "%d", 12);
	assert_true(slice_equal(text_slice(&t), SLICE("abc12")));
	assert_false(t.cut);
	text_put(&t, SLICE("wxyz"));
	assert_true(t.cut);
	assert_true(slice_equal(text_slice(&t), SLICE("abc12")));
	t.cut = false;
	text_put(&t, SLICE("xyz"));
	assert_false(t.cut);
	assert_int_equal(t.len, 8);
	text_byte(&t, '!');
	assert_true(t.cut);
	t.cut = false;
	text_printf(&t, "%s", "x");
	assert_true(t.cut);
	assert_true(slice_equal(text_slice(&t), SLICE("abc12xyz")));
}

static void
printf_that_does_not_fit(void **state)
{
	char buf[6] = "######";
	struct text t = { .buf = buf, .cap = 4 };

	(void)state;
	text_printf(&t, "%s", "12345678");
	assert_true(t.cut);
	assert_int_equal(t.len, 0);
	assert_memory_equal(buf + 4, "##", 2);
	t.cut = false;
	text_printf(&t, "%s", "");
	assert_false(t.cut);
}

/* An already cut text stays cut after a value that fits. */
static void
cut_is_kept(void **state)
{
	char buf[16];
	struct text t = { .buf = buf, .cap = sizeof(buf), .cut = true };

	(void)state;
	text_quote_log(&t, SLICE("a"));
	assert_true(t.cut);
	assert_true(slice_equal(text_slice(&t), SLICE("\"a\"")));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(escape),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(put_and_printf),
		cmocka_unit_test(printf_that_does_not_fit),
		cmocka_unit_test(cut_is_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
