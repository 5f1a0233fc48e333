/*
 * test_windows.c: rolling windows under a clock that the test moves.
 */
#include "base/clock.h"
#include "stats/windows.h"
#include "testing.h"

#include <stdlib.h>

#define T0 (UINT64_C(1764000000) * NS_PER_SECOND)

static void fold(struct windows *w, uint64_t at_s, uint64_t now_s, bool replayed)
{
	struct aggregate delta;
	struct orbus_sample s;

	aggregate_init(&delta);
	orbus_sample_init(&s);
	s.response_ms = 1000;
	assert_true(aggregate_add(&delta, &s));
	for (int i = 0; i <= WINDOW_START; i++)
		assert_true(windows_fold(w, (enum window)i, T0 + at_s * NS_PER_SECOND,
		    T0 + now_s * NS_PER_SECOND, &delta, replayed));
	aggregate_free(&delta);
}

static uint64_t total(struct windows *w, enum window window, uint64_t now_s)
{
	uint64_t start_ns;
	const struct aggregate *a = windows_get(w, window, T0 + now_s * NS_PER_SECOND, &start_ns);

	assert_non_null(a);
	assert_true(start_ns <= T0 + now_s * NS_PER_SECOND);
	return a->requests.total;
}

static void samples_leave_each_window_in_its_time(void **state)
{
	struct windows *w = windows_new(T0);

	(void)state;
	fold(w, 0, 0, false);
	fold(w, 30, 30, false);
	assert_int_equal(total(w, WINDOW_1M, 30), 2);
	assert_int_equal(total(w, WINDOW_1M, 60), 2);
	assert_int_equal(total(w, WINDOW_1M, 66), 1);
	assert_int_equal(total(w, WINDOW_1M, 100), 0);
	assert_int_equal(total(w, WINDOW_5M, 300), 2);
	assert_int_equal(total(w, WINDOW_5M, 365), 0);
	assert_int_equal(total(w, WINDOW_1H, 3600), 2);
	assert_int_equal(total(w, WINDOW_1H, 3700), 0);
	assert_int_equal(total(w, WINDOW_START, 100000), 2);
	windows_free(w);
}

static void a_busy_hour_counts_exactly_its_samples(void **state)
{
	struct windows *w = windows_new(T0);

	(void)state;
	for (uint64_t s = 0; s < 7200; s++)
		fold(w, s, s, false);
	assert_in_range(total(w, WINDOW_1M, 7199), 60, 65);
	assert_in_range(total(w, WINDOW_5M, 7199), 300, 330);
	assert_in_range(total(w, WINDOW_1H, 7199), 3600, 3660);
	assert_int_equal(total(w, WINDOW_START, 7199), 7200);
	windows_free(w);
}

static void late_samples_join_the_part_they_belong_to(void **state)
{
	struct windows *w = windows_new(T0);

	(void)state;
	assert_int_equal(total(w, WINDOW_1H, 3000), 0);
	fold(w, 100, 3000, false);
	assert_int_equal(total(w, WINDOW_1H, 3000), 1);
	assert_int_equal(total(w, WINDOW_1M, 3000), 0);
	windows_free(w);
}

static void replayed_samples_did_not_happen_since_start(void **state)
{
	struct windows *w = windows_new(T0);

	(void)state;
	fold(w, 0, 10, true);
	assert_int_equal(total(w, WINDOW_1H, 10), 1);
	assert_int_equal(total(w, WINDOW_START, 10), 0);
	windows_free(w);
}

static void a_clock_set_back_does_not_stop_the_windows(void **state)
{
	struct windows *w = windows_new(T0);

	(void)state;
	for (uint64_t s = 3600; s < 3720; s++)
		fold(w, s, s, false);
	assert_in_range(total(w, WINDOW_1M, 3719), 60, 65);
	/* An hour back: samples of now count at once. */
	fold(w, 120, 120, false);
	assert_int_equal(total(w, WINDOW_1M, 120), 1);
	assert_int_equal(total(w, WINDOW_1H, 120), 1);
	windows_free(w);
}

/* Time, late samples and a clock that is set, at random: the prepared sums equal the real ones. */
static void what_is_prepared_is_what_is_there(void **state)
{
	unsigned seed = 3;
	uint64_t now_s = 100000;
	struct windows *prepared = windows_new(T0), *plain = windows_new(T0);

	(void)state;
	for (int i = 0; i < 20000; i++) {
		unsigned what = (unsigned)rand_r(&seed) % 100;
		uint64_t late_s = what < 50 ? 0 : (unsigned)rand_r(&seed) % 4000;

		now_s += what == 99 ? (unsigned)rand_r(&seed) % 9000 : what % 3;
		now_s -= what == 98 ? (unsigned)rand_r(&seed) % 5000 : 0;
		fold(prepared, now_s - late_s, now_s, false);
		fold(plain, now_s - late_s, now_s, false);
		for (unsigned steps = (unsigned)rand_r(&seed) % 8; steps > 0; steps--)
			(void)windows_prepare(prepared);
		for (int w = 0; what % 4 == 0 && w < WINDOW_ROLLING; w++)
			assert_int_equal(total(prepared, (enum window)w, now_s),
			    total(plain, (enum window)w, now_s));
	}
	windows_free(prepared);
	windows_free(plain);
}

/* Sixty parts are merged while time passes, not when it enters the next: a merge a call. */
static void a_window_is_prepared_a_part_at_a_time(void **state)
{
	struct windows *w = windows_new(T0);
	unsigned steps = 0;

	(void)state;
	for (uint64_t s = 0; s < 3600; s += 60)
		fold(w, s, s, false);
	assert_int_equal(total(w, WINDOW_1H, 3600), 60);
	while (windows_prepare(w))
		steps++;
	assert_in_range(steps, 59, 59 + 12 + 10);
	fold(w, 3600, 3600, false);
	fold(w, 100, 3601, false); /* into a part that has been merged already */
	assert_int_equal(total(w, WINDOW_1H, 3601), 62);
	assert_int_equal(total(w, WINDOW_1H, 3660), 61); /* the first minute has left */
	windows_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(samples_leave_each_window_in_its_time),
	    cmocka_unit_test(a_busy_hour_counts_exactly_its_samples),
	    cmocka_unit_test(late_samples_join_the_part_they_belong_to),
	    cmocka_unit_test(what_is_prepared_is_what_is_there),
	    cmocka_unit_test(a_window_is_prepared_a_part_at_a_time),
	    cmocka_unit_test(replayed_samples_did_not_happen_since_start),
	    cmocka_unit_test(a_clock_set_back_does_not_stop_the_windows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
