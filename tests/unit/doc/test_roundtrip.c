/*
 * test_roundtrip.c: what is written can be read: thousands of cases of tests/support/roundtrip.c,
 * the largest document there can be, and sums that have reached their end.
 *
 *   test_roundtrip [CASES [SEED]]
 */
#include "base/data_limits.h"
#include "doc/doc_read.h"
#include "doc/document.h"
#include "document_text.h"
#include "document_tree.h"
#include "roundtrip.h"
#include "settled.h"
#include "testing.h"

#include <limits.h>
#include <malloc.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static unsigned long cases = 300; /* each takes several times as long */
#else
static unsigned long cases = 2000;
#endif
static unsigned long long first_seed = 20261128;

static void everything_that_is_published_comes_out_equal(void **state)
{
	(void)state;
	print_message("%lu cases from seed %llu\n", cases, first_seed);
	for (unsigned long i = 0; i < cases; i++) {
		struct choices c = {.seed = (first_seed + i) * 1000003};

		roundtrip(&c);
	}
}

/* Each text as long as it may be, of what JSON takes six bytes for, and no two alike. */
static void longest_name(unsigned number, char out[ORBUS_TEXT_MAX + 1])
{
	memset(out, '\x01', ORBUS_TEXT_MAX);
	out[ORBUS_TEXT_MAX] = '\0';
	for (int i = 0; i < 4; i++, number /= 31)
		out[ORBUS_TEXT_MAX - 1 - i] = (char)(1 + number % 31);
}

/* All buckets, with counts of so many digits as 10^15 requests leave on the average. */
static void fill(struct histogram *h)
{
	for (int32_t i = HISTOGRAM_INDEX_MIN; i <= HISTOGRAM_INDEX_MAX; i++) {
		uint64_t n = UINT64_C(1111111111);

		assert_true(histogram_add_bucket(h, i, n));
		h->count += n;
	}
	h->sum.units = EXACT_UNITS_MAX - 1; /* with the longest rest */
	h->min = 5e-324;
	h->max = 1e300;
}

static void fill_figures(struct request_stats *f)
{
	f->tokens = (struct token_sums){COUNT_MAX, COUNT_MAX, COUNT_MAX, COUNT_MAX, COUNT_MAX};
	f->cost.units = EXACT_UNITS_MAX - 1;
	f->cost_known = f->ok = f->streaming = f->total = COUNT_MAX;
	fill(&f->response_ms);
	fill(&f->ttft_ms);
	fill(&f->tps);
	fill(&f->decode_tps);
}

/* As many combinations as there may be, the first with histograms of all buckets. */
static void fill_breakdown(struct aggregate *a)
{
	char name[ORBUS_TEXT_MAX + 1];
	const struct combination c = {name, name, name, name};

	for (unsigned i = 0; i < BREAKDOWN_MAX + 3; i++) {
		struct request_stats one;

		request_stats_init(&one);
		fill_figures(&one);
		longest_name(i, name);
		if (i >= BREAKDOWN_BUCKETS_MAX / (4 * HISTOGRAM_BUCKETS)) {
			histogram_free(&one.response_ms);
			histogram_free(&one.ttft_ms);
			histogram_free(&one.tps);
			histogram_free(&one.decode_tps);
		}
		assert_true(breakdown_add_stats(&a->breakdown, &c, &one));
		request_stats_free(&one);
	}
	assert_int_equal(a->breakdown.table.count, BREAKDOWN_NAMES_MAX);
	assert_true(a->breakdown.buckets > BREAKDOWN_BUCKETS_MAX / 100 * 99);
}

static void fill_tags(struct aggregate *a)
{
	char tag[ORBUS_TEXT_MAX + 1], value[ORBUS_TEXT_MAX + 1];

	for (unsigned t = 0; t < TAG_NAMES_MAX; t++)
		for (unsigned i = 0; i < NAME_TABLE_NAMES_MAX; i++) {
			struct request_stats one;

			request_stats_init(&one);
			fill_figures(&one);
			longest_name(t, tag);
			longest_name(i, value);
			assert_int_equal(tag_stats_add_value(&a->by_tag, tag, value, &one), 1);
			request_stats_free(&one);
		}
	assert_true(a->by_tag.buckets > TAG_BUCKETS_MAX);
}

