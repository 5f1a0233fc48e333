/*
 * stats_rate.h: whether two rates differ by more than chance would have it: Fisher's exact test,
 * for
 * --compare (orreport/significance.h, where the sources are) and for advice
 * (common/advice/compare.c).
 */
#ifndef ORBUS_COMMON_STATS_RATE_H
#define ORBUS_COMMON_STATS_RATE_H

#include <stdbool.h>
#include <stdint.h>

#define STATS_LEVEL 0.01

struct stats_test {
	bool enough; /* some outcome of samples this large would be significant; else p and z are
	                NaN */
	double p;    /* 0 to 1 */
	double z;    /* > 0: b is higher */
};

/* The two-sided p-value of a normal deviate. */
double stats_p_of(double z);

/* The deviate >= 0 whose two-sided p-value is `p`. */
double stats_deviate_of(double p);

struct stats_test stats_rate(uint64_t hits_a, uint64_t n_a, uint64_t hits_b, uint64_t n_b);

/* The same; of tables that are just as likely as the one that was seen `share` counts: 1 is the
 * exact test, 0.5 the mid-p-value. */
struct stats_test stats_rate_by(
    uint64_t hits_a, uint64_t n_a, uint64_t hits_b, uint64_t n_b, double share);

#endif
