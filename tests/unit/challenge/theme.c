#include "challenge/theme.h"

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

static const struct memory_file files[] = {
	{ "bad.html", "<p>\n{{none}}" },
	{ "small.html", "<p>{{title}}" },
	{ NULL, NULL },
};

static struct themes *
load(const char *text, struct policy **policy, struct problems *p)
{
	const struct source source = memory_source(files);

	*policy = policy_load("p.yaml", slice_of(text), &source, p);
	assert_non_null(*policy);
	return themes_new(*policy, p);
}

/* Each is one error and no more; what begins with a ! is a warning. want NULL: nothing is said. */
static const struct {
	const char *in, *want;
} cases[] = {
	{ BOTS, NULL },
	{ PAGE("texts: {\"*\": {title: A}, en: {title: B}}"), NULL },
	{ PAGE("texts: {en: {why: \"{host} opens\", wait: \"{n}\"}}"), NULL },
	{ PAGE("texts: {en: {titel: A}}"),
	    "p.yaml:2:21: page.texts.en.titel: there is no such text; there are language title" },
	{ PAGE("texts: {tlh: {title: A}}"), "page.texts.tlh.title: there is no language tlh" },
	{ PAGE("texts: {\"\": {title: A}}"), "there is no language" },
	{ PAGE("texts: {en: {why: A}}"), "page.texts.en.why: must have {host} in it, once" },
	{ PAGE("texts: {en: {why: \"{n}\"}}"), "must have {host} in it, once" },
	{ PAGE("texts: {en: {why: \"{host} {host}\"}}"), "must have {host} in it, once" },
	{ PAGE("texts: {en: {why: \"{host} }\"}}"), "must have {host} in it, once" },
	{ PAGE("texts: {en: {title: \"{{script}}\"}}"), "page.texts.en.title: has { or } in it" },
	{ PAGE("template: bad.html"), "bad.html:2: there is no {{none}}; there are {{lang}}" },
	{ PAGE("template: small.html"), "small.html:1: there is no {{title}}" },
	{ PAGE("note_template: small.html"), "small.html: lacks {{head}} {{text}} {{foot}}" },
	{ PAGE("texts: {en: {titel: A}}") "hosts: {a.example: {page: {contact: x}}}",
	    "page.texts.en.titel: there is no such text" },
	{ PAGE("colours: {text: \"#767676\", background: \"#fff\"}"), NULL },
	{ PAGE("colours: {text: \"#777777\", background: \"#fff\"}"),
	    "!p.yaml:2:1: warning: page: colours: text on background has a contrast of 4.4 : 1" },
	{ PAGE("colours: {text: \"#777\", background: white}"), NULL },
	{ PAGE("colours: {dark: {text: \"#333\"}}"), "!colours.dark: text on background" },
	{ PAGE("colours: {button_text: \"#000\"}"), "!button_text on accent" },
	{ PAGE("colours: {dark: {accent: \"#222\", button_text: \"#fff\"}}"),
	    "!colours.dark: accent on background has a contrast of 1.0 : 1, and many cannot read "
	    "what is below 3.0" },
	{ PAGE("colours: {line: \"#fff\"}"), NULL },
};

static void
test_cases(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *want = cases[i].want;
		const bool warning = want != NULL && want[0] == '!';
		struct problems p = { 0 };
		struct policy *policy;
		struct themes *t = load(cases[i].in, &policy, &p);

		if ((t != NULL) != (want == NULL || warning) ||
		    p.errors != (want != NULL && !warning) || p.warnings != warning ||
		    (want != NULL && strstr(p.list[0].text, want + warning) == NULL))
			fail_msg("%s: %s", cases[i].in, p.count > 0 ? p.list[0].text : "nothing");
		themes_free(t);
		policy_free(policy);
		problems_fini(&p);
	}
}

/* Ours are readable, in both schemes. */
static void
test_own_colours(void **state)
{
	struct problems p = { 0 };
	char buf[1024];
	struct text t = { .buf = buf, .cap = sizeof(buf) - 1 };
	struct policy *policy;

	(void)state;
	text_put(&t, SLICE(BOTS "page: {colours: {"));
	for (unsigned i = 0; i < PAGE_COLOURS; i++)
		text_printf(&t, "%s: \"%s\", ", page_colour_names[i], page_colours[PAGE_LIGHT][i]);
	text_put(&t, SLICE("dark: {"));
	for (unsigned i = 0; i < PAGE_COLOURS; i++)
		text_printf(&t, "%s: \"%s\", ", page_colour_names[i], page_colours[PAGE_DARK][i]);
	text_put(&t, SLICE("}}}"));
	buf[t.len] = '\0';
	themes_free(load(buf, &policy, &p));
	assert_int_equal(p.errors + p.warnings, 0);
	policy_free(policy);
}

static void
test_sites(void **state)
{
	struct problems p = { 0 };
	struct policy *policy;
	struct themes *t =
	    load(BOTS "hosts: {a.example: {page: {contact: x}}, b.example: {}}", &policy, &p);
	struct pages *rest;

	(void)state;
	assert_non_null(t);
	rest = themes_pages(t, SLICE("c.example"));
	assert_non_null(rest);
	assert_ptr_equal(themes_pages(t, SLICE("b.example")), rest);
	assert_ptr_equal(themes_pages(t, (struct slice){ NULL, 0 }), rest);
	assert_ptr_not_equal(themes_pages(t, SLICE("A.example:8080")), rest);
	themes_free(t);
	policy_free(policy);
	themes_free(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_own_colours),
		cmocka_unit_test(test_sites),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
