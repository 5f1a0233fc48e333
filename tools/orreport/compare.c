/*
 * compare.c: two periods, figure by figure.
 */
#include "compare.h"
#include "significance.h"

#include <math.h>

/* Which direction of a figure is better. */
enum better { BETTER_LOWER, BETTER_HIGHER, BETTER_NEITHER };

struct list {
	struct comparison *items;
	size_t count;
};

static struct comparison *add(
    struct list *l, const char *key, const char *name, enum unit unit, double a, double b)
{
	struct comparison *c = &l->items[l->count++];

	*c = (struct comparison){.key = key, .name = name, .unit = unit, .a = a, .b = b, .z = NAN};
	c->change = unit == UNIT_PERCENT ? b - a : a > 0 ? b / a - 1 : NAN;
	c->verdict = VERDICT_COUNTED;
	return c;
}

/*
 * `least`: a change that is smaller means nothing, however certain it is. What the test says must
 * be what the figures show: a median may fall while more requests lie above that of both periods.
 */
static void judge(struct comparison *c, struct stats_test t, enum better better, double least)
{
	bool same_way = (t.z > 0) == (c->b > c->a);

	c->z = t.z;
	if (!t.enough)
		c->verdict = VERDICT_TOO_FEW;
	else if (!(t.p < STATS_LEVEL) || !same_way || !(fabs(c->change) >= least))
		c->verdict = VERDICT_UNCLEAR;
	else if (better == BETTER_NEITHER)
		c->verdict = VERDICT_CHANGED;
	else
		c->verdict = (t.z < 0) == (better == BETTER_LOWER) ? VERDICT_BETTER : VERDICT_WORSE;
}

/* A model or bot that stopped or is new gets a verdict of its own, not just a row of dashes. */
static void add_requests(struct list *l, const char *key, uint64_t a, uint64_t b)
{
	struct comparison *c = add(l, key, "Requests", UNIT_COUNT, (double)a, (double)b);

	if (b == 0 && a >= STATS_REQUESTS_MIN)
		c->verdict = VERDICT_SILENT;
	else if (a == 0 && b >= STATS_REQUESTS_MIN)
		c->verdict = VERDICT_NEW;
}

static void add_mean(struct list *l, const char *key, const char *name, enum unit unit,
    const struct histogram *a, const struct histogram *b, enum better better)
{
	judge(add(l, key, name, unit, histogram_mean(a), histogram_mean(b)), stats_mean(a, b),
	    better, STATS_BUCKET_ERROR);
}

static void add_quantile(struct list *l, const char *key, const char *name, enum unit unit,
    double q, const struct histogram *a, const struct histogram *b, enum better better)
{
	struct comparison *c =
	    add(l, key, name, unit, histogram_quantile(a, q), histogram_quantile(b, q));

	judge(c, stats_quantile(a, b, q), better, STATS_BUCKET_ERROR);
}

static double per_hour(const struct report_row *row, double n)
{
	double hours = row_hours(row);

	return hours > 0 ? n / hours : NAN;
}

static double share(uint64_t part, uint64_t whole)
{
	return whole ? 100 * (double)part / (double)whole : NAN;
}

static void add_share(struct list *l, const char *key, const char *name, uint64_t part_a,
    uint64_t all_a, uint64_t part_b, uint64_t all_b)
{
	judge(add(l, key, name, UNIT_PERCENT, share(part_a, all_a), share(part_b, all_b)),
	    stats_rate(part_a, all_a, part_b, all_b), BETTER_LOWER, 0);
}

static double cost_each(const struct request_stats *f)
{
	return request_stats_cost(f) / (double)f->cost_known;
}

static void add_times(struct list *l, const struct request_stats *a, const struct request_stats *b)
{
	const struct histogram *x = &a->response_ms, *y = &b->response_ms;

	add_mean(l, "response_times.avg", "Response avg", UNIT_MS, x, y, BETTER_LOWER);
	add_quantile(l, "response_times.p50", "Response p50", UNIT_MS, 0.5, x, y, BETTER_LOWER);
	add_quantile(l, "response_times.p95", "Response p95", UNIT_MS, 0.95, x, y, BETTER_LOWER);
	add_quantile(l, "response_times.p99", "Response p99", UNIT_MS, 0.99, x, y, BETTER_LOWER);
	x = &a->ttft_ms;
	y = &b->ttft_ms;
	add_quantile(l, "ttft.p50", "TTFT p50", UNIT_MS, 0.5, x, y, BETTER_LOWER);
	add_quantile(l, "ttft.p95", "TTFT p95", UNIT_MS, 0.95, x, y, BETTER_LOWER);
	add_quantile(l, "tps.p50", "TPS p50", UNIT_TPS, 0.5, &a->tps, &b->tps, BETTER_HIGHER);
	add(l, "cost_usd_per_request", "Cost a request", UNIT_USD, cost_each(a), cost_each(b));
}

size_t compare_rows(
    const struct report_row *a, const struct report_row *b, struct comparison out[COMPARISONS_MAX])
{
	struct list l = {out, 0};
	const struct request_stats *x = &a->sum.requests, *y = &b->sum.requests;
	uint64_t n = row_requests(a), m = row_requests(b);

	add_requests(&l, "requests.total", n, m);
	add(&l, "requests_per_hour", "Requests an hour", UNIT_PER_HOUR, per_hour(a, (double)n),
	    per_hour(b, (double)m));
	add_share(&l, "error_rate", "Errors", row_failed(a), n, row_failed(b), m);
	add_share(&l, "timeout_rate", "Timeouts", x->timeouts, x->total, y->timeouts, y->total);
	add_times(&l, x, y);
	add(&l, "token_usage.total_tokens", "Tokens", UNIT_COUNT, (double)row_tokens(a),
	    (double)row_tokens(b));
	add(&l, "tokens_per_request", "Tokens a request", UNIT_COUNT,
	    n ? (double)row_tokens(a) / (double)n : NAN,
	    m ? (double)row_tokens(b) / (double)m : NAN);
	add(&l, "cost_usd", "Cost", UNIT_USD, row_cost(a), row_cost(b));
	return l.count;
}

size_t compare_stats(const struct request_stats *a, const struct request_stats *b,
    struct comparison out[COMPARISONS_MAX])
{
	struct list l = {out, 0};

	add_requests(&l, "requests", a->total, b->total);
	add_share(&l, "error_rate", "Errors", request_stats_failed(a), a->total,
	    request_stats_failed(b), b->total);
	add_times(&l, a, b);
	return l.count;
}

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {
	    "counted", "too few", "no clear change", "better", "worse", "changed", "silent", "new"};

	return names[v];
}
