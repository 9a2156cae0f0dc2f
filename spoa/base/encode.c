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

/* Value of a character, 64 if it is none. */
static uint32_t
sextet(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (uint32_t)(c - 'A');
	if (c >= 'a' && c <= 'z')
		return (uint32_t)(c - 'a' + 26);
	if (c >= '0' && c <= '9')
		return (uint32_t)(c - '0' + 52);
	return c == '-' ? 62 : c == '_' ? 63 : 64;
}

bool
base64url_decode(struct slice s, uint8_t *out, size_t cap, size_t *n)
{
	size_t bytes = s.len / 4 * 3 + (s.len % 4 == 0 ? 0 : s.len % 4 - 1);
	uint32_t v = 0;
	uint8_t *o = out;

	if (s.len % 4 == 1 || bytes > cap)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint32_t six = sextet(s.ptr[i]);

		if (six == 64)
			return false;
		v = v << 6 | six;
		if (i % 4 == 3) {
			*o++ = (uint8_t)(v >> 16);
			*o++ = (uint8_t)(v >> 8);
			*o++ = (uint8_t)v;
			v = 0;
		}
	}
	if (s.len % 4 == 2) {
		if ((v & 15) != 0)
			return false;
		*o++ = (uint8_t)(v >> 4);
	} else if (s.len % 4 == 3) {
		if ((v & 3) != 0)
			return false;
		*o++ = (uint8_t)(v >> 10);
		*o++ = (uint8_t)(v >> 2);
	}
	*n = (size_t)(o - out);
	return true;
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

static int
nibble(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
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
