#include "base/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct {
	const char *in, *want; /* NULL: refused */
	int family;
} addresses[] = {
	{ "192.0.2.1", "192.0.2.1", 4 },
	{ "0.0.0.0", "0.0.0.0", 4 },
	{ "::ffff:192.0.2.1", "192.0.2.1", 4 },
	{ "::FFFF:c000:201", "192.0.2.1", 4 },
	{ "2001:DB8::1", "2001:db8::1", 6 },
	{ "::", "::", 6 },
	{ "::192.0.2.1", "::192.0.2.1", 6 },
	{ "fc00:dead:beef:4dad::29a", "fc00:dead:beef:4dad::29a", 6 },
	{ "2001:0db8:0000:0000:0000:0000:255.255.255.255", "2001:db8::ffff:ffff", 6 },
	{ "", NULL, 0 },
	{ "192.0.2", NULL, 0 },
	{ "192.0.2.256", NULL, 0 },
	{ "192.0.2.1.1", NULL, 0 },
	{ "010.0.0.1", NULL, 0 },
	{ "0x7f.0.0.1", NULL, 0 },
	{ " 192.0.2.1", NULL, 0 },
	{ "192.0.2.1 ", NULL, 0 },
	{ "192.0.2.1:80", NULL, 0 },
	{ "[::1]", NULL, 0 },
	{ "fe80::1%eth0", NULL, 0 },
	{ ":::", NULL, 0 },
	{ "1:2:3:4:5:6:7:8:9", NULL, 0 },
	{ "2001:0db8:0000:0000:0000:0000:0000:0000000000000", NULL, 0 },
};

static void
parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(addresses); i++) {
		struct address a;
		char text[ADDRESS_TEXT_MAX];
		bool good = address_parse(slice_of(addresses[i].in), &a);

		if (good != (addresses[i].want != NULL))
			fail_msg("%s", addresses[i].in);
		if (!good)
			continue;
		assert_int_equal(a.family, addresses[i].family);
		assert_int_equal(address_format(&a, text), strlen(addresses[i].want));
		assert_string_equal(text, addresses[i].want);
	}
	assert_false(address_parse((struct slice){ "1.1.1.1\0x", 9 }, &(struct address){ 0 }));
	assert_false(address_parse((struct slice){ NULL, 0 }, &(struct address){ 0 }));
}

static struct address
address(const char *text)
{
	struct address a;

	assert_true(address_parse(slice_of(text), &a));
	return a;
}

static void
is(struct address a, const char *want)
{
	char text[ADDRESS_TEXT_MAX];

	address_format(&a, text);
	assert_string_equal(text, want);
}

static void
from_bytes(void **state)
{
	static const uint8_t bytes[17] = { 192, 0, 2, 1, 5, 6, 7, 8 };
	struct address a = address_from_bytes(bytes, 4), unknown = { { 0 }, 0 };

	(void)state;
	assert_true(address_equal(&a, &(struct address){ { 192, 0, 2, 1 }, 4 }));
	is(address_from_bytes(bytes, 16), "c000:201:506:708::");
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		a = address_from_bytes(bytes, n);
		if (n != 4 && n != 16)
			assert_true(address_equal(&a, &unknown));
	}
	is(unknown, "-");
	/* The same bytes in two families are two addresses. */
	assert_false(address_equal(
	    &(struct address){ { 1, 2, 3, 4 }, 4 }, &(struct address){ { 1, 2, 3, 4 }, 6 }));
}

static const struct {
	const char *in;
	unsigned bits4, bits6;
	const char *want;
} masks[] = {
	{ "203.0.113.255", 24, 0, "203.0.113.0" },
	{ "203.0.113.255", 25, 0, "203.0.113.128" },
	{ "203.0.113.255", 31, 0, "203.0.113.254" },
	{ "203.0.113.255", 32, 0, "203.0.113.255" },
	{ "203.0.113.255", 0, 128, "0.0.0.0" },
	{ "203.0.113.255", 1, 0, "128.0.0.0" },
	{ "203.0.113.255", 128, 0, "203.0.113.255" },
	{ "203.0.113.255", 200, 0, "203.0.113.255" },
	{ "2001:db8:1:2:3:4:5:6", 0, 48, "2001:db8:1::" },
	{ "2001:db8:1:2:3:4:5:6", 0, 63, "2001:db8:1:2::" },
	{ "2001:db8:1:3:3:4:5:6", 0, 63, "2001:db8:1:2::" },
	{ "2001:db8:1:2:3:4:5:6", 0, 128, "2001:db8:1:2:3:4:5:6" },
	{ "2001:db8:1:2:3:4:5:7", 0, 127, "2001:db8:1:2:3:4:5:6" },
	{ "2001:db8:1:2:3:4:5:6", 32, 0, "::" },
	{ "2001:db8:1:2:3:4:5:6", 0, 1000, "2001:db8:1:2:3:4:5:6" },
};

