/*
 * document.c: an aggregate as the document that files and the board hold.
 */
#include "document.h"
#include "clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_VERSION "1.0"
/* Enough to tell apart any two figures that people care about, and to print 3245.8 as such. */
#define REAL_DIGITS 15

#define MESSAGES "messages_processed"
#define COMMANDS "commands_executed"
#define HITS     "_cache_hits"
#define MISSES   "_cache_misses"

/*
 * jansson reports running out of memory by refusing a NULL value; a set that fails marks the
 * object, and the whole document is given up at its end.
 */
static void set(json_t *object, const char *key, json_t *value)
{
	if (json_object_set_new_nocheck(object, key, value) < 0 && object)
		(void)json_object_clear(object);
}

static json_t *figure(double value)
{
	return isfinite(value) ? json_real(value) : json_null();
}

/* Counts are whole as a rule, and then look like it. */
static json_t *number(double value)
{
	if (isfinite(value) && floor(value) == value && fabs(value) < 0x1p53)
		return json_integer((json_int_t)value);
	return figure(value);
}

static json_t *count(uint64_t n)
{
	return json_integer(n > INT64_MAX ? INT64_MAX : (json_int_t)n);
}

static double ratio_percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : NAN;
}

static json_t *summary(const struct histogram *h)
{
	json_t *o = json_object();

	set(o, "avg", figure(histogram_mean(h)));
	set(o, "min", figure(h->min));
	set(o, "max", figure(h->max));
	set(o, "p50", figure(histogram_quantile(h, 0.50)));
	set(o, "p95", figure(histogram_quantile(h, 0.95)));
	set(o, "p99", figure(histogram_quantile(h, 0.99)));
	set(o, "count", count(h->count));
	return o;
}

static void set_tokens(json_t *o, const struct token_sums *t)
{
	set(o, "total_tokens", count(t->total));
	set(o, "prompt_tokens", count(t->prompt));
	set(o, "completion_tokens", count(t->completion));
	set(o, "cached_tokens", count(t->cached));
	set(o, "reasoning_tokens", count(t->reasoning));
}

static json_t *cost(const struct request_figures *f)
{
	return f->cost_known ? json_real(f->cost_usd) : json_null();
}

static json_t *token_usage(const struct aggregate *a)
{
	json_t *o = json_object(), *models = json_object();

	set_tokens(o, &a->requests.tokens);
	for (uint32_t i = 0; i < a->by_model.count; i++) {
		const struct series_entry *e = &a->by_model.entries[i];
		const struct request_figures *f = e->value;

		set(models, e->name, count(f->tokens.total));
	}
	set(o, "by_model", models);
	return o;
}

static json_t *recent_errors(const struct aggregate *a)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < a->recent_error_count; i++) {
		const struct recent_error *e = &a->recent_errors[i];
		json_t *o = json_object();
		char at[RFC3339_BYTES];

		clock_format_rfc3339(e->ts, at);
		set(o, "type", json_string_nocheck(e->type));
		set(o, "message", e->message ? json_string_nocheck(e->message) : json_null());
		set(o, "timestamp", json_string_nocheck(at));
		json_array_append_new(list, o);
	}
	return list;
}

static json_t *errors(const struct aggregate *a)
{
	json_t *o = json_object(), *types = json_object();
	uint64_t failed = request_figures_failed(&a->requests);
	double messages = aggregate_count(a, MESSAGES);

	for (uint32_t i = 0; i < a->errors_by_type.count; i++) {
		const struct series_entry *e = &a->errors_by_type.entries[i];

		set(types, e->name, count(*(const uint64_t *)e->value));
	}
	set(o, "total_errors", count(failed));
	set(o, "by_type", types);
	set(o, "recent_errors", recent_errors(a));
	set(o, "error_rate",
	    figure(ratio_percent(
		(double)failed, messages > 0 ? messages : (double)a->requests.total)));
	return o;
}

