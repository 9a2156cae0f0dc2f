#include "token/ticket.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/encode.h"
#include "unit/fixtures.h"

#define OLD "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define NEW "1111111111111111111111111111111111111111111111111111111111111111"
#define NOW 1700000000
#define HEX_CHARS 32u

/* From an independent implementation of the layout in the header. */
#define GOLDEN                                                                                     \
	"101112131415161718191a1b1c1d1e1fApWe91QAAAAAZVPxAAEAAAUQAAEAAAADAZMACTqAAQTAAAIA"         \
	"AAAAAAAAAAAAAAAAD2dpdC5leGFtcGxlLm9yZ9WmgJgSZv-BYCM_VA7fLpYekHmvx5N-KqXBonm4nfO_"

static struct ticket
sample(void)
{
	static const uint8_t net[4] = { 192, 0, 2, 0 };
	struct ticket t = { .issued_s = NOW,
		.challenge = { METHOD_POW, 65536, 16, 3, 5, false },
		.status = 403,
		.pass_s = 604800,
		.binding = BINDING_NET,
		.client = address_from_bytes(net, 4),
		.host = SLICE("git.example.org") };

	for (uint8_t i = 0; i < TICKET_ID_BYTES; i++)
		t.id[i] = (uint8_t)(0x10 + i);
	return t;
}

static enum ticket_error
open_at(const struct keyring *k, const char *text, size_t n, int64_t now_s)
{
	char store[TICKET_HOST_MAX];
	struct ticket t;

	return ticket_open(k, (struct slice){ text, n }, now_s, &t, store);
}

static void
assert_same(const struct ticket *a, const struct ticket *b)
{
	assert_memory_equal(a->id, b->id, TICKET_ID_BYTES);
	assert_int_equal(a->issued_s, b->issued_s);
	assert_int_equal(a->challenge.methods, b->challenge.methods);
	assert_int_equal(a->challenge.wait_s, b->challenge.wait_s);
	assert_int_equal(a->challenge.clip, b->challenge.clip);
	assert_int_equal(a->challenge.hashes, b->challenge.hashes);
	assert_int_equal(a->challenge.puzzles, b->challenge.puzzles);
	assert_int_equal(a->challenge.level, b->challenge.level);
	assert_int_equal(a->status, b->status);
	assert_int_equal(a->pass_s, b->pass_s);
	assert_int_equal(a->binding, b->binding);
	assert_true(address_equal(&a->client, &b->client));
	assert_true(slice_equal(a->host, b->host));
}

static void
test_golden(void **state)
{
	struct keyring k = ring(OLD);
	struct ticket t = sample(), back;
	char text[TICKET_TEXT_MAX], store[TICKET_HOST_MAX];
	size_t n = ticket_seal(&k, &t, text);

	(void)state;
	assert_int_equal(n, sizeof(GOLDEN) - 1);
	assert_memory_equal(text, GOLDEN, n);
	assert_int_equal(ticket_open(&k, SLICE(GOLDEN), NOW, &back, store), TICKET_OK);
	assert_same(&t, &back);
	assert_ptr_equal(back.host.ptr, store);
}

static void
test_bindings_and_hosts(void **state)
{
	static const char *const clients[] = { "192.0.2.77", "2001:db8:1:2::3",
		"fc00:dead:beef:4dad::1:2", "::1" };
	struct keyring k = ring(NEW);
	char host[300];

	(void)state;
	memset(host, 'a', sizeof(host));
	for (int b = BINDING_NONE; b <= BINDING_CIRCUIT; b++)
		for (size_t c = 0; c < 4; c++)
			for (size_t len = 0; len <= 300; len += 60) {
				char text[TICKET_TEXT_MAX], store[TICKET_HOST_MAX];
				struct ticket t = sample(), back;
				struct address a;
				size_t n;

				assert_true(address_parse(slice_of(clients[c]), &a));
				t.binding = (enum binding)b;
				t.client = binding_apply(t.binding, &a);
				t.host = (struct slice){ host, len };
				n = ticket_seal(&k, &t, text);
				assert_int_equal(
				    ticket_open(&k, (struct slice){ text, n }, NOW, &back, store),
				    TICKET_OK);
				if (t.host.len > TICKET_HOST_MAX)
					t.host.len = TICKET_HOST_MAX;
				assert_same(&t, &back);
			}
}

static void
test_every_truncation_and_extension(void **state)
{
	struct keyring k = ring(OLD);
	char text[sizeof(GOLDEN) + 600];
	size_t n = sizeof(GOLDEN) - 1;

	(void)state;
	memset(text, 'A', sizeof(text));
	memcpy(text, GOLDEN, n);
	for (size_t len = 0; len < sizeof(text); len++)
		if (len != n)
			assert_int_not_equal(open_at(&k, text, len, NOW), TICKET_OK);
	assert_int_equal(open_at(&k, text, n, NOW), TICKET_OK);
}

