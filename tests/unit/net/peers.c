#include "net/peers.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct {
	const char *list, *peer; /* "unix", "?" (not known), or an address */
	bool in;
} cases[] = {
	{ "unix", "unix", true },
	{ "unix", "127.0.0.1", false },
	{ "unix", "?", false },
	{ "127.0.0.1", "127.0.0.1", true },
	{ "127.0.0.1", "127.0.0.2", false },
	{ "127.0.0.1", "::ffff:127.0.0.1", true },
	{ "127.0.0.1", "::1", false },
	{ "127.0.0.1", "unix", false },
	{ "10.8.0.0/24, unix ,::1", "10.8.0.255", true },
	{ "10.8.0.0/24, unix ,::1", "unix", true },
	{ "10.8.0.0/24, unix ,::1", "::1", true },
	{ "10.8.0.0/24, unix ,::1", "10.8.1.0", false },
	{ "2001:db8::/32", "2001:db8:1::1", true },
	{ "0.0.0.0/0", "192.0.2.1", true },
	{ "0.0.0.0/0", "2001:db8::1", false },
	{ "0.0.0.0/0,::/0", "unix", false },
	{ "0.0.0.0/0,::/0", "?", false },
};

static struct peer
make_peer(const char *text)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6 };
	struct sockaddr_in four = { .sin_family = AF_INET };
	struct sockaddr local = { .sa_family = AF_UNIX };

	if (strcmp(text, "unix") == 0)
		return peer_of_socket(&local);
	if (inet_pton(AF_INET, text, &four.sin_addr) == 1)
		return peer_of_socket((struct sockaddr *)&four);
	if (inet_pton(AF_INET6, text, &six.sin6_addr) == 1)
		return peer_of_socket((struct sockaddr *)&six);
	return peer_of_socket(NULL);
}

static void
those_in_the_list_are_in(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct peer peer = make_peer(cases[i].peer);
		struct peers peers;
		const char *why;

		assert_true(peers_parse(slice_of(cases[i].list), &peers, &why));
		assert_true(peers_any(&peers));
		if (peers_have(&peers, &peer) != cases[i].in)
			fail_msg("%s in %s", cases[i].peer, cases[i].list);
	}
}

static void
what_is_no_list_is_refused(void **state)
{
	static const char *const bad[] = { "", ",", "unix,", ",unix", "unix,,::1", "localhost",
		"10.0.0.0/33", "10.0.0/8", "Unix", "10.0.0.1:80", "[::1]", "unix@/x",
		"fe80::1%lo" };
	char many[PEERS_MAX * 4 + 8] = "::1";
	struct peers peers;
	const char *why = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (peers_parse(slice_of(bad[i]), &peers, &why) || why == NULL)
			fail_msg("\"%s\" is taken", bad[i]);
		assert_false(peers_any(&peers));
	}
	for (unsigned i = 1; i < PEERS_MAX; i++)
		memcpy(many + strlen(many), ",::1", 5);
	assert_true(peers_parse(slice_of(many), &peers, &why));
	memcpy(many + strlen(many), ",::1", 5);
	assert_false(peers_parse(slice_of(many), &peers, &why));
}

static void
a_peer_has_a_name(void **state)
{
	static const char *const names[][2] = { { "unix", "unix" }, { "192.0.2.1", "192.0.2.1" },
		{ "::1", "::1" }, { "?", "-" } };

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct peer peer = make_peer(names[i][0]);
		char out[ADDRESS_TEXT_MAX];

		assert_int_equal(peer_format(&peer, out), strlen(names[i][1]));
		assert_string_equal(out, names[i][1]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(those_in_the_list_are_in),
		cmocka_unit_test(what_is_no_list_is_refused),
		cmocka_unit_test(a_peer_has_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
