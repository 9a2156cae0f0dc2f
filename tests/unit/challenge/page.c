#include "challenge/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/crypto.h"
#include "challenge/location.h"

static char got[PAGE_BYTES_MAX + 1];
static struct pages *pages;

/* As a browser does it. */
static void
base64(const uint8_t in[SHA256_BYTES], char out[45])
{
	static const char digits[] =
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (unsigned i = 0; i < 43; i++) {
		unsigned bit = 6 * i, at = bit / 8;
		unsigned two = (unsigned)in[at] << 8 | (at + 1 < SHA256_BYTES ? in[at + 1] : 0u);

		out[i] = digits[two >> (10 - bit % 8) & 63];
	}
	memcpy(out + 43, "=", 2);
}

static struct slice
between(const char *html, const char *open, const char *close)
{
	const char *from = strstr(html, open), *to;

	assert_non_null(from);
	from += strlen(open);
	to = strstr(from, close);
	assert_non_null(to);
	assert_null(strstr(to, open));
	return (struct slice){ from, (size_t)(to - from) };
}

static void
assert_hashed(const char *directive, struct slice content)
{
	uint8_t hash[SHA256_BYTES];
	char want[128], digits[45];
	const char *list;
	struct text t = { .buf = want, .cap = sizeof(want) - 1 };

	sha256_once(content.ptr, content.len, hash);
	base64(hash, digits);
	text_printf(&t, "; %s ", directive);
	want[t.len] = '\0';
	list = strstr(pages_csp(pages), want);
	assert_non_null(list);
	t.len = 0;
	text_printf(&t, " 'sha256-%s'", digits);
	want[t.len] = '\0';
	assert_non_null(list = strstr(list + 2, want));
	assert_ptr_equal(strchr(strstr(pages_csp(pages), directive), ';'), strchr(list, ';'));
}

/* Every <style> there is: browsers apply no other. */
static void
assert_styles_hashed(void)
{
	const char *at = got, *end;
	unsigned n = 0;

	for (; (at = strstr(at, "<style>")) != NULL; at = end, n++) {
		at += strlen("<style>");
		end = strstr(at, "</style>");
		assert_non_null(end);
		assert_hashed("style-src 'self'", (struct slice){ at, (size_t)(end - at) });
	}
	assert_true(n > 0);
}

/* Where a value stands that came from outside, and what it must not become. */
static const char *const hostile[] = { "\"><script>alert(1)</script>", "' onload='x", "{{script}}",
	"}}{{ticket", "</title><img src=x>", "&quot;&amp;" };

static void
write_offering(
    unsigned methods, struct slice back, struct slice host, struct slice ticket, bool form_lost)
{
	struct text out = { .buf = got, .cap = PAGE_BYTES_MAX };
	struct ticket opened = {
		.id = { 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd },
		.challenge = { (uint8_t)methods, 1 << 20, 16, 1, 5, false },
		.host = host,
	};
	struct page_visit v = { .words = locale_choose(SLICE("en")),
		.reference = SLICE("0123456789ab"),
		.back = back,
		.ticket = ticket,
		.opened = &opened };

	assert_true(page_write_challenge(pages, &out, &v, form_lost));
	got[out.len] = '\0';
	assert_int_equal(strlen(got), out.len);
}

static void
write_page(struct slice back, struct slice host, struct slice ticket, bool form_lost)
{
	write_offering(METHOD_POW, back, host, ticket, form_lost);
}

static void
assert_complete(void)
{
	assert_int_equal(strncmp(got, "<!DOCTYPE html>\n<html lang=\"en\"", 31), 0);
	assert_string_equal(got + strlen(got) - 8, "</html>\n");
	assert_null(strstr(got, "{{"));
	assert_null(strstr(got, " style="));
	assert_null(strstr(got, " onclick="));
	assert_null(strstr(got, "http:"));
	assert_null(strstr(got, "https:"));
	assert_styles_hashed();
}

