/*
 * significance.h: whether two samples of requests differ by more than chance would have it.
 *
 * It is not for how much they differ, nor for whether that matters: compare.c.
 *
 * All tests work on counts and on merged histograms, whose buckets are the same in both samples.
 * Each gives a two-sided p-value: the chance of such a difference, or a larger one, where nothing
 * has changed. `z` is the same as a normal deviate, with the sign of the difference. The level is
 * 1 %, since a dozen figures are looked at and requests that come in bursts are not quite
 * independent. tests/integration/test_verdicts.py holds the tests to their level, beside scipy's.
 *
 * Rate: Fisher's exact test (Fisher 1935), two-sided over all tables that are no likelier than the
 * one that was seen (Freeman and Halton 1951). It holds for every count.
 *
 * Quantile: Mood's median test (Westenberg 1948, Mood 1950), and the same at p95 and p99. Both
 * samples are cut at the bucket's bound that is nearest to the quantile of both together, and the
 * shares above it are compared as rates. Where 5 are expected on either side of each (Cochran
 * 1954), by the mid-p-value (Lancaster 1961: half the chance of what was seen), which makes up for
 * a cut that is not at the rank itself. The cut depends on both samples together alone. 20 requests
 * each.
 *
 * Mean: Welch (1947), with the degrees of freedom of Satterthwaite (1946) and Wallace's (1959)
 * normal deviate of Student's t. The means are exact; a variance is that of the buckets' middles
 * and of an even spread within each. 20 requests each, and only where the difference of the means
 * is close to normal: its skewness, g |1/n_a^2 - 1/n_b^2| / (1/n_a + 1/n_b)^1.5 with g of both
 * samples together, is at most 0.15. (For one mean at 5 %, Cochran, Sampling Techniques, 1977, has
 * 0.2.)
 */
#ifndef ORBUS_ORREPORT_SIGNIFICANCE_H
#define ORBUS_ORREPORT_SIGNIFICANCE_H

#include "common/stats_rate.h"
#include "stats/histogram.h"

#define STATS_REQUESTS_MIN 20
#define STATS_EXPECTED_MIN 5
#define STATS_SKEWNESS_MAX 0.15

/*
 * A smaller change is within the error of the histograms' buckets: a percentile may be one bucket
 * off, which is 2.19 %.
 */
#define STATS_BUCKET_ERROR 0.022

struct stats_test stats_mean(const struct histogram *a, const struct histogram *b);

/* At the q-quantile, 0 < q < 1. */
struct stats_test stats_quantile(const struct histogram *a, const struct histogram *b, double q);

#endif
