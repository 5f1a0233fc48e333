/*
 * test_sums.c: sums of figures are exact: the decimals that were published add up to a decimal, and
 * the same samples give the same document to the last digit, in whatever parts they were counted,
 * written, read, restarted and merged, and in whatever order.
 *
 *   test_sums [ROUNDS [SEED]]
 */
#include "base/clock.h"
#include "checkpoint_bytes.h"
#include "doc/doc_read.h"
#include "doc/msgpack_tree.h"
#include "doc/period_file.h"
#include "document_text.h"
#include "document_tree.h"
#include "settled.h"
#include "splitmix.h"
#include "testing.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static unsigned long rounds = 20;
#else
static unsigned long rounds = 100;
#endif
static uint64_t seed = 20261129;

#define HOUR_NS (3600 * NS_PER_SECOND)
/* In the middle of an hour, so that samples of this moment are of one. */
#define NOW (UINT64_C(1764001800) * NS_PER_SECOND)

static uint64_t draw(uint64_t n)
{
	return splitmix64(&seed) % n;
}

static const uint64_t tens[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000,
    1000000000, 10000000000, 100000000000, 1000000000000, 10000000000000, 100000000000000,
    1000000000000000};

/* "1234.000000000056": what strtod() rounds once. */
static double nearest_to(exact_units units)
{
	char text[64];

	snprintf(text, sizeof(text), "%llu%012llu.%012llu",
	    (unsigned long long)(units / EXACT_SCALE / EXACT_SCALE),
	    (unsigned long long)(units / EXACT_SCALE % EXACT_SCALE),
	    (unsigned long long)(units % EXACT_SCALE));
	return strtod(text, NULL);
}

static void add_times(struct exact_sum *sum, double value, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		exact_add(sum, exact_of(value));
}

static void decimals_add_up_to_decimals(void **state)
{
	static const struct {
		double value, sum;
		unsigned n;
	} cases[] = {{0.000013, 13, 1000000}, {0.1, 0.3, 3}, {0.1, 1, 10}, {0.7, 70000, 100000},
	    {0.0000000375, 0.0375, 1000000}, {1e-12, 1e-6, 1000000}, {5000.1, 15000.3, 3},
	    {4194304.123456789, 12582912.370370367, 3}, {1.1, 110000, 100000},
	    {999.999999999999, 99999.9999999999, 100}, {1e15, 3e15, 3}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct exact_sum sum = {0};

		add_times(&sum, cases[i].value, cases[i].n);
		assert_true(exact_figure(sum) == cases[i].sum);
		assert_true(
		    exact_mean(sum, (struct exact_sum){0}, cases[i].n, 0, 1e300) == cases[i].value);
	}
}

/* What is said in stats/exact_sum.h of decimals, over their whole range. */
static void a_figure_is_the_decimal_that_it_was_meant_to_be(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		unsigned digits = 1 + (unsigned)draw(15), places = (unsigned)draw(13);
		uint64_t number = draw(tens[digits]);
		double value;
		char text[40];

		while (places > 0 && (number / tens[places] >= UINT64_C(1) << 43 ||
					 (places > 3 && number / tens[places] >= 1ull << 33) ||
					 (places > 6 && number / tens[places] >= 1 << 23) ||
					 (places > 9 && number / tens[places] >= 1 << 13)))
			places--;
		snprintf(text, sizeof(text), "%llue-%u", (unsigned long long)number, places);
		value = strtod(text, NULL);
		assert_true(exact_of(value).units == (exact_units)number * tens[12] / tens[places]);
		assert_true(exact_figure(exact_of(value)) == value);
	}
}

static exact_units draw_units(void)
{
	exact_units units = ((exact_units)draw(UINT64_MAX) << 64 | draw(UINT64_MAX)) >> draw(128);

	if (draw(4) == 0)
		units = ((exact_units)1 << draw(114)) + (exact_units)draw(5) - 2;
	return units % (EXACT_UNITS_MAX + 1);
}

static void a_double_and_its_rest_restore_the_sum(void **state)
{
	static const exact_units some[] = {0, 1, (UINT64_C(1) << 53) - 1, UINT64_C(1) << 53,
	    (UINT64_C(1) << 53) + 1, EXACT_UNITS_MAX - 1, EXACT_UNITS_MAX};
	const size_t count = sizeof(some) / sizeof(some[0]);

	(void)state;
	for (unsigned i = 0; i < 200000; i++) {
		struct exact_sum sum = {i < count ? some[i] : draw_units()}, back;
		double figure = exact_figure(sum);

		assert_true(isfinite(figure) && figure <= EXACT_MAX);
		if (sum.units < (exact_units)EXACT_SCALE << 53)
			assert_true(figure == nearest_to(sum.units));
		back = exact_of(figure);
		assert_true(exact_adjust(&back, exact_rest(sum)) && back.units == sum.units);
		assert_int_equal(
		    exact_compare(sum, figure), (exact_rest(sum) > 0) - (exact_rest(sum) < 0));
	}
}

