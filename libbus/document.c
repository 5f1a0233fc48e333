/*
 * document.c: an aggregate as the document that files and the board hold.
 */
#include "document.h"
#include "clock.h"
#include "document_figures.h"
#include "json_build.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_VERSION "1.0"

#define MESSAGES "messages_processed"
#define COMMANDS "commands_executed"
#define HITS     "_cache_hits"
#define MISSES   "_cache_misses"

/* Counts are whole as a rule, and then look like it. */
static json_t *number(double value)
{
	if (isfinite(value) && floor(value) == value && fabs(value) < 0x1p53)
		return json_integer((json_int_t)value);
	return json_figure(value);
}

static double ratio_percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : NAN;
}

static json_t *token_usage(const struct aggregate *a)
{
	struct json_build o = json_build_object(), models = json_build_object();

	figures_set_tokens(&o, &a->requests.tokens);
	for (uint32_t i = 0; i < a->by_model.count; i++) {
		const struct series_entry *e = &a->by_model.entries[i];
		const struct request_figures *f = e->value;

		json_build_set(&models, e->name, json_count(f->tokens.total));
	}
	json_build_set(&o, "by_model", json_build_take(&models));
	return json_build_take(&o);
}

static json_t *recent_errors(const struct aggregate *a)
{
	struct json_build list = json_build_array();

	for (uint32_t i = 0; i < a->recent_error_count; i++) {
		const struct recent_error *e = &a->recent_errors[i];
		struct json_build o = json_build_object();
		char at[RFC3339_BYTES];

		clock_format_rfc3339(e->ts, at);
		json_build_set(&o, "type", json_string_nocheck(e->type));
		json_build_set(
		    &o, "message", e->message ? json_string_nocheck(e->message) : json_null());
		json_build_set(&o, "timestamp", json_string_nocheck(at));
		json_build_append(&list, json_build_take(&o));
	}
	return json_build_take(&list);
}

static json_t *errors(const struct aggregate *a)
{
	struct json_build o = json_build_object(), types = json_build_object();
	uint64_t failed = request_figures_failed(&a->requests);
	double messages = aggregate_count(a, MESSAGES);

	for (uint32_t i = 0; i < a->errors_by_type.count; i++) {
		const struct series_entry *e = &a->errors_by_type.entries[i];

		json_build_set(&types, e->name, json_count(*(const uint64_t *)e->value));
	}
	json_build_set(&o, "total_errors", json_count(failed));
	json_build_set(&o, "by_type", json_build_take(&types));
	json_build_set(&o, "recent_errors", recent_errors(a));
	json_build_set(&o, "error_rate",
	    json_figure(ratio_percent(
		(double)failed, messages > 0 ? messages : (double)a->requests.total)));
	return json_build_take(&o);
}

