#include "net/dns_cache.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "unit/allocations.h"
#include "unit/random.h"

#define KIB ((size_t)1024)
#define TTL_S 300u

static const uint8_t key[HASH_KEY_BYTES] = { 7, 1, 3 };
static int64_t now_ms;

static struct dns_message
answer(enum dns_state state, const char *data, size_t n, unsigned count)
{
	struct dns_message m = { .state = state, .count = count, .bytes = n };

	memcpy(m.data, data, n);
	return m;
}

static void
put(struct dns_cache *c, enum dns_type type, const char *name, const char *data, uint32_t ttl_s)
{
	struct dns_message m = answer(DNS_FOUND, data, strlen(data), 1);
	struct dns_cache_size size;

	dns_cache_put(c, type, slice_of(name), &m, ttl_s, now_ms);
	size = dns_cache_size(c);
	assert_true(size.bytes <= size.bytes_max);
}

/* "": it is not there. */
static void
expect(struct dns_cache *c, enum dns_type type, const char *name, const char *want)
{
	struct dns_answer a;
	bool got = dns_cache_get(c, type, slice_of(name), now_ms, &a);

	if (got != (want[0] != '\0') ||
	    (got && (!slice_equal(a.data, slice_of(want)) || a.type != type ||
			a.state != DNS_FOUND || a.count != 1)))
		fail_msg("%s: %s", name, got ? "there" : "not there");
}

static bool
is_there(struct dns_cache *c, const char *name)
{
	struct dns_answer a;

	return dns_cache_get(c, DNS_A, slice_of(name), now_ms, &a);
}

static void
what_was_put_is_there(void **state)
{
	struct dns_cache *c = dns_cache_new(64 * KIB, key);
	struct dns_message none = answer(DNS_NONE, "", 0, 0), failed = answer(DNS_FAILED, "", 0, 0);
	struct dns_message full = answer(DNS_FOUND, "", 0, 3);
	struct dns_answer a;
	char longest[DNS_NAME_MAX];

	(void)state;
	put(c, DNS_A, "a.test", "1111", TTL_S);
	put(c, DNS_AAAA, "a.test", "6666666666666666", TTL_S);
	put(c, DNS_PTR, "a.test", "\1a", TTL_S);
	put(c, DNS_A, "b.test", "2222", TTL_S);
	expect(c, DNS_A, "a.test", "1111");
	expect(c, DNS_AAAA, "a.test", "6666666666666666");
	expect(c, DNS_PTR, "a.test", "\1a");
	expect(c, DNS_A, "b.test", "2222");
	expect(c, DNS_PTR, "b.test", "");
	expect(c, DNS_A, "a.tes", "");
	expect(c, DNS_A, "a.test2", "");
	dns_cache_put(c, DNS_A, SLICE("none"), &none, TTL_S, now_ms);
	dns_cache_put(c, DNS_A, SLICE("failed"), &failed, TTL_S, now_ms);
	assert_true(dns_cache_get(c, DNS_A, SLICE("none"), now_ms, &a));
	assert_true(a.state == DNS_NONE && a.count == 0 && a.data.len == 0);
	assert_true(dns_cache_get(c, DNS_A, SLICE("failed"), now_ms, &a));
	assert_int_equal(a.state, DNS_FAILED);
	/* The largest that there may be. */
	memset(longest, 'x', sizeof(longest));
	memset(full.data, 'd', sizeof(full.data));
	full.bytes = sizeof(full.data);
	dns_cache_put(c, DNS_PTR, (struct slice){ longest, sizeof(longest) }, &full, TTL_S, now_ms);
	assert_true(
	    dns_cache_get(c, DNS_PTR, (struct slice){ longest, sizeof(longest) }, now_ms, &a));
	assert_int_equal(a.count, 3);
	assert_int_equal(a.data.len, DNS_DATA_MAX);
	assert_memory_equal(a.data.ptr, full.data, DNS_DATA_MAX);
	dns_cache_free(c);
	dns_cache_free(NULL);
}

