/*
 * test_histogram.c: the exponential histogram's promises: 1.1 %, exact sums, exact merges.
 */
#include "stats/histogram.h"
#include "testing.h"

#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#define VALUES 20000

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static void fill(double *values, size_t n, unsigned seed)
{
	/* From a millisecond to beyond an hour, evenly by magnitude. */
	for (size_t i = 0; i < n; i++)
		values[i] = exp2((double)rand_r(&seed) / RAND_MAX * 23);
}

static void quantiles_are_within_1_1_percent(void **state)
{
	static const double quantiles[] = {0, 0.01, 0.5, 0.9, 0.95, 0.99, 0.999, 1};
	double *values = malloc(VALUES * sizeof(*values));
	struct histogram h;

	(void)state;
	fill(values, VALUES, 7);
	histogram_init(&h);
	for (size_t i = 0; i < VALUES; i++)
		assert_true(histogram_add(&h, values[i]));
	qsort(values, VALUES, sizeof(*values), compare);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		size_t rank = (size_t)ceil(quantiles[i] * VALUES);
		double exact = values[rank ? rank - 1 : 0];

		assert_true(fabs(histogram_quantile(&h, quantiles[i]) / exact - 1) <= 0.011);
	}
	histogram_free(&h);
	free(values);
}

/* By its definition: the middle of the bucket of the value of that rank, kept within the values. */
static double quantile_by_definition(const struct histogram *h, double q)
{
	uint64_t rank = (uint64_t)ceil(q * (double)h->count), seen = h->zero_count;
	double value = h->max;

	if (rank <= seen && seen > 0)
		return 0;
	for (uint32_t i = 0; i < h->length; i++) {
		seen += histogram_bucket(h, i);
		if (seen >= rank && seen > 0) {
			value = exp2((h->offset + (int32_t)i + 0.5) / 32);
			break;
		}
	}
	return fmin(fmax(value, h->min), h->max);
}

/* From whichever end of the buckets it is looked for. */
static void quantiles_are_by_definition_of_any_histogram(void **state)
{
	unsigned seed = 11;

	(void)state;
	for (int run = 0; run < 2000; run++) {
		int values = 1 + rand_r(&seed) % (run % 2 ? 5 : 300);
		struct histogram h;

		histogram_init(&h);
		for (int i = 0; i < values; i++)
			assert_true(histogram_add(&h,
			    rand_r(&seed) % 4 ? exp2((double)rand_r(&seed) / RAND_MAX * 23) : 0));
		for (int percent = 0; percent <= 100; percent++)
			assert_true(histogram_quantile(&h, percent / 100.0) ==
				    quantile_by_definition(&h, percent / 100.0));
		histogram_free(&h);
	}
}

static void every_value_lies_in_its_bucket(void **state)
{
	(void)state;
	for (int i = -300; i < 1000; i++) {
		double upper = exp2((i + 1) / 32.0);

		assert_int_equal(histogram_index(upper * (1 - 1e-9)), i);
		assert_int_equal(histogram_index(upper * (1 + 1e-9)), i + 1);
	}
	/* Each bound itself, and what lies beside it by the last bit, in every doubling. */
	for (int i = -300; i < 1000; i++) {
		double upper = exp2((i + 1) / 32.0);

		assert_int_equal(histogram_index(nextafter(upper, 0)), i);
		assert_int_equal(
		    histogram_index(nextafter(nextafter(upper, 2 * upper), 2 * upper)), i + 1);
	}
	/* A power of two is the upper bound of its bucket. */
	assert_int_equal(histogram_index(1), -1);
	assert_int_equal(histogram_index(1024), 10 * 32 - 1);
	assert_int_equal(histogram_index(5e-324), HISTOGRAM_INDEX_MIN);
	assert_int_equal(histogram_index(1e300), HISTOGRAM_INDEX_MAX);
	assert_int_equal(histogram_index(INFINITY), HISTOGRAM_INDEX_MAX);
}

/* --- The definition of a bucket, by integers that hold every digit ---------------------------- */

#define LIMBS 64 /* of 32 bits: a power of 32 of 53 bits takes 1,696 */

