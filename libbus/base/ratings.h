/*
 * ratings.h: what a figure means to a person who waits for an answer.
 */
#ifndef ORBUS_BASE_RATINGS_H
#define ORBUS_BASE_RATINGS_H

#include "term.h"

struct rating {
	const char *word;
	enum tone tone;
};

/* A NaN is rated "", plain. */
struct rating rate_response_ms(double ms);
struct rating rate_ttft_ms(double ms);
struct rating rate_tps(double tps);

/* Prints a figure in its rating's colour, to the right in `width` columns; NaN as a dash. */
void print_rated(FILE *out, bool colour, int width, int digits, double value, struct rating rating);

#endif
