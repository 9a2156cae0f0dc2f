#include "base/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"
#include "base/text.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* Parses and expects this to be the first that is said, in whole or its beginning. */
static void
refused(const char *name, struct slice in, const char *want)
{
	struct arena *a = arena_new();
	struct problems p = { 0 };

	assert_null(yaml_parse(a, "f", in, &p));
	if (p.count == 0 || strncmp(p.list[0].text, want, strlen(want)) != 0)
		fail_msg("%s: %s", name, p.count == 0 ? "accepted" : p.list[0].text);
	/* Whatever was in there, no more than the nodes that are allowed was made of it. */
	assert_true(arena_bytes(a) < YAML_NODES_MAX * 2 * sizeof(struct tree));
	problems_fini(&p);
	arena_free(a);
}

static const struct {
	const char *name, *in, *want;
} broken[] = {
	{ "empty", "", "f:1:1: nothing is in this file" },
	{ "comment", "# a\n", "f:1:1: nothing is in this file" },
	{ "tab", "a:\n\tb: c\n",
	    "f:2:1: tab character may not be used as indentation: indent with blanks" },
	{ "regex in double quotes", "a: \"\\.rss$\"\n",
	    "f:1:5: invalid escape '.' in double-quoted string: in double quotes \\ begins an "
	    "escape; a regex belongs in single quotes" },
	{ "colon", "a: b: c\n",
	    "f:1:5: invalid nested block mapping on the same line: a value with ': ' in it" },
	{ "%", "a: %x\n", "f:1:4: plain scalar cannot start with '%': put the value in single" },
	{ "@", "a: @x\n", "f:1:4: plain scalar cannot start with '@': put the value in single" },
	{ "*", "a: *.html\n", "f:1:4: a: no anchor &.html stands before this alias: a value" },
	{ "* alone", "- *\n", "f:1:4: invalid alias detected: a value that begins with *" },
	{ "&", "a: &\n", "f:1:5: invalid anchor detected: a value that begins with &" },
	{ "unknown prefix", "a: !x!y z\n", "f:1:4: undefined tag prefix: a value that begins" },
	{ "tag", "a: !foo x\n", "f:1:9: a: the tag !foo does not fit here (known: str int" },
	{ "binary", "a: !!binary eA==\n", "f:1:13: a: the tag !!binary does not fit here" },
	{ "list tagged map", "- !!map [1]\n", "f:1:9: [0]: the tag !!map does not fit" },
	{ "wrong tag", "a: !!int x\n", "f:1:10: a: the value does not look like what its tag" },
	{ "merge key", "a: &a {b: c}\nd:\n  <<: *a\n", "f:3:3: d: merge keys (<<) are not" },
	{ "itself", "- &a [*a]\n", "f:1:7: [0][0]: the alias *a stands within what it refers to" },
	{ "anchor of another document", "- &a x\n---\n- *a\n", "f:3:3: [0]: no anchor &a" },
	{ "list as a name", "? [a]\n: b\n", "f:1:3: a list or map cannot be a name" },
	{ "open quote", "a: 'x\n", "f:1:5: single-quoted scalar without closing quote: close" },
	{ "open list", "- [a\n", "f:2:1: flow sequence without a closing bracket: each [" },
	{ "twice", "a: 1\nb: 2\na: 3\n", "f:3:1: a: stands twice in this map, first in line 1" },
	{ "twice, other case", "- Aa: 1\n  aA: 2\n", "f:2:3: [0].aA: stands twice" },
	{ "twice in {}", "{a: 1, \"a\": 2}", "f:1:8: a: stands twice in this map" },
	{ "Latin-1", "a: b\nc: \xe4\n", "f:2:4: not UTF-8: save the file in that encoding" },
	{ "control", "a: \x01\n", "f:1:4: a control character: write it as \\xHH" },
	{ "C1 control", "a: \xc2\x85\n", "f:1:4: a control character: write it as \\u00HH" },
	{ "separator", "a: x\xe2\x80\xa8y\n", "f:1:5: a line or paragraph separator" },
	{ "late mark", "a: b\n\xef\xbb\xbf\n", "f:2:1: a byte order mark in the middle" },
	{ "NUL by escape", "a: \"x\\0\"\n", "f:1:4: a: no value may hold a NUL" },
	{ "version", "%YAML 9.9\n---\na\n", "f:1:1: no YAML from here on" },
};

