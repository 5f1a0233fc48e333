/*
 * document_load.c: an aggregate restored from its document.
 *
 * The document comes from a file that anyone may have edited or half destroyed: a key that is
 * missing or has another type, a figure that is negative, or buckets that do not add up refuse it.
 */
#include "base/clock.h"
#include "base/utf8.h"
#include "document.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static int get_count(const json_t *o, const char *key, uint64_t *out)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_integer(v) || json_integer_value(v) < 0)
		return -EBADMSG;
	*out = (uint64_t)json_integer_value(v);
	return 0;
}

/* A number >= 0, or null, which is NaN. */
static int get_figure(const json_t *o, const char *key, double *out)
{
	const json_t *v = json_object_get(o, key);

	*out = NAN;
	if (json_is_null(v))
		return 0;
	if (!json_is_number(v) || json_number_value(v) < 0)
		return -EBADMSG;
	*out = figure_bound(json_number_value(v));
	return 0;
}

/* A number that may be negative. */
static int get_number(const json_t *o, const char *key, double *out)
{
	const json_t *v = json_object_get(o, key);

	if (!json_is_number(v))
		return -EBADMSG;
	*out = figure_bound(json_number_value(v));
	return 0;
}

/* Adds what `key` has beside it (DOCUMENT_REST_OF), if it has. */
static int get_rest(const json_t *o, const char *key, struct exact_sum *sum)
{
	char name[64];
	const json_t *v;

	snprintf(name, sizeof(name), "%s" DOCUMENT_REST_OF, key);
	v = json_object_get(o, name);
	if (!v)
		return 0;
	return json_is_integer(v) && exact_adjust(sum, json_integer_value(v)) ? 0 : -EBADMSG;
}

/* A sum of figures >= 0. */
static int get_sum(const json_t *o, const char *key, struct exact_sum *out)
{
	double figure;

	if (get_figure(o, key, &figure) || isnan(figure))
		return -EBADMSG;
	*out = exact_of(figure);
	return get_rest(o, key, out);
}

/*
 * An object by names, as a series: no more than these. What is read is added to what the series
 * has: names that are one once they are cut, which earlier versions wrote, are summed.
 */
static bool is_series(const json_t *o)
{
	return json_is_object(o) && json_object_size(o) <= NAME_TABLE_NAMES_MAX;
}

static int get_time(const json_t *o, const char *key, uint64_t *ns)
{
	const char *text = json_string_value(json_object_get(o, key));

	return text && clock_parse_rfc3339(text, ns) ? 0 : -EBADMSG;
}

static int load_buckets(const json_t *o, struct histogram *h)
{
	const json_t *offset = json_object_get(o, "offset");
	const json_t *buckets = json_object_get(o, "bucket_counts"), *item;
	json_int_t first = json_integer_value(offset);
	uint64_t total = h->zero_count;
	size_t i, n = json_array_size(buckets);

	if (!json_is_integer(offset) || !json_is_array(buckets) || first < HISTOGRAM_INDEX_MIN ||
	    first > HISTOGRAM_INDEX_MAX || n > (size_t)(HISTOGRAM_INDEX_MAX - first + 1))
		return -EBADMSG;
	json_array_foreach(buckets, i, item)
	{
		json_int_t c = json_integer_value(item);

		if (!json_is_integer(item) || c < 0 ||
		    __builtin_add_overflow(total, (uint64_t)c, &total))
			return -EBADMSG;
		if (!histogram_add_bucket(h, (int32_t)(first + (json_int_t)i), (uint64_t)c))
			return -ENOMEM;
	}
	return total == h->count ? 0 : -EBADMSG;
}

static int load_histogram(const json_t *all, const char *key, struct histogram *h)
{
	const json_t *o = json_object_get(all, key);

	if (get_count(o, "count", &h->count) || get_count(o, "zero_count", &h->zero_count) ||
	    get_sum(o, "sum", &h->sum) || get_figure(o, "min", &h->min) ||
	    get_figure(o, "max", &h->max) || (h->count > 0) == isnan(h->min) ||
	    isnan(h->min) != isnan(h->max) || h->min > h->max)
		return -EBADMSG;
	return load_buckets(o, h);
}

