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
	double z, term = 1, sum = 1;
	int whole;

	if (x <= -BIAS)
		return 0;
	if (x >= BIAS + 1)
		return (double)INFINITY;
	whole = (int)x - (x < 0);
	z = (x - whole) * LN2;
	for (int i = 1; i < 20; i++) {
		term *= z / i;
		sum += term;
	}
	return whole > -BIAS ? sum * make(whole, 0) : 0;
}