static void
mask(void **state)
{
	struct address unknown = { { 0 }, 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(masks); i++) {
		struct address a = address(masks[i].in);

		is(address_mask(&a, masks[i].bits4, masks[i].bits6), masks[i].want);
	}
	is(address_mask(&unknown, 24, 48), "-");
}

static const struct {
	const char *in, *base; /* NULL: refused */
	unsigned bits;
} prefixes[] = {
	{ "192.0.2.0/24", "192.0.2.0", 24 },
	{ "192.0.2.77/24", "192.0.2.0", 24 },
	{ "0.0.0.0/0", "0.0.0.0", 0 },
	{ "192.0.2.1/32", "192.0.2.1", 32 },
	{ "2001:db8::/32", "2001:db8::", 32 },
	{ "2001:db8::1/128", "2001:db8::1", 128 },
	{ "::/0", "::", 0 },
	{ "::ffff:192.0.2.0/120", "192.0.2.0", 24 },
	{ "::ffff:0.0.0.0/96", "0.0.0.0", 0 },
	{ "::ffff:0.0.0.0/95", NULL, 0 },
	{ "192.0.2.0/33", NULL, 0 },
	{ "2001:db8::/129", NULL, 0 },
	{ "192.0.2.0", NULL, 0 },
	{ "192.0.2.0/", NULL, 0 },
	{ "192.0.2.0/-1", NULL, 0 },
	{ "192.0.2.0/24/1", NULL, 0 },
	{ "192.0.2.0/255.255.255.0", NULL, 0 },
	{ "/24", NULL, 0 },
	{ "", NULL, 0 },
	{ "example.org/24", NULL, 0 },
};

static void
prefix(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(prefixes); i++) {
		struct prefix p;
		const char *why = NULL;

		if (prefix_parse(slice_of(prefixes[i].in), &p, &why) != (prefixes[i].base != NULL))
			fail_msg("%s", prefixes[i].in);
		if (prefixes[i].base == NULL) {
			assert_non_null(why);
			continue;
		}
		is(p.base, prefixes[i].base);
		assert_int_equal(p.bits, prefixes[i].bits);
	}
}

static const struct {
	enum binding binding;
	const char *client, *want;
} bindings[] = {
	{ BINDING_NONE, "192.0.2.77", "-" },
	{ BINDING_NET, "192.0.2.77", "192.0.2.0" },
	{ BINDING_EXACT, "192.0.2.77", "192.0.2.77" },
	{ BINDING_CIRCUIT, "192.0.2.77", "192.0.2.0" },
	{ BINDING_NONE, "2001:db8:1:2::3", "-" },
	{ BINDING_NET, "2001:db8:1:2::3", "2001:db8:1::" },
	{ BINDING_EXACT, "2001:db8:1:2::3", "2001:db8:1:2::3" },
	{ BINDING_CIRCUIT, "2001:db8:1:2::3", "2001:db8:1::" },
	{ BINDING_NET, "fc00:dead:beef:4dad::29a", "fc00:dead:beef::" },
	{ BINDING_CIRCUIT, "fc00:dead:beef:4dad::29a", "fc00:dead:beef:4dad::29a" },
	{ BINDING_CIRCUIT, "fc00:dead:beef:4dae::29a", "fc00:dead:beef::" },
};

static void
binding(void **state)
{
	static const char *const names[] = { "none", "net", "exact", "circuit" };

	(void)state;
	for (size_t i = 0; i < COUNT(bindings); i++) {
		struct address client = address(bindings[i].client);

		is(binding_apply(bindings[i].binding, &client), bindings[i].want);
	}
	for (size_t i = 0; i < COUNT(names); i++)
		assert_string_equal(binding_names[i], names[i]);
	assert_true(address_is_circuit(
	    &(struct address){ { 0xfc, 0, 0xde, 0xad, 0xbe, 0xef, 0x4d, 0xad, 1 }, 6 }));
	assert_false(address_is_circuit(&(struct address){ { 0xfc, 0, 0xde, 0xad }, 4 }));
}

