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

static struct regex_matcher *matcher;
static struct arena *arena;
static struct patset_limits limits;
static struct patset *set;
static struct regex *one_by_one[PATTERNS];
static uint32_t number[PATTERNS];

static uint64_t room[1024], owner[BITSET_WORDS(PATTERNS)], owner_summary[1];
static struct patset_scratch scratch = { room, owner, owner_summary };

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
	return patset_room(set) <= sizeof(room) / sizeof(room[0]) ? 0 : -1;
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

static bool
is_marked(uint32_t n)
{
	return (owner[n / 64] >> n % 64 & 1) != 0;
}

/* As a judge does it: the summary says which words of the owners are not 0. */
static void
clear(void)
{
	static const uint64_t zero[sizeof(room) / sizeof(room[0])];

	patset_clear(set, &scratch);
	assert_memory_equal(room, zero, sizeof(room));
	for (unsigned i = 0; i < BITSET_WORDS(PATTERNS); i++)
		assert_int_equal(owner_summary[0] >> i & 1, owner[i] != 0);
	memset(owner, 0, sizeof(owner));
	memset(owner_summary, 0, sizeof(owner_summary));
}

/* The prefilter may not change one answer, and the owner of what matches must be marked. */
static void
compare(struct slice text)
{
	patset_scan(set, text, &scratch);
	for (uint32_t i = 0; i < PATTERNS; i++) {
		enum regex_result want = regex_match(one_by_one[i], matcher, text);
		enum regex_result got = patset_match(set, &scratch, number[i], text, matcher);

		if (got != want && want != REGEX_FAILED)
			fail_msg("%s on %.*s: %d, not %d", patterns[i], (int)text.len, text.ptr,
			    got, want);
		if (want == REGEX_YES && patset_filtered(set, number[i]))
			assert_true(is_marked(i));
		/* Asked again, it says the same. */
		assert_int_equal(patset_match(set, &scratch, number[i], text, matcher), got);
	}
	clear();
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
	unsigned candidates = 0;

	(void)state;
	patset_scan(set, text, &scratch);
	/* No matcher: nobody may ask it. */
	assert_int_equal(patset_match(set, &scratch, number[0], text, NULL), REGEX_YES);
	for (uint32_t i = 0; i < PATTERNS; i++)
		candidates += is_marked(i);
	assert_true(candidates > 0 && candidates < 8);
	clear();
}

/* A pattern that has an owner in the last word of many, and two owners. */
static void
owners_are_marked_wherever_they_are(void **state)
{
	static uint64_t far[BITSET_WORDS(100000)], summary[BITSET_WORDS(BITSET_WORDS(100000))];
	static const uint32_t owners[] = { 0, 63, 64, 4095, 4096, 99999 };
	struct patset *s = patset_new(arena, &limits);
	struct regex_notes notes;
	uint32_t n = patset_add(s, SLICE("GPTBot"), &notes);
	struct patset_scratch own = { room, far, summary };

	(void)state;
	for (unsigned i = 0; i < sizeof(owners) / sizeof(owners[0]); i++)
		patset_own(s, n, owners[i]);
	patset_seal(s);
	patset_scan(s, SLICE("a GPTBot"), &own);
	for (unsigned i = 0; i < sizeof(owners) / sizeof(owners[0]); i++) {
		uint32_t o = owners[i];

		assert_true((far[o / 64] >> o % 64 & 1) != 0);
		assert_true((summary[o / 4096] >> o / 64 % 64 & 1) != 0);
	}
	patset_clear(s, &own);
	patset_free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_pcre2_one_by_one),
		cmocka_unit_test(each_pattern_is_kept_once),
		cmocka_unit_test(work_is_spared),
		cmocka_unit_test(owners_are_marked_wherever_they_are),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
