/*
 * document_figures.c: the parts of a document that are figures: summaries, series, histograms.
 */
#include "document_figures.h"
#include "clock.h"

json_t *figures_summary(const struct histogram *h)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "avg", json_figure(histogram_mean(h)));
	json_build_set(&o, "min", json_figure(h->min));
	json_build_set(&o, "max", json_figure(h->max));
	json_build_set(&o, "p50", json_figure(histogram_quantile(h, 0.50)));
	json_build_set(&o, "p95", json_figure(histogram_quantile(h, 0.95)));
	json_build_set(&o, "p99", json_figure(histogram_quantile(h, 0.99)));
	json_build_set(&o, "count", json_count(h->count));
	return json_build_take(&o);
}

void figures_set_tokens(struct json_build *o, const struct token_sums *t)
{
	json_build_set(o, "total_tokens", json_count(t->total));
	json_build_set(o, "prompt_tokens", json_count(t->prompt));
	json_build_set(o, "completion_tokens", json_count(t->completion));
	json_build_set(o, "cached_tokens", json_count(t->cached));
	json_build_set(o, "reasoning_tokens", json_count(t->reasoning));
}

json_t *figures_cost(const struct request_figures *f)
{
	return f->cost_known ? json_real(f->cost_usd) : json_null();
}

json_t *figures_requests(const struct request_figures *f, uint64_t in_flight)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "total", json_count(f->total));
	json_build_set(&o, "ok", json_count(f->ok));
	json_build_set(&o, "errors", json_count(f->errors));
	json_build_set(&o, "timeouts", json_count(f->timeouts));
	json_build_set(&o, "cancelled", json_count(f->cancelled));
	json_build_set(&o, "orphaned", json_count(f->orphaned));
	json_build_set(&o, "in_flight", json_count(in_flight));
	json_build_set(&o, "streaming", json_count(f->streaming));
	json_build_set(&o, "priced", json_count(f->cost_known));
	return json_build_take(&o);
}

json_t *figures_series(const struct request_figures *f)
{
	struct json_build o = json_build_object(), tokens = json_build_object();

	figures_set_tokens(&tokens, &f->tokens);
	json_build_set(&o, "requests", json_count(f->total));
	json_build_set(&o, "response_times", figures_summary(&f->response_ms));
	json_build_set(&o, "ttft", figures_summary(&f->ttft_ms));
	json_build_set(&o, "tps", figures_summary(&f->tps));
	json_build_set(&o, "decode_tps", figures_summary(&f->decode_tps));
	json_build_set(&o, "tokens", json_build_take(&tokens));
	json_build_set(&o, "cost", figures_cost(f));
	json_build_set(&o, "errors", json_count(request_figures_failed(f)));
	json_build_set(&o, "ok", json_count(f->ok));
	json_build_set(&o, "timeouts", json_count(f->timeouts));
	json_build_set(&o, "cancelled", json_count(f->cancelled));
	json_build_set(&o, "orphaned", json_count(f->orphaned));
	json_build_set(&o, "streaming", json_count(f->streaming));
	json_build_set(&o, "priced", json_count(f->cost_known));
	return json_build_take(&o);
}

json_t *figures_by_name(const struct series *s, json_t *(*body)(const struct request_figures *))
{
	struct json_build o = json_build_object();

	for (uint32_t i = 0; i < s->count; i++)
		json_build_set(&o, s->entries[i].name, body(s->entries[i].value));
	return json_build_take(&o);
}

/* Most counts of a histogram's hundreds are small, and share their values: one each, made on
 * demand. */
#define SMALL_COUNTS 64

static json_t *small_count(json_t *small[SMALL_COUNTS], uint64_t n)
{
	if (n >= SMALL_COUNTS)
		return json_count(n);
	if (!small[n])
		small[n] = json_count(n);
	return json_incref(small[n]);
}

static json_t *histogram(const struct histogram *h)
{
	json_t *small[SMALL_COUNTS] = {NULL};
	struct json_build o = json_build_object(), buckets = json_build_array();

	json_build_set(&o, "count", json_count(h->count));
	json_build_set(&o, "sum", json_figure(h->sum));
	json_build_set(&o, "min", json_figure(h->min));
	json_build_set(&o, "max", json_figure(h->max));
	json_build_set(&o, "zero_count", json_count(h->zero_count));
	json_build_set(&o, "offset", json_integer(h->offset));
	for (uint32_t i = 0; i < h->length; i++)
		json_build_append(&buckets, small_count(small, histogram_bucket(h, i)));
	for (uint32_t i = 0; i < SMALL_COUNTS; i++)
		json_decref(small[i]);
	json_build_set(&o, "bucket_counts", json_build_take(&buckets));
	return json_build_take(&o);
}

static json_t *histograms_of(const struct request_figures *f)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "response_times", histogram(&f->response_ms));
	json_build_set(&o, "ttft", histogram(&f->ttft_ms));
	json_build_set(&o, "tps", histogram(&f->tps));
	json_build_set(&o, "decode_tps", histogram(&f->decode_tps));
	return json_build_take(&o);
}

json_t *figures_histograms(const struct aggregate *a, bool restorable)
{
	struct json_build o = {.value = histograms_of(&a->requests)};

	json_build_set(&o, "scale", json_integer(HISTOGRAM_SCALE));
	if (restorable) {
		json_build_set(&o, "by_model", figures_by_name(&a->by_model, histograms_of));
		json_build_set(&o, "by_bot", figures_by_name(&a->by_bot, histograms_of));
		json_build_set(&o, "by_provider", figures_by_name(&a->by_provider, histograms_of));
	}
	return json_build_take(&o);
}

static json_t *sketch(const struct distinct *d)
{
	struct json_build list = json_build_array();

	for (uint32_t i = 0; i < d->count; i++)
		json_build_append(&list, json_count(d->hashes[i]));
	return json_build_take(&list);
}

json_t *figures_sketches(const struct aggregate *a)
{
	struct json_build o = json_build_object();

	json_build_set(&o, "users", sketch(&a->users));
	json_build_set(&o, "channels", sketch(&a->channels));
	return json_build_take(&o);
}

json_t *figures_gauges(const struct aggregate *a)
{
	struct json_build all = json_build_object();

	for (uint32_t i = 0; i < a->gauges.count; i++) {
		const struct gauge_figures *g = a->gauges.entries[i].value;
		struct json_build o = json_build_object();
		char at[RFC3339_BYTES];

		clock_format_rfc3339(g->last_ts, at);
		json_build_set(&o, "last", json_figure(g->last));
		json_build_set(&o, "min", json_figure(g->min));
		json_build_set(&o, "max", json_figure(g->max));
		json_build_set(&o, "avg", json_figure(g->sum / (double)g->count));
		json_build_set(&o, "count", json_count(g->count));
		json_build_set(&o, "last_at", json_string_nocheck(at));
		json_build_set(&all, a->gauges.entries[i].name, json_build_take(&o));
	}
	return json_build_take(&all);
}