static void
test_page(void **state)
{
	char ticket[300];

	(void)state;
	memset(ticket, 'A', sizeof(ticket));
	write_page(SLICE("/a?b=c"), SLICE("git.example.org"),
	    (struct slice){ ticket, sizeof(ticket) }, false);
	assert_complete();
	assert_hashed("script-src", between(got, "<script id=\"solver\">", "</script>"));
	assert_hashed("script-src", between(got, "<script>", "</script>"));
	assert_non_null(strstr(got, "<code>0123456789ab</code>"));
	assert_non_null(strstr(got, "<title>One moment – git.example.org</title>"));
	/* 16 * 2^32 / 2^20 */
	assert_non_null(strstr(got, "data-target=\"65536\" data-puzzles=\"16\""));
	assert_non_null(strstr(got, "name=\"back\" value=\"/a?b=c\""));
	assert_non_null(strstr(got, "<noscript>"));
	assert_null(strstr(got, "has not been delivered"));
	assert_non_null(strstr(got, "data-posted=\"0\" data-life=\"600\""));
}

/* Nobody is told of a calculation that his browser does not do. */
static void
test_why(void **state)
{
	static const char computes[] = "your browser does a short calculation",
			  other[] =
			      "Before <strong dir=\"ltr\">&lt;a</strong> opens there is a short "
			      "check: for you it takes a moment, ",
			  style[] = "<noscript>\n<style>#why{display:none}</style>\n";
	static const struct {
		unsigned methods;
		bool computes;
	} cases[] = { { METHOD_POW, true }, { METHOD_POW | METHOD_WAIT, true },
		{ METHODS_OFFERED, true }, { METHOD_WAIT, false }, { METHOD_RESOURCE, false },
		{ METHOD_QUESTION | METHOD_WAIT, false } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice why;
		const char *without;

		write_offering(cases[i].methods, SLICE("/"), SLICE("<a"), SLICE("t"), false);
		assert_complete();
		why = between(got, "<p id=\"why\">", "</p>");
		without = strstr(why.ptr + why.len, "<noscript>\n<p>");
		if (cases[i].computes) {
			assert_non_null(memmem(why.ptr, why.len, computes, strlen(computes)));
			assert_null(memmem(why.ptr, why.len, "short check", 11));
			assert_non_null(without);
			assert_memory_equal(without + 14, other, strlen(other));
			assert_true(strstr(got, style) < strstr(got, "</head>"));
			assert_non_null(strstr(got, style));
		} else {
			assert_memory_equal(why.ptr, other, strlen(other));
			assert_null(strstr(got, computes));
			assert_null(strstr(got, "<noscript>"));
			assert_null(strstr(got, "#why"));
			assert_non_null(strstr(got, "data-puzzles=\"0\""));
		}
	}
}

/* SHA-256 of "abc", FIPS 180-2, B.1. */
static void
test_seed(void **state)
{
	(void)state;
	write_page(SLICE("/"), SLICE("a"), SLICE("abc"), false);
	assert_non_null(strstr(
	    got, "data-seed=\"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\""));
	assert_non_null(strstr(got, "name=\"ticket\" value=\"abc\""));
}

static void
test_form_lost(void **state)
{
	(void)state;
	write_page(SLICE("/"), SLICE("a"), SLICE("abc"), true);
	assert_complete();
	assert_non_null(strstr(got, "has not been delivered"));
	assert_non_null(strstr(got, "data-posted=\"1\""));
}

