#include "challenge/cookie.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *header, *want; /* NULL: none */
} cases[] = {
	{ "", NULL },
	{ "ammit=a", "a" },
	{ "a=1; ammit=b; c=2", "b" },
	{ "a=1;ammit=b;c=2", "b" },
	{ "\t ammit = b ;", "b" },
	{ "ammit=first; ammit=second", "first" },
	{ "ammit=; ammit=second", "" },
	{ "ammit; ammit=b", "b" },
	{ "ammit", NULL },
	{ "=ammit", NULL },
	{ "ammit2=b", NULL },
	{ "xammit=b", NULL },
	{ "Ammit=b", NULL },
	{ "x ammit=b", NULL },
	{ "a=ammit=b", NULL },
	{ "ammit=b=c==", "b=c==" },
	{ "ammit=\"b\"", "\"b\"" },
	{ "a=\"; ammit=b; c=\"", "b" },
	{ "a=1, ammit=b", NULL },
	{ ";;; ;ammit=b;;", "b" },
	{ "$Version=1; ammit=b; $Path=/", "b" },
	{ "\xff=\x01; ammit=\xfe", "\xfe" },
};

static void
the_first_of_the_name_counts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct slice got = cookie_get(slice_of(cases[i].header), SLICE("ammit"));

		if ((got.ptr == NULL) != (cases[i].want == NULL) ||
		    (cases[i].want != NULL && !slice_equal(got, slice_of(cases[i].want))))
			fail_msg("%s: %.*s", cases[i].header, (int)got.len, got.ptr);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(the_first_of_the_name_counts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