static void fill_bots(struct aggregate *a, const struct gauge_stats *g)
{
	char bot[ORBUS_TEXT_MAX + 1], name[ORBUS_TEXT_MAX + 1];

	for (unsigned b = 0; b < NAME_TABLE_NAMES_MAX; b++) {
		struct bot_stats *stats;

		longest_name(b, bot);
		stats = bot_table_at(&a->bots, bot);
		stats->last_seen_ns = stats->last_request_ns = UINT64_MAX;
		for (unsigned i = 0; i < BOT_GAUGES_MAX + 1; i++) {
			longest_name(i, name);
			assert_true(gauge_table_add(&stats->gauges, name, g));
		}
	}
}

static void the_largest_document_is_read(void **state)
{
	struct aggregate a;
	char name[ORBUS_TEXT_MAX + 1], type[ORBUS_TEXT_MAX + 1];

	(void)state;
	aggregate_init(&a);
	fill_figures(&a.requests);
	for (unsigned i = 0; i < NAME_TABLE_NAMES_MAX; i++) {
		const struct gauge_stats g = {-1e300 / 3, -1e300 / 3, 1e300 / 3,
		    {EXACT_UNITS_MAX - 1}, {EXACT_UNITS_MAX / 3}, UINT64_MAX, COUNT_MAX};

		longest_name(i, name);
		fill_figures(stats_table_at(&a.by_model, name));
		fill_figures(stats_table_at(&a.by_bot, name));
		fill_figures(stats_table_at(&a.by_provider, name));
		assert_true(aggregate_add_errors(&a, name, COUNT_MAX));
		assert_true(aggregate_add_gauge(&a, name, &g));
		strcpy(
		    name + ORBUS_TEXT_MAX - strlen("_cache_hits") - 4, name + ORBUS_TEXT_MAX - 4);
		strcat(name, "_cache_hits");
		assert_true(aggregate_add_count(&a, name, (struct exact_sum){EXACT_UNITS_MAX - 1}));
	}
	longest_name(0, type);
	for (unsigned i = 0; i < RECENT_ERRORS_MAX; i++)
		assert_true(aggregate_add_recent_error(&a, UINT64_MAX - 1, type, type));
	for (uint64_t i = 0; i < KMV_SKETCH_MAX; i++)
		assert_true(kmv_sketch_add_hash(&a.users, (UINT64_C(1) << 53) - 1 - i) &&
			    kmv_sketch_add_hash(&a.channels, (UINT64_C(1) << 53) - 1 - i));
	fill_breakdown(&a);
	fill_tags(&a);
	fill_bots(&a, &(const struct gauge_stats){-1e300 / 3, -1e300 / 3, 1e300 / 3,
			  {EXACT_UNITS_MAX - 1}, {EXACT_UNITS_MAX / 3}, UINT64_MAX, COUNT_MAX});
	assert_int_equal(a.by_model.count, NAME_TABLE_NAMES_MAX);
	assert_in_range(must_survive_text(&a), DOCUMENT_BYTES_MAX / 4 * 3, DOCUMENT_BYTES_MAX);
	aggregate_free(&a);
}

/* What no reader would take is not written, and the reason is known. */
static void a_document_that_is_too_large_is_refused(void **state)
{
	struct text_writer t;
	size_t length;
	char *mebibyte = malloc(1 << 20);

	(void)state;
	memset(mebibyte, 'x', 1 << 20);
	text_writer_init(&t);
	writer_array(&t.writer, NULL);
	for (unsigned i = 0; i < DOCUMENT_BYTES_MAX >> 20; i++)
		writer_bytes(&t.writer, NULL, mebibyte, 1 << 20);
	writer_end(&t.writer);
	assert_null(text_writer_take(&t, &length));
	assert_true(t.too_large);
	free(mebibyte);
}