static void
test_hostile(void **state)
{
	static char plain[PAGE_BYTES_MAX + 1];
	size_t brackets = 0;

	(void)state;
	write_page(SLICE("/"), SLICE("a"), SLICE("t"), false);
	memcpy(plain, got, sizeof(plain));
	for (const char *p = plain; *p != '\0'; p++)
		brackets += *p == '<' || *p == '>' || *p == '"' || *p == '\'';
	for (size_t i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++) {
		struct slice evil = slice_of(hostile[i]);
		size_t now = 0;

		write_page(evil, evil, evil, false);
		/* Not one character that has a meaning more than with harmless values. */
		for (const char *p = got; *p != '\0'; p++)
			now += *p == '<' || *p == '>' || *p == '"' || *p == '\'';
		if (now != brackets)
			fail_msg("%s: %zu, not %zu", hostile[i], now, brackets);
		assert_hashed("script-src", between(got, "<script>", "</script>"));
	}
	assert_non_null(strstr(got, "&amp;quot;&amp;amp;"));
}

/* The longest values there are, each byte of which grows to five or six. */
static void
test_longest(void **state)
{
	static char back[LOCATION_MAX];
	char host[TICKET_HOST_MAX], ticket[TICKET_TEXT_MAX];

	(void)state;
	memset(back, '\'', sizeof(back));
	memset(host, '-', sizeof(host));
	memset(ticket, 'A', sizeof(ticket));
	write_page((struct slice){ back, sizeof(back) }, (struct slice){ host, sizeof(host) },
	    (struct slice){ ticket, sizeof(ticket) }, true);
	assert_complete();
}

static void
test_too_small_buffer(void **state)
{
	struct ticket opened = { .challenge = { METHOD_POW, 1, 1, 1, 1, false },
		.host = SLICE("a") };
	struct page_visit v = { .words = locale_choose(SLICE("en")),
		.back = SLICE("/"),
		.ticket = SLICE("t"),
		.opened = &opened };
	struct text out = { .buf = got, .cap = 1000 };

	(void)state;
	assert_false(page_write_challenge(pages, &out, &v, false));
	out = (struct text){ .buf = got, .cap = 1000 };
	assert_false(page_write_refusal(pages, &out, &v, GATE_WRONG));
	v.gzip = true;
	out = (struct text){ .buf = got, .cap = 1000 };
	assert_false(page_write_challenge(pages, &out, &v, false));
}

static void
test_refusals(void **state)
{
	static char seen[GATE_SPENT + 1][PAGE_BYTES_MAX + 1];

	(void)state;
	for (unsigned why = GATE_MALFORMED; why <= GATE_SPENT; why++) {
		struct text out = { .buf = got, .cap = PAGE_BYTES_MAX };
		struct page_visit v = { .words = locale_choose(SLICE("en")),
			.back = SLICE("/a?\"<&"),
			.reference = SLICE("\"<0123456789ab>") };

		assert_true(page_write_refusal(pages, &out, &v, (enum gate_outcome)why));
		got[out.len] = '\0';
		assert_complete();
		assert_non_null(
		    strstr(got, "<a class=\"go\" href=\"/a?&quot;&lt;&amp;\">Start again</a>"));
		assert_non_null(strstr(got, "<code>&quot;&lt;0123456789ab&gt;</code>"));
		assert_null(strstr(got, "<p></p>"));
		assert_null(strstr(got, "http-equiv"));
		memcpy(seen[why], got, sizeof(got));
		/* A method that is not offered is a wrong answer, too. */
		for (unsigned other = GATE_MALFORMED; other < why; other++)
			if (other != GATE_METHOD)
				assert_string_not_equal(seen[other], seen[why]);
	}
}

static void
test_refusal_without_reference(void **state)
{
	struct text out = { .buf = got, .cap = PAGE_BYTES_MAX };
	struct page_visit v = { .words = locale_choose(SLICE("en")), .back = SLICE("/") };

	(void)state;
	assert_true(page_write_refusal(pages, &out, &v, GATE_FORGED));
	got[out.len] = '\0';
	assert_complete();
	assert_null(strstr(got, "reference"));
}

static void
test_plain(void **state)
{
	struct text out = { .buf = got, .cap = PAGE_BYTES_MAX };

	(void)state;
	assert_true(page_write_plain(&out, SLICE("0123456789ab")));
	got[out.len] = '\0';
	assert_non_null(strstr(got, "0123456789ab\n"));
	assert_ptr_equal(strchr(got, '\n'), got + out.len - 1);
}

