#include "challenge/locale.h"

#include <glob.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/utf8.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define LANGUAGES_MIN 28u
#define ORANGE_MIN 15u

/* ---- the files ---- */

/* What is read of a file, without locale_parse. */
struct reading {
	char tag[16];
	char *text;
	struct slice word[WORDS], direction, orange;
};

static struct slice *
place_of(struct reading *r, struct slice key)
{
	if (slice_equal(key, SLICE("direction")))
		return &r->direction;
	if (slice_equal(key, SLICE("orange")))
		return &r->orange;
	for (unsigned w = 0; w < WORDS; w++)
		if (slice_equal(key, slice_of(locale_key((enum word)w))))
			return &r->word[w];
	return NULL;
}

static void
read_file(struct reading *r, const char *path)
{
	const char *name = strrchr(path, '/') + 1, *why;
	struct slice rest;
	size_t n;

	memset(r, 0, sizeof(*r));
	snprintf(r->tag, sizeof(r->tag), "%.*s", (int)(strlen(name) - strlen(".txt")), name);
	r->text = file_read(path, 65536, &n, &why);
	if (r->text == NULL)
		fail_msg("%s: %s", path, why);
	rest = (struct slice){ r->text, n };
	while (rest.len > 0) {
		struct slice line = slice_split(rest, '\n', &rest);
		const char *equals = line.len > 0 ? memmem(line.ptr, line.len, " = ", 3) : NULL;
		struct slice key, *place;

		if (line.len == 0 || line.ptr[0] == '#')
			continue;
		if (equals == NULL)
			fail_msg("%s: %.*s", path, (int)line.len, line.ptr);
		key = (struct slice){ line.ptr, (size_t)(equals - line.ptr) };
		place = place_of(r, key);
		if (place == NULL || place->ptr != NULL)
			fail_msg("%s: %.*s: %s", path, (int)key.len, key.ptr,
			    place == NULL ? "unknown" : "twice");
		place->ptr = equals + 3;
		place->len = line.len - key.len - 3;
	}
}

static struct reading *readings, *english;
static size_t reading_count;

static int
read_all(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob("spoa/challenge/locales/*.txt", 0, NULL, &g), 0);
	reading_count = g.gl_pathc;
	readings = calloc(reading_count, sizeof(*readings));
	for (size_t i = 0; i < reading_count; i++) {
		read_file(&readings[i], g.gl_pathv[i]);
		if (strcmp(readings[i].tag, "en") == 0)
			english = &readings[i];
	}
	globfree(&g);
	assert_non_null(english);
	return 0;
}

static int
free_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < reading_count; i++)
		free(readings[i].text);
	free(readings);
	return 0;
}

/* Characters; a fault is one that NFC would have written otherwise, or that is none. */
static size_t
characters(const struct reading *r, struct slice s)
{
	static const struct {
		uint32_t first, last;
	} loose[] = { { 0x300, 0x36f }, { 0x653, 0x653 }, { 0x655, 0x655 }, { 0x958, 0x95f },
		{ 0x1100, 0x11ff }, { 0x3099, 0x309a }, { 0xfb1d, 0xfb4f }, { 0, 0x1f },
		{ 0x7f, 0x9f }, { 0xfeff, 0xfeff }, { 0xfffd, 0xfffd } };
	size_t n = 0, step;
	uint32_t c;

	for (; s.len > 0; n++, s.ptr += step, s.len -= step) {
		step = utf8_decode(s, &c);
		if (step == 0)
			fail_msg("%s: no UTF-8: %.*s", r->tag, (int)s.len, s.ptr);
		for (size_t i = 0; i < COUNT(loose); i++)
			if (c >= loose[i].first && c <= loose[i].last)
				fail_msg("%s: U+%04x: %.*s", r->tag, c, (int)s.len, s.ptr);
	}
	return n;
}

static size_t
times(struct slice s, const char *what)
{
	size_t n = 0;

	for (size_t i = 0; i + strlen(what) <= s.len; i++)
		n += memcmp(s.ptr + i, what, strlen(what)) == 0;
	return n;
}

