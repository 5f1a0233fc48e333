/*
 * document.c: an aggregate as the document that files and the board hold.
 */
#include "document.h"
#include "base/clock.h"
#include "document_stats.h"

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

void document_write_trends(struct writer *w, const char *key, const struct trends *t)
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

void document_write(
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
	document_write_trends(w, DOCUMENT_TRENDS, c->trends);
	stats_put_name_table(w, "by_model", &a->by_model);
	stats_put_name_table(w, "by_bot", &a->by_bot);
	stats_put_name_table(w, "by_provider", &a->by_provider);
	stats_put_gauges(w, "gauges", a);
	put_tail(w, a, c);
	writer_end(w);
}

json_t *document_from_aggregate(const struct aggregate *a, const struct document_context *c)
{
	struct tree_writer t;

	tree_writer_init(&t);
	document_write(&t.writer, NULL, a, c);
	return tree_writer_take(&t);
}

char *document_to_text(const json_t *document, size_t *length)
{
	struct text_writer t;

	text_writer_init(&t);
	writer_json(&t.writer, NULL, document);
	return text_writer_take(&t, length);
}