static void
test_csp(void **state)
{
	static const char *const parts[] = { "default-src 'none'; ", "; worker-src blob: 'self';",
		"; child-src blob: 'self';", " 'wasm-unsafe-eval'; style-src",
		"; connect-src 'self';", "; form-action 'self';", "; base-uri 'none';",
		"; frame-ancestors 'none'", "; img-src data:;" };

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		assert_non_null(strstr(pages_csp(pages), parts[i]));
	assert_null(strstr(pages_csp(pages), "unsafe-inline"));
	assert_null(strstr(pages_csp(pages), "'unsafe-eval'"));
	assert_null(strchr(pages_csp(pages), '\n'));
}

/* The page makes its workers of the script that stands in it: the same as at its address. */
static void
test_solver(void **state)
{
	struct slice solver = page_solver();

	(void)state;
	write_page(SLICE("/"), SLICE("a"), SLICE("t"), false);
	assert_true(slice_equal(between(got, "<script id=\"solver\">", "</script>"), solver));
	assert_null(memmem(got, strlen(got), "@simd@", 6));
	assert_null(memmem(got, strlen(got), "@wasm@", 6));
	/* The first bytes of a module, "\\0asm" and its version, in base64; one for each kind. */
	assert_non_null(memmem(solver.ptr, solver.len, "simd: 'AGFzbQEAAA", 17));
	assert_non_null(memmem(solver.ptr, solver.len, "wasm: 'AGFzbQEAAA", 17));
	assert_true(slice_starts(solver, SLICE("'use strict';\n")));
	assert_null(memchr(solver.ptr, '\t', solver.len));
	assert_null(memmem(solver.ptr, solver.len, "\n//", 3));
}

/* ---- themes ---- */

/* Write the challenge page in this theme. */
static void
write_themed(const struct page_theme *theme)
{
	struct pages *ours = pages;
	const char *why;

	pages = pages_new(theme, &why);
	if (pages == NULL)
		fail_msg("%s", why);
	write_page(SLICE("/"), SLICE("a.example"), SLICE("t"), false);
	assert_styles_hashed();
	assert_hashed("script-src", between(got, "<script>", "</script>"));
	pages_free(pages);
	pages = ours;
}

static void
test_theme(void **state)
{
	struct page_word words[] = { { SLICE("de"), WORD_TITLE, SLICE("Ein Moment") },
		{ SLICE("en"), WORD_TITLE, SLICE("Hold on") },
		{ SLICE("*"), WORD_TITLE, SLICE("no") },
		{ SLICE("*"), WORD_WHY, SLICE("For {host} & all.") },
		{ SLICE("*"), WORD_WHY_OTHER, SLICE("Else: {host}.") },
		{ SLICE("en"), WORD_SECONDS, SLICE("{n} to go") } };
	struct page_theme theme = { .css = SLICE("h1{color:red}"),
		.logo = SLICE("\x89PNG\r\n\x1a\n"),
		.logo_type = "image/png",
		.contact = SLICE("mailto:a@example.org?subject=a&body=b"),
		.word = words,
		.words = sizeof(words) / sizeof(words[0]) };

	(void)state;
	theme.colour[PAGE_DARK][PAGE_LINE] = SLICE("rgb(1,2,3)");
	write_themed(&theme);
	assert_non_null(strstr(got, "<title>Hold on – a.example</title>"));
	assert_non_null(strstr(got, "For <strong dir=\"ltr\">a.example</strong> &amp; all."));
	assert_non_null(strstr(got, "<p>Else: <strong dir=\"ltr\">a.example</strong>.</p>"));
	assert_non_null(strstr(got, "\"seconds\":\"{n} to go\""));
	assert_non_null(strstr(
	    got, "<img class=\"logo\" alt=\"\" src=\"data:image/png;base64,iVBORw0KGgo=\">"));
	assert_non_null(
	    strstr(got, "<a href=\"mailto:a@example.org?subject=a&amp;body=b\">Contact</a>"));
	assert_non_null(strstr(got, "h1{color:red}</style>"));
	assert_non_null(strstr(got, "--line: rgb(1,2,3)"));
	/* Every other colour, in both schemes. */
	for (unsigned i = 0; i < 2 * PAGE_COLOURS; i++)
		if (i != PAGE_COLOURS + PAGE_LINE)
			assert_non_null(
			    strstr(got, page_colours[i / PAGE_COLOURS][i % PAGE_COLOURS]));
}