static void
check_word(const struct reading *r, enum word w)
{
	static const char *const holes[] = { "{host}", "{n}", "{ref}", "{", "}" };
	static const char *const never[] = { "<", ">", "&", "\"", "'", "  ", "\t", " .", " ,",
		"~" };
	struct slice s = r->word[w], same = english->word[w];
	size_t n = characters(r, s), room = characters(english, same) * 16 / 10 + 20;

	if (s.len == 0)
		fail_msg("%s: %s is missing", r->tag, locale_key(w));
	if (s.ptr[0] == ' ' || s.ptr[s.len - 1] == ' ' || n > room)
		fail_msg("%s: %s: %zu characters, room %zu", r->tag, locale_key(w), n, room);
	for (size_t i = 0; i < COUNT(holes); i++)
		if (times(s, holes[i]) != times(same, holes[i]))
			fail_msg("%s: %s: %s", r->tag, locale_key(w), holes[i]);
	for (size_t i = 0; i < COUNT(never); i++)
		if (times(s, never[i]) > 0)
			fail_msg("%s: %s: '%s'", r->tag, locale_key(w), never[i]);
}

static void
test_words(void **state)
{
	(void)state;
	assert_true(reading_count >= LANGUAGES_MIN);
	for (size_t i = 0; i < reading_count; i++) {
		struct reading *r = &readings[i];
		size_t equal = 0;

		for (unsigned w = 0; w < WORDS; w++) {
			check_word(r, (enum word)w);
			equal += slice_equal(r->word[w], english->word[w]);
		}
		/* "Contact" is French, too; a language may share four words. */
		if (r != english && equal > 4)
			fail_msg("%s: %zu words are English", r->tag, equal);
	}
}

/* A word of another language by mistake: no two share a sentence, except where they are one. */
static void
test_no_two_are_one(void **state)
{
	static const enum word long_ones[] = { WORD_WHY, WORD_WHY_OTHER, WORD_LOOP, WORD_NO_WAY,
		WORD_HELP_WHAT, WORD_HELP_TOOLS };

	(void)state;
	for (size_t i = 0; i < reading_count; i++)
		for (size_t j = i + 1; j < reading_count; j++)
			for (size_t k = 0; k < COUNT(long_ones); k++)
				if (slice_equal(readings[i].word[long_ones[k]],
					readings[j].word[long_ones[k]]))
					fail_msg("%s, %s: %s", readings[i].tag, readings[j].tag,
					    locale_key(long_ones[k]));
}

/* Its words say which way a language is written: Hebrew and Arabic letters are two bytes, d6 to db.
 */
static void
test_direction(void **state)
{
	size_t rtl = 0;

	(void)state;
	for (size_t i = 0; i < reading_count; i++) {
		unsigned char first = (unsigned char)readings[i].word[WORD_QUESTION].ptr[0];
		bool want = first >= 0xd6 && first <= 0xdb;

		if (!slice_equal(readings[i].direction, want ? SLICE("rtl") : SLICE("ltr")))
			fail_msg("%s", readings[i].tag);
		assert_int_equal(locale_find(slice_of(readings[i].tag))->rtl, want);
		rtl += want;
	}
	assert_int_equal(rtl, 3);
}

static void
test_orange(void **state)
{
	(void)state;
	for (size_t i = 0; i < reading_count; i++) {
		struct slice all = readings[i].orange, rest = all;
		size_t n = 0;

		characters(&readings[i], all);
		while (rest.len > 0) {
			struct slice word = slice_trim(slice_split(rest, ',', &rest)), more = rest;

			n++;
			if (word.len == 0 || characters(&readings[i], word) > 32 ||
			    times(word, " ") > 3)
				fail_msg("%s: '%.*s'", readings[i].tag, (int)word.len, word.ptr);
			for (size_t k = 0; k < word.len; k++)
				assert_true(ascii_lower(word.ptr[k]) == word.ptr[k]);
			while (more.len > 0)
				if (slice_equal(word, slice_trim(slice_split(more, ',', &more))))
					fail_msg("%s: '%.*s' twice", readings[i].tag, (int)word.len,
					    word.ptr);
		}
		if (n < ORANGE_MIN)
			fail_msg("%s: %zu", readings[i].tag, n);
	}
}

/* The binary has what the files have. */
static void
test_embedded(void **state)
{
	(void)state;
	assert_int_equal(locale_count(), reading_count);
	for (size_t i = 0; i < reading_count; i++) {
		const struct locale *l = locale_find(slice_of(readings[i].tag));

		assert_non_null(l);
		assert_string_equal(l->tag, readings[i].tag);
		for (unsigned w = 0; w < WORDS; w++)
			assert_true(slice_equal(l->word[w], readings[i].word[w]));
	}
	for (size_t i = 0; i < locale_count(); i++)
		assert_ptr_equal(locale_at(i), locale_find(slice_of(locale_at(i)->tag)));
	assert_null(locale_find(SLICE("de-DE")));
	assert_null(locale_find(SLICE("")));
	assert_null(locale_find(SLICE("d")));
	assert_ptr_equal(locale_find(SLICE("PT-br")), locale_find(SLICE("pt-BR")));
}