/* The bits of m^32; *is_power: it is a power of two. */
static unsigned bits_of_power_32(uint64_t m, bool *is_power)
{
	uint32_t n[LIMBS] = {(uint32_t)m, (uint32_t)(m >> 32)};
	unsigned bits = 0, ones = 0;

	for (int i = 0; i < 5; i++) {
		uint32_t square[LIMBS] = {0};

		for (int a = 0; a < LIMBS; a++) {
			uint64_t carry = 0;

			for (int b = 0; a + b < LIMBS; b++) {
				carry += (uint64_t)n[a] * n[b] + square[a + b];
				square[a + b] = (uint32_t)carry;
				carry >>= 32;
			}
		}
		memcpy(n, square, sizeof(n));
	}
	for (unsigned i = 0; i < 32 * LIMBS; i++) {
		if (!(n[i / 32] >> i % 32 & 1))
			continue;
		bits = i + 1;
		ones++;
	}
	*is_power = ones == 1;
	return bits;
}

/*
 * The i of 2^(i/32) < value <= 2^((i+1)/32). With value = m * 2^e that is
 * 2^i < m^32 * 2^(32 e) <= 2^(i+1), and m^32 lies from 2^(bits-1) on, below 2^bits.
 */
static int32_t index_by_definition(double value)
{
	int e;
	uint64_t m = (uint64_t)ldexp(frexp(value, &e), 53);
	bool is_power;
	int32_t index = (int32_t)bits_of_power_32(m, &is_power) - 1 + 32 * (e - 53) - is_power;

	return index < HISTOGRAM_INDEX_MIN   ? HISTOGRAM_INDEX_MIN
	       : index > HISTOGRAM_INDEX_MAX ? HISTOGRAM_INDEX_MAX
	                                     : index;
}

static void assert_index(double value)
{
	int32_t index = histogram_index(value);

	assert_in_range(index - HISTOGRAM_INDEX_MIN, 0, HISTOGRAM_INDEX_MAX - HISTOGRAM_INDEX_MIN);
	assert_int_equal(index, index_by_definition(value));
}

/* Of a value, and of the two doubles on either side of it. */
static void assert_indices_around(double value)
{
	assert_index(value);
	assert_index(nextafter(value, 0));
	assert_index(nextafter(value, INFINITY));
	assert_index(nextafter(nextafter(value, 0), 0));
	assert_index(nextafter(nextafter(value, INFINITY), INFINITY));
}

static void every_index_is_that_of_the_definition(void **state)
{
	unsigned seed = 11;

	(void)state;
	/* A power of two below the range was given the index below the lowest, and no reader took
	 * it. */
	assert_int_equal(histogram_index(0x1p-10), HISTOGRAM_INDEX_MIN);
	assert_int_equal(histogram_index(nextafter(0x1p-10, 1)), HISTOGRAM_INDEX_MIN);
	for (int i = HISTOGRAM_INDEX_MIN - 64; i <= HISTOGRAM_INDEX_MAX + 64; i++)
		assert_indices_around(exp2(i / 32.0));
	for (int i = -1073; i < 1024; i++)
		assert_indices_around(ldexp(1, i));
	for (int i = 0; i < 2000; i++)
		assert_index(exp2((double)rand_r(&seed) / RAND_MAX * 2090 - 1070));
	assert_index(5e-324);
	assert_index(DBL_MIN);
	assert_index(DBL_MAX);
	assert_int_equal(histogram_index(INFINITY), HISTOGRAM_INDEX_MAX);
}

static void merging_equals_adding_all(void **state)
{
	double values[1000];
	struct histogram parts[3], merged, whole;

	(void)state;
	fill(values, 1000, 3);
	histogram_init(&merged);
	histogram_init(&whole);
	for (int i = 0; i < 3; i++)
		histogram_init(&parts[i]);
	for (int i = 0; i < 1000; i++) {
		assert_true(histogram_add(&parts[i % 3], values[i]));
		assert_true(histogram_add(&whole, values[i]));
	}
	for (int i = 0; i < 3; i++)
		assert_true(histogram_merge(&merged, &parts[i]));
	assert_int_equal(merged.count, whole.count);
	assert_int_equal(merged.offset, whole.offset);
	assert_int_equal(merged.length, whole.length);
	for (uint32_t i = 0; i < whole.length; i++)
		assert_int_equal(histogram_bucket(&merged, i), histogram_bucket(&whole, i));
	assert_true(merged.min == whole.min && merged.max == whole.max);
	assert_true(merged.sum.units == whole.sum.units);
	for (int i = 0; i < 3; i++)
		histogram_free(&parts[i]);
	histogram_free(&merged);
	histogram_free(&whole);
}

