#include "policy/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static struct regex_matcher *matcher;

static int
set_up(void **state)
{
	(void)state;
	matcher = regex_matcher_new();
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	regex_matcher_free(matcher);
	return 0;
}

/* Where Go and PCRE2 would differ if nothing were done, and the everyday ones. */
static const struct {
	const char *pattern, *text;
	size_t len;
	bool want;
} cases[] = {
	{ "bot", "Googlebot/2.1", 13, true },
	{ "bot", "BOT", 3, false },
	{ "(?i)bot", "BOT", 3, true },
	{ "a$", "a\n", 2, false },
	{ "a$", "a", 1, true },
	{ "(?m)a$", "a\nb", 3, true },
	{ "(?m)^$", "a\n", 2, true },
	{ "a.b", "a\nb", 3, false },
	{ "a.b", "a\rb", 3, true },
	{ "^a.b$",
	    "a\xef\xbf\xbd"
	    "b",
	    5, true },
	{ "(?i)k", "\xe2\x84\xaa", 3, true },
	{ "\\s", "\v", 1, false },
	{ "\\S", "\v", 1, true },
	{ "[^\\S]", "\v", 1, false },
	{ "^\\v$", "\n", 1, false },
	{ "^\\v$", "\v", 1, true },
	{ "[\\w-.]+$", "-", 1, true },
	{ "^a{,3}$", "a{,3}", 5, true },
	{ "\\d", "\xd9\xa1", 2, false },
	{ "\\Qa.b\\E", "a.b", 3, true },
	{ "\\Qa.b\\E", "axb", 3, false },
	{ "\\101", "A", 1, true },
	{ "[[.]", "[", 1, true },
	{ "a\\z", "a", 1, true },
	{ "", "", 0, true },
	{ "a\\x{0}b", "a\0b", 3, true },
	{ "(a)(b)(c)", "abc", 3, true },
};

static void
as_go_does(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct regex_notes notes;
		struct regex *r = regex_compile(slice_of(cases[i].pattern), &notes);
		enum regex_result got;

		if (r == NULL)
			fail_msg("%s: %s", cases[i].pattern, notes.why);
		got = regex_match(r, matcher, (struct slice){ cases[i].text, cases[i].len });
		if (got != (cases[i].want ? REGEX_YES : REGEX_NO))
			fail_msg("%s, row %zu: %d", cases[i].pattern, i, got);
		assert_true(regex_bytes(r) > 0);
		regex_free(r);
	}
}

static void
errors_have_an_offset(void **state)
{
	static const struct {
		const char *pattern, *why;
		size_t offset;
	} bad[] = {
		{ "a(b", "missing closing parenthesis", 3 },
		{ "\\sa(b", "missing closing parenthesis", 5 },
		{ "a)", "unmatched closing parenthesis", 1 },
		{ "*a", "quantifier does not follow a repeatable item", 0 },
		{ "[a", "missing terminating ] for character class", 2 },
		{ "[z-a]", "range out of order in character class", 3 },
		{ "\\C", "using \\C is disabled by the application", 2 },
		{ "(*UTF)a", "verbs like (*NAME) are not supported: leave it out", 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct regex_notes notes;
		struct regex *r = regex_compile(slice_of(bad[i].pattern), &notes);

		assert_null(r);
		assert_true(notes.why[0] != '\0');
		if (strcmp(notes.why, bad[i].why) != 0 || notes.offset != bad[i].offset)
			fail_msg("%s: %s at %zu", bad[i].pattern, notes.why, notes.offset);
	}
}

/* Patterns that take exponential time without limits: each ends, and says that it failed. */
static void
catastrophes_end(void **state)
{
	static const char *const patterns[] = { "(a+)+$", "(a*)*$", "(a|aa)+$", "(a|a?)+$",
		"^(([a-z])+.)+[A-Z]([a-z])+$", "(.*)*(.*)*(.*)*x" };
	static char text[1024];
	unsigned failed = 0;

	(void)state;
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '!';
	for (size_t i = 0; i < COUNT(patterns); i++) {
		struct regex_notes notes;
		struct regex *r = regex_compile(slice_of(patterns[i]), &notes);

		assert_non_null(r);
		for (unsigned k = 0; k < 3; k++) {
			enum regex_result got =
			    regex_match(r, matcher, (struct slice){ text, sizeof(text) });

			assert_int_not_equal(got, REGEX_YES);
			failed += got == REGEX_FAILED;
		}
		regex_free(r);
	}
	assert_true(failed >= 9);
}

static void
too_long_is_refused(void **state)
{
	static char text[REGEX_BYTES_MAX + 1];
	struct regex_notes notes;

	(void)state;
	memset(text, 'a', sizeof(text));
	assert_null(regex_compile((struct slice){ text, sizeof(text) }, &notes));
	assert_non_null(strstr(notes.why, "longer than"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_go_does),
		cmocka_unit_test(errors_have_an_offset),
		cmocka_unit_test(catastrophes_end),
		cmocka_unit_test(too_long_is_refused),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