static void rests_that_are_none_are_refused(void **state)
{
	struct exact_sum sum = {5};

	(void)state;
	assert_false(exact_adjust(&sum, -6));
	assert_false(exact_adjust(&sum, INT64_MIN));
	assert_true(sum.units == 5);
	assert_true(exact_adjust(&sum, -5) && sum.units == 0);
	sum.units = EXACT_UNITS_MAX;
	assert_true(exact_adjust(&sum, INT64_MAX) && sum.units == EXACT_UNITS_MAX);
}

static void sums_end_at_their_bound_in_any_order(void **state)
{
	(void)state;
	assert_true(exact_figure((struct exact_sum){EXACT_UNITS_MAX}) == EXACT_MAX);
	assert_true(exact_of(EXACT_MAX).units == EXACT_UNITS_MAX);
	assert_true(exact_of(nextafter(EXACT_MAX, 0)).units < EXACT_UNITS_MAX);
	assert_true(exact_of(DBL_MAX).units == EXACT_UNITS_MAX);
	assert_true(exact_of(INFINITY).units == EXACT_UNITS_MAX);
	assert_true(exact_of(NAN).units == 0 && exact_of(-1).units == 0);
	for (unsigned i = 0; i < 100000; i++) {
		struct exact_sum x = {draw_units()}, y = {draw_units()}, z = {draw_units()};
		struct exact_sum left = x, right = y;

		exact_add(&left, y);
		exact_add(&left, z);
		exact_add(&right, z);
		exact_add(&right, x);
		assert_true(left.units == right.units && left.units <= EXACT_UNITS_MAX);
	}
}

static void what_is_below_a_trillionth_is_rounded_once(void **state)
{
	(void)state;
	assert_true(exact_of(4.9e-13).units == 0);
	assert_true(exact_of(5.1e-13).units == 1);
	assert_true(exact_of(1.4e-12).units == 1);
	assert_true(exact_of(5e-324).units == 0);
}

static void a_mean_lies_between_its_values(void **state)
{
	const struct exact_sum none = {0};
	struct exact_sum sum = exact_of(1.0 / 3);

	(void)state;
	assert_true(exact_mean(sum, none, 1, 1.0 / 3, 1.0 / 3) == 1.0 / 3);
	assert_true(exact_mean(none, none, 2, 1e-13, 2e-13) == 1e-13);
	sum.units = EXACT_UNITS_MAX;
	assert_true(exact_mean(sum, none, 2, 1e300, 1e300) == 1e300);
	assert_true(exact_mean(none, exact_of(3), 2, -2, -1) == -1.5);
	assert_true(exact_mean(exact_of(0.3), exact_of(0.6), 3, -0.6, 0.3) == -0.1);
	assert_true(isnan(exact_mean(none, none, 0, NAN, NAN)));
}

/* --- Samples, in parts ------------------------------------------------------------------------ */

static double draw_figure(void)
{
	switch (draw(12)) {
	case 0: return (double)draw(1000) / (double)(1 + draw(1000));
	case 1: return (double)draw(1u << 20) * 1e-9;
	case 2: return exp2((double)draw(120) - 60) / 3;
	case 3: return draw(50) ? 1e15 / (double)(1 + draw(9)) : 1e308;
	case 4: return (double)draw(UINT64_MAX);
	default: return (double)draw(100000000) / 10000;
	}
}

static struct orbus_sample draw_sample(uint64_t number)
{
	static const char *const names[] = {"a", "b", "c", "d", "e"};
	struct orbus_sample s;