static void
it_grows_old(void **state)
{
	struct dns_cache *c = dns_cache_new(64 * KIB, key);
	static const struct {
		int64_t ms;
		bool there;
	} cases[] = { { 0, true }, { 1999, true }, { 2000, false }, { 2001, false },
		{ 1000000, false } };

	(void)state;
	now_ms = 0;
	put(c, DNS_A, "a.test", "1111", 2);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		now_ms = cases[i].ms;
		expect(c, DNS_A, "a.test", cases[i].there ? "1111" : "");
	}
	/* Longer than 32 bits of milliseconds. */
	put(c, DNS_A, "a.test", "2222", UINT32_MAX);
	now_ms += (int64_t)UINT32_MAX * 1000 - 1;
	expect(c, DNS_A, "a.test", "2222");
	now_ms++;
	expect(c, DNS_A, "a.test", "");
	now_ms = 0;
	dns_cache_free(c);
}

static void
the_newest_answer_counts(void **state)
{
	struct dns_cache *c = dns_cache_new(64 * KIB, key);
	struct dns_cache_size before, after;

	(void)state;
	put(c, DNS_A, "a.test", "1111", TTL_S);
	before = dns_cache_size(c);
	put(c, DNS_A, "a.test", "2222", 1);
	expect(c, DNS_A, "a.test", "2222");
	after = dns_cache_size(c);
	assert_int_equal(after.entries, 1);
	assert_int_equal(after.bytes, before.bytes);
	put(c, DNS_A, "a.test", "a much longer answer than the first one, by some 50 bytes", TTL_S);
	assert_true(dns_cache_size(c).bytes > before.bytes);
	put(c, DNS_A, "a.test", "3333", TTL_S);
	assert_int_equal(dns_cache_size(c).bytes, before.bytes);
	/* No time at all only ends it. */
	put(c, DNS_A, "a.test", "4444", 0);
	expect(c, DNS_A, "a.test", "");
	assert_int_equal(dns_cache_size(c).entries, 0);
	dns_cache_free(c);
}

static void
what_is_too_large_is_refused(void **state)
{
	struct dns_cache *c = dns_cache_new(64 * KIB, key);
	struct dns_message m = answer(DNS_FOUND, "1111", 4, 1);
	struct dns_answer a;
	char name[DNS_NAME_MAX + 1];

	(void)state;
	memset(name, 'x', sizeof(name));
	dns_cache_put(c, DNS_A, (struct slice){ name, sizeof(name) }, &m, TTL_S, now_ms);
	assert_false(dns_cache_get(c, DNS_A, (struct slice){ name, sizeof(name) }, now_ms, &a));
	dns_cache_put(c, DNS_A, (struct slice){ name, 0 }, &m, TTL_S, now_ms);
	assert_int_equal(dns_cache_size(c).entries, 0);
	/* It ends what was known. */
	put(c, DNS_A, "a.test", "1111", TTL_S);
	m.bytes = DNS_DATA_MAX + 1;
	dns_cache_put(c, DNS_A, SLICE("a.test"), &m, TTL_S, now_ms);
	expect(c, DNS_A, "a.test", "");
	assert_int_equal(dns_cache_size(c).entries, 0);
	dns_cache_free(c);
}

static void
number(char name[32], const char *kind, unsigned i)
{
	snprintf(name, 32, "%s%u.test", kind, i);
}

static void
never_more_than_was_allowed(void **state)
{
	static const size_t sizes[] = { 0, 1, 64 * KIB, 100 * KIB, 1000 * KIB };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct dns_cache *c = dns_cache_new(sizes[i], key);
		struct dns_message m = answer(DNS_FOUND, "", 0, 1);
		const size_t most = sizes[i] < 64 * KIB ? 64 * KIB : sizes[i];
		struct dns_cache_size size;
		char name[32];

		for (unsigned n = 0; n < 20000; n++) {
			number(name, "n", next_random(30000));
			m.bytes = next_random(4) == 0 ? next_random(DNS_DATA_MAX + 1) : 4;
			dns_cache_put(c, DNS_A, slice_of(name), &m, TTL_S, now_ms);
			/* Most of it in use, too, and often. */
			for (unsigned k = 0; k < 4; k++)
				is_there(c, name);
			size = dns_cache_size(c);
			if (size.bytes > most || size.bytes_max != most)
				fail_msg("%zu bytes of %zu", size.bytes, most);
		}
		/* Nor much less: it is a cache. */
		assert_true(size.bytes > most - most / 10);
		assert_true(size.evictions > 0);
		dns_cache_free(c);
	}
}

