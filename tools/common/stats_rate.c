/*
 * stats_rate.c: whether two rates differ by more than chance would have it: Fisher's exact test.
 */
#include "stats_rate.h"

#include <math.h>

/* A normal deviate beyond this has a p-value that a double cannot hold. */
#define Z_MAX 38.0
/* Tables that are as likely as the one that was seen may come out a little likelier. */
#define TIE (1 + 1e-7)
/* Beyond this variance of its hits, the hypergeometric distribution is taken to be normal. */
#define EXACT_VARIANCE_MAX 1e6

static const struct stats_test too_few = {false, NAN, NAN};

double stats_p_of(double z)
{
	return erfc(fabs(z) / sqrt(2));
}

/* By halving. */
double stats_deviate_of(double p)
{
	double low = 0, high = Z_MAX;

	for (int i = 0; i < 60; i++) {
		double middle = (low + high) / 2;

		*(stats_p_of(middle) > p ? &low : &high) = middle;
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

struct stats_test stats_rate_by(
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
		t.p = stats_p_of((w.seen - expected) / sqrt(variance_of_hits(&w)));
	} else {
		t = exact_rate(&w, share);
	}
	if (t.enough)
		t.z = copysign(stats_deviate_of(t.p), higher);
	return t;
}

struct stats_test stats_rate(uint64_t hits_a, uint64_t n_a, uint64_t hits_b, uint64_t n_b)
{
	return stats_rate_by(hits_a, n_a, hits_b, n_b, 1);
}
