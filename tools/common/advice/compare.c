/*
 * compare.c: whether one model is faster than another by more than chance would have it.
 *
 * A snapshot has no histograms by model, only count, min, p50, p95, p99 and
 * max. Between these the share of values above a time is interpolated (as a normal deviate over the
 * logarithm of the time), and the two models are compared as --compare compares two periods: both
 * are cut at a quantile of both together, and the shares above the cut are tested by Fisher's exact
 * test. It is done at p50 and at p95; either is enough. The level is that of --compare, shared out
 * among the two tests and all models that might have been named (Bonferroni): so where no model is
 * faster, one is named in at most 1 % of the cases. tests/integration/test_verdicts.py holds it to
 * that.
 */
#include "common/stats_rate.h"
#include "internal.h"

#include <math.h>

#define POINTS 5
/* Points of a summary that are so close (of logarithms) are of one bucket, or of neighbours. */
#define ALIKE 0.045

/*
 * How many of a summary's values are larger than some of them: log(value), values above, and that
 * as a normal deviate, which grows nearly in line with the logarithm of the value.
 */
struct curve {
	double n;
	double at[POINTS], above[POINTS], deviate[POINTS];
};

/* Half a value stands for none, and for all. */
static double deviate_of(double share, double n)
{
	share = fmin(fmax(share, 0.5 / n), 1 - 0.5 / n);
	return share < 0.5 ? stats_deviate_of(2 * share) : -stats_deviate_of(2 * (1 - share));
}

/* Nearest rank: so many values are beyond the q-quantile. */
static double beyond(double n, double q)
{
	return n - ceil(q * n - 1e-9);
}

static bool curve_of(const struct summary *s, struct curve *out)
{
	const double points[POINTS] = {s->min, s->p50, s->p95, s->p99, s->max};
	double n = (double)s->count;

	*out =
	    (struct curve){.n = n, .above = {n, beyond(n, 0.5), beyond(n, 0.95), beyond(n, 0.99)}};
	for (int i = 0; i < POINTS; i++) {
		double value = points[i];

		if (!(value >= 0) || isinf(value))
			return false;
		/* A percentile is the middle of its bucket, and may be beyond the maximum. */
		out->at[i] = log(fmax(value, 1e-6));
		if (i > 0 && out->at[i] < out->at[i - 1])
			out->at[i] = out->at[i - 1];
		out->deviate[i] = n > 0 ? deviate_of(out->above[i] / n, n) : 0;
	}
	return n > 0;
}

/* Which way an unknown count is taken: against the claim. */
enum bound { LOWER, UPPER };

/*
 * The values above exp(x). Where many values
 * are alike, those at a point are not those behind it, and nothing lies between it and the next: a
 * bound is taken there.
 */
static double above(const struct curve *c, double x, enum bound bound)
{
	if (x < c->at[0])
		return c->n;
	for (int i = 1; i < POINTS; i++) {
		double width = c->at[i] - c->at[i - 1];
		double part = (x - c->at[i - 1]) / width;
		double from = c->deviate[i - 1], to = c->deviate[i];

		if (x >= c->at[i])
			continue;
		if (i > 1 && c->at[i - 1] - c->at[i - 2] < ALIKE)
			return bound == UPPER ? c->above[i - 1] : fmin(c->above[i] + 1, c->n);
		return c->n * erfc((from + (to - from) * part) / sqrt(2)) / 2;
	}
	return 0;
}

static double both_above(const struct curve *slow, const struct curve *fast, double x)
{
	return above(slow, x, LOWER) + above(fast, x, UPPER);
}

/* Where `wanted` values of both together are above, as nearly as may be: by halving. */
static double cut_at(const struct curve *slow, const struct curve *fast, double wanted)
{
	double low = fmin(slow->at[0], fast->at[0]);
	double high = fmax(slow->at[POINTS - 1], fast->at[POINTS - 1]);

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		*(both_above(slow, fast, middle) > wanted ? &low : &high) = middle;
	}
	/* Many values may be alike: then the cut is on either side of them. */
	return both_above(slow, fast, low) - wanted < wanted - both_above(slow, fast, high) ? low
	                                                                                    : high;
}

static bool is_higher_at(const struct curve *slow, const struct curve *fast, double q, double level)
{
	double cut = cut_at(slow, fast, (1 - q) * (slow->n + fast->n));
	struct stats_test t = stats_rate((uint64_t)(above(slow, cut, LOWER)), (uint64_t)slow->n,
	    (uint64_t)ceil(above(fast, cut, UPPER)), (uint64_t)fast->n);

	return t.enough && t.p < level && t.z < 0;
}

bool advice_is_certain(const struct advice_subject *than, const struct advice_subject *better,
    enum summary_kind kind, int sign, size_t candidates)
{
	const struct advice_subject *high = sign > 0 ? than : better;
	const struct advice_subject *low = sign > 0 ? better : than;
	double level = STATS_LEVEL / 2 / (double)candidates;
	struct curve a, b;

	if (!curve_of(&high->stats->of[kind], &a) || !curve_of(&low->stats->of[kind], &b))
		return false;
	return is_higher_at(&a, &b, 0.5, level) || is_higher_at(&a, &b, 0.95, level);
}
