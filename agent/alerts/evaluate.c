/*
 * evaluate.c: what a rule's figure is now, for all requests, or for those that its filters name,
 * taken together.
 *
 * One filter is looked up in the table of its dimension (by model, bot or provider), which has room
 * for more names than there are combinations. Several filters, and operation=, are looked up in the
 * breakdown: the sum of the combinations that fit all of them. Requests that it has only in its
 * "(other)" may be anybody's, and fit none.
 */
#include "evaluate.h"

#include <assert.h>
#include <fnmatch.h>
#include <math.h>
#include <string.h>

/* A rule's way back begins at so many tenths of its threshold: nine where it is raised above. */
#define TENTHS 10
/* Below that, the decimal that a double was meant to be is known to a trillionth (exact_sum.h). */
#define DECIMAL_MAX 1e15

__extension__ typedef __int128 signed_units;

/* --- Which requests --------------------------------------------------------------------------- */

typedef void visit_fn(void *context, const struct request_stats *stats);

/*
 * A pattern of fnmatch(3), of which most are names, or begin as names do: thousands of names are
 * held against hundreds of rules each second.
 */
struct matcher {
	const char *glob;
	size_t plain; /* bytes before its first sign that is not itself */
	bool is_name; /* it has no such sign */
	bool is_rest; /* and then anything may follow */
};

/* NULL: of everything. */
static struct matcher matcher_of(const char *glob)
{
	struct matcher m = {.glob = glob ? glob : "*"};

	m.plain = strcspn(m.glob, "*?[\\");
	m.is_name = m.glob[m.plain] == '\0';
	m.is_rest = strcmp(m.glob + m.plain, "*") == 0;
	return m;
}

static bool fits(const struct matcher *m, const char *name)
{
	if (strncmp(m->glob, name, m->plain) != 0)
		return false;
	if (m->is_name)
		return name[m->plain] == '\0';
	return m->is_rest || fnmatch(m->glob, name, 0) == 0;
}

/* NULL: the rule is about all requests, or needs the breakdown. */
static const struct name_table *name_table_of(
    const struct alert_rule *rule, const struct aggregate *a, const char **glob)
{
	const struct name_table *tables[] = {[ALERT_MODEL] = &a->by_model,
	    [ALERT_BOT] = &a->by_bot,
	    [ALERT_PROVIDER] = &a->by_provider};

	for (int i = ALERT_MODEL; i <= ALERT_PROVIDER; i++)
		if (rule->glob[i] && alert_rule_filters(rule) == 1) {
			*glob = rule->glob[i];
			return tables[i];
		}
	return NULL;
}

static void visit_names(
    const struct name_table *table, const char *glob, visit_fn *visit, void *context)
{
	const struct matcher m = matcher_of(glob);

	for (uint32_t i = 0; i < table->count; i++)
		if (fits(&m, table->entries[i].name))
			visit(context, table->entries[i].value);
}

static bool is_other(const struct combination *c)
{
	return strcmp(c->bot, NAME_TABLE_OTHER) == 0 && strcmp(c->model, NAME_TABLE_OTHER) == 0 &&
	       strcmp(c->provider, NAME_TABLE_OTHER) == 0 &&
	       strcmp(c->operation, NAME_TABLE_OTHER) == 0;
}

static void visit_combinations(
    const struct alert_rule *rule, const struct breakdown *b, visit_fn *visit, void *context)
{
	struct matcher m[ALERT_FILTERS];

	for (int i = 0; i < ALERT_FILTERS; i++)
		m[i] = matcher_of(rule->glob[i]);
	for (uint32_t i = 0; i < b->table.count; i++) {
		const struct name_table_entry *e = &b->table.entries[i];
		struct combination c = combination_of(e);

		if (fits(&m[ALERT_MODEL], c.model) && fits(&m[ALERT_BOT], c.bot) &&
		    fits(&m[ALERT_PROVIDER], c.provider) &&
		    fits(&m[ALERT_OPERATION], c.operation) && !is_other(&c))
			visit(context, e->value);
	}
}

