/*
 * doc_put.c: of a document, what no line of schema.def can say, as it is written. What is read so
 * is in doc_take.c.
 */
#include "doc_put.h"

#include "base/clock.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DOCUMENT_VERSION "1.0"

#define MESSAGES "messages_processed"
#define COMMANDS "commands_executed"
#define HITS     "_cache_hits"
#define MISSES   "_cache_misses"

/* Fields of the whole object have the first member of its struct. */
static_assert(offsetof(struct histogram, sum) == 0 && offsetof(struct request_stats, total) == 0 &&
		  offsetof(struct aggregate, requests) == 0,
    "what is computed is so of the struct that holds the member");

static double ratio_percent(double part, double whole)
{
	return whole > 0 ? 100 * part / whole : NAN;
}

/* --- Objects, and objects by name --------------------------------------------------------------
 */

void put_object(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	doc_write_object(w, f->key, f->of, at);
}

void put_each(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct name_table *t = at;

	writer_object(w->to, f->key);
	for (uint32_t i = 0; i < t->count; i++)
		doc_write_object(w, t->entries[i].name, f->of, t->entries[i].value);
	writer_end(w->to);
}

void put_text(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	writer_text(w->to, f->key, *(char *const *)at);
}

/* --- Requests ----------------------------------------------------------------------------------
 */

void put_mean(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	writer_figure(w->to, f->key, histogram_mean(at));
}

/* The key says which, by two digits: p95. */
void put_quantile(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	int percent = (f->key[1] - '0') * 10 + f->key[2] - '0';

	writer_figure(w->to, f->key, histogram_quantile(at, percent / 100.0));
}

void put_tokens_by_model(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct name_table *t = &w->sum->by_model;

	(void)at;
	writer_object(w->to, f->key);
	for (uint32_t i = 0; i < t->count; i++)
		writer_count(w->to, t->entries[i].name,
		    ((const struct request_stats *)t->entries[i].value)->tokens.total);
	writer_end(w->to);
}

void put_in_flight(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	(void)at;
	writer_count(w->to, f->key, w->context->in_flight);
}

void put_failed(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	writer_count(w->to, f->key, request_stats_failed(at));
}

void put_error_rate(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct request_stats *s = at;

	writer_figure(
	    w->to, f->key, ratio_percent((double)request_stats_failed(s), (double)s->total));
}

void put_bucket_offset(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	writer_integer(w->to, f->key, *(const int32_t *)at);
}

void put_buckets(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct histogram *h = at;

	writer_array(w->to, f->key);
	for (uint32_t i = 0; i < h->length; i++)
		writer_count(w->to, NULL, histogram_bucket(h, i));
	writer_end(w->to);
}

void put_scale(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	(void)at;
	writer_integer(w->to, f->key, HISTOGRAM_SCALE);
}

/* --- Errors ------------------------------------------------------------------------------------
 */

void put_error_types(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct name_table *t = at;

	writer_object(w->to, f->key);
	for (uint32_t i = 0; i < t->count; i++)
		writer_count(w->to, t->entries[i].name, *(const uint64_t *)t->entries[i].value);
	writer_end(w->to);
}

/* A lifetime has none. */
void put_recent_errors(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct recent_error *e = at;

	if (w->is_lifetime)
		return;
	writer_array(w->to, f->key);
	for (uint32_t i = 0; i < w->sum->recent_error_count; i++)
		doc_write_object(w, NULL, f->of, &e[i]);
	writer_end(w->to);
}

void put_message_error_rate(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	double messages = aggregate_count(w->sum, MESSAGES);
	const struct request_stats *s = at;

	writer_figure(w->to, f->key,
	    ratio_percent(
		(double)request_stats_failed(s), messages > 0 ? messages : (double)s->total));
}

/* --- Counts ------------------------------------------------------------------------------------
 */

void put_distinct(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	writer_count(w->to, f->key, kmv_sketch_estimate(at));
}

/* The count of the key's name, 0 where no sample named it. */
void put_count_of_key(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	(void)at;
	doc_write_number(w, f->key, fmax(aggregate_count(w->sum, f->key), 0));
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

	/* A cache's name is that of a count, cut short. */
	strcat(strcpy(name, cache), what);
	return fmax(aggregate_count(a, name), 0);
}