static void
test_every_flip(void **state)
{
	struct keyring k = ring(OLD);
	char text[] = GOLDEN;

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		char good = text[i];

		for (int c = 0; c < 256; c++) {
			text[i] = (char)c;
			if (text[i] != good &&
			    open_at(&k, text, sizeof(text) - 1, NOW) == TICKET_OK)
				fail_msg("byte %zu as %02x opens", i, (unsigned)c);
		}
		text[i] = good;
	}
}

static void
test_keys(void **state)
{
	struct keyring old = ring(OLD), both = ring(NEW "\n" OLD), new = ring(NEW);
	struct ticket t = sample();
	char text[TICKET_TEXT_MAX];
	size_t n = ticket_seal(&both, &t, text);

	(void)state;
	assert_int_equal(open_at(&both, GOLDEN, sizeof(GOLDEN) - 1, NOW), TICKET_OK);
	assert_int_equal(open_at(&new, GOLDEN, sizeof(GOLDEN) - 1, NOW), TICKET_FORGED);
	/* The first key sealed it. */
	assert_int_equal(open_at(&new, text, n, NOW), TICKET_OK);
	assert_int_equal(open_at(&old, text, n, NOW), TICKET_FORGED);
	/* The id of a key that we have over the MAC of one that we have not. */
	memcpy(old.key[0].id, new.key[0].id, 4);
	n = ticket_seal(&old, &t, text);
	assert_int_equal(open_at(&new, text, n, NOW), TICKET_FORGED);
}

static void
test_splice(void **state)
{
	struct keyring k = ring(OLD);
	struct ticket a = sample(), b = sample();
	char one[TICKET_TEXT_MAX], two[TICKET_TEXT_MAX], mixed[TICKET_TEXT_MAX];
	size_t n;

	(void)state;
	b.id[3] ^= 1;
	b.challenge.hashes = 1;
	n = ticket_seal(&k, &a, one);
	assert_int_equal(ticket_seal(&k, &b, two), n);
	for (size_t cut = 1; cut < n; cut++) {
		memcpy(mixed, one, cut);
		memcpy(mixed + cut, two + cut, n - cut);
		if (memcmp(mixed, one, n) != 0 && memcmp(mixed, two, n) != 0)
			assert_int_not_equal(open_at(&k, mixed, n, NOW), TICKET_OK);
	}
}

/* Binary of a ticket behind its id, to be patched and MACed anew with a key that we know. */
struct opened {
	uint8_t bytes[400];
	size_t n;
};

static struct opened
unpack(const char *text, size_t n)
{
	struct opened o;

	assert_true(base64url_decode(
	    (struct slice){ text + HEX_CHARS, n - HEX_CHARS }, o.bytes, sizeof(o.bytes), &o.n));
	return o;
}

static size_t
repack(const struct keyring *k, struct opened *o, bool again, char *text)
{
	static const char label[] = "\016ammit ticket 2";
	uint8_t in[500];

	memcpy(in, label, 15);
	assert_true(hex_decode((struct slice){ text, HEX_CHARS }, in + 15, 16));
	memcpy(in + 31, o->bytes, o->n - 32);
	if (again)
		hmac_once(&k->key[0].ticket, in, 31 + o->n - 32, o->bytes + o->n - 32);
	return HEX_CHARS + base64url_encode(o->bytes, o->n, text + HEX_CHARS);
}