static int load_histograms(const json_t *o, struct request_stats *f)
{
	int err = load_histogram(o, "response_times", &f->response_ms);

	if (!err)
		err = load_histogram(o, "ttft", &f->ttft_ms);
	if (!err)
		err = load_histogram(o, "tps", &f->tps);
	if (!err)
		err = load_histogram(o, "decode_tps", &f->decode_tps);
	return err;
}

static int load_tokens(const json_t *o, struct token_sums *t)
{
	return get_count(o, "total_tokens", &t->total) ||
	               get_count(o, "prompt_tokens", &t->prompt) ||
	               get_count(o, "completion_tokens", &t->completion) ||
	               get_count(o, "cached_tokens", &t->cached) ||
	               get_count(o, "reasoning_tokens", &t->reasoning)
	           ? -EBADMSG
	           : 0;
}

static int load_cost(const json_t *o, const char *key, struct request_stats *f)
{
	if (json_is_null(json_object_get(o, key)))
		return 0;
	return get_sum(o, key, &f->cost);
}

/* The counts that totals and series have under the same names. */
static int load_counts(const json_t *o, struct request_stats *f)
{
	return get_count(o, "ok", &f->ok) || get_count(o, "errors", &f->errors) ||
	               get_count(o, "timeouts", &f->timeouts) ||
	               get_count(o, "cancelled", &f->cancelled) ||
	               get_count(o, "orphaned", &f->orphaned) ||
	               get_count(o, "streaming", &f->streaming) ||
	               get_count(o, "priced", &f->cost_known)
	           ? -EBADMSG
	           : 0;
}

static int load_requests(const json_t *document, struct request_stats *f)
{
	const json_t *o = json_object_get(document, "requests");

	if (get_count(o, "total", &f->total) || load_counts(o, f) ||
	    load_tokens(json_object_get(document, "token_usage"), &f->tokens) ||
	    load_cost(document, "cost_usd", f))
		return -EBADMSG;
	return load_histograms(json_object_get(document, "histograms"), f);
}

static int load_name_table_entry(const json_t *o, const json_t *histograms, struct request_stats *f)
{
	if (get_count(o, "requests", &f->total) || load_counts(o, f) ||
	    load_tokens(json_object_get(o, "tokens"), &f->tokens) || load_cost(o, "cost", f))
		return -EBADMSG;
	/* A series says `errors` for all that failed. */
	if (f->errors < count_add(f->timeouts, f->orphaned))
		return -EBADMSG;
	f->errors -= count_add(f->timeouts, f->orphaned);
	return load_histograms(histograms, f);
}

static int load_name_table(const json_t *document, const char *key, struct name_table *s)
{
	const json_t *all = json_object_get(document, key), *entry;
	const json_t *histograms = json_object_get(json_object_get(document, "histograms"), key);
	const char *name;

	if (!is_series(all))
		return -EBADMSG;
	json_object_foreach((json_t *)(uintptr_t)all, name, entry)
	{
		struct request_stats one, *f;
		int err;

		request_stats_init(&one);
		err = load_name_table_entry(entry, json_object_get(histograms, name), &one);
		f = err ? NULL : aggregate_stats_at(s, name);
		if (!err && (!f || !request_stats_merge(f, &one)))
			err = -ENOMEM;
		request_stats_free(&one);
		if (err)
			return err;
	}
	return 0;
}

static int load_recent_errors(const json_t *list, struct aggregate *a)
{
	const json_t *o;
	size_t i;

	json_array_foreach(list, i, o)
	{
		const char *type = json_string_value(json_object_get(o, "type"));
		uint64_t ts;

		if (!type || get_time(o, "timestamp", &ts))
			return -EBADMSG;
		if (!aggregate_add_recent_error(
			a, ts, type, json_string_value(json_object_get(o, "message"))))
			return -ENOMEM;
	}
	return 0;
}

