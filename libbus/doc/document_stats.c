/*
 * document_stats.c: the parts of a document that are figures: summaries, series, histograms.
 */
#include "document_stats.h"
#include "base/clock.h"
#include "document.h"

#include <math.h>
#include <stdio.h>

/* What the exact sum has beyond its double, where it has, in trillionths: "sum_rest" beside "sum".
 */
static void put_rest(struct writer *w, const char *key, struct exact_sum sum)
{
	char name[64];
	int64_t rest = exact_rest(sum);

	if (rest == 0)
		return;
	snprintf(name, sizeof(name), "%s" DOCUMENT_REST_OF, key);
	writer_integer(w, name, rest);
}

static void put_sum(struct writer *w, const char *key, struct exact_sum sum)
{
	writer_figure(w, key, exact_figure(sum));
	put_rest(w, key, sum);
}

static void put_summary(struct writer *w, const char *key, const struct histogram *h)
{
	writer_object(w, key);
	writer_figure(w, "avg", histogram_mean(h));
	writer_figure(w, "min", h->min);
	writer_figure(w, "max", h->max);
	writer_figure(w, "p50", histogram_quantile(h, 0.50));
	writer_figure(w, "p95", histogram_quantile(h, 0.95));
	writer_figure(w, "p99", histogram_quantile(h, 0.99));
	writer_count(w, "count", h->count);
	writer_end(w);
}

void stats_put_summaries(struct writer *w, const struct request_stats *f)
{
	put_summary(w, "response_times", &f->response_ms);
	put_summary(w, "ttft", &f->ttft_ms);
	put_summary(w, "tps", &f->tps);
	put_summary(w, "decode_tps", &f->decode_tps);
}

void stats_put_tokens(struct writer *w, const struct token_sums *t)
{
	writer_count(w, "total_tokens", t->total);
	writer_count(w, "prompt_tokens", t->prompt);
	writer_count(w, "completion_tokens", t->completion);
	writer_count(w, "cached_tokens", t->cached);
	writer_count(w, "reasoning_tokens", t->reasoning);
}

void stats_put_cost(struct writer *w, const char *key, const struct request_stats *f)
{
	writer_figure(w, key, request_stats_cost(f));
	if (f->cost_known)
		put_rest(w, key, f->cost);
}

void stats_put_requests(
    struct writer *w, const char *key, const struct request_stats *f, uint64_t in_flight)
{
	uint64_t failed = request_stats_failed(f);

	writer_object(w, key);
	writer_count(w, "total", f->total);
	writer_count(w, "ok", f->ok);
	writer_count(w, "errors", f->errors);
	writer_count(w, "timeouts", f->timeouts);
	writer_count(w, "cancelled", f->cancelled);
	writer_count(w, "orphaned", f->orphaned);
	writer_count(w, "in_flight", in_flight);
	writer_count(w, "streaming", f->streaming);
	writer_count(w, "priced", f->cost_known);
	/* Both follow from the counts above: a reader of files computes them and passes over these.
	 */
	writer_count(w, "failed", failed);
	writer_figure(w, "error_rate", f->total ? 100 * (double)failed / (double)f->total : NAN);
	writer_end(w);
}

static void put_series(struct writer *w, const char *key, const struct request_stats *f)
{
	writer_object(w, key);
	writer_count(w, "requests", f->total);
	stats_put_summaries(w, f);
	writer_object(w, "tokens");
	stats_put_tokens(w, &f->tokens);
	writer_end(w);
	stats_put_cost(w, "cost", f);
	writer_count(w, "errors", request_stats_failed(f));
	writer_count(w, "ok", f->ok);
	writer_count(w, "timeouts", f->timeouts);
	writer_count(w, "cancelled", f->cancelled);
	writer_count(w, "orphaned", f->orphaned);
	writer_count(w, "streaming", f->streaming);
	writer_count(w, "priced", f->cost_known);
	writer_end(w);
}