static void add_request(struct aggregate *a, uint64_t tokens, double figure)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.model = "m";
	s.prompt_tokens = s.completion_tokens = s.total_tokens = tokens;
	s.cached_tokens = s.reasoning_tokens = tokens;
	s.response_ms = s.cost_usd = figure;
	assert_true(aggregate_add_settled(a, &s));
}

static void sums_end_and_do_not_wrap(void **state)
{
	struct aggregate a, b;

	(void)state;
	aggregate_init(&a);
	aggregate_init(&b);
	add_request(&a, UINT64_MAX - 61, 1e308);
	add_request(&a, 1000, 1e308);
	assert_int_equal(a.requests.tokens.total, COUNT_MAX);
	assert_int_equal(a.requests.tokens.prompt, COUNT_MAX);
	assert_true(a.requests.cost.units == EXACT_UNITS_MAX);
	assert_true(request_stats_cost(&a.requests) == EXACT_MAX);
	assert_true(a.requests.response_ms.sum.units == EXACT_UNITS_MAX);
	/* The sum has ended; the mean still lies between the values. */
	assert_true(histogram_mean(&a.requests.response_ms) == FIGURE_MAX);
	must_survive_documents(&a);
	assert_true(aggregate_merge(&b, &a) && aggregate_merge(&b, &a));
	assert_int_equal(b.requests.total, 4);
	assert_int_equal(b.requests.tokens.total, COUNT_MAX);
	assert_true(b.requests.cost.units == EXACT_UNITS_MAX);
	must_survive_documents(&b);
	aggregate_free(&a);
	aggregate_free(&b);
}

static void a_gauges_sum_is_kept_and_not_made_of_its_average(void **state)
{
	static const double values[] = {0.1, 0.2, 0.7, -273.15, 1e-9, 1.0 / 3, 1e15};

	(void)state;
	for (size_t n = 1; n <= sizeof(values) / sizeof(values[0]); n++) {
		struct aggregate a;

		aggregate_init(&a);
		for (size_t i = 0; i < n; i++) {
			const struct gauge_stats g = gauge_of(values[i], i);

			assert_true(aggregate_add_gauge(&a, "g", &g));
		}
		must_survive_documents(&a);
		aggregate_free(&a);
	}
}

/* Counts of values too: a histogram's count remains the sum of what it counts. */
static void histograms_end_and_remain_whole(void **state)
{
	struct aggregate a, b;

	(void)state;
	aggregate_init(&a);
	aggregate_init(&b);
	fill_figures(&a.requests);
	a.requests.response_ms.zero_count = COUNT_MAX - a.requests.response_ms.count - 1;
	a.requests.response_ms.count = COUNT_MAX - 1;
	add_request(&a, 1, 8);
	assert_int_equal(a.requests.response_ms.count, COUNT_MAX);
	add_request(&a, 1, 8);
	assert_int_equal(a.requests.response_ms.count, COUNT_MAX);
	must_survive_documents(&a);
	fill_figures(&b.requests);
	assert_true(aggregate_merge(&b, &a));
	assert_int_equal(b.requests.response_ms.count, COUNT_MAX);
	must_survive_documents(&b);
	aggregate_free(&a);
	aggregate_free(&b);
}

/* Renames a member of an object, as an earlier version wrote it: in its place. */
static void lengthen(json_t *object, const char *name, const char *longer)
{
	json_t *value = json_incref(json_object_get(object, name));

	assert_non_null(value);
	json_object_del(object, name);
	assert_int_equal(json_object_set_new(object, longer, value), 0);
}

/*
 * Files of version 1.0 have counts only where they show, gauges without a sum, and names of any
 * length, of which several may be one once they are cut: both readers sum these.
 */
