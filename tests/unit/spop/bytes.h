#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/encode.h"
#include "base/slice.h"

/* The bytes that a test table spells in hex; how many. */
static inline size_t
unhex(const char *hex, uint8_t *out, size_t cap)
{
	struct slice s = slice_of(hex);

	assert_true(s.len / 2 <= cap);
	assert_true(hex_decode(s, out, s.len / 2));
	return s.len / 2;
}

/* Fails naming the case, with both sides in hex. */
static inline void
same_bytes(const char *name, const uint8_t *got, size_t n, const char *want)
{
	char hex[4096] = "";

	assert_true(2 * n < sizeof(hex));
	hex_encode(got, n, hex);
	if (!slice_equal(slice_of(hex), slice_of(want)))
		fail_msg("%s: got %s, want %s", name, hex, want);
}
