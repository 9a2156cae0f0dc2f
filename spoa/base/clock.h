#pragma once

#include <stdint.h>

/* Seconds since 1970, wall clock: what tickets, passes and logs carry. */
int64_t clock_wall_s(void);

/* Milliseconds of a clock that never jumps: what rates and deadlines are measured with. */
int64_t clock_mono_ms(void);
