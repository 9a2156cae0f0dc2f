#include "token/pass_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/fixtures.h"

#define NOW 1900000000

static struct keyring keys, others;

static struct slice
seal(const struct keyring *k, unsigned n, char text[PASS_TEXT_MAX])
{
	struct pass p = { .issued_s = NOW,
		.expires_s = NOW + 100,
		.level = 7,
		.binding = BINDING_NET,
		.host = SLICE("git.example.org") };

	address_parse(SLICE("192.0.2.0"), &p.client);
	memcpy(p.id, &n, sizeof(n));
	return (struct slice){ text, pass_seal(k, &p, text) };
}

static const struct {
	const char *name, *host, *client;
	int64_t now_s;
	enum pass_state want;
} cases[] = {
	{ "good", "git.example.org", "192.0.2.9", NOW + 1, PASS_GOOD },
	{ "again", "git.example.org", "192.0.2.10", NOW + 99, PASS_GOOD },
	{ "over", "git.example.org", "192.0.2.9", NOW + 100, PASS_EXPIRED },
	{ "not begun", "git.example.org", "192.0.2.9", NOW - 61, PASS_EXPIRED },
	{ "other host", "git.example.orgs", "192.0.2.9", NOW + 1, PASS_OTHER_HOST },
	{ "elsewhere", "git.example.org", "198.51.100.9", NOW + 1, PASS_ELSEWHERE },
	{ "good after all that", "git.example.org", "192.0.2.9", NOW + 1, PASS_GOOD },
};

/* A remembered pass is judged as a new one: the cache has the same answers as pass_check. */
static void
the_same_answers(void **state)
{
	struct pass_cache *c = pass_cache_new();
	char text[PASS_TEXT_MAX];
	struct slice s = seal(&keys, 1, text);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address client = address(cases[i].client);
		struct slice host = slice_of(cases[i].host);
		struct pass a, b;
		enum pass_state got =
		    pass_cache_check(c, &keys, s, cases[i].now_s, host, &client, &a);

		if (got != cases[i].want ||
		    got != pass_check(&keys, s, cases[i].now_s, host, &client, &b))
			fail_msg("%s: %s", cases[i].name, pass_state_names[got]);
		if (got == PASS_GOOD)
			assert_int_equal(a.level, 7);
	}
	pass_cache_free(c);
}

/* Beside a genuine pass in its slot, each forgery of it is still one. */
static void
no_bit_is_believed(void **state)
{
	struct pass_cache *c = pass_cache_new();
	char text[PASS_TEXT_MAX];
	struct slice s = seal(&keys, 1, text), host = SLICE("git.example.org");
	struct address client = address("192.0.2.9");
	struct pass p;

	(void)state;
	for (size_t i = 0; i < s.len; i++) {
		assert_int_equal(pass_cache_check(c, &keys, s, NOW, host, &client, &p), PASS_GOOD);
		text[i] ^= 1;
		assert_true(pass_cache_check(c, &keys, s, NOW, host, &client, &p) > PASS_GOOD);
		text[i] ^= 1;
	}
	for (size_t n = 0; n < s.len; n++)
		assert_int_not_equal(
		    pass_cache_check(c, &keys, (struct slice){ text, n }, NOW, host, &client, &p),
		    PASS_GOOD);
	pass_cache_free(c);
}

static void
cleared_it_asks_the_new_keys(void **state)
{
	struct pass_cache *c = pass_cache_new();
	char text[PASS_TEXT_MAX];
	struct slice s = seal(&keys, 1, text), host = SLICE("git.example.org");
	struct address client = address("192.0.2.9");
	struct pass p;

	(void)state;
	assert_int_equal(pass_cache_check(c, &keys, s, NOW, host, &client, &p), PASS_GOOD);
	pass_cache_clear(c);
	assert_int_equal(pass_cache_check(c, &others, s, NOW, host, &client, &p), PASS_FORGED);
	pass_cache_free(c);
}

static void
more_passes_than_slots(void **state)
{
	struct pass_cache *c = pass_cache_new();
	struct address client = address("192.0.2.9");

	(void)state;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned n = 0; n < 3000; n++) {
			char text[PASS_TEXT_MAX];
			struct slice s = seal(&keys, n, text);
			struct pass p;
			unsigned id;

			assert_int_equal(pass_cache_check(c, &keys, s, NOW,
					     SLICE("git.example.org"), &client, &p),
			    PASS_GOOD);
			memcpy(&id, p.id, sizeof(id));
			assert_int_equal(id, n);
		}
	}
	pass_cache_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_same_answers),
		cmocka_unit_test(no_bit_is_believed),
		cmocka_unit_test(cleared_it_asks_the_new_keys),
		cmocka_unit_test(more_passes_than_slots),
	};
	unsigned line;
	const char *why;

	if (!keyring_parse(&keys,
		SLICE("000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"), &line,
		&why) ||
	    !keyring_parse(&others,
		SLICE("100102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\n"), &line,
		&why))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
