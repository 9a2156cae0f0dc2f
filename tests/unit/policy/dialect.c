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

static const struct {
	const char *in;
	size_t offset;
	const char *what;
} unportable[] = {
	{ "a(?=b)", 1, "a lookaround" },
	{ "(?!b)", 0, "a lookaround" },
	{ "(?<=b)", 0, "a lookaround" },
	{ "x(?<!b)", 1, "a lookaround" },
	{ "(?>a)", 0, "an atomic group" },
	{ "(a)\\1", 3, "a back reference" },
	{ "(a)\\8", 3, "a back reference" },
	{ "a++", 2, "a possessive repeat" },
	{ "a?+", 2, "a possessive repeat" },
	{ "a{2}+", 4, "a possessive repeat" },
	{ "a\\Z", 1, "an escape that Go does not know" },
	{ "\\h", 0, "an escape that Go does not know" },
	{ "\\K", 0, "an escape that Go does not know" },
	{ "\\G", 0, "an escape that Go does not know" },
	{ "\\e", 0, "an escape that Go does not know" },
	{ "\\N", 0, "an escape that Go does not know" },
	{ "\\R", 0, "an escape that Go does not know" },
	{ "[\\b]", 1, "an assertion inside a class" },
	{ "a{1001}", 1, "a repeat above 1000" },
	{ "a{2,99999999999999999999}", 1, "a repeat above 1000" },
	{ "(?R)", 0, "a group that Go does not know" },
	{ "(?1)", 0, "a group that Go does not know" },
	{ "(?|a)", 0, "a group that Go does not know" },
	{ "(?P=n)", 0, "a group that Go does not know" },
	{ "(?P>n)", 0, "a group that Go does not know" },
};

static void
what_go_refuses_is_named(void **state)
{
	char out[512];

	(void)state;
	for (size_t i = 0; i < COUNT(unportable); i++) {
		struct text t = { .buf = out, .cap = sizeof(out) };
		struct dialect d;

		assert_true(dialect_translate(slice_of(unportable[i].in), &t, &d));
		if (d.unportable == NULL || strcmp(d.unportable, unportable[i].what) != 0 ||
		    d.offset != unportable[i].offset)
			fail_msg("%s: %s at %zu", unportable[i].in,
			    d.unportable == NULL ? "nothing" : d.unportable, d.offset);
	}
}

static void
what_would_change_the_rules_is_refused(void **state)
{
	static const char *const refused[] = { "(*UTF)a", "(*LIMIT_MATCH=1)", "a(?#c)", "(?x) a",
		"(?ix:a)", "(?i-x)a", "(?J)a", "(?^)a", "(?n)a" };
	char out[512];

	(void)state;
	for (size_t i = 0; i < COUNT(refused); i++) {
		struct text t = { .buf = out, .cap = sizeof(out) };
		struct dialect d;

		if (dialect_translate(slice_of(refused[i]), &t, &d) || d.refused == NULL)
			fail_msg("%s", refused[i]);
	}
}

static void
any_translation_fits(void **state)
{
	static const char *const dense[] = { "\\S", "\\s", "\\v", "[\\S]", "-", "{", "\\0",
		"\\Q." };
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
		cmocka_unit_test(any_translation_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
