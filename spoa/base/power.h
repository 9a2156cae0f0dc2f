#pragma once

/*
 * Logarithm and power of two, good to 14 digits, for prices and colours. libm would do, and take a
 * third of a megabyte of a daemon that has eleven.
 */
double power_log2(double x); /* x at least 2^-1022, finite */
double power_exp2(double x); /* 0 below 2^-1022, infinity above what a double holds */
