#include "daemon/watch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char folder[] = "/tmp/ammit-watch-XXXXXX";

static const char *
in_folder(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", folder, name);
	return p;
}

static void
put(const char *name, const char *text)
{
	FILE *f = fopen(in_folder(name), "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

/* Another file in its place, as an editor and a careful script do. */
static void
replace(const char *name, const char *text)
{
	put("fresh", text);
	assert_int_equal(rename(in_folder("fresh"), in_folder(name)), 0);
}

/* What is noted of a file that the source reads, or of one that it does not find. */
static void
read_by_source(struct watch *w, const char *pattern)
{
	const struct source *s = watch_source(w);
	struct arena *a = arena_new();
	const char **names, *why;
	size_t n =
	    s->find(s->context, a, in_folder("policy.yaml"), slice_of(pattern), &names, &why);

	for (size_t i = 0; i < n; i++) {
		size_t bytes;

		free(s->read(s->context, names[i], 1000, &bytes, &why));
	}
	arena_free(a);
}

static void
swap_link(const char *to)
{
	unlink(in_folder("..data_tmp"));
	assert_int_equal(symlink(to, in_folder("..data_tmp")), 0);
	assert_int_equal(rename(in_folder("..data_tmp"), in_folder("..data")), 0);
}

static void
nothing(void)
{
}

static void
longer(void)
{
	put("rules/a.yaml", "[one, two]\n");
}

static void
same_length(void)
{
	replace("rules/a.yaml", "[uno]\n");
}

static void
gone(void)
{
	unlink(in_folder("rules/a.yaml"));
}

static void
another(void)
{
	put("rules/b.yaml", "[two]\n");
}

static void
a_neighbour(void)
{
	put("rules/a.yaml.swp", "x");
}

static void
swapped(void)
{
	mkdir(in_folder("..2"), 0755);
	put("..2/policy.yaml", "[one]\n");
	swap_link("..2");
}

static const struct {
	const char *name, *pattern;
	void (*change)(void);
	bool want;
} cases[] = {
	{ "nothing", "rules/a.yaml", nothing, false },
	{ "longer", "rules/a.yaml", longer, true },
	{ "as long, another file", "rules/a.yaml", same_length, true },
	{ "gone", "rules/a.yaml", gone, true },
	{ "another beside the one that is named", "rules/a.yaml", another, false },
	{ "what an editor leaves beside it", "rules/a.yaml", a_neighbour, false },
	{ "another that the pattern matches", "rules/*.yaml", another, true },
	{ "one that was not there", "rules/b.yaml", another, true },
	{ "none that a pattern matched", "rules/b*.yaml", another, true },
	{ "the link of a mounted volume", "live.yaml", swapped, true },
	{ "what is in the binary", "(data)/default.yaml", longer, false },
};

static void
set_up(void)
{
	mkdir(in_folder("rules"), 0755);
	mkdir(in_folder("..1"), 0755);
	put("..1/policy.yaml", "[one]\n");
	swap_link("..1");
	unlink(in_folder("live.yaml"));
	assert_int_equal(symlink("..data/policy.yaml", in_folder("live.yaml")), 0);
	replace("rules/a.yaml", "[one]\n");
	unlink(in_folder("rules/b.yaml"));
	unlink(in_folder("rules/a.yaml.swp"));
}

static void
what_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct watch w = { 0 };

		set_up();
		read_by_source(&w, cases[i].pattern);
		assert_false(watch_look(&w));
		cases[i].change();
		/* Not at the first look: somebody may still be writing. */
		assert_false(watch_look(&w));
		if (watch_look(&w) != cases[i].want)
			fail_msg("%s: not %d", cases[i].name, cases[i].want);
		watch_fini(&w);
	}
}

static void
who_is_writing_is_left_alone(void **state)
{
	struct watch w = { 0 };

	(void)state;
	put("slow", "");
	watch_file(&w, in_folder("slow"));
	for (unsigned i = 1; i < 5; i++) {
		char text[8] = "aaaaaaa";

		text[i] = '\0';
		put("slow", text);
		assert_false(watch_look(&w));
	}
	assert_true(watch_look(&w));
	watch_clear(&w);
	assert_false(watch_look(&w));
	watch_fini(&w);
}

static void
many_files_of_one_folder(void **state)
{
	struct watch w = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		char name[16];

		snprintf(name, sizeof(name), "many-%u", i);
		put(name, "x");
		watch_file(&w, in_folder(name));
		watch_file(&w, in_folder(name));
	}
	assert_int_equal(w.count, 100);
	put("many-99", "xx");
	watch_look(&w);
	assert_true(watch_look(&w));
	watch_fini(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_counts),
		cmocka_unit_test(who_is_writing_is_left_alone),
		cmocka_unit_test(many_files_of_one_folder),
	};
	char command[128];
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	return system(command) == 0 ? failed : 1;
}
