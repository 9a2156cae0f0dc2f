#include "base/dns_message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* A message that is being written. */
struct wire {
	uint8_t bytes[4096];
	size_t n;
};

static void
put(struct wire *w, unsigned value, unsigned bytes)
{
	while (bytes-- > 0)
		w->bytes[w->n++] = (uint8_t)((uint64_t)value >> 8 * bytes);
}

static void
put_name(struct wire *w, const char *name)
{
	struct slice rest = slice_of(name);

	while (rest.len > 0) {
		struct slice label = slice_split(rest, '.', &rest);

		put(w, (unsigned)label.len, 1);
		memcpy(w->bytes + w->n, label.ptr, label.len);
		w->n += label.len;
	}
	put(w, 0, 1);
}

static void
begin(struct wire *w, unsigned flags, const char *name, unsigned type)
{
	w->n = 0;
	put(w, 0x1234, 2);
	put(w, flags, 2);
	put(w, 1, 2);
	put(w, 0, 6);
	put_name(w, name);
	put(w, type, 2);
	put(w, 1, 2);
}

/* Section 1: answers, 2: authority, 3: additional. */
static void
record(struct wire *w, unsigned section, const char *name, unsigned type, unsigned ttl,
    const void *data, size_t n)
{
	w->bytes[5 + 2 * section]++;
	put_name(w, name);
	put(w, type, 2);
	put(w, 1, 2);
	put(w, ttl, 4);
	put(w, (unsigned)n, 2);
	memcpy(w->bytes + w->n, data, n);
	w->n += n;
}

static void
record_name(struct wire *w, const char *name, unsigned type, unsigned ttl, const char *target)
{
	struct wire t = { .n = 0 };

	put_name(&t, target);
	record(w, 1, name, type, ttl, t.bytes, t.n);
}

static void
record_soa(struct wire *w, unsigned ttl, unsigned minimum)
{
	struct wire t = { .n = 0 };

	put_name(&t, "ns.test");
	put_name(&t, "h.test");
	for (int i = 0; i < 4; i++)
		put(&t, 9, 4);
	put(&t, minimum, 4);
	record(w, 2, "test", 6, ttl, t.bytes, t.n);
}

static const struct dns_question question = { .type = DNS_A, .name = { "a.test", 6 } };
static struct dns_message m;

/* Read from a copy of exactly its size, so that a sanitizer sees a step beyond. */
static void
read_it(const struct wire *w, const struct dns_question *q)
{
	uint8_t *exact = malloc(w->n + 1);

	memcpy(exact, w->bytes, w->n);
	exact = realloc(exact, w->n > 0 ? w->n : 1);
	memset(&m, 0xaa, sizeof(m));
	dns_message_read(exact, w->n, q, &m);
	free(exact);
	assert_true(m.bytes <= sizeof(m.data) && m.count <= DNS_RECORDS_MAX);
	assert_true(m.state == DNS_FOUND ? m.count > 0 : m.count == 0);
	assert_true(!m.malformed || m.state == DNS_FAILED);
}

static void
expect(enum dns_state state, unsigned count, unsigned ttl)
{
	assert_int_equal(m.state, state);
	assert_int_equal(m.count, count);
	assert_int_equal(m.ttl_s, ttl);
}

static void
found(void **state)
{
	struct wire w;

	(void)state;
	begin(&w, 0x8180, "A.tEst", 1);
	record(&w, 1, "a.test", 1, 300, "\177\0\0\11", 4);
	record(&w, 1, "a.TEST", 1, 60, "\177\0\0\3", 4);
	record(&w, 1, "a.test", 1, 900, "\177\0\0\11", 4);
	record(&w, 1, "b.test", 1, 1, "\1\1\1\1", 4);
	record(&w, 1, "a.test", 28, 1, "0123456789abcdef", 16);
	record(&w, 3, "", 41, 0, "", 0);
	read_it(&w, &question);
	expect(DNS_FOUND, 2, 60);
	assert_memory_equal(m.data, "\177\0\0\11\177\0\0\3", 8);
	/* A TTL that looks negative is none. */
	begin(&w, 0x8180, "a.test", 1);
	record(&w, 1, "a.test", 1, 0x80000001, "\177\0\0\11", 4);
	read_it(&w, &question);
	expect(DNS_FOUND, 1, 0);
}

