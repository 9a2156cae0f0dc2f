#pragma once

#include <stdint.h>

/* Seconds since 1970, wall clock: what tickets, passes and logs carry. */
int64_t clock_wall_s(void);

/* Milliseconds of a clock that never jumps: what rates and deadlines are measured with. */
int64_t clock_mono_ms(void);

/* The same, a few milliseconds late and cheaper: for what is looked up with each verdict. */
int64_t clock_coarse_ms(void);

/*
 * Wall-clock seconds that never go back while the process lives: a clock that is set back (a board
 * without a battery, a virtual machine that was asleep) would make fresh tickets look older than
 * the start, and old ones young. Set forward it follows. Coarse: a few milliseconds late; any
 * thread.
 */
int64_t clock_steady_s(void);

/* Its arithmetic, for the test: *lead is the most that the wall clock was ahead of the other. */
int64_t clock_steady_from(_Atomic int64_t *lead_ms, int64_t wall_ms, int64_t mono_ms);
