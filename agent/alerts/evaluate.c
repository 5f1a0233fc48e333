/*
 * evaluate.c: what a rule's figure is now, for all requests, or for the models, bots or
 * providers that its pattern names, taken together.
 */
#include "evaluate.h"

#include <assert.h>
#include <fnmatch.h>
#include <math.h>

/* A rule's way back begins at so many tenths of its threshold: nine where it is raised above. */
#define BACK_ABOVE 9
#define BACK_BELOW 11

/* Sums of the requests that a rule is about. */
struct sums {
	uint64_t total, failed, timeouts, tokens, priced;
	struct exact_sum cost;
	struct histogram times; /* of the kind that the rule wants */
	bool out_of_memory;
};

static const struct histogram *histogram_of(enum alert_figure figure, const struct request_stats *f)
{
	switch (figure) {
	case ALERT_TTFT: return &f->ttft_ms;
	case ALERT_TPS: return &f->tps;
	default: return &f->response_ms;
	}
}

static void add(struct sums *s, enum alert_figure figure, const struct request_stats *f)
{
	s->total = count_add(s->total, f->total);
	s->failed = count_add(s->failed, request_stats_failed(f));
	s->timeouts = count_add(s->timeouts, f->timeouts);
	s->tokens = count_add(s->tokens, f->tokens.total);
	s->priced = count_add(s->priced, f->cost_known);
	exact_add(&s->cost, f->cost);
	if (!histogram_merge(&s->times, histogram_of(figure, f)))
		s->out_of_memory = true;
}

static const struct name_table *name_table_of(
    const struct alert_rule *rule, const struct aggregate *a)
{
	assert(a);
	switch (rule->filter) {
	case ALERT_MODEL: return &a->by_model;
	case ALERT_BOT: return &a->by_bot;
	case ALERT_PROVIDER: return &a->by_provider;
	case ALERT_ALL: break;
	}
	return NULL;
}

static void add_up(const struct alert_rule *rule, const struct aggregate *a, struct sums *s)
{
	const struct name_table *series = name_table_of(rule, a);

	*s = (struct sums){0};
	histogram_init(&s->times);
	if (!series)
		add(s, rule->figure, &a->requests);
	for (uint32_t i = 0; series && i < series->count; i++)
		if (fnmatch(rule->glob, series->entries[i].name, 0) == 0)
			add(s, rule->figure, series->entries[i].value);
}

/*
 * The cost as a double, on that side of the threshold where the exact sum is: of large sums it is
 * next to both.
 */
static double cost_of(const struct alert_rule *rule, const struct sums *s)
{
	double cost = exact_figure(s->cost);
	int beyond = exact_compare(s->cost, rule->threshold);

	if (!s->priced && s->total)
		return NAN;
	if (cost == rule->threshold && beyond != 0)
		return nextafter(cost, beyond > 0 ? INFINITY : 0);
	return cost;
}

static double figure_of(const struct alert_rule *rule, const struct sums *s)
{
	switch (rule->figure) {
	case ALERT_COST: return cost_of(rule, s);
	case ALERT_REQUESTS: return (double)s->total;
	case ALERT_ERRORS: return (double)s->failed;
	case ALERT_TIMEOUTS: return (double)s->timeouts;
	case ALERT_TOKENS: return (double)s->tokens;
	case ALERT_ERROR_RATE: return s->total ? 100 * (double)s->failed / (double)s->total : NAN;
	case ALERT_AVG:
	case ALERT_TTFT: return exact_decimal(histogram_mean(&s->times) / 1000);
	case ALERT_P50: return exact_decimal(histogram_quantile(&s->times, 0.50) / 1000);
	case ALERT_P95: return exact_decimal(histogram_quantile(&s->times, 0.95) / 1000);
	case ALERT_P99: return exact_decimal(histogram_quantile(&s->times, 0.99) / 1000);
	case ALERT_TPS: return exact_decimal(histogram_mean(&s->times));
	default: return NAN;
	}
}

struct alert_reading alert_read(const struct alert_rule *rule, const struct aggregate *window)
{
	struct alert_reading reading;
	struct sums s;

	if (rule->figure == ALERT_LOST)
		return (struct alert_reading){(double)window->lost, window->requests.total};
	add_up(rule, window, &s);
	reading = (struct alert_reading){figure_of(rule, &s), s.total};
	/* A sum of none is 0 whether or not anything is asked of their number. */
	if (s.out_of_memory || (s.total < rule->at_least && rule->at_least > 1))
		reading.value = NAN;
	histogram_free(&s.times);
	return reading;
}

uint64_t alert_count_requests(const struct alert_rule *rule, const struct aggregate *window)
{
	const struct name_table *series = name_table_of(rule, window);
	uint64_t n = series ? 0 : window->requests.total;

	for (uint32_t i = 0; series && i < series->count; i++)
		if (fnmatch(rule->glob, series->entries[i].name, 0) == 0)
			n = count_add(
			    n, ((const struct request_stats *)series->entries[i].value)->total);
	return n;
}

bool alert_is_beyond(const struct alert_rule *rule, double value)
{
	return rule->above ? value > rule->threshold : value < rule->threshold;
}

bool alert_is_back(const struct alert_rule *rule, double value)
{
	exact_units figure = exact_of(value).units, limit = exact_of(rule->threshold).units;

	if (isnan(value))
		return true;
	return rule->above ? 10 * figure <= BACK_ABOVE * limit : 10 * figure >= BACK_BELOW * limit;
}