static void put_cache(struct doc_writer *w, const struct doc_object *of, const char *cache)
{
	struct cache_counts c = {.hits = cache_count(w->sum, cache, "_hits"),
	    .misses = cache_count(w->sum, cache, "_misses")};

	c.hit_rate = ratio_percent(c.hits, c.hits + c.misses);
	doc_write_object(w, cache, of, &c);
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

void put_cache_stats(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct name_table *counts = at;

	writer_object(w->to, f->key);
	for (size_t i = 0; i < sizeof(usual_caches) / sizeof(usual_caches[0]); i++)
		put_cache(w, f->of, usual_caches[i]);
	for (uint32_t i = 0; i < counts->count; i++) {
		char name[ORBUS_TEXT_MAX + 1];
		size_t n = cache_name_length(counts->entries[i].name);

		if (n == 0 || is_cache_known(w->sum, i, n))
			continue;
		memcpy(name, counts->entries[i].name, n);
		name[n] = '\0';
		put_cache(w, f->of, name);
	}
	writer_end(w->to);
}

static void put_count(struct doc_writer *w, const struct name_table_entry *e)
{
	doc_write_number(w, e->name, exact_figure(*(const struct exact_sum *)e->value));
}

/* The counts that have no place of their own. */
void put_service_metrics(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct name_table *counts = at;

	writer_object(w->to, f->key);
	for (uint32_t i = 0; i < counts->count; i++) {
		const struct name_table_entry *e = &counts->entries[i];

		if (cache_name_length(e->name) == 0 && strcmp(e->name, MESSAGES) != 0 &&
		    strcmp(e->name, COMMANDS) != 0)
			put_count(w, e);
	}
	writer_end(w->to);
}

/*
 * Every count as it was counted: what shows in other places is derived from these, and does not
 * tell a count of 0 from none.
 */
void put_counts(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct name_table *counts = at;

	writer_object(w->to, f->key);
	for (uint32_t i = 0; i < counts->count; i++)
		put_count(w, &counts->entries[i]);
	writer_end(w->to);
}

/* What their doubles leave out, where any does. */
void put_counts_rest(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct name_table *counts = at;
	bool is_open = false;

	for (uint32_t i = 0; i < counts->count; i++) {
		const struct name_table_entry *e = &counts->entries[i];
		int64_t rest = exact_rest(*(const struct exact_sum *)e->value);

		if (rest == 0)
			continue;
		if (!is_open)
			writer_object(w->to, f->key);
		is_open = true;
		writer_integer(w->to, e->name, rest);
	}
	if (is_open)
		writer_end(w->to);
}

void put_sketch(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct kmv_sketch *d = at;

	writer_array(w->to, f->key);
	for (uint32_t i = 0; i < d->count; i++)
		writer_count(w->to, NULL, d->hashes[i]);
	writer_end(w->to);
}

/* --- Gauges ------------------------------------------------------------------------------------
 */

/* Of one that was negative, the sums of both signs too: what they differ by does not restore them.
 */
static struct gauge_read gauge_as_written(const struct gauge_stats *g)
{
	struct gauge_read read = {.g = *g,
	    .avg = exact_mean(g->above, g->below, g->count, g->min, g->max),
	    .sum = exact_difference(g->above, g->below),
	    .positive = NAN,
	    .negative = NAN};

	if (g->below.units == 0) {
		read.sum_rest = exact_rest(g->above);
	} else {
		read.positive = exact_figure(g->above);
		read.positive_rest = exact_rest(g->above);
		read.negative = exact_figure(g->below);
		read.negative_rest = exact_rest(g->below);
	}
	return read;
}

void put_gauges(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct name_table *t = at;

	writer_object(w->to, f->key);
	for (uint32_t i = 0; i < t->count; i++) {
		const struct gauge_read read = gauge_as_written(t->entries[i].value);

		doc_write_object(w, t->entries[i].name, f->of, &read);
	}
	writer_end(w->to);
}

/* --- What the context says ---------------------------------------------------------------------
 */

void put_uptime(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	(void)at;
	writer_count(w->to, f->key, w->context->uptime_seconds);
}

void put_uptime_text(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	char text[64];

	(void)at;
	clock_format_timedelta(w->context->uptime_seconds, text, sizeof(text));
	writer_text(w->to, f->key, text);
}

void put_period(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct document_context *c = w->context;
	const struct document_period period = {
	    .start_ns = c->start_ns, .end_ns = c->end_ns, .complete = c->complete};

	(void)at;
	if (c->period_kind)
		doc_write_object(w, f->key, f->of, &period);
}

void put_period_kind(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	(void)at;
	writer_text(w->to, f->key, w->context->period_kind);
}

/* Null where there are none. */
void put_trends(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	(void)at;
	if (w->context->trends)
		doc_write_object(w, f->key, f->of, w->context->trends);
	else
		writer_null(w->to, f->key);
}

void put_hours(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	const struct trends *t = (const void *)((const char *)at - f->offset);
	const uint64_t *hours = at;

	writer_array(w->to, f->key);
	for (uint32_t i = 0; i < t->hours; i++)
		writer_count(w->to, NULL, hours[i]);
	writer_end(w->to);
}

void put_lifetime(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	struct doc_writer of_lifetime = {
	    .to = w->to, .context = w->context, .sum = w->context->lifetime, .is_lifetime = true};

	(void)at;
	if (of_lifetime.sum)
		doc_write_object(&of_lifetime, f->key, f->of, of_lifetime.sum);
}

void put_since(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	(void)at;
	doc_write_time(w, f->key, w->context->lifetime_since_ns, true);
}

void put_saved_at(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	char text[RFC3339_BYTES];

	(void)at;
	clock_format_isoformat(w->context->saved_at_ns, w->context->utc, text);
	writer_text(w->to, f->key, text);
}

void put_version(struct doc_writer *w, const struct doc_field *f, const void *at)
{
	(void)at;
	writer_text(w->to, f->key, DOCUMENT_VERSION);
}
