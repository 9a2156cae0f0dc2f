#include "base/tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* { bots: [ {}, { path_regex: "x" } ] }, by hand. */
static struct tree root = { .kind = TREE_MAP, .file = "f" };
static struct tree bots = { .kind = TREE_LIST, .key = { "bots", 4 } };
static struct tree first = { .kind = TREE_MAP };
static struct tree second = { .kind = TREE_MAP };
static struct tree path = {
	.kind = TREE_STRING, .key = { "path_regex", 10 }, .file = "f", .line = 3, .column = 7
};

static int
build(void **state)
{
	(void)state;
	tree_add(&root, &bots);
	tree_add(&bots, &first);
	tree_add(&bots, &second);
	tree_add(&second, &path);
	return 0;
}

static void
children_are_in_order(void **state)
{
	(void)state;
	assert_int_equal(bots.count, 2);
	assert_ptr_equal(bots.first, &first);
	assert_ptr_equal(first.next, &second);
	assert_ptr_equal(bots.last, &second);
	assert_null(second.next);
	assert_int_equal(second.index, 1);
}

static void
names_are_found_in_any_case(void **state)
{
	(void)state;
	assert_ptr_equal(tree_get(&root, "bots"), &bots);
	assert_ptr_equal(tree_get(&root, "BOTS"), &bots);
	assert_null(tree_get(&root, "bot"));
	assert_null(tree_get(&bots, "bots"));
	assert_null(tree_get(NULL, "bots"));
}

static void
paths(void **state)
{
	char buf[64];
	struct tree odd = { .key = { "a\nb", 3 } };
	struct tree map = { .kind = TREE_MAP };

	(void)state;
	tree_path(&path, buf, sizeof(buf));
	assert_string_equal(buf, "bots[1].path_regex");
	tree_path(&root, buf, sizeof(buf));
	assert_string_equal(buf, "");
	tree_add(&map, &odd);
	tree_path(&odd, buf, sizeof(buf));
	assert_string_equal(buf, "a?b");
	tree_path(&path, buf, 6);
	assert_true(strlen(buf) < 6);
}

static void
problems_have_a_place(void **state)
{
	struct problems p = { 0 };
	char big[3000];

	(void)state;
	memset(big, 'x', sizeof(big));
	tree_error(&p, &path, "is %s", "bad");
	tree_warn(&p, &path, "hm");
	tree_error(&p, &path, "%.*s", (int)sizeof(big), big);
	assert_int_equal(p.errors, 2);
	assert_int_equal(p.warnings, 1);
	assert_string_equal(p.list[0].text, "f:3:7: bots[1].path_regex: is bad");
	assert_string_equal(p.list[1].text, "f:3:7: warning: bots[1].path_regex: hm");
	problems_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(children_are_in_order),
		cmocka_unit_test(names_are_found_in_any_case),
		cmocka_unit_test(paths),
		cmocka_unit_test(problems_have_a_place),
	};

	return cmocka_run_group_tests(tests, build, NULL);
}
