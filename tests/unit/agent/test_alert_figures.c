/*
 * test_alert_figures.c: what rules with several filters, of gauges and of silence come to.
 */
#include "agent/alerts/evaluate.h"
#include "agent/alerts/silence.h"
#include "base/clock.h"
#include "settled.h"
#include "testing.h"

#include <fnmatch.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define NOW UINT64_C(1767225600000000000)
#define DAY (UINT64_C(86400) * NS_PER_SECOND)

/* The only rule of a text that must be right. */
static struct alert_rules one(const char *text)
{
	struct alert_rules rules;
	char error[512];

	if (alert_rules_parse(text, strlen(text), &rules, error, sizeof(error)) != 0)
		fail_msg("'%s' was refused: %s", text, error);
	assert_int_equal(rules.rule_count, 1);
	return rules;
}

static struct alert_reading read_rule(const char *rule, const struct aggregate *a)
{
	struct alert_rules rules = one(rule);
	struct alert_reading reading = alert_read(&rules.rules[0], a);

	assert_true(alert_figure_is_gauge(rules.rules[0].figure) ||
		    reading.requests == alert_count_requests(&rules.rules[0], a));
	alert_rules_free(&rules);
	return reading;
}

static double value_of(const char *rule, const struct aggregate *a)
{
	return read_rule(rule, a).value;
}

static bool fires(const char *rule, const struct aggregate *a)
{
	struct alert_rules rules = one(rule);
	bool beyond = alert_is_beyond(&rules.rules[0], alert_read(&rules.rules[0], a).value);

	alert_rules_free(&rules);
	return beyond;
}

/* --- Filters ---------------------------------------------------------------------------------- */

static void add(struct aggregate *a, unsigned n, const char *bot, const char *model,
    const char *provider, double response_ms, double cost_usd)
{
	struct orbus_sample s;

	for (unsigned i = 0; i < n; i++) {
		orbus_sample_init(&s);
		s.bot = bot;
		s.model = model;
		s.provider = provider;
		s.response_ms = response_ms;
		s.cost_usd = cost_usd;
		assert_true(aggregate_add_settled(a, &s));
	}
}

static void several_filters_take_what_fits_all_of_them(void **state)
{
	struct aggregate a;

	(void)state;
	aggregate_init(&a);
	add(&a, 1, "a", "m1", "P", 1000, 0.1);
	add(&a, 2, "a", "m2", "P", 2000, 0.1);
	add(&a, 4, "a", "m2", "Q", 3000, 0.1);
	add(&a, 8, "b", "m1", "P", 4000, 0.1);
	add(&a, 16, "b", "m2", NULL, 5000, NAN);
	assert_true(value_of("requests 1h > 1 bot=a model=m1", &a) == 1);
	assert_true(value_of("requests 1h > 1 model=m2 bot=a", &a) == 6);
	assert_true(value_of("requests 1h > 1 bot=a provider=P", &a) == 3);
	assert_true(value_of("requests 1h > 1 model=m* provider=P", &a) == 11);
	assert_true(value_of("requests 1h > 1 bot=? model=m2 provider=*", &a) == 22);
	assert_true(value_of("requests 1h > 1 bot=b model=m2 provider=(unknown)", &a) == 16);
	assert_true(value_of("requests 1h > 1 operation=chat", &a) == 31);
	assert_true(value_of("requests 1h > 1 operation=embeddings", &a) == 0);
	assert_true(value_of("requests 1h > 1 bot=a model=m1 provider=P operation=chat", &a) == 1);
	assert_true(value_of("requests 1h > 1 bot=a model=none", &a) == 0);
	assert_true(value_of("avg 1h > 1s bot=a model=m2 provider=Q", &a) == 3);
	assert_true(isnan(value_of("cost 1h > 1 bot=b model=m2", &a)));
	assert_true(isnan(value_of("error_rate 1h > 1 bot=a provider=none", &a)));
	/* Three times ten cents are no more than thirty. */
	assert_false(fires("cost 1h > 0.3 bot=a provider=P", &a));
	assert_true(fires("cost 1h > 0.299999999 bot=a provider=P", &a));
	/* Any pair of filters is of no more requests than each of the two. */
	assert_true(
	    value_of("requests 1h > 1 bot=* model=*", &a) == value_of("requests 1h > 1", &a));
	aggregate_free(&a);
}