static void
broken_documents_say_where_and_what_to_do(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(broken); i++)
		refused(broken[i].name, slice_of(broken[i].in), broken[i].want);
	refused("NUL", SLICE("a:\n- \0"), "f:2:3: a NUL byte: this is no text file");
}

/* head, then `times` times unit; what of it is too much is said at once. */
static const struct {
	const char *name, *head, *unit;
	size_t times;
	const char *want;
} large[] = {
	{ "[", "", "[", 20000, "f:1:65: " },
	{ "{", "", "{a: ", 20000, "f:1:257: " },
	{ "[{", "", "[{a: ", 20000, "f:1:161: " },
	{ "- -", "", "- ", 20000, "f:1:129: " },
	{ "[ in a block", "a: ", "[", 20000, "f:1:67: " },
	{ ": :", "", ": ", 20000, "f:1:129: " },
	{ "[ without end", "", "[", 16000000, "f:1:200001: more in one [] or {} than" },
	{ "{ without end", "a:\n  ", "{a: ", 4000000, "f:2:400003: more in one [] or {}" },
	{ "[ a line", "", "[\n", 8000000, "f:200001:1: more in one [] or {}" },
	{ "[a,", "[", "a,", 8000000, "f:1:400001: more in one [] or {} than" },
	{ "quotes", "[\"", "\",\"", 5000000, "f:1:200001: more in one [] or {} than" },
	{ ": in []", "- [a", ": ", 8000000, "f:1:400003: more in one [] or {} than" },
	{ "tags", "", "! ", 8000000, "f:1:400001: more in one [] or {} than" },
	{ "aliases", "a: ", "*a ", 5000000, "f:1:600004: more in one [] or {} than" },
	{ "directives", "", "%A\n", 5000000, "f:65:1: more lines that begin with %" },
	{ "directive", "", "%", 16000000, "f:1:1: a line that begins with %" },
	{ "entries", "", "- a\n", 4000000, "f:1000000:3: [999999]: more values than" },
	{ "names", "", "? a\n", 1000001, "f:1000000:3: more values than" },
	{ "documents", "", "---\n", 4000000, "f:1000002:1: more values than" },
	{ "anchors", "", "- &a b\n", 2000000, "f:101:6: [100]: more anchors (&name) than" },
	{ "value", "a: '", "''", 8000000, "f:" },
	{ "block", "a: |\n", "  x\n", 1000000, "f:1:2: a: a value longer than 1 MB" },
	{ "bytes", "", "#", 17 * 1024 * 1024, "f:1:1: larger than 16 MB" },
};

static void
large_documents_cost_little(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(large); i++) {
		size_t head = strlen(large[i].head), unit = strlen(large[i].unit);
		size_t n = head + unit * large[i].times;
		char *text = xcalloc(n, 1);

		memcpy(text, large[i].head, head);
		for (size_t k = head; k < n; k += unit)
			memcpy(text + k, large[i].unit, unit);
		refused(large[i].name, (struct slice){ text, n }, large[i].want);
		free(text);
	}
}

static void
deep_blocks_are_refused(void **state)
{
	size_t cap = 12 * 1024 * 1024;
	struct text t = { .buf = xcalloc(cap, 1), .cap = cap };

	(void)state;
	for (int i = 0; i < 4000; i++)
		text_printf(&t, "%*sa:\n", i, "");
	assert_false(t.cut);
	refused("maps", text_slice(&t), "f:65:65: a.a.a");
	t.len = 0;
	for (int i = 0; i < 4000; i++)
		text_printf(&t, "%*s-\n", i, "");
	refused("lists", text_slice(&t), "f:65:65: [0][0]");
	free(t.buf);
}

static struct tree *
parse(struct arena *a, const char *text)
{
	struct problems p = { 0 };
	struct tree *t = yaml_parse(a, "f", slice_of(text), &p);

	for (size_t i = 0; i < p.count; i++)
		print_error("%s\n", p.list[i].text);
	problems_fini(&p);
	assert_non_null(t);
	return t;
}

