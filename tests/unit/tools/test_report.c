/*
 * test_report.c: what periods mean, which differences mean anything, and how trends are drawn.
 */
#include "base/calendar.h"
#include "base/clock.h"
#include "common/sparkline.h"
#include "doc/schema_list.h"
#include "moments.h"
#include "orreport/compare.h"
#include "orreport/print_csv.h"
#include "orreport/significance.h"
#include "orreport/time_range.h"
#include "testing.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct calendar local = {false, 1};

/* Wednesday. */
#define NOW "2026-11-25T09:30:00+01:00"

static void means(const char *text, const char *start, const char *end)
{
	struct time_span span = {0};

	if (time_parse_when(&local, at(NOW), text, &span) != 0)
		fail_msg("%s was refused", text);
	if (span.start_ns != at(start) || span.end_ns != at(end)) {
		char from[RFC3339_BYTES], to[RFC3339_BYTES];

		clock_format_rfc3339_local(span.start_ns, false, from);
		clock_format_rfc3339_local(span.end_ns, false, to);
		fail_msg("%s is %s to %s", text, from, to);
	}
}

static void periods_are_of_local_time(void **state)
{
	(void)state;
	zone("Europe/Berlin");
	means("today", "2026-11-25T00:00:00+01:00", "2026-11-26T00:00:00+01:00");
	means("yesterday", "2026-11-24T00:00:00+01:00", "2026-11-25T00:00:00+01:00");
	means("2026-11-20", "2026-11-20T00:00:00+01:00", "2026-11-21T00:00:00+01:00");
	means("2026-11-20T13", "2026-11-20T13:00:00+01:00", "2026-11-20T14:00:00+01:00");
	means("2026-11-20T13:00", "2026-11-20T13:00:00+01:00", "2026-11-20T14:00:00+01:00");
	means("this-week", "2026-11-23T00:00:00+01:00", "2026-11-30T00:00:00+01:00");
	means("last-week", "2026-11-16T00:00:00+01:00", "2026-11-23T00:00:00+01:00");
	means("this-month", "2026-11-01T00:00:00+01:00", "2026-12-01T00:00:00+01:00");
	means("last-month", "2026-10-01T00:00:00+02:00", "2026-11-01T00:00:00+01:00");
	means("2028-02", "2028-02-01T00:00:00+01:00", "2028-03-01T00:00:00+01:00");
	means("2026-11-20/2026-11-22", "2026-11-20T00:00:00+01:00", "2026-11-23T00:00:00+01:00");
	means("last-week/yesterday", "2026-11-16T00:00:00+01:00", "2026-11-25T00:00:00+01:00");
	means("36h", "2026-11-23T21:00:00+01:00", "2026-11-23T22:00:00+01:00");
	means("now", "2026-11-25T09:00:00+01:00", "2026-11-25T10:00:00+01:00");
	means("08:30", "2026-11-25T08:00:00+01:00", "2026-11-25T09:00:00+01:00");
	means("2026-11-20 13:30", "2026-11-20T13:00:00+01:00", "2026-11-20T14:00:00+01:00");
	means("2026-11-20T13:20:00Z", "2026-11-20T14:00:00+01:00", "2026-11-20T15:00:00+01:00");
}

static void weeks_are_those_of_iso_8601(void **state)
{
	(void)state;
	zone("UTC");
	means("2026-W01", "2025-12-29T00:00:00Z", "2026-01-05T00:00:00Z");
	means("2026-W48", "2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z");
	means("2026-W53", "2026-12-28T00:00:00Z", "2027-01-04T00:00:00Z");
	means("2027-W01", "2027-01-04T00:00:00Z", "2027-01-11T00:00:00Z");
	/* A year that begins on a Sunday. */
	means("2023-W01", "2023-01-02T00:00:00Z", "2023-01-09T00:00:00Z");
}

static void days_have_the_hours_that_clocks_show(void **state)
{
	struct time_span span;

	(void)state;
	zone("Europe/Berlin");
	means("2026-10-25", "2026-10-25T00:00:00+02:00", "2026-10-26T00:00:00+01:00");
	means("2026-10-25T02", "2026-10-25T02:00:00+02:00", "2026-10-25T03:00:00+01:00");
	means("2026-03-29", "2026-03-29T00:00:00+01:00", "2026-03-30T00:00:00+02:00");
	assert_int_equal(time_parse_period(&local, at(NOW), "2026-03-29T02", &span), -EINVAL);
	zone("America/Havana"); /* midnight of 2026-03-08 does not exist */
	means("2026-03-08", "2026-03-08T01:00:00-04:00", "2026-03-09T00:00:00-04:00");
	time_last_days(&local, at("2026-03-09T12:00:00-04:00"), 3, &span);
	assert_int_equal(span.start_ns, at("2026-03-07T00:00:00-05:00"));
	assert_int_equal(span.end_ns, at("2026-03-10T00:00:00-04:00"));
}