static void
what_is_public(void **state)
{
	/* The first and the last of each block, and what stands on either side of it. */
	static const struct {
		const char *in;
		bool want;
	} cases[] = {
		{ "0.255.255.255", false },
		{ "1.0.0.0", true },
		{ "9.255.255.255", true },
		{ "10.0.0.0", false },
		{ "10.255.255.255", false },
		{ "11.0.0.0", true },
		{ "100.63.255.255", true },
		{ "100.64.0.0", false },
		{ "100.127.255.255", false },
		{ "100.128.0.0", true },
		{ "126.255.255.255", true },
		{ "127.0.0.1", false },
		{ "128.0.0.0", true },
		{ "169.253.255.255", true },
		{ "169.254.0.0", false },
		{ "169.254.255.255", false },
		{ "169.255.0.0", true },
		{ "172.15.255.255", true },
		{ "172.16.0.0", false },
		{ "172.31.255.255", false },
		{ "172.32.0.0", true },
		{ "191.255.255.255", true },
		{ "192.0.0.0", false },
		{ "192.0.0.255", false },
		{ "192.0.1.0", true },
		{ "192.0.2.1", false },
		{ "192.0.3.0", true },
		{ "192.88.98.255", true },
		{ "192.88.99.1", false },
		{ "192.88.100.0", true },
		{ "192.167.255.255", true },
		{ "192.168.0.0", false },
		{ "192.168.255.255", false },
		{ "192.169.0.0", true },
		{ "198.17.255.255", true },
		{ "198.18.0.0", false },
		{ "198.19.255.255", false },
		{ "198.20.0.0", true },
		{ "198.51.99.255", true },
		{ "198.51.100.1", false },
		{ "198.51.101.0", true },
		{ "203.0.112.255", true },
		{ "203.0.113.1", false },
		{ "203.0.114.0", true },
		{ "223.255.255.255", true },
		{ "224.0.0.0", false },
		{ "240.0.0.1", false },
		{ "255.255.255.255", false },
		{ "::", false },
		{ "::1", false },
		{ "::ffff:10.0.0.1", false },
		{ "::ffff:8.8.8.8", true },
		{ "64:ff9b::808:808", false },
		{ "100::1", false },
		{ "1fff:ffff::1", false },
		{ "2000::1", true },
		{ "2001:1:ffff::1", true },
		{ "2001:2::1", false },
		{ "2001:2:1::1", true },
		{ "2001:10::1", false },
		{ "2001:1f:ffff::1", false },
		{ "2001:20::1", false },
		{ "2001:2f:ffff::1", false },
		{ "2001:30::1", true },
		{ "2001:db7:ffff::1", true },
		{ "2001:db8::1", false },
		{ "2001:db8:ffff::1", false },
		{ "2001:db9::1", true },
		{ "2606:4700::1111", true },
		{ "3ffe:ffff::1", true },
		{ "3fff::1", false },
		{ "3fff:fff:ffff::1", false },
		{ "3fff:1000::1", true },
		{ "4000::1", false },
		{ "fc00:dead:beef:4dad::1:2", false },
		{ "fd00::1", false },
		{ "fe80::1", false },
		{ "ff02::1", false },
	};
	const struct address none = { { 0 }, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address a;

		assert_true(address_parse(slice_of(cases[i].in), &a));
		if (address_is_public(&a) != cases[i].want)
			fail_msg("%s", cases[i].in);
	}
	assert_false(address_is_public(&none));
}

static void
circuit_ids_are_the_last_four_bytes(void **state)
{
	static const struct {
		const char *src;
		uint32_t id;
	} cases[] = {
		{ "fc00:dead:beef:4dad::0:30", 48 },
		{ "fc00:dead:beef:4dad::ffff", 65535 },
		{ "fc00:dead:beef:4dad::1:0", 65536 },
		{ "fc00:dead:beef:4dad::1:1", 65537 },
		{ "fc00:dead:beef:4dad::3:0", 196608 },
		{ "fc00:dead:beef:4dad::ffff:0", 4294901760u },
		{ "fc00:dead:beef:4dad::ffff:ffff", 4294967295u },
		{ "fc00:dead:beef:4dad::", 0 },
		{ "fc00:dead:beef:4dae::30", 0 },
		{ "::ffff:0.0.0.48", 0 },
		{ "192.0.2.1", 0 },
		{ "2001:db8::30", 0 },
	};
	struct address none = { { 0 }, 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct address a = address(cases[i].src);

		if (address_circuit(&a) != cases[i].id)
			fail_msg("%s: %lu", cases[i].src, (unsigned long)address_circuit(&a));
	}
	assert_int_equal(address_circuit(&none), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parse),
		cmocka_unit_test(from_bytes),
		cmocka_unit_test(mask),
		cmocka_unit_test(prefix),
		cmocka_unit_test(binding),
		cmocka_unit_test(what_is_public),
		cmocka_unit_test(circuit_ids_are_the_last_four_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