/* As glob(7) has them, whichever way they are matched. */
static void patterns_are_those_of_the_shell(void **state)
{
	static const char *const names[] = {
	    "a", "ab", "abc", "a*", "a\\", "*", ".a", "a/b", "[a]", "", "b", "A", "a?"};
	static const char *const globs[] = {"a", "a*", "*a", "*", "?", "a?", "[ab]", "\\*", "a\\*",
	    "a\\\\", "**", "a**", "*b*", "[!a]*", "a[", "a/*", "[[]a]", "abc", "A"};

	(void)state;
	for (size_t i = 0; i < sizeof(globs) / sizeof(globs[0]); i++) {
		for (size_t j = 0; j < sizeof(names) / sizeof(names[0]); j++) {
			bool fits = fnmatch(globs[i], names[j], 0) == 0;
			char one_filter[64], two_filters[128];
			struct aggregate a;

			snprintf(
			    one_filter, sizeof(one_filter), "requests 1h > 1 model=%s", globs[i]);
			snprintf(two_filters, sizeof(two_filters), "%s bot=b", one_filter);
			aggregate_init(&a);
			add(&a, 1, "b", names[j], NULL, 1, NAN);
			assert_true(value_of(one_filter, &a) == fits);
			assert_true(value_of(two_filters, &a) == fits);
			aggregate_free(&a);
		}
	}
}

/* Whose requests "(other)" holds, nobody knows: with several filters they are nobody's. */
static void other_fits_no_pair_of_filters(void **state)
{
	struct aggregate a;
	char name[16];

	(void)state;
	aggregate_init(&a);
	for (unsigned i = 0; i < BREAKDOWN_MAX + 100; i++) {
		snprintf(name, sizeof(name), "m%u", i % 250);
		add(&a, 1, i < 250 * 8 ? "a" : "b", name, i / 250 % 2 ? "P" : "Q", 1, NAN);
	}
	for (unsigned i = 0; i < 10; i++) {
		for (unsigned j = 0; j < 250; j++) {
			char bot[16];

			snprintf(bot, sizeof(bot), "b%u", i);
			snprintf(name, sizeof(name), "m%u", j);
			add(&a, 1, bot, name, "P", 1, NAN);
		}
	}
	assert_int_equal(a.breakdown.table.count, BREAKDOWN_NAMES_MAX);
	assert_true(value_of("requests 1h > 1 bot=* model=*", &a) < (double)a.requests.total);
	assert_true(value_of("requests 1h > 1 bot=(other) model=(other)", &a) == 0);
	/* By one dimension alone there is room for all of them. */
	assert_true(value_of("requests 1h > 1 bot=*", &a) == (double)a.requests.total);
	assert_true(value_of("requests 1h > 1 bot=b9", &a) == 250);
	aggregate_free(&a);
}

/* --- Gauges ----------------------------------------------------------------------------------- */

static void add_gauge(
    struct aggregate *a, const char *bot, const char *name, double value, uint64_t ts_ns)
{
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_GAUGE;
	s.bot = bot;
	s.name = name;
	s.value = value;
	s.ts = ts_ns;
	assert_true(aggregate_add_settled(a, &s));
}

static void a_gauge_is_the_average_of_its_values(void **state)
{
	struct aggregate a;

	(void)state;
	aggregate_init(&a);
	assert_true(isnan(value_of("gauge latency 5m > 500", &a)));
	add_gauge(&a, "acore", "latency", 400, NOW + 3);
	add_gauge(&a, "acore", "latency", 800, NOW + 2);
	add_gauge(&a, "other", "latency", 30, NOW + 1);
	add_gauge(&a, "other", "balance", -4.5, NOW + 1);
	assert_true(value_of("gauge latency 5m > 500", &a) == 410);
	assert_true(value_of("gauge latency 5m > 500 bot=acore", &a) == 600);
	assert_true(value_of("gauge_min latency 5m > 500 bot=acore", &a) == 400);
	assert_true(value_of("gauge_max latency 5m > 500 bot=*", &a) == 800);
	/* That of the highest time, in whatever order they came. */
	assert_true(value_of("gauge_last latency 5m > 500 bot=acore", &a) == 400);
	assert_true(value_of("gauge balance 5m < 0", &a) == -4.5);
	assert_true(isnan(value_of("gauge balance 5m < 0 bot=acore", &a)));
	assert_true(isnan(value_of("gauge late 5m > 500", &a)));
	assert_true(value_of("gauge lat* 5m > 500 bot=ac*", &a) == 600);
	assert_int_equal(read_rule("gauge latency 5m > 500", &a).requests, 3);
	assert_true(value_of("gauge latency 5m > 5 with at least 3 values", &a) == 410);
	assert_true(isnan(value_of("gauge latency 5m > 5 with at least 4 values", &a)));
	aggregate_free(&a);
}

