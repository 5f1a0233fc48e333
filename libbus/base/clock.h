/*
 * clock.h: reading clocks, and times as people and files write them.
 */
#ifndef ORBUS_BASE_CLOCK_H
#define ORBUS_BASE_CLOCK_H

#include "now.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint64_t clock_realtime_ns(void);
uint64_t clock_monotonic_ns(void);

#define RFC3339_BYTES 48
/* "2026-11-24T08:46:47.123456789Z"; UTC, nanoseconds. */
void clock_format_rfc3339(uint64_t ns, char out[RFC3339_BYTES]);
/* "2026-11-24T08:46:47+00:00"; local time, or UTC, whole seconds. */
void clock_format_rfc3339_local(uint64_t ns, bool utc, char out[RFC3339_BYTES]);
/* "2026-11-24T08:46:47.123456"; local time without offset, as Python's datetime.isoformat(). */
void clock_format_isoformat(uint64_t ns, bool utc, char out[RFC3339_BYTES]);
/* Parses RFC 3339 with any offset and up to nine decimals. */
bool clock_parse_rfc3339(const char *text, uint64_t *ns);

/* "2:00:00", "1 day, 2:00:00", "3 days, 0:00:01", as Python's str(timedelta). */
void clock_format_timedelta(uint64_t seconds, char *out, size_t bytes);
/* "2d 5h 32m 45s", "32m 45s", "0s". */
void clock_format_uptime(uint64_t seconds, char *out, size_t bytes);

#endif
