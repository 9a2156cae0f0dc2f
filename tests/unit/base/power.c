#include "base/power.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static double
off_by(double got, double want)
{
	return fabs(got - want) / (fabs(want) > 1 ? fabs(want) : 1);
}

static void
test_against_libm(void **state)
{
	(void)state;
	for (double x = 1e-6; x < 1e12; x *= 1.0037) {
		if (off_by(power_log2(x), log2(x)) > 1e-14)
			fail_msg("log2 %g: %.17g, not %.17g", x, power_log2(x), log2(x));
	}
	for (double x = -40; x < 40; x += 0.0113) {
		if (fabs(power_exp2(x) / exp2(x) - 1) > 1e-14)
			fail_msg("exp2 %g: %.17g, not %.17g", x, power_exp2(x), exp2(x));
	}
}

static void
test_edges(void **state)
{
	(void)state;
	for (int i = 0; i <= 26; i++) {
		assert_true(power_log2((double)(1 << i)) == i);
		assert_true(power_exp2(i) == (double)(1 << i));
	}
	assert_true(power_exp2(-1e300) == 0 && isinf(power_exp2(1e300)));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_libm),
		cmocka_unit_test(test_edges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
