/*
 * test_minutes.c: an hour's minutes add up to the hour, in any order, and their percentiles are as
 * good as their scale.
 */
#include "stats/aggregate.h"
#include "testing.h"

#include <math.h>
#include <stdlib.h>

#define MINUTE0 UINT64_C(29400000)

static uint64_t draw(uint64_t *state, uint64_t n)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state % n;
}

static void add(struct request_stats *to, double response_ms)
{
	struct orbus_sample s;
	struct measured m;

	orbus_sample_init(&s);
	s.response_ms = response_ms;
	s.prompt_tokens = 3;
	s.completion_tokens = 4;
	s.cost_usd = 0.125;
	s.status = response_ms < 1 ? ORBUS_STATUS_TIMEOUT : ORBUS_STATUS_OK;
	request_measure(&s, &m);
	assert_true(request_stats_add(to, &m));
}

static void must_be_equal(const struct minutes *a, const struct minutes *b)
{
	assert_int_equal(a->count, b->count);
	for (uint32_t i = 0; i < a->count; i++) {
		const struct minute_stats *x = &a->list[i], *y = &b->list[i];

		assert_int_equal(x->minute, y->minute);
		assert_int_equal(x->requests, y->requests);
		assert_int_equal(x->failed, y->failed);
		assert_int_equal(x->tokens, y->tokens);
		assert_memory_equal(&x->cost, &y->cost, sizeof(x->cost));
		assert_int_equal(x->response_ms.count, y->response_ms.count);
		assert_memory_equal(
		    &x->response_ms.sum, &y->response_ms.sum, sizeof(struct exact_sum));
		assert_int_equal(x->response_ms.offset, y->response_ms.offset);
		assert_int_equal(x->response_ms.length, y->response_ms.length);
		for (uint32_t k = 0; k < x->response_ms.length; k++)
			assert_int_equal(histogram_bucket(&x->response_ms, k),
			    histogram_bucket(&y->response_ms, k));
	}
}

/* Random requests in random minutes, counted in one go and in parts that are merged backwards. */
static void it_does_not_matter_in_which_parts(void **state)
{
	uint64_t seed = 2463534242;
	struct minutes whole = {0}, merged = {0}, parts[5] = {{0}};

	(void)state;
	for (int i = 0; i < 5000; i++) {
		uint64_t minute = MINUTE0 + draw(&seed, MINUTES_MAX);
		struct request_stats one;

		request_stats_init(&one);
		add(&one, exp2((double)draw(&seed, 2400) / 100 - 2));
		assert_true(minutes_add(&whole, minute, &one));
		assert_true(minutes_add(&parts[draw(&seed, 5)], minute, &one));
		request_stats_free(&one);
	}
	for (int i = 5; i-- > 0;)
		assert_true(minutes_merge(&merged, &parts[i]));
	assert_int_equal(whole.count, MINUTES_MAX);
	for (uint32_t i = 0; i + 1 < whole.count; i++)
		assert_true(whole.list[i].minute < whole.list[i + 1].minute);
	must_be_equal(&whole, &merged);
	for (int i = 0; i < 5; i++)
		minutes_free(&parts[i]);
	minutes_free(&whole);
	minutes_free(&merged);
}

static void a_minute_without_requests_is_none(void **state)
{
	struct request_stats none;
	struct minutes m = {0};

	(void)state;
	request_stats_init(&none);
	assert_true(minutes_add(&m, MINUTE0, &none));
	assert_int_equal(m.count, 0);
	minutes_free(&m);
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Every bucket of scale 5 lies in one of scale 3; a percentile is wrong by 2^(1/16) - 1 at most. */
static void percentiles_are_as_good_as_the_scale(void **state)
{
	static const double quantiles[] = {0, 0.01, 0.5, 0.95, 0.99, 1};
	static double values[2000];
	uint64_t seed = 123456789;
	struct request_stats all;
	struct minutes m = {0};

	(void)state;
	request_stats_init(&all);
	for (int i = 0; i < 2000; i++) {
		values[i] = exp2((double)draw(&seed, 100000) / 100000 * 20 + 1);
		add(&all, values[i]);
	}
	qsort(values, 2000, sizeof(*values), by_value);
	assert_true(minutes_add(&m, MINUTE0, &all));
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(*quantiles); i++) {
		int rank = (int)ceil(quantiles[i] * 2000);
		double exact = values[rank > 0 ? rank - 1 : 0];
		double found =
		    histogram_quantile_at(&m.list[0].response_ms, MINUTES_SCALE, quantiles[i]);

		assert_true(fabs(found / exact - 1) <= exp2(1.0 / 16) - 1 + 1e-12);
	}
	request_stats_free(&all);
	minutes_free(&m);
}

/* Where a bucket's index is negative too, its place at the smaller scale is the floor. */
static void each_bucket_falls_into_its_own(void **state)
{
	(void)state;
	for (int32_t index = HISTOGRAM_INDEX_MIN; index <= HISTOGRAM_INDEX_MAX; index++) {
		struct histogram fine, coarse;

		histogram_init(&fine);
		histogram_init(&coarse);
		assert_true(histogram_add(&fine, exp2((index + 0.5) / 32)));
		assert_int_equal(fine.offset, index);
		assert_true(histogram_merge_coarse(&coarse, &fine, 2));
		assert_int_equal(coarse.length, 1);
		assert_int_equal(coarse.offset, (int32_t)floor(index / 4.0));
		histogram_free(&fine);
		histogram_free(&coarse);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(it_does_not_matter_in_which_parts),
	    cmocka_unit_test(a_minute_without_requests_is_none),
	    cmocka_unit_test(percentiles_are_as_good_as_the_scale),
	    cmocka_unit_test(each_bucket_falls_into_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
