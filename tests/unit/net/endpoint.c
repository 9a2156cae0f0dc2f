#include "net/endpoint.h"

#include <errno.h>
#include <poll.h>
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

#include "base/clock.h"

static const struct {
	const char *in;
	bool good;
	int family;
} cases[] = {
	{ "unix@/run/ammit/spop.sock", true, AF_UNIX },
	{ "unix@relative.sock", true, AF_UNIX },
	{ "unix@", false, 0 },
	{ "127.0.0.1:9001", true, AF_INET },
	{ "localhost:9001", true, AF_INET },
	{ "[::1]:9001", true, AF_INET6 },
	{ "::1:9001", false, 0 },
	{ "127.0.0.1", false, 0 },
	{ "127.0.0.1:", false, 0 },
	{ "127.0.0.1:0", false, 0 },
	{ "127.0.0.1:65536", false, 0 },
	{ "127.0.0.1:-1", false, 0 },
	{ ":9001", false, 0 },
	{ "example.org:80", false, 0 },
	{ "", false, 0 },
	{ "unix@/"
	  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	  "aaaaaaaaaaaa"
	  "aaaaaaaa",
	    false, 0 },
};

static void
parses(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct endpoint e;
		const char *why = NULL;
		bool good = endpoint_parse(slice_of(cases[i].in), &e, &why);

		if (good != cases[i].good)
			fail_msg("\"%s\": %s", cases[i].in, good ? "accepted" : why);
		if (good)
			assert_int_equal(e.address.ss_family, cases[i].family);
		else
			assert_non_null(why);
	}
}

static char folder[] = "/tmp/ammit-endpoint-XXXXXX";

static void
at(struct endpoint *e, const char *name)
{
	char text[128];
	const char *why;

	snprintf(text, sizeof(text), "unix@%s/%s", folder, name);
	assert_true(endpoint_parse(slice_of(text), e, &why));
}

static void
socket_has_its_mode(void **state)
{
	struct endpoint e;
	struct stat st;
	char error[256];
	int fd;

	(void)state;
	at(&e, "mode");
	fd = endpoint_listen(&e, 0640, (gid_t)-1, error, sizeof(error));
	assert_true(fd >= 0);
	assert_int_equal(stat(endpoint_path(&e), &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	endpoint_unlink(&e, fd);
	close(fd);
	assert_int_not_equal(stat(endpoint_path(&e), &st), 0);
}

static void
stale_is_replaced_living_is_not(void **state)
{
	struct endpoint e;
	char error[256] = "", self[32];
	int first, second;

	(void)state;
	at(&e, "stale");
	first = endpoint_listen(&e, 0600, (gid_t)-1, error, sizeof(error));
	assert_true(first >= 0);
	assert_int_equal(endpoint_listen(&e, 0600, (gid_t)-1, error, sizeof(error)), -1);
	snprintf(self, sizeof(self), "(pid %d)", (int)getpid());
	assert_non_null(strstr(error, "in use by"));
	assert_non_null(strstr(error, self));
	close(first); /* as a killed process would: the file stays */
	second = endpoint_listen(&e, 0600, (gid_t)-1, error, sizeof(error));
	assert_true(second >= 0);
	endpoint_unlink(&e, second);
	close(second);
}

static void
what_is_no_socket_stays(void **state)
{
	struct endpoint e;
	char error[256] = "";
	FILE *f;

	(void)state;
	at(&e, "file");
	f = fopen(endpoint_path(&e), "w");
	assert_non_null(f);
	fclose(f);
	assert_int_equal(endpoint_listen(&e, 0600, (gid_t)-1, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "no socket"));
	assert_int_equal(access(endpoint_path(&e), F_OK), 0);
	unlink(endpoint_path(&e));
}

static void
missing_folder_says_so(void **state)
{
	struct endpoint e;
	char error[256] = "";

	(void)state;
	at(&e, "none/spop.sock");
	assert_int_equal(endpoint_listen(&e, 0600, (gid_t)-1, error, sizeof(error)), -1);
	assert_non_null(strstr(error, "folder must exist"));
}

static void
taken_port_names_its_holder(void **state)
{
	struct endpoint e;
	const char *why;
	char error[256] = "", self[32], text[64];
	int fd = -1;
	unsigned port;

	(void)state;
	for (port = 20000 + (unsigned)getpid() % 20000; fd < 0 && port < 65000; port += 7) {
		snprintf(text, sizeof(text), "127.0.0.1:%u", port);
		assert_true(endpoint_parse(slice_of(text), &e, &why));
		fd = endpoint_listen(&e, 0600, (gid_t)-1, error, sizeof(error));
	}
	assert_true(fd >= 0);
	assert_int_equal(endpoint_listen(&e, 0600, (gid_t)-1, error, sizeof(error)), -1);
	snprintf(self, sizeof(self), "(pid %d)", (int)getpid());
	assert_non_null(strstr(error, self));
	close(fd);
}

static void
connects_or_says_why(void **state)
{
	static const struct {
		const char *at;
		int error;
	} nobody[] = {
		{ "unix@/nonexistent/a.sock", ENOENT },
		{ "127.0.0.1:9", ECONNREFUSED },
	};
	struct endpoint e;
	char text[64], error[256];
	const char *why;
	int fd, connected;

	(void)state;
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		assert_true(endpoint_parse(slice_of(nobody[i].at), &e, &why));
		assert_int_equal(endpoint_connect(&e, clock_mono_ms() + 10000), -1);
		assert_int_equal(errno, nobody[i].error);
	}
	snprintf(text, sizeof(text), "unix@/tmp/ammit-endpoint-%d.sock", (int)getpid());
	assert_true(endpoint_parse(slice_of(text), &e, &why));
	fd = endpoint_listen(&e, 0600, (gid_t)-1, error, sizeof(error));
	assert_true(fd >= 0);
	connected = endpoint_connect(&e, clock_mono_ms() + 10000);
	assert_true(connected >= 0);
	assert_int_equal(endpoint_wait(fd, POLLIN, clock_mono_ms() + 10000), 0);
	assert_int_equal(endpoint_wait(connected, POLLIN, clock_mono_ms() + 20), ETIMEDOUT);
	close(connected);
	endpoint_unlink(&e, fd);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses),
		cmocka_unit_test(socket_has_its_mode),
		cmocka_unit_test(stale_is_replaced_living_is_not),
		cmocka_unit_test(what_is_no_socket_stays),
		cmocka_unit_test(missing_folder_says_so),
		cmocka_unit_test(taken_port_names_its_holder),
		cmocka_unit_test(connects_or_says_why),
	};
	int failed;

	if (mkdtemp(folder) == NULL)
		return 1;
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return failed;
}
