/*
 * significance.c: whether two samples of requests differ by more than chance would have it.
 */
#include "significance.h"

#include <math.h>

static const struct stats_test too_few = {false, NAN, NAN};

/* --- Quantiles -------------------------------------------------------------------------------- */

static uint64_t bucket(const struct histogram *h, int32_t index)
{
	if (index < h->offset || index >= h->offset + (int32_t)h->length)
		return 0;
	return histogram_bucket(h, (uint32_t)(index - h->offset));
}

static int32_t first_of(const struct histogram *a, const struct histogram *b)
{
	if (a->length == 0 || b->length == 0)
		return a->length ? a->offset : b->offset;
	return a->offset < b->offset ? a->offset : b->offset;
}

/* Behind the last. */
static int32_t end_of(const struct histogram *a, const struct histogram *b)
{
	int32_t x = a->offset + (int32_t)a->length, y = b->offset + (int32_t)b->length;

	if (a->length == 0 || b->length == 0)
		return a->length ? x : y;
	return x > y ? x : y;
}

/* How many of each sample lie up to a bucket's bound. */
struct cut {
	uint64_t a, b;
};

static double distance(const struct cut *c, double rank)
{
	return fabs((double)c->a + (double)c->b - rank);
}

/* The cut that is nearest to a rank of both together. */
static struct cut nearest_cut(const struct histogram *a, const struct histogram *b, double rank)
{
	struct cut here = {a->zero_count, b->zero_count}, best = here;

	for (int32_t i = first_of(a, b); i < end_of(a, b); i++) {
		here.a += bucket(a, i);
		here.b += bucket(b, i);
		if (distance(&here, rank) < distance(&best, rank) &&
		    here.a + here.b < a->count + b->count)
			best = here;
	}
	return best;
}

/*
 * Whether each sample is expected to have enough on either side of the quantile (Cochran 1954). Not
 * of the cut, which buckets may put a little beyond it.
 */
static bool is_frequent(const struct histogram *a, const struct histogram *b, double q)
{
	double smaller = fmin((double)a->count, (double)b->count);

	/* Rounding: 1 - 0.95 is a little less than 0.05. */
	return fmin(q, 1 - q) * smaller * (1 + 1e-9) >= STATS_EXPECTED_MIN;
}

struct stats_test stats_quantile(const struct histogram *a, const struct histogram *b, double q)
{
	struct cut cut;

	if (a->count < STATS_REQUESTS_MIN || b->count < STATS_REQUESTS_MIN)
		return too_few;
	cut = nearest_cut(a, b, q * ((double)a->count + (double)b->count));
	return stats_rate_by(
	    a->count - cut.a, a->count, b->count - cut.b, b->count, is_frequent(a, b, q) ? 0.5 : 1);
}

/* --- Means ------------------------------------------------------------------------------------ */

/* The sums of the second and third powers of the distances from `mean`. */
struct moments {
	double second, third;
};

static struct moments moments_around(const struct histogram *h, double mean)
{
	const double half = exp2(0.5 / (1 << HISTOGRAM_SCALE));
	struct moments m = {
	    (double)h->zero_count * mean * mean, -(double)h->zero_count * mean * mean * mean};

	for (uint32_t i = 0; i < h->length; i++) {
		double n = (double)histogram_bucket(h, i);
		double middle = exp2((h->offset + (int32_t)i + 0.5) / (1 << HISTOGRAM_SCALE));
		double width = middle * (half - 1 / half), d = middle - mean;

		m.second += n * (d * d + width * width / 12);
		m.third += n * (d * d * d + d * width * width / 4);
	}
	return m;
}

static double skewness_of_both(const struct histogram *a, const struct histogram *b)
{
	double n = (double)a->count + (double)b->count, mean, second;
	struct exact_sum sum = a->sum;
	struct moments x, y;

	exact_add(&sum, b->sum);
	mean = exact_figure(sum) / n;
	x = moments_around(a, mean);
	y = moments_around(b, mean);
	second = (x.second + y.second) / n;
	return second > 0 ? (x.third + y.third) / n / pow(second, 1.5) : 0;
}

/* Whether the difference of the means is close enough to normal. */
static bool is_nearly_normal(const struct histogram *a, const struct histogram *b)
{
	double r = 1 / (double)a->count, s = 1 / (double)b->count;

	return fabs(skewness_of_both(a, b) * (r * r - s * s)) <=
	       STATS_SKEWNESS_MAX * pow(r + s, 1.5);
}

/* Student's t with `df` degrees of freedom as a normal deviate (Wallace 1959, Annals of
 * Mathematical Statistics 30): wrong by less than 0.02 from 3 degrees on. */
static double deviate_of_t(double t, double df)
{
	return copysign((8 * df + 1) / (8 * df + 3) * sqrt(df * log1p(t * t / df)), t);
}

struct stats_test stats_mean(const struct histogram *a, const struct histogram *b)
{
	double n_a = (double)a->count, n_b = (double)b->count, x, y, df, z;

	if (a->count < STATS_REQUESTS_MIN || b->count < STATS_REQUESTS_MIN ||
	    !is_nearly_normal(a, b))
		return too_few;
	x = moments_around(a, histogram_mean(a)).second / (n_a - 1) / n_a;
	y = moments_around(b, histogram_mean(b)).second / (n_b - 1) / n_b;
	if (!(x + y > 0))
		return (struct stats_test){true, 1, 0};
	df = (x + y) * (x + y) / (x * x / (n_a - 1) + y * y / (n_b - 1));
	z = deviate_of_t((histogram_mean(b) - histogram_mean(a)) / sqrt(x + y), df);
	return (struct stats_test){true, stats_p_of(z), z};
}