static void
sixty_four_levels_are_fine(void **state)
{
	struct arena *a = arena_new();
	char text[129] = "";
	const struct tree *t;
	unsigned depth = 0;

	(void)state;
	memset(text, '[', 64);
	memset(text + 64, ']', 64);
	for (t = parse(a, text); t != NULL; t = t->first)
		depth++;
	assert_int_equal(depth, 64);
	arena_free(a);
}

/* A tenfold of tenfolds, so cheap to write: more nodes than bytes in any memory. */
static void
aliases_have_a_budget(void **state)
{
	char buf[8192];
	struct text t = { .buf = buf, .cap = sizeof(buf) };

	(void)state;
	text_printf(&t, "a0: &a0 [x, x]\n");
	for (int i = 1; i < 40; i++)
		text_printf(
		    &t, "a%d: &a%d [*a%d, *a%d, *a%d, *a%d]\n", i, i, i - 1, i - 1, i - 1, i - 1);
	refused("laughs", text_slice(&t), "f:10:");
	t.len = 0;
	text_printf(&t, "- &a0 [x]\n");
	for (int i = 1; i < 70; i++)
		text_printf(&t, "- &a%d [*a%d]\n", i, i - 1);
	refused("chain", text_slice(&t), "f:64:");
}

static void
aliases_are_copies(void **state)
{
	struct arena *a = arena_new();
	const struct tree *t = parse(a, "a: &x {l: [1, &y two]}\nb: *x\nc: [*x, *y]\n*y : 4\n");
	const struct tree *one = tree_get(t, "a"), *other = tree_get(t, "b");

	(void)state;
	assert_int_equal(t->count, 4);
	assert_ptr_not_equal(one, other);
	assert_int_equal(other->line, 2);
	assert_int_equal(other->column, 1);
	assert_int_equal(other->index, 1);
	assert_ptr_equal(other->parent, t);
	assert_int_equal(tree_get(other, "l")->count, 2);
	assert_ptr_equal(tree_get(other, "l")->parent, other);
	assert_string_equal(tree_get(other, "l")->last->text.ptr, "two");
	other = tree_get(t, "c");
	assert_int_equal(other->first->kind, TREE_MAP);
	assert_int_equal(other->first->line, 3);
	assert_int_equal(other->first->column, 5);
	assert_string_equal(other->last->text.ptr, "two");
	assert_true(tree_get(t, "two")->number == 4);
	arena_free(a);
}

static void
everything_stands_somewhere(void **state)
{
	static const struct {
		enum tree_kind kind;
		unsigned line, column;
		const char *text;
		bool plain;
	} want[] = {
		{ TREE_NULL, 2, 1, "", true },
		{ TREE_NULL, 3, 1, "", true },
		{ TREE_STRING, 4, 3, "a\nb", false },
		{ TREE_STRING, 5, 3, "it's", false },
		{ TREE_STRING, 6, 1, "x\ny\n", false },
		{ TREE_STRING, 9, 1, "x y", false },
		{ TREE_NULL, 12, 1, "", true },
		{ TREE_STRING, 13, 3, "", false },
		{ TREE_MAP, 14, 3, NULL, false },
		{ TREE_STRING, 15, 9, "5", false },
		{ TREE_NUMBER, 16, 9, "5", true },
		{ TREE_STRING, 17, 3, "a#b c", true },
	};
	struct arena *a = arena_new();
	const struct tree *t =
	    parse(a, "\xef\xbb\xbf%YAML 1.1\n---\n"
		     "-\n" /* lines count from 2, for the directive stands above */
		     "-\n- \"a\\nb\"\n- 'it''s'\n- |\n  x\n  y\n- >-\n  x\n"
		     "  y\n-   # c\n- \"\"\n- {k: v}\n- !!str 5\n- !!int \"5\"\n"
		     "- a#b\n  c # d\r\n");
	const struct tree *n = t->first;

	(void)state;
	assert_int_equal(t->count, COUNT(want));
	for (size_t i = 0; i < COUNT(want); i++, n = n->next) {
		if (n->kind != want[i].kind || n->line != want[i].line + 1 ||
		    n->column != want[i].column || n->plain != want[i].plain)
			fail_msg("%zu: %s %u:%u", i, tree_kind_names[n->kind], n->line, n->column);
		if (want[i].text != NULL)
			assert_string_equal(n->text.ptr, want[i].text);
	}
	t = parse(a, "-\n-\n- [a]\n-\n- {b: c}\n-\n- - d\n-\n-\n- e: f\n-\n- []\n-\n");
	for (n = t->first; n != NULL; n = n->next)
		assert_int_equal(n->line, n->index + 1);
	arena_free(a);
}