static void a_gauge_at_its_threshold_does_not_fire(void **state)
{
	static const struct {
		unsigned n;
		double value;
		const char *at, *near; /* the last does */
	} cases[] = {
	    {3, 0.1, "gauge x 5m > 0.1", "gauge x 5m > 0.0999999"},
	    {7, -0.7, "gauge x 5m < -0.7", "gauge x 5m < -0.6999999"},
	    {11, 500, "gauge x 5m > 500", "gauge x 5m > 499.999"},
	    {3, 1e300, "gauge x 5m > 1e300", "gauge x 5m > 0.9e300"},
	    {1, 0, "gauge x 5m > 0", "gauge x 5m > -1"},
	};

	struct aggregate mean;

	(void)state;
	/* Of these a division of doubles leaves less than a fifth. */
	aggregate_init(&mean);
	for (unsigned n = 1; n <= 3; n++)
		add_gauge(&mean, "b", "x", (double)n / 10, NOW);
	assert_false(fires("gauge x 5m < 0.2", &mean));
	aggregate_free(&mean);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aggregate a;

		aggregate_init(&a);
		for (unsigned n = 0; n < cases[i].n; n++)
			add_gauge(&a, "b", "x", cases[i].value, NOW + n);
		assert_false(fires(cases[i].at, &a));
		assert_true(fires(cases[i].near, &a));
		aggregate_free(&a);
	}
}

/* Values of other gauges than the rule's are no reason for an alert. */
static void other_is_no_gauge(void **state)
{
	struct aggregate a;
	char name[16];

	(void)state;
	aggregate_init(&a);
	for (int i = 0; i < NAME_TABLE_MAX + 5; i++) {
		snprintf(name, sizeof(name), "g%d", i);
		add_gauge(&a, "b", name, i < NAME_TABLE_MAX ? 1 : 1000, NOW);
	}
	assert_non_null(name_table_find(&a.gauges, NAME_TABLE_OTHER));
	assert_true(value_of("gauge_max * 5m > 1", &a) == 1);
	assert_true(value_of("gauge_max * 5m > 1 bot=b", &a) == 1);
	aggregate_free(&a);
}

/* --- Silence ---------------------------------------------------------------------------------- */

static void hear(struct bots *b, const char *bot, uint64_t ts_ns)
{
	const struct sample_origin origin = {.lane = 1, .epoch = 1};
	struct orbus_sample s;

	orbus_sample_init(&s);
	s.kind = ORBUS_KIND_COUNT;
	s.bot = bot;
	s.ts = ts_ns;
	bots_note(b, &origin, &s);
}

static double silence(const char *rule, const struct bots *b, uint64_t now_ns, struct alert *alert)
{
	struct alert_rules rules = one(rule);

	silence_of_bots(&rules.rules[0], b, now_ns, alert);
	alert_rules_free(&rules);
	return alert->reading.value;
}

static bool is_silent(const char *rule, const struct bots *b, uint64_t now_ns, struct alert *alert)
{
	struct alert_rules rules = one(rule);
	bool beyond;

	silence_of_bots(&rules.rules[0], b, now_ns, alert);
	beyond = alert_is_beyond(&rules.rules[0], alert->reading.value);
	alert_rules_free(&rules);
	return beyond;
}

/* From when the rule was first judged, which is kept over restarts. */
static void a_bot_that_a_rule_names_is_waited_for(void **state)
{
	struct bots *b = bots_new();
	struct alert alert = {0};
	const char *rule = "silent 10m bot=acore";

	(void)state;
	assert_true(silence(rule, b, NOW, &alert) == 0);
	assert_false(is_silent(rule, b, NOW + 600 * NS_PER_SECOND, &alert));
	assert_true(is_silent(rule, b, NOW + 600 * NS_PER_SECOND + 1000, &alert));
	assert_string_equal(alert.bot, "acore");
	hear(b, "another", NOW + 601 * NS_PER_SECOND);
	assert_true(is_silent(rule, b, NOW + 601 * NS_PER_SECOND, &alert));
	hear(b, "acore", NOW + 602 * NS_PER_SECOND);
	assert_true(silence(rule, b, NOW + 602 * NS_PER_SECOND, &alert) == 0);
	/* For good, and also by an agent that has not heard of it itself. */
	bots_free(b);
	b = bots_new();
	assert_true(silence(rule, b, NOW + 1202 * NS_PER_SECOND, &alert) == 600);
	assert_true(is_silent(rule, b, NOW + 100 * DAY, &alert));
	/* What a replay tells again is no news. */
	hear(b, "acore", NOW);
	assert_true(is_silent(rule, b, NOW + 100 * DAY, &alert));
	/* A clock that was set back: as if heard of now. */
	assert_true(silence(rule, b, NOW - DAY, &alert) == 0);
	assert_true(silence("silent 10m bot=never", b, NOW - DAY, &alert) == 0);
	assert_true(is_silent("silent 10m bot=never", b, NOW - DAY + 601 * NS_PER_SECOND, &alert));
	bots_free(b);
}