/* Nothing of it is trusted: not one element more, and no hole is filled. */
static void
test_hostile_theme(void **state)
{
	static const char *const evil[] = { "</script><script>alert(1)</script>", "{{script}}",
		"{{{script}}}", "\"><img src=x onerror=alert(1)>", "{{ticket}} {{", "&lt;<!--",
		"https://example.org/\"onclick=\"x", "mailto:'><script>{{ticket}}" };
	struct page_theme theme = { .words = 0 };
	size_t brackets = 0;

	(void)state;
	write_themed(&theme);
	for (const char *p = got; *p != '\0'; p++)
		brackets += *p == '<';
	for (size_t i = 0; i < sizeof(evil) / sizeof(evil[0]); i++) {
		struct page_word words[WORDS];
		size_t now = 0;

		for (unsigned w = 0; w < WORDS; w++)
			words[w] =
			    (struct page_word){ SLICE("*"), (enum word)w, slice_of(evil[i]) };
		theme = (struct page_theme){
			.contact = slice_of(evil[i]), .word = words, .words = WORDS
		};
		write_themed(&theme);
		for (const char *p = got; *p != '\0'; p++)
			now += *p == '<';
		/* The contact's own, and without {host} no <strong>. */
		now -= strstr(got, "class=\"contact\"><a") != NULL ? 4 : 2;
		now += strstr(got, "<strong") != NULL ? 0 : 4;
		if (now != brackets)
			fail_msg("%s: %zu, not %zu", evil[i], now, brackets);
		assert_null(strstr(got, "{{"));
	}
}

static const uint8_t own_page[] = {
#include "embed/page.html.inc"
	'\0'
};

/* Fits in English, and not where the same takes three times the bytes: each time it is tried. */
static void
test_long_language(void **state)
{
	static char template[65536];
	struct slice ours = { (const char *)own_page, sizeof(own_page) - 1 };
	const char *foot = memmem(ours.ptr, ours.len, "</main>", 7);
	struct text t = { .buf = template, .cap = sizeof(template) };
	struct ticket opened = { .challenge = { METHOD_POW, 1, 1, 1, 1, false },
		.host = SLICE("a") };
	struct page_visit v = { .words = locale_choose(SLICE("hi")),
		.back = SLICE("/"),
		.ticket = SLICE("t"),
		.opened = &opened };
	struct page_theme theme;
	struct pages *long_ones;
	const char *why;

	(void)state;
	assert_non_null(foot);
	text_put(&t, (struct slice){ ours.ptr, (size_t)(foot - ours.ptr) });
	for (unsigned i = 0; i < 900; i++)
		text_put(&t, SLICE("{{w:help_what}}"));
	text_put(&t, (struct slice){ foot, ours.len - (size_t)(foot - ours.ptr) });
	assert_false(t.cut);
	theme = (struct page_theme){ .challenge = text_slice(&t) };
	long_ones = pages_new(&theme, &why);
	assert_non_null(long_ones);
	for (unsigned i = 0; i < 3; i++) {
		struct text out = { .buf = got, .cap = PAGE_BYTES_MAX };

		assert_false(page_write_challenge(long_ones, &out, &v, false));
		assert_false(page_write_help(long_ones, &out, &v));
	}
	pages_free(long_ones);
}