/* Of a period that `text` names, at `now`: the period before is that of [start, end). */
static void before_is(const char *text, const char *now, const char *start, const char *end)
{
	struct time_span span, before;

	assert_int_equal(time_parse_when(&local, at(now), text, &span), 0);
	before = time_span_before(&local, &span, at(now));
	assert_int_equal(before.start_ns, at(start));
	assert_int_equal(before.end_ns, at(end));
}

static void the_period_before_is_as_long(void **state)
{
	(void)state;
	zone("Europe/Berlin");
	before_is("2026-11-20", "2026-11-24T12:00:00+01:00", "2026-11-19T00:00:00+01:00",
	    "2026-11-20T00:00:00+01:00");
	before_is("2026-11-20T13", "2026-11-24T12:00:00+01:00", "2026-11-20T12:00:00+01:00",
	    "2026-11-20T13:00:00+01:00");
	/* A week of 169 hours, and the one after it: days and not hours are counted. */
	before_is("2026-W43", "2026-11-24T12:00:00+01:00", "2026-10-12T00:00:00+02:00",
	    "2026-10-19T00:00:00+02:00");
	before_is("2026-W44", "2026-11-24T12:00:00+01:00", "2026-10-19T00:00:00+02:00",
	    "2026-10-26T00:00:00+01:00");
	before_is("2026-03-30", "2026-11-24T12:00:00+01:00", "2026-03-29T00:00:00+01:00",
	    "2026-03-30T00:00:00+02:00");
	/* Not over: as much of it, in whole hours. */
	before_is("2026-11-24", "2026-11-24T08:47:00+01:00", "2026-11-23T00:00:00+01:00",
	    "2026-11-23T09:00:00+01:00");
	before_is("2026-W48", "2026-11-24T08:00:00+01:00", "2026-11-16T00:00:00+01:00",
	    "2026-11-17T08:00:00+01:00");
	/* Never longer than the period itself, and never before all time. */
	before_is("2026-10-25", "2026-10-25T23:59:00+01:00", "2026-10-24T00:00:00+02:00",
	    "2026-10-25T00:00:00+02:00");
	zone("UTC");
	before_is("1970-01-01/1970-01-02", "2026-11-24T12:00:00+00:00", "1970-01-01T00:00:00+00:00",
	    "1970-01-01T00:00:00+00:00");
}

static void what_is_no_period_is_refused(void **state)
{
	static const char *const wrong[] = {"", "tomorrow", "2026-13", "2026-11-31", "2026-02-29",
	    "2026-11-20T24", "2026-11-2", "2026-11-200", "20261120", "2026-W00", "2026-W54",
	    "2025-W53", "1969-01-01", "9999-01-01", "2026-11-22/2026-11-20", "2026-11-20/", "/",
	    "2026-11-20/2026-11-21/2026-11-22", " today", "today ", "12", "2026-11-20..2026-11-21"};
	struct time_span span;

	(void)state;
	zone("UTC");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (time_parse_when(&local, at(NOW), wrong[i], &span) != -EINVAL)
			fail_msg("'%s' was taken", wrong[i]);
	/* Clocks on the wall do not show UTC. */
	assert_int_equal(
	    time_parse_when(&(struct calendar){true, 1}, at(NOW), "08:30", &span), -EINVAL);
	/* How long ago is a moment, and no period. */
	assert_int_equal(time_parse_period(&local, at(NOW), "36h", &span), -EINVAL);
}