static void
single_quotes_are_folded(void **state)
{
	static const struct {
		const char *in, *want;
	} rows[] = {
		{ "''", "" },
		{ "''''", "'" },
		{ "' a  b '", " a  b " },
		{ "'a''\t''b\\'", "a'\t'b\\" },
		{ "'a \n   b'", "a b" },
		{ "'a\r\n\r\n \r\n b'", "a\n\nb" },
		{ "'a\n '", "a " },
		{ "''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''''",
		    "''''''''''''''''''''''''''''''''" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		char buf[256];
		struct text t = { .buf = buf, .cap = sizeof(buf) };
		struct arena *a = arena_new();
		const struct tree *n;

		text_printf(&t, "k:\n %s", rows[i].in);
		text_byte(&t, '\0');
		n = tree_get(parse(a, buf), "k");
		assert_string_equal(n->text.ptr, rows[i].want);
		assert_int_equal(n->text.len, strlen(rows[i].want));
		arena_free(a);
	}
}

static void
documents_follow_one_another(void **state)
{
	struct arena *a = arena_new();
	const struct tree *t = parse(a, "a: 1\n---\n- b\n...\n---\n");

	(void)state;
	assert_int_equal(t->kind, TREE_MAP);
	assert_int_equal(t->next->kind, TREE_LIST);
	assert_int_equal(t->next->line, 3);
	assert_int_equal(t->next->next->kind, TREE_NULL);
	assert_null(t->next->next->next);
	arena_free(a);
}

static void
what_can_be_said_is_said_at_once(void **state)
{
	struct arena *a = arena_new();
	struct problems p = { 0 };

	(void)state;
	assert_null(
	    yaml_parse(a, "f", SLICE("a: !q 1\nb: *no\nA: 2\nc: {<<: 1}\nd: \"\\q\"\n"), &p));
	assert_int_equal(p.errors, 4);
	assert_non_null(strstr(p.list[3].text, "f:5:"));
	problems_fini(&p);
	arena_free(a);
}

/* Brackets in text, comments and regexes open no flow that would count to the end of the file. */
static void
long_lists_are_no_flow(void **state)
{
	size_t cap = 8 * 1024 * 1024;
	struct text t = { .buf = xcalloc(cap, 1), .cap = cap };
	struct arena *a = arena_new();
	struct problems p = { 0 };
	const struct tree *root;

	(void)state;
	text_printf(&t, "# see [1] and { that\nre: x [ab] {2}\nt: |\n  see [1\n"
			"seq: [a, \"b\"]\nlist:\n");
	for (int i = 0; i < 200000; i++)
		text_printf(&t, "- \"2001:db8:%x::/48\" # it's [%d, so\n", i & 0xffff, i);
	assert_false(t.cut);
	root = yaml_parse(a, "f", text_slice(&t), &p);
	if (root == NULL)
		fail_msg("%s", p.list[0].text);
	assert_int_equal(tree_get(root, "list")->count, 200000);
	problems_fini(&p);
	arena_free(a);
	free(t.buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(broken_documents_say_where_and_what_to_do),
		cmocka_unit_test(large_documents_cost_little),
		cmocka_unit_test(deep_blocks_are_refused),
		cmocka_unit_test(sixty_four_levels_are_fine),
		cmocka_unit_test(aliases_have_a_budget),
		cmocka_unit_test(aliases_are_copies),
		cmocka_unit_test(everything_stands_somewhere),
		cmocka_unit_test(single_quotes_are_folded),
		cmocka_unit_test(documents_follow_one_another),
		cmocka_unit_test(what_can_be_said_is_said_at_once),
		cmocka_unit_test(long_lists_are_no_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
