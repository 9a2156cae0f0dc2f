#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/crypto.h"
#include "base/slice.h"

/*
 * The proof of work: for each puzzle i = 0 … puzzles-1 a 32-bit number n such that the first 32
 * bits of SHA-256(seed ‖ i as u32 ‖ n as u32), all in network order, are below the target. The seed
 * is SHA-256 of the ticket's text, so a solution belongs to one ticket. One SHA-256 block a try.
 */
void pow_seed(struct slice ticket_text, uint8_t seed[SHA256_BYTES]);

/* hashes expected over all puzzles, 1 or more; puzzles 1 or more. At least 1. */
uint32_t pow_target(uint32_t hashes, unsigned puzzles);

/* Does n solve puzzle i? */
bool pow_check(const uint8_t seed[SHA256_BYTES], uint32_t target, uint32_t i, uint32_t n);

/* The first solution of puzzle i from n = 0 on; UINT64_MAX if there is none. For tests and tools.
 */
uint64_t pow_solve(const uint8_t seed[SHA256_BYTES], uint32_t target, uint32_t i);
