#include "policy/page.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/policy/memory_source.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define BOTS "bots: [{name: a, action: ALLOW, path_regex: /}]\n"
#define PAGE(members) BOTS "page: {" members "}\n"

static char long_css[PAGE_CSS_MAX + 2], long_text[PAGE_TEXT_MAX + 2];

static const struct memory_file files[] = {
	{ "a.svg", "<?xml version=\"1.0\"?>\n<!-- one -->\n<SVG></SVG>" },
	{ "a.png", "\x89PNG\r\n\x1a\n...." },
	{ "a.jpeg", "\xff\xd8\xff\xe0" },
	{ "a.gif", "GIF89a" },
	{ "a.webp", "RIFF....WEBPVP8 " },
	{ "png.svg", "\x89PNG\r\n\x1a\n...." },
	{ "riff", "RIFF....WAVEfmt " },
	{ "binary.svg", "<svg>\xff</svg>" },
	{ "a.css", "\xef\xbb\xbf"
		   "h1 { }\r\nh2 { }\rp { }\r" },
	{ "end.css", "p { } </STYLE ><script>" },
	{ "import.css", "@IMPORT 'a.css'; p { background: url( 'https://example.org/a') }" },
	{ "fetch.css", "p { background: url(\"//example.org/a\") }" },
	{ "data.css", "p { background: url(data:image/gif;base64,AA==) }" },
	{ "latin.css", "/* \xe4 */" },
	{ "long.css", long_css },
	{ "empty", "" },
	{ "t.html", "<p>{{title}}" },
	{ "gone", NULL },
	{ NULL, NULL },
};

static struct policy *
load(const char *text, struct problems *p)
{
	const struct source source = memory_source(files);

	return policy_load("p.yaml", slice_of(text), &source, p);
}

/* Each is one error and no more; what begins with a ! is a warning. */
static const struct {
	const char *in, *want;
} wrong[] = {
	{ BOTS "page: x\n", "page: is string and must be map" },
	{ PAGE("logos: a.svg"), "!p.yaml:2:8: warning: page.logos: unknown key" },
	{ PAGE("logo: b.svg"), "p.yaml:2:8: page.logo: b.svg: no file matches" },
	{ PAGE("logo: gone"), "page.logo: gone cannot be read: it is gone" },
	{ PAGE("logo: \"*\""), "page.logo: *: several files match" },
	{ PAGE("logo: empty"), "page.logo: empty is empty" },
	{ PAGE("logo: riff"), "page.logo: riff is no image that every browser shows: SVG, PNG" },
	{ PAGE("logo: t.html"), "page.logo: t.html is no image" },
	{ PAGE("logo: binary.svg"), "page.logo: binary.svg is no image" },
	{ PAGE("logo: [a.svg]"), "page.logo: is list and must be string" },
	{ PAGE("css: end.css"), "page.css: end.css has </style in it" },
	{ PAGE("css: import.css"), "!page.css: import.css has @import" },
	{ PAGE("css: fetch.css"), "!page.css: fetch.css has url(\"//: the page fetches nothing" },
	{ PAGE("css: latin.css"), "page.css: latin.css is no text in UTF-8" },
	{ PAGE("css: long.css"), "page.css: long.css has more than 32 KB" },
	{ PAGE("template: empty"), "page.template: empty is empty" },
	{ PAGE("note_template: x"), "page.note_template: x: no file matches" },
	{ PAGE("colours: red"), "page.colours: is string and must be map" },
	{ PAGE("colours: {txt: red}"), "!page.colours.txt: unknown key" },
	{ PAGE("colours: {text: }"), "page.colours.text: is empty: # begins a comment in YAML" },
	{ PAGE("colours: {text: [red]}"), "page.colours.text: no colour" },
	{ PAGE("colours: {dark: {dark: {}}}"), "!page.colours.dark.dark: unknown key" },
	{ PAGE("colours: {dark: {line: \"#12\"}}"), "page.colours.dark.line: no colour" },
	{ PAGE("contact: http://example.org"), "page.contact: a link must begin with https://" },
	{ PAGE("contact: \"mailto:a b@example.org\""), "page.contact: no address" },
	{ PAGE("contact: \"https://example.org/\\\"onclick\""), "page.contact: no address" },
	{ PAGE("contact: \"a\\nb\""), "page.contact: must be one line" },
	{ PAGE("texts: {de: Hallo}"), "page.texts.de: is string and must be a map" },
	{ PAGE("texts: {de: {title: [a]}}"), "page.texts.de.title: is list and must be string" },
	{ PAGE("texts: {de: {title: \"\"}}"), "page.texts.de.title: must be one line of 1 to" },
	{ PAGE("texts: {de: {title: \"a\\tb\"}}"), "page.texts.de.title: must be one line" },
	{ BOTS "hosts: {a.example: {page: {logo: b.svg}}}", "hosts.a.example.page.logo: b.svg" },
};

