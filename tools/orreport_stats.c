/*
 * orreport_stats.c: whether two samples of requests differ by more than chance would have it.
 */
#include "orreport_stats.h"

#include <math.h>

/* A normal deviate beyond this has a p-value that a double cannot hold. */
#define Z_MAX 38.0
/* Tables that are as likely as the one that was seen may come out a little likelier. */
#define TIE (1 + 1e-7)
/* Beyond this variance of its hits, the hypergeometric distribution is taken to be normal. */
#define EXACT_VARIANCE_MAX 1e6

static const struct stats_test too_few = {false, NAN, NAN};

static double p_of(double z)
{
	return erfc(fabs(z) / sqrt(2));
}

/* The deviate >= 0 whose two-sided p-value is `p`, by halving. */
static double deviate_of(double p)
{
	double low = 0, high = Z_MAX;

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		*(p_of(middle) > p ? &low : &high) = middle;
	}
	return low;
}

/* --- Rates ------------------------------------------------------------------------------------ */

/*
 * Hits of a, given those of both: hypergeometric. Chances are relative to that of the likeliest
 * count and are found by walking from it, either way, until they vanish: no more than some 38
 * standard deviations.
 */
struct walk {
	double n_a, n_b, hits; /* of both */
	double seen;           /* of a */
	double first, last;    /* that a can have */
};

/* The chance of x + 1 hits over that of x. */
static double ratio(const struct walk *w, double x)
{
	return (w->n_a - x) * (w->hits - x) / ((x + 1) * (w->n_b - w->hits + x + 1));
}

static double likeliest(const struct walk *w)
{
	return floor((w->hits + 1) * (w->n_a + 1) / (w->n_a + w->n_b + 2));
}

/*
 * Walks from the likeliest count to `end`, while there is a chance, and adds up the chances that
 * are at most `most`. Returns that of `end`.
 */
static double walk_to(const struct walk *w, double end, double most, double *sum)
{
	double x = likeliest(w), chance = 1, step = end < x ? -1 : 1;

	while (x != end && chance > 0) {
		chance *= step > 0 ? ratio(w, x) : 1 / ratio(w, x - 1);
		x += step;
		if (chance <= most)
			*sum += chance;
	}
	return x == end ? chance : 0;
}

static double chance_of(const struct walk *w, double x)
{
	double ignored = 0;

	return walk_to(w, x, 0, &ignored);
}

/* The chance of all counts that are each at most so likely. */
static double chance_up_to(const struct walk *w, double most)
{
	double sum = 1 <= most;

	walk_to(w, w->first, most, &sum);
	walk_to(w, w->last, most, &sum);
	return sum;
}

/* `share` of the chance of tables that are just as likely as the one that was seen counts. */
static struct stats_test exact_rate(const struct walk *w, double share)
{
	double all = chance_up_to(w, INFINITY), seen = chance_of(w, w->seen);
	double rarest = fmin(chance_of(w, w->first), chance_of(w, w->last));

	/* What is the least that samples of this size can come to? */
	if (!(chance_up_to(w, rarest * TIE) / all < STATS_LEVEL))
		return too_few;
	return (struct stats_test){true,
	    (share * chance_up_to(w, seen * TIE) + (1 - share) * chance_up_to(w, seen / TIE)) / all,
	    NAN};
}

static double variance_of_hits(const struct walk *w)
{
	double n = w->n_a + w->n_b, p = w->hits / n;

	return w->n_a * w->n_b / n * p * (1 - p) * n / (n - 1);
}

static struct stats_test compare_rates(
    uint64_t hits_a, uint64_t n_a, uint64_t hits_b, uint64_t n_b, double share)
{
	struct walk w = {.n_a = (double)n_a, .n_b = (double)n_b, .seen = (double)hits_a};
	double higher = (double)hits_b / (double)n_b - (double)hits_a / (double)n_a;
	struct stats_test t;

	if (n_a == 0 || n_b == 0)
		return too_few;
	w.hits = (double)hits_a + (double)hits_b;
	w.first = fmax(0, w.hits - w.n_b);
	w.last = fmin(w.hits, w.n_a);
	if (w.first == w.last)
		return too_few;
	if (variance_of_hits(&w) > EXACT_VARIANCE_MAX) {
		double expected = w.hits * w.n_a / (w.n_a + w.n_b);

		t = (struct stats_test){.enough = true};
		t.p = p_of((w.seen - expected) / sqrt(variance_of_hits(&w)));
	} else {
		t = exact_rate(&w, share);
	}
	if (t.enough)
		t.z = copysign(deviate_of(t.p), higher);
	return t;
}

struct stats_test stats_rate(uint64_t hits_a, uint64_t n_a, uint64_t hits_b, uint64_t n_b)
{
	return compare_rates(hits_a, n_a, hits_b, n_b, 1);
}

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

/* Whether each sample is expected to have enough on either side of the cut (Cochran 1954). */
static bool is_frequent(const struct histogram *a, const struct histogram *b, uint64_t up_to)
{
	double n = (double)a->count + (double)b->count, share = (double)up_to / n;
	double smaller = fmin((double)a->count, (double)b->count);

	return fmin(share, 1 - share) * smaller >= STATS_EXPECTED_MIN;
}

struct stats_test stats_quantile(const struct histogram *a, const struct histogram *b, double q)
{
	struct cut cut;

	if (a->count < STATS_REQUESTS_MIN || b->count < STATS_REQUESTS_MIN)
		return too_few;
	cut = nearest_cut(a, b, q * ((double)a->count + (double)b->count));
	return compare_rates(a->count - cut.a, a->count, b->count - cut.b, b->count,
	    is_frequent(a, b, cut.a + cut.b) ? 0.5 : 1);
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
	return (struct stats_test){true, p_of(z), z};
}
