#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/address.h"
#include "token/key.h"

/* A keyring of the text of a key file, which must be good. */
static inline struct keyring
ring(const char *text)
{
	struct keyring k;
	unsigned line;
	const char *why;

	assert_true(keyring_parse(&k, slice_of(text), &line, &why));
	return k;
}

static inline struct address
address(const char *text)
{
	struct address a;

	assert_true(address_parse(slice_of(text), &a));
	return a;
}
