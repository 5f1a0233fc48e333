/*
 * threshold.h: ranges as monitoring plugins write them
 * (monitoring-plugins.org/doc/guidelines.html):
 * [@][start:][end]. A value outside of start..end (both belong to it) is one to alert on; with "@"
 * one inside. start left out is 0, "~" minus infinity; end left out is infinity.
 *
 *   10     below 0 or over 10        10:20   below 10 or over 20
 *   10:    below 10                  @10:20  from 10 to 20
 *   ~:10   over 10                   ~:      nothing
 */
#ifndef ORBUS_COMMON_THRESHOLD_H
#define ORBUS_COMMON_THRESHOLD_H

#include <stdbool.h>
#include <stddef.h>

struct threshold {
	double start, end;
	bool inside;
};

/* What no value alerts on. */
struct threshold threshold_none(void);

/* Reads a range; with `is_time` its numbers may bear a unit ("30m"), and are in seconds. 0, -EINVAL
 * where it is no range, -ERANGE where it ends before it starts. */
int threshold_parse(const char *text, bool is_time, struct threshold *out);

/* A value that is not a number never does. */
bool threshold_alerts(const struct threshold *t, double value);

/* Writes it as performance data do; "" where no value alerts. */
void threshold_format(const struct threshold *t, char *out, size_t bytes);

#endif