static int load_errors(const json_t *errors, struct aggregate *a)
{
	const json_t *types = json_object_get(errors, "by_type"), *v;
	const char *name;

	if (!is_series(types))
		return -EBADMSG;
	json_object_foreach((json_t *)(uintptr_t)types, name, v)
	{
		uint64_t n;

		if (get_count(types, name, &n))
			return -EBADMSG;
		if (!aggregate_add_errors(a, name, n))
			return -ENOMEM;
	}
	return load_recent_errors(json_object_get(errors, "recent_errors"), a);
}

static int load_count(
    struct aggregate *a, const char *name, const json_t *o, const char *key, bool keep_zero)
{
	double value;

	if (get_figure(o, key, &value) || isnan(value))
		return -EBADMSG;
	if (value == 0 && !keep_zero)
		return 0;
	return aggregate_add_count(a, name, exact_of(value)) ? 0 : -ENOMEM;
}

static int load_counts_rest(const json_t *rests, struct aggregate *a)
{
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)(uintptr_t)rests, name, v)
	{
		struct exact_sum *sum = name_table_find(&a->counts, name);

		if (!sum || !json_is_integer(v) || !exact_adjust(sum, json_integer_value(v)))
			return -EBADMSG;
	}
	return 0;
}

static int load_counts_by_name(struct aggregate *a, const json_t *counts, bool keep_zeros)
{
	const char *name;
	json_t *v;

	if (!is_series(counts))
		return -EBADMSG;
	json_object_foreach((json_t *)(uintptr_t)counts, name, v)
	{
		int err = load_count(a, name, counts, name, keep_zeros);

		if (err)
			return err;
	}
	return 0;
}