/* ---- Accept-Language ---- */

#define A16 "aaaaaaaa-aaaaaaa"

static const struct {
	const char *in, *want;
} choices[] = {
	{ "", "en" },
	{ "en", "en" },
	{ "de", "de" },
	{ "DE", "de" },
	{ "de-DE", "de" },
	{ "de-AT-1996-x-private", "de" },
	{ "de-Latn-DE", "de" },
	{ "fr-CH, fr;q=0.9, en;q=0.8, de;q=0.7, *;q=0.5", "fr" },
	{ "en-US,en;q=0.5", "en" },
	{ "en-GB,de;q=0.9", "en" },
	{ "de;q=0.5,fr;q=0.9", "fr" },
	{ "de;q=0.5,fr;q=0.5", "de" },
	{ "de;q=0.500,fr;q=0.501", "fr" },
	{ "de ; q=0.5 , fr ; q=0.7", "fr" },
	{ "de;Q=0.5,fr;Q=0.7", "fr" },
	{ "\tde", "de" },
	{ "tlh, de;q=0.1", "de" },
	{ "tlh", "en" },
	{ "de;q=0", "en" },
	{ "de;q=0.0, fr;q=0.001", "fr" },
	{ "en;q=0, de;q=0.1", "de" },
	{ "de;q=1.000", "de" },
	{ "de;q=1.001, fr;q=0.1", "fr" },
	{ "de;q=2, fr;q=0.1", "fr" },
	{ "de;q=-1, fr;q=0.1", "fr" },
	{ "de;q=0.1234, fr;q=0.01", "fr" },
	{ "de;q=, fr;q=0.1", "fr" },
	{ "de;q, fr;q=0.1", "fr" },
	{ "de;level=1, fr;q=0.1", "fr" },
	{ "de;q=0.x, fr;q=0.1", "fr" },
	{ "de;q=0.9;x=1, fr;q=0.1", "fr" },
	{ "de;q=1., fr", "de" },
	{ "*", "en" },
	{ "*, de;q=0.5", "de" },
	{ "de-*", "de" },
	{ "zh", "zh-CN" },
	{ "zh-CN,zh;q=0.9", "zh-CN" },
	{ "zh-Hans", "zh-CN" },
	{ "zh-Hans-HK", "zh-CN" },
	{ "zh-SG", "zh-CN" },
	{ "zh-Hant", "zh-TW" },
	{ "zh-Hant-HK", "zh-TW" },
	{ "zh-hant-cn", "zh-TW" },
	{ "zh-TW", "zh-TW" },
	{ "zh-HK", "zh-TW" },
	{ "zh-MO", "zh-TW" },
	{ "yue-HK", "zh-TW" },
	{ "no", "nb" },
	{ "nn-NO", "nb" },
	{ "nb-NO", "nb" },
	{ "pt", "pt" },
	{ "pt-PT", "pt" },
	{ "pt-AO", "pt" },
	{ "pt-BR", "pt-BR" },
	{ "pt-br-x-sp", "pt-BR" },
	{ "iw-IL", "he" },
	{ "in-ID", "id" },
	{ "bs", "hr" },
	{ "sr-Cyrl-RS", "sr" },
	{ "es-419", "es" },
	{ "ca-valencia", "ca" },
	{ "x-de", "en" },
	{ "de-x", "de" },
	{ "d", "en" },
	{ "deu", "en" },
	{ "-", "en" },
	{ "-de", "en" },
	{ "de-", "de" },
	{ "--------", "en" },
	{ ",,,,de", "de" },
	{ ";;;,;q=1,=", "en" },
	{ ";q=1", "en" },
	{ "de\nfr", "en" },
	{ "\xff\xfe, de;q=0.1", "de" },
	{ "../../etc/passwd", "en" },
	{ "de.txt", "en" },
	{ "xa,xb,xc,xd,xe,xf,xg,xh,xi,xj,xk,xl,xm,xn,xo,de", "de" },
	{ "xa,xb,xc,xd,xe,xf,xg,xh,xi,xj,xk,xl,xm,xn,xo,xp,de", "en" },
	{ ",,,,,,,,,,,,,,,,de", "en" },
	/* 240 bytes, then what ends at the 256th byte, and what does not. */
	{ A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16
	    "aaaaaaaaaaaaaa, fr;q=0.5,de;q=1,",
	    "de" },
	{ A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16
	    "aaaaaaaaaaaaaaa, fr;q=0.5,  pt-BR",
	    "fr" },
	{ A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 A16 ",de", "en" },
};

