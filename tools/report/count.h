/*
 * count: sums of numbers that anybody may have written into a log. They stop at the highest one: a
 * forged line must not take away what others say.
 */
#ifndef MAILSEAL_TOOLS_REPORT_COUNT_H
#define MAILSEAL_TOOLS_REPORT_COUNT_H

#include <stdint.h>

static inline uint64_t count_times(uint64_t a, uint64_t b)
{
	uint64_t product;

	return __builtin_mul_overflow(a, b, &product) ? UINT64_MAX : product;
}

static inline void count_add(uint64_t *sum, uint64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = UINT64_MAX;
}

#endif