	orbus_sample_init(&s);
	/* No two at once: the newest of a gauge, and the last errors, are then known. */
	s.ts = NOW - draw(4) * 2 * HOUR_NS + number;
	s.model = names[draw(5)];
	s.bot = names[draw(3)];
	s.provider = names[draw(2)];
	switch (draw(8)) {
	case 0: s.kind = ORBUS_KIND_GAUGE; break;
	case 1: s.kind = ORBUS_KIND_COUNT; break;
	default: s.status = (enum orbus_status)draw(4);
	}
	if (s.kind != ORBUS_KIND_REQUEST) {
		s.name = draw(3) ? names[draw(3)] : "rag_cache_hits";
		s.value = draw_figure();
		if (s.kind == ORBUS_KIND_GAUGE && draw(2))
			s.value = -s.value;
		return s;
	}
	s.stream = draw(2);
	s.response_ms = draw_figure();
	s.ttft_ms = draw(2) ? s.response_ms / 7 : NAN;
	s.cost_usd = draw(4) ? draw_figure() : NAN;
	s.completion_tokens = draw(3) ? draw(2000) : UINT64_MAX - 1 - draw(2);
	return s;
}

static const struct document_context context = {
    .period_kind = "hourly", .start_ns = NOW, .end_ns = NOW + HOUR_NS, .restorable = true};

/* All that is known of an aggregate, names in one order. */
static char *text_of(const struct aggregate *a)
{
	json_t *document = document_from_aggregate(a, &context);
	char *text = json_dumps(document, JSON_SORT_KEYS | JSON_REAL_PRECISION(17));

	assert_non_null(text);
	json_decref(document);
	return text;
}

static void assert_same(const struct aggregate *a, const struct aggregate *b)
{
	char *x = text_of(a), *y = text_of(b);

	assert_string_equal(x, y);
	free(x);
	free(y);
}

/* As a file's text, for the agent's reader and for orreport's; as the checkpoint's msgpack. */
static void write_and_read(struct aggregate *a)
{
	json_t *document = document_from_aggregate(a, &context);
	struct document_period period;
	struct msgpack_writer m;
	struct aggregate back;
	unsigned how = (unsigned)draw(3);
	size_t length;
	char *bytes;

	aggregate_init(&back);
	if (how == 2) {
		msgpack_writer_init(&m);
		document_write(&m.writer, NULL, a, &context);
		bytes = msgpack_writer_take(&m, &length);
		json_decref(document);
		document = json_from_msgpack(bytes, length, DOCUMENT_DEPTH_MAX);
	} else {
		bytes = document_to_text(document, &length);
	}
	if (how == 0)
		assert_int_equal(
		    document_from_text(bytes, length, DOCUMENT_ALL, &period, NULL, &back), 0);
	else
		assert_int_equal(document_to_aggregate(document, &back, NULL), 0);
	free(bytes);
	json_decref(document);
	aggregate_free(a);
	*a = back;
}

#define PARTS 9

/* Merges parts in any order, as any tree, each of them written and read or not. */
static void merge_all(struct aggregate parts[PARTS])
{
	for (unsigned left = PARTS; left > 1; left--) {
		unsigned from = (unsigned)draw(left), to = (unsigned)draw(left - 1);
		struct aggregate last;

		last = parts[left - 1];
		parts[left - 1] = parts[from];
		parts[from] = last;
		if (draw(2))
			write_and_read(&parts[to]);
		assert_true(aggregate_merge(&parts[to], &parts[left - 1]));
		aggregate_free(&parts[left - 1]);
	}
}

static void documents_are_the_same_in_whatever_parts(void **state)
{
	(void)state;
	for (unsigned long i = 0; i < rounds; i++) {
		struct aggregate whole, parts[PARTS];

		aggregate_init(&whole);
		for (unsigned p = 0; p < PARTS; p++)
			aggregate_init(&parts[p]);
		for (uint64_t n = 0, count = draw(400); n < count; n++) {
			struct orbus_sample s = draw_sample(n);

			assert_true(aggregate_add_settled(&whole, &s));
			assert_true(aggregate_add_settled(&parts[draw(PARTS)], &s));
		}
		merge_all(parts);
		assert_same(&whole, &parts[0]);
		aggregate_free(&whole);
		aggregate_free(&parts[0]);
	}
}

/* --- Restarts --------------------------------------------------------------------------------- */

static const struct calendar utc = {true, 1};

static void restart(struct aggregator *l)
{
	uint64_t positions[] = {5};
	struct checkpoint_bus bus = {.lane_count = 1, .positions = positions}, bus_back;
	struct aggregator back;
	size_t length;
	char *bytes;

	aggregator_fold(l, NOW);
	assert_int_equal(checkpoint_bytes(l, &bus, NOW, &bytes, &length), 0);
	assert_int_equal(aggregator_init(&back, &utc, 0, NOW), 0);
	assert_int_equal(checkpoint_restore(bytes, length, 0, &back, &bus_back), 0);
	checkpoint_bus_free(&bus_back);
	free(bytes);
	aggregator_free(l);
	*l = back;
}