static void files_of_earlier_versions_are_read_alike(void **state)
{
	static const char *const series[] = {"by_model", "by_bot", "by_provider"};
	const struct gauge_stats g = {3, 1, 3, exact_of(4), {0}, 5, 2};
	const struct document_context context = {
	    .period_kind = "hourly", .end_ns = UINT64_C(3600000000000), .restorable = true};
	struct document_period period;
	struct aggregate a, by_tree, by_scan;
	char longer[2][600];
	size_t length;
	json_t *document, *histograms;
	char *text;

	(void)state;
	aggregate_init(&a);
	aggregate_init(&by_tree);
	aggregate_init(&by_scan);
	for (int i = 0; i < 6; i++) {
		static const char *const names[] = {"one", "two", "three"};
		struct orbus_sample s;

		orbus_sample_init(&s);
		s.model = s.bot = s.provider = names[i % 3];
		s.response_ms = 100 * i;
		s.cost_usd = 1;
		s.completion_tokens = 7;
		assert_true(aggregate_add_settled(&a, &s));
	}
	assert_true(aggregate_add_gauge(&a, "g", &g));
	assert_true(aggregate_add_count(&a, "rag_cache_hits", exact_of(3)) &&
		    aggregate_add_count(&a, "messages_processed", exact_of(2)) &&
		    aggregate_add_count(&a, "other", exact_of(1)));
	document = document_from_aggregate(&a, &context);
	json_object_del(document, "counts");
	json_object_del(json_object_get(json_object_get(document, "gauges"), "g"), "sum");
	for (int i = 0; i < 2; i++) {
		memset(longer[i], 'x', sizeof(longer[i]));
		strcpy(longer[i] + 500, i ? "second" : "first");
	}
	histograms = json_object_get(document, "histograms");
	for (int i = 0; i < 3; i++) {
		lengthen(json_object_get(document, series[i]), "one", longer[0]);
		lengthen(json_object_get(document, series[i]), "two", longer[1]);
		lengthen(json_object_get(histograms, series[i]), "two", longer[1]);
		lengthen(json_object_get(histograms, series[i]), "one", longer[0]);
	}
	text = document_to_text(document, &length);
	assert_int_equal(document_to_aggregate(document, &by_tree, NULL), 0);
	assert_int_equal(
	    document_from_text(text, length, DOCUMENT_ALL, &period, NULL, &by_scan), 0);
	must_be_equal(&by_tree, &by_scan, "files of 1.0");
	assert_int_equal(by_tree.by_model.count, 2);
	longer[0][ORBUS_TEXT_MAX] = '\0';
	assert_int_equal(
	    ((struct request_stats *)name_table_find(&by_tree.by_model, longer[0]))->total, 4);
	assert_int_equal(((struct request_stats *)name_table_find(&by_scan.by_bot, longer[0]))
			     ->response_ms.count,
	    4);
	assert_true(aggregate_count(&by_scan, "rag_cache_hits") == 3);
	assert_int_equal(by_scan.counts.count, 3);
	assert_true(((struct gauge_stats *)name_table_find(&by_scan.gauges, "g"))->above.units ==
		    exact_of(4).units);
	must_survive_documents(&by_scan);
	json_decref(document);
	free(text);
	aggregate_free(&a);
	aggregate_free(&by_tree);
	aggregate_free(&by_scan);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(files_of_earlier_versions_are_read_alike),
	    cmocka_unit_test(sums_end_and_do_not_wrap),
	    cmocka_unit_test(a_gauges_sum_is_kept_and_not_made_of_its_average),
	    cmocka_unit_test(histograms_end_and_remain_whole),
	    cmocka_unit_test(a_document_that_is_too_large_is_refused),
	    cmocka_unit_test(the_largest_document_is_read),
	    cmocka_unit_test(everything_that_is_published_comes_out_equal),
	};

	/* Blocks are kept for the next case: to give them back takes more time than the test. */
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, INT_MAX);
	if (argc > 1)
		cases = strtoul(argv[1], NULL, 10);
	if (argc > 2)
		first_seed = strtoull(argv[2], NULL, 10);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
