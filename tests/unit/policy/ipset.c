#include "policy/ipset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/random.h"

#define LISTS 40u

static struct prefix
prefix(const char *text)
{
	struct prefix p;
	const char *why;

	assert_true(prefix_parse(slice_of(text), &p, &why));
	return p;
}

/* The lists that cover an address, as bits. */
static uint64_t
covering(const struct ipset *s, const struct address *a)
{
	uint64_t lists = 0;

	for (uint32_t node = ipset_find(s, a); node != 0;)
		lists |= (uint64_t)1 << ipset_list(s, node, &node);
	return lists;
}

static void
the_set_of_all_lists(void **state)
{
	static const struct {
		const char *prefix;
		uint32_t list;
	} lists[] = { { "10.0.0.0/8", 0 }, { "10.1.0.0/16", 1 }, { "10.1.2.0/24", 0 },
		{ "10.1.2.3/32", 2 }, { "10.0.0.0/8", 3 }, { "0.0.0.0/0", 4 },
		{ "255.255.255.255/32", 5 }, { "2001:db8::/32", 0 }, { "2001:db8:1::/48", 1 },
		{ "::/0", 6 }, { "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128", 7 },
		{ "0.0.0.0/32", 8 } };
	static const struct {
		const char *address;
		uint64_t want;
	} cases[] = { { "9.255.255.255", 0x10 }, { "10.0.0.0", 0x19 }, { "10.1.0.0", 0x1b },
		{ "10.1.2.3", 0x1f }, { "10.1.2.4", 0x1b }, { "10.255.255.255", 0x19 },
		{ "11.0.0.0", 0x10 }, { "255.255.255.255", 0x30 }, { "255.255.255.254", 0x10 },
		{ "0.0.0.0", 0x110 }, { "0.0.0.1", 0x10 }, { "::", 0x40 }, { "2001:db8::", 0x41 },
		{ "2001:db8:1::5", 0x43 }, { "2001:db9::", 0x40 },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 0xc0 }, { "::ffff:10.1.2.3", 0x1f } };
	struct arena *arena = arena_new();
	struct ipset *s = ipset_new(arena);
	struct address a;

	(void)state;
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		struct prefix p = prefix(lists[i].prefix);

		assert_true(ipset_add(s, &p, lists[i].list));
	}
	ipset_seal(s);
	assert_int_equal(ipset_count(s), 12);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_true(address_parse(slice_of(cases[i].address), &a));
		if (covering(s, &a) != cases[i].want)
			fail_msg("%s: %llx", cases[i].address, (unsigned long long)covering(s, &a));
	}
	a.family = 0;
	assert_int_equal(ipset_find(s, &a), 0);
	ipset_free(s);
	arena_free(arena);
}

static void
an_empty_one_covers_nothing(void **state)
{
	struct arena *arena = arena_new();
	struct ipset *s = ipset_new(arena);
	struct address a;

	(void)state;
	ipset_seal(s);
	address_parse(SLICE("10.0.0.1"), &a);
	assert_int_equal(ipset_find(s, &a), 0);
	address_parse(SLICE("::1"), &a);
	assert_int_equal(ipset_find(s, &a), 0);
	ipset_free(s);
	ipset_free(NULL);
	arena_free(arena);
}

static bool
covers(const struct prefix *p, const struct address *a)
{
	struct address masked = address_mask(a, p->bits, p->bits);

	return address_equal(&masked, &p->base);
}

/* An address in or beside one of the prefixes: the ends are where mistakes are. */
static struct address
near(const struct prefix *p)
{
	struct address a = p->base;
	unsigned bytes = a.family == 4 ? 4 : 16;

	for (unsigned i = 0; i < bytes; i++) {
		unsigned fixed = p->bits < i * 8 ? 0 : p->bits - i * 8 > 8 ? 8 : p->bits - i * 8;
		unsigned host = 0xffu >> fixed;

		switch (next_random(3)) {
		case 0:
			a.bytes[i] |= (uint8_t)host;
			break;
		case 1:
			a.bytes[i] |= (uint8_t)(host & next_random(256));
			break;
		default:
			break;
		}
	}
	if (next_random(4) == 0)
		a.bytes[bytes - 1] ^= 1;
	return a;
}

static void
as_brute_force(void **state)
{
	static const unsigned sizes[] = { 1, 3, 20, 300, 1500 };
	static struct prefix p[1500];
	static uint32_t list[1500];

	(void)state;
	for (unsigned round = 0; round < 40; round++) {
		unsigned n = sizes[round % 5], six = round / 5 % 2;
		struct arena *arena = arena_new();
		struct ipset *s = ipset_new(arena);

		for (unsigned i = 0; i < n; i++) {
			struct address a = { { 0 }, six ? 6 : 4 };
			unsigned bits = next_random(six ? 129 : 33);

			/* Few different bytes: they nest. */
			for (unsigned k = 0; k < (six ? 16u : 4u); k++)
				a.bytes[k] = (uint8_t)(next_random(3) * 127 + next_random(2));
			p[i] = (struct prefix){ address_mask(&a, bits, bits), (uint8_t)bits };
			list[i] = next_random(LISTS);
			assert_true(ipset_add(s, &p[i], list[i]));
		}
		ipset_seal(s);
		for (unsigned k = 0; k < 400; k++) {
			struct address a = near(&p[next_random(n)]);
			uint64_t want = 0;

			for (unsigned i = 0; i < n; i++)
				want |= (uint64_t)covers(&p[i], &a) << list[i];
			assert_true(covering(s, &a) == want);
		}
		ipset_free(s);
		arena_free(arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_set_of_all_lists),
		cmocka_unit_test(an_empty_one_covers_nothing),
		cmocka_unit_test(as_brute_force),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
