#include "onion/reply.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

/* Lines as "code kind text|", kinds - + as they came, . of data, blank of the last one. */
static const struct {
	const char *name, *in, *want;
	const char *wrong; /* NULL: nothing */
} cases[] = {
	{ "single", "250 OK\r\n", "250 OK|", NULL },
	{ "multi", "250-A\r\n250-B b\r\n250 OK\r\n", "250-A|250-B b|250 OK|", NULL },
	{ "no text", "250 \r\n", "250 |", NULL },
	{ "data", "250+x=\r\none\r\n..two\r\n.three\r\n.\r\n250 OK\r\n",
	    "250-x=|250.one|250..two|250.three|250 OK|", NULL },
	{ "empty data", "250+x=\r\n.\r\n250 OK\r\n", "250-x=|250 OK|", NULL },
	{ "data that looks like a reply", "250+x=\r\n552 no\r\n.\r\n250 OK\r\n",
	    "250-x=|250.552 no|250 OK|", NULL },
	{ "an event between replies", "250 OK\r\n650 CIRC 1 BUILT\r\n552 x\r\n",
	    "250 OK|650 CIRC 1 BUILT|552 x|", NULL },
	{ "an event with more lines", "650-A\r\n650 B\r\n", "650-A|650 B|", NULL },
	{ "cut", "250 O", "", NULL },
	{ "cut in data", "250+x=\r\nabc", "250-x=|", NULL },
	{ "an event within", "250-A\r\n650 CIRC 1 BUILT\r\n250 OK\r\n", "250-A|",
	    "one reply with two status codes" },
	{ "LF alone", "250 OK\n", "", "a line does not end with CR LF" },
	{ "CR alone", "250 O\rK\r\n", "", "a line does not end with CR LF" },
	{ "LF alone in data", "250+x=\r\nab\n.\r\n", "250-x=|", "a line does not end with CR LF" },
	{ "a control character", "250 O\x1b[0m\r\n", "", "a control character in a line" },
	{ "no code", "OK\r\n", "", "a line without a status code" },
	{ "a word for a code", "abc OK\r\n", "", "a line without a status code" },
	{ "small", "099 OK\r\n", "", "a line without a status code" },
	{ "an empty line", "\r\n", "", "a line without a status code" },
	{ "code alone", "250\r\n", "", "a line without a status code" },
	{ "no separator", "250_OK\r\n", "", "a status code with neither blank, - nor + behind it" },
	{ "HTTP", "HTTP/1.1 400 Bad Request\r\n", "", "a line without a status code" },
};

/* In parts of `step` bytes. */
static void
read_all(struct tor_reader *r, const char *in, size_t step, struct text *got, const char **why)
{
	const size_t n = strlen(in);

	*why = NULL;
	tor_reader_reset(r);
	for (size_t at = 0; at < n; at += step) {
		struct slice part = { in + at, n - at < step ? n - at : step };
		struct tor_line l;
		enum tor_read is;

		while ((is = tor_reader_next(r, &part, &l, why)) == TOR_READ_LINE) {
			static const char kinds[] = {
				[TOR_LINE_MORE] = '-', [TOR_LINE_DATA] = '.', [TOR_LINE_LAST] = ' '
			};

			text_printf(
			    got, "%u%c%.*s|", l.code, kinds[l.kind], (int)l.text.len, l.text.ptr);
		}
		if (is == TOR_READ_MALFORMED)
			return;
		assert_int_equal(part.len, 0);
	}
}

static void
lines_are_read(void **state)
{
	struct tor_reader *r = calloc(1, sizeof(*r));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (size_t step = 1; step < 100; step += 7) {
			char buf[512];
			struct text got = { buf, sizeof(buf) - 1, 0, false };
			const char *why;

			read_all(r, cases[i].in, step, &got, &why);
			buf[got.len] = '\0';
			if (strcmp(buf, cases[i].want) != 0 ||
			    strcmp(why == NULL ? "" : why,
				cases[i].wrong == NULL ? "" : cases[i].wrong) != 0)
				fail_msg("%s by %zu: %s %s", cases[i].name, step, buf,
				    why == NULL ? "" : why);
		}
	}
	free(r);
}

