/*
 * histogram.c: base-2 exponential histograms of scale 5.
 */
#include "histogram.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS_PER_DOUBLING 32
/* Of a double, IEEE 754. */
#define MANTISSA_BITS 52
#define MANTISSA_MASK ((UINT64_C(1) << MANTISSA_BITS) - 1)
#define EXPONENT_BIAS 1023
#define GROW          16

void histogram_init(struct histogram *h)
{
	*h = (struct histogram){.min = NAN, .max = NAN, .width = 1};
}

void histogram_free(struct histogram *h)
{
	free(h->buckets);
	histogram_init(h);
}

void histogram_clear(struct histogram *h)
{
	void *buckets = h->buckets;
	uint32_t capacity = h->capacity, width = h->width;

	histogram_init(h);
	h->buckets = buckets;
	h->capacity = capacity;
	h->width = width;
}

/*
 * The upper bounds of the buckets between 1 and 2: the largest doubles not above 2^(k/32), so that
 * a comparison with them is one with the irrational bound itself.
 */
static const double bounds[BUCKETS_PER_DOUBLING + 1] = {0x1p0, 0x1.059b0d3158574p0,
    0x1.0b5586cf9890fp0, 0x1.11301d0125b50p0, 0x1.172b83c7d517ap0, 0x1.1d4873168b9aap0,
    0x1.2387a6e756238p0, 0x1.29e9df51fdee1p0, 0x1.306fe0a31b715p0, 0x1.371a7373aa9cap0,
    0x1.3dea64c123422p0, 0x1.44e086061892dp0, 0x1.4bfdad5362a27p0, 0x1.5342b569d4f81p0,
    0x1.5ab07dd485429p0, 0x1.6247eb03a5584p0, 0x1.6a09e667f3bccp0, 0x1.71f75e8ec5f73p0,
    0x1.7a11473eb0186p0, 0x1.82589994cce12p0, 0x1.8ace5422aa0dbp0, 0x1.93737b0cdc5e4p0,
    0x1.9c49182a3f090p0, 0x1.a5503b23e255cp0, 0x1.ae89f995ad3adp0, 0x1.b7f76f2fb5e46p0,
    0x1.c199bdd85529cp0, 0x1.cb720dcef9069p0, 0x1.d5818dcfba487p0, 0x1.dfc97337b9b5ep0,
    0x1.ea4afa2a490d9p0, 0x1.f50765b6e4540p0, 0x1p+1};

int32_t histogram_index(double value)
{
	uint64_t bits, k;
	int32_t exponent;
	double m;
	int32_t index;

	memcpy(&bits, &value, sizeof(bits));
	exponent = (int32_t)(bits >> MANTISSA_BITS) - EXPONENT_BIAS;
	if (exponent < HISTOGRAM_INDEX_MIN / BUCKETS_PER_DOUBLING)
		return HISTOGRAM_INDEX_MIN;
	if (exponent > HISTOGRAM_INDEX_MAX / BUCKETS_PER_DOUBLING)
		return HISTOGRAM_INDEX_MAX;
	bits = (bits & MANTISSA_MASK) | (uint64_t)EXPONENT_BIAS << MANTISSA_BITS;
	memcpy(&m, &bits, sizeof(m)); /* 1 <= m < 2 */
	/* A parabola through log2's ends, wrong by a third of a bucket at most, then the bounds. */
	k = (uint64_t)((m - 1) * (1.3465553856377803 - 0.3465553856377803 * (m - 1)) *
		       BUCKETS_PER_DOUBLING);
	k += bounds[k + 1] < m;
	/* (2^(i/32), 2^((i+1)/32]: the upper bound belongs to the bucket. */
	index = exponent * BUCKETS_PER_DOUBLING + (int32_t)k - (bounds[k] >= m);
	/* 2^-10 is the upper bound of the bucket below the lowest. */
	return index < HISTOGRAM_INDEX_MIN ? HISTOGRAM_INDEX_MIN : index;
}

static void set_bucket(void *buckets, uint32_t width, uint32_t place, uint64_t n)
{
	switch (width) {
	case 1: ((uint8_t *)buckets)[place] = (uint8_t)n; break;
	case 2: ((uint16_t *)buckets)[place] = (uint16_t)n; break;
	case 4: ((uint32_t *)buckets)[place] = (uint32_t)n; break;
	default: ((uint64_t *)buckets)[place] = n;
	}
}

