/*
 * splitmix.h: numbers by chance from a seed, the same in every run: splitmix64, of G. L. Steele et
 * al., "Fast splittable pseudorandom number generators", OOPSLA 2014.
 */
#ifndef ORBUS_TESTS_SPLITMIX_H
#define ORBUS_TESTS_SPLITMIX_H

#include <stdint.h>

/* The next number; 0 is as good a seed as any. */
static inline uint64_t splitmix64(uint64_t *seed)
{
	uint64_t value = (*seed += UINT64_C(0x9e3779b97f4a7c15));

	value = (value ^ value >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	value = (value ^ value >> 27) * UINT64_C(0x94d049bb133111eb);
	return value ^ value >> 31;
}

#endif
