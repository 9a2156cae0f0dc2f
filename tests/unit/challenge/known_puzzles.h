#pragma once

#include <stdint.h>

/* Lowest solutions, found by an independent implementation: whoever solves must agree with them. */
#define KNOWN_TICKET                                                                               \
	"101112131415161718191a1b1c1d1e1fAZWe91QAAAAAZVPxAAEQAAEAAAADAZMACTqAAQTAAAIAAAAA"         \
	"AAAAAAAAAAAAD2dpdC5leGFtcGxlLm9yZ_mz5REfXrvpqup2LNBXPX2xl_Bk22nF5_IrsTb_qEJj"
#define KNOWN_TARGET (UINT32_C(1) << 20)
#define KNOWN_COUNT 3

static const struct {
	uint32_t i, n;
} known[KNOWN_COUNT] = { { 0, 7883 }, { 1, 3728 }, { 15, 3421 } };
