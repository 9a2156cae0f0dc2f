#include "policy/dialect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *in, *want;
} translated[] = {
	{ "", "" },
	{ "^/robots\\.txt$", "^/robots\\.txt$" },
	{ "a\\sb", "a[\\t\\n\\f\\r ]b" },
	{ "a\\Sb", "a[^\\t\\n\\f\\r ]b" },
	{ "[\\s\\d]", "[\\t\\n\\f\\r \\d]" },
	{ "[^\\S]", "[^\\S\\x0b]" },
	{ "\\v[\\v]", "\\x0b[\\x0b]" },
	{ "[\\w-.]", "[\\w\\-.]" },
	{ "[\\w--.]", "[\\w\\--.]" },
	{ "[a-z-]", "[a-z\\-]" },
	{ "[-a]", "[\\-a]" },
	{ "[]a]", "[]a]" },
	{ "[^]a]", "[^]a]" },
	{ "[[.a.]]", "[\\[.a.]]" },
	{ "[[:alpha:]-x]", "[[:alpha:]\\-x]" },
	{ "[[:^space:]]", "[[:^space:]]" },
	{ "a{,3}", "a\\{,3}" },
	{ "a{2}b{2,}c{2,5}", "a{2}b{2,}c{2,5}" },
	{ "a{x}", "a\\{x}" },
	{ "{", "\\{" },
	{ "\\Qa.b[\\E+", "a\\.b\\[+" },
	{ "\\Q$", "\\$" },
	{ "\\012\\123\\0", "\\x{a}\\x{53}\\x{0}" },
	{ "\\p{Greek}\\pL\\x{1f600}", "\\p{Greek}\\pL\\x{1f600}" },
	{ "(?P<n>a)(?:b)(?i:c)(?s-i)d", "(?P<n>a)(?:b)(?i:c)(?s-i)d" },
	{ "[\xc3\xa9-\xc3\xbf]", "[\xc3\xa9-\xc3\xbf]" },
	{ "a*?b+?c??", "a*?b+?c??" },
	{ "(a+)+", "(a+)+" },
	{ "^*a$+\\b?", "(?:^)*a(?:$)+(?:\\b)?" },
	{ "[:alpha:]", "[\\:alpha:]" },
	{ "[?-[:word:]]", "[?-\\[:word:]]" },
	{ "[\\p{Greek}-x]", "[\\p{Greek}\\-x]" },
	{ "(a{10}){100}", "(a{10}){100}" },
	{ "(?<n>a)(?)", "(?<n>a)(?)" },
	{ "(?:a{1000}){0}", "(?:a{1000}){0}" },
	{ "\\p{^Lu}\\p{Any}\\p{Old_Italic}", "\\p{^Lu}\\p{Any}\\p{Old_Italic}" },
	{ "[", "[" },
	{ "a\\", "a\\" },
};

static void
go_in_the_words_of_pcre2(void **state)
{
	char out[512];

	(void)state;
	for (size_t i = 0; i < COUNT(translated); i++) {
		struct text t = { .buf = out, .cap = sizeof(out) };
		struct dialect d;

		assert_true(dialect_translate(slice_of(translated[i].in), &t, &d));
		assert_null(d.unportable);
		if (!slice_equal(text_slice(&t), slice_of(translated[i].want)))
			fail_msg("%s: %.*s", translated[i].in, (int)t.len, out);
	}
}

