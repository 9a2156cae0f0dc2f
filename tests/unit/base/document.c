#include "base/document.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/yaml.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A member's text tells the two apart: in JSON only strings have one. */
static const struct {
	const char *file;
	struct slice in;
	const char *want; /* "json", "yaml" or what is wrong */
} cases[] = {
	{ "a.json", SLICE("{\"a\": 1}"), "json" },
	{ "a.JSON", SLICE("{\"a\": 1}"), "json" },
	{ "a.yaml", SLICE("{\"a\": 1}"), "yaml" },
	{ "a.yml", SLICE("{\"a\": 1}"), "yaml" },
	{ "a", SLICE(" \n{\"a\": 1}"), "json" },
	{ "a", SLICE("\xef\xbb\xbf{\"a\": 1}"), "json" },
	{ "a", SLICE("a: 1"), "yaml" },
	{ "a.txt", SLICE("# x\n{a: 1}"), "yaml" },
	{ "json", SLICE("a: 1"), "yaml" },
	{ "a.json", SLICE("a: 1"), "a.json:1:1: a value is expected here, not 'a'" },
	{ "a", SLICE("{a: 1}"), "a:1:2: a name in double quotes is expected here, not 'a'" },
	{ "a", SLICE(""), "a:1:1: nothing is in this file: a list or map is expected" },
	{ "a",
	    SLICE("\x7f"
		  "ELF\x02\x01\0\xff"),
	    "a:1:7: a NUL byte: this is no text file" },
	{ "a", SLICE("a: b\nc: \xff\0"), "a:2:4: not UTF-8: save the file in that encoding" },
	{ "a.json", SLICE("{\n\"\0\": \xff}"), "a.json:2:2: a NUL byte: this is no text file" },
	{ "a", SLICE("\xff\xfe{\0}\0"), "a:1:1: this is UTF-16: save the file as UTF-8" },
};

static void
the_name_or_the_first_byte_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct arena *a = arena_new();
		struct problems p = { 0 };
		const struct tree *t = document_parse(a, cases[i].file, cases[i].in, &p);
		const char *got = t == NULL                            ? p.list[0].text
				  : tree_get(t, "a")->text.ptr == NULL ? "json"
								       : "yaml";

		if (strcmp(got, cases[i].want) != 0)
			fail_msg("%zu: %s", i, got);
		problems_fini(&p);
		arena_free(a);
	}
}

static void
too_large_is_not_read(void **state)
{
	static const struct {
		const char *file;
		size_t bytes;
		const char *want;
	} sizes[] = { { "a.yaml", YAML_BYTES_MAX + 1, "a.yaml:1:1: larger than 16 MB" },
		{ "a.json", JSON_BYTES_MAX + 1, "a.json:1:1: larger than 64 MB" } };

	(void)state;
	for (size_t i = 0; i < COUNT(sizes); i++) {
		struct arena *a = arena_new();
		struct problems p = { 0 };
		char *text = xcalloc(sizes[i].bytes, 1);

		assert_null(
		    document_parse(a, sizes[i].file, (struct slice){ text, sizes[i].bytes }, &p));
		assert_int_equal(strncmp(p.list[0].text, sizes[i].want, strlen(sizes[i].want)), 0);
		assert_true(arena_bytes(a) < 4096);
		problems_fini(&p);
		arena_free(a);
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_name_or_the_first_byte_decides),
		cmocka_unit_test(too_large_is_not_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
