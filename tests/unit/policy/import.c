#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "policy/verdict.h"
#include "unit/policy/memory_source.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct memory_file files[] = {
	{ "one.yaml", "- name: one\n  action: WEIGH\n  path_regex: x\n" },
	{ "two.yaml", "- name: two-a\n  action: WEIGH\n  path_regex: x\n---\n"
		      "- name: two-b\n  action: WEIGH\n  path_regex: x\n" },
	{ "nest.yaml", "- import: one.yaml\n- name: nest\n  action: WEIGH\n  path_regex: x\n"
		       "- import: two.yaml\n" },
	{ "empty.yaml", "\n # - import: gone.yaml\n" },
	{ NULL, NULL },
};

/* Rules that match path "x", in order. */
static void
matched_names(const struct policy *p, char *out, size_t cap)
{
	struct judge *j = judge_new();
	struct evidence e = { 0 };
	struct request r = { 0 };
	static struct trace t;
	struct verdict v;
	size_t n = 0;

	request_set(&r, REQUEST_PATH, SLICE("x"));
	policy_judge(p, j, &r, &e, &v, &t);
	judge_free(j);
	out[0] = '\0';
	for (unsigned i = 0; i < t.count && t.list[i].action == ACTION_WEIGH; i++)
		n += (size_t)snprintf(
		    out + n, cap - n, "%.*s ", (int)t.list[i].rule.len - 4, t.list[i].rule.ptr + 4);
}

static void
rules_stand_where_the_import_does(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "bots: [{import: one.yaml}]", "one " },
		{ "bots: [{name: a, action: WEIGH, path_regex: x}, {import: one.yaml}, "
		  "{name: b, action: WEIGH, path_regex: x}]",
		    "a one b " },
		{ "bots: [{import: two.yaml}, {import: one.yaml}]", "two-a two-b one " },
		{ "bots: [{import: nest.yaml}]", "one nest two-a two-b " },
		{ "bots: [{import: one.yaml}, {import: one.yaml}]", "one one " },
		{ "bots: [{import: '*'}]", "one two-a two-b one nest two-a two-b " },
		{ "bots: [{import: one.yaml}, {import: empty.yaml}]", "one " },
		{ "hosts: {default: {bots: [{import: one.yaml}]}}\nbots: [{import: two.yaml}]",
		    "one two-a two-b " },
	};
	const struct source source = memory_source(files);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct problems problems = { 0 };
		struct policy *p =
		    policy_load("main.yaml", slice_of(cases[i].in), &source, &problems);
		char got[200];

		if (p == NULL)
			fail_msg("%s: %s", cases[i].in, problems.list[0].text);
		matched_names(p, got, sizeof(got));
		assert_string_equal(got, cases[i].want);
		policy_free(p);
		problems_fini(&problems);
	}
}

static void
wrong_imports(void **state)
{
	static const struct memory_file wrong[] = {
		{ "self.yaml", "- import: self.yaml\n" },
		{ "a.yaml", "- import: b.yaml\n" },
		{ "b.yaml", "- import: a.yaml\n" },
		{ "map.yaml", "bots: []\n" },
		{ "bad.yaml", "\n- name: x\n  action: DENY\n  path_regex: '('\n" },
		{ "back.yaml", "- import: main.yaml\n" },
		{ "main.yaml", "bots: [{import: back.yaml}]" },
		{ "gone.yaml", NULL },
		{ "double.yaml", "- import: half.yaml\n- import: half.yaml\n" },
		{ NULL, NULL },
	};
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "self.yaml", "self.yaml:1:3: [0].import: self.yaml imports itself: take" },
		{ "a.yaml", "b.yaml:1:3: [0].import: a.yaml imports itself, by way of other" },
		{ "back.yaml", "back.yaml:1:3: [0].import: main.yaml imports itself, by way" },
		{ "map.yaml", "map.yaml:1:1: is map; what is imported must be a list of rules" },
		{ "bad.yaml", "bad.yaml:4:3: [0].path_regex: missing closing parenthesis" },
		{ "gone.yaml", "main.yaml:1:9: bots[0].import: gone.yaml cannot be read: it is" },
		{ "nothing.yaml", "bots[0].import: no file matches" },
		{ "double.yaml", "double.yaml:1:3: [0].import: no file matches" },
	};
	const struct source source = memory_source(wrong);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct problems p = { 0 };
		char text[100];

		snprintf(text, sizeof(text), "bots: [{import: %s}]", cases[i].in);
		assert_null(policy_load("main.yaml", slice_of(text), &source, &p));
		if (p.count < 1 || strstr(p.list[0].text, cases[i].want) == NULL)
			fail_msg("%s: %s", cases[i].in, p.count > 0 ? p.list[0].text : "");
		problems_fini(&p);
	}
}

