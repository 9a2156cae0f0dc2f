#include "base/slice.h"

bool
slice_equal_nocase(struct slice a, struct slice b)
{
	if (a.len != b.len)
		return false;
	for (size_t i = 0; i < a.len; i++)
		if (ascii_lower(a.ptr[i]) != ascii_lower(b.ptr[i]))
			return false;
	return true;
}

bool
slice_contains_nocase(struct slice s, struct slice word)
{
	for (size_t i = 0; word.len <= s.len && i <= s.len - word.len; i++)
		if (slice_equal_nocase((struct slice){ s.ptr + i, word.len }, word))
			return true;
	return false;
}

bool
slice_number(struct slice s, unsigned long long max, unsigned long long *out)
{
	unsigned long long value = 0;

	if (s.len == 0 || s.len > 19)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
		value = value * 10 + (unsigned long long)(s.ptr[i] - '0');
	}
	if (value > max)
		return false;
	*out = value;
	return true;
}

struct slice
slice_split(struct slice s, char separator, struct slice *rest)
{
	const char *at = s.len > 0 ? memchr(s.ptr, separator, s.len) : NULL;
	size_t before = at == NULL ? s.len : (size_t)(at - s.ptr);

	*rest =
	    at == NULL ? (struct slice){ NULL, 0 } : (struct slice){ at + 1, s.len - before - 1 };
	return (struct slice){ s.ptr, before };
}

static bool
blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

struct slice
slice_trim(struct slice s)
{
	while (s.len > 0 && blank(s.ptr[0])) {
		s.ptr++;
		s.len--;
	}
	while (s.len > 0 && blank(s.ptr[s.len - 1]))
		s.len--;
	return s;
}
