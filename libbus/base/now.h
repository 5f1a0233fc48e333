/*
 * now.h: a clock's time in nanoseconds.
 */
#ifndef ORBUS_BASE_NOW_H
#define ORBUS_BASE_NOW_H

#include <stdint.h>
#include <time.h>

#define NS_PER_SECOND UINT64_C(1000000000)

static inline uint64_t now_ns_of(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * NS_PER_SECOND + (uint64_t)t.tv_nsec;
}

#endif
