#include "daemon/source.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/text.h"
#include "unit/fixtures.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static char folder[] = "/tmp/ammit-source-XXXXXX";

static void
put(const char *name)
{
	char path[256], above[256];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	snprintf(above, sizeof(above), "%s", path);
	*strrchr(above, '/') = '\0';
	assert_true(file_make_folder(above));
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "I am %s", name);
	assert_int_equal(fclose(f), 0);
}

static int
set_up(void **state)
{
	static const char *const names[] = { "main.yaml", "rules/x10.yaml", "rules/x2.yaml",
		"rules/x1.yaml", "rules/.hidden.yaml", "rules/other.txt", "rules/sub/deep.yaml",
		"rules/folder.yaml/inner.yaml", "[odd]/main.yaml", "[odd]/a.yaml", "o/a.yaml",
		"rules/a[1].yaml", "rules/a1.yaml", "work/only.yaml", "work/main.yaml", "x02", "x2",
		"x1b", "x1a", "x" };

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < COUNT(names); i++)
		put(names[i]);
	return 0;
}

static int
drop(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)type;
	(void)walk;
	return remove(path);
}

static int
tear_down(void **state)
{
	(void)state;
	return nftw(folder, drop, 16, FTW_DEPTH | FTW_PHYS);
}

/* What was found, with the folder of the test as @, a blank between; or "! why". */
static void
found(const char *from, struct slice pattern, char *out, size_t cap)
{
	const struct source *s = source_files();
	struct text t = { .buf = out, .cap = cap - 1 };
	struct arena *a = arena_new();
	const char **names, *why = NULL;
	size_t n = s->find(s->context, a, from, pattern, &names, &why);

	if (n == 0)
		text_printf(&t, "! %s", why);
	for (size_t i = 0; i < n; i++) {
		struct slice name = slice_of(names[i]);
		bool ours = slice_starts(name, slice_of(folder));

		text_printf(&t, "%s%s%s", i > 0 ? " " : "", ours ? "@" : "",
		    names[i] + (ours ? strlen(folder) : 0));
	}
	out[t.len] = '\0';
	arena_free(a);
}

static const struct {
	const char *from, *pattern, *want; /* @: the folder of the test */
} finds[] = {
	{ NULL, "@/main.yaml", "@/main.yaml" },
	{ "@/main.yaml", "rules/x1.yaml", "@/rules/x1.yaml" },
	{ "@/main.yaml", "rules/x*.yaml", "@/rules/x1.yaml @/rules/x2.yaml @/rules/x10.yaml" },
	{ "@/main.yaml", "rules/x?.yaml", "@/rules/x1.yaml @/rules/x2.yaml" },
	{ "@/main.yaml", "rules/x[13].yaml", "@/rules/x1.yaml" },
	{ "@/main.yaml", "rules/.*.yaml", "@/rules/.hidden.yaml" },
	{ "@/main.yaml", "*/x2.yaml", "@/rules/x2.yaml" },
	{ "@/main.yaml", "x*", "@/x @/x1a @/x1b @/x02 @/x2" },
	/* A name is taken as it stands before it is taken for a pattern. */
	{ "@/main.yaml", "rules/a[1].yaml", "@/rules/a[1].yaml" },
	/* What stands in the folder's own name is no pattern. */
	{ "@/[odd]/main.yaml", "*.yaml", "@/[odd]/a.yaml @/[odd]/main.yaml" },
	{ "@/[odd]/main.yaml", "a.yaml", "@/[odd]/a.yaml" },
	{ "@/rules/x1.yaml", "../main.yaml", "@/rules/../main.yaml" },
	{ "@/rules/x1.yaml", "@/main.yaml", "@/main.yaml" },
	/* The folder of the file first, then the working directory, which is @/work. */
	{ "@/main.yaml", "main.yaml", "@/main.yaml" },
	{ "@/main.yaml", "only.yaml", "only.yaml" },
	{ "@/main.yaml", "onl*.yaml", "only.yaml" },
	{ "main.yaml", "only.yaml", "only.yaml" },
	{ NULL, "only.yaml", "only.yaml" },
	/* A folder is no file. */
	{ "@/main.yaml", "rules/f*.yaml", "! no file matches, neither in @/ nor in the working" },
	{ "@/main.yaml", "rules",
	    "! @/rules is a folder: name a file in it, or all with @/rules/*"
	    ".yaml" },
	{ "@/main.yaml", "rules/",
	    "! @/rules/ is a folder: name a file in it, or all with "
	    "@/rules/*.yaml" },
	{ "@/main.yaml", "missing.yaml", "! no file matches, neither in @/ nor in the working" },
	{ "@/main.yaml", "missing/*.yaml", "! no file matches, neither in @/ nor in the working" },
	{ "@/main.yaml", "main.yaml/x", "! no file matches, neither in @/ nor in the working" },
	{ NULL, "missing.yaml", "! no file matches" },
	{ NULL, "", "! an empty name: " },
	/* ** is no more than *. */
	{ "@/main.yaml", "**/deep.yaml", "! no file matches" },
	/* In the binary. */
	{ "@/main.yaml", "(data)/missing.yaml",
	    "! no policy in this binary has that name; there are (data)/" },
	{ NULL, "(data)/", "! no policy in this binary has that name" },
	{ NULL, "(data)/no/such/*.yaml", "! no policy in this binary has that name; there are" },
	{ NULL, "(data)/../Makefile", "! there is no .. in (data)/" },
	{ "(data)/default.yaml", "../Makefile", "! there is no .. in (data)/" },
	{ "(data)/x/y.yaml", "only.yaml", "! no policy in this binary has that name" },
	{ "(data)/x/y.yaml", "@/main.yaml", "@/main.yaml" },
};

