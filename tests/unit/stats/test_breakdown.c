/*
 * test_breakdown.c: combinations add up to the whole, whatever their number and their histograms.
 */
#include "settled.h"
#include "stats/aggregate.h"
#include "testing.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static void add(struct aggregate *a, const char *bot, const char *model, double response_ms)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.bot = bot;
	s.model = model;
	s.provider = "p";
	s.response_ms = response_ms;
	s.completion_tokens = 10;
	s.cost_usd = 0.25;
	assert_true(aggregate_add_settled(a, &s));
}

/* All combinations together are all requests, and the buckets are counted as they are. */
static void must_add_up(const struct aggregate *a)
{
	struct request_stats sum;
	uint64_t buckets = 0;

	request_stats_init(&sum);
	for (uint32_t i = 0; i < a->breakdown.table.count; i++) {
		const struct request_stats *one = a->breakdown.table.entries[i].value;

		assert_true(one->total > 0);
		assert_true(request_stats_merge(&sum, one));
		buckets += request_stats_buckets(one);
	}
	assert_int_equal(a->breakdown.buckets, buckets);
	assert_int_equal(sum.total, a->requests.total);
	assert_int_equal(sum.tokens.total, a->requests.tokens.total);
	assert_memory_equal(&sum.cost, &a->requests.cost, sizeof(sum.cost));
	assert_int_equal(sum.response_ms.count, a->requests.response_ms.count);
	assert_memory_equal(
	    &sum.response_ms.sum, &a->requests.response_ms.sum, sizeof(struct exact_sum));
	request_stats_free(&sum);
}

static const struct request_stats *of(const struct aggregate *a, const char *bot, const char *model)
{
	for (uint32_t i = 0; i < a->breakdown.table.count; i++) {
		const struct name_table_entry *e = &a->breakdown.table.entries[i];
		struct combination c = combination_of(e);

		if (strcmp(c.bot, bot) == 0 && strcmp(c.model, model) == 0)
			return e->value;
	}
	return NULL;
}

static void a_combination_is_of_all_four(void **state)
{
	struct aggregate a, twice;
	struct orbus_sample s;
	struct combination c;

	(void)state;
	aggregate_init(&a);
	aggregate_init(&twice);
	add(&a, "acore", "m", 1000);
	add(&a, "acore", "n", 2000);
	add(&a, "bcore", "m", 3000);
	add(&a, "acore", "m", 4000);
	orbus_sample_init(&s);
	s.requested_model = "asked";
	s.status = ORBUS_STATUS_ERROR;
	assert_true(aggregate_add_settled(&a, &s));
	assert_int_equal(a.breakdown.table.count, 4);
	assert_int_equal(of(&a, "acore", "m")->total, 2);
	assert_int_equal(of(&a, NAME_UNKNOWN, "asked")->errors, 1);
	c = combination_of(&a.breakdown.table.entries[3]);
	assert_string_equal(c.provider, NAME_UNKNOWN);
	assert_string_equal(c.operation, "chat");
	must_add_up(&a);
	assert_true(aggregate_merge(&twice, &a));
	assert_true(aggregate_merge_totals(&twice, &a));
	assert_int_equal(of(&twice, "acore", "m")->total, 4);
	must_add_up(&twice);
	aggregate_free(&a);
	aggregate_free(&twice);
}

/* At and around the limit of combinations: those that have a place keep it. */
static void more_combinations_than_there_is_place_for_are_other(void **state)
{
	struct aggregate a, merged;
	char model[16];

	(void)state;
	aggregate_init(&a);
	aggregate_init(&merged);
	for (unsigned i = 0; i < BREAKDOWN_MAX + 10; i++) {
		snprintf(model, sizeof(model), "m%u", i);
		add(&a, "acore", model, 100 + i);
		assert_int_equal(
		    a.breakdown.table.count, i < BREAKDOWN_MAX ? i + 1 : BREAKDOWN_NAMES_MAX);
	}
	add(&a, "acore", "m0", 5);
	assert_int_equal(of(&a, "acore", "m0")->total, 2);
	snprintf(model, sizeof(model), "m%u", BREAKDOWN_MAX - 1);
	assert_int_equal(of(&a, "acore", model)->total, 1);
	assert_int_equal(of(&a, NAME_TABLE_OTHER, NAME_TABLE_OTHER)->total, 10);
	must_add_up(&a);
	assert_true(aggregate_merge(&merged, &a));
	add(&merged, "new", "new", 7);
	assert_int_equal(of(&merged, NAME_TABLE_OTHER, NAME_TABLE_OTHER)->total, 11);
	must_add_up(&merged);
	aggregate_free(&a);
	aggregate_free(&merged);
}

/* A few requests of the smallest and the largest duration make histograms as wide as there are. */
static void wide_histograms_are_bounded_together(void **state)
{
	struct aggregate a, merged;
	char model[16];
	uint64_t limit = BREAKDOWN_BUCKETS_MAX + 2 * 4 * HISTOGRAM_BUCKETS;

	(void)state;
	aggregate_init(&a);
	aggregate_init(&merged);
	for (unsigned round = 0; round < 3; round++)
		for (unsigned i = 0; i < BREAKDOWN_MAX; i++) {
			snprintf(model, sizeof(model), "m%u", i);
			add(&a, "acore", model, round == 1 ? 0.001 : 1e12);
		}
	assert_in_range(a.breakdown.buckets, BREAKDOWN_BUCKETS_MAX, limit);
	assert_int_equal(a.breakdown.table.count, BREAKDOWN_NAMES_MAX);
	/* What fits the buckets that it has goes on. */
	assert_in_range(of(&a, "acore", model)->total, 2, 2);
	assert_int_equal(of(&a, "acore", "m0")->total, 3);
	must_add_up(&a);
	assert_true(aggregate_merge(&merged, &a));
	assert_true(aggregate_merge(&merged, &a));
	assert_in_range(merged.breakdown.buckets, BREAKDOWN_BUCKETS_MAX / 2, limit);
	must_add_up(&merged);
	aggregate_free(&a);
	aggregate_free(&merged);
}