static void
test_wrong(void **state)
{
	(void)state;
	memset(long_css, ' ', sizeof(long_css) - 1);
	for (size_t i = 0; i < COUNT(wrong); i++) {
		const bool warning = wrong[i].want[0] == '!';
		struct problems p = { 0 };
		struct policy *policy = load(wrong[i].in, &p);

		if ((policy != NULL) != warning || p.errors != !warning || p.warnings != warning ||
		    strstr(p.list[0].text, wrong[i].want + warning) == NULL)
			fail_msg("%s: %s", wrong[i].in, p.count > 0 ? p.list[0].text : "nothing");
		policy_free(policy);
		problems_fini(&p);
	}
}

/* What is longer than a text may be, in the two places that have one. */
static void
test_too_long(void **state)
{
	static const char *const formats[] = { BOTS "page: {contact: \"%s\"}",
		BOTS "page: {texts: {de: {title: \"%s\"}}}" };
	static const unsigned most[] = { PAGE_CONTACT_MAX, PAGE_TEXT_MAX };
	char text[2 * PAGE_TEXT_MAX];

	(void)state;
	for (unsigned i = 0; i < 2; i++)
		for (unsigned more = 0; more < 2; more++) {
			struct problems p = { 0 };
			struct policy *policy;

			memset(long_text, 'a', sizeof(long_text));
			long_text[most[i] + more] = '\0';
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
			snprintf(text, sizeof(text), formats[i], long_text);
#pragma GCC diagnostic pop
			policy = load(text, &p);
			assert_int_equal(p.errors, more);
			policy_free(policy);
			problems_fini(&p);
		}
}

static const struct {
	const char *text;
	bool good;
} colours[] = {
	{ "#333", true },
	{ "#A0b1C2", true },
	{ "rgb(1, 2, 3)", true },
	{ "rgb(1 2 3 / 50%)", true },
	{ "rgba(1,2,3,.5)", true },
	{ "hsl(120deg 10% 20%)", true },
	{ "hsl(120, 10%, 20%)", true },
	{ "rebeccapurple", true },
	{ "RED", true },
	{ "#33", false },
	{ "#3333", false },
	{ "#33333g", false },
	{ "#", false },
	{ "rgb()", false },
	{ "rgb(1, 2, 3", false },
	{ "rgb(1, 2, 3);x:y", false },
	{ "rgb(var(--x))", false },
	{ "url(x)", false },
	{ "red;", false },
	{ "red}*{display:none", false },
	{ "</style>", false },
	{ "expression(alert(1))", false },
	{ "red\\\\n", false },
	{ "red blue", false },
	{ "lab(1 2 3)", false },
	{ "a", false },
	{ "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false },
};

static void
test_colours(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(colours); i++)
		for (unsigned c = 0; c < PAGE_COLOURS; c++) {
			struct problems p = { 0 };
			struct policy *policy;
			char text[256];

			snprintf(text, sizeof(text), BOTS "page: {colours: {dark: {%s: \"%s\"}}}",
			    page_colour_names[c], colours[i].text);
			policy = load(text, &p);
			if ((policy != NULL) != colours[i].good)
				fail_msg("%s: %s", text, p.count > 0 ? p.list[0].text : "good");
			if (policy != NULL)
				assert_true(slice_equal(policy_pages(policy)->colour[PAGE_DARK][c],
				    slice_of(colours[i].text)));
			policy_free(policy);
			problems_fini(&p);
		}
}