static void a_day_that_a_zone_leaves_out_is_no_period(void **state)
{
	struct time_span span;

	(void)state;
	zone("Pacific/Apia");
	/* Samoa went from the 29th to the 31st. */
	assert_int_equal(time_parse_period(&local, at(NOW), "2011-12-30", &span), -EINVAL);
	assert_int_equal(time_parse_when(&local, at(NOW), "2011-12-30", &span), -EINVAL);
	assert_int_equal(time_parse_period(&local, at(NOW), "2011-12-29/2011-12-31", &span), 0);
	assert_int_equal(span.end_ns - span.start_ns, UINT64_C(172800000000000));
	assert_int_equal(time_parse_period(&local, at(NOW), "2011-W52", &span), 0);
	assert_int_equal(span.end_ns - span.start_ns, 6 * UINT64_C(86400000000000));
	assert_int_equal(
	    time_parse_period(&local, at("2011-12-31T00:00:00Z"), "yesterday", &span), 0);
	assert_int_equal(span.start_ns, at("2011-12-29T10:00:00Z"));
	zone("UTC");
}

static void spans_are_named_as_one_would_type_them(void **state)
{
	struct time_span span;
	char name[TIME_NAME_BYTES];

	(void)state;
	zone("Europe/Berlin");
	assert_int_equal(time_parse_period(&local, at(NOW), "2026-10-25", &span), 0);
	time_name(&local, &span, name);
	assert_string_equal(name, "2026-10-25");
	assert_int_equal(time_parse_period(&local, at(NOW), "2026-10", &span), 0);
	time_name(&local, &span, name);
	assert_string_equal(name, "2026-10-01 to 2026-10-31");
	assert_int_equal(time_parse_period(&local, at(NOW), "2026-11-20T13", &span), 0);
	time_name(&local, &span, name);
	assert_string_equal(name, "2026-11-20 13:00 to 2026-11-20 14:00");
	time_label(&local, PERIOD_DAILY, span.start_ns, name);
	assert_string_equal(name, "Fri 2026-11-20");
}

/* --- What means anything ---------------------------------------------------------------------- */

static void put(struct histogram *h, double value, int n)
{
	for (int i = 0; i < n; i++)
		assert_true(histogram_add(h, value));
}

/* p-values of scipy.stats.fisher_exact() 1.17. */
static void rates_are_compared_exactly(void **state)
{
	static const struct {
		uint64_t hits_a, n_a, hits_b, n_b;
		double p;
	} known[] = {
	    {20, 100, 40, 100, 0.00319181682593},
	    {40, 100, 20, 100, 0.00319181682593},
	    {4, 1000, 5, 1000, 1},
	    {5, 1000, 15, 1000, 0.0403942054048},
	    {1, 20, 9, 20, 0.00836173416819},
	    {0, 20, 7, 20, 0.00831600831601},
	    {12, 30, 5, 2000, 5.18914401577e-20},
	    {0, 20000, 3, 20, 8.52567874632e-10},
	    {380, 8000, 410, 7000, 0.0026470775677},
	    {1, 50, 9, 60, 0.0207931471804},
	    {25000, 50000, 25500, 50000, 0.00159875123169},
	    {7, 7, 1, 9, 0.0013986013986},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		struct stats_test t =
		    stats_rate(known[i].hits_a, known[i].n_a, known[i].hits_b, known[i].n_b);

		assert_true(t.enough);
		assert_true(fabs(t.p - known[i].p) <= 1e-6 * known[i].p + 1e-300);
		assert_true(fabs(erfc(fabs(t.z) / sqrt(2)) - t.p) <= 1e-6 * t.p + 1e-300);
		t = stats_rate(known[i].hits_b, known[i].n_b, known[i].hits_a, known[i].n_a);
		assert_true(fabs(t.p - known[i].p) <= 1e-6 * known[i].p + 1e-300);
	}
	assert_true(stats_rate(20, 100, 40, 100).z > 0);
	assert_true(stats_rate(40, 100, 20, 100).z < 0);
}

static void an_outage_is_never_too_few(void **state)
{
	(void)state;
	assert_true(stats_rate(0, 20000, 100, 100).p < 1e-100);
	assert_true(stats_rate(10, 1000, 26, 30).p < 1e-20);
	assert_true(stats_rate(100, 100, 0, 20000).z < -10);
	/* Where no outcome could be told from chance. */
	assert_false(stats_rate(0, 1000, 0, 1000).enough);
	assert_false(stats_rate(1000, 1000, 7, 7).enough);
	assert_false(stats_rate(0, 3, 1, 3).enough);
	assert_false(stats_rate(0, 0, 0, 0).enough);
	assert_false(stats_rate(0, 0, 5, 5).enough);
}

