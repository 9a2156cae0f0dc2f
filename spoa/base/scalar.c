#include "base/scalar.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_BYTES 128 /* longer is no number that anybody meant */

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool
among(const char *const *words, struct slice s)
{
	for (; *words != NULL; words++)
		if (slice_equal(s, slice_of(*words)))
			return true;
	return false;
}

/* As Go's ParseInt and ParseUint with base 0; at is behind the sign. */
static bool
whole(const char *at, double *number)
{
	char *end;
	int base = 10;

	if (at[0] == '0' && at[1] != '\0') {
		char c = ascii_lower(at[1]);

		base = c == 'x' ? 16 : c == 'b' ? 2 : 8;
		at += is_digit(at[1]) ? 1 : 2;
		if (base == 8 && c != 'o' && !is_digit(c))
			return false;
	}
	/* strtoull would take blanks, a second sign and a second 0x. */
	for (const char *p = at; *p != '\0'; p++)
		if (strchr("0123456789abcdefABCDEF", *p) == NULL)
			return false;
	if (*at == '\0')
		return false;
	errno = 0;
	*number = (double)strtoull(at, &end, base);
	return *end == '\0' && errno == 0;
}

/* ^(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$, at is behind the sign. */
static bool
is_float(const char *at)
{
	const char *from = at;

	while (is_digit(*at))
		at++;
	if (*at == '.') {
		bool bare = at == from;

		at++;
		if (bare && !is_digit(*at))
			return false;
		while (is_digit(*at))
			at++;
	} else if (at == from) {
		return false;
	}
	if (*at == 'e' || *at == 'E') {
		at++;
		if (*at == '-' || *at == '+')
			at++;
		if (!is_digit(*at))
			return false;
		while (is_digit(*at))
			at++;
	}
	return *at == '\0';
}

static bool
number_of(struct slice s, double *number)
{
	char buf[NUMBER_BYTES + 1];
	const char *at = buf;
	size_t n = 0;
	bool minus;

	if (s.len > NUMBER_BYTES || s.len == 0 || strchr("+-.0123456789", s.ptr[0]) == NULL)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.ptr[i] == '\0')
			return false;
		if (s.ptr[i] != '_')
			buf[n++] = s.ptr[i];
		else if (s.ptr[0] == '.')
			return false;
	}
	buf[n] = '\0';
	minus = *at == '-';
	if (*at == '-' || *at == '+')
		at++;
	if (whole(at, number)) {
		*number = minus ? -*number : *number;
		return true;
	}
	if (!is_float(at))
		return false;
	errno = 0;
	*number = strtod(buf, NULL);
	/* 1e999 overflows and is no number; 1e-999 is as good as 0. */
	return errno == 0 || (*number > -1 && *number < 1);
}

enum tree_kind
scalar_kind(struct slice s, double *number, bool *truth)
{
	static const char *const nulls[] = { "", "~", "null", "Null", "NULL", NULL };
	static const char *const yes[] = { "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE",
		"on", "On", "ON", NULL };
	static const char *const no[] = { "n", "N", "no", "No", "NO", "false", "False", "FALSE",
		"off", "Off", "OFF", NULL };

	if (among(nulls, s))
		return TREE_NULL;
	*truth = among(yes, s);
	if (*truth || among(no, s))
		return TREE_BOOL;
	return number_of(s, number) ? TREE_NUMBER : TREE_STRING;
}

struct slice
scalar_unquote(struct arena *a, struct slice raw)
{
	char *out = arena_alloc(a, raw.len + 1);
	size_t n = 0;

	for (size_t i = 0; i < raw.len;) {
		size_t from = i, breaks = 0;

		while (i < raw.len && strchr(" \t\r\n", raw.ptr[i]) != NULL) {
			if (raw.ptr[i] == '\n' ||
			    (raw.ptr[i] == '\r' && (i + 1 == raw.len || raw.ptr[i + 1] != '\n')))
				breaks++;
			i++;
		}
		if (breaks == 1) {
			out[n++] = ' ';
		} else if (breaks > 1) {
			memset(out + n, '\n', breaks - 1);
			n += breaks - 1;
		} else if (i > from) {
			memcpy(out + n, raw.ptr + from, i - from);
			n += i - from;
		}
		if (i < raw.len) {
			out[n++] = raw.ptr[i];
			i += raw.ptr[i] == '\'' ? 2 : 1;
		}
	}
	return (struct slice){ out, n };
}