/* Of one kind of period, added up as what merges files for Python and Node does. */
static void sum_periods(const struct aggregator *l, enum period_kind kind, struct aggregate *out)
{
	struct period_sum sum;

	period_sum_init(&sum);
	for (const struct period *p = l->periods.first; p; p = p->next) {
		struct document_context of_period = context;
		json_t *document;
		size_t length;
		char *text;

		of_period.start_ns = p->span.start_ns;
		of_period.end_ns = p->span.end_ns;
		document = document_from_aggregate(&p->sum, &of_period);
		text = document_to_text(document, &length);
		if (p->span.kind == kind)
			assert_int_equal(period_sum_add(&sum, text, length), 0);
		json_decref(document);
		free(text);
	}
	assert_true(aggregate_merge(out, &sum.stats));
	period_sum_free(&sum);
}

/* Each request is in one minute; then these are taken away: only hours have any. */
static void must_be_all_minutes(struct aggregate *hours, uint64_t requests)
{
	for (uint32_t i = 0; i < hours->minutes.count; i++)
		requests -= hours->minutes.list[i].requests;
	assert_int_equal(requests, 0);
	minutes_free(&hours->minutes);
}

static void periods_windows_and_lifetime_are_the_same_after_restarts(void **state)
{
	const struct sample_origin origin = {.epoch = 1};

	(void)state;
	for (unsigned long i = 0; i < rounds / 10 + 1; i++) {
		struct aggregate whole, newest, totals, hours, days, life;
		const struct aggregate *window;
		struct aggregator l;
		uint64_t count = 50 + draw(300), start;

		aggregate_init(&whole);
		aggregate_init(&newest);
		aggregate_init(&totals);
		aggregate_init(&hours);
		aggregate_init(&days);
		aggregate_init(&life);
		assert_int_equal(aggregator_init(&l, &utc, 0, NOW), 0);
		for (uint64_t n = 0; n < count; n++) {
			struct orbus_sample s = draw_sample(n);

			if (n < count - 20 && draw(30) == 0)
				restart(&l);
			if (n == count - 20)
				restart(&l);
			aggregator_add(&l, &s, &origin, NOW);
			assert_true(aggregate_add_settled(&whole, &s));
			if (n >= count - 20 && s.ts >= NOW)
				assert_true(aggregate_add_settled(&newest, &s));
		}
		aggregator_fold(&l, NOW);
		while (aggregator_show(&l, NOW))
			;
		assert_false(l.out_of_memory);
		sum_periods(&l, PERIOD_HOURLY, &hours);
		sum_periods(&l, PERIOD_DAILY, &days);
		must_be_all_minutes(&hours, whole.requests.total);
		assert_same(&whole, &hours);
		assert_same(&whole, &days);
		assert_true(aggregate_merge_totals(&totals, &whole));
		assert_true(aggregate_merge_totals(&life, &l.lifetime));
		assert_same(&totals, &life);
		window = windows_get(l.windows, WINDOW_1H, NOW, &start);
		assert_same(&newest, window);
		aggregator_free(&l);
		aggregate_free(&whole);
		aggregate_free(&newest);
		aggregate_free(&totals);
		aggregate_free(&hours);
		aggregate_free(&days);
		aggregate_free(&life);
	}
}

/* --- Documents -------------------------------------------------------------------------------- */

static void a_million_small_costs_are_shown_as_their_sum(void **state)
{
	struct orbus_sample s;
	struct aggregate a;
	char *text;
	size_t length;
	json_t *document;

	(void)state;
	aggregate_init(&a);
	orbus_sample_init(&s);
	s.model = "m";
	s.cost_usd = 0.000013;
	s.response_ms = 0.1;
	for (unsigned i = 0; i < 1000000; i++)
		assert_true(aggregate_add_settled(&a, &s));
	document = document_from_aggregate(&a, &context);
	text = document_to_text(document, &length);
	assert_non_null(strstr(text, "\"cost_usd\": 13.0,"));
	assert_non_null(strstr(text, "\"cost\": 13.0,"));
	assert_non_null(strstr(text, "\"sum\": 100000.0,"));
	assert_non_null(strstr(text, "\"avg\": 0.1,"));
	/* Nothing that a reader of earlier versions does not know. */
	assert_null(strstr(text, DOCUMENT_REST_OF));
	free(text);
	json_decref(document);
	aggregate_free(&a);
}

