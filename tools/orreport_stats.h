/*
 * orreport_stats.h: whether two samples of requests differ by more than chance would have it.
 *
 * All tests work on merged histograms and counts; their buckets are the same in both samples, so
 * that ranks and shares are those of the requests themselves up to ties within a bucket. Each gives
 * a z, which is normal around 0 where nothing has changed; the level is 1 % (|z| >= 2.576), since
 * a dozen figures are looked at and requests that come in bursts are not quite independent.
 *
 *   mean  Welch (1947): z = (mean_b - mean_a) / sqrt(var_a/n_a + var_b/n_b), 30 requests each.
 *   rank  Mann and Whitney (1947), for the median: z = (U - n_a n_b / 2 -+ 1/2) / s with
 *         s^2 = n_a n_b / 12 (N + 1 - sum(t^3 - t) / (N (N - 1))), t the requests in a bucket
 *         (Lehmann, Nonparametrics, 1975), 20 requests each.
 *   tail  Mood's median test (Westenberg 1948) at another quantile, for p95 and p99: the shares of
 *         both samples above the quantile of all, compared as rates.
 *   rate  two proportions: z = (p_b - p_a) / sqrt(p (1 - p) (1/n_a + 1/n_b)), p of both together;
 *         5 expected on either side of each (Cochran 1954).
 */
#ifndef ORBUS_ORREPORT_STATS_H
#define ORBUS_ORREPORT_STATS_H

#include "histogram.h"

#define STATS_Z        2.5758293035489004 /* of 1 %, both sides */
#define STATS_MEAN_MIN 30
#define STATS_RANK_MIN 20
#define STATS_RATE_MIN 5

/* Below it a change of a percentile is within the error of the histograms' buckets (1.09 % each).
 */
#define STATS_BUCKET_ERROR 0.022

struct stats_test {
	bool enough; /* the samples are large enough; else z is NaN */
	double z;    /* > 0: b is higher */
};

struct stats_test stats_mean(const struct histogram *a, const struct histogram *b);
struct stats_test stats_rank(const struct histogram *a, const struct histogram *b);
struct stats_test stats_tail(const struct histogram *a, const struct histogram *b, double q);
struct stats_test stats_rate(double hits_a, double n_a, double hits_b, double n_b);

#endif
