#include "daemon/keyfile.h"

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

static char folder[] = "/tmp/ammit-keyfile-XXXXXX";
static char deep[64], key[80];

static void
expect_error(const char *what)
{
	struct keyring k;
	struct problems p = { 0 };

	assert_false(keyfile_load(deep, &k, &p));
	assert_int_equal(p.count, 1);
	if (strstr(p.list[0].text, what) == NULL)
		fail_msg("%s", p.list[0].text);
	problems_fini(&p);
}

static void
put_key(const char *text, mode_t mode)
{
	FILE *f = fopen(key, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	chmod(key, mode);
}

static void
made_once_with_mode_0600(void **state)
{
	struct keyring first, second;
	struct problems p = { 0 };
	struct stat st;

	(void)state;
	assert_true(keyfile_load(deep, &first, &p));
	assert_int_equal(stat(key, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(st.st_nlink, 1);
	assert_int_equal(stat(deep, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_true(keyfile_load(deep, &second, &p));
	assert_int_equal(second.count, 1);
	assert_memory_equal(first.key[0].id, second.key[0].id, 4);
	assert_int_equal(p.count, 0);
}

static void
rotation_keeps_one(void **state)
{
	struct keyring before, after;
	struct problems p = { 0 };

	(void)state;
	assert_true(keyfile_load(deep, &before, &p));
	for (unsigned i = 0; i < 3; i++) {
		assert_true(keyfile_rotate(deep, &p));
		assert_true(keyfile_load(deep, &after, &p));
		assert_int_equal(after.count, 2);
		assert_memory_equal(after.key[1].id, before.key[0].id, 4);
		assert_memory_not_equal(after.key[0].id, before.key[0].id, 4);
		before = after;
	}
}

static void
bad_files_are_told_and_kept(void **state)
{
	struct stat st;

	(void)state;
	put_key("not a key\n", 0600);
	expect_error("key:1: ");
	put_key("", 0600);
	expect_error("key");
	put_key("0000\n", 0644);
	expect_error("chmod 600");
	assert_int_equal(stat(key, &st), 0);
	assert_int_equal(st.st_size, 5);
	unlink(key);
	assert_int_equal(mkdir(key, 0700), 0);
	expect_error("folder");
	rmdir(key);
}

static void
a_place_that_cannot_be_made(void **state)
{
	struct keyring k;
	struct problems p = { 0 };

	(void)state;
	assert_false(keyfile_load("/proc/none/state", &k, &p));
	assert_int_equal(p.count, 1);
	assert_non_null(strstr(p.list[0].text, "--state-dir"));
	problems_fini(&p);
}

/* As a secret that is mounted: root's, for the group of whom it is run as. */
static void
root_may_hand_it_to_a_group(void **state)
{
	static const struct {
		uid_t owner;
		mode_t mode;
		bool good;
	} cases[] = {
		{ 0, 0440, true },
		{ 0, 0640, true },
		{ 0, 0660, false },
		{ 0, 0444, false },
		{ 0, 0450, false },
		{ 4242, 0440, false },
		{ 4242, 0400, true },
	};
	struct keyring k;
	struct problems p = { 0 };

	(void)state;
	if (geteuid() != 0)
		skip(); /* only root can make such files */
	assert_true(keyfile_load(deep, &k, &p));
	for (size_t n = strlen(folder); n <= strlen(deep); n++) {
		char above[sizeof(deep)];

		snprintf(above, sizeof(above), "%.*s", (int)n, deep);
		if (deep[n] == '/' || deep[n] == '\0')
			assert_int_equal(chmod(above, 0755), 0);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool good;

		assert_int_equal(chown(key, cases[i].owner, 4242), 0);
		assert_int_equal(chmod(key, cases[i].mode), 0);
		assert_int_equal(setegid(4242), 0);
		assert_int_equal(seteuid(4242), 0);
		good = keyfile_load(deep, &k, &p);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(setegid(0), 0);
		if (good != cases[i].good)
			fail_msg(
			    "uid %u, mode %04o", (unsigned)cases[i].owner, (unsigned)cases[i].mode);
	}
	/* For root itself there is no reason to let others read it. */
	assert_int_equal(chown(key, 0, 4242), 0);
	assert_int_equal(chmod(key, 0440), 0);
	assert_false(keyfile_load(deep, &k, &p));
	problems_fini(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(made_once_with_mode_0600),
		cmocka_unit_test(rotation_keeps_one),
		cmocka_unit_test(bad_files_are_told_and_kept),
		cmocka_unit_test(a_place_that_cannot_be_made),
		cmocka_unit_test(root_may_hand_it_to_a_group),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(deep, sizeof(deep), "%s/var/state", folder);
	snprintf(key, sizeof(key), "%s/key", deep);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(key);
	rmdir(deep);
	snprintf(deep, sizeof(deep), "%s/var", folder);
	rmdir(deep);
	rmdir(folder);
	return failed;
}
