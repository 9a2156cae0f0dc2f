#include "policy/literal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

/* Words joined with |, ~ before one that is caseless, = before one that is exact; "" is no idea. */
static const struct {
	const char *pattern, *want;
} cases[] = {
	{ "GPTBot", "=GPTBot" },
	{ "GPTBot|CCBot", "=GPTBot|=CCBot" },
	{ "(?:GPTBot|CCBot)", "=GPTBot|=CCBot" },
	{ "(GPTBot|(CCBot|Foo))", "=GPTBot|=CCBot|=Foo" },
	{ "GPTBot|^CCBot", "=GPTBot|CCBot" },
	{ "GPTBot|Foo\\d", "=GPTBot|Foo" },
	{ "(?i)gptbot", "=~gptbot" },
	{ "(?i)spider", "~pider" },
	{ "(?i)bytespider", "~pider" },
	{ "(?i:gpt)bot", "~gpt" },
	{ "gpt(?i)bot", "~gptbot" },
	{ "[Gg]ptbot", "~Gptbot" },
	{ "[Kk]araba", "~Karaba" },
	{ "(?i)[Kk]araba", "~araba" },
	{ "^/robots\\.txt$", "/robots.txt" },
	{ "\\bfoo\\b", "foo" },
	{ "fooa?bar", "foo" },
	{ "foobara?", "foobar" },
	{ "foob+baz", "foob" },
	{ "foo(bar)*quux", "quux" },
	{ "foo(barbar)+", "barbar" },
	{ "foo(barbar){0}", "foo" },
	{ "foo(barbar){2,}", "barbar" },
	{ "ab{3}cd", "" },
	{ "a|foo", "" },
	{ "ab", "" },
	{ ".*", "" },
	{ "^$", "" },
	{ "", "" },
	{ "foo|", "" },
	{ "(foo|)bar", "bar" },
	{ "Mozilla.*xyzbot", "xyzbot" },
	{ "[abc]foo[d-e]", "=cfooe|=bfooe|=afooe|=cfood|=bfood|=afood" },
	{ "Chrome/[1-3]\\.", "=Chrome/3.|=Chrome/2.|=Chrome/1." },
	{ "^Chrome/[12][3]\\.x", "Chrome/23.x|Chrome/13.x" },
	{ "foo[12]+x", "foo2|foo1" },
	{ "foo[12]?x", "foo" },
	{ "foo[12]{0}x", "foo" },
	{ "foo[a-c]{2}x", "fooc|foob|fooa" },
	{ "(?i)foo[12]x", "=~foo2x|=~foo1x" },
	{ "(?i)foo[ab]x", "~foo" },
	{ "[Ff]oo[ab]", "~Foob|~Fooa" },
	{ "(?:foo[12]|bar)x", "foo2|foo1|bar" },
	{ "foo[a-z]", "foo" },
	{ "foo[a-j]", "=fooj|=fooi|=fooh|=foog|=foof|=fooe|=food|=fooc|=foob|=fooa" },
	{ "foo[0-9][0-9]x", "foo9|foo8|foo7|foo6|foo5|foo4|foo3|foo2|foo1|foo0" },
	{ "foo[^ab]", "foo" },
	{ "foo[a\\d]", "foo" },
	{ "foo[\\.\\-]x", "=foo-x|=foo.x" },
	{ "foo[a-]x", "foo" },
	{ "foo[+--]x", "foo" },
	{ "foo[a-\\]]x", "foo" },
	{ "foo[b-a]x", "foo" },
	{ "foo[ab", "" },
	{ "[.]git/", "=.git/" },
	{ "\\x41\\x{42}CD", "=ABCD" },
	{ "foo\\p{Greek}", "foo" },
	{ "foo(?=bar)", "" },
	{ "foo\\Kbar", "" },
	{ "(?P<name>foo)bar", "foo" },
	{ "foo\xc3\xa9x", "=foo\xc3\xa9x" },
	{ "(?i)foo\xc3\xa9x", "~foo" },
	{ "foo\xc3\xa9?x", "foo" },
	{ "foo.bar", "foo" },
	{ "[[:alpha:]]foo", "foo" },
	{ "[]a]foo", "=afoo|=]foo" },
	{ "(foo", "" },
};

static void
what_a_match_needs(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct arena *a = arena_new();
		struct literals words = literal_extract(a, slice_of(cases[i].pattern));
		char buf[256];
		struct text t = { .buf = buf, .cap = sizeof(buf) };
		unsigned n = 0;

		for (const struct literal *l = words.first; l != NULL; l = l->next, n++) {
			text_put(&t, slice_of(n > 0 ? "|" : ""));
			text_put(&t, slice_of(l->exact ? "=" : ""));
			text_put(&t, slice_of(l->caseless ? "~" : ""));
			text_put(&t, l->text);
		}
		assert_int_equal(n, words.count);
		if (!slice_equal(text_slice(&t), slice_of(cases[i].want)))
			fail_msg("%s: %.*s", cases[i].pattern, (int)t.len, buf);
		arena_free(a);
	}
}

static void
depth_and_length_are_limited(void **state)
{
	char text[1000];
	struct arena *a = arena_new();
	struct literals words;

	(void)state;
	memset(text, '(', 400);
	memcpy(text + 400, "foo", 3);
	memset(text + 403, ')', 400);
	assert_int_equal(literal_extract(a, (struct slice){ text, 803 }).count, 0);
	memset(text, 'a', sizeof(text));
	words = literal_extract(a, (struct slice){ text, sizeof(text) });
	assert_int_equal(words.count, 1);
	assert_int_equal(words.first->text.len, LITERAL_MAX);
	assert_false(words.first->exact);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_match_needs),
		cmocka_unit_test(depth_and_length_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