/* What has been used stays, however many strangers pass by. */
static void
a_flood_pushes_out_the_flood(void **state)
{
	enum { HOT = 1000, STRANGERS = 200000 };
	struct dns_cache *c = dns_cache_new(512 * KIB, key);
	unsigned hits = 0, looks = 0;
	char name[32];

	(void)state;
	for (unsigned turn = 0; turn < 3; turn++) {
		for (unsigned i = 0; i < HOT; i++) {
			number(name, "hot", i);
			if (!is_there(c, name))
				put(c, DNS_A, name, "1111", TTL_S);
		}
	}
	for (unsigned i = 0; i < STRANGERS; i++) {
		number(name, "stranger", i);
		put(c, DNS_A, name, "2222", TTL_S);
		/* The request that asked looks at its answer. */
		assert_true(is_there(c, name));
		if (i % 10 != 0)
			continue;
		number(name, "hot", next_random(HOT));
		looks++;
		if (is_there(c, name))
			hits++;
		else
			put(c, DNS_A, name, "1111", TTL_S);
	}
	if (hits < looks - looks / 100)
		fail_msg("%u hits of %u looks", hits, looks);
	dns_cache_free(c);
}

/* Those who come while the flood is there find their place, too. */
static void
a_flood_keeps_nobody_out(void **state)
{
	enum { HOT = 100, STRANGERS = 200000 };
	struct dns_cache *c = dns_cache_new(512 * KIB, key);
	unsigned hits = 0, looks = 0;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < STRANGERS; i++) {
		number(name, "stranger", i);
		put(c, DNS_A, name, "2222", TTL_S);
		if (i % 10 != 0)
			continue;
		number(name, "hot", next_random(HOT));
		looks += i > STRANGERS / 2;
		if (is_there(c, name))
			hits += i > STRANGERS / 2;
		else
			put(c, DNS_A, name, "1111", TTL_S);
	}
	if (hits < looks - looks / 20)
		fail_msg("%u hits of %u looks", hits, looks);
	dns_cache_free(c);
}

/* A new answer for a name that is in use does not begin again among the strangers. */
static void
a_new_answer_keeps_its_place(void **state)
{
	enum { HOT = 500, STRANGERS = 20000 };
	struct dns_cache *c = dns_cache_new(256 * KIB, key);
	unsigned lost = 0;
	char name[32];

	(void)state;
	now_ms = 0;
	for (unsigned turn = 0; turn < 20; turn++) {
		for (unsigned i = 0; i < HOT; i++) {
			number(name, "hot", i);
			if (turn < 4 ? !is_there(c, name) : is_there(c, name)) {
				put(c, DNS_A, name, "1111", 60);
			} else if (turn >= 4) {
				lost++;
				put(c, DNS_A, name, "1111", 60);
			}
		}
		for (unsigned i = 0; turn >= 4 && i < STRANGERS; i++) {
			number(name, "stranger", turn * STRANGERS + i);
			put(c, DNS_A, name, "2222", 60);
		}
	}
	assert_in_range(lost, 0, 16 * HOT / 100);
	/* Too old, then new again: as before. */
	for (unsigned i = 0; i < HOT; i++) {
		number(name, "hot", i);
		is_there(c, name);
	}
	now_ms += 60000;
	for (unsigned i = 0; i < HOT; i++) {
		number(name, "hot", i);
		assert_false(is_there(c, name));
		put(c, DNS_A, name, "1111", 600);
	}
	for (unsigned i = 0; i < STRANGERS; i++) {
		number(name, "late", i);
		put(c, DNS_A, name, "2222", 60);
	}
	for (unsigned i = lost = 0; i < HOT; i++) {
		number(name, "hot", i);
		lost += !is_there(c, name);
	}
	assert_in_range(lost, 0, HOT / 100);
	now_ms = 0;
	dns_cache_free(c);
}