/* A bucket's count outgrows one byte, two and four, one by one and by merging. */
static void counts_grow_as_large_as_they_must(void **state)
{
	static const uint64_t steps[] = {
	    1, 254, 1, 65279, 1, 1, UINT32_MAX - 65538ull, 1, 1ull << 40};
	struct histogram one, merged;
	uint64_t expected = 0;

	(void)state;
	histogram_init(&one);
	histogram_init(&merged);
	assert_true(histogram_add(&one, 3));
	assert_true(histogram_add(&one, 300));
	assert_true(histogram_merge(&merged, &one));
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		struct histogram step;

		expected += steps[i];
		histogram_init(&step);
		step.count = steps[i];
		assert_true(histogram_add_bucket(&step, histogram_index(3), steps[i]));
		assert_true(histogram_merge(&merged, &step));
		if (steps[i] == 1)
			assert_true(histogram_add(&one, 3));
		else
			assert_true(histogram_add_bucket(&one, histogram_index(3), steps[i]));
		assert_int_equal(histogram_bucket(&one, 0), expected + 1);
		assert_int_equal(histogram_bucket(&merged, 0), expected + 1);
		assert_int_equal(histogram_bucket(&one, one.length - 1), 1);
		assert_int_equal(histogram_bucket(&merged, merged.length - 1), 1);
		histogram_free(&step);
	}
	histogram_free(&one);
	histogram_free(&merged);
}

static void empty_has_no_figures(void **state)
{
	struct histogram h, other;

	(void)state;
	histogram_init(&h);
	histogram_init(&other);
	assert_true(isnan(histogram_mean(&h)) && isnan(h.min) && isnan(h.max));
	assert_true(isnan(histogram_quantile(&h, 0.5)));
	assert_true(histogram_merge(&h, &other));
	assert_int_equal(h.count, 0);
}

static void one_value_is_exact(void **state)
{
	struct histogram h;

	(void)state;
	histogram_init(&h);
	assert_true(histogram_add(&h, 3450.7));
	assert_true(histogram_quantile(&h, 0.5) == 3450.7);
	assert_true(histogram_mean(&h) == 3450.7);
	histogram_free(&h);
}

static void zero_counts_and_is_the_smallest(void **state)
{
	struct histogram h;

	(void)state;
	histogram_init(&h);
	assert_true(histogram_add(&h, 0));
	assert_true(histogram_add(&h, 0));
	assert_true(histogram_add(&h, 100));
	assert_true(histogram_quantile(&h, 0.5) == 0);
	assert_true(fabs(histogram_quantile(&h, 1) / 100 - 1) <= 0.011);
	histogram_free(&h);
}

static void a_180_s_timeout_is_not_hidden(void **state)
{
	struct histogram h;

	(void)state;
	histogram_init(&h);
	for (int i = 0; i < 50; i++)
		assert_true(histogram_add(&h, 1000));
	for (int i = 0; i < 50; i++)
		assert_true(histogram_add(&h, 180000));
	assert_true(fabs(histogram_quantile(&h, 0.95) / 180000 - 1) <= 0.011);
	histogram_free(&h);
}

static void test_given_buckets_are_kept_whatever_their_size(void **state)
{
	const uint64_t counts[] = {3, UINT8_MAX + 1, UINT32_MAX, UINT64_C(1) << 40, 0, 7};
	struct histogram h;

	(void)state;
	histogram_init(&h);
	assert_true(histogram_set_buckets(&h, -4, counts, 6));
	assert_int_equal(h.offset, -4);
	assert_int_equal(h.length, 6);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(histogram_bucket(&h, i), counts[i]);
	histogram_free(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(quantiles_are_within_1_1_percent),
	    cmocka_unit_test(quantiles_are_by_definition_of_any_histogram),
	    cmocka_unit_test(every_value_lies_in_its_bucket),
	    cmocka_unit_test(every_index_is_that_of_the_definition),
	    cmocka_unit_test(merging_equals_adding_all),
	    cmocka_unit_test(counts_grow_as_large_as_they_must),
	    cmocka_unit_test(empty_has_no_figures),
	    cmocka_unit_test(one_value_is_exact),
	    cmocka_unit_test(zero_counts_and_is_the_smallest),
	    cmocka_unit_test(a_180_s_timeout_is_not_hidden),
	    cmocka_unit_test(test_given_buckets_are_kept_whatever_their_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
