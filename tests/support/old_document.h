/* The writer of documents before doc_write.c, for one commit: test_same_writer.c. */
#include "base/clock.h"
#include "doc/document.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/*
 * document_stats.c: the parts of a document that are figures: summaries, series, histograms.
 */

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

static void stats_put_summaries(struct writer *w, const struct request_stats *f)
{
	put_summary(w, "response_times", &f->response_ms);
	put_summary(w, "ttft", &f->ttft_ms);
	put_summary(w, "tps", &f->tps);
	put_summary(w, "decode_tps", &f->decode_tps);
}

static void stats_put_tokens(struct writer *w, const struct token_sums *t)
{
	writer_count(w, "total_tokens", t->total);
	writer_count(w, "prompt_tokens", t->prompt);
	writer_count(w, "completion_tokens", t->completion);
	writer_count(w, "cached_tokens", t->cached);
	writer_count(w, "reasoning_tokens", t->reasoning);
}

static void stats_put_cost(struct writer *w, const char *key, const struct request_stats *f)
{
	writer_figure(w, key, request_stats_cost(f));
	if (f->cost_known)
		put_rest(w, key, f->cost);
}

static void stats_put_requests(
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

static void stats_put_name_table(struct writer *w, const char *key, const struct name_table *s)
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

static void stats_put_histograms(
    struct writer *w, const char *key, const struct aggregate *a, bool all)
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

static void stats_put_sketches(struct writer *w, const char *key, const struct aggregate *a)
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

static void stats_put_gauges(struct writer *w, const char *key, const struct aggregate *a)
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
/*
 * document.c: an aggregate as the document that files and the board hold.
 */

#define DOCUMENT_VERSION "1.0"

#define MESSAGES "messages_processed"
#define COMMANDS "commands_executed"
#define HITS     "_cache_hits"
#define MISSES   "_cache_misses"

/* Counts are whole as a rule, and then look like it. */
static void put_number(struct writer *w, const char *key, double value)
{
	if (isfinite(value) && floor(value) == value && fabs(value) < 0x1p53)
		writer_integer(w, key, (int64_t)value);
	else
		writer_figure(w, key, value);
}

static double ratio_percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : NAN;
}

static void put_token_usage(struct writer *w, const struct aggregate *a)
{
	writer_object(w, "token_usage");
	stats_put_tokens(w, &a->requests.tokens);
	writer_object(w, "by_model");
	for (uint32_t i = 0; i < a->by_model.count; i++) {
		const struct name_table_entry *e = &a->by_model.entries[i];
		const struct request_stats *f = e->value;

		writer_count(w, e->name, f->tokens.total);
	}
	writer_end(w);
	writer_end(w);
}

static void put_recent_errors(struct writer *w, const struct aggregate *a)
{
	writer_array(w, "recent_errors");
	for (uint32_t i = 0; i < a->recent_error_count; i++) {
		const struct recent_error *e = &a->recent_errors[i];
		char at[RFC3339_BYTES];

		clock_format_rfc3339(e->ts, at);
		writer_object(w, NULL);
		writer_text(w, "type", e->type);
		writer_text(w, "message", e->message);
		writer_text(w, "timestamp", at);
		writer_end(w);
	}
	writer_end(w);
}

static void put_errors(struct writer *w, const struct aggregate *a, bool with_recent)
{
	uint64_t failed = request_stats_failed(&a->requests);
	double messages = aggregate_count(a, MESSAGES);

	writer_object(w, "errors");
	writer_count(w, "total_errors", failed);
	writer_object(w, "by_type");
	for (uint32_t i = 0; i < a->errors_by_type.count; i++) {
		const struct name_table_entry *e = &a->errors_by_type.entries[i];

		writer_count(w, e->name, *(const uint64_t *)e->value);
	}
	writer_end(w);
	if (with_recent)
		put_recent_errors(w, a);
	writer_figure(w, "error_rate",
	    ratio_percent((double)failed, messages > 0 ? messages : (double)a->requests.total));
	writer_end(w);
}

static void put_active_stats(struct writer *w, const struct aggregate *a)
{
	double messages = aggregate_count(a, MESSAGES), commands = aggregate_count(a, COMMANDS);

	writer_object(w, "active_stats");
	writer_count(w, "active_users", kmv_sketch_estimate(&a->users));
	writer_count(w, "active_channels", kmv_sketch_estimate(&a->channels));
	put_number(w, MESSAGES, isnan(messages) ? 0 : messages);
	put_number(w, COMMANDS, isnan(commands) ? 0 : commands);
	writer_end(w);
}