static json_t *active_stats(const struct aggregate *a)
{
	json_t *o = json_object();
	double messages = aggregate_count(a, MESSAGES), commands = aggregate_count(a, COMMANDS);

	set(o, "active_users", count(distinct_estimate(&a->users)));
	set(o, "active_channels", count(distinct_estimate(&a->channels)));
	set(o, MESSAGES, number(isnan(messages) ? 0 : messages));
	set(o, COMMANDS, number(isnan(commands) ? 0 : commands));
	return o;
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
	char name[512];
	double n;

	if (strlen(cache) + strlen(what) >= sizeof(name))
		return 0;
	strcat(strcpy(name, cache), what);
	n = aggregate_count(a, name);
	return isnan(n) ? 0 : n;
}

static void set_cache(json_t *o, const struct aggregate *a, const char *cache)
{
	double hits = cache_count(a, cache, "_hits"), misses = cache_count(a, cache, "_misses");
	json_t *c = json_object();

	set(c, "hits", number(hits));
	set(c, "misses", number(misses));
	set(c, "hit_rate", figure(ratio_percent(hits, hits + misses)));
	set(o, cache, c);
}

static json_t *cache_stats(const struct aggregate *a)
{
	json_t *o = json_object();

	set_cache(o, a, "history_cache");
	set_cache(o, a, "rag_cache");
	for (uint32_t i = 0; i < a->counts.count; i++) {
		char name[512];
		size_t n = cache_name_length(a->counts.entries[i].name);

		if (n == 0 || n >= sizeof(name))
			continue;
		memcpy(name, a->counts.entries[i].name, n);
		name[n] = '\0';
		if (!json_object_get(o, name))
			set_cache(o, a, name);
	}
	return o;
}

static json_t *service_metrics(const struct aggregate *a)
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < a->counts.count; i++) {
		const struct series_entry *e = &a->counts.entries[i];

		if (cache_name_length(e->name) == 0 && strcmp(e->name, MESSAGES) != 0 &&
		    strcmp(e->name, COMMANDS) != 0)
			set(o, e->name, number(*(const double *)e->value));
	}
	return o;
}

static json_t *counts_of_hours(const uint64_t *hours, uint32_t n)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < n; i++)
		json_array_append_new(list, count(hours[i]));
	return list;
}

static json_t *hourly_trends(const struct trends *t)
{
	json_t *o;

	if (!t)
		return json_null();
	o = json_object();
	set(o, "messages_per_hour", counts_of_hours(t->messages, t->hours));
	set(o, "errors_per_hour", counts_of_hours(t->errors, t->hours));
	set(o, "current_hour_messages", count(t->current_messages));
	set(o, "current_hour_errors", count(t->current_errors));
	return o;
}

static json_t *requests(const struct request_figures *f, uint64_t in_flight)
{
	json_t *o = json_object();

	set(o, "total", count(f->total));
	set(o, "ok", count(f->ok));
	set(o, "errors", count(f->errors));
	set(o, "timeouts", count(f->timeouts));
	set(o, "cancelled", count(f->cancelled));
	set(o, "orphaned", count(f->orphaned));
	set(o, "in_flight", count(in_flight));
	set(o, "streaming", count(f->streaming));
	set(o, "priced", count(f->cost_known));
	return o;
}

static json_t *series_figures(const struct request_figures *f)
{
	json_t *o = json_object(), *tokens = json_object();

	set_tokens(tokens, &f->tokens);
	set(o, "requests", count(f->total));
	set(o, "response_times", summary(&f->response_ms));
	set(o, "ttft", summary(&f->ttft_ms));
	set(o, "tps", summary(&f->tps));
	set(o, "decode_tps", summary(&f->decode_tps));
	set(o, "tokens", tokens);
	set(o, "cost", cost(f));
	set(o, "errors", count(request_figures_failed(f)));
	set(o, "ok", count(f->ok));
	set(o, "timeouts", count(f->timeouts));
	set(o, "cancelled", count(f->cancelled));
	set(o, "orphaned", count(f->orphaned));
	set(o, "streaming", count(f->streaming));
	set(o, "priced", count(f->cost_known));
	return o;
}

