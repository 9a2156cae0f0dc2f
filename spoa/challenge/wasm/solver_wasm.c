/*
 * The kernel as WebAssembly, for spoa/challenge/web/solver.js: no libc, no imports, one page of
 * memory. Built twice: with -msimd128 it tries four numbers at once.
 */
#ifdef __wasm_simd128__
#define KERNEL_LANES 4
#endif
#include "kernel.h"

static struct kernel state;

/* Where JavaScript writes the 17 words of ammitBegin. */
__attribute__((export_name("at"))) struct kernel *
at(void)
{
	return &state;
}

/* The first of start … start + count - 1 that solves, as what is added to start; count: none. */
__attribute__((export_name("go"))) uint32_t
go(uint32_t start, uint32_t count, uint32_t target)
{
	for (uint32_t i = 0; i < count; i += KERNEL_LANES) {
#if KERNEL_LANES == 1
		if (kernel_try(&state, start + i) < target)
			return i;
#else
		kernel_lanes hash = kernel_try(&state, start + i + (kernel_lanes){ 0, 1, 2, 3 });

		for (uint32_t j = 0; j < KERNEL_LANES; j++)
			if (hash[j] < target)
				return i + j;
#endif
	}
	return count;
}
