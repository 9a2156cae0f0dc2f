#include "policy/automaton.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "unit/random.h"

#define WORDS 40u
#define TEXT_MAX 300u

/* [word][end]: reported. */
static bool seen[WORDS][TEXT_MAX + 1];

static void
hit(void *context, uint32_t word, size_t end)
{
	(void)context;
	assert_true(word < WORDS && end <= TEXT_MAX);
	seen[word][end] = true;
}

/* Every word, everywhere it ends, as a search byte by byte finds it. */
static void
check(const struct automaton *a, const struct slice *words, unsigned count, struct slice text)
{
	memset(seen, 0, sizeof(seen));
	automaton_scan(a, text, hit, NULL);
	for (unsigned w = 0; w < count; w++) {
		struct slice word = words[w];

		if (word.len > AUTOMATON_WORD_MAX)
			word.len = AUTOMATON_WORD_MAX;
		for (size_t end = 0; end <= text.len; end++) {
			bool want = end >= word.len &&
				    slice_equal_nocase(word,
					(struct slice){ text.ptr + end - word.len, word.len });

			if (seen[w][end] != want)
				fail_msg("word %.*s at %zu of %.*s", (int)word.len, word.ptr, end,
				    (int)text.len, text.ptr);
		}
	}
}

static void
overlapping_words(void **state)
{
	const struct slice words[] = { SLICE("he"), SLICE("She"), SLICE("his"), SLICE("hers"),
		SLICE("ushers"), SLICE("e"), SLICE("he"), SLICE("\xc3\xa9\xff"),
		SLICE("a word of more than twelve bytes") };
	struct arena *arena = arena_new();
	struct automaton *a = automaton_build(arena, words, 9);

	(void)state;
	check(a, words, 9, SLICE(""));
	check(a, words, 9, SLICE("h"));
	check(a, words, 9, SLICE("USHERS his \xc3\xa9\xff"));
	check(a, words, 9, SLICE("a word of more than nothing"));
	check(a, words, 9,
	    SLICE("ushershishersusherssheheushershishersusherssheheushershishersushers"));
	arena_free(arena);
}

static void
as_a_search_byte_by_byte(void **state)
{
	static const char letters[] = "abAB\xc3";
	char bytes[WORDS][16], text[TEXT_MAX];
	struct slice words[WORDS];

	(void)state;
	for (unsigned round = 0; round < 300; round++) {
		struct arena *arena = arena_new();
		unsigned count = 1 + next_random(WORDS), some = 2 + next_random(3);
		struct automaton *a;

		for (unsigned i = 0; i < count; i++) {
			words[i] = (struct slice){ bytes[i], 1 + next_random(16) };
			for (size_t k = 0; k < words[i].len; k++)
				bytes[i][k] = letters[next_random(some + 1)];
		}
		a = automaton_build(arena, words, count);
		for (unsigned t = 0; t < 10; t++) {
			size_t n = next_random(TEXT_MAX + 1);

			for (size_t k = 0; k < n; k++)
				text[k] = letters[next_random(some + 1)];
			check(a, words, count, (struct slice){ text, n });
		}
		arena_free(arena);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlapping_words),
		cmocka_unit_test(as_a_search_byte_by_byte),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