/* Gone already, but not long ago: whoever comes again then has been seen twice. */
static void
the_second_time_it_stays(void **state)
{
	struct dns_cache *c = dns_cache_new(256 * KIB, key);
	unsigned n = 0, there = 0;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 50; i++) {
		number(name, "twice", i);
		put(c, DNS_A, name, "1111", TTL_S);
	}
	do {
		number(name, "stranger", n++);
		put(c, DNS_A, name, "2222", TTL_S);
	} while (dns_cache_size(c).evictions < 100);
	for (unsigned i = 0; i < 50; i++) {
		number(name, "twice", i);
		assert_false(is_there(c, name));
		put(c, DNS_A, name, "1111", TTL_S);
	}
	for (unsigned i = 0; i < 20000; i++) {
		number(name, "stranger", n++);
		put(c, DNS_A, name, "2222", TTL_S);
	}
	for (unsigned i = 0; i < 50; i++) {
		number(name, "twice", i);
		there += is_there(c, name);
	}
	/* Its mark may have had the place of another one's. */
	assert_in_range(there, 40, 50);
	dns_cache_free(c);
}

static bool
count(void *arg, const struct dns_cached *e)
{
	(void)e;
	++*(unsigned *)arg;
	return true;
}

/* Among those that are all used more than once, those that are used now. */
static void
in_use_stays(void **state)
{
	enum { HOT = 100 };
	struct dns_cache *c = dns_cache_new(128 * KIB, key);
	unsigned lost = 0, seen = 0;
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		number(name, "few", i);
		put(c, DNS_A, name, "2222", TTL_S);
		is_there(c, name);
		is_there(c, name);
		number(name, "hot", i % HOT);
		if (!is_there(c, name)) {
			lost += i > HOT;
			put(c, DNS_A, name, "1111", TTL_S);
		}
	}
	assert_in_range(lost, 0, HOT); /* of 20,000 looks */
	dns_cache_walk(c, now_ms, count, &seen);
	assert_int_equal(seen, dns_cache_size(c).entries);
	dns_cache_free(c);
}

/* What is too old makes room before anything that is not. */
static void
the_old_go_first(void **state)
{
	struct dns_cache *c = dns_cache_new(64 * KIB, key);
	unsigned n = 0;
	char name[32];

	(void)state;
	now_ms = 0;
	for (; n < 400; n++) {
		number(name, "old", n);
		put(c, DNS_A, name, "1111", 1);
		for (unsigned k = 0; k < 4; k++)
			is_there(c, name);
	}
	assert_int_equal(dns_cache_size(c).evictions, 0);
	now_ms = 1000;
	for (unsigned i = 0; i < n; i++) {
		number(name, "new", i);
		put(c, DNS_A, name, "1111", 60);
	}
	assert_true(dns_cache_size(c).entries < 2 * n);
	for (unsigned i = 0; i < n; i++) {
		number(name, "new", i);
		expect(c, DNS_A, name, "1111");
	}
	assert_int_equal(dns_cache_size(c).evictions, 0);
	now_ms = 0;
	dns_cache_free(c);
}

struct seen {
	unsigned count, stop_at;
	bool wrong;
};

static bool
see(void *arg, const struct dns_cached *e)
{
	struct seen *s = arg;

	s->wrong |= e->left_ms != 5000 || !slice_equal(e->answer.data, SLICE("1111")) ||
		    e->answer.state != DNS_FOUND || e->answer.count != 1 ||
		    e->answer.type != DNS_AAAA || !slice_starts(e->name, SLICE("fresh"));
	return ++s->count != s->stop_at;
}

static void
walk_and_flush(void **state)
{
	struct dns_cache *c = dns_cache_new(64 * KIB, key);
	const size_t empty = dns_cache_size(c).bytes;
	struct seen all = { 0 }, some = { .stop_at = 3 }, nothing = { 0 };
	char name[32];

	(void)state;
	for (unsigned i = 0; i < 10; i++) {
		number(name, "fresh", i);
		put(c, DNS_AAAA, name, "1111", 10);
		number(name, "stale", i);
		put(c, DNS_A, name, "2222", 5);
	}
	dns_cache_walk(c, 5000, see, &all);
	assert_int_equal(all.count, 10);
	assert_false(all.wrong);
	dns_cache_walk(c, 5000, see, &some);
	assert_int_equal(some.count, 3);
	dns_cache_flush(c);
	assert_int_equal(dns_cache_size(c).entries, 0);
	assert_int_equal(dns_cache_size(c).bytes, empty);
	expect(c, DNS_AAAA, "fresh1.test", "");
	dns_cache_walk(c, 0, see, &nothing);
	assert_int_equal(nothing.count, 0);
	put(c, DNS_A, "a.test", "1111", TTL_S);
	expect(c, DNS_A, "a.test", "1111");
	dns_cache_free(c);
}