static void
test_choose(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(choices); i++) {
		struct slice in = slice_of(choices[i].in);
		const struct locale *l = locale_choose(in);

		if (strcmp(l->tag, choices[i].want) != 0)
			fail_msg("'%s': %s, not %s", choices[i].in, l->tag, choices[i].want);
	}
	assert_string_equal(locale_choose((struct slice){ NULL, 0 })->tag, "en");
	assert_string_equal(locale_choose((struct slice){ "de\0fr", 5 })->tag, "en");
}

/* Every language is reached by its own tag. */
static void
test_choose_each(void **state)
{
	(void)state;
	for (size_t i = 0; i < locale_count(); i++)
		assert_ptr_equal(locale_choose(slice_of(locale_at(i)->tag)), locale_at(i));
}

static void *
ask_for_all(void *arg)
{
	size_t *missing = arg;

	for (size_t i = 0; i < locale_count(); i++)
		for (unsigned w = 0; w < WORDS; w++)
			*missing += locale_at(i)->word[w].len == 0;
	return NULL;
}

static void
test_threads(void **state)
{
	pthread_t thread[4];
	size_t missing[COUNT(thread)] = { 0 };

	(void)state;
	for (size_t i = 0; i < COUNT(thread); i++)
		assert_int_equal(pthread_create(&thread[i], NULL, ask_for_all, &missing[i]), 0);
	for (size_t i = 0; i < COUNT(thread); i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(missing[i], 0);
	}
}

/* ---- texts of somebody's own ---- */

static const struct {
	const char *name, *in;
	unsigned line;
	const char *why; /* NULL: it is good */
	const char *title;
} texts[] = {
	{ "empty", "", 0, NULL, "before" },
	{ "one word", "title = A b\n", 0, NULL, "A b" },
	{ "no newline at the end", "title = A", 0, NULL, "A" },
	{ "CR LF, blanks, comments", "# x\r\n\r\n  title=A = b \r\n", 0, NULL, "A = b" },
	{ "direction", "direction = rtl\n", 0, NULL, "before" },
	{ "neither way", "direction = up\n", 1, "direction is ltr or rtl", NULL },
	{ "unknown", "title = A\ntitel = B\n", 2, "there is no such word", NULL },
	{ "twice", "title = A\n\ntitle = B\n", 3, "this key stands twice", NULL },
	{ "two ways", "direction = rtl\ndirection = rtl\n", 2, "this key stands twice", NULL },
	{ "no text", "title =\n", 1, "this is not key = text", NULL },
	{ "no key", "= A\n", 1, "there is no such word", NULL },
	{ "no equals sign", "title\n", 1, "this is not key = text", NULL },
	{ "not UTF-8", "title = A\xff\n", 1, "this is not UTF-8", NULL },
};

static void
test_parse(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++) {
		struct locale l = { .tag = "x", .word[WORD_TITLE] = SLICE("before") };
		const char *why = NULL;
		unsigned line = 0;
		bool good = locale_parse(slice_of(texts[i].in), &l, &line, &why);

		if (good != (texts[i].why == NULL) ||
		    (!good && (line != texts[i].line || strcmp(why, texts[i].why) != 0)) ||
		    (good && !slice_equal(l.word[WORD_TITLE], slice_of(texts[i].title))))
			fail_msg("%s: %d, line %u, %s", texts[i].name, good, line, why);
		if (good)
			assert_int_equal(l.rtl, strstr(texts[i].in, "rtl") != NULL);
	}
}

static void
test_parse_length(void **state)
{
	static char text[LOCALE_WORD_BYTES_MAX + 32] = "title = ";
	struct locale l = { .tag = "x" };
	const char *why;
	unsigned line;

	(void)state;
	memset(text + 8, 'a', LOCALE_WORD_BYTES_MAX);
	assert_true(locale_parse(slice_of(text), &l, &line, &why));
	assert_int_equal(l.word[WORD_TITLE].len, LOCALE_WORD_BYTES_MAX);
	text[8 + LOCALE_WORD_BYTES_MAX] = 'a';
	assert_false(locale_parse(slice_of(text), &l, &line, &why));
	assert_string_equal(why, "a word has at most 2048 bytes");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_no_two_are_one),
		cmocka_unit_test(test_direction),
		cmocka_unit_test(test_orange),
		cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_choose_each),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_length),
	};

	return cmocka_run_group_tests(tests, read_all, free_all);
}
