/*
 * histogram.h: base-2 exponential histograms of scale 5, as in OpenTelemetry's
 * ExponentialHistogram (opentelemetry.io/docs/specs/otel/metrics/data-model) and Prometheus native
 * histograms. Bucket i holds values in (2^(i/32), 2^((i+1)/32)], so a quantile read off the
 * geometric middle of its bucket is wrong by at most 2^(1/64) - 1 = 1.09 %. They merge exactly.
 */
#ifndef ORBUS_STATS_HISTOGRAM_H
#define ORBUS_STATS_HISTOGRAM_H

#include "base/data_limits.h"
#include "exact_sum.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HISTOGRAM_SCALE 5

/*
 * Each bucket's count takes as many bytes as the largest of the histogram needs: a minute's part of
 * the last hour, of which there are sixty for every model, has small counts.
 */
struct histogram {
	struct exact_sum sum;
	uint64_t count;      /* that of zeros and all buckets together; COUNT_MAX at most */
	uint64_t zero_count; /* values that are 0 */
	double min, max;     /* of all values; NaN when there are none */
	int32_t offset;      /* index of the first bucket */
	uint32_t length;     /* buckets in use */
	uint32_t capacity;
	uint32_t width; /* bytes of a count: 1, 2, 4 or 8 */
	void *buckets;  /* read them by histogram_bucket() */
};

void histogram_init(struct histogram *h);
void histogram_free(struct histogram *h);

/* Forgets the values, keeps the memory. */
void histogram_clear(struct histogram *h);

/* The bucket that holds a value > 0, kept within INDEX_MIN..INDEX_MAX. */
int32_t histogram_index(double value);

/*
 * Adds a value from 0 to FIGURE_MAX; one of more than COUNT_MAX values is passed over. False: out
 * of memory, nothing is changed.
 */
bool histogram_add(struct histogram *h, double value);

/*
 * Adds all of `from` to `to`, as far as COUNT_MAX lets it. False: out of memory, nothing is
 * changed.
 */
bool histogram_merge(struct histogram *to, const struct histogram *from);

/* Adds `n` values of bucket `index`, without touching count, sum, min and max. */
bool histogram_add_bucket(struct histogram *h, int32_t index, uint64_t n);

/* The count of the bucket at `place`, which is index - offset, below `length`. */
static inline uint64_t histogram_bucket(const struct histogram *h, uint32_t place)
{
	switch (h->width) {
	case 1: return ((const uint8_t *)h->buckets)[place];
	case 2: return ((const uint16_t *)h->buckets)[place];
	case 4: return ((const uint32_t *)h->buckets)[place];
	default: return ((const uint64_t *)h->buckets)[place];
	}
}

/* Counts one more in the bucket at `place`. False: that is beyond what its width can hold. */
static inline bool histogram_try_count(struct histogram *h, uint32_t place)
{
	switch (h->width) {
	case 1:
		return ((uint8_t *)h->buckets)[place] < UINT8_MAX &&
		       ++((uint8_t *)h->buckets)[place];
	case 2:
		return ((uint16_t *)h->buckets)[place] < UINT16_MAX &&
		       ++((uint16_t *)h->buckets)[place];
	case 4:
		return ((uint32_t *)h->buckets)[place] < UINT32_MAX &&
		       ++((uint32_t *)h->buckets)[place];
	default: return ++((uint64_t *)h->buckets)[place];
	}
}

/*
 * As histogram_add(), for a caller that has computed these already because the value goes into
 * several histograms: its bucket, histogram_index(value), and exact_of(value).
 */
static inline bool histogram_add_at(
    struct histogram *h, double value, int32_t index, const struct exact_sum *exact)
{
	uint32_t place = (uint32_t)(index - h->offset);
	uint64_t count = h->count + 1;

	if (count > COUNT_MAX)
		return true;
	if (!(value > 0))
		h->zero_count++;
	else if ((place >= h->length || !histogram_try_count(h, place)) &&
		 !histogram_add_bucket(h, index, 1))
		return false;
	h->count = count;
	exact_add(&h->sum, *exact);
	/* A comparison with NaN is false: written so that the first value takes its place. */
	if (!(h->min <= value))
		h->min = value;
	if (!(h->max >= value))
		h->max = value;
	return true;
}

/*
 * Gives an empty histogram `n` buckets from index `offset` on, all within INDEX_MIN..INDEX_MAX,
 * without touching count, sum, min and max. False: out of memory.
 */
bool histogram_set_buckets(
    struct histogram *h, int32_t offset, const uint64_t *buckets, uint32_t n);

/*
 * The nearest-rank q-quantile, 0 <= q <= 1: the geometric middle of the bucket that holds the
 * ceil(q * count)-th smallest value, kept within [min, max]. NaN when empty.
 */
double histogram_quantile(const struct histogram *h, double q);

/* The mean, from the exact sum; NaN when empty. */
double histogram_mean(const struct histogram *h);

#endif