/* 31 files, each of which imports the next one eight times. */
static void
imports_do_not_explode(void **state)
{
	static char names[31][16], texts[31][300];
	static struct memory_file many[32];
	const struct source source = memory_source(many);
	struct problems p = { 0 };

	(void)state;
	for (int i = 0; i < 31; i++) {
		size_t n = 0;

		snprintf(names[i], sizeof(names[i]), "f%d", i);
		for (int k = 0; k < 8 && i < 30; k++)
			n += (size_t)snprintf(
			    texts[i] + n, sizeof(texts[i]) - n, "- import: f%d\n", i + 1);
		many[i] = (struct memory_file){ names[i], texts[i] };
	}
	assert_null(policy_load("main.yaml", SLICE("bots: [{import: f0}]"), &source, &p));
	assert_int_equal(p.errors, 1);
	assert_non_null(strstr(p.list[0].text, "more than 10000 files are imported"));
	problems_fini(&p);
}

static void
lists_alone(void **state)
{
	const struct source source = memory_source(files);
	struct problems p = { 0 };
	struct policy *policy = policy_load_any(
	    "l.yaml", SLICE("- import: one.yaml\n---\n- import: two.yaml\n"), &source, &p);
	char got[100];

	(void)state;
	assert_non_null(policy);
	matched_names(policy, got, sizeof(got));
	assert_string_equal(got, "one two-a two-b ");
	policy_free(policy);
	assert_null(policy_load_any("l.yaml", SLICE("bots: []\n"), &source, &p));
	assert_int_equal(p.errors, 1);
	problems_fini(&p);
}

static void
addresses_from_files(void **state)
{
	static const struct memory_file lists[] = {
		{ "a.txt", "# ours\n192.0.2.0/24\n2001:db8::/32\n" },
		{ "b.json", "{\"prefixes\": [{\"ipv4Prefix\": \"198.51.100.0/24\"}]}" },
		{ "bad.txt", "192.0.2.0/24\nhello\n" },
		{ NULL, NULL },
	};
	static const struct {
		const char *address;
		enum verdict_kind want;
	} cases[] = { { "192.0.2.9", VERDICT_DENY }, { "2001:db8::1", VERDICT_DENY },
		{ "198.51.100.1", VERDICT_DENY }, { "203.0.113.77", VERDICT_DENY },
		{ "203.0.113.78", VERDICT_ALLOW } };
	const struct source source = memory_source(lists);
	struct problems problems = { 0 };
	struct policy *p = policy_load("f.yaml",
	    SLICE("bots: [{name: n, action: DENY, remote_addresses: [203.0.113.77/32],\n"
		  "  remote_addresses_file: [a.txt, b.json]}]"),
	    &source, &problems);
	struct judge *j = judge_new();
	struct evidence e = { 0 };
	struct verdict v;

	(void)state;
	if (p == NULL)
		fail_msg("%s", problems.list[0].text);
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct request r = { 0 };

		assert_true(address_parse(slice_of(cases[i].address), &r.src));
		policy_judge(p, j, &r, &e, &v, NULL);
		assert_int_equal(v.kind, cases[i].want);
	}
	judge_free(j);
	policy_free(p);
	assert_null(policy_load("f.yaml",
	    SLICE("bots: [{name: n, action: DENY, remote_addresses_file: bad.txt}]"), &source,
	    &problems));
	assert_int_equal(problems.errors, 1);
	assert_non_null(strstr(problems.list[problems.count - 1].text, "bad.txt:2"));
	problems_fini(&problems);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules_stand_where_the_import_does),
		cmocka_unit_test(wrong_imports),
		cmocka_unit_test(imports_do_not_explode),
		cmocka_unit_test(lists_alone),
		cmocka_unit_test(addresses_from_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
