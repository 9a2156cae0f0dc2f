#include "policy/patset.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/utf8.h"
#include "unit/policy/patterns.h"
#include "unit/random.h"

#define BITS 64 /* words of each bit set: more than any test here needs */

static struct regex_matcher *matcher;
static struct arena *arena;
static struct patset_limits limits;
static struct patset *set;
static struct regex *one_by_one[PATTERNS];
static uint32_t number[PATTERNS];

static struct {
	uint64_t hit[BITS], sure[BITS], word[BITS], owner[BITS];
} bits;

static struct patset_scratch
clean(void)
{
	memset(&bits, 0, sizeof(bits));
	return (struct patset_scratch){ bits.hit, bits.sure, bits.word, bits.owner };
}

static int
set_up(void **state)
{
	(void)state;
	matcher = regex_matcher_new();
	arena = arena_new();
	set = patset_new(arena, &limits);
	for (uint32_t i = 0; i < PATTERNS; i++) {
		struct regex_notes notes;

		number[i] = patset_add(set, slice_of(patterns[i]), &notes);
		one_by_one[i] = regex_compile(slice_of(patterns[i]), &notes);
		if (number[i] == PATSET_NONE)
			return -1;
		if (patset_filtered(set, number[i]))
			patset_own(set, number[i], i);
	}
	patset_seal(set);
	return 0;
}

static int
tear_down(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < PATTERNS; i++)
		regex_free(one_by_one[i]);
	patset_free(set);
	arena_free(arena);
	regex_matcher_free(matcher);
	return 0;
}

/* The prefilter may not change one answer, and the owner of what matches must be marked. */
static void
compare(struct slice text)
{
	struct patset_scratch scratch = clean();

	patset_scan(set, text, &scratch);
	for (uint32_t i = 0; i < PATTERNS; i++) {
		enum regex_result want = regex_match(one_by_one[i], matcher, text);
		enum regex_result got = patset_match(set, &scratch, number[i], text, matcher);

		if (got != want && want != REGEX_FAILED)
			fail_msg("%s on %.*s: %d, not %d", patterns[i], (int)text.len, text.ptr,
			    got, want);
		if (want == REGEX_YES && patset_filtered(set, number[i]))
			assert_true((bits.owner[i / 64] >> i % 64 & 1) != 0);
		/* Asked again, it says the same. */
		assert_int_equal(patset_match(set, &scratch, number[i], text, matcher), got);
	}
}

static void
as_pcre2_one_by_one(void **state)
{
	static const char *const pieces[] = { "abc", "def", "abd", "ABC", "bcd", "GPTBot", "gptbot",
		"CCBot", "Spider", "\xc5\xbfpider", "crawler", "\xe2\x84\xaa", "iwi", "kiwi",
		"KIWI", "bot", "Bot", "ki\xc5\xbf", "kis", "foo", "FOO", "bar", "BAR", "baz", " ",
		".", "-", "a.b(c", "caf\xc3\xa9", "CAF\xc3\x89", "t\xc3\xa9", "MSIE 6.",
		"Mozilla/5.0 (", "Opera", "Chrome/4", "9.", "Windows NT 5.1", "compatible; ",
		"https://", "\n", "\v", "ghi", "jkl", "abcdefghijklmnopq", "rstuvwxyz",
		"abcdefghijklmnopQ", "ABC", "e", "d", "\xce\xb1\xce\xb2", "ss", "\xc3\x9f", "x",
		"\xff", "a", "b", "c" };
	char text[512], fixed[UTF8_ROOM(512)];

	(void)state;
	compare(SLICE(""));
	for (uint32_t i = 0; i < PATTERNS; i++)
		compare(slice_of(patterns[i]));
	for (unsigned round = 0; round < 6000; round++) {
		unsigned n = 1 + next_random(round % 4 == 0 ? 24 : 6);
		size_t len = 0;

		for (; n > 0; n--) {
			const char *piece = pieces[next_random(sizeof(pieces) / sizeof(pieces[0]))];

			if (strlen(piece) > sizeof(text) - len)
				break;
			memcpy(text + len, piece, strlen(piece));
			len += strlen(piece);
		}
		compare((struct slice){ fixed, utf8_repair((struct slice){ text, len }, fixed) });
	}
}

static void
each_pattern_is_kept_once(void **state)
{
	struct patset *s = patset_new(arena, &limits);
	struct regex_notes notes;
	uint32_t first = patset_add(s, SLICE("foo"), &notes);

	(void)state;
	assert_int_equal(patset_add(s, SLICE("bar"), &notes), first + 1);
	assert_int_equal(patset_add(s, SLICE("foo"), &notes), first);
	assert_int_equal(patset_add(s, SLICE("(foo"), &notes), PATSET_NONE);
	assert_int_equal(patset_count(s), 2);
	patset_seal(s);
	patset_free(s);
	patset_free(NULL);
}

/* A plain word is believed without PCRE2, and only what may match is marked. */
static void
work_is_spared(void **state)
{
	struct slice text = SLICE("Mozilla/5.0 (compatible; GPTBot/1.2)");
	struct patset_scratch scratch = clean();
	unsigned candidates = 0;

	(void)state;
	patset_scan(set, text, &scratch);
	assert_true((bits.sure[number[0] / 64] >> number[0] % 64 & 1) != 0);
	for (uint32_t i = 0; i < PATTERNS; i++)
		if (patset_filtered(set, number[i]))
			candidates += bits.hit[number[i] / 64] >> number[i] % 64 & 1;
	assert_true(candidates < 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_pcre2_one_by_one),
		cmocka_unit_test(each_pattern_is_kept_once),
		cmocka_unit_test(work_is_spared),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
