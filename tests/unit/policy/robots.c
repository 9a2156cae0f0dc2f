#include "policy/robots.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What was read, a word an entry: names with their group, +pattern and -pattern with theirs. */
static const struct {
	const char *name, *in, *want;
	unsigned warnings;
} files[] = {
	{ "empty", "", "", 0 },
	{ "one", "User-agent: a\nDisallow: /x\n", "a0 -/x0", 0 },
	{ "no line end", "User-agent: a\nDisallow: /x", "a0 -/x0", 0 },
	{ "CRLF, CR", "User-agent: a\r\nDisallow: /x\rAllow: /y", "a0 -/x0 +/y0", 0 },
	{ "BOM", "\xef\xbb\xbfUser-agent: a\nDisallow: /x", "a0 -/x0", 0 },
	{ "case and blanks", " uSER-aGENT\t:  a \n\tDISALLOW :/x ", "a0 -/x0", 0 },
	{ "comments", "# x\nUser-agent: a # b\nDisallow: /x#y\n", "a0 -/x0", 0 },
	{ "two names", "User-agent: a\nUser-agent: b\nDisallow: /x", "a0 b0 -/x0", 0 },
	{ "two groups", "User-agent: a\nDisallow: /x\nUser-agent: b\nAllow: /y", "a0 b1 -/x0 +/y1",
	    0 },
	{ "blank lines end no group", "User-agent: a\n\nUser-agent: b\n\nDisallow: /", "a0 b0 -/0",
	    0 },
	{ "others end no group",
	    "User-agent: a\nSitemap: x\nCrawl-delay: 1\nUser-agent: b\nDisallow: /", "a0 b0 -/0",
	    0 },
	{ "an empty path ends one", "User-agent: a\nDisallow:\nUser-agent: b\nDisallow: /",
	    "a0 b1 -/1", 0 },
	{ "versions and stars", "User-agent: a/1.2\nUser-agent: b*\nUser-agent: *\nDisallow: *x",
	    "a0 b0 *0 -*x0", 0 },
	{ "before any group", "Disallow: /\nUser-agent: a", "a0", 1 },
	{ "no slash", "User-agent: a\nDisallow: x", "a0", 1 },
	{ "no name", "User-agent:\nDisallow: /\nUser-agent: /1", "-/0", 2 },
	{ "unknown", "frob: x\nno colon\n:\n", "", 3 },
};

static void
parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(files); i++) {
		struct arena *a = arena_new();
		struct problems p = { 0 };
		struct robots r;
		char got[512];
		struct text t = { .buf = got, .cap = sizeof(got) - 1 };

		assert_true(robots_parse(a, "f", slice_of(files[i].in), &r, &p));
		for (unsigned n = 0; n < r.agents; n++)
			text_printf(&t, "%s%.*s%u", t.len > 0 ? " " : "", (int)r.agent[n].name.len,
			    r.agent[n].name.ptr, r.agent[n].group);
		for (unsigned n = 0; n < r.rules; n++)
			text_printf(&t, "%s%c%.*s%u", t.len > 0 ? " " : "",
			    r.rule[n].allow ? '+' : '-', (int)r.rule[n].pattern.len,
			    r.rule[n].pattern.ptr, r.rule[n].group);
		got[t.len] = '\0';
		if (strcmp(got, files[i].want) != 0 || p.warnings != files[i].warnings)
			fail_msg("%s: \"%s\", %zu warnings", files[i].name, got, p.warnings);
		problems_fini(&p);
		arena_free(a);
	}
}

static void
lines_are_counted(void **state)
{
	struct arena *a = arena_new();
	struct problems p = { 0 };
	struct robots r;

	(void)state;
	assert_true(robots_parse(
	    a, "f", SLICE("\r\n\r\nUser-agent: a\r\rDisallow: /x\n\nCrawl-delay: 5\nx"), &r, &p));
	assert_int_equal(r.agent[0].line, 3);
	assert_int_equal(r.rule[0].line, 5);
	assert_int_equal(r.delay[0].line, 7);
	assert_true(slice_equal(r.delay[0].seconds, SLICE("5")));
	assert_int_equal(p.count, 1);
	assert_memory_equal(p.list[0].text, "f:8: ", 5);
	problems_fini(&p);
	arena_free(a);
}

static void
too_many(void **state)
{
	static char text[ROBOTS_RULES_MAX * 12 + 64];
	struct text t = { .buf = text, .cap = sizeof(text) };
	struct arena *a = arena_new();
	struct problems p = { 0 };
	struct robots r;

	(void)state;
	text_put(&t, SLICE("User-agent: a\n"));
	for (unsigned i = 0; i < ROBOTS_RULES_MAX; i++)
		text_put(&t, SLICE("Allow: /x\n"));
	assert_true(robots_parse(a, "f", text_slice(&t), &r, &p));
	assert_int_equal(r.rules, ROBOTS_RULES_MAX);
	text_put(&t, SLICE("Allow: /x\n"));
	assert_false(robots_parse(a, "f", text_slice(&t), &r, &p));
	assert_int_equal(p.errors, 1);
	problems_fini(&p);
	arena_free(a);
}

static const struct {
	const char *in, *want;
	bool decode;
} regexes[] = {
	{ "/abc_-9", "/abc_-9", true },
	{ "/a*b", "/a.*b", true },
	{ "/a.b+c(d)[e]{f}|^$\\", "/a\\.b\\+c\\(d\\)\\[e\\]\\{f\\}\\|\\^\\$\\x{5c}", true },
	{ "%2A%2a%24%25", "\\*\\*\\$%", true },
	{ "%C3%A9", "\\x{e9}", true },
	{ "\xc3\xa9", "\\x{e9}", true },
	{ "%C3*%A9", "\\x{fffd}.*\\x{fffd}", true },
	{ "%f0%9f%98%80", "\\x{1f600}", true },
	{ "%0a%00 '\"", "\\x{a}\\x{0}\\x{20}\\x{27}\\x{22}", true },
	{ "%zz%4", "%zz%4", true },
	{ "a*%41", "a\\*%41", false },
};

static void
regex(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(regexes); i++) {
		char got[256];
		struct text t = { .buf = got, .cap = sizeof(got) };

		robots_regex(slice_of(regexes[i].in), regexes[i].decode, &t);
		if (!slice_equal(text_slice(&t), slice_of(regexes[i].want)))
			fail_msg("%s: %.*s", regexes[i].in, (int)t.len, got);
	}
}

static void
overlap(void **state)
{
	static const struct {
		const char *a, *b;
		bool want;
	} cases[] = {
		{ "/", "/x", true },
		{ "/x", "/y", false },
		{ "/x/y", "/x", true },
		{ "/%78", "/x", true },
		{ "/x*y", "/x1", true },
		{ "*", "/x", true },
		{ "/a*", "/b*", false },
		{ "/a$", "/ab", true },
		{ "/%2A", "/b", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		if (robots_overlap(slice_of(cases[i].a), slice_of(cases[i].b)) != cases[i].want ||
		    robots_overlap(slice_of(cases[i].b), slice_of(cases[i].a)) != cases[i].want)
			fail_msg("%s, %s", cases[i].a, cases[i].b);
	assert_int_equal(robots_weight(SLICE("/a%20")), 5);
	assert_int_equal(robots_weight(SLICE("/\xc3\xa9")), 7);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse),
		cmocka_unit_test(lines_are_counted),
		cmocka_unit_test(too_many),
		cmocka_unit_test(regex),
		cmocka_unit_test(overlap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
