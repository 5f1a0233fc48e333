/*
 * orreport_stats.c: whether two samples of requests differ by more than chance would have it.
 */
#include "orreport_stats.h"

#include <math.h>

static const struct stats_test too_few = {false, NAN};

static double bucket(const struct histogram *h, int32_t index)
{
	if (index < h->offset || index >= h->offset + (int32_t)h->length)
		return 0;
	return (double)histogram_bucket(h, (uint32_t)(index - h->offset));
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

/* Of values that are taken to lie in the middle of their buckets, around the exact mean. */
static double variance(const struct histogram *h)
{
	double mean = histogram_mean(h), sum = (double)h->zero_count * mean * mean;

	for (uint32_t i = 0; i < h->length; i++) {
		double d = exp2((h->offset + (int32_t)i + 0.5) / (1 << HISTOGRAM_SCALE)) - mean;

		sum += (double)histogram_bucket(h, i) * d * d;
	}
	return sum / (double)(h->count - 1);
}

struct stats_test stats_mean(const struct histogram *a, const struct histogram *b)
{
	double spread, difference;

	if (a->count < STATS_MEAN_MIN || b->count < STATS_MEAN_MIN)
		return too_few;
	spread = sqrt(variance(a) / (double)a->count + variance(b) / (double)b->count);
	difference = histogram_mean(b) - histogram_mean(a);
	return (struct stats_test){true, spread > 0 ? difference / spread : 0};
}

/* What goes up to the rank test as the buckets are walked from the lowest. */
struct ranks {
	double below_a; /* of a, in lower buckets */
	double u;       /* pairs in which b is higher, ties as half */
	double ties;    /* sum of t^3 - t */
};

static void add_bucket(struct ranks *r, double in_a, double in_b)
{
	double t = in_a + in_b;

	r->u += in_b * (r->below_a + in_a / 2);
	r->ties += t * t * t - t;
	r->below_a += in_a;
}

struct stats_test stats_rank(const struct histogram *a, const struct histogram *b)
{
	double n_a = (double)a->count, n_b = (double)b->count, n = n_a + n_b, spread, d;
	struct ranks r = {0};

	if (a->count < STATS_RANK_MIN || b->count < STATS_RANK_MIN)
		return too_few;
	add_bucket(&r, (double)a->zero_count, (double)b->zero_count);
	for (int32_t i = first_of(a, b); i < end_of(a, b); i++)
		add_bucket(&r, bucket(a, i), bucket(b, i));
	spread = sqrt(n_a * n_b / 12 * (n + 1 - r.ties / (n * (n - 1))));
	d = r.u - n_a * n_b / 2;
	d = fabs(d) > 0.5 ? d - copysign(0.5, d) : 0;
	return (struct stats_test){true, spread > 0 ? d / spread : 0};
}

struct stats_test stats_rate(double hits_a, double n_a, double hits_b, double n_b)
{
	double p = (hits_a + hits_b) / (n_a + n_b);
	double rarer = fmin(p, 1 - p);

	/* NaN, of none at all, fails this too. */
	if (!(rarer * fmin(n_a, n_b) >= STATS_RATE_MIN))
		return too_few;
	return (struct stats_test){
	    true, (hits_b / n_b - hits_a / n_a) / sqrt(p * (1 - p) * (1 / n_a + 1 / n_b))};
}

struct stats_test stats_tail(const struct histogram *a, const struct histogram *b, double q)
{
	double n_a = (double)a->count, n_b = (double)b->count, rank = ceil(q * (n_a + n_b));
	double up_to_a = (double)a->zero_count, up_to_b = (double)b->zero_count;

	for (int32_t i = first_of(a, b); i < end_of(a, b) && up_to_a + up_to_b < rank; i++) {
		up_to_a += bucket(a, i);
		up_to_b += bucket(b, i);
	}
	return stats_rate(n_a - up_to_a, n_a, n_b - up_to_b, n_b);
}
