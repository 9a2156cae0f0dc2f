#include "base/encode.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t
base64url_encode(const void *bytes, size_t n, char *out)
{
	const uint8_t *in = bytes;
	char *o = out;

	for (; n >= 3; n -= 3, in += 3) {
		uint32_t v = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

		*o++ = alphabet[v >> 18];
		*o++ = alphabet[v >> 12 & 63];
		*o++ = alphabet[v >> 6 & 63];
		*o++ = alphabet[v & 63];
	}
	if (n > 0) {
		uint32_t v = (uint32_t)in[0] << 16 | (n == 2 ? (uint32_t)in[1] << 8 : 0);

		*o++ = alphabet[v >> 18];
		*o++ = alphabet[v >> 12 & 63];
		if (n == 2)
			*o++ = alphabet[v >> 6 & 63];
	}
	return (size_t)(o - out);
}

/* Value of a character + 1; 0: it is none. */
/* clang-format off */
static const uint8_t sextet_plus_1[256] = {
	['A'] = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26,
	['a'] = 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40, 41, 42, 43, 44, 45, 46, 47, 48, 49, 50,
	51, 52,
	['0'] = 53, 54, 55, 56, 57, 58, 59, 60, 61, 62,
	['-'] = 63, ['_'] = 64,
};
/* clang-format on */

/* n characters, 1 to 4, as 24 bits from the left; *bad passes 63 if one of them is none. */
static uint32_t
quad(const char *in, size_t n, uint32_t *bad)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		uint32_t six = i < n ? sextet_plus_1[(unsigned char)in[i]] - 1u : 0;

		*bad |= six;
		v = v << 6 | (six & 63);
	}
	return v;
}

bool
base64url_decode(struct slice s, uint8_t *out, size_t cap, size_t *n)
{
	size_t left = s.len % 4, bytes = s.len / 4 * 3 + (left == 0 ? 0 : left - 1);
	const char *in = s.ptr;
	uint32_t v, bad = 0;
	uint8_t *o = out;

	if (left == 1 || bytes > cap)
		return false;
	for (size_t i = s.len / 4; i > 0; i--, in += 4, o += 3) {
		v = quad(in, 4, &bad);
		o[0] = (uint8_t)(v >> 16);
		o[1] = (uint8_t)(v >> 8);
		o[2] = (uint8_t)v;
	}
	if (left > 0) {
		v = quad(in, left, &bad);
		/* The bits that stand for no byte are zero: one spelling a value. */
		if ((v & (left == 2 ? 0xffffu : 0xffu)) != 0)
			return false;
		*o++ = (uint8_t)(v >> 16);
		if (left == 3)
			*o++ = (uint8_t)(v >> 8);
	}
	*n = bytes;
	return bad < 64;
}

void
hex_encode(const void *bytes, size_t n, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const uint8_t *in = bytes;

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = digits[in[i] >> 4];
		out[2 * i + 1] = digits[in[i] & 15];
	}
}

int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int
percent_value(struct slice s)
{
	if (s.len < 3 || s.ptr[0] != '%' || hex_value(s.ptr[1]) < 0 || hex_value(s.ptr[2]) < 0)
		return -1;
	return hex_value(s.ptr[1]) << 4 | hex_value(s.ptr[2]);
}

/* Lower case only: a value has one spelling. */
static int
nibble(char c)
{
	return c >= 'A' && c <= 'F' ? -1 : hex_value(c);
}

bool
hex_decode(struct slice s, uint8_t *out, size_t n)
{
	if (s.len != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		int high = nibble(s.ptr[2 * i]), low = nibble(s.ptr[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}
