/*
 * exact_sum.h: sums of figures (dollars, milliseconds, tokens a second, gauges, counts) that are
 * the same in any order, in any number of parts and over any number of restarts.
 *
 * A sum is a whole number of trillionths of its figure's unit, 128 bits wide. A figure is rounded
 * to them once, as it comes (exact_of()); from there on nothing is rounded, so that addition is
 * associative and commutative, at its end too: it saturates, and no term is negative. 10^6 times
 * 0.000013 is 13, three times 0.1 is 0.3. A figure below half a trillionth adds nothing.
 *
 * A document has the double next to the sum, which most readers want, and beside it, where that
 * double is not all of it, the rest in trillionths (exact_rest()): both together restore the sum.
 *
 * It is not for counts of samples or tokens, which are integers (base/data_limits.h).
 */
#ifndef ORBUS_STATS_EXACT_SUM_H
#define ORBUS_STATS_EXACT_SUM_H

#include <stdbool.h>
#include <stdint.h>

#define EXACT_SCALE UINT64_C(1000000000000)
/* Where sums end, in the figure's unit: the rest beside its double then fits in an int64_t. */
#define EXACT_MAX 1e22

#ifndef __SIZEOF_INT128__
#error "the agent, its tools and the bindings need 128-bit integers: build for a 64-bit machine"
#endif
__extension__ typedef unsigned __int128 exact_units;

#define EXACT_UNITS_MAX ((exact_units)10000000000u * EXACT_SCALE * EXACT_SCALE)

struct exact_sum {
	exact_units units; /* trillionths; EXACT_UNITS_MAX at most */
};

/* exact_of() of 2^13 and more. */
struct exact_sum exact_of_large(double value);

/*
 * A figure as the decimal that it was meant to be: the double of a decimal of 15 digits or fewer
 * gives that decimal, if it has no more than 12 places (below 2^13; 9 below 2^23, 6 below 2^33, 3
 * below 2^43). The double is off by half of its last bit, which is less than half of such a place.
 * Of what is negative or NaN: 0.
 */
static inline struct exact_sum exact_of(double value)
{
	if (!(value > 0))
		return (struct exact_sum){0};
	if (value < 0x1p13) {
		int64_t whole = (int64_t)value; /* signed: one instruction */
		/* The fraction is exact, its product wrong by 2^-14 at most. */
		double units = (value - (double)whole) * 1e12 + 0.5;

		return (struct exact_sum){(uint64_t)whole * EXACT_SCALE + (uint64_t)(int64_t)units};
	}
	return exact_of_large(value);
}

/* Both are within the end, so that their sum does not wrap. */
static inline void exact_add(struct exact_sum *to, struct exact_sum term)
{
	to->units += term.units;
	/* The high words first: as a rule they are all that need be compared. */
	if (__builtin_expect((uint64_t)(to->units >> 64) >= (uint64_t)(EXACT_UNITS_MAX >> 64), 0) &&
	    to->units > EXACT_UNITS_MAX)
		to->units = EXACT_UNITS_MAX;
}

/*
 * The double next to a sum (from 2^53 on it or its neighbour). So a sum that is a decimal of 15
 * digits or fewer gives the double that this decimal is read as.
 */
double exact_figure(struct exact_sum sum);

/* `above` less `below`, as a double. */
double exact_difference(struct exact_sum above, struct exact_sum below);

/* What the sum has beyond exact_of(exact_figure(sum)), in trillionths. */
int64_t exact_rest(struct exact_sum sum);

/* Adds trillionths, or takes them away. False: there are not so many, the sum is not changed. */
bool exact_adjust(struct exact_sum *sum, int64_t rest);

/*
 * The mean of `n` values, whose sum is `above` less `below`, kept within what they lie between: a
 * sum that has ended, or values of more places than a sum keeps, cannot put it outside. NaN of
 * none.
 */
double exact_mean(
    struct exact_sum above, struct exact_sum below, uint64_t n, double min, double max);

/*
 * A figure as the decimal that exact_of() makes of it: the error that divisions have left in its
 * last bits is gone, so that a limit is compared with the figure itself. NaN stays.
 */
double exact_decimal(double value);

/* Whether a sum is more, or less, than a figure says; no double in between rounds the answer. */
int exact_compare(struct exact_sum sum, double figure);

#endif