static void
lengths_are_bounded(void **state)
{
	struct tor_reader *r = calloc(1, sizeof(*r));
	size_t room = TOR_LINE_MAX + 10, lines = 0;
	char *text = malloc(room);
	struct slice in;
	struct tor_line l;
	enum tor_read is;
	const char *why = "";

	(void)state;
	memset(text, 'a', room);
	memcpy(text, "250 ", 4);
	/* The longest that there may be, with its CR. */
	memcpy(text + TOR_LINE_MAX - 1, "\r\n", 2);
	in = (struct slice){ text, TOR_LINE_MAX + 1 };
	assert_int_equal(tor_reader_next(r, &in, &l, &why), TOR_READ_LINE);
	assert_int_equal(l.text.len, TOR_LINE_MAX - 5);
	memset(text + TOR_LINE_MAX - 1, 'a', 2);
	in = (struct slice){ text, room };
	assert_int_equal(tor_reader_next(r, &in, &l, &why), TOR_READ_MALFORMED);
	assert_string_equal(why, "a line is too long");
	/* A data block without an end. */
	tor_reader_reset(r);
	in = SLICE("250+x=\r\n");
	assert_int_equal(tor_reader_next(r, &in, &l, &why), TOR_READ_LINE);
	memcpy(text + TOR_LINE_MAX - 1, "\r\n", 2);
	do {
		in = (struct slice){ text, TOR_LINE_MAX + 1 };
		is = tor_reader_next(r, &in, &l, &why);
		lines++;
	} while (is == TOR_READ_LINE && lines < 100000);
	assert_int_equal(is, TOR_READ_MALFORMED);
	assert_string_equal(why, "a reply is too long");
	free(text);
	free(r);
}

static void
words_are_parted(void **state)
{
	static const struct {
		const char *in, *want;
	} words[] = {
		{ "", "" },
		{ "   ", "" },
		{ "a  bc d", "a|bc|d|" },
		{ "A=1 B=\"x y\" C", "A=1|B=\"x y\"|C|" },
		{ "A=\"x \\\" P=1\" Q=2", "A=\"x \\\" P=1\"|Q=2|" },
		{ "A=\"x P=1", "A=\"x P=1|" },
		{ "A=\"x\\", "A=\"x\\|" },
		{ "A=\"\"  B", "A=\"\"|B|" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		struct slice rest = slice_of(words[i].in), word;
		char buf[128];
		struct text got = { buf, sizeof(buf) - 1, 0, false };

		while (tor_word_next(&rest, &word))
			text_printf(&got, "%.*s|", (int)word.len, word.ptr);
		buf[got.len] = '\0';
		assert_string_equal(buf, words[i].want);
	}
	assert_null(tor_word_value(SLICE("PURPOSE"), "PURPOSE").ptr);
	assert_null(tor_word_value(SLICE("OLD_PURPOSE=x"), "PURPOSE").ptr);
	assert_true(slice_equal(tor_word_value(SLICE("A=b=c"), "A"), SLICE("b=c")));
}

static void
strings_are_quoted(void **state)
{
	static const struct {
		const char *in, *want; /* NULL: it is none */
	} quoted[] = {
		{ "\"\"", "" },
		{ "\"/run/tor/c\"", "/run/tor/c" },
		{ "\"a\\\"b\\\\c\"", "a\"b\\c" },
		{ "\"\\n\\t\\r\\101\\7x\"", "\n\t\rA\ax" },
		{ "\"\\377\"", "\377" },
		{ "\"\\400\"", NULL },
		{ "\"a\\0b\"", NULL },
		{ "\"a", NULL },
		{ "\"a\\\"", NULL },
		{ "\"a\"b", NULL },
		{ "a", NULL },
		{ "\"", NULL },
		{ "\"0123456789abcde\"", "0123456789abcde" },
		{ "\"0123456789abcdef\"", NULL },
	};
	char out[16], back[64];

	(void)state;
	for (size_t i = 0; i < sizeof(quoted) / sizeof(quoted[0]); i++) {
		bool good = tor_unquote(slice_of(quoted[i].in), out, sizeof(out));

		if (good != (quoted[i].want != NULL) || (good && strcmp(out, quoted[i].want) != 0))
			fail_msg("%s", quoted[i].in);
	}
	assert_int_equal(tor_quote(SLICE("p\"a\\s s"), back), 11);
	assert_memory_equal(back, "\"p\\\"a\\\\s s\"", 11);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_are_read),
		cmocka_unit_test(lengths_are_bounded),
		cmocka_unit_test(words_are_parted),
		cmocka_unit_test(strings_are_quoted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