static void
aliases(void **state)
{
	struct wire w;

	(void)state;
	/* In any order; the least life on the way counts. */
	begin(&w, 0x8180, "a.test", 1);
	record(&w, 1, "c.test", 1, 300, "\177\0\0\11", 4);
	record_name(&w, "b.test", 5, 20, "c.test");
	record_name(&w, "a.test", 5, 200, "B.test");
	read_it(&w, &question);
	expect(DNS_FOUND, 1, 20);
	/* Round and round. */
	begin(&w, 0x8180, "a.test", 1);
	record_name(&w, "a.test", 5, 200, "b.test");
	record_name(&w, "b.test", 5, 200, "a.test");
	record_soa(&w, 100, 50);
	read_it(&w, &question);
	expect(DNS_FAILED, 0, 0);
	begin(&w, 0x8183, "a.test", 1);
	record_name(&w, "a.test", 5, 200, "gone.test");
	record_soa(&w, 30, 50);
	read_it(&w, &question);
	expect(DNS_NONE, 0, 30);
	begin(&w, 0x8183, "a.test", 1);
	record_name(&w, "a.test", 5, 20, "gone.test");
	record_soa(&w, 300, 50);
	read_it(&w, &question);
	expect(DNS_NONE, 0, 20);
	/* Another name's records are not ours. */
	begin(&w, 0x8180, "a.test", 1);
	record(&w, 1, "evil.test", 1, 300, "\177\0\0\11", 4);
	read_it(&w, &question);
	expect(DNS_NONE, 0, 0);
}

static const char *
link_name(unsigned i, char out[20])
{
	snprintf(out, 20, "l%u.test", i);
	return i == 0 ? "a.test" : out;
}

/* What stands beside an alias is not there (RFC 1034, 3.6.2), nor what is not of the Internet. */
static void
aliases_alone(void **state)
{
	struct wire w;

	(void)state;
	begin(&w, 0x8180, "a.test", 1);
	record(&w, 1, "a.test", 1, 300, "\1\2\3\4", 4);
	record_name(&w, "a.test", 5, 200, "b.test");
	record(&w, 1, "a.test", 1, 300, "\1\2\3\4", 4);
	record(&w, 1, "b.test", 1, 300, "\177\0\0\11", 4);
	read_it(&w, &question);
	expect(DNS_FOUND, 1, 200);
	assert_memory_equal(m.data, "\177\0\0\11", 4);
	begin(&w, 0x8180, "a.test", 1);
	record(&w, 1, "a.test", 1, 300, "\1\2\3\4", 4);
	w.bytes[w.n - 11] = 3;
	read_it(&w, &question);
	expect(DNS_NONE, 0, 0);
	record_soa(&w, 300, 60);
	w.bytes[w.n - (20 + 9 + 8) - 7] = 3;
	read_it(&w, &question);
	expect(DNS_NONE, 0, 0);
}

/* 16 one behind the other, in either order, and no more. */
static void
long_ways(void **state)
{
	char from[20], to[20];
	struct wire w;

	(void)state;
	for (unsigned links = 15; links <= 17; links++) {
		for (unsigned backwards = 0; backwards < 2; backwards++) {
			begin(&w, 0x8180, "a.test", 1);
			record(&w, 1, link_name(links, to), 1, 300, "\177\0\0\11", 4);
			for (unsigned k = 0; k < links; k++) {
				unsigned i = backwards ? links - 1 - k : k;

				record_name(
				    &w, link_name(i, from), 5, 100 + i, link_name(i + 1, to));
			}
			read_it(&w, &question);
			if (links <= 16)
				expect(DNS_FOUND, 1, 100);
			else
				expect(DNS_FAILED, 0, 0);
			/* That is no server's fault. */
			assert_false(m.malformed);
		}
	}
}