/* @ becomes the folder of the test. */
static const char *
expand(const char *text, char *out, size_t cap)
{
	struct text t = { .buf = out, .cap = cap - 1 };

	for (; *text != '\0'; text++)
		if (*text == '@')
			text_put(&t, slice_of(folder));
		else
			text_byte(&t, *text);
	out[t.len] = '\0';
	return out;
}

static void
finds_files(void **state)
{
	char home[512], work[64], a[256], b[256], got[2048], want[2048];

	(void)state;
	assert_non_null(getcwd(home, sizeof(home)));
	snprintf(work, sizeof(work), "%s/work", folder);
	assert_int_equal(chdir(work), 0);
	for (size_t i = 0; i < COUNT(finds); i++) {
		const char *from = finds[i].from, *w = finds[i].want;
		struct slice pattern = slice_of(expand(finds[i].pattern, b, sizeof(b)));

		found(from == NULL ? NULL : expand(from, a, sizeof(a)), pattern, got, sizeof(got));
		/* Names are compared whole, reasons by how they begin. */
		if (w[0] == '!')
			expand(w, want, sizeof(want));
		else
			snprintf(want, sizeof(want), "%s", w);
		if (w[0] == '!' ? strncmp(got, want, strlen(want)) : strcmp(got, want))
			fail_msg("%s %s: %s", from, finds[i].pattern, got);
	}
	assert_int_equal(chdir(home), 0);
}

static void
refuses_odd_names(void **state)
{
	static char longer[5000];
	char got[512];

	(void)state;
	memset(longer, 'x', sizeof(longer));
	found(NULL, SLICE("Makefile\0x"), got, sizeof(got));
	assert_string_equal(got, "! the name of a file holds no NUL byte");
	found(NULL, (struct slice){ longer, sizeof(longer) }, got, sizeof(got));
	assert_string_equal(got, "! File name too long");
	found(NULL, (struct slice){ longer, 300 }, got, sizeof(got));
	assert_non_null(strstr(got, "x: File name too long"));
}

