#include "cli/haproxy_words.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/memory.h"

#define ENVIRONMENT "A=one\0EMPTY=\0LIST=/login /register\0Q=a \"b\" #c\0NONE\0=x\0A2=two"

static void
words(void **state)
{
	/* Words with | behind each. NULL: refused. */
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "", "" },
		{ "   \t ", "" },
		{ "# all of it", "" },
		{ "server a 127.0.0.1:1 # not this", "server|a|127.0.0.1:1|" },
		{ "a#b c", "a|" },
		{ "a\\#b c", "a#b|c|" },
		{ "a\\ b", "a b|" },
		{ "\"a b\"c d", "a bc|d|" },
		{ "\"\" ''", "||" },
		{ "'$A \\ #'", "$A \\ #|" },
		{ "$A", "$A|" },
		{ "\"$A\" \"${A}b\" \"$A2\"", "one|oneb|two|" },
		{ "\"\\$A\"", "$A|" },
		{ "\"\\\"\"", "\"|" },
		{ "\"${B-other one}\" \"${A-other}\" \"${EMPTY-other}\" \"${B}\"",
		    "other one|one|||" },
		{ "if \"${LIST[*]}\"", "if|/login|/register|" },
		{ "\"${LIST}\"", "/login /register|" },
		{ "\"${Q}\"", "a \"b\" #c|" },
		{ "\\x41\\t\\q", "A\t\\q|" },
		{ "a\r", "a|" },
		{ "\"a", NULL },
		{ "'a", NULL },
		{ "\\x4", NULL },
		{ "\"${A\"", NULL },
		{ "\"$ \"", NULL },
		{ "\\", "\\|" },
	};
	struct haproxy_env *env = xcalloc(1, sizeof(*env));

	(void)state;
	haproxy_env_init(env, (struct slice){ ENVIRONMENT, sizeof(ENVIRONMENT) });
	assert_int_equal(env->count, 5);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct haproxy_words *w = xcalloc(1, sizeof(*w));
		struct arena *a = arena_new();
		const char *why;
		size_t budget = 4096, len = 0;
		char got[256];
		bool good = haproxy_words_split(w, a, env, slice_of(cases[i].in), &budget, &why);

		if (good != (cases[i].want != NULL) || good != (why == NULL))
			fail_msg("%s: %s", cases[i].in, why);
		for (unsigned n = 0; n < w->count; n++) {
			memcpy(got + len, w->word[n].ptr, w->word[n].len);
			len += w->word[n].len;
			got[len++] = '|';
		}
		got[len] = '\0';
		if (good)
			assert_string_equal(got, cases[i].want);
		arena_free(a);
		free(w);
	}
	free(env);
}

static void
bounds(void **state)
{
	struct haproxy_env *env = xcalloc(1, sizeof(*env));
	struct haproxy_words *w = xcalloc(1, sizeof(*w));
	struct arena *a = arena_new();
	const char *why;
	size_t budget = 100, big = 70000;
	char *text = xcalloc(1, big + 1), name[HAPROXY_VARIABLES_MAX][8];

	(void)state;
	haproxy_env_init(env, (struct slice){ NULL, 0 });
	/* What all words together may have. */
	memset(text, 'a', big);
	assert_false(haproxy_words_split(w, a, env, (struct slice){ text, 101 }, &budget, &why));
	/* One word, however much there may be. */
	budget = 1 << 20;
	assert_false(haproxy_words_split(w, a, env, (struct slice){ text, big }, &budget, &why));
	/* And their number. */
	for (size_t i = 0; i < big; i += 2)
		text[i] = ' ';
	assert_true(haproxy_words_split(
	    w, a, env, (struct slice){ text, 2 * HAPROXY_WORDS_MAX }, &budget, &why));
	assert_int_equal(w->count, HAPROXY_WORDS_MAX);
	assert_false(haproxy_words_split(
	    w, a, env, (struct slice){ text, 2 * HAPROXY_WORDS_MAX + 2 }, &budget, &why));
	for (unsigned i = 0; i < HAPROXY_VARIABLES_MAX; i++) {
		snprintf(name[i], sizeof(name[i]), "V%u", i);
		assert_true(haproxy_env_set(env, slice_of(name[i]), SLICE("x")));
	}
	assert_false(haproxy_env_set(env, SLICE("more"), SLICE("x")));
	assert_true(haproxy_env_set(env, SLICE("V1"), SLICE("y")));
	assert_true(slice_equal(haproxy_env_get(env, SLICE("V1")), SLICE("y")));
	free(text);
	arena_free(a);
	free(w);
	free(env);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words), cmocka_unit_test(bounds) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
