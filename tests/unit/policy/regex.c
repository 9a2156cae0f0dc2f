#include "policy/regex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define STEPS_MAX 20e6 /* 200 additions for each of the 100,000 that are allowed */

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
		{ "(*UTF)a", "verbs like (*NAME) are not supported", 0 },
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

static double
cpu_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* The field at its limit: `unit` over and over, and at the very end `tail`. */
static struct slice
hostile(char *buf, size_t n, const char *unit, const char *tail)
{
	for (size_t i = 0; i < n; i++)
		buf[i] = unit[i % strlen(unit)];
	memcpy(buf + n - strlen(tail), tail, strlen(tail));
	return (struct slice){ buf, n };
}

/* What backtracks: without a limit the first ones here take longer than there is time. */
static const struct {
	const char *pattern, *unit, *tail;
} catastrophes[] = {
	/* Nested repeats. */
	{ "^(a+)+$", "a", "!" },
	{ "^(a*)*$", "a", "!" },
	{ "^(a+)*$", "a", "!" },
	{ "(a+)+$", "a", "!" },
	{ "^((a+)+)+$", "a", "!" },
	{ "^(a+){2,}$", "a", "!" },
	{ "^(\\w+\\s?)*$", "word ", "!" },
	{ "^([a-z]+)*[0-9]$", "abcxyz", "!" },
	{ "^(([a-z])+.)+[A-Z]([a-z])+$", "a", "!" },
	{ "^(?:(?:a*)*b?)*c$", "a", "!" },
	/* Alternatives that overlap. */
	{ "(a|aa)+$", "a", "!" },
	{ "(a|a?)+$", "a", "!" },
	{ "^(a|a)*$", "a", "!" },
	{ "^(a|b|ab)*c$", "ab", "!" },
	{ "^(?:.|\\w|a)*b$", "a", "!" },
	{ "^(\\d|\\d\\d|[0-9]{3})+x$", "123", "!" },
	{ "^(?i:a|A|aa)+$", "aA", "!" },
	/* One class after the other. */
	{ "(.*)*(.*)*(.*)*x", "a", "!" },
	{ ".*.*.*.*.*x", "a", "!" },
	{ "^.*a.*a.*a.*a.*a.*x$", "a", "!" },
	{ "\\w+\\w+\\w+\\w+\\w+-$", "a", "!" },
	{ "[^b]*[^b]*[^b]*[^b]*c", "a", "!" },
	{ "\\s*\\s*\\s*\\s*\\s*x", " ", "!" },
	{ "(a?){64}a{64}x$", "a", "!" },
	{ "(x+x+)+y", "x", "!" },
	/* Policies in the wild, and what nearly matches them. */
	{ "^/[.A-Za-z0-9_-]{1,256}?[./A-Za-z0-9_-]*[.]atom$", "/a.atom/", ".atoM" },
	{ "\\.(?:atom|rss)$|/(?:[^/]+/)*feed(?:/[^/]+)*/x$", "/feed/a", "!" },
	{ "^/(?:[^/]+/)*(?:[^/]+/)*blame/.*\\.c$", "/a/blame", "!" },
	{ "Mozilla.*AppleWebKit.*Chrome.*Safari.*Mobile.*bot", "Mozilla AppleWebKit Chrome Safari ",
	    "bo" },
	{ "^([a-zA-Z0-9])(([\\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+$", "a-a_", "!" },
	{ "(?:\\xc3\\xa9+)+$", "\xc3\xa9", "!" },
};

/*
 * No pattern and no input costs more than the match limit: against a fixed piece of work in the
 * same run. A step of PCRE2's is one of the 100,000 that are allowed; how many nanoseconds it
 * takes is the machine's business, STEPS_MAX is more than any of them.
 */
static void
catastrophes_end(void **state)
{
	static const size_t limits[] = { 256, 512, 1024 }; /* of fields (request.h) */
	static char text[1024];
	unsigned failed = 0;
	volatile uint32_t sum = 0;
	double begin = cpu_ns(), step;

	(void)state;
	assert_true(COUNT(catastrophes) >= 25);
	for (uint32_t i = 0; i < 10000000; i++)
		sum += i;
	step = (cpu_ns() - begin) / 1e7;
	for (size_t i = 0; i < COUNT(catastrophes); i++) {
		struct regex_notes notes;
		struct regex *r = regex_compile(slice_of(catastrophes[i].pattern), &notes);

		if (r == NULL)
			fail_msg("%s: %s", catastrophes[i].pattern, notes.why);
		for (size_t k = 0; k < COUNT(limits); k++) {
			struct slice s =
			    hostile(text, limits[k], catastrophes[i].unit, catastrophes[i].tail);
			enum regex_result got;
			double spent;

			begin = cpu_ns();
			got = regex_match(r, matcher, s);
			spent = cpu_ns() - begin;
			if (got == REGEX_YES || spent > step * STEPS_MAX)
				fail_msg("%s, %zu bytes: %d, %.0f steps", catastrophes[i].pattern,
				    limits[k], got, spent / step);
			failed += got == REGEX_FAILED;
		}
		regex_free(r);
	}
	/* They are what they are said to be: without the limit most would not end. */
	assert_true(failed >= COUNT(catastrophes));
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