/* What PCRE2 takes and Go refuses, where, and what to write instead. */
static const struct {
	const char *in;
	size_t offset;
	const char *what, *rewrite;
} unportable[] = {
	{ "a(?=b)", 1, "a lookaround", "two rules, or an expression" },
	{ "(?!b)", 0, "a lookaround", "two rules, or an expression" },
	{ "(?<=b)", 0, "a lookaround", "two rules, or an expression" },
	{ "x(?<!b)", 1, "a lookaround", "two rules, or an expression" },
	{ "(?>a)", 0, "an atomic group", "(?:…)" },
	{ "(a)\\1", 3, "a back reference", NULL },
	{ "(a)\\8", 3, "a back reference", NULL },
	{ "(a)\\g1", 3, "a back reference", NULL },
	{ "(?<n>a)\\k<n>", 7, "a back reference", NULL },
	{ "(?P=n)", 0, "a back reference", NULL },
	{ "a++", 2, "a possessive repeat", "leave the second + out" },
	{ "a?+", 2, "a possessive repeat", "leave the second + out" },
	{ "a{2}+", 4, "a possessive repeat", "leave the second + out" },
	{ "a{2}*", 4, "a repeat of a repeat", "(?:…) around the first" },
	{ "a{2}{3}", 4, "a repeat of a repeat", "(?:…) around the first" },
	{ "a\\Z", 1, "an escape that Go does not know", "\\z" },
	{ "\\h", 0, "an escape that Go does not know", "[\\t ]" },
	{ "[\\h]", 1, "an escape that Go does not know", "\\t and a space" },
	{ "\\H", 0, "an escape that Go does not know", "[^\\t ]" },
	{ "\\K", 0, "an escape that Go does not know",
	    "leave it out: only whether it matches counts" },
	{ "\\G", 0, "an escape that Go does not know", "\\A" },
	{ "\\e", 0, "an escape that Go does not know", "\\x1b" },
	{ "\\N", 0, "an escape that Go does not know", "[^\\n]" },
	{ "\\R", 0, "an escape that Go does not know", "(?:\\r\\n|[\\n\\v\\f\\r])" },
	{ "\\V", 0, "an escape that Go does not know", "[^\\n\\v\\f\\r]" },
	{ "\\X", 0, "an escape that Go does not know", "(?s:.)" },
	{ "\\cA", 0, "an escape that Go does not know", "\\x with two hexadecimal digits" },
	{ "\\o{101}", 0, "an escape that Go does not know", "\\x{…} with hexadecimal digits" },
	{ "\\E", 0, "an escape that Go does not know", "leave it out" },
	{ "\\\xc3\xa9", 0, "an escape that Go does not know", "leave the backslash out" },
	{ "\\x4", 0, "\\x without two digits", "\\x with two hexadecimal digits" },
	{ "[\\b]", 1, "an assertion inside a class", "\\x08 if the backspace is meant" },
	{ "[[:<:]]a", 1, "a border of words", "\\b, without the brackets" },
	{ "\\p{L&}", 0, "a property that Go does not know",
	    "a category like \\p{Lu}, or a script like \\p{Greek}" },
	{ "\\p{Xan}", 0, "a property that Go does not know",
	    "a category like \\p{Lu}, or a script like \\p{Greek}" },
	{ "\\p{Lu Ll}", 0, "a property that Go does not know",
	    "a category like \\p{Lu}, or a script like \\p{Greek}" },
	{ "a{1001}", 1, "a repeat above 1000", "* or + if the number is not what counts" },
	{ "a{2,99999999999999999999}", 1, "a repeat above 1000",
	    "* or + if the number is not what counts" },
	{ "(a{100}b){11}", 9, "a repeat above 1000",
	    "a smaller number: those of nested repeats are multiplied" },
	{ "((a{10}){10}|b){11}", 15, "a repeat above 1000",
	    "a smaller number: those of nested repeats are multiplied" },
	{ "(?R)", 0, "a group that Go does not know", NULL },
	{ "(?1)", 0, "a group that Go does not know", NULL },
	{ "(?|a)", 0, "a group that Go does not know", NULL },
	{ "(?P>n)", 0, "a group that Go does not know", NULL },
	{ "(?(1)a)", 0, "a group that Go does not know", NULL },
	{ "(?C1)", 0, "a group that Go does not know", NULL },
	{ "(?'n'a)", 0, "a group that Go does not know", "(?P<name>…)" },
	{ "(?i-)a", 0, "a group that Go does not know", NULL },
};

static bool
same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
what_go_refuses_is_named(void **state)
{
	char out[512];

	(void)state;
	for (size_t i = 0; i < COUNT(unportable); i++) {
		struct text t = { .buf = out, .cap = sizeof(out) };
		struct dialect d;

		assert_true(dialect_translate(slice_of(unportable[i].in), &t, &d));
		if (!same(d.unportable, unportable[i].what) ||
		    !same(d.rewrite, unportable[i].rewrite) || d.offset != unportable[i].offset)
			fail_msg("%s: %s at %zu, write %s", unportable[i].in,
			    d.unportable == NULL ? "nothing" : d.unportable, d.offset,
			    d.rewrite == NULL ? "nothing" : d.rewrite);
	}
}

static void
what_would_change_the_rules_is_refused(void **state)
{
	static const struct {
		const char *in, *rewrite;
	} refused[] = {
		{ "(*UTF)a", "leave it out" },
		{ "(*LIMIT_MATCH=1)", "leave it out" },
		{ "a(?#c)", "leave it out" },
		{ "(?x) a", "leave it out, and the blanks" },
		{ "(?ix:a)", "leave it out, and the blanks" },
		{ "(?i-x)a", "leave it out, and the blanks" },
		{ "(?J)a", NULL },
		{ "(?^)a", NULL },
		{ "(?n)a", NULL },
	};
	char out[512];

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct text t = { .buf = out, .cap = sizeof(out) };
		struct dialect d;

		if (dialect_translate(slice_of(refused[i].in), &t, &d) || d.refused == NULL ||
		    !same(d.rewrite, refused[i].rewrite))
			fail_msg("%s", refused[i].in);
	}
}

static void
depth_is_limited(void **state)
{
	char in[600], out[DIALECT_ROOM(600)];
	struct text t = { .buf = out, .cap = sizeof(out) };
	struct dialect d;

	(void)state;
	memset(in, '(', sizeof(in));
	assert_false(dialect_translate((struct slice){ in, sizeof(in) }, &t, &d));
	assert_non_null(d.refused);
	memset(in, ')', sizeof(in));
	assert_true(dialect_translate((struct slice){ in, sizeof(in) }, &t, &d));
}

static void
any_translation_fits(void **state)
{
	static const char *const dense[] = { "\\S", "\\s", "\\v", "[\\S]", "-", "{", "\\0", "\\Q.",
		"^*", "\\b*" };
	char in[1024], out[DIALECT_ROOM(1024)];

	(void)state;
	for (size_t i = 0; i < COUNT(dense); i++) {
		struct text t = { .buf = out, .cap = sizeof(out) };
		struct dialect d;
		size_t n = 0;

		for (; sizeof(in) - n >= strlen(dense[i]); n += strlen(dense[i]))
			memcpy(in + n, dense[i], strlen(dense[i]));
		assert_true(dialect_translate((struct slice){ in, n }, &t, &d));
		assert_false(t.cut);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(go_in_the_words_of_pcre2),
		cmocka_unit_test(what_go_refuses_is_named),
		cmocka_unit_test(what_would_change_the_rules_is_refused),
		cmocka_unit_test(depth_is_limited),
		cmocka_unit_test(any_translation_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
