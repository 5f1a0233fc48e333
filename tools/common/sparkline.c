/*
 * sparkline.c: a row of figures as a line of little bars.
 */
#include "sparkline.h"

#include <math.h>

/* The highest of some values, NaN where all are NaN: comparisons with NaN are false. */
static double highest(const double *values, size_t count)
{
	double high = NAN;

	for (size_t i = 0; i < count; i++)
		if (!(high >= values[i]) && !isnan(values[i]))
			high = values[i];
	return high;
}

int sparkline_print(FILE *out, const double *values, size_t count, int columns)
{
	static const char *const bars[] = {
	    "\u2581", "\u2582", "\u2583", "\u2584", "\u2585", "\u2586", "\u2587", "\u2588"};
	size_t each = columns > 0 ? (count + (size_t)columns - 1) / (size_t)columns : 0;
	double top = highest(values, count);
	int printed = 0;

	for (size_t i = 0; each && i < count; i += each, printed++) {
		double value = highest(values + i, count - i < each ? count - i : each);

		if (isnan(value))
			fputc(' ', out);
		else
			fputs(bars[top > 0 ? (int)fmin(value / top * 8, 7) : 0], out);
	}
	return printed;
}
