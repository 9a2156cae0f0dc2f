#include "base/power.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

#define LN2 0.69314718055994530942
#define ROOT 1.41421356237309504880

/* IEEE 754: sign, 11 bits of exponent, 52 of fraction behind a 1. */
#define FRACTION_BITS 52
#define FRACTION ((UINT64_C(1) << FRACTION_BITS) - 1)
#define BIAS 1023

/* Of 2^z, 0 <= z < 1: ln(2)^k / k!. */
static const double series[] = {
	1.0,
	0.6931471805599453,
	0.24022650695910072,
	0.05550410866482158,
	0.009618129107628477,
	0.0013333558146428443,
	0.0001540353039338161,
	1.5252733804059841e-05,
	1.321548679014431e-06,
	1.01780860092397e-07,
	7.054911620801123e-09,
	4.4455382718708116e-10,
	2.5678435993488206e-11,
	1.3691488853904128e-12,
	6.778726354822545e-14,
	3.1324367070884287e-15,
};
#define TERMS (sizeof(series) / sizeof(series[0]))

static double
make(int exponent, uint64_t fraction)
{
	uint64_t bits = (uint64_t)(exponent + BIAS) << FRACTION_BITS | fraction;
	double x;

	memcpy(&x, &bits, sizeof(x));
	return x;
}

double
power_log2(double x)
{
	uint64_t bits;
	double part, t, term, sum = 0;
	int exponent;

	memcpy(&bits, &x, sizeof(bits));
	exponent = (int)(bits >> FRACTION_BITS) - BIAS;
	part = make(0, bits & FRACTION);
	if (part > ROOT) {
		part /= 2;
		exponent++;
	}
	/* ln m = 2 artanh t; t is below 0.172, so each term is a thirtieth of the one before. */
	t = (part - 1) / (part + 1);
	term = t;
	for (int i = 1; i < 25; i += 2) {
		sum += term / i;
		term *= t * t;
	}
	return exponent + 2 * sum / LN2;
}

double
power_exp2(double x)
{
	double z, even = 0, odd = 0;
	int whole;

	if (x <= -BIAS)
		return 0;
	if (x >= BIAS + 1)
		return (double)INFINITY;
	whole = (int)x - (x < 0);
	z = x - whole;
	/* Two sums that do not wait for each other. */
	for (size_t i = TERMS; i > 0; i -= 2) {
		even = even * (z * z) + series[i - 2];
		odd = odd * (z * z) + series[i - 1];
	}
	return whole > -BIAS ? (even + z * odd) * make(whole, 0) : 0;
}
