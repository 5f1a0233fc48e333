/*
 * moments.h: times as tests write them, in the time zone that a test is about.
 */
#ifndef ORBUS_TESTS_SUPPORT_MOMENTS_H
#define ORBUS_TESTS_SUPPORT_MOMENTS_H

#include <stdint.h>

/* Makes it the process's time zone, such as "Europe/Berlin". */
void zone(const char *name);

/* A time in RFC 3339, in nanoseconds; the test fails where it is none. */
uint64_t at(const char *rfc3339);

#endif