/* Whoever waited for an answer finds it, though what it replaces was the next to go. */
static void
the_newest_never_makes_room_for_itself(void **state)
{
	struct dns_cache *c = dns_cache_new(64 * KIB, key);
	struct dns_message large = answer(DNS_FOUND, "", 0, 1);
	unsigned n = 0;
	char name[32], other[32];

	(void)state;
	large.bytes = DNS_DATA_MAX;
	while (dns_cache_size(c).evictions == 0) {
		number(name, "n", n++);
		put(c, DNS_A, name, "1111", TTL_S);
	}
	for (unsigned i = 0; i < 2 * n; i++) {
		number(name, "n", 1 + i % (n - 1));
		dns_cache_put(c, DNS_A, slice_of(name), &large, TTL_S, now_ms);
		for (unsigned k = 0; k < 3; k++) {
			number(other, "other", 3 * i + k);
			put(c, DNS_A, other, "2222", TTL_S);
		}
		assert_true(is_there(c, name));
	}
	dns_cache_free(c);
}

static void
looking_changes_nothing_that_is_borrowed(void **state)
{
	struct dns_cache *c = dns_cache_new(64 * KIB, key);
	struct dns_answer borrowed, a;
	unsigned before;

	(void)state;
	put(c, DNS_PTR, "a.test", "\4name", 1);
	put(c, DNS_A, "b.test", "1111", TTL_S);
	assert_true(dns_cache_get(c, DNS_PTR, SLICE("a.test"), 0, &borrowed));
	before = allocations;
	for (unsigned i = 0; i < 1000; i++) {
		dns_cache_get(c, DNS_A, SLICE("b.test"), i * 10, &a);
		dns_cache_get(c, DNS_A, SLICE("nobody.test"), i * 10, &a);
		dns_cache_get(c, DNS_PTR, SLICE("a.test"), i * 10, &a);
	}
	assert_int_equal(allocations, before);
	assert_false(dns_cache_get(c, DNS_PTR, SLICE("a.test"), 1000, &a));
	assert_true(slice_equal(borrowed.data, SLICE("\4name")));
	dns_cache_free(c);
}

static void
it_counts(void **state)
{
	struct dns_cache *c = dns_cache_new(64 * KIB, key);
	struct dns_cache_size size;

	(void)state;
	put(c, DNS_A, "a.test", "1111", 1);
	expect(c, DNS_A, "a.test", "1111");
	expect(c, DNS_A, "a.test", "1111");
	expect(c, DNS_A, "b.test", "");
	now_ms = 1000;
	expect(c, DNS_A, "a.test", "");
	now_ms = 0;
	size = dns_cache_size(c);
	assert_int_equal(size.hits, 2);
	assert_int_equal(size.misses, 2);
	assert_int_equal(size.evictions, 0);
	assert_int_equal(size.bytes_max, 64 * KIB);
	dns_cache_free(c);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_put_is_there),
		cmocka_unit_test(it_grows_old),
		cmocka_unit_test(the_newest_answer_counts),
		cmocka_unit_test(what_is_too_large_is_refused),
		cmocka_unit_test(never_more_than_was_allowed),
		cmocka_unit_test(a_flood_pushes_out_the_flood),
		cmocka_unit_test(a_flood_keeps_nobody_out),
		cmocka_unit_test(a_new_answer_keeps_its_place),
		cmocka_unit_test(the_second_time_it_stays),
		cmocka_unit_test(in_use_stays),
		cmocka_unit_test(the_old_go_first),
		cmocka_unit_test(walk_and_flush),
		cmocka_unit_test(the_newest_never_makes_room_for_itself),
		cmocka_unit_test(looking_changes_nothing_that_is_borrowed),
		cmocka_unit_test(it_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