/* Counts as large as they get are neither slow nor out of range. */
static void rates_of_very_many_are_compared(void **state)
{
	uint64_t many = UINT64_C(4000000000000);

	(void)state;
	assert_true(stats_rate(many / 100, many, many / 100, many).p > 0.99);
	assert_true(stats_rate(many / 100, many, many / 99, many).p == 0);
	assert_true(fabs(stats_rate(1000, many, 1000, many).p - 1) < 1e-9);
	assert_true(stats_rate(3, many, 300, many).p < 1e-50);
	assert_true(stats_rate(0, many, 5, 5).p < 1e-50);
}

static void quantiles_are_compared_at_the_cut_that_is_nearest(void **state)
{
	struct histogram a, b;
	struct stats_test t;

	(void)state;
	histogram_init(&a);
	histogram_init(&b);
	put(&a, 1, 20);
	put(&b, 1, 9);
	put(&b, 2, 10);
	assert_false(stats_quantile(&a, &b, 0.5).enough); /* 19 are too few */
	put(&b, 1, 1);
	t = stats_quantile(&a, &b, 0.5);
	/* 5 are expected above the cut: half the chance of the two rarest tables. */
	assert_true(fabs(t.p / stats_rate(0, 20, 10, 20).p - 0.5) < 1e-9 && t.z > 0);
	assert_true(stats_quantile(&b, &a, 0.5).z == -t.z);
	assert_true(stats_quantile(&b, &b, 0.5).p > 0.7);
	/* Zeros are the lowest of all. */
	put(&a, 0, 10);
	t = stats_quantile(&a, &b, 0.1);
	assert_true(t.p == stats_rate(20, 30, 20, 20).p && t.z > 0);
	/* All in one bucket cannot be cut. */
	histogram_clear(&a);
	histogram_clear(&b);
	put(&a, 1, 1000);
	put(&b, 1, 1000);
	assert_false(stats_quantile(&a, &b, 0.5).enough);
	histogram_free(&a);
	histogram_free(&b);
}

/* The quantile's bucket may be the last one that is occupied: then the cut is below it. */
static void a_tail_that_ends_in_one_bucket_is_compared(void **state)
{
	struct histogram a, b;

	(void)state;
	histogram_init(&a);
	histogram_init(&b);
	put(&a, 1000, 9800);
	put(&a, 9000, 200);
	put(&b, 1000, 9000);
	put(&b, 9000, 1000);
	assert_true(stats_quantile(&a, &b, 0.95).p <= stats_rate(200, 10000, 1000, 10000).p);
	assert_true(stats_quantile(&a, &b, 0.99).p == stats_quantile(&a, &b, 0.95).p);
	assert_true(stats_quantile(&a, &b, 0.95).z > 10);
	histogram_free(&a);
	histogram_free(&b);
}

/* Where a value counts for itself: the middle of bucket i. */
static double middle(int i)
{
	return exp2((i + 0.5) / 32);
}

static void means_are_compared_by_their_spread(void **state)
{
	double low = middle(314), high = middle(322), width = exp2(1.0 / 64) - exp2(-1.0 / 64);
	struct histogram a, b;
	double x, y, df, t_value;
	struct stats_test t;

	(void)state;
	histogram_init(&a);
	histogram_init(&b);
	put(&a, low, 50);
	put(&a, high, 50);
	put(&b, high, 19);
	assert_false(stats_mean(&a, &b).enough);
	put(&b, high, 11);
	put(&b, low, 10);
	t = stats_mean(&a, &b);
	assert_true(t.enough);
	/* Means: half and three quarters of the way; variances: those of the points and of buckets.
	 */
	x = (0.25 * 100 * (high - low) * (high - low) +
		50 * width * width / 12 * (low * low + high * high)) /
	    99 / 100;
	y = (0.1875 * 40 * (high - low) * (high - low) +
		width * width / 12 * (10 * low * low + 30 * high * high)) /
	    39 / 40;
	df = (x + y) * (x + y) / (x * x / 99 + y * y / 39);
	t_value = 0.25 * (high - low) / sqrt(x + y);
	assert_true(fabs(t.z - (8 * df + 1) / (8 * df + 3) *
				   sqrt(df * log1p(t_value * t_value / df))) < 1e-9);
	assert_true(fabs(stats_mean(&b, &a).z + t.z) < 1e-9);
	histogram_free(&a);
	histogram_free(&b);
}