static void
test_own_template(void **state)
{
	static const struct {
		const char *from, *to, *why; /* NULL: it can be used */
	} cases[] = {
		{ "<main>", "<main><!-- ours -->{{w:few}}", NULL },
		{ "{{logo}}", "", NULL },
		{ "{{style}}", "", NULL },
		{ "{{without}}", "", "lacks {{without}}" },
		{ "{{extra}}", "", "lacks {{extra}}" },
		{ "{{reference}}", "", "lacks {{reference}}" },
		{ "{{ticket}}", "{{tickets}}", "there is no {{tickets}}" },
		{ "{{why}}", "", NULL },
		{ "id=\"voice\"", "", "lacks id=\"voice\"" },
		{ "<p id=\"why\">", "<p>", "lacks id=\"why\"" },
		{ "<script>{{script}}", "<script> {{script}}", "must stand alone" },
		{ "{{lost}}", "{{lost", "there is no {{lost" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		static char text[32768];
		const char *ours = (const char *)own_page, *at = strstr(ours, cases[i].from);
		struct text t = { .buf = text, .cap = sizeof(text) };
		struct page_theme theme = { .words = 0 };
		struct pages *p;
		const char *why = "";

		assert_non_null(at);
		text_put(&t, (struct slice){ ours, (size_t)(at - ours) });
		text_put(&t, slice_of(cases[i].to));
		text_put(&t, slice_of(at + strlen(cases[i].from)));
		theme.challenge = text_slice(&t);
		p = pages_new(&theme, &why);
		if ((p == NULL) != (cases[i].why != NULL) ||
		    (p == NULL && strstr(why, cases[i].why) == NULL))
			fail_msg("%s: %s", cases[i].to, why);
		pages_free(p);
	}
}

/* What is too large is known when it is loaded, not when a visitor is waiting. */
static void
test_large_theme(void **state)
{
	static char logo[PAGE_LOGO_MAX], css[PAGE_CSS_MAX], text[PAGE_TEMPLATE_MAX];
	struct text t = { .buf = text, .cap = sizeof(text) };
	struct page_theme theme = { .css = { css, sizeof(css) },
		.logo = { logo, sizeof(logo) },
		.logo_type = "image/png" };
	struct pages *p;
	const char *why = "";

	(void)state;
	memset(logo, 'l', sizeof(logo));
	memset(css, ' ', sizeof(css));
	/* As large as each may be. */
	text_put(&t, slice_of((const char *)own_page));
	while (t.len < sizeof(text))
		text_byte(&t, ' ');
	theme.challenge = text_slice(&t);
	p = pages_new(&theme, &why);
	assert_non_null(p);
	pages_free(p);
	memcpy(text + sizeof(text) - 32, "{{logo}}{{logo}}{{logo}}{{logo}}", 32);
	assert_null(pages_new(&theme, &why));
	assert_non_null(strstr(why, "larger than 320 KB"));
	/* However often a word is repeated. */
	memset(text + sizeof(text) - 32, ' ', 32);
	for (size_t i = sizeof(text) / 2; i + 9 < sizeof(text); i += 9)
		memcpy(text + i, "{{w:why}}", 9);
	assert_null(pages_new(&theme, &why));
	assert_non_null(strstr(why, "larger than 320 KB"));
}

static int
set_up(void **state)
{
	const char *why;

	(void)state;
	pages = pages_new(NULL, &why);
	return pages == NULL;
}

static int
tear_down(void **state)
{
	(void)state;
	pages_free(pages);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_why),
		cmocka_unit_test(test_seed),
		cmocka_unit_test(test_form_lost),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_too_small_buffer),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_refusal_without_reference),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_csp),
		cmocka_unit_test(test_solver),
		cmocka_unit_test(test_theme),
		cmocka_unit_test(test_hostile_theme),
		cmocka_unit_test(test_own_template),
		cmocka_unit_test(test_long_language),
		cmocka_unit_test(test_large_theme),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