/* 2^53 trillionths are 9,007: beyond, a double is not all of it. */
static void what_a_double_leaves_out_is_beside_it(void **state)
{
	struct exact_sum sum = {(exact_units)20000 * EXACT_SCALE + 1};
	struct aggregate a;
	json_t *document;

	(void)state;
	aggregate_init(&a);
	a.requests.total = a.requests.ok = a.requests.cost_known = 1;
	a.requests.cost = sum;
	assert_true(aggregate_add_count(&a, "n", sum));
	document = document_from_aggregate(&a, &context);
	assert_true(json_real_value(json_object_get(document, "cost_usd")) == 20000);
	assert_int_equal(json_integer_value(json_object_get(document, "cost_usd_rest")), 1);
	assert_int_equal(json_integer_value(
			     json_object_get(json_object_get(document, DOCUMENT_COUNTS_REST), "n")),
	    1);
	json_decref(document);
	for (int i = 0; i < 12; i++) {
		write_and_read(&a);
		assert_true(a.requests.cost.units == sum.units);
		assert_true(
		    ((struct exact_sum *)name_table_find(&a.counts, "n"))->units == sum.units);
	}
	aggregate_free(&a);
}

static int scan_and_load(const char *text, struct aggregate *a)
{
	json_t *document = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	struct document_period period;
	struct aggregate b;
	int err, other;

	aggregate_init(&b);
	err = document_from_text(text, strlen(text), DOCUMENT_ALL, &period, NULL, a);
	other = document_to_aggregate(document, &b, NULL);
	json_decref(document);
	assert_int_equal(err, other);
	if (!err)
		assert_same(a, &b);
	aggregate_free(&b);
	return err;
}

/* Edited files: a rest that is no whole number, that is of nothing, or that takes away too much. */
static void a_rest_that_cannot_be_refuses_its_file(void **state)
{
	static const struct {
		const char *rest;
		int err;
	} cases[] = {{"1", 0}, {"-1", 0}, {"9223372036854775807", 0}, {"0", 0},
	    {"-9223372036854775807", -EBADMSG}, {"1.5", -EBADMSG}, {"\"1\"", -EBADMSG},
	    {"null", -EBADMSG}, {"{}", -EBADMSG}};
	struct aggregate a;
	json_t *document;
	char *text, *edited;
	size_t length;

	(void)state;
	aggregate_init(&a);
	a.requests.total = a.requests.ok = a.requests.cost_known = 1;
	a.requests.cost = exact_of(3);
	document = document_from_aggregate(&a, &context);
	text = document_to_text(document, &length);
	json_decref(document);
	aggregate_free(&a);
	edited = malloc(length + 100);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *at = strstr(text, "\"cost_usd\"");

		sprintf(edited, "%.*s\"cost_usd_rest\": %s, %s", (int)(at - text), text,
		    cases[i].rest, at);
		aggregate_init(&a);
		assert_int_equal(scan_and_load(edited, &a), cases[i].err);
		aggregate_free(&a);
		at = strstr(text, "\"counts\": {");
		sprintf(edited, "%.*s\"counts_rest\": {\"x\": %s}, %s", (int)(at - text), text,
		    cases[i].rest, at);
		aggregate_init(&a);
		assert_int_equal(scan_and_load(edited, &a), -EBADMSG);
		aggregate_free(&a);
	}
	free(edited);
	free(text);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(decimals_add_up_to_decimals),
	    cmocka_unit_test(a_figure_is_the_decimal_that_it_was_meant_to_be),
	    cmocka_unit_test(a_double_and_its_rest_restore_the_sum),
	    cmocka_unit_test(rests_that_are_none_are_refused),
	    cmocka_unit_test(sums_end_at_their_bound_in_any_order),
	    cmocka_unit_test(what_is_below_a_trillionth_is_rounded_once),
	    cmocka_unit_test(a_mean_lies_between_its_values),
	    cmocka_unit_test(documents_are_the_same_in_whatever_parts),
	    cmocka_unit_test(periods_windows_and_lifetime_are_the_same_after_restarts),
	    cmocka_unit_test(a_million_small_costs_are_shown_as_their_sum),
	    cmocka_unit_test(what_a_double_leaves_out_is_beside_it),
	    cmocka_unit_test(a_rest_that_cannot_be_refuses_its_file),
	};

	if (argc > 1)
		rounds = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		seed = strtoull(argv[2], NULL, 10);
	print_message("%lu rounds from seed %llu\n", rounds, (unsigned long long)seed);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