/* The mean of a few skewed values is far from normal, and its test would lie. */
static void means_of_few_skewed_values_are_not_compared(void **state)
{
	struct histogram a, b;

	(void)state;
	histogram_init(&a);
	histogram_init(&b);
	put(&a, 100, 1800);
	put(&a, 5000, 200);
	put(&b, 100, 27);
	put(&b, 5000, 3);
	assert_false(stats_mean(&a, &b).enough);
	assert_false(stats_mean(&b, &a).enough);
	/* Of as many on both sides the skewness goes away. */
	assert_true(stats_mean(&a, &a).enough);
	assert_true(stats_mean(&b, &b).enough);
	histogram_free(&a);
	histogram_free(&b);
}

static const struct comparison *find(const struct comparison *list, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i].key, key) == 0)
			return &list[i];
	fail_msg("there is no %s", key);
	return NULL;
}

static void fill(struct report_row *row, double response_ms, int n, int failed)
{
	const struct time_span hour = {0, UINT64_C(3600000000000)};
	struct orbus_sample s;

	row_init(row, &hour);
	row->covered_ns = hour.end_ns;
	for (int i = 0; i < n; i++) {
		orbus_sample_init(&s);
		s.model = "m";
		s.response_ms = response_ms * (1 + 0.001 * (i % 100));
		s.completion_tokens = 100;
		s.status = i < failed ? ORBUS_STATUS_ERROR : ORBUS_STATUS_OK;
		assert_true(aggregate_add(&row->sum, &s));
	}
}

static enum verdict verdict_of(
    const struct report_row *a, const struct report_row *b, const char *key)
{
	struct comparison list[COMPARISONS_MAX];
	size_t n = compare_rows(a, b, list);

	return find(list, n, key)->verdict;
}

static void who_has_stopped_is_silent(void **state)
{
	struct report_row many, few, none;

	(void)state;
	fill(&many, 4000, 500, 50);
	fill(&few, 4000, 19, 2);
	memset(&none, 0, sizeof(none));
	aggregate_init(&none.sum);
	assert_int_equal(verdict_of(&many, &none, "requests.total"), VERDICT_SILENT);
	assert_int_equal(verdict_of(&none, &many, "requests.total"), VERDICT_NEW);
	assert_int_equal(verdict_of(&few, &none, "requests.total"), VERDICT_COUNTED);
	assert_int_equal(verdict_of(&many, &few, "requests.total"), VERDICT_COUNTED);
	aggregate_free(&many.sum);
	aggregate_free(&few.sum);
	aggregate_free(&none.sum);
}

static void a_verdict_says_which_way(void **state)
{
	struct report_row slow, fast, few, same;

	(void)state;
	fill(&slow, 4000, 500, 50);
	fill(&fast, 2000, 500, 10);
	fill(&same, 4010, 500, 45);
	fill(&few, 2000, 10, 0);
	assert_int_equal(verdict_of(&slow, &fast, "response_times.avg"), VERDICT_BETTER);
	assert_int_equal(verdict_of(&fast, &slow, "response_times.p50"), VERDICT_WORSE);
	assert_int_equal(verdict_of(&slow, &fast, "tps.p50"), VERDICT_BETTER);
	assert_int_equal(verdict_of(&fast, &slow, "tps.p50"), VERDICT_WORSE);
	assert_int_equal(verdict_of(&slow, &fast, "error_rate"), VERDICT_BETTER);
	assert_int_equal(verdict_of(&slow, &same, "error_rate"), VERDICT_UNCLEAR);
	assert_int_equal(verdict_of(&slow, &few, "response_times.avg"), VERDICT_TOO_FEW);
	assert_int_equal(verdict_of(&slow, &few, "response_times.p95"), VERDICT_TOO_FEW);
	assert_int_equal(verdict_of(&slow, &few, "requests.total"), VERDICT_COUNTED);
	/* Certain, but within what a bucket is wide. */
	assert_int_equal(verdict_of(&slow, &same, "response_times.p50"), VERDICT_UNCLEAR);
	row_free(&slow);
	row_free(&fast);
	row_free(&few);
	row_free(&same);
}

/* --- Sparklines ------------------------------------------------------------------------------- */

static void draws(const double *values, size_t count, int columns, const char *expected)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	assert_non_null(out);
	sparkline_print(out, values, count, columns);
	fclose(out);
	assert_string_equal(text, expected);
	free(text);
}