static const struct {
	const char *name;
	size_t at;
	uint8_t value;
	enum ticket_error want;
} patches[] = {
	{ "nothing", 0, 2, TICKET_OK },
	{ "version 0", 0, 0, TICKET_MALFORMED },
	{ "version 1", 0, 1, TICKET_MALFORMED },
	{ "issued beyond int64", 5, 0x80, TICKET_MALFORMED },
	{ "issued at all but the end of time", 5, 0x7f, TICKET_EARLY },
	{ "no method", 13, 0, TICKET_MALFORMED },
	{ "all methods", 13, 31, TICKET_OK },
	{ "video alone", 13, METHOD_VIDEO, TICKET_MALFORMED },
	{ "a method for passes alone", 13, METHOD_POW | METHOD_VIDEO_FAILED, TICKET_MALFORMED },
	{ "an unknown method", 13, 65, TICKET_MALFORMED },
	{ "a clip", 14, 1, TICKET_OK },
	{ "two clips", 14, 2, TICKET_MALFORMED },
	{ "no time to wait", 16, 0, TICKET_MALFORMED },
	{ "261 s", 15, 1, TICKET_OK },
	{ "517 s", 15, 2, TICKET_MALFORMED },
	{ "no puzzles", 17, 0, TICKET_MALFORMED },
	{ "32 puzzles", 17, 32, TICKET_OK },
	{ "33 puzzles", 17, 33, TICKET_MALFORMED },
	{ "2^26 + 65536 hashes", 18, 4, TICKET_MALFORMED },
	{ "no hashes", 19, 0, TICKET_MALFORMED },
	{ "binding 4", 30, 4, TICKET_MALFORMED },
	{ "no binding, but a client", 30, 0, TICKET_MALFORMED },
	{ "exact", 30, 2, TICKET_OK },
	{ "family 0 with an address", 31, 0, TICKET_MALFORMED },
	{ "family 5", 31, 5, TICKET_MALFORMED },
	{ "family 6", 31, 6, TICKET_OK },
	{ "a bit behind the prefix", 35, 1, TICKET_MALFORMED },
	{ "a byte behind IPv4", 36, 1, TICKET_MALFORMED },
	{ "last byte behind IPv4", 47, 1, TICKET_MALFORMED },
	{ "host shorter than it says", 48, 16, TICKET_MALFORMED },
	{ "host longer than it says", 48, 14, TICKET_MALFORMED },
	{ "no host, but its bytes", 48, 0, TICKET_MALFORMED },
};

/* Even with a genuine MAC nothing out of range opens; and without it nothing at all. */
static void
test_ranges(void **state)
{
	struct keyring k = ring(OLD);

	(void)state;
	for (size_t i = 0; i < sizeof(patches) / sizeof(patches[0]); i++) {
		char text[TICKET_TEXT_MAX] = GOLDEN;
		struct opened o = unpack(text, sizeof(GOLDEN) - 1);
		enum ticket_error got;
		bool same = o.bytes[patches[i].at] == patches[i].value;
		size_t n;

		o.bytes[patches[i].at] = patches[i].value;
		n = repack(&k, &o, false, text);
		if (!same)
			assert_int_not_equal(open_at(&k, text, n, NOW), TICKET_OK);
		n = repack(&k, &o, true, text);
		got = open_at(&k, text, n, NOW);
		if (got != patches[i].want)
			fail_msg("%s: %d", patches[i].name, (int)got);
	}
}

/* berghain's: host and address side by side without a mark between. */
static void
test_fields_do_not_shift(void **state)
{
	struct keyring k = ring(OLD);
	struct ticket a = sample(), b = sample();
	char one[TICKET_TEXT_MAX], two[TICKET_TEXT_MAX];
	struct opened oa, ob;

	(void)state;
	a.binding = b.binding = BINDING_EXACT;
	assert_true(address_parse(SLICE("2.3.4.5"), &a.client));
	a.host = SLICE("git.example.org1");
	assert_true(address_parse(SLICE("12.3.4.5"), &b.client));
	b.host = SLICE("git.example.org");
	oa = unpack(one, ticket_seal(&k, &a, one));
	ob = unpack(two, ticket_seal(&k, &b, two));
	assert_memory_not_equal(oa.bytes + oa.n - 32, ob.bytes + ob.n - 32, 32);
	/* The MAC of one under the fields of the other. */
	memcpy(ob.bytes + ob.n - 32, oa.bytes + oa.n - 32, 32);
	assert_int_equal(open_at(&k, two, repack(&k, &ob, false, two), NOW), TICKET_FORGED);
	/* The host's last byte given to the MAC, and the reverse. */
	oa.bytes[48]--;
	oa.n--;
	assert_int_equal(open_at(&k, one, repack(&k, &oa, false, one), NOW), TICKET_FORGED);
}

static void
test_label_parts_purposes(void **state)
{
	struct keyring k = ring(OLD);
	char text[TICKET_TEXT_MAX] = GOLDEN;
	struct opened o = unpack(text, sizeof(GOLDEN) - 1);
	uint8_t in[500];

	(void)state;
	/* The same bytes under the pass key. */
	k.key[0].ticket = k.key[0].pass;
	assert_int_equal(
	    open_at(&k, text, repack(&k, &o, true, text), NOW), TICKET_OK); /* the test holds */
	k = ring(OLD);
	assert_int_equal(open_at(&k, text, sizeof(GOLDEN) - 1, NOW), TICKET_FORGED);
	/* A MAC under the ticket key, but without the label. */
	assert_true(hex_decode((struct slice){ text, HEX_CHARS }, in, 16));
	memcpy(in + 16, o.bytes, o.n - 32);
	hmac_once(&k.key[0].ticket, in, 16 + o.n - 32, o.bytes + o.n - 32);
	assert_int_equal(open_at(&k, text, repack(&k, &o, false, text), NOW), TICKET_FORGED);
}

