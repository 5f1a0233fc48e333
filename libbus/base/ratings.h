/*
 * ratings.h: what a figure means to a person who waits for an answer.
 */
#ifndef ORBUS_BASE_RATINGS_H
#define ORBUS_BASE_RATINGS_H

#include "term.h"

#include <stdbool.h>
#include <stddef.h>

struct rating {
	const char *word;
	enum tone tone;
};

/*
 * The steps of a scale, in order: a figure has the rating of the first whose bound it keeps. It
 * keeps a bound that it is under (over, where higher is better) or, with `inclusive`, equal to. The
 * last step has no bound. Pages get these tables as data, so that they rate as terminals do.
 */
struct rating_step {
	double bound;
	bool inclusive;
	struct rating rating;
};

struct rating_scale {
	bool higher_is_better;
	size_t count;
	struct rating_step steps[4];
};

extern const struct rating_scale rating_response_ms, rating_ttft_ms, rating_tps;

/* A NaN is rated "", plain. */
struct rating rating_of(const struct rating_scale *scale, double value);
struct rating rate_response_ms(double ms);
struct rating rate_ttft_ms(double ms);
struct rating rate_tps(double tps);

/* Prints a figure in its rating's colour, to the right in `width` columns; NaN as a dash. */
void print_rated(FILE *out, bool colour, int width, int digits, double value, struct rating rating);

#endif