/* A folder that cannot be read may hide rules: it is never skipped in silence. */
static void
unreadable(void **state)
{
	const struct source *s = source_files();
	char path[256], got[512], file[300];
	const char *why = NULL;
	size_t n;

	(void)state;
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	snprintf(path, sizeof(path), "%s-shut", folder);
	assert_int_equal(mkdir(path, 0300), 0);
	snprintf(file, sizeof(file), "%s/*.yaml", path);
	found(NULL, slice_of(file), got, sizeof(got));
	assert_string_equal(got, "! a folder on the way cannot be read: Permission denied");
	assert_int_equal(chmod(path, 0), 0);
	snprintf(file, sizeof(file), "%s/x.yaml", path);
	found(NULL, slice_of(file), got, sizeof(got));
	assert_non_null(strstr(got, "/x.yaml: Permission denied"));
	assert_null(s->read(s->context, file, 100, &n, &why));
	assert_non_null(strstr(why, "Permission denied: let the user that runs this read it"));
	rmdir(path);
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
}

static void
reads(void **state)
{
	const struct source *s = source_files();
	const char *why = NULL;
	char path[256], *text;
	size_t n;

	(void)state;
	snprintf(path, sizeof(path), "%s/main.yaml", folder);
	text = s->read(s->context, path, 14, &n, &why);
	assert_non_null(text);
	assert_int_equal(n, 14);
	assert_string_equal(text, "I am main.yaml");
	free(text);
	assert_null(s->read(s->context, path, 13, &n, &why));
	assert_string_equal(why, "it has 14 bytes, and at most 13 are read");
	assert_null(s->read(s->context, folder, 13, &n, &why));
	assert_string_equal(why, "it is a folder: name a file in it");
	assert_null(s->read(s->context, "(data)/missing", 13, &n, &why));
	assert_string_equal(why, "no policy in this binary has that name");
	assert_null(s->open(s->context, "(data)/x.mmdb", &why));
	assert_non_null(strstr(why, "no databases in the binary"));
	assert_null(s->open(s->context, path, &why));
	assert_non_null(strstr(why, "no MMDB file"));
}

static unsigned shipped;

/* A policy of the tree is in the binary, byte for byte. */
static int
compare(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	const struct source *s = source_files();
	const char *dot = strrchr(path, '.'), *why = NULL;
	char name[512], *want, *got, listed[512];
	size_t n, m;

	(void)st;
	(void)walk;
	if (type != FTW_F || dot == NULL ||
	    (strcmp(dot, ".yaml") != 0 && strcmp(dot, ".json") != 0 && strcmp(dot, ".txt") != 0))
		return 0;
	snprintf(name, sizeof(name), "(data)/%s", path + strlen("policies/"));
	want = file_read(path, 1 << 24, &n, &why);
	got = s->read(s->context, name, 1 << 24, &m, &why);
	if (want == NULL || got == NULL)
		fail_msg("%s: %s", name, why);
	assert_int_equal(n, m);
	assert_memory_equal(want, got, n);
	assert_int_equal(got[n], '\0');
	free(got);
	assert_null(n == 0 ? NULL : s->read(s->context, name, n - 1, &m, &why));
	free(want);
	found(NULL, slice_of(name), listed, sizeof(listed));
	assert_string_equal(listed, name);
	/* A sibling is found by its bare name. */
	found(name, slice_of(strrchr(name, '/') + 1), listed, sizeof(listed));
	assert_string_equal(listed, name);
	shipped++;
	return 0;
}

static void
holds_the_tree(void **state)
{
	char got[8192];

	(void)state;
	assert_int_equal(nftw("policies", compare, 16, FTW_PHYS), 0);
	assert_true(shipped > 0);
	found(NULL, SLICE("(data)/def*t.*"), got, sizeof(got));
	assert_int_equal(strncmp(got, "(data)/default.", 15), 0);
	/* A star stops at a slash. */
	found(NULL, SLICE("(data)/*.yaml"), got, sizeof(got));
	assert_null(strstr(got, "(data)/common/"));
	found(NULL, SLICE("(data)/*/*.yaml"), got, sizeof(got));
	assert_non_null(strstr(got, "(data)/common/"));
	assert_null(strstr(got, "(data)/default."));
	found("(data)/default.yaml", SLICE("d?fault.[jy]*"), got, sizeof(got));
	assert_int_equal(strncmp(got, "(data)/default.", 15), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_files),
		cmocka_unit_test(refuses_odd_names),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(reads),
		cmocka_unit_test(holds_the_tree),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