static int load_caches(const json_t *caches, struct aggregate *a)
{
	const char *cache;
	json_t *o;

	json_object_foreach((json_t *)(uintptr_t)caches, cache, o)
	{
		char name[ORBUS_TEXT_MAX + sizeof("_misses")];
		size_t length = utf8_cut(cache, strlen(cache), ORBUS_TEXT_MAX);
		int err;

		snprintf(name, sizeof(name), "%.*s_hits", (int)length, cache);
		err = load_count(a, name, o, "hits", false);
		if (err)
			return err;
		snprintf(name, sizeof(name), "%.*s_misses", (int)length, cache);
		err = load_count(a, name, o, "misses", false);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Files of earlier versions have the counts only where they are shown, where 0 may also mean that
 * no sample named them.
 */
static int load_shown_counts(const json_t *document, struct aggregate *a)
{
	const json_t *active = json_object_get(document, "active_stats");
	const json_t *services = json_object_get(document, "service_metrics");
	int err = load_count(a, "messages_processed", active, "messages_processed", false);

	if (!err)
		err = load_count(a, "commands_executed", active, "commands_executed", false);
	if (!err)
		err = load_caches(json_object_get(document, "cache_stats"), a);
	return err || !services ? err : load_counts_by_name(a, services, false);
}

static int load_all_counts(const json_t *document, struct aggregate *a)
{
	const json_t *counts = json_object_get(document, "counts");

	int err = counts ? load_counts_by_name(a, counts, true) : load_shown_counts(document, a);

	return err ? err : load_counts_rest(json_object_get(document, DOCUMENT_COUNTS_REST), a);
}

/* `sum` where the gauge was never negative; else the sums of both signs are there. */
static int load_gauge_sum(const json_t *o, double avg, struct gauge_stats *g)
{
	double sum;

	if (json_object_get(o, "negative_sum"))
		return get_sum(o, "positive_sum", &g->above) ||
		               get_sum(o, "negative_sum", &g->below)
		           ? -EBADMSG
		           : 0;
	/* Files of earlier versions have the sum of both, or none. */
	sum = avg * (double)g->count;
	if (json_object_get(o, "sum") && get_number(o, "sum", &sum))
		return -EBADMSG;
	g->above = exact_of(sum);
	g->below = exact_of(-sum);
	return get_rest(o, "sum", &g->above);
}

static int load_gauge(const json_t *o, struct gauge_stats *g)
{
	double avg;

	*g = (struct gauge_stats){0};
	if (get_number(o, "last", &g->last) || get_number(o, "min", &g->min) ||
	    get_number(o, "max", &g->max) || get_number(o, "avg", &avg) ||
	    get_count(o, "count", &g->count) || get_time(o, "last_at", &g->last_ts) ||
	    g->count == 0)
		return -EBADMSG;
	return load_gauge_sum(o, avg, g);
}

static int load_gauges(const json_t *all, struct aggregate *a)
{
	const char *name;
	json_t *o;

	if (!is_series(all))
		return -EBADMSG;
	json_object_foreach((json_t *)(uintptr_t)all, name, o)
	{
		struct gauge_stats g;

		if (load_gauge(o, &g))
			return -EBADMSG;
		if (!aggregate_add_gauge(a, name, &g))
			return -ENOMEM;
	}
	return 0;
}

static int load_sketch(const json_t *o, const char *key, struct kmv_sketch *d)
{
	const json_t *list = json_object_get(o, key), *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > KMV_SKETCH_MAX)
		return -EBADMSG;
	json_array_foreach(list, i, item)
	{
		if (!json_is_integer(item) || json_integer_value(item) < 0)
			return -EBADMSG;
		if (!kmv_sketch_add_hash(d, (uint64_t)json_integer_value(item)))
			return -ENOMEM;
	}
	return 0;
}

static int load_hours(const json_t *o, const char *key, uint64_t *hours, uint32_t *count)
{
	const json_t *list = json_object_get(o, key), *item;
	size_t i;

	if (!json_is_array(list) || json_array_size(list) > TREND_HOURS)
		return -EBADMSG;
	json_array_foreach(list, i, item)
	{
		if (!json_is_integer(item) || json_integer_value(item) < 0)
			return -EBADMSG;
		hours[i] = (uint64_t)json_integer_value(item);
	}
	*count = (uint32_t)json_array_size(list);
	return 0;
}

int document_to_trends(const json_t *o, struct trends *t)
{
	uint32_t error_hours;

	memset(t, 0, sizeof(*t));
	if (json_is_null(o))
		return 0;
	if (load_hours(o, "messages_per_hour", t->messages, &t->hours) ||
	    load_hours(o, "errors_per_hour", t->errors, &error_hours) || error_hours != t->hours ||
	    get_count(o, "current_hour_messages", &t->current_messages) ||
	    get_count(o, "current_hour_errors", &t->current_errors))
		return -EBADMSG;
	return 0;
}

static int load_tail(const json_t *document, struct aggregate *a)
{
	const json_t *distinct = json_object_get(document, "distinct");
	int err = get_count(document, "lost_samples", &a->lost);

	if (!err)
		err = get_count(document, "rejected_samples", &a->rejected);
	if (!err)
		err = get_count(document, "skewed_samples", &a->skewed);
	/* Files of earlier versions do not have it. */
	if (!err && json_object_get(document, "journal_lost"))
		err = get_count(document, "journal_lost", &a->journal_lost);
	if (!err)
		err = load_sketch(distinct, "users", &a->users);
	if (!err)
		err = load_sketch(distinct, "channels", &a->channels);
	return err;
}

int document_to_aggregate(const json_t *document, struct aggregate *a, struct trends *trends)
{
	int err = load_requests(document, &a->requests);

	if (!err)
		err = load_name_table(document, "by_model", &a->by_model);
	if (!err)
		err = load_name_table(document, "by_bot", &a->by_bot);
	if (!err)
		err = load_name_table(document, "by_provider", &a->by_provider);
	if (!err)
		err = load_errors(json_object_get(document, "errors"), a);
	if (!err)
		err = load_all_counts(document, a);
	if (!err)
		err = load_gauges(json_object_get(document, "gauges"), a);
	if (!err)
		err = load_tail(document, a);
	if (!err && trends)
		err = document_to_trends(json_object_get(document, DOCUMENT_TRENDS), trends);
	return err;
}
