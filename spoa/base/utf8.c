#include "base/utf8.h"

size_t
utf8_length(struct slice s)
{
	const unsigned char *p = (const unsigned char *)s.ptr;
	size_t want;

	if (s.len == 0 || (p[0] >= 0x80 && p[0] < 0xc2) || p[0] > 0xf4)
		return 0;
	want = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	if (want > s.len)
		return 0;
	for (size_t i = 1; i < want; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	/* Longer than it need be, a surrogate, or above U+10FFFF. */
	if ((p[0] == 0xe0 && p[1] < 0xa0) || (p[0] == 0xed && p[1] > 0x9f) ||
	    (p[0] == 0xf0 && p[1] < 0x90) || (p[0] == 0xf4 && p[1] > 0x8f))
		return 0;
	return want;
}

size_t
utf8_decode(struct slice s, uint32_t *character)
{
	/* What of the first byte belongs to the character, by length. */
	static const unsigned char own[] = { 0, 0x7f, 0x1f, 0x0f, 0x07 };
	size_t n = utf8_length(s);

	if (n == 0)
		return 0;
	*character = (unsigned char)s.ptr[0] & own[n];
	for (size_t i = 1; i < n; i++)
		*character = *character << 6 | ((unsigned char)s.ptr[i] & 0x3f);
	return n;
}

bool
utf8_is_valid(struct slice s)
{
	while (s.len > 0) {
		size_t n = utf8_length(s);

		if (n == 0)
			return false;
		s.ptr += n;
		s.len -= n;
	}
	return true;
}

bool
utf8_is_ascii(struct slice s)
{
	uint64_t high = 0;
	size_t i = 0;

	for (; s.len - i >= sizeof(high); i += sizeof(high)) {
		uint64_t eight;

		memcpy(&eight, s.ptr + i, sizeof(eight));
		high |= eight;
	}
	for (; i < s.len; i++)
		high |= (unsigned char)s.ptr[i];
	return (high & 0x8080808080808080u) == 0;
}

size_t
utf8_repair(struct slice s, char *out)
{
	size_t used = 0;

	while (s.len > 0) {
		size_t n = utf8_length(s);

		if (n > 0) {
			memcpy(out + used, s.ptr, n);
			used += n;
		} else {
			memcpy(out + used, "\xef\xbf\xbd", 3);
			used += 3;
			n = 1;
		}
		s.ptr += n;
		s.len -= n;
	}
	return used;
}
