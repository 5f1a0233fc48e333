/*
 * histogram.c: base-2 exponential histograms of scale 5.
 */
#include "histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_PER_DOUBLING 32
#define GROW                 16

void histogram_init(struct histogram *h)
{
	*h = (struct histogram){.min = NAN, .max = NAN};
}

void histogram_free(struct histogram *h)
{
	free(h->buckets);
	histogram_init(h);
}

void histogram_clear(struct histogram *h)
{
	uint64_t *buckets = h->buckets;
	uint32_t capacity = h->capacity;

	histogram_init(h);
	h->buckets = buckets;
	h->capacity = capacity;
}

int32_t histogram_index(double value)
{
	/* (2^(i/32), 2^((i+1)/32]: the upper bound belongs to the bucket. */
	double i = ceil(log2(value) * BUCKETS_PER_DOUBLING) - 1;

	if (!(i > HISTOGRAM_INDEX_MIN))
		return HISTOGRAM_INDEX_MIN;
	return i > HISTOGRAM_INDEX_MAX ? HISTOGRAM_INDEX_MAX : (int32_t)i;
}

/* Makes buckets[] span first..last, keeping what it holds. */
static bool make_span(struct histogram *h, int32_t first, int32_t last)
{
	uint32_t length, shift;

	if (h->length == 0) {
		h->offset = first;
	} else {
		if (h->offset < first)
			first = h->offset;
		if (h->offset + (int32_t)h->length - 1 > last)
			last = h->offset + (int32_t)h->length - 1;
	}
	length = (uint32_t)(last - first + 1);
	if (length > h->capacity) {
		uint32_t capacity = length + GROW;
		uint64_t *buckets = realloc(h->buckets, capacity * sizeof(*buckets));

		if (!buckets)
			return false;
		h->buckets = buckets;
		h->capacity = capacity;
	}
	shift = (uint32_t)(h->offset - first);
	memmove(h->buckets + shift, h->buckets, h->length * sizeof(*h->buckets));
	memset(h->buckets, 0, shift * sizeof(*h->buckets));
	memset(
	    h->buckets + shift + h->length, 0, (length - shift - h->length) * sizeof(*h->buckets));
	h->offset = first;
	h->length = length;
	return true;
}

static bool has_bucket(const struct histogram *h, int32_t index)
{
	return index >= h->offset && index < h->offset + (int32_t)h->length;
}

bool histogram_add_bucket(struct histogram *h, int32_t index, uint64_t n)
{
	if (!has_bucket(h, index) && !make_span(h, index, index))
		return false;
	h->buckets[index - h->offset] += n;
	return true;
}

bool histogram_set_buckets(struct histogram *h, int32_t offset, const uint64_t *buckets, uint32_t n)
{
	if (n == 0)
		return true;
	if (!make_span(h, offset, offset + (int32_t)n - 1))
		return false;
	memcpy(h->buckets, buckets, n * sizeof(*buckets));
	return true;
}

static void widen(struct histogram *h, double min, double max)
{
	/* A comparison with NaN is false: written so that the first value takes its place. */
	if (!(h->min <= min))
		h->min = min;
	if (!(h->max >= max))
		h->max = max;
}

bool histogram_add(struct histogram *h, double value)
{
	return histogram_add_at(h, value, value > 0 ? histogram_index(value) : 0);
}

bool histogram_add_at(struct histogram *h, double value, int32_t index)
{
	if (value > 0) {
		if (!histogram_add_bucket(h, index, 1))
			return false;
	} else {
		h->zero_count++;
	}
	h->count++;
	h->sum += value;
	widen(h, value, value);
	return true;
}

bool histogram_merge(struct histogram *to, const struct histogram *from)
{
	if (from->count == 0)
		return true;
	if (from->length > 0) {
		if (!make_span(to, from->offset, from->offset + (int32_t)from->length - 1))
			return false;
		for (uint32_t i = 0; i < from->length; i++)
			to->buckets[from->offset - to->offset + (int32_t)i] += from->buckets[i];
	}
	to->count += from->count;
	to->zero_count += from->zero_count;
	to->sum += from->sum;
	widen(to, from->min, from->max);
	return true;
}

double histogram_quantile(const struct histogram *h, double q)
{
	double value = h->max;
	uint64_t rank, seen = h->zero_count;

	if (h->count == 0)
		return NAN;
	rank = (uint64_t)ceil(q * (double)h->count);
	if (rank <= seen && h->zero_count > 0)
		return 0;
	for (uint32_t i = 0; i < h->length; i++) {
		seen += h->buckets[i];
		if (seen >= rank && seen > 0) {
			value = exp2((h->offset + (int32_t)i + 0.5) / BUCKETS_PER_DOUBLING);
			break;
		}
	}
	return fmin(fmax(value, h->min), h->max);
}

double histogram_mean(const struct histogram *h)
{
	return h->count ? h->sum / (double)h->count : NAN;
}