/* The bytes that a count takes. */
static uint32_t width_of(uint64_t n)
{
	return n <= UINT8_MAX ? 1 : n <= UINT16_MAX ? 2 : n <= UINT32_MAX ? 4 : 8;
}

/* Makes the buckets span first..last, keeping what they hold. */
static bool make_span(struct histogram *h, int32_t first, int32_t last)
{
	uint32_t length, shift;
	char *bytes;

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
		void *buckets = realloc(h->buckets, (size_t)capacity * h->width);

		if (!buckets)
			return false;
		h->buckets = buckets;
		h->capacity = capacity;
	}
	shift = (uint32_t)(h->offset - first);
	bytes = h->buckets;
	memmove(bytes + (size_t)shift * h->width, bytes, (size_t)h->length * h->width);
	memset(bytes, 0, (size_t)shift * h->width);
	memset(bytes + (size_t)(shift + h->length) * h->width, 0,
	    (size_t)(length - shift - h->length) * h->width);
	h->offset = first;
	h->length = length;
	return true;
}

/* Gives each bucket `width` bytes. */
static bool make_width(struct histogram *h, uint32_t width)
{
	void *buckets = malloc((size_t)h->capacity * width);

	if (!buckets)
		return false;
	for (uint32_t i = 0; i < h->length; i++)
		set_bucket(buckets, width, i, histogram_bucket(h, i));
	free(h->buckets);
	h->buckets = buckets;
	h->width = width;
	return true;
}

static bool add_at_place(struct histogram *h, uint32_t place, uint64_t n)
{
	uint64_t sum = histogram_bucket(h, place) + n;

	if (width_of(sum) > h->width && !make_width(h, width_of(sum)))
		return false;
	set_bucket(h->buckets, h->width, place, sum);
	return true;
}

bool histogram_add_bucket(struct histogram *h, int32_t index, uint64_t n)
{
	bool has = index >= h->offset && index < h->offset + (int32_t)h->length;

	return (has || make_span(h, index, index)) &&
	       add_at_place(h, (uint32_t)(index - h->offset), n);
}

bool histogram_set_buckets(struct histogram *h, int32_t offset, const uint64_t *buckets, uint32_t n)
{
	uint64_t seen = 0;

	if (n == 0)
		return true;
	for (uint32_t i = 0; i < n; i++)
		seen |= buckets[i];
	if (!make_span(h, offset, offset + (int32_t)n - 1) ||
	    (width_of(seen) > h->width && !make_width(h, width_of(seen))))
		return false;
	for (uint32_t i = 0; i < n; i++)
		set_bucket(h->buckets, h->width, i, buckets[i]);
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
	const struct exact_sum exact = exact_of(value);

	return histogram_add_at(h, value, value > 0 ? histogram_index(value) : 0, &exact);
}

#define ADD(T, F)                                                 \
	case 16 * sizeof(T) + sizeof(F): {                        \
		T *sums = (T *)to->buckets + shift;               \
		const F *terms = from->buckets;                   \
		for (uint32_t i = 0; i < from->length; i++) {     \
			uint64_t sum = sums[i] + sign * terms[i]; \
			seen |= sum;                              \
			sums[i] = (T)sum;                         \
		}                                                 \
		break;                                            \
	}

/* Adds `sign` times the buckets of `from`, none wider than those of `to`. All bits of the sums. */
static uint64_t add_buckets(struct histogram *to, const struct histogram *from, uint64_t sign)
{
	uint32_t shift = (uint32_t)(from->offset - to->offset);
	uint64_t seen = 0;

	/* The buckets of `from` lie within those of `to`, which were zeroed when they were made. */
	// NOLINTBEGIN(clang-analyzer-core.UndefinedBinaryOperatorResult)
	switch (16 * to->width + from->width) {
		ADD(uint8_t, uint8_t)
		ADD(uint16_t, uint8_t)
		ADD(uint16_t, uint16_t)
		ADD(uint32_t, uint8_t)
		ADD(uint32_t, uint16_t)
		ADD(uint32_t, uint32_t)
		ADD(uint64_t, uint8_t)
		ADD(uint64_t, uint16_t)
		ADD(uint64_t, uint32_t)
		ADD(uint64_t, uint64_t)
	}
	// NOLINTEND(clang-analyzer-core.UndefinedBinaryOperatorResult)
	return seen;
}

/*
 * The span is wide enough. Sums are tried in the width that there is: where one has outgrown it,
 * all are taken back, which wrapped integers allow, and the width grows. False: nothing is changed.
 */