static void visit_requests(
    const struct alert_rule *rule, const struct aggregate *a, visit_fn *visit, void *context)
{
	const char *glob = NULL;
	const struct name_table *table;

	assert(a);
	table = name_table_of(rule, a, &glob);
	if (table)
		visit_names(table, glob, visit, context);
	else if (alert_rule_filters(rule) > 0)
		visit_combinations(rule, &a->breakdown, visit, context);
	else
		visit(context, &a->requests);
}

/* --- Sums ------------------------------------------------------------------------------------- */

static void add_sums(void *context, const struct request_stats *f)
{
	struct alert_sums *s = context;

	s->total = count_add(s->total, f->total);
	s->failed = count_add(s->failed, request_stats_failed(f));
	s->timeouts = count_add(s->timeouts, f->timeouts);
	s->tokens = count_add(s->tokens, f->tokens.total);
	s->priced = count_add(s->priced, f->cost_known);
	exact_add(&s->cost, f->cost);
}

void alert_sums_add(const struct alert_rule *rule, const struct aggregate *a, struct alert_sums *to)
{
	visit_requests(rule, a, add_sums, to);
	to->lost = count_add(to->lost, count_bound(a->lost));
}

void alert_sums_merge(struct alert_sums *to, const struct alert_sums *from)
{
	to->total = count_add(to->total, from->total);
	to->failed = count_add(to->failed, from->failed);
	to->timeouts = count_add(to->timeouts, from->timeouts);
	to->tokens = count_add(to->tokens, from->tokens);
	to->priced = count_add(to->priced, from->priced);
	to->lost = count_add(to->lost, from->lost);
	exact_add(&to->cost, from->cost);
}

/*
 * The cost as a double, on that side of the threshold where the exact sum is: of large sums it is
 * next to both.
 */
static double cost_of(const struct alert_rule *rule, const struct alert_sums *s)
{
	double cost = exact_figure(s->cost);
	int beyond = exact_compare(s->cost, rule->threshold);

	if (!s->priced && s->total)
		return NAN;
	if (cost == rule->threshold && beyond != 0)
		return nextafter(cost, beyond > 0 ? INFINITY : 0);
	return cost;
}

static double sum_of(const struct alert_rule *rule, const struct alert_sums *s)
{
	switch (rule->figure) {
	case ALERT_COST: return cost_of(rule, s);
	case ALERT_REQUESTS: return (double)s->total;
	case ALERT_ERRORS: return (double)s->failed;
	case ALERT_TIMEOUTS: return (double)s->timeouts;
	case ALERT_TOKENS: return (double)s->tokens;
	case ALERT_LOST: return (double)s->lost;
	default: return NAN;
	}
}

/* A sum of none is 0 whether or not anything is asked of their number. */
static bool is_too_few(const struct alert_rule *rule, uint64_t n)
{
	return n < rule->at_least && rule->at_least > 1;
}

struct alert_reading alert_read_sums(const struct alert_rule *rule, const struct alert_sums *s)
{
	return (struct alert_reading){is_too_few(rule, s->total) ? NAN : sum_of(rule, s), s->total};
}

/* --- Rates and times -------------------------------------------------------------------------- */

struct times {
	enum alert_figure figure;
	struct alert_sums sums;
	struct histogram of; /* of the kind that the rule wants */
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

static void add_times(void *context, const struct request_stats *f)
{
	struct times *t = context;

	add_sums(&t->sums, f);
	if (!histogram_merge(&t->of, histogram_of(t->figure, f)))
		t->out_of_memory = true;
}

static double rate_or_time(const struct times *t)
{
	const struct alert_sums *s = &t->sums;

	switch (t->figure) {
	case ALERT_ERROR_RATE: return s->total ? 100 * (double)s->failed / (double)s->total : NAN;
	case ALERT_AVG:
	case ALERT_TTFT: return exact_decimal(histogram_mean(&t->of) / 1000);
	case ALERT_P50: return exact_decimal(histogram_quantile(&t->of, 0.50) / 1000);
	case ALERT_P95: return exact_decimal(histogram_quantile(&t->of, 0.95) / 1000);
	case ALERT_P99: return exact_decimal(histogram_quantile(&t->of, 0.99) / 1000);
	case ALERT_TPS: return exact_decimal(histogram_mean(&t->of));
	default: return NAN;
	}
}

static struct alert_reading read_times(const struct alert_rule *rule, const struct aggregate *a)
{
	struct times t = {.figure = rule->figure};
	struct alert_reading reading;

