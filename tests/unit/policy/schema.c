#include "policy/schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/document.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *in;
	enum tree_kind kind;
	const char *want; /* the text, "" for a kind without, or the problem */
} cases[] = {
	{ "a: x", TREE_STRING, "x" },
	{ "A: x", TREE_STRING, "x" },
	{ "a: NO", TREE_STRING, "NO" },
	{ "a: 1.10", TREE_STRING, "1.10" },
	{ "a: 0x1f", TREE_STRING, "0x1f" },
	{ "a: [x]", TREE_STRING, "f:1:1: a: is list and must be string" },
	{ "a: '1'", TREE_NUMBER, "f:1:1: a: is string and must be number" },
	{ "a: 'yes'", TREE_BOOL, "f:1:1: a: is string and must be true or false" },
	{ "a: 1", TREE_BOOL, "f:1:1: a: is number and must be true or false" },
	{ "a: yes", TREE_NUMBER, "f:1:1: a: is true or false and must be number" },
	{ "{\"a\": 1}", TREE_STRING, "f:1:2: a: is number and must be string" },
	{ "{\"a\": true}", TREE_STRING, "f:1:2: a: is true or false and must be string" },
	{ "a: ~", TREE_STRING, NULL },
	{ "b: 1", TREE_STRING, NULL },
};

static void
members_by_kind(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena *a = arena_new();
		struct problems p = { 0 };
		const struct tree *t = document_parse(a, "f", slice_of(cases[i].in), &p);
		const struct tree *n = schema_get(t, "a", cases[i].kind, &p);
		const char *got = n != NULL ? n->text.ptr : p.count > 0 ? p.list[0].text : NULL;

		if ((got == NULL) != (cases[i].want == NULL) ||
		    (got != NULL && strcmp(got, cases[i].want) != 0))
			fail_msg("%s: %s", cases[i].in, got == NULL ? "none" : got);
		problems_fini(&p);
		arena_free(a);
	}
}

static void
whole_numbers(void **state)
{
	static const struct {
		const char *in;
		int64_t want;
		size_t errors;
	} rows[] = {
		{ "a: 5", 5, 0 },
		{ "a: 0x5", 5, 0 },
		{ "a: -3", -3, 0 },
		{ "a: 10", 10, 0 },
		{ "a: 11", 7, 1 },
		{ "a: -4", 7, 1 },
		{ "a: 1.5", 7, 1 },
		{ "a: '5'", 7, 1 },
		{ "a: x", 7, 1 },
		{ "a:", 7, 0 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct arena *a = arena_new();
		struct problems p = { 0 };
		const struct tree *t = document_parse(a, "f", slice_of(rows[i].in), &p);

		assert_int_equal(schema_int(t, "a", -3, 10, 7, &p), rows[i].want);
		assert_int_equal(p.errors, rows[i].errors);
		problems_fini(&p);
		arena_free(a);
	}
}

static void
keys_are_known_or_named(void **state)
{
	static const struct schema_key keys[] = { { "known", SCHEMA_KNOWN },
		{ "ignored", SCHEMA_IGNORED }, { NULL, 0 } };
	struct arena *a = arena_new();
	struct problems p = { 0 };
	const struct tree *t =
	    document_parse(a, "f", SLICE("Known: 1\nignored: 2\nother: 4\n"), &p);

	(void)state;
	schema_check(t, keys, &p);
	assert_int_equal(p.warnings, 2);
	assert_int_equal(p.errors, 0);
	assert_string_equal(
	    p.list[0].text, "f:2:1: warning: ignored: ignored: Ammit has no such setting");
	assert_string_equal(p.list[1].text, "f:3:1: warning: other: unknown key, ignored");
	problems_fini(&p);
	t = document_parse(a, "f", SLICE("ignored: ~\n"), &p);
	schema_check(t, keys, &p);
	assert_int_equal(p.warnings + p.errors, 0);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_by_kind),
		cmocka_unit_test(whole_numbers),
		cmocka_unit_test(keys_are_known_or_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