/* Names of any length are cut, at a character; two that are one once cut count together. */
static void long_names_are_cut(void **state)
{
	char name[2 * ORBUS_TEXT_MAX];
	struct aggregate a;

	(void)state;
	aggregate_init(&a);
	for (size_t length = ORBUS_TEXT_MAX - 1; length <= ORBUS_TEXT_MAX + 2; length++) {
		memset(name, 'x', length);
		name[length] = '\0';
		add(&a, name, "m", 1);
	}
	assert_int_equal(a.breakdown.table.count, 2);
	name[ORBUS_TEXT_MAX] = '\0';
	assert_int_equal(of(&a, name, "m")->total, 3);
	must_add_up(&a);
	aggregate_free(&a);
}

static void requests_count_by_the_values_of_chosen_tags(void **state)
{
	const struct tag_names tags = {.count = 2, .names = {"user", "channel"}};
	const struct orbus_tag given[] = {
	    {"user", "ann"}, {"guild", "g"}, {"channel", "c1"}, {"user", "bob"}};
	struct aggregate a, merged;
	const struct name_table *values;
	struct orbus_sample s;

	(void)state;
	aggregate_init(&a);
	aggregate_init(&merged);
	orbus_sample_init(&s);
	s.cost_usd = 0.5;
	for (size_t i = 0; i < 4; i++) {
		s.tags = given + i;
		s.tag_count = 1;
		assert_true(aggregate_add_settled(&a, &s));
		assert_true(tag_stats_add(&a.by_tag, &s, &tags));
	}
	assert_true(aggregate_merge(&merged, &a));
	assert_true(aggregate_merge(&merged, &a));
	assert_int_equal(merged.by_tag.tags.count, 2);
	values = name_table_find(&merged.by_tag.tags, "user");
	assert_int_equal(values->count, 2);
	assert_int_equal(((const struct request_stats *)name_table_find(values, "ann"))->total, 2);
	assert_true(request_stats_cost(name_table_find(values, "ann")) == 1.0);
	assert_null(name_table_find(&merged.by_tag.tags, "guild"));
	for (unsigned i = 0; i < 2 * TAG_NAMES_MAX; i++) {
		char name[8];

		snprintf(name, sizeof(name), "t%u", i);
		assert_int_equal(tag_stats_add_value(&merged.by_tag, name, "v", &a.requests),
		    i + 2 < TAG_NAMES_MAX);
	}
	/* Each tag's values up to the limit, and one beyond it. */
	for (unsigned i = 0; i < NAME_TABLE_MAX + 1; i++) {
		char value[8];

		snprintf(value, sizeof(value), "v%u", i);
		assert_int_equal(
		    tag_stats_add_value(&merged.by_tag, "user", value, &a.requests), 1);
	}
	assert_int_equal(values->count, NAME_TABLE_NAMES_MAX);
	assert_int_equal(
	    ((const struct request_stats *)name_table_find(values, NAME_TABLE_OTHER))->total,
	    3 * a.requests.total);
	aggregate_free(&a);
	aggregate_free(&merged);
}

static void a_bot_has_its_own_gauges(void **state)
{
	struct aggregate a, merged;
	const struct bot_stats *bot;
	struct orbus_sample s;
	char name[16];

	(void)state;
	aggregate_init(&a);
	aggregate_init(&merged);
	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_GAUGE;
	s.name = name;
	for (unsigned i = 0; i < BOT_GAUGES_MAX + 3; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		s.ts = 1000 + i;
		s.value = i;
		s.bot = "acore";
		assert_true(aggregate_add_settled(&a, &s));
	}
	snprintf(name, sizeof(name), "g0");
	s.bot = "bcore";
	s.value = 70;
	assert_true(aggregate_add_settled(&a, &s));
	assert_true(aggregate_merge(&merged, &a));
	assert_true(aggregate_merge(&merged, &a));
	bot = name_table_find(&merged.bots, "acore");
	assert_int_equal(bot->gauges.count, BOT_GAUGES_MAX + 1);
	assert_int_equal(
	    ((const struct gauge_stats *)name_table_find(&bot->gauges, NAME_TABLE_OTHER))->count,
	    6);
	assert_int_equal(bot->last_seen_ns, 1000 + BOT_GAUGES_MAX + 2);
	assert_int_equal(bot->last_request_ns, 0);
	bot = name_table_find(&merged.bots, "bcore");
	assert_true(((const struct gauge_stats *)name_table_find(&bot->gauges, "g0"))->last == 70);
	aggregate_free(&a);
	aggregate_free(&merged);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_combination_is_of_all_four),
	    cmocka_unit_test(more_combinations_than_there_is_place_for_are_other),
	    cmocka_unit_test(wide_histograms_are_bounded_together),
	    cmocka_unit_test(long_names_are_cut),
	    cmocka_unit_test(requests_count_by_the_values_of_chosen_tags),
	    cmocka_unit_test(a_bot_has_its_own_gauges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
