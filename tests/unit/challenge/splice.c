#include "challenge/splice.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include <cmocka.h>

#include "unit/random.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define ROOM ((size_t)1 << 20)

static char plain[ROOM], packed[ROOM], unpacked[ROOM];

/* One member of gzip and nothing behind it; zlib checks the CRC and the length. */
static struct slice
gunzip(struct slice s)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)s.ptr,
		.avail_in = (uInt)s.len,
		.next_out = (Bytef *)unpacked,
		.avail_out = sizeof(unpacked) };

	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	assert_int_equal(z.avail_in, 0);
	inflateEnd(&z);
	return (struct slice){ unpacked, sizeof(unpacked) - z.avail_out };
}

/* Written both ways, which must agree. */
static struct slice
write_both(const struct splice *s, const struct splice_value *values)
{
	struct text out = { .buf = plain, .cap = sizeof(plain) };
	struct text zip = { .buf = packed, .cap = sizeof(packed) };

	splice_write(s, values, false, &out);
	splice_write(s, values, true, &zip);
	assert_false(out.cut || zip.cut);
	assert_true(slice_equal(gunzip(text_slice(&zip)), text_slice(&out)));
	return text_slice(&out);
}

static const char *const texts[] = { "", "a", "<p class=\"x\">", "}} { }", "\n\n\n", "é – ü" };

static void
test_both_agree(void **state)
{
	static const char *const names[] = { "a", "bee", "c", "piece" };
	static char long_piece[20000];
	struct splice_piece piece;
	unsigned used = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(long_piece); i++)
		long_piece[i] = "abcdefgh<>\n "[next_random(12)];
	splice_piece_init(&piece, (struct slice){ long_piece, sizeof(long_piece) });
	for (int turn = 0; turn < 300; turn++) {
		const struct splice_name list[] = { { "a", NULL }, { "bee", NULL }, { "c", NULL },
			{ "piece", &piece }, { NULL, NULL } };
		char template[2048], want[ROOM / 8], value[3][400];
		struct text t = { .buf = template, .cap = sizeof(template) };
		struct text w = { .buf = want, .cap = sizeof(want) };
		struct splice_value values[3];
		struct splice *s;
		const char *why;

		for (unsigned i = 0; i < 3; i++) {
			size_t n = next_random(sizeof(value[i]));

			for (size_t k = 0; k < n; k++)
				value[i][k] = (char)next_random(256);
			values[i] = (struct splice_value){ { value[i], n }, next_random(2) == 0 };
		}
		for (unsigned parts = next_random(12); parts > 0; parts--) {
			const char *text = texts[next_random(COUNT(texts))];
			unsigned n = next_random(COUNT(names));

			text_printf(&t, "%s{{%s}}", text, names[n]);
			text_put(&w, slice_of(text));
			used |= 1u << n;
			if (n == 3 && w.cap - w.len > sizeof(long_piece))
				text_put(&w, piece.text);
			else if (n < 3 && values[n].raw)
				text_put(&w, values[n].text);
			else if (n < 3)
				text_html(&w, values[n].text);
		}
		assert_false(t.cut);
		s = splice_new(text_slice(&t), list, &why);
		assert_non_null(s);
		if (!w.cut && w.cap - w.len > sizeof(long_piece))
			assert_true(slice_equal(write_both(s, values), text_slice(&w)));
		splice_free(s);
	}
	assert_int_equal(used, 15);
	splice_piece_fini(&piece);
}

static void
test_errors(void **state)
{
	static const struct {
		const char *text, *why;
	} cases[] = {
		{ "{{b}}", "no such name" },
		{ "{{}}", "no such name" },
		{ "{{ a }}", "no such name" },
		{ "{{{a}}", "no such name" },
		{ "x {{a", "has no }" },
		{ "{{a} }", "has no }" },
		{ "{{", "has no }" },
	};
	const struct splice_name names[] = { { "a", NULL }, { NULL, NULL } };
	const char *why;

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		why = NULL;
		if (splice_new(slice_of(cases[i].text), names, &why) != NULL ||
		    strstr(why, cases[i].why) == NULL)
			fail_msg("%s: %s", cases[i].text, why);
	}
}

static void
test_too_many(void **state)
{
	const struct splice_name names[] = { { "a", NULL }, { NULL, NULL } };
	char text[1024];
	const char *why = NULL;
	unsigned most = 0;

	(void)state;
	for (unsigned n = 1; n < 100; n++) {
		struct text t = { .buf = text, .cap = sizeof(text) };
		struct splice *s;

		for (unsigned i = 0; i < n; i++)
			text_put(&t, SLICE("{{a}}"));
		s = splice_new(text_slice(&t), names, &why);
		if (s != NULL)
			most = n;
		splice_free(s);
	}
	assert_true(most >= 60 && most < 99);
	assert_non_null(strstr(why, "too many"));
}

/* A stored block has 65,535 bytes at most; what an escape makes of a value counts. */
static void
test_long_values(void **state)
{
	static const struct {
		size_t bytes;
		char c;
		bool raw, fits;
	} cases[] = {
		{ 65535, 'x', false, true },
		{ 65535, '&', true, true },
		{ 65536, 'x', false, false },
		{ 13107, '&', false, true },
		{ 13108, '&', false, false },
	};
	const struct splice_name names[] = { { "a", NULL }, { NULL, NULL } };
	static char value[65536];
	const char *why;
	struct splice *s = splice_new(SLICE("<{{a}}>{{a}}."), names, &why);

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct splice_value v = { { value, cases[i].bytes }, cases[i].raw };
		struct text zip = { .buf = packed, .cap = sizeof(packed) };

		memset(value, cases[i].c, sizeof(value));
		splice_write(s, &v, true, &zip);
		assert_int_equal(zip.cut, !cases[i].fits);
		if (cases[i].fits)
			assert_int_equal(write_both(s, &v).len, 2 * 65535 + 3);
	}
	splice_free(s);
}

/* However small the room: cut, never more than it. */
static void
test_cut(void **state)
{
	const struct splice_name names[] = { { "a", NULL }, { NULL, NULL } };
	const struct splice_value v = { SLICE("<value>"), false };
	const char *why;
	struct splice *s = splice_new(SLICE("before {{a}} behind {{a}}"), names, &why);
	size_t whole[2];

	(void)state;
	for (int gzip = 0; gzip < 2; gzip++) {
		struct text all = { .buf = packed, .cap = sizeof(packed) };

		splice_write(s, &v, gzip == 1, &all);
		assert_false(all.cut);
		whole[gzip] = all.len;
		for (size_t cap = 0; cap <= whole[gzip]; cap++) {
			char *room = malloc(cap + 1);
			struct text out = { .buf = room, .cap = cap };

			room[cap] = '~';
			splice_write(s, &v, gzip == 1, &out);
			assert_int_equal(out.cut, cap < whole[gzip]);
			assert_int_equal(room[cap], '~');
			free(room);
		}
	}
	splice_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_agree),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_long_values),
		cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