static void sparklines_stand_on_zero_and_keep_peaks(void **state)
{
	const double values[] = {0, 1, 2, 4, 8, NAN, 8, 0};

	(void)state;
	draws(values, 8, 8, "▁▂▃▅█ █▁");
	draws(values, 8, 4, "▂▅██");
	draws(values, 1, 8, "▁");
	draws(values, 0, 8, "");
	draws(values + 5, 1, 8, " ");
}

/* --- CSV -------------------------------------------------------------------------------------- */

static const struct schema_key *schema_object(const char *name)
{
	for (size_t i = 0; i < SCHEMA_KEYS; i++)
		if (schema_keys[i].object && strcmp(schema_keys[i].object, name) == 0)
			return &schema_keys[i + 1];
	fail_msg("doc/schema.def has no object %s", name);
	return NULL;
}

static bool is_end(const struct schema_key *k)
{
	return k == schema_keys + SCHEMA_KEYS || k->object;
}

/* What is kept out of CSV, so that a line stays readable; documents have it. */
static bool is_left_out(const char *key)
{
	static const char *const keys[] = {"requests.in_flight", "requests.failed",
	    "requests.error_rate", "token_usage.cached_tokens", "token_usage.reasoning_tokens",
	    "token_usage.by_model"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(keys[i], key) == 0)
			return true;
	return strncmp(key, "decode_tps.", strlen("decode_tps.")) == 0;
}

static size_t columns_of(const char *key)
{
	size_t n = 0;

	for (size_t i = 0; i < csv_column_count; i++)
		n += csv_columns[i].key && strcmp(csv_columns[i].key, key) == 0;
	return n;
}

/* Returns how many columns the key has: one, or none where it is left out. */
static size_t check_column(const char *key)
{
	size_t n = columns_of(key);

	if (n != !is_left_out(key))
		fail_msg("%s of doc/schema.def has %zu columns in tools/orreport/print_csv.c: "
			 "give it one, or name it in is_left_out() of this test",
		    key, n);
	return n;
}

static size_t check_columns(const char *object, const char *prefix)
{
	size_t found = 0;

	for (const struct schema_key *k = schema_object(object); !is_end(k); k++) {
		char key[128];

		snprintf(key, sizeof(key), "%s.%s", prefix, k->key);
		found += check_column(key);
	}
	return found;
}

/* Of a document, what a line of CSV is of: requests, their tokens, cost and times. */
static size_t check_document(void)
{
	size_t found = 0;

	for (const struct schema_key *k = schema_object("document"); !is_end(k); k++) {
		bool is_object = k->shape == SHAPE_OBJECT;

		if (is_object &&
		    (strcmp(k->of, "requests") == 0 || strcmp(k->of, "token_usage") == 0 ||
			strcmp(k->of, "summary") == 0))
			found += check_columns(k->of, k->key);
		else if (strcmp(k->unit, "USD") == 0)
			found += check_column(k->key);
	}
	return found;
}

static void each_column_of_csv_is_a_key_of_the_schema(void **state)
{
	size_t keyless = 0;

	(void)state;
	for (size_t i = 0; i < csv_column_count; i++)
		keyless += !csv_columns[i].key;
	assert_int_equal(keyless, 3); /* the 5th percentiles */
	assert_int_equal(check_document(), csv_column_count - keyless);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(periods_are_of_local_time),
	    cmocka_unit_test(weeks_are_those_of_iso_8601),
	    cmocka_unit_test(days_have_the_hours_that_clocks_show),
	    cmocka_unit_test(the_period_before_is_as_long),
	    cmocka_unit_test(what_is_no_period_is_refused),
	    cmocka_unit_test(a_day_that_a_zone_leaves_out_is_no_period),
	    cmocka_unit_test(spans_are_named_as_one_would_type_them),
	    cmocka_unit_test(rates_are_compared_exactly),
	    cmocka_unit_test(an_outage_is_never_too_few),
	    cmocka_unit_test(rates_of_very_many_are_compared),
	    cmocka_unit_test(quantiles_are_compared_at_the_cut_that_is_nearest),
	    cmocka_unit_test(a_tail_that_ends_in_one_bucket_is_compared),
	    cmocka_unit_test(means_are_compared_by_their_spread),
	    cmocka_unit_test(means_of_few_skewed_values_are_not_compared),
	    cmocka_unit_test(who_has_stopped_is_silent),
	    cmocka_unit_test(a_verdict_says_which_way),
	    cmocka_unit_test(sparklines_stand_on_zero_and_keep_peaks),
	    cmocka_unit_test(each_column_of_csv_is_a_key_of_the_schema),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