static void any_bot_is_waited_for_where_none_is_named(void **state)
{
	struct bots *b = bots_new();
	struct alert alert = {0};
	const char *rule = "silent 10m";

	(void)state;
	assert_true(isnan(silence(rule, b, NOW, &alert)));
	hear(b, "a", NOW);
	hear(b, "b", NOW + 5 * NS_PER_SECOND);
	hear(b, "c", NOW + 900 * NS_PER_SECOND);
	assert_false(is_silent(rule, b, NOW + 600 * NS_PER_SECOND, &alert));
	assert_string_equal(alert.bot, "");
	assert_true(is_silent(rule, b, NOW + 601 * NS_PER_SECOND, &alert));
	assert_string_equal(alert.bot, "a");
	assert_int_equal(alert.others, 0);
	assert_true(is_silent(rule, b, NOW + 606 * NS_PER_SECOND, &alert));
	assert_int_equal(alert.others, 1);
	assert_true(is_silent("silent 10m bot=[bc]", b, NOW + 606 * NS_PER_SECOND, &alert));
	assert_string_equal(alert.bot, "b");
	assert_int_equal(alert.others, 0);
	assert_false(is_silent("silent 10m bot=x*", b, NOW + 606 * NS_PER_SECOND, &alert));
	assert_true(isnan(alert.reading.value));
	/* One that has gone for good is not waited for any more. */
	assert_true(is_silent(rule, b, NOW + 600 * NS_PER_SECOND + DAY, &alert));
	assert_string_equal(alert.bot, "a");
	assert_true(is_silent(rule, b, NOW + 601 * NS_PER_SECOND + DAY, &alert));
	assert_string_equal(alert.bot, "b");
	assert_false(is_silent(rule, b, NOW + 2000 * NS_PER_SECOND + DAY, &alert));
	assert_string_equal(alert.bot, "b");
	/* A clock that was set back. */
	assert_true(silence(rule, b, NOW - DAY, &alert) == 0);
	bots_free(b);
}

/* The state of alerts, which holds it, must be UTF-8. */
static void a_name_that_is_too_long_is_cut_between_characters(void **state)
{
	char rule[512] = "silent 10m bot=";
	struct bots *b = bots_new();
	struct alert alert = {0};

	(void)state;
	for (int i = 0; i < 200; i++)
		strcat(rule, "\xc3\xa9");
	assert_true(silence(rule, b, NOW, &alert) == 0);
	assert_int_equal(strlen(alert.bot), ORBUS_TEXT_MAX - 1);
	bots_free(b);
}

static void a_silence_ends_or_is_given_up(void **state)
{
	struct bots *b = bots_new();
	struct alert alert = {0};
	struct alert_rules any = one("silent 10m"), named = one("silent 10m bot=a");

	(void)state;
	hear(b, "a", NOW);
	silence_of_bots(&any.rules[0], b, NOW + 700 * NS_PER_SECOND, &alert);
	assert_string_equal(alert.bot, "a");
	assert_false(
	    silence_has_ended(&any.rules[0], b, NOW + 2 * DAY, &alert)); /* it never spoke again */
	assert_true(silence_has_ended(&named.rules[0], b, NOW + 2 * DAY, &alert));
	hear(b, "a", NOW + DAY);
	assert_true(silence_has_ended(&any.rules[0], b, NOW + DAY, &alert));
	alert_rules_free(&any);
	alert_rules_free(&named);
	bots_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(several_filters_take_what_fits_all_of_them),
	    cmocka_unit_test(patterns_are_those_of_the_shell),
	    cmocka_unit_test(other_fits_no_pair_of_filters),
	    cmocka_unit_test(a_gauge_is_the_average_of_its_values),
	    cmocka_unit_test(a_gauge_at_its_threshold_does_not_fire),
	    cmocka_unit_test(other_is_no_gauge),
	    cmocka_unit_test(a_bot_that_a_rule_names_is_waited_for),
	    cmocka_unit_test(any_bot_is_waited_for_where_none_is_named),
	    cmocka_unit_test(a_name_that_is_too_long_is_cut_between_characters),
	    cmocka_unit_test(a_silence_ends_or_is_given_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