static const struct {
	int64_t now_s;
	enum ticket_error want;
} times[] = {
	{ NOW, TICKET_OK },
	{ NOW + TICKET_LIFE_S, TICKET_OK },
	{ NOW + TICKET_LIFE_S + 1, TICKET_EXPIRED },
	{ NOW - 60, TICKET_OK },
	{ NOW - 61, TICKET_EARLY },
	{ 0, TICKET_EARLY },
	{ -1, TICKET_EARLY },
	{ INT64_MIN, TICKET_EARLY },
	{ INT64_MAX, TICKET_EXPIRED },
};

static void
test_times(void **state)
{
	struct keyring k = ring(OLD);
	struct ticket t = sample();
	char text[TICKET_TEXT_MAX];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		assert_int_equal(
		    open_at(&k, GOLDEN, sizeof(GOLDEN) - 1, times[i].now_s), times[i].want);
	t.issued_s = INT64_MAX;
	n = ticket_seal(&k, &t, text);
	assert_int_equal(open_at(&k, text, n, INT64_MIN), TICKET_EARLY);
	assert_int_equal(open_at(&k, text, n, INT64_MAX), TICKET_OK);
	t.issued_s = INT64_MIN;
	n = ticket_seal(&k, &t, text);
	assert_int_equal(open_at(&k, text, n, INT64_MAX), TICKET_EXPIRED);
	assert_int_equal(open_at(&k, text, n, INT64_MIN), TICKET_OK);
}

static void
test_ids(void **state)
{
	uint8_t secret[32] = { 7 }, seen[1000][TICKET_ID_BYTES], again[TICKET_ID_BYTES];
	struct ticket_ids g;

	(void)state;
	ticket_ids_init(&g, secret);
	for (size_t i = 0; i < 1000; i++) {
		ticket_ids_next(&g, seen[i]);
		for (size_t j = 0; j < i; j++)
			assert_memory_not_equal(seen[i], seen[j], TICKET_ID_BYTES);
	}
	secret[31] = 1;
	ticket_ids_init(&g, secret);
	ticket_ids_next(&g, again);
	assert_memory_not_equal(again, seen[0], TICKET_ID_BYTES);
}

static const struct {
	const char *in, *want;
} hosts[] = {
	{ "git.example.org", "git.example.org" },
	{ "GIT.Example.ORG", "git.example.org" },
	{ "git.example.org:443", "git.example.org" },
	{ "git.example.org:", "git.example.org" },
	{ "git.example.org.", "git.example.org" },
	{ "git.example.org.:8080", "git.example.org" },
	{ "192.0.2.1:80", "192.0.2.1" },
	{ "[2001:DB8::1]", "[2001:db8::1]" },
	{ "[2001:db8::1]:8443", "[2001:db8::1]" },
	{ "2001:db8::1", "2001:db8::1" },
	{ "::1", "::1" },
	{ "[::1]x:80", "[::1]x:80" },
	{ "git.example.org:http", "git.example.org:http" },
	{ "a:1:2", "a:1:2" },
	{ "", "" },
	{ ".", "" },
	{ ":80", "" },
	{ "a..", "a" },
	{ "\xc3\x84.example", "\xc3\x84.example" },
};

static void
test_host_normal(void **state)
{
	char store[TICKET_HOST_MAX], twice[TICKET_HOST_MAX], large[400];
	struct slice got;

	(void)state;
	for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
		got = host_normal(slice_of(hosts[i].in), store);
		if (!slice_equal(got, slice_of(hosts[i].want)) ||
		    !slice_equal(host_normal(got, twice), got))
			fail_msg("%s: %.*s", hosts[i].in, (int)got.len, got.ptr);
	}
	memset(large, 'A', sizeof(large));
	got = host_normal((struct slice){ large, sizeof(large) }, store);
	assert_int_equal(got.len, TICKET_HOST_MAX);
	assert_int_equal(got.ptr[254], 'a');
	got = host_normal((struct slice){ NULL, 0 }, store);
	assert_int_equal(got.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_bindings_and_hosts),
		cmocka_unit_test(test_every_truncation_and_extension),
		cmocka_unit_test(test_every_flip),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_splice),
		cmocka_unit_test(test_ranges),
		cmocka_unit_test(test_fields_do_not_shift),
		cmocka_unit_test(test_label_parts_purposes),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_ids),
		cmocka_unit_test(test_host_normal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