static json_t *by_name(const struct series *s, json_t *(*body)(const struct request_figures *))
{
	json_t *o = json_object();

	for (uint32_t i = 0; i < s->count; i++)
		set(o, s->entries[i].name, body(s->entries[i].value));
	return o;
}

static json_t *gauges(const struct aggregate *a)
{
	json_t *all = json_object();

	for (uint32_t i = 0; i < a->gauges.count; i++) {
		const struct gauge_figures *g = a->gauges.entries[i].value;
		json_t *o = json_object();
		char at[RFC3339_BYTES];

		clock_format_rfc3339(g->last_ts, at);
		set(o, "last", figure(g->last));
		set(o, "min", figure(g->min));
		set(o, "max", figure(g->max));
		set(o, "avg", figure(g->sum / (double)g->count));
		set(o, "count", count(g->count));
		set(o, "last_at", json_string_nocheck(at));
		set(all, a->gauges.entries[i].name, o);
	}
	return all;
}

static json_t *histogram(const struct histogram *h)
{
	json_t *o = json_object(), *buckets = json_array();

	set(o, "count", count(h->count));
	set(o, "sum", figure(h->sum));
	set(o, "min", figure(h->min));
	set(o, "max", figure(h->max));
	set(o, "zero_count", count(h->zero_count));
	set(o, "offset", json_integer(h->offset));
	for (uint32_t i = 0; i < h->length; i++)
		json_array_append_new(buckets, count(h->buckets[i]));
	set(o, "bucket_counts", buckets);
	return o;
}

static json_t *histograms_of(const struct request_figures *f)
{
	json_t *o = json_object();

	set(o, "response_times", histogram(&f->response_ms));
	set(o, "ttft", histogram(&f->ttft_ms));
	set(o, "tps", histogram(&f->tps));
	set(o, "decode_tps", histogram(&f->decode_tps));
	return o;
}

static json_t *histograms(const struct aggregate *a, bool restorable)
{
	json_t *o = histograms_of(&a->requests);

	set(o, "scale", json_integer(HISTOGRAM_SCALE));
	if (restorable) {
		set(o, "by_model", by_name(&a->by_model, histograms_of));
		set(o, "by_bot", by_name(&a->by_bot, histograms_of));
		set(o, "by_provider", by_name(&a->by_provider, histograms_of));
	}
	return o;
}

static json_t *sketch(const struct distinct *d)
{
	json_t *list = json_array();

	for (uint32_t i = 0; i < d->count; i++)
		json_array_append_new(list, count(d->hashes[i]));
	return list;
}

static json_t *sketches(const struct aggregate *a)
{
	json_t *o = json_object();

	set(o, "users", sketch(&a->users));
	set(o, "channels", sketch(&a->channels));
	return o;
}

static json_t *lifetime(const struct document_context *c)
{
	const struct aggregate *a = c->lifetime;
	json_t *o = json_object(), *tokens = json_object(), *failed;
	char since[RFC3339_BYTES];

	clock_format_rfc3339_local(c->lifetime_since_ns, c->utc, since);
	set_tokens(tokens, &a->requests.tokens);
	failed = errors(a);
	json_object_del(failed, "recent_errors");
	set(o, "since", json_string_nocheck(since));
	set(o, "requests", requests(&a->requests, c->in_flight));
	set(o, "response_times", summary(&a->requests.response_ms));
	set(o, "ttft", summary(&a->requests.ttft_ms));
	set(o, "tps", summary(&a->requests.tps));
	set(o, "decode_tps", summary(&a->requests.decode_tps));
	set(o, "token_usage", tokens);
	set(o, "cost_usd", cost(&a->requests));
	set(o, "errors", failed);
	set(o, "counts", service_metrics(a));
	set(o, "messages_processed", number(fmax(aggregate_count(a, MESSAGES), 0)));
	set(o, "commands_executed", number(fmax(aggregate_count(a, COMMANDS), 0)));
	set(o, "lost_samples", count(a->lost));
	set(o, "rejected_samples", count(a->rejected));
	set(o, "skewed_samples", count(a->skewed));
	return o;
}

