#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

/*
 * Bytes that belong to somebody else. A slice into a frame is borrowed until the callback that got
 * it returns; keeping means copying. Not NUL-terminated. Empty: len 0, ptr may be NULL.
 */
struct slice {
	const char *ptr;
	size_t len;
};

#define SLICE(literal) ((struct slice){ (literal), sizeof(literal) - 1 })

static inline struct slice
slice_of(const char *text)
{
	return (struct slice){ text, strlen(text) };
}

static inline bool
slice_equal(struct slice a, struct slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Letters beyond ASCII stay as they are. */
static inline char
ascii_lower(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/* A letter, a digit, - or _: what names of headers, cookies and hosts are made of here. */
static inline bool
ascii_is_word(char c)
{
	char low = ascii_lower(c);

	return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

/* By ascii_lower. */
bool slice_equal_nocase(struct slice a, struct slice b);
bool slice_contains_nocase(struct slice s, struct slice word);

static inline bool
slice_starts(struct slice s, struct slice prefix)
{
	return s.len >= prefix.len &&
	       (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

/* Decimal digits only, 1 to 19 of them, at most max; false leaves *out alone. */
bool slice_number(struct slice s, unsigned long long max, unsigned long long *out);

/*
 * Cut s at the first `separator`: what stands before it is returned, *rest is what follows (empty,
 * ptr NULL, if there was none).
 */
struct slice slice_split(struct slice s, char separator, struct slice *rest);

/* Without blanks and tabs, CR and LF at both ends. */
struct slice slice_trim(struct slice s);
