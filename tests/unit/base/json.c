#include "base/json.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Each with the whole of what is said: the place counts as much as the words. */
static const struct {
	const char *name, *in, *want;
} broken[] = {
	{ "empty", "", "f:1:1: the file ends where a value is expected" },
	{ "blank", " \n ", "f:2:2: the file ends where a value is expected" },
	{ "word", "nil", "f:1:1: a value is expected here, not 'n'" },
	{ "half a word", "tru", "f:1:1: a value is expected here, not 't'" },
	{ "map without end", "{\"a\": 1", "f:1:8: the file ends where ',' or '}' is expected" },
	{ "no comma", "[1\n 2]", "f:2:2: ',' or ']' is expected here, not '2'" },
	{ "comma at the end", "[1,]", "f:1:4: a value is expected here, not ']'" },
	{ "comma in a map", "{\"a\":1,}",
	    "f:1:8: a name in double quotes is expected here, not '}'" },
	{ "no colon", "{\"a\" 1}", "f:1:6: ':' is expected here, not '1'" },
	{ "name without quotes", "{a:1}",
	    "f:1:2: a name in double quotes is expected here, not 'a'" },
	{ "single quotes", "['a']", "f:1:2: a value is expected here, not '''" },
	{ "open string", "[\"a", "f:1:4: the file ends where the closing \" is expected" },
	{ "newline in a string", "\"a\nb\"",
	    "f:1:3: a control character in a string: write \\n, \\t or \\u00XX" },
	{ "unknown escape", "\"\\q\"",
	    "f:1:2: an unknown escape: \\\" \\\\ \\/ \\b \\f \\n \\r \\t and \\uXXXX are known" },
	{ "NUL", "[\"a\\u0000b\"]", "f:1:4: \\u0000 is not allowed: no value may hold a NUL" },
	{ "short \\u", "\"\\u12\"", "f:1:2: four hexadecimal digits are expected behind \\u" },
	{ "lone surrogate", "\"\\ud800\"",
	    "f:1:8: half a surrogate pair: write \\uD8xx\\uDCxx or the character itself" },
	{ "leading 0", "[01]", "f:1:3: a number does not begin with 0: leave it out" },
	{ "no digit", "[-]", "f:1:3: a digit is expected here, not ']'" },
	{ "1.", "[1.]", "f:1:4: a digit is expected here, not ']'" },
	{ "1e", "1e", "f:1:3: the file ends where a digit is expected" },
	{ "+1", "+1", "f:1:1: a value is expected here, not '+'" },
	{ "two documents", "{} {}", "f:1:4: the end of the file is expected here, not '{'" },
	{ "Latin-1", "[\n\"\xe4\"]", "f:2:2: not UTF-8: save the file in that encoding" },
	{ "overlong", "\"\xc0\x80\"", "f:1:2: not UTF-8: save the file in that encoding" },
	{ "vertical tab", "\v1", "f:1:1: a value is expected here, not the byte 0x0b" },
	{ "twice", "{\"a\":1,\n \"b\":2,\n \"a\":3}",
	    "f:3:2: a: stands twice in this map, first in line 1: keep one" },
	{ "twice, other case", "[{\"Aa\":1,\"aA\":3}]",
	    "f:1:10: [0].aA: stands twice in this map, first in line 1: keep one" },
};

static void
broken_documents_say_where(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++) {
		struct arena *a = arena_new();
		struct problems p = { 0 };

		assert_null(json_parse(a, "f", slice_of(broken[i].in), &p));
		assert_int_equal(p.errors, 1);
		if (strcmp(p.list[0].text, broken[i].want) != 0)
			fail_msg("%s: %s", broken[i].name, p.list[0].text);
		problems_fini(&p);
		arena_free(a);
	}
}

static struct tree *
parse(struct arena *a, const char *text)
{
	struct problems p = { 0 };
	struct tree *t = json_parse(a, "f", slice_of(text), &p);

	for (size_t i = 0; i < p.count; i++)
		print_error("%s\n", p.list[i].text);
	problems_fini(&p);
	assert_non_null(t);
	return t;
}

static void
values_and_places(void **state)
{
	struct arena *a = arena_new();
	const struct tree *t = parse(a, "\xef\xbb\xbf{ \"s\": \"a\\u00e9\\ud83d\\ude00\\n\",\n"
					"  \"n\": -1.5e2, \"t\": true, \"f\": false,\r\n"
					"\t\"z\": null, \"l\": [ 1, {} ], \"k\\\"\": \"\" }");
	const struct tree *n = tree_get(t, "s");

	(void)state;
	assert_int_equal(t->kind, TREE_MAP);
	assert_int_equal(t->count, 7);
	assert_int_equal(n->kind, TREE_STRING);
	assert_string_equal(n->text.ptr, "a\xc3\xa9\xf0\x9f\x98\x80\n");
	assert_int_equal(n->text.len, 8);
	assert_int_equal(n->line, 1);
	assert_int_equal(n->column, 3);
	n = tree_get(t, "n");
	assert_true(n->kind == TREE_NUMBER && n->number == -150);
	assert_int_equal(n->line, 2);
	assert_true(tree_get(t, "t")->truth);
	assert_false(tree_get(t, "f")->truth);
	assert_int_equal(tree_get(t, "f")->kind, TREE_BOOL);
	n = tree_get(t, "z");
	assert_int_equal(n->kind, TREE_NULL);
	assert_int_equal(n->line, 3);
	assert_int_equal(n->column, 2);
	n = tree_get(t, "l");
	assert_int_equal(n->count, 2);
	assert_int_equal(n->first->column, n->column + 7);
	assert_int_equal(n->last->kind, TREE_MAP);
	assert_non_null(tree_get(t, "k\""));
	arena_free(a);
}

static void
nesting_is_limited(void **state)
{
	static char text[2 * 20000];
	struct problems p = { 0 };
	struct arena *a = arena_new();

	(void)state;
	memset(text, '[', 1000);
	memset(text + 1000, ']', 1000);
	assert_non_null(json_parse(a, "f", (struct slice){ text, 2000 }, &p));
	memset(text, '[', 1001);
	memset(text + 1001, ']', 1001);
	assert_null(json_parse(a, "f", (struct slice){ text, 2002 }, &p));
	assert_string_equal(p.list[0].text, "f:1:1001: nested too deep");
	memset(text, '[', sizeof(text));
	assert_null(json_parse(a, "f", (struct slice){ text, sizeof(text) }, &p));
	problems_fini(&p);
	arena_free(a);
}

static void
size_is_limited(void **state)
{
	size_t n = JSON_BYTES_MAX + 1;
	char *text = xcalloc(n, 1);
	struct problems p = { 0 };
	struct arena *a = arena_new();

	(void)state;
	memset(text, ' ', n);
	assert_null(json_parse(a, "f", (struct slice){ text, n }, &p));
	assert_non_null(strstr(p.list[0].text, "larger than 64 MB"));
	problems_fini(&p);
	n = 2 * (JSON_NODES_MAX + 1);
	for (size_t i = 0; i < n; i += 2)
		memcpy(text + i, i == 0 ? "[1" : ",1", 2);
	assert_null(json_parse(a, "f", (struct slice){ text, n }, &p));
	assert_non_null(strstr(p.list[0].text, "more values than a file may have"));
	problems_fini(&p);
	free(text);
	arena_free(a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_documents_say_where),
		cmocka_unit_test(values_and_places),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(size_is_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