static json_t *period(const struct document_context *c)
{
	json_t *o = json_object();
	char text[RFC3339_BYTES];

	set(o, "kind", json_string_nocheck(c->period_kind));
	clock_format_rfc3339_local(c->start_ns, c->utc, text);
	set(o, "start", json_string_nocheck(text));
	clock_format_rfc3339_local(c->end_ns, c->utc, text);
	set(o, "end", json_string_nocheck(text));
	set(o, "complete", json_boolean(c->complete));
	return o;
}

static void set_head(json_t *o, const struct document_context *c)
{
	char text[64];

	set(o, "uptime_seconds", count(c->uptime_seconds));
	clock_format_timedelta(c->uptime_seconds, text, sizeof(text));
	set(o, "uptime_formatted", json_string_nocheck(text));
	if (c->period_kind)
		set(o, "period", period(c));
}

static void set_tail(json_t *o, const struct aggregate *a, const struct document_context *c)
{
	char text[RFC3339_BYTES];

	set(o, "lost_samples", count(a->lost));
	set(o, "rejected_samples", count(a->rejected));
	set(o, "skewed_samples", count(a->skewed));
	if (c->lifetime)
		set(o, "lifetime", lifetime(c));
	set(o, "histograms", histograms(a, c->restorable));
	if (c->restorable)
		set(o, "distinct", sketches(a));
	clock_format_isoformat(c->saved_at_ns, c->utc, text);
	set(o, "saved_at", json_string_nocheck(text));
	set(o, "version", json_string_nocheck(DOCUMENT_VERSION));
}

json_t *document_from_aggregate(const struct aggregate *a, const struct document_context *c)
{
	json_t *o = json_object();

	set_head(o, c);
	set(o, "requests", requests(&a->requests, c->in_flight));
	set(o, "response_times", summary(&a->requests.response_ms));
	set(o, "ttft", summary(&a->requests.ttft_ms));
	set(o, "tps", summary(&a->requests.tps));
	set(o, "decode_tps", summary(&a->requests.decode_tps));
	set(o, "token_usage", token_usage(a));
	set(o, "cost_usd", cost(&a->requests));
	set(o, "errors", errors(a));
	set(o, "active_stats", active_stats(a));
	set(o, "cache_stats", cache_stats(a));
	set(o, "service_metrics", service_metrics(a));
	set(o, "hourly_trends", hourly_trends(c->trends));
	set(o, "by_model", by_name(&a->by_model, series_figures));
	set(o, "by_bot", by_name(&a->by_bot, series_figures));
	set(o, "by_provider", by_name(&a->by_provider, series_figures));
	set(o, "gauges", gauges(a));
	set_tail(o, a, c);
	/* A set that failed has cleared the object that it failed in. */
	if (!json_object_get(o, "version") || !json_object_get(o, "requests")) {
		json_decref(o);
		return NULL;
	}
	return o;
}

char *document_to_text(const json_t *document, size_t *length)
{
	char *text = NULL;
	const char *key, *separator = "{\n";
	json_t *value;
	FILE *out = open_memstream(&text, length);
	bool failed = !out;

	if (failed)
		return NULL;
	json_object_foreach((json_t *)(uintptr_t)document, key, value)
	{
		failed |= fprintf(out, "%s  \"%s\": ", separator, key) < 0;
		failed |=
		    json_dumpf(value, out, JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS)) < 0;
		separator = ",\n";
	}
	failed |= fputs("\n}\n", out) < 0;
	failed |= fclose(out) != 0;
	if (!failed)
		return text;
	free(text);
	return NULL;
}