static void
test_logos(void **state)
{
	static const struct {
		const char *file, *type;
	} logos[] = { { "a.svg", "image/svg+xml" }, { "a.png", "image/png" },
		{ "a.jpeg", "image/jpeg" }, { "a.gif", "image/gif" }, { "a.webp", "image/webp" },
		{ "png.svg", "image/png" } };

	(void)state;
	for (size_t i = 0; i < COUNT(logos); i++) {
		struct problems p = { 0 };
		struct policy *policy;
		char text[128];

		snprintf(text, sizeof(text), PAGE("logo: %s"), logos[i].file);
		policy = load(text, &p);
		assert_non_null(policy);
		assert_string_equal(policy_pages(policy)->logo_type, logos[i].type);
		assert_string_equal(policy_pages(policy)->logo.name, logos[i].file);
		policy_free(policy);
	}
}

/* As browsers read it, without its byte order mark and CR. */
static void
test_files(void **state)
{
	struct problems p = { 0 };
	struct policy *policy =
	    load(PAGE("css: a.css, template: t.html, note_template: t.html, contact: "
		      "'mailto:a@example.org?subject=a%20b'"),
		&p);
	const struct page_settings *s;

	(void)state;
	assert_non_null(policy);
	s = policy_pages(policy);
	assert_true(slice_equal(s->css.bytes, SLICE("h1 { }\nh2 { }\np { }\n")));
	assert_true(slice_equal(s->challenge.bytes, SLICE("<p>{{title}}")));
	assert_true(slice_equal(s->note.bytes, s->challenge.bytes));
	assert_true(slice_equal(s->contact, SLICE("mailto:a@example.org?subject=a%20b")));
	assert_null(s->next);
	assert_null(s->logo_type);
	assert_int_equal(s->at.line, 2);
	assert_string_equal(s->at.path, "page");
	policy_free(policy);
	policy = load(PAGE("css: data.css"), &p);
	assert_non_null(policy);
	assert_int_equal(p.warnings, 0);
	policy_free(policy);
}

static bool
is_contact(const struct policy *p, const char *host, const char *want)
{
	return slice_equal(policy_page(p, slice_of(host))->contact, slice_of(want));
}

/* A site has what stands beside `hosts`, but for what it names itself. */
static void
test_sites(void **state)
{
	struct problems p = { 0 };
	struct policy *policy =
	    load(BOTS "page: {contact: all, css: a.css, texts: {\"*\": {a: 1}, de: {a: 2}}}\n"
		      "hosts:\n"
		      "  one.example: {page: {contact: one, texts: {\"*\": {a: 3}, fr: {a: 4}}}}\n"
		      "  two.example: {shadow: true}\n"
		      "  '*.example': {page: {css: data.css}}\n"
		      "  default: {page: {contact: rest}}\n",
		&p);
	static const char *const want[] = { "fr4", "*3", "de2", "*1" };
	const struct page_settings *one, *star;
	unsigned n = 0;

	(void)state;
	assert_non_null(policy);
	one = policy_page(policy, SLICE("one.example:80"));
	star = policy_page(policy, SLICE("x.example"));
	assert_true(is_contact(policy, "one.example", "one"));
	assert_true(is_contact(policy, "ONE.example.", "one"));
	assert_true(is_contact(policy, "two.example", "all"));
	assert_true(is_contact(policy, "x.example", "all"));
	assert_true(is_contact(policy, "other.test", "rest"));
	assert_true(is_contact(policy, "", "rest"));
	/* What both have stands once. */
	assert_ptr_equal(one->css.bytes.ptr, policy_pages(policy)->css.bytes.ptr);
	assert_ptr_not_equal(star->css.bytes.ptr, one->css.bytes.ptr);
	assert_ptr_equal(star->text, policy_pages(policy)->text);
	assert_int_equal(one->texts, COUNT(want));
	for (unsigned i = 0; i < COUNT(want); i++) {
		assert_true(slice_starts(slice_of(want[i]), one->text[i].language));
		assert_int_equal(one->text[i].text.ptr[0], want[i][strlen(want[i]) - 1]);
	}
	assert_string_equal(one->text[0].at.path, "hosts.one.example.page.texts.fr.a");
	for (const struct page_settings *s = policy_pages(policy); s != NULL; s = s->next)
		assert_int_equal(s->number, n++);
	assert_int_equal(n, 4);
	policy_free(policy);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_colours),
		cmocka_unit_test(test_logos),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_sites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