static bool merge_buckets(struct histogram *to, const struct histogram *from)
{
	uint32_t width;

	if (to->width < from->width && !make_width(to, from->width))
		return false;
	width = width_of(add_buckets(to, from, 1));
	if (width <= to->width)
		return true;
	(void)add_buckets(to, from, UINT64_MAX);
	if (!make_width(to, width))
		return false;
	(void)add_buckets(to, from, 1);
	return true;
}

/* What of `n` values there is still room for; they then count. */
static uint64_t take_some(struct histogram *to, uint64_t n)
{
	uint64_t room = COUNT_MAX - to->count;

	if (n > room)
		n = room;
	to->count += n;
	return n;
}

/*
 * Of more values than can be counted, those that can: count remains the sum of zeros and buckets,
 * which every reader checks. The span is wide enough.
 */
static bool merge_what_fits(struct histogram *to, const struct histogram *from)
{
	if (to->width < sizeof(uint64_t) && !make_width(to, sizeof(uint64_t)))
		return false;
	to->zero_count += take_some(to, from->zero_count);
	for (uint32_t i = 0; i < from->length; i++)
		(void)histogram_add_bucket(
		    to, from->offset + (int32_t)i, take_some(to, histogram_bucket(from, i)));
	return true;
}

bool histogram_merge(struct histogram *to, const struct histogram *from)
{
	bool all_fit = from->count <= COUNT_MAX - to->count;

	if (from->count == 0)
		return true;
	if (from->length > 0 &&
	    !make_span(to, from->offset, from->offset + (int32_t)from->length - 1))
		return false;
	if (!all_fit) {
		if (!merge_what_fits(to, from))
			return false;
	} else {
		if (from->length > 0 && !merge_buckets(to, from))
			return false;
		to->count += from->count;
		to->zero_count += from->zero_count;
	}
	exact_add(&to->sum, from->sum);
	widen(to, from->min, from->max);
	return true;
}

bool histogram_merge_coarse(struct histogram *to, const struct histogram *from, unsigned shift)
{
	struct histogram coarse;
	bool ok = true;

	histogram_init(&coarse);
	coarse.sum = from->sum;
	coarse.count = from->count;
	coarse.zero_count = from->zero_count;
	for (uint32_t i = 0; ok && i < from->length; i++) {
		/* An arithmetic shift: the floor of a division, for negative numbers too. */
		int32_t index = (from->offset + (int32_t)i) >> shift;

		ok = histogram_add_bucket(&coarse, index, histogram_bucket(from, i));
	}
	ok = ok && histogram_merge(to, &coarse);
	histogram_free(&coarse);
	return ok;
}

/* The place of the value of a rank among those in buckets; `length`: there is none. */
static uint32_t place_of_rank(const struct histogram *h, uint64_t rank)
{
	uint64_t seen = h->zero_count;
	uint32_t i = 0;

	while (i < h->length && ((seen += histogram_bucket(h, i)) < rank || seen == 0))
		i++;
	return i;
}

/* The same from the other end, which is nearer to the values that are asked for most. */
static uint32_t place_of_high_rank(const struct histogram *h, uint64_t rank)
{
	uint64_t beyond = h->count - rank;
	uint32_t i = h->length;

	while (i > 0 && histogram_bucket(h, i - 1) <= beyond)
		beyond -= histogram_bucket(h, --i);
	return i > 0 ? i - 1 : h->length;
}

double histogram_quantile(const struct histogram *h, double q)
{
	return histogram_quantile_at(h, HISTOGRAM_SCALE, q);
}

double histogram_quantile_at(const struct histogram *h, unsigned scale, double q)
{
	double value = h->max;
	uint64_t rank;
	uint32_t place;

	if (h->count == 0)
		return NAN;
	rank = (uint64_t)ceil(q * (double)h->count);
	if (rank <= h->zero_count && h->zero_count > 0)
		return 0;
	place = q > 0.5 && rank <= h->count ? place_of_high_rank(h, rank) : place_of_rank(h, rank);
	if (place < h->length)
		value = exp2((h->offset + (int32_t)place + 0.5) / (double)(1u << scale));
	return fmin(fmax(value, h->min), h->max);
}

double histogram_mean(const struct histogram *h)
{
	return exact_mean(h->sum, (struct exact_sum){0}, h->count, h->min, h->max);
}
