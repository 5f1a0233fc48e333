/*
 * test_alerts.c: the rules of alerts: how they are read and evaluated, and the messages about them.
 */
#include "agent/alerts/evaluate.h"
#include "agent/alerts/message.h"
#include "settled.h"
#include "testing.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int parse(const char *text, struct alert_rules *out, char error[512])
{
	return alert_rules_parse(text, strlen(text), out, error, 512);
}

/* The only rule of a text that must be right. */
static struct alert_rules one(const char *text)
{
	struct alert_rules rules;
	char error[512];

	if (parse(text, &rules, error) != 0)
		fail_msg("'%s' was refused: %s", text, error);
	assert_int_equal(rules.rule_count, 1);
	return rules;
}

static void assert_same_text(const char *a, const char *b)
{
	assert_int_equal(a != NULL, b != NULL);
	if (a)
		assert_string_equal(a, b);
}

static void rules_are_read_as_they_are_meant(void **state)
{
	static const struct {
		const char *line, *text;
		enum alert_figure figure;
		enum alert_window window;
		bool above;
		double threshold;
		uint64_t at_least;
		const char *glob[ALERT_FILTERS], *gauge;
	} cases[] = {
	    {"cost today > 5 USD", "cost today > 5 USD", ALERT_COST, ALERT_TODAY, true, 5, 1},
	    {"cost 1h>$0.5", "cost 1h > $0.5", ALERT_COST, ALERT_1H, true, 0.5, 1},
	    {"  cost\ttoday  >5USD # why", "cost today > 5USD", ALERT_COST, ALERT_TODAY, true, 5,
		1},
	    {"error_rate 1h > 10 % with at least 20 requests",
		"error_rate 1h > 10 % with at least 20 requests", ALERT_ERROR_RATE, ALERT_1H, true,
		10, 20},
	    {"error_rate 5m > 2.5%", "error_rate 5m > 2.5%", ALERT_ERROR_RATE, ALERT_5M, true, 2.5,
		1},
	    {"p95 5m > 10s model=openai/*", "p95 5m > 10s model=openai/*", ALERT_P95, ALERT_5M,
		true, 10, 1, {[ALERT_MODEL] = "openai/*"}},
	    {"p50 1m > 500ms bot=a>b", "p50 1m > 500ms bot=a>b", ALERT_P50, ALERT_1M, true, 0.5, 1,
		{[ALERT_BOT] = "a>b"}},
	    {"ttft 1h > 1.5 s with 5 requests provider=Azure",
		"ttft 1h > 1.5 s with 5 requests provider=Azure", ALERT_TTFT, ALERT_1H, true, 1.5,
		5, {[ALERT_PROVIDER] = "Azure"}},
	    {"tps 1h < 10 tokens/s", "tps 1h < 10 tokens/s", ALERT_TPS, ALERT_1H, false, 10, 1},
	    {"requests 1h < 3", "requests 1h < 3", ALERT_REQUESTS, ALERT_1H, false, 3, 1},
	    {"no requests for 30m", "no requests for 30m", ALERT_SILENCE, ALERT_NO_WINDOW, true,
		1800, 1},
	    {"no requests for 1.5 h bot=a*", "no requests for 1.5 h bot=a*", ALERT_SILENCE,
		ALERT_NO_WINDOW, true, 5400, 1, {[ALERT_BOT] = "a*"}},
	    {"lost samples > 0", "lost samples > 0", ALERT_LOST, ALERT_1H, true, 0, 1},
	    {"lost samples today > 10\r", "lost samples today > 10", ALERT_LOST, ALERT_TODAY, true,
		10, 1},
	    {"cost 7d > 5", "cost 7d > 5", ALERT_COST, ALERT_7D, true, 5, 1},
	    {"cost 30d < 5 USD", "cost 30d < 5 USD", ALERT_COST, ALERT_30D, false, 5, 1},
	    {"tokens week > 1000", "tokens week > 1000", ALERT_TOKENS, ALERT_WEEK, true, 1000, 1},
	    {"cost month>$80 bot=b provider=P model=m* operation=chat",
		"cost month > $80 bot=b provider=P model=m* operation=chat", ALERT_COST,
		ALERT_MONTH, true, 80, 1,
		{[ALERT_MODEL] = "m*",
		    [ALERT_BOT] = "b",
		    [ALERT_PROVIDER] = "P",
		    [ALERT_OPERATION] = "chat"}},
	    {"gauge discord_latency_ms 5m > 500 bot=acore",
		"gauge discord_latency_ms 5m > 500 bot=acore", ALERT_GAUGE, ALERT_5M, true, 500, 1,
		{[ALERT_BOT] = "acore"}, "discord_latency_ms"},
	    {"gauge_min balance 1h < -2.5 with at least 3 values",
		"gauge_min balance 1h < -2.5 with at least 3 values", ALERT_GAUGE_MIN, ALERT_1H,
		false, -2.5, 3, {NULL}, "balance"},
	    {"gauge_max q* today > 0", "gauge_max q* today > 0", ALERT_GAUGE_MAX, ALERT_TODAY, true,
		0, 1, {NULL}, "q*"},
	    /* A gauge may be called like a window, or like a word of rules. */
	    {"gauge_last 5m 1m > 7", "gauge_last 5m 1m > 7", ALERT_GAUGE_LAST, ALERT_1M, true, 7, 1,
		{NULL}, "5m"},
	    {"silent 10m", "silent 10m", ALERT_SILENT, ALERT_NO_WINDOW, true, 600, 1},
	    {"silent for 10 m bot=acore", "silent for 10 m bot=acore", ALERT_SILENT,
		ALERT_NO_WINDOW, true, 600, 1, {[ALERT_BOT] = "acore"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct alert_rules rules = one(cases[i].line);
		const struct alert_rule *r = &rules.rules[0];

		assert_string_equal(r->text, cases[i].text);
		assert_int_equal(r->figure, cases[i].figure);
		assert_int_equal(r->window, cases[i].window);
		assert_int_equal(r->above, cases[i].above);
		assert_true(r->threshold == cases[i].threshold);
		assert_int_equal(r->at_least, cases[i].at_least);
		for (int f = 0; f < ALERT_FILTERS; f++)
			assert_same_text(r->glob[f], cases[i].glob[f]);
		assert_same_text(r->gauge, cases[i].gauge);
		alert_rules_free(&rules);
	}
}

static void mistakes_are_told_with_line_and_remedy(void **state)
{
	static const struct {
		const char *text, *error[3];
	} cases[] = {
	    {"", {"1: there is no rule", "cost today"}},
	    {"# nothing\n\n", {"2: there is no rule"}},
	    {"cost today > 5\np96 5m > 1s", {"2: ", "'p96'", "p95"}},
	    {"cost 2h > 5",
		{"1: ", "'2h'", "1m, 5m, 1h or today, or, of a sum, 7d, 30d, week or month"}},
	    {"cost", {"1: ", "no window"}},
	    {"cost today 5", {"1: ", "write > or <"}},
	    {"cost today >", {"1: ", "no number", "USD"}},
	    {"cost today > -5", {"1: ", "'-5'"}},
	    {"cost today > five", {"1: ", "'five'"}},
	    {"cost today > 5 EUR", {"1: ", "'EUR'"}},
	    {"cost today > 1e999", {"1: ", "1e999"}},
	    {"cost today > nan", {"1: ", "nan"}},
	    {"error_rate 1h > 101 %", {"1: ", "up to 100"}},
	    {"p95 5m > 10", {"1: ", "'10' is no time", "10s"}},
	    {"p95 5m > 0s", {"1: ", "no time"}},
	    {"no requests for", {"1: ", "no time"}},
	    {"no requests", {"1: ", "'no'"}},
	    {"no requests for 5m with 3 requests", {"1: ", "leave out"}},
	    {"requests today < 5", {"1: ", "every morning"}},
	    {"lost samples < 5", {"1: ", "never"}},
	    {"lost samples > 0 bot=x", {"1: ", "leave out 'bot=x'"}},
	    {"error_rate 1h > 5 % with at least some requests", {"1: ", "at least 20"}},
	    {"error_rate 1h > 5 % with at least 0 requests", {"1: ", "at least 20"}},
	    {"error_rate 1h > 5 % model=", {"1: ", "'model='"}},
	    {"error_rate 1h > 5 % user=x", {"1: ", "'user=x'"}},
	    {"error_rate 1h > 5 % model=a bot=b model=c",
		{"1: ", "names model= twice", "leave out 'model=c'"}},
	    {"p95 week > 1s", {"1: ", "'week' is a window of sums", "1m, 5m, 1h or today"}},
	    {"gauge x month > 1", {"1: ", "'month' is a window of sums"}},
	    {"cost week < 5", {"1: ", "every week", "write 7d"}},
	    {"cost month < 5", {"1: ", "every month", "write 30d"}},
	    {"gauge", {"1: ", "'gauge' is followed by a gauge's name", "gauge NAME 5m > 500"}},
	    {"gauge 5m > 500", {"1: ", "'>' is no window", "gauge NAME 5m > 500"}},
	    {"gauge x 5m > 500ms", {"1: ", "'500ms' is no number", "without naming it"}},
	    {"gauge x 5m > inf", {"1: ", "'inf' is no number"}},
	    {"gauge x 5m >", {"1: ", "'' is no number"}},
	    {"gauge x 5m > 5 model=m", {"1: ", "'gauge' is of bots alone", "leave out 'model=m'"}},
	    {"gauge x 5m > 5 with at least 3 requests", {"1: ", "at least 20 values"}},
	    {"silent", {"1: ", "'' is no time"}},
	    {"silent > 10m", {"1: ", "'>' is no time", "30m"}},
	    {"silent 10m model=m", {"1: ", "'silent' is of bots alone", "leave out 'model=m'"}},
	    {"silent 10m with at least 3 requests", {"1: ", "leave out"}},
	    {"lost samples week > 0 operation=chat", {"1: ", "leave out 'operation=chat'"}},
	    {"cost today > 5\n\ncost  today >5", {"3: ", "earlier line"}},
	    {"cost today > 5\x1b[2J", {"1: ", "control character"}},
	    {"cost today > 5 model=\xff", {"1: ", "UTF-8"}},
	    {"webhook", {"1: ", "one URL"}},
	    {"webhook a b", {"1: ", "one URL"}},
	    {"webhook SECRET", {"1: ", "no URL"}},
	    {"webhook ftp://h/SECRET", {"1: ", "https"}},
	    {"discord file:///etc/SECRET", {"1: "}},
	    {"webhook https:///SECRET", {"1: "}},
	    {"webhook http://h/SECRET\nwebhook http://h/SECRET\n", {"2: ", "same target"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct alert_rules rules;
		char error[512];

		if (parse(cases[i].text, &rules, error) != -EINVAL)
			fail_msg("'%s' was taken", cases[i].text);
		for (int j = 0; j < 3 && cases[i].error[j]; j++)
			if (!strstr(error, cases[i].error[j]))
				fail_msg("'%s': '%s' is not in '%s'", cases[i].text,
				    cases[i].error[j], error);
		/* It may be a token. */
		assert_null(strstr(error, "SECRET"));
		alert_rules_free(&rules);
	}
}

static void there_are_limits(void **state)
{
	char text[32 * (ALERT_RULES_MAX + 2)], *to = text, error[512];
	struct alert_rules rules;

	(void)state;
	for (int i = 0; i < ALERT_RULES_MAX; i++)
		to += sprintf(to, "cost today > %d\n", i);
	assert_int_equal(parse(text, &rules, error), 0);
	assert_int_equal(rules.rule_count, ALERT_RULES_MAX);
	alert_rules_free(&rules);
	strcpy(to, "cost 1h > 1\n");
	assert_int_equal(parse(text, &rules, error), -EINVAL);
	assert_non_null(strstr(error, "257: is one rule too many"));
	alert_rules_free(&rules);
	memset(text, 'a', 1025);
	text[1025] = '\0';
	assert_int_equal(parse(text, &rules, error), -EINVAL);
	assert_non_null(strstr(error, "1: is too long"));
	alert_rules_free(&rules);
}

static void targets_are_shown_without_their_secrets(void **state)
{
	struct alert_rules rules =
	    one("webhook https://user:SECRET@hooks.example.org:8443/SECRET?k=1\n"
		"discord https://discord.com/api/webhooks/1/SECRET\n"
		"cost today > 5\n");

	(void)state;
	assert_int_equal(rules.target_count, 2);
	assert_string_equal(rules.targets[0].shown, "https://hooks.example.org:8443");
	assert_int_equal(rules.targets[0].format, ALERT_WEBHOOK);
	assert_string_equal(rules.targets[1].shown, "https://discord.com");
	assert_int_equal(rules.targets[1].format, ALERT_DISCORD);
	assert_string_not_equal(rules.targets[0].key, rules.targets[1].key);
	alert_rules_free(&rules);
}

static void add(struct aggregate *a, unsigned n, const char *model, enum orbus_status status,
    double response_ms, double cost_usd)
{
	struct orbus_sample s;

	for (unsigned i = 0; i < n; i++) {
		orbus_sample_init(&s);
		s.model = model;
		s.bot = "acore";
		s.status = status;
		s.response_ms = response_ms;
		s.ttft_ms = response_ms / 10;
		s.stream = true;
		s.completion_tokens = 100;
		s.cost_usd = cost_usd;
		assert_true(aggregate_add_settled(a, &s));
	}
}

static double value_of(const char *rule, const struct aggregate *a)
{
	struct alert_rules rules = one(rule);
	double value = alert_read(&rules.rules[0], a).value;

	alert_rules_free(&rules);
	return value;
}

static void figures_are_of_the_requests_that_the_rule_names(void **state)
{
	struct aggregate a;

	(void)state;
	aggregate_init(&a);
	add(&a, 10, "openai/a", ORBUS_STATUS_OK, 1000, 0.5);
	add(&a, 10, "openai/b", ORBUS_STATUS_OK, 3000, 0.25);
	add(&a, 10, "other/c", ORBUS_STATUS_OK, 9000, NAN);
	add(&a, 6, "other/c", ORBUS_STATUS_ERROR, NAN, NAN);
	add(&a, 4, "other/c", ORBUS_STATUS_TIMEOUT, NAN, NAN);
	a.lost = 7;
	assert_true(value_of("cost 1h > 1", &a) == 7.5);
	assert_true(value_of("cost 1h > 1 model=openai/a", &a) == 5);
	assert_true(isnan(value_of("cost 1h > 1 model=other/*", &a)));
	assert_true(value_of("cost 1h > 1 model=none", &a) == 0);
	assert_true(value_of("requests 1h > 1", &a) == 40);
	assert_true(value_of("requests 1h > 1 model=openai/*", &a) == 20);
	assert_true(value_of("errors 1h > 1", &a) == 10);
	assert_true(value_of("timeouts 1h > 1", &a) == 4);
	assert_true(value_of("tokens 1h > 1", &a) == 4000);
	assert_true(value_of("error_rate 1h > 1", &a) == 25);
	assert_true(value_of("error_rate 1h > 1 model=other/c", &a) == 50);
	assert_true(value_of("error_rate 1h > 1 model=openai/*", &a) == 0);
	assert_true(isnan(value_of("error_rate 1h > 1 model=none", &a)));
	assert_true(value_of("avg 1h > 1s model=openai/*", &a) == 2);
	assert_float_equal(value_of("p95 1h > 1s model=openai/*", &a), 3, 0.04);
	assert_float_equal(value_of("p50 1h > 1s model=openai/*", &a), 1, 0.02);
	assert_float_equal(value_of("ttft 1h > 1s model=openai/b", &a), 0.3, 0.001);
	assert_float_equal(value_of("tps 1h < 1 model=openai/a", &a), 100, 0.001);
	assert_true(value_of("lost samples > 0", &a) == 7);
	assert_true(value_of("requests 1h > 1 bot=ac*", &a) == 40);
	assert_true(value_of("error_rate 1h > 1 with at least 40 requests", &a) == 25);
	assert_true(isnan(value_of("error_rate 1h > 1 with at least 41 requests", &a)));
	aggregate_free(&a);
}

/* A rule that is judged, and what it would say. */
static bool fires(const char *line, const struct aggregate *a, char sentence[ALERT_SENTENCE_BYTES])
{
	struct alert_rules rules = one(line);
	struct alert_change c = {.rule = &rules.rules[0], .what = ALERT_FIRES};
	bool beyond;

	c.reading = alert_read(c.rule, a);
	beyond = alert_is_beyond(c.rule, c.reading.value);
	alert_sentence(&c, sentence);
	alert_rules_free(&rules);
	return beyond;
}

/* Sums of costs, and averages of times, that are the threshold are not beyond it. */
static void exactly_the_threshold_does_not_fire(void **state)
{
	static const struct {
		unsigned n;
		double cost, response_ms;
		const char *at, *below, *time; /* that the times are */
	} cases[] = {
	    {3, 0.1, 4.9, "cost 1h > 0.3", "cost 1h > 0.299999999", "avg 1h > 0.0049s"},
	    {1000000, 0.000013, 0.7, "cost 1h > 13", "cost 1h > 12.999999999", "avg 1h > 0.0007s"},
	    {10, 0.7, 8.4, "cost 1h > 7", "cost 1h > 6.999999999", "p95 1h > 0.0084s"},
	    {300, 1000000.1, 4100.7, "cost 1h > 300000030", "cost 1h > 300000029.99999997",
		"p50 1h > 4.1007s"},
	};
	char sentence[ALERT_SENTENCE_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aggregate a;

		aggregate_init(&a);
		add(&a, cases[i].n, "m", ORBUS_STATUS_OK, cases[i].response_ms, cases[i].cost);
		assert_false(fires(cases[i].at, &a, sentence));
		assert_true(fires(cases[i].below, &a, sentence));
		assert_false(fires(cases[i].time, &a, sentence));
		/* By model: what the pattern names, added up. */
		add(&a, 1, "n", ORBUS_STATUS_OK, NAN, 1e-9);
		assert_true(fires(cases[i].at, &a, sentence));
		aggregate_free(&a);
	}
}

/* Of sums of which no double says a nano-dollar more, too. */
static void a_nano_dollar_above_the_threshold_fires(void **state)
{
	static const struct {
		double cost;
		const char *rule, *sentence;
	} cases[] = {
	    {0.3, "cost today > 0.3 USD", "cost today is 0.300000001 USD, over 0.3 USD"},
	    {5, "cost 1h > 5", "cost 1h is 5.000000001 USD, over 5 USD"},
	    {20000.1, "cost 5m > 20000.1", "cost 5m is 20000.100000001 USD, over 20000.1 USD"},
	    {300000000, "cost 5m > 300000000 model=*",
		"cost 5m model=* is 300000000.00000006 USD, over 300000000 USD"},
	};
	char sentence[ALERT_SENTENCE_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct aggregate a;

		aggregate_init(&a);
		add(&a, 1, "a", ORBUS_STATUS_OK, 1, cases[i].cost);
		assert_false(fires(cases[i].rule, &a, sentence));
		add(&a, 1, "b", ORBUS_STATUS_OK, 1, 0.000000001);
		assert_true(fires(cases[i].rule, &a, sentence));
		assert_string_equal(sentence, cases[i].sentence);
		aggregate_free(&a);
	}
}

static void the_way_back_is_a_tenth_longer(void **state)
{
	static const struct {
		const char *rule;
		double beyond, within, near, back;
	} cases[] = {
	    {"cost today > 5 USD", 5.01, 5, 4.51, 4.5},
	    {"tps 1h < 10", 9.99, 10, 10.99, 11},
	    {"lost samples > 0", 1, 0, 0.5, 0},
	    {"gauge x 1h > -10", -9.99, -10, -10.99, -11},
	    {"gauge x 1h < -10", -10.01, -10, -9.01, -9},
	    {"gauge x 1h < 0", -1e-12, 0, -1e-11, 0},
	    /* Beyond what sums can hold. */
	    {"gauge x 1h > 1e100", 1.01e100, 1e100, 0.91e100, 0.8e100},
	    {"gauge x 1h > 1e-20", 1.1e-20, 1e-20, 0.95e-20, 0.8e-20},
	    /* To the last digit, which 3.3 - 0.1 * 3.3 and 0.2 + 0.1 * 0.2 are not. */
	    {"cost today > 3.3 USD", 3.300000001, 3.3, 2.970000001, 2.97},
	    {"tps 1h < 0.2", 0.199999999, 0.2, 0.219999999, 0.22},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct alert_rules rules = one(cases[i].rule);
		const struct alert_rule *r = &rules.rules[0];

		assert_true(alert_is_beyond(r, cases[i].beyond));
		assert_false(alert_is_beyond(r, cases[i].within));
		assert_false(alert_is_beyond(r, NAN));
		assert_false(alert_is_back(r, cases[i].near));
		assert_true(alert_is_back(r, cases[i].back));
		assert_true(alert_is_back(r, NAN));
		alert_rules_free(&rules);
	}
}

static struct alert_change change_of(
    const struct alert_rules *rules, enum alert_end what, double value)
{
	return (struct alert_change){.rule = &rules->rules[0],
	    .what = what,
	    .reading = {value, 41},
	    .at_ns = 1764000060000000000u,
	    .since_ns = 1764000000000000000u,
	    .bot = "acore",
	    .utc = true,
	    .host = "host",
	    .bus = "orbus"};
}

static void changes_are_told_in_a_sentence(void **state)
{
	static const struct {
		const char *rule;
		enum alert_end what;
		double value;
		const char *sentence;
	} cases[] = {
	    {"cost today > 5 USD", ALERT_FIRES, 5.125, "cost today is 5.12 USD, over 5 USD"},
	    {"cost today > 5 USD", ALERT_BEGINS_ANEW, 0,
		"cost today begins anew with the day (limit 5 USD)"},
	    {"cost week > 5 USD", ALERT_BEGINS_ANEW, 0,
		"cost week begins anew with the week (limit 5 USD)"},
	    {"cost month > 5 USD bot=a model=m*", ALERT_BEGINS_ANEW, 0,
		"cost month model=m* bot=a begins anew with the month (limit 5 USD)"},
	    {"gauge latency 5m > 500 bot=a", ALERT_FIRES, 612.5,
		"gauge latency 5m bot=a is 612.50, over 500"},
	    {"gauge_min balance 1h < -5", ALERT_FIRES, -5.001,
		"gauge_min balance 1h is -5.001, under -5"},
	    {"gauge latency 5m > 500", ALERT_IS_BACK, 450,
		"gauge latency 5m is back at 450 (limit 500)"},
	    {"silent 10m bot=acore", ALERT_FIRES, 601, "bot acore has been silent for 10m 1s"},
	    {"silent 10m", ALERT_FIRES, 601, "bot acore has been silent for 10m 1s"},
	    {"silent 10m", ALERT_IS_BACK, 1, "bot acore is heard of again"},
	    {"silent 10m", ALERT_HAS_NO_DATA, NAN,
		"bot acore is not waited for any more: it has been silent for too long"},
	    {"no requests for 30m bot=a provider=P", ALERT_FIRES, 1801,
		"no requests of bot=a provider=P for 30m 1s"},
	    {"p95 5m > 10s model=m*", ALERT_FIRES, 12.4, "p95 5m model=m* is 12.40 s, over 10 s"},
	    {"tokens 1h > 1000000", ALERT_FIRES, 12345678, "tokens 1h is 12345678, over 1000000"},
	    {"tps 1h < 10", ALERT_FIRES, 8, "tps 1h is 8 tokens/s, under 10 tokens/s"},
	    {"tps 1h < 10", ALERT_IS_BACK, 12, "tps 1h is back at 12 tokens/s (limit 10 tokens/s)"},
	    {"error_rate 1h > 10 %", ALERT_HAS_NO_DATA, NAN,
		"error_rate 1h has nothing to be judged by any more (limit 10 %)"},
	    /* As many digits as show that it is beyond. */
	    {"cost today > 5 USD", ALERT_FIRES, 5.004, "cost today is 5.004 USD, over 5 USD"},
	    {"tps 1h < 10", ALERT_FIRES, 9.999, "tps 1h is 9.999 tokens/s, under 10 tokens/s"},
	    {"cost 1h < 0.12345", ALERT_FIRES, 0.1234, "cost 1h is 0.1234 USD, under 0.12345 USD"},
	    {"no requests for 30m", ALERT_FIRES, 1801, "no requests for 30m 1s"},
	    {"no requests for 30m bot=a", ALERT_IS_BACK, 1, "requests of bot a come again"},
	    {"lost samples > 0", ALERT_FIRES, 3, "lost samples 1h is 3, over 0"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct alert_rules rules = one(cases[i].rule);
		struct alert_change c = change_of(&rules, cases[i].what, cases[i].value);
		char sentence[ALERT_SENTENCE_BYTES];

		alert_sentence(&c, sentence);
		assert_string_equal(sentence, cases[i].sentence);
		alert_rules_free(&rules);
	}
}

static const char *text_at(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

static void a_webhook_gets_every_figure(void **state)
{
	struct alert_rules rules = one("p95 5m > 10s model=openai/*");
	struct alert_change c = change_of(&rules, ALERT_FIRES, 12.4), again = c, end = c;
	json_t *o = alert_payload(&c), *second, *third;

	(void)state;
	assert_string_equal(text_at(o, "state"), "firing");
	assert_string_equal(text_at(o, "rule"), "p95 5m > 10s model=openai/*");
	assert_string_equal(text_at(o, "figure"), "p95");
	assert_string_equal(text_at(o, "window"), "5m");
	assert_string_equal(text_at(json_object_get(o, "filter"), "model"), "openai/*");
	assert_true(json_real_value(json_object_get(o, "value")) == 12.4);
	assert_true(json_real_value(json_object_get(o, "threshold")) == 10);
	assert_string_equal(text_at(o, "unit"), "s");
	assert_int_equal(json_integer_value(json_object_get(o, "requests")), 41);
	assert_string_equal(text_at(o, "at"), "2025-11-24T16:01:00+00:00");
	assert_string_equal(text_at(o, "since"), "2025-11-24T16:00:00+00:00");
	/* Twice the same change is the same, its end another. */
	again.at_ns++;
	end.what = ALERT_IS_BACK;
	second = alert_payload(&again);
	third = alert_payload(&end);
	assert_string_equal(text_at(o, "id"), text_at(second, "id"));
	assert_string_not_equal(text_at(o, "id"), text_at(third, "id"));
	assert_string_equal(text_at(third, "state"), "recovered");
	json_decref(o);
	json_decref(second);
	json_decref(third);
	alert_rules_free(&rules);
}

static void discord_gets_its_own_form_and_pings_nobody(void **state)
{
	struct alert_rules rules = one("p95 5m > 10s model=@everyone");
	struct alert_change c = change_of(&rules, ALERT_FIRES, 12.4);
	json_t *payload = alert_payload(&c), *o, *embed;
	char *text = alert_render(payload, ALERT_DISCORD);

	(void)state;
	o = json_loads(text, 0, NULL);
	assert_non_null(o);
	assert_int_equal(
	    json_array_size(json_object_get(json_object_get(o, "allowed_mentions"), "parse")), 0);
	assert_null(json_object_get(o, "content"));
	embed = json_array_get(json_object_get(o, "embeds"), 0);
	assert_string_equal(text_at(embed, "title"), "Alert");
	assert_non_null(strstr(text_at(embed, "description"), "12.40 s, over 10 s"));
	assert_string_equal(text_at(json_object_get(embed, "footer"), "text"), "host, bus orbus");
	json_decref(o);
	json_decref(payload);
	free(text);
	alert_rules_free(&rules);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(rules_are_read_as_they_are_meant),
	    cmocka_unit_test(mistakes_are_told_with_line_and_remedy),
	    cmocka_unit_test(there_are_limits),
	    cmocka_unit_test(targets_are_shown_without_their_secrets),
	    cmocka_unit_test(figures_are_of_the_requests_that_the_rule_names),
	    cmocka_unit_test(exactly_the_threshold_does_not_fire),
	    cmocka_unit_test(a_nano_dollar_above_the_threshold_fires),
	    cmocka_unit_test(the_way_back_is_a_tenth_longer),
	    cmocka_unit_test(changes_are_told_in_a_sentence),
	    cmocka_unit_test(a_webhook_gets_every_figure),
	    cmocka_unit_test(discord_gets_its_own_form_and_pings_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
