#pragma once

#include <stddef.h>
#include <stdint.h>

#define HASH_KEY_BYTES 16u

/* SipHash-1-3 (Aumasson, Bernstein 2012): nobody without the key can choose what collides. */
uint64_t hash_bytes(const uint8_t key[HASH_KEY_BYTES], const void *bytes, size_t n);