/* Names that no host has may stand on the way (RFC 2317), but not at the end of it. */
static void
ways_through_odd_names(void **state)
{
	static const struct dns_question q = { .type = DNS_PTR,
		.name = { "4.3.2.1.in-addr.arpa", 20 } };
	struct wire w;

	(void)state;
	begin(&w, 0x8180, "4.3.2.1.in-addr.arpa", 12);
	record_name(&w, "4.3.2.1.in-addr.arpa", 5, 300, "4.0/25.3.2.1.in-addr.arpa");
	record_name(&w, "4.0/25.3.2.1.in-addr.arpa", 12, 60, "Host.example");
	record_name(&w, "4.1/25.3.2.1.in-addr.arpa", 12, 60, "other.example");
	record_name(&w, "4.0/25.3.2.1.in-addr.arpa", 12, 60, "0/25.example");
	read_it(&w, &q);
	expect(DNS_FOUND, 1, 60);
	assert_memory_equal(m.data, "\14host.example", 13);
	/* A dot in a label is no dot between two. */
	begin(&w, 0x8180, "a.test", 1);
	record(&w, 1, "a-test", 1, 300, "\177\0\0\11", 4);
	w.bytes[w.n - 20] = '.';
	read_it(&w, &question);
	expect(DNS_NONE, 0, 0);
	/* The same name, in two labels. */
	w.bytes[w.n - 22] = 1;
	w.bytes[w.n - 20] = 4;
	read_it(&w, &question);
	expect(DNS_FOUND, 1, 300);
}

/* A server that only knows whom else to ask has not said that there is none (RFC 2308, 2.2). */
static void
referrals(void **state)
{
	struct wire w, ns = { .n = 0 };

	(void)state;
	put_name(&ns, "ns.test");
	begin(&w, 0x8000, "a.test", 1);
	record(&w, 2, "test", 2, 300, ns.bytes, ns.n);
	read_it(&w, &question);
	expect(DNS_FAILED, 0, 0);
	assert_false(m.malformed);
	record_soa(&w, 300, 60);
	read_it(&w, &question);
	expect(DNS_NONE, 0, 60);
	begin(&w, 0x8180, "a.test", 1);
	record(&w, 1, "a.test", 1, 300, "\177\0\0\11", 4);
	record(&w, 2, "test", 2, 300, ns.bytes, ns.n);
	read_it(&w, &question);
	expect(DNS_FOUND, 1, 300);
	begin(&w, 0x8183, "a.test", 1);
	record(&w, 2, "test", 2, 300, ns.bytes, ns.n);
	read_it(&w, &question);
	expect(DNS_NONE, 0, 0);
}

static void
names_of_addresses(void **state)
{
	static const struct dns_question q = { .type = DNS_PTR, .name = { "a.test", 6 } };
	struct wire w;

	(void)state;
	begin(&w, 0x8180, "a.test", 12);
	record_name(&w, "a.test", 12, 300, "Host.Example");
	record_name(&w, "a.test", 12, 300, "host.example");
	record_name(&w, "a.test", 12, 300, "b ad.example");
	record_name(&w, "a.test", 12, 300, "x.example");
	record(&w, 1, "a.test", 12, 300, "\3a.b\7example", 13);
	record(&w, 1, "a.test", 12, 300, "", 1);
	read_it(&w, &q);
	expect(DNS_FOUND, 2, 300);
	assert_memory_equal(m.data, "\14host.example\11x.example", 23);
	/* A pointer into the question. */
	begin(&w, 0x8180, "a.test", 12);
	record(&w, 1, "a.test", 12, 300, "\1z\300\14", 4);
	read_it(&w, &q);
	expect(DNS_FOUND, 1, 300);
	assert_memory_equal(m.data, "\10z.a.test", 9);
	/* A name, and something behind it. */
	begin(&w, 0x8180, "a.test", 12);
	record(&w, 1, "a.test", 12, 300, "\1z\300\14", 5);
	read_it(&w, &q);
	expect(DNS_FAILED, 0, 0);
}

static void
none_and_how_long(void **state)
{
	static const struct {
		unsigned flags, ttl, minimum, want;
	} cases[] = { { 0x8183, 300, 60, 60 }, { 0x8183, 30, 60, 30 }, { 0x8180, 300, 60, 60 },
		{ 0x8583, 300, 0x80000000, 0 }, { 0x8183, 0x80000000, 60, 0 } };
	struct wire w;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(&w, cases[i].flags, "a.test", 1);
		record_soa(&w, cases[i].ttl, cases[i].minimum);
		read_it(&w, &question);
		expect(DNS_NONE, 0, cases[i].want);
	}
	begin(&w, 0x8183, "a.test", 1);
	read_it(&w, &question);
	expect(DNS_NONE, 0, 0);
	assert_int_equal(m.rcode, 3);
}