static json_t *active_stats(const struct aggregate *a)
{
	struct json_build o = json_build_object();
	double messages = aggregate_count(a, MESSAGES), commands = aggregate_count(a, COMMANDS);

	json_build_set(&o, "active_users", json_count(distinct_estimate(&a->users)));
	json_build_set(&o, "active_channels", json_count(distinct_estimate(&a->channels)));
	json_build_set(&o, MESSAGES, number(isnan(messages) ? 0 : messages));
	json_build_set(&o, COMMANDS, number(isnan(commands) ? 0 : commands));
	return json_build_take(&o);
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

static void set_cache(struct json_build *o, const struct aggregate *a, const char *cache)
{
	double hits = cache_count(a, cache, "_hits"), misses = cache_count(a, cache, "_misses");
	struct json_build c = json_build_object();

	json_build_set(&c, "hits", number(hits));
	json_build_set(&c, "misses", number(misses));
	json_build_set(&c, "hit_rate", json_figure(ratio_percent(hits, hits + misses)));
	json_build_set(o, cache, json_build_take(&c));
}

static json_t *cache_stats(const struct aggregate *a)
{
	struct json_build o = json_build_object();

	set_cache(&o, a, "history_cache");
	set_cache(&o, a, "rag_cache");
	for (uint32_t i = 0; i < a->counts.count; i++) {
		char name[512];
		size_t n = cache_name_length(a->counts.entries[i].name);

		if (n == 0 || n >= sizeof(name))
			continue;
		memcpy(name, a->counts.entries[i].name, n);
		name[n] = '\0';
		if (!json_object_get(o.value, name))
			set_cache(&o, a, name);
	}
	return json_build_take(&o);
}

static json_t *service_metrics(const struct aggregate *a)
{
	struct json_build o = json_build_object();

	for (uint32_t i = 0; i < a->counts.count; i++) {
		const struct series_entry *e = &a->counts.entries[i];

		if (cache_name_length(e->name) == 0 && strcmp(e->name, MESSAGES) != 0 &&
		    strcmp(e->name, COMMANDS) != 0)
			json_build_set(&o, e->name, number(*(const double *)e->value));
	}
	return json_build_take(&o);
}

static json_t *counts_of_hours(const uint64_t *hours, uint32_t n)
{
	struct json_build list = json_build_array();

	for (uint32_t i = 0; i < n; i++)
		json_build_append(&list, json_count(hours[i]));
	return json_build_take(&list);
}

static json_t *hourly_trends(const struct trends *t)
{
	struct json_build o;

	if (!t)
		return json_null();
	o = json_build_object();
	json_build_set(&o, "messages_per_hour", counts_of_hours(t->messages, t->hours));
	json_build_set(&o, "errors_per_hour", counts_of_hours(t->errors, t->hours));
	json_build_set(&o, "current_hour_messages", json_count(t->current_messages));
	json_build_set(&o, "current_hour_errors", json_count(t->current_errors));
	return json_build_take(&o);
}

static json_t *lifetime(const struct document_context *c)
{
	const struct aggregate *a = c->lifetime;
	struct json_build o = json_build_object(), tokens = json_build_object();
	json_t *failed;
	char since[RFC3339_BYTES];

	clock_format_rfc3339_local(c->lifetime_since_ns, c->utc, since);
	figures_set_tokens(&tokens, &a->requests.tokens);
	failed = errors(a);
	json_object_del(failed, "recent_errors");
	json_build_set(&o, "since", json_string_nocheck(since));
	json_build_set(&o, "requests", figures_requests(&a->requests, c->in_flight));
	json_build_set(&o, "response_times", figures_summary(&a->requests.response_ms));
	json_build_set(&o, "ttft", figures_summary(&a->requests.ttft_ms));
	json_build_set(&o, "tps", figures_summary(&a->requests.tps));
	json_build_set(&o, "decode_tps", figures_summary(&a->requests.decode_tps));
	json_build_set(&o, "token_usage", json_build_take(&tokens));
	json_build_set(&o, "cost_usd", figures_cost(&a->requests));
	json_build_set(&o, "errors", failed);
	json_build_set(&o, "counts", service_metrics(a));
	json_build_set(&o, "messages_processed", number(fmax(aggregate_count(a, MESSAGES), 0)));
	json_build_set(&o, "commands_executed", number(fmax(aggregate_count(a, COMMANDS), 0)));
	json_build_set(&o, "lost_samples", json_count(a->lost));
	json_build_set(&o, "rejected_samples", json_count(a->rejected));
	json_build_set(&o, "skewed_samples", json_count(a->skewed));
	return json_build_take(&o);
}

static json_t *period(const struct document_context *c)
{
	struct json_build o = json_build_object();
	char text[RFC3339_BYTES];

	json_build_set(&o, "kind", json_string_nocheck(c->period_kind));
	clock_format_rfc3339_local(c->start_ns, c->utc, text);
	json_build_set(&o, "start", json_string_nocheck(text));
	clock_format_rfc3339_local(c->end_ns, c->utc, text);
	json_build_set(&o, "end", json_string_nocheck(text));
	json_build_set(&o, "complete", json_boolean(c->complete));
	return json_build_take(&o);
}

static void set_head(struct json_build *o, const struct document_context *c)
{
	char text[64];

	json_build_set(o, "uptime_seconds", json_count(c->uptime_seconds));
	clock_format_timedelta(c->uptime_seconds, text, sizeof(text));
	json_build_set(o, "uptime_formatted", json_string_nocheck(text));
	if (c->period_kind)
		json_build_set(o, "period", period(c));
}

static void set_tail(
    struct json_build *o, const struct aggregate *a, const struct document_context *c)
{
	char text[RFC3339_BYTES];

	json_build_set(o, "lost_samples", json_count(a->lost));
	json_build_set(o, "rejected_samples", json_count(a->rejected));
	json_build_set(o, "skewed_samples", json_count(a->skewed));
	json_build_set(o, "journal_lost", json_count(a->journal_lost));
	if (c->lifetime)
		json_build_set(o, "lifetime", lifetime(c));
	json_build_set(o, "histograms", figures_histograms(a, c->restorable));
	if (c->restorable)
		json_build_set(o, "distinct", figures_sketches(a));
	clock_format_isoformat(c->saved_at_ns, c->utc, text);
	json_build_set(o, "saved_at", json_string_nocheck(text));
	json_build_set(o, "version", json_string_nocheck(DOCUMENT_VERSION));
}

json_t *document_from_aggregate(const struct aggregate *a, const struct document_context *c)
{
	struct json_build o = json_build_object();

	set_head(&o, c);
	json_build_set(&o, "requests", figures_requests(&a->requests, c->in_flight));
	json_build_set(&o, "response_times", figures_summary(&a->requests.response_ms));
	json_build_set(&o, "ttft", figures_summary(&a->requests.ttft_ms));
	json_build_set(&o, "tps", figures_summary(&a->requests.tps));
	json_build_set(&o, "decode_tps", figures_summary(&a->requests.decode_tps));
	json_build_set(&o, "token_usage", token_usage(a));
	json_build_set(&o, "cost_usd", figures_cost(&a->requests));
	json_build_set(&o, "errors", errors(a));
	json_build_set(&o, "active_stats", active_stats(a));
	json_build_set(&o, "cache_stats", cache_stats(a));
	json_build_set(&o, "service_metrics", service_metrics(a));
	json_build_set(&o, "hourly_trends", hourly_trends(c->trends));
	json_build_set(&o, "by_model", figures_by_name(&a->by_model, figures_series));
	json_build_set(&o, "by_bot", figures_by_name(&a->by_bot, figures_series));
	json_build_set(&o, "by_provider", figures_by_name(&a->by_provider, figures_series));
	json_build_set(&o, "gauges", figures_gauges(a));
	set_tail(&o, a, c);
	return json_build_take(&o);
}

bool document_set_trends(json_t *document, const struct trends *trends)
{
	return json_object_set_new_nocheck(document, "hourly_trends", hourly_trends(trends)) == 0;
}
