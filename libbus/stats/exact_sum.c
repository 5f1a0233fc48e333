/*
 * exact_sum.c: sums of figures that do not depend on the order in which they are made.
 */
#include "exact_sum.h"

#include <math.h>

/* The places that a double still tells, by its size: half of its last bit is below half of one. */
static const struct {
	double below, places; /* 10 to the power of their number */
} sizes[] = {{0x1p13, 1e12}, {0x1p23, 1e9}, {0x1p33, 1e6}, {0x1p43, 1e3}};

struct exact_sum exact_of_large(double value)
{
	uint64_t whole, fraction;
	double places = 1e12; /* of larger ones the fraction is as it is: a multiple of 2^-9 */

	if (!(value < EXACT_MAX))
		return (struct exact_sum){value > 0 ? EXACT_UNITS_MAX : 0};
	if (value >= 0x1p53)
		return (struct exact_sum){(exact_units)value * EXACT_SCALE};
	for (unsigned i = sizeof(sizes) / sizeof(sizes[0]); i-- > 0 && value < sizes[i].below;)
		places = sizes[i].places;
	whole = (uint64_t)value;
	fraction = (uint64_t)((value - (double)whole) * places + 0.5);
	return (struct exact_sum){(exact_units)whole * EXACT_SCALE +
				  (exact_units)fraction * (EXACT_SCALE / (uint64_t)places)};
}

double exact_figure(struct exact_sum sum)
{
	const double scale = (double)EXACT_SCALE;
	double whole, part, quotient, rest, figure;

	/* Both are exact, and a division rounds once. */
	if (sum.units < UINT64_C(1) << 53)
		return (double)(uint64_t)sum.units / scale;
	/* The whole part and the rest are meant. */
	// NOLINTNEXTLINE(bugprone-integer-division)
	whole = (double)(sum.units / EXACT_SCALE);
	part = (double)(uint64_t)(sum.units % EXACT_SCALE);
	/*
	 * part / scale in two doubles, then the three added from the smallest on: what the first
	 * addition rounds away is known exactly, since whole > quotient (Dekker 1971).
	 */
	quotient = part / scale;
	rest = fma(-quotient, scale, part) / scale;
	figure = whole + quotient;
	return figure + (quotient - (figure - whole) + rest);
}

double exact_difference(struct exact_sum above, struct exact_sum below)
{
	if (above.units >= below.units)
		return exact_figure((struct exact_sum){above.units - below.units});
	return -exact_figure((struct exact_sum){below.units - above.units});
}

int64_t exact_rest(struct exact_sum sum)
{
	exact_units figure = exact_of(exact_figure(sum)).units;

	/* A double below 1e22 is off by 2^20, which are 1.1e18 trillionths, at most. */
	return sum.units >= figure ? (int64_t)(sum.units - figure) : -(int64_t)(figure - sum.units);
}

bool exact_adjust(struct exact_sum *sum, int64_t rest)
{
	if (rest == INT64_MIN || (rest < 0 && sum->units < (exact_units)-rest))
		return false;
	sum->units += (exact_units)rest; /* modulo 2^128: of a negative one, less */
	if (sum->units > EXACT_UNITS_MAX)
		sum->units = EXACT_UNITS_MAX;
	return true;
}

/* `size` trillionths by n, rounded once or twice: a mean that is a short decimal is its double. */
static double mean_of(exact_units size, uint64_t n)
{
	const double scale = (double)EXACT_SCALE;
	exact_units quotient;
	uint64_t rest;

	if (size < UINT64_C(1) << 53)
		return (double)(uint64_t)size / (double)n / scale;
	quotient = size / n;
	rest = (uint64_t)(size % n);
	if (rest == 0 || quotient >= UINT64_C(1) << 53)
		return exact_figure((struct exact_sum){quotient});
	return ((double)(uint64_t)quotient + (double)rest / (double)n) / scale;
}

double exact_mean(
    struct exact_sum above, struct exact_sum below, uint64_t n, double min, double max)
{
	double mean;

	if (n == 0)
		return NAN;
	mean = above.units >= below.units ? mean_of(above.units - below.units, n)
	                                  : -mean_of(below.units - above.units, n);
	return fmin(fmax(mean, min), max);
}

double exact_decimal(double value)
{
	if (isnan(value))
		return value;
	return value < 0 ? -exact_figure(exact_of(-value)) : exact_figure(exact_of(value));
}

int exact_compare(struct exact_sum sum, double figure)
{
	exact_units other = exact_of(figure).units;

	if (figure < 0)
		return 1;
	return (sum.units > other) - (sum.units < other);
}