static void
no_answer_at_all(void **state)
{
	static const struct {
		unsigned flags;
		const char *name;
		unsigned type;
		bool malformed;
	} cases[] = { { 0x0100, "a.test", 1, true }, { 0x8180, "b.test", 1, true },
		{ 0x8180, "a.test", 28, true }, { 0xa180, "a.test", 1, true },
		{ 0x8182, "a.test", 1, false }, { 0x8185, "a.test", 1, false },
		{ 0x8181, "a.test", 1, false }, { 0x8380, "a.test", 1, false } };
	struct wire w;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		begin(&w, cases[i].flags, cases[i].name, cases[i].type);
		record(&w, 1, "a.test", 1, 300, "\177\0\0\11", 4);
		read_it(&w, &question);
		expect(DNS_FAILED, 0, 0);
		assert_int_equal(m.malformed, cases[i].malformed);
	}
	/* No question, two, one of another class. */
	for (unsigned i = 0; i < 3; i++) {
		begin(&w, 0x8180, "a.test", 1);
		w.bytes[5] = i == 0 ? 0 : i == 1 ? 2 : 1;
		w.bytes[w.n - 1] = i == 2 ? 3 : 1;
		read_it(&w, &question);
		expect(DNS_FAILED, 0, 0);
	}
}

static void
loops_and_lies(void **state)
{
	static const struct {
		const char *name, *bytes;
		size_t n;
	} owners[] = {
		{ "points at itself", "\300\30", 2 },
		{ "points forward", "\300\377", 2 },
		{ "a reserved kind of label", "\200a\0", 3 },
		{ "another", "\100a\0", 3 },
		{ "half a pointer", "\300", 1 },
		{ "a label beyond the end", "\77abc", 4 },
		{ "no end", "\1a", 2 },
	};
	struct wire w;

	(void)state;
	for (size_t i = 0; i < COUNT(owners); i++) {
		begin(&w, 0x8180, "a.test", 1);
		w.bytes[7] = 1;
		memcpy(w.bytes + w.n, owners[i].bytes, owners[i].n);
		w.n += owners[i].n;
		if (i < 2) {
			put(&w, 0x00010001, 4);
			put(&w, 300, 4);
			put(&w, 0x00047f00, 4);
			put(&w, 0x0009, 2);
		}
		read_it(&w, &question);
		if (m.state != DNS_FAILED || !m.malformed)
			fail_msg("%s", owners[i].name);
	}
	/* A name of more than 255 bytes. */
	begin(&w, 0x8180, "a.test", 1);
	w.bytes[7] = 1;
	for (unsigned i = 0; i < 5; i++) {
		put(&w, 63, 1);
		memset(w.bytes + w.n, 'x', 63);
		w.n += 63;
	}
	put(&w, 0, 1);
	put(&w, 0x00010001, 4);
	put(&w, 300, 4);
	put(&w, 0x00047f00, 4);
	put(&w, 9, 2);
	read_it(&w, &question);
	expect(DNS_FAILED, 0, 0);
	/* Data of a wrong length, and more records than there are. */
	begin(&w, 0x8180, "a.test", 1);
	record(&w, 1, "a.test", 1, 300, "\177\0\0", 3);
	read_it(&w, &question);
	expect(DNS_FAILED, 0, 0);
	begin(&w, 0x8180, "a.test", 1);
	record(&w, 1, "a.test", 1, 300, "\177\0\0\11", 4);
	w.bytes[7] = 2;
	read_it(&w, &question);
	expect(DNS_FAILED, 0, 0);
	w.bytes[6] = 0xff;
	read_it(&w, &question);
	expect(DNS_FAILED, 0, 0);
}

/* An answer that is good but for its owner's name: in place, and a pointer to what stands in
 * `data`. */
static void
owned_by(const char *owner, size_t n, const void *data, size_t data_n, enum dns_state want)
{
	struct wire w;

	begin(&w, 0x8180, "a.test", 1);
	record(&w, 1, "z", 99, 300, data, data_n);
	w.bytes[7]++;
	memcpy(w.bytes + w.n, owner, n);
	w.n += n;
	put(&w, 0x00010001, 4);
	put(&w, 300, 4);
	put(&w, 0x00047f00, 4);
	put(&w, 0x0009, 2);
	/* Behind it, where only a pointer forward leads. */
	put_name(&w, "a.test");
	read_it(&w, &question);
	assert_int_equal(m.state, want);
	assert_int_equal(m.malformed, want == DNS_FAILED);
}

