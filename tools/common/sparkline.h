/*
 * sparkline.h: a row of figures as a line of little bars.
 */
#ifndef ORBUS_COMMON_SPARKLINE_H
#define ORBUS_COMMON_SPARKLINE_H

#include <stddef.h>
#include <stdio.h>

/*
 * Prints values >= 0 as bars over a base line of 0, the highest as a full one; NaN as a blank.
 * Where there are more of them than columns, each bar is the highest of several: a peak is never
 * lost. Returns the columns that it took.
 */
int sparkline_print(FILE *out, const double *values, size_t count, int columns);

#endif