typedef void put_stats_fn(struct writer *w, const char *key, const struct request_stats *f);

static void put_by_name(
    struct writer *w, const char *key, const struct name_table *s, put_stats_fn *body)
{
	writer_object(w, key);
	for (uint32_t i = 0; i < s->count; i++)
		body(w, s->entries[i].name, s->entries[i].value);
	writer_end(w);
}

void stats_put_name_table(struct writer *w, const char *key, const struct name_table *s)
{
	put_by_name(w, key, s, put_series);
}

static void put_histogram(struct writer *w, const char *key, const struct histogram *h)
{
	writer_object(w, key);
	writer_count(w, "count", h->count);
	put_sum(w, "sum", h->sum);
	writer_figure(w, "min", h->min);
	writer_figure(w, "max", h->max);
	writer_count(w, "zero_count", h->zero_count);
	writer_integer(w, "offset", h->offset);
	writer_array(w, "bucket_counts");
	for (uint32_t i = 0; i < h->length; i++)
		writer_count(w, NULL, histogram_bucket(h, i));
	writer_end(w);
	writer_end(w);
}

static void put_four(struct writer *w, const struct request_stats *f)
{
	put_histogram(w, "response_times", &f->response_ms);
	put_histogram(w, "ttft", &f->ttft_ms);
	put_histogram(w, "tps", &f->tps);
	put_histogram(w, "decode_tps", &f->decode_tps);
}

static void put_histograms(struct writer *w, const char *key, const struct request_stats *f)
{
	writer_object(w, key);
	put_four(w, f);
	writer_end(w);
}

void stats_put_histograms(struct writer *w, const char *key, const struct aggregate *a, bool all)
{
	writer_object(w, key);
	put_four(w, &a->requests);
	writer_integer(w, "scale", HISTOGRAM_SCALE);
	if (all) {
		put_by_name(w, "by_model", &a->by_model, put_histograms);
		put_by_name(w, "by_bot", &a->by_bot, put_histograms);
		put_by_name(w, "by_provider", &a->by_provider, put_histograms);
	}
	writer_end(w);
}

static void put_sketch(struct writer *w, const char *key, const struct kmv_sketch *d)
{
	writer_array(w, key);
	for (uint32_t i = 0; i < d->count; i++)
		writer_count(w, NULL, d->hashes[i]);
	writer_end(w);
}

void stats_put_sketches(struct writer *w, const char *key, const struct aggregate *a)
{
	writer_object(w, key);
	put_sketch(w, "users", &a->users);
	put_sketch(w, "channels", &a->channels);
	writer_end(w);
}

/* Of one that was negative, the sums of both signs too: what they differ by does not restore them.
 */
static void put_gauge_sum(struct writer *w, const struct gauge_stats *g)
{
	if (g->below.units == 0) {
		put_sum(w, "sum", g->above);
		return;
	}
	writer_figure(w, "sum", exact_difference(g->above, g->below));
	put_sum(w, "positive_sum", g->above);
	put_sum(w, "negative_sum", g->below);
}

void stats_put_gauges(struct writer *w, const char *key, const struct aggregate *a)
{
	writer_object(w, key);
	for (uint32_t i = 0; i < a->gauges.count; i++) {
		const struct gauge_stats *g = a->gauges.entries[i].value;
		char at[RFC3339_BYTES];

		clock_format_rfc3339(g->last_ts, at);
		writer_object(w, a->gauges.entries[i].name);
		writer_figure(w, "last", g->last);
		writer_figure(w, "min", g->min);
		writer_figure(w, "max", g->max);
		writer_figure(w, "avg", exact_mean(g->above, g->below, g->count, g->min, g->max));
		put_gauge_sum(w, g);
		writer_count(w, "count", g->count);
		writer_text(w, "last_at", at);
		writer_end(w);
	}
	writer_end(w);
}