static void
pointers(void **state)
{
	enum { DATA = 12 + 8 + 4 + 3 + 10 }; /* where it begins */
	char chain[2 * 80], owner[66] = { 64 };

	(void)state;
	owned_by("\300\14", 2, "", 0, DNS_FOUND);
	owned_by("\1a\300\16", 4, "", 0, DNS_FOUND);
	owned_by((const char[]){ (char)0xc0, DATA + 16 }, 2, "", 0, DNS_FAILED);
	owned_by((const char[]){ (char)0xc0, DATA }, 2, "\1a\4test", 8, DNS_FOUND);
	/* Each to the one before it: 64 in all, with the owner's own, and no more. */
	for (unsigned i = 0; i < 80; i++) {
		chain[2 * i] = (char)0xc0;
		chain[2 * i + 1] = (char)(i == 0 ? 12 : DATA + 2 * (i - 1));
	}
	owned_by((const char[]){ (char)0xc0, (char)(DATA + 2 * 62) }, 2, chain, sizeof(chain),
	    DNS_FOUND);
	owned_by((const char[]){ (char)0xc0, (char)(DATA + 2 * 63) }, 2, chain, sizeof(chain),
	    DNS_FAILED);
	/* 64 bytes are no label. */
	owned_by(owner, sizeof(owner), "", 0, DNS_FAILED);
	owner[0] = 63;
	owned_by(owner, 65, "", 0, DNS_NONE);
}

static void
more_than_is_kept(void **state)
{
	static const struct dns_question ptr = { .type = DNS_PTR, .name = { "a.test", 6 } };
	struct wire w;

	(void)state;
	begin(&w, 0x8180, "a.test", 1);
	for (unsigned i = 0; i < 120; i++)
		record(&w, 1, "a.test", 1, 300, (uint8_t[]){ 127, 0, 1, (uint8_t)i }, 4);
	read_it(&w, &question);
	expect(DNS_FOUND, DNS_RECORDS_MAX, 300);
	/* More than anybody reads: nobody says, and it is no server's fault. */
	w.bytes[6] = 1024 >> 8;
	w.bytes[7] = 1;
	read_it(&w, &question);
	expect(DNS_FAILED, 0, 0);
	assert_false(m.malformed);
	begin(&w, 0x8180, "a.test", 12);
	for (unsigned i = 0; i < 40; i++) {
		char name[64] = "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx.test";

		name[0] = (char)('a' + i % 26);
		name[1] = (char)('a' + i / 26);
		record_name(&w, "a.test", 12, 300, name);
	}
	read_it(&w, &ptr);
	assert_int_equal(m.state, DNS_FOUND);
	assert_true(m.count > 15 && m.count < 40);
}

/* Cut anywhere, and each bit flipped: something is said, within bounds, and never a crash. */
static void
damaged(void **state)
{
	struct wire w, cut;

	(void)state;
	begin(&w, 0x8180, "a.test", 1);
	record_name(&w, "a.test", 5, 200, "b.test");
	record(&w, 1, "b.test", 1, 300, "\177\0\0\11", 4);
	record_soa(&w, 300, 60);
	for (size_t n = 0; n < w.n; n++) {
		cut = w;
		cut.n = n;
		read_it(&cut, &question);
		assert_int_equal(m.state, DNS_FAILED);
	}
	for (size_t bit = 0; bit < 8 * w.n; bit++) {
		cut = w;
		cut.bytes[bit / 8] ^= (uint8_t)(1 << bit % 8);
		read_it(&cut, &question);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(aliases),
		cmocka_unit_test(aliases_alone),
		cmocka_unit_test(long_ways),
		cmocka_unit_test(ways_through_odd_names),
		cmocka_unit_test(referrals),
		cmocka_unit_test(names_of_addresses),
		cmocka_unit_test(none_and_how_long),
		cmocka_unit_test(no_answer_at_all),
		cmocka_unit_test(loops_and_lies),
		cmocka_unit_test(pointers),
		cmocka_unit_test(more_than_is_kept),
		cmocka_unit_test(damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