	histogram_init(&t.of);
	visit_requests(rule, a, add_times, &t);
	reading = (struct alert_reading){rate_or_time(&t), t.sums.total};
	if (t.out_of_memory || is_too_few(rule, t.sums.total))
		reading.value = NAN;
	histogram_free(&t.of);
	return reading;
}

/* --- Gauges ----------------------------------------------------------------------------------- */

/* "(other)" is values of different gauges. */
static void add_gauges(
    const struct matcher *names, const struct name_table *gauges, struct gauge_stats *to)
{
	for (uint32_t i = 0; i < gauges->count; i++) {
		const char *name = gauges->entries[i].name;

		if (strcmp(name, NAME_TABLE_OTHER) != 0 && fits(names, name))
			gauge_stats_merge(to, gauges->entries[i].value);
	}
}

static double gauge_value(enum alert_figure figure, const struct gauge_stats *g)
{
	if (g->count == 0)
		return NAN;
	switch (figure) {
	case ALERT_GAUGE_MIN: return g->min;
	case ALERT_GAUGE_MAX: return g->max;
	case ALERT_GAUGE_LAST: return g->last;
	/* To the last digit: a mean that a decimal of 12 places says is that decimal. */
	default: return exact_mean(g->above, g->below, g->count, g->min, g->max);
	}
}

static struct alert_reading read_gauge(const struct alert_rule *rule, const struct aggregate *a)
{
	const struct matcher names = matcher_of(rule->gauge),
			     bots = matcher_of(rule->glob[ALERT_BOT]);
	struct gauge_stats g = {0};
	struct alert_reading reading;

	if (!rule->glob[ALERT_BOT])
		add_gauges(&names, &a->gauges, &g);
	for (uint32_t i = 0; rule->glob[ALERT_BOT] && i < a->bots.count; i++) {
		const struct bot_stats *bot = a->bots.entries[i].value;

		if (fits(&bots, a->bots.entries[i].name))
			add_gauges(&names, &bot->gauges, &g);
	}
	reading = (struct alert_reading){gauge_value(rule->figure, &g), g.count};
	if (g.count < rule->at_least)
		reading.value = NAN;
	return reading;
}

/* --- The figure ------------------------------------------------------------------------------- */

struct alert_reading alert_read(const struct alert_rule *rule, const struct aggregate *window)
{
	struct alert_sums s = {0};

	if (alert_figure_is_gauge(rule->figure))
		return read_gauge(rule, window);
	if (!alert_figure_is_sum(rule->figure))
		return read_times(rule, window);
	alert_sums_add(rule, window, &s);
	return alert_read_sums(rule, &s);
}

static void count_total(void *context, const struct request_stats *f)
{
	uint64_t *n = context;

	*n = count_add(*n, f->total);
}

uint64_t alert_count_requests(const struct alert_rule *rule, const struct aggregate *window)
{
	uint64_t n = 0;

	visit_requests(rule, window, count_total, &n);
	return n;
}

bool alert_is_beyond(const struct alert_rule *rule, double value)
{
	return rule->above ? value > rule->threshold : value < rule->threshold;
}

/* In trillionths. */
static signed_units units_of(double value)
{
	return value < 0 ? -(signed_units)exact_of(-value).units
	                 : (signed_units)exact_of(value).units;
}

/* A tenth of the threshold's size away from it, to the last digit where decimals are known. */
bool alert_is_back(const struct alert_rule *rule, double value)
{
	double limit = rule->threshold, tenth = fabs(limit) / TENTHS;
	signed_units size = units_of(fabs(limit)), away;

	if (isnan(value))
		return true;
	/* It may be so by less than a trillionth. */
	if (alert_is_beyond(rule, value))
		return false;
	if (fabs(limit) > DECIMAL_MAX || fabs(value) > DECIMAL_MAX || (limit != 0 && size < TENTHS))
		return rule->above ? value <= limit - tenth : value >= limit + tenth;
	away = TENTHS * (units_of(value) - units_of(limit));
	return rule->above ? away <= -size : away >= size;
}