/* For "rag_cache_hits" and "rag_cache_misses": the length of "rag_cache". Else 0. */
static size_t cache_name_length(const char *name)
{
	size_t n = strlen(name), hits = strlen(HITS), misses = strlen(MISSES);
	const size_t kept = strlen("_cache");

	if (n > hits && strcmp(name + n - hits, HITS) == 0)
		return n - hits + kept;
	if (n > misses && strcmp(name + n - misses, MISSES) == 0)
		return n - misses + kept;
	return 0;
}

static double cache_count(const struct aggregate *a, const char *cache, const char *what)
{
	char name[ORBUS_TEXT_MAX + sizeof(MISSES)];
	double n;

	/* A cache's name is that of a count, cut short. */
	strcat(strcpy(name, cache), what);
	n = aggregate_count(a, name);
	return isnan(n) ? 0 : n;
}

static void put_cache(struct writer *w, const struct aggregate *a, const char *cache)
{
	double hits = cache_count(a, cache, "_hits"), misses = cache_count(a, cache, "_misses");

	writer_object(w, cache);
	put_number(w, "hits", hits);
	put_number(w, "misses", misses);
	writer_figure(w, "hit_rate", ratio_percent(hits, hits + misses));
	writer_end(w);
}

static const char *const usual_caches[] = {"history_cache", "rag_cache"};

/* Whether the cache of a count has been written: it is a usual one, or an earlier count's too. */
static bool is_cache_known(const struct aggregate *a, uint32_t index, size_t length)
{
	const char *name = a->counts.entries[index].name;

	for (size_t i = 0; i < sizeof(usual_caches) / sizeof(usual_caches[0]); i++)
		if (strlen(usual_caches[i]) == length && memcmp(usual_caches[i], name, length) == 0)
			return true;
	for (uint32_t i = 0; i < index; i++) {
		const char *earlier = a->counts.entries[i].name;

		if (cache_name_length(earlier) == length && memcmp(earlier, name, length) == 0)
			return true;
	}
	return false;
}

static void put_cache_stats(struct writer *w, const struct aggregate *a)
{
	writer_object(w, "cache_stats");
	for (size_t i = 0; i < sizeof(usual_caches) / sizeof(usual_caches[0]); i++)
		put_cache(w, a, usual_caches[i]);
	for (uint32_t i = 0; i < a->counts.count; i++) {
		char name[ORBUS_TEXT_MAX + 1];
		size_t n = cache_name_length(a->counts.entries[i].name);

		if (n == 0 || is_cache_known(a, i, n))
			continue;
		memcpy(name, a->counts.entries[i].name, n);
		name[n] = '\0';
		put_cache(w, a, name);
	}
	writer_end(w);
}

/*
 * Every count as it was counted: what shows in other places is derived from these, and does not
 * tell a count of 0 from none.
 */
static void put_all_counts(struct writer *w, const char *key, const struct aggregate *a)
{
	writer_object(w, key);
	for (uint32_t i = 0; i < a->counts.count; i++)
		put_number(w, a->counts.entries[i].name,
		    exact_figure(*(const struct exact_sum *)a->counts.entries[i].value));
	writer_end(w);
}

/* What their doubles leave out, where any does. */
static void put_counts_rest(struct writer *w, const struct aggregate *a)
{
	bool is_open = false;

	for (uint32_t i = 0; i < a->counts.count; i++) {
		const struct name_table_entry *e = &a->counts.entries[i];
		int64_t rest = exact_rest(*(const struct exact_sum *)e->value);

		if (rest == 0)
			continue;
		if (!is_open)
			writer_object(w, DOCUMENT_COUNTS_REST);
		is_open = true;
		writer_integer(w, e->name, rest);
	}
	if (is_open)
		writer_end(w);
}

/* The counts that have no place of their own. */
static void put_counts(struct writer *w, const char *key, const struct aggregate *a)
{
	writer_object(w, key);
	for (uint32_t i = 0; i < a->counts.count; i++) {
		const struct name_table_entry *e = &a->counts.entries[i];

		if (cache_name_length(e->name) == 0 && strcmp(e->name, MESSAGES) != 0 &&
		    strcmp(e->name, COMMANDS) != 0)
			put_number(w, e->name, exact_figure(*(const struct exact_sum *)e->value));
	}
	writer_end(w);
}

