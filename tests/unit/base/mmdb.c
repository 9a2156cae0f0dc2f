#include "base/mmdb.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit/allocations.h"
#include "unit/fixtures.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define DATA "tests/data/mmdb/"

static const struct {
	const char *file, *address, *country; /* "": not known */
	uint32_t asn;
} lookups[] = {
	{ DATA "nested.mmdb", "192.0.2.1", "EG", 0 },
	{ DATA "nested.mmdb", "192.0.2.127", "EG", 0 },
	{ DATA "nested.mmdb", "192.0.2.128", "DE", 0 },
	{ DATA "nested.mmdb", "::ffff:192.0.2.200", "DE", 0 },
	{ DATA "nested.mmdb", "198.51.100.1", "SE", 0 },
	{ DATA "nested.mmdb", "203.0.113.1", "", 4294967295 },
	{ DATA "nested.mmdb", "203.0.113.16", "", 64496 },
	{ DATA "nested.mmdb", "10.0.0.1", "", 0 },
	{ DATA "nested.mmdb", "2001:db8:ffff::1", "NO", 64511 },
	{ DATA "nested.mmdb", "2001:db8:1::1", "", 0 },
	{ DATA "nested.mmdb", "2001:db8:2::1", "", 0 },
	{ DATA "nested.mmdb", "2001:db9::1", "", 0 },
	{ DATA "nested.mmdb", "fd00::1", "ZZ", 7 },
	{ DATA "nested.mmdb", "fc00:dead:beef:4dad::1", "", 0 },
	{ DATA "flat.mmdb", "192.0.2.1", "EG", 64497 },
	{ DATA "flat.mmdb", "198.51.100.1", "DE", 64498 },
	{ DATA "flat.mmdb", "203.0.113.1", "", 0 },
	{ DATA "flat.mmdb", "203.0.113.65", "", 0 },
	{ DATA "flat.mmdb", "203.0.113.129", "", 0 },
	{ DATA "flat.mmdb", "2001:db8::1", "", 0 },
	{ DATA "asn-0.mmdb", "192.0.2.1", "", 64499 },
	{ DATA "asn-1.mmdb", "192.0.2.1", "", 64500 },
	{ DATA "asn-2.mmdb", "192.0.2.1", "", 64501 },
	{ DATA "asn-3.mmdb", "192.0.2.1", "", 64502 },
	{ DATA "asn-4.mmdb", "192.0.2.1", "", 0 },
	{ DATA "asn-5.mmdb", "192.0.2.1", "", 0 },
	{ DATA "asn-6.mmdb", "192.0.2.1", "", 0 },
};

static void
looks_up(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(lookups); i++) {
		const char *why = NULL;
		struct mmdb *m = mmdb_open(lookups[i].file, &why);
		struct address a = address(lookups[i].address);
		char country[3] = "";
		unsigned before;
		uint32_t asn;

		if (m == NULL)
			fail_msg("%s: %s", lookups[i].file, why);
		before = allocations;
		if (!mmdb_country(m, &a, country))
			memset(country, 0, sizeof(country));
		asn = mmdb_asn(m, &a);
		assert_int_equal(allocations, before);
		if (strcmp(country, lookups[i].country) != 0 || asn != lookups[i].asn)
			fail_msg("%s %s: %s %u", lookups[i].file, lookups[i].address, country, asn);
		mmdb_close(m);
	}
}

static void
knows_nothing_of_no_address(void **state)
{
	const char *why;
	struct mmdb *m = mmdb_open(DATA "nested.mmdb", &why);
	struct address none = { { 0 }, 0 };
	char country[2];

	(void)state;
	assert_non_null(m);
	assert_false(mmdb_country(m, &none, country));
	assert_int_equal(mmdb_asn(m, &none), 0);
	mmdb_close(m);
	mmdb_close(NULL);
}

static void
refused(const char *path, const char *want)
{
	const char *why = NULL;

	assert_null(mmdb_open(path, &why));
	assert_non_null(why);
	if (strstr(why, want) == NULL)
		fail_msg("%s: %s", path, why);
}

static void
put(const char *path, const void *bytes, size_t n)
{
	FILE *f = fopen(path, "wb");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	assert_int_equal(fclose(f), 0);
}

static void
says_why(void **state)
{
	char folder[] = "/tmp/ammit-mmdb-XXXXXX", path[64], whole[4096];
	const char *damaged = "no MMDB file, or is damaged";
	FILE *f = fopen(DATA "nested.mmdb", "rb");
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(whole, 1, sizeof(whole), f);
	fclose(f);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/x", folder);
	refused(path, "No such file");
	refused(folder, "it is a folder");
	refused("/dev/null", "no regular file");
	put(path, "", 0);
	refused(path, "the file is empty");
	put(path, "bots: []\n", 9);
	refused(path, damaged);
	/* The metadata stands last: any cut takes of it. */
	for (size_t cut = 1; cut < n; cut += 37) {
		put(path, whole, n - cut);
		refused(path, damaged);
	}
	if (geteuid() != 0) {
		assert_int_equal(chmod(path, 0), 0);
		refused(path, "Permission denied");
	}
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused(path, "no regular file");
	unlink(path);
	rmdir(folder);
}

/* A database in use is replaced by rename: it is read on as it was. */
static void
outlives_its_name(void **state)
{
	char path[] = "/tmp/ammit-mmdb-XXXXXX", whole[4096], country[2];
	struct address a = address("192.0.2.1");
	FILE *f = fopen(DATA "nested.mmdb", "rb");
	int fd = mkstemp(path);
	const char *why;
	struct mmdb *m;

	(void)state;
	assert_non_null(f);
	assert_true(fd >= 0);
	put(path, whole, fread(whole, 1, sizeof(whole), f));
	fclose(f);
	close(fd);
	m = mmdb_open(path, &why);
	assert_non_null(m);
	unlink(path);
	assert_true(mmdb_country(m, &a, country));
	assert_memory_equal(country, "EG", 2);
	mmdb_close(m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(looks_up),
		cmocka_unit_test(knows_nothing_of_no_address),
		cmocka_unit_test(says_why),
		cmocka_unit_test(outlives_its_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