static void put_hours(struct writer *w, const char *key, const uint64_t *hours, uint32_t n)
{
	writer_array(w, key);
	for (uint32_t i = 0; i < n; i++)
		writer_count(w, NULL, hours[i]);
	writer_end(w);
}

static void old_document_write_trends(struct writer *w, const char *key, const struct trends *t)
{
	if (!t) {
		writer_null(w, key);
		return;
	}
	writer_object(w, key);
	put_hours(w, "messages_per_hour", t->messages, t->hours);
	put_hours(w, "errors_per_hour", t->errors, t->hours);
	writer_count(w, "current_hour_messages", t->current_messages);
	writer_count(w, "current_hour_errors", t->current_errors);
	writer_end(w);
}

static void put_lost(struct writer *w, const struct aggregate *a)
{
	writer_count(w, "lost_samples", a->lost);
	writer_count(w, "rejected_samples", a->rejected);
	writer_count(w, "skewed_samples", a->skewed);
}

static void put_lifetime(struct writer *w, const struct document_context *c)
{
	const struct aggregate *a = c->lifetime;
	char since[RFC3339_BYTES];

	clock_format_rfc3339_local(c->lifetime_since_ns, c->utc, since);
	writer_object(w, "lifetime");
	writer_text(w, "since", since);
	stats_put_requests(w, "requests", &a->requests, c->in_flight);
	stats_put_summaries(w, &a->requests);
	writer_object(w, "token_usage");
	stats_put_tokens(w, &a->requests.tokens);
	writer_end(w);
	stats_put_cost(w, "cost_usd", &a->requests);
	put_errors(w, a, false);
	put_counts(w, "counts", a);
	put_number(w, MESSAGES, fmax(aggregate_count(a, MESSAGES), 0));
	put_number(w, COMMANDS, fmax(aggregate_count(a, COMMANDS), 0));
	put_lost(w, a);
	writer_end(w);
}

static void put_period(struct writer *w, const struct document_context *c)
{
	char text[RFC3339_BYTES];

	writer_object(w, "period");
	writer_text(w, "kind", c->period_kind);
	clock_format_rfc3339_local(c->start_ns, c->utc, text);
	writer_text(w, "start", text);
	clock_format_rfc3339_local(c->end_ns, c->utc, text);
	writer_text(w, "end", text);
	writer_boolean(w, "complete", c->complete);
	writer_end(w);
}

static void put_head(struct writer *w, const struct document_context *c)
{
	char text[64];

	writer_count(w, "uptime_seconds", c->uptime_seconds);
	clock_format_timedelta(c->uptime_seconds, text, sizeof(text));
	writer_text(w, "uptime_formatted", text);
	if (c->period_kind)
		put_period(w, c);
}

static void put_tail(struct writer *w, const struct aggregate *a, const struct document_context *c)
{
	char text[RFC3339_BYTES];

	put_lost(w, a);
	writer_count(w, "journal_lost", a->journal_lost);
	if (c->lifetime)
		put_lifetime(w, c);
	stats_put_histograms(w, "histograms", a, c->restorable);
	if (c->restorable) {
		put_all_counts(w, "counts", a);
		put_counts_rest(w, a);
		stats_put_sketches(w, "distinct", a);
	}
	clock_format_isoformat(c->saved_at_ns, c->utc, text);
	writer_text(w, "saved_at", text);
	writer_text(w, "version", DOCUMENT_VERSION);
}

static void old_document_write(
    struct writer *w, const char *key, const struct aggregate *a, const struct document_context *c)
{
	writer_object(w, key);
	put_head(w, c);
	stats_put_requests(w, "requests", &a->requests, c->in_flight);
	stats_put_summaries(w, &a->requests);
	put_token_usage(w, a);
	stats_put_cost(w, "cost_usd", &a->requests);
	put_errors(w, a, true);
	put_active_stats(w, a);
	put_cache_stats(w, a);
	put_counts(w, "service_metrics", a);
	old_document_write_trends(w, "hourly_trends", c->trends);
	stats_put_name_table(w, "by_model", &a->by_model);
	stats_put_name_table(w, "by_bot", &a->by_bot);
	stats_put_name_table(w, "by_provider", &a->by_provider);
	stats_put_gauges(w, "gauges", a);
	put_tail(w, a, c);
	writer_end(w);
}
