/*
 * snapshot.c: the statistics of a window or a period as numbers that can be read.
 */
#include "snapshot.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SUMMARY_EMPTY                                                                  \
	{                                                                              \
		.avg = NAN, .min = NAN, .max = NAN, .p50 = NAN, .p95 = NAN, .p99 = NAN \
	}
#define HISTOGRAM_EMPTY                \
	{                              \
		.min = NAN, .max = NAN \
	}

const struct snapshot snapshot_empty = {
    .all = {.cost_usd = NAN, .of = {SUMMARY_EMPTY, SUMMARY_EMPTY, SUMMARY_EMPTY, SUMMARY_EMPTY}},
    .histograms = {HISTOGRAM_EMPTY, HISTOGRAM_EMPTY, HISTOGRAM_EMPTY, HISTOGRAM_EMPTY},
    .uptime_seconds = NAN,
};
static_assert(SUMMARY_KINDS == 4, "snapshot_empty has as many");

struct snapshot *snapshot_new(void)
{
	struct snapshot *s = malloc(sizeof(*s));

	if (!s)
		return NULL;
	*s = snapshot_empty;
	s->references = 1;
	for (int i = 0; i < SUMMARY_KINDS; i++)
		histogram_init(&s->histograms[i]);
	return s;
}

struct snapshot *snapshot_ref(struct snapshot *s)
{
	s->references++;
	return s;
}

void snapshot_unref(struct snapshot *s)
{
	if (!s || --s->references > 0)
		return;
	for (int i = 0; i < DIMENSIONS; i++) {
		free(s->by[i].rows);
		free(s->by[i].by_name);
	}
	for (int i = 0; i < SUMMARY_KINDS; i++)
		histogram_free(&s->histograms[i]);
	for (uint32_t i = 0; i < s->alerts.count; i++)
		free(s->alerts.rules[i].rule);
	free(s->alerts.rules);
	free(s->error_types);
	free(s->gauges);
	free(s->recent);
	free(s);
}

/* --- Rows ------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b, void *rows)
{
	const struct stats_row *r = rows;

	return strcmp(r[*(const uint16_t *)a].name, r[*(const uint16_t *)b].name);
}

bool stats_rows_index(struct stats_rows *r)
{
	r->by_name = calloc(r->count ? r->count : 1, sizeof(*r->by_name));
	if (!r->by_name)
		return false;
	for (uint32_t i = 0; i < r->count; i++)
		r->by_name[i] = (uint16_t)i;
	qsort_r(r->by_name, r->count, sizeof(*r->by_name), by_name, r->rows);
	return true;
}

const struct stats_row *stats_rows_find(const struct stats_rows *r, const char *name)
{
	uint32_t low = 0, high = r->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct stats_row *row = &r->rows[r->by_name[middle]];
		int order = strcmp(name, row->name);

		if (order == 0)
			return row;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

double stats_row_error_rate(const struct stats_row *row)
{
	return row->requests ? 100 * (double)row->failed / (double)row->requests : NAN;
}

/* --- From an aggregate ------------------------------------------------------------------------ */

static struct summary summary_of(const struct histogram *h)
{
	return (struct summary){
	    .avg = figure_bound(histogram_mean(h)),
	    .min = figure_bound(h->min),
	    .max = figure_bound(h->max),
	    .p50 = figure_bound(histogram_quantile(h, 0.50)),
	    .p95 = figure_bound(histogram_quantile(h, 0.95)),
	    .p99 = figure_bound(histogram_quantile(h, 0.99)),
	    .count = count_bound(h->count),
	};
}

/* The name is one of a table, which has cut it. */
static void set_row(struct stats_row *row, const char *name, const struct request_stats *f)
{
	*row = (struct stats_row){
	    .requests = count_bound(f->total),
	    .ok = count_bound(f->ok),
	    .errors = count_bound(f->errors),
	    .timeouts = count_bound(f->timeouts),
	    .cancelled = count_bound(f->cancelled),
	    .orphaned = count_bound(f->orphaned),
	    .streaming = count_bound(f->streaming),
	    .failed = request_stats_failed(f),
	    .priced = count_bound(f->cost_known),
	    .tokens = f->tokens,
	    .cost_usd = figure_bound(request_stats_cost(f)),
	    .of = {[SUMMARY_RESPONSE] = summary_of(&f->response_ms),
		[SUMMARY_TTFT] = summary_of(&f->ttft_ms),
		[SUMMARY_TPS] = summary_of(&f->tps),
		[SUMMARY_DECODE_TPS] = summary_of(&f->decode_tps)},
	};
	strcpy(row->name, name);
}

static bool take_rows(struct stats_rows *to, const struct name_table *from)
{
	to->rows = calloc(from->count ? from->count : 1, sizeof(*to->rows));
	if (!to->rows)
		return false;
	for (uint32_t i = 0; i < from->count; i++)
		set_row(&to->rows[i], from->entries[i].name, from->entries[i].value);
	to->count = from->count;
	return stats_rows_index(to);
}

static bool take_error_types(struct snapshot *s, const struct name_table *from)
{
	s->error_types = calloc(from->count ? from->count : 1, sizeof(*s->error_types));
	if (!s->error_types)
		return false;
	for (uint32_t i = 0; i < from->count; i++) {
		strcpy(s->error_types[i].name, from->entries[i].name);
		s->error_types[i].count = count_bound(*(const uint64_t *)from->entries[i].value);
	}
	s->error_type_count = from->count;
	return true;
}

static bool take_gauges(struct snapshot *s, const struct name_table *from)
{
	s->gauges = calloc(from->count ? from->count : 1, sizeof(*s->gauges));
	if (!s->gauges)
		return false;
	for (uint32_t i = 0; i < from->count; i++) {
		const struct gauge_stats *g = from->entries[i].value;

		s->gauges[i] = (struct gauge_row){.last = figure_bound(g->last),
		    .min = figure_bound(g->min),
		    .max = figure_bound(g->max)};
		strcpy(s->gauges[i].name, from->entries[i].name);
	}
	s->gauge_count = from->count;
	return true;
}

static bool take_recent(struct snapshot *s, const struct aggregate *a)
{
	s->recent = calloc(RECENT_ERRORS_MAX, sizeof(*s->recent));
	if (!s->recent)
		return false;
	for (uint32_t i = 0; i < a->recent_error_count; i++) {
		const struct recent_error *e = &a->recent_errors[i];

		s->recent[i].ts = e->ts;
		strcpy(s->recent[i].type, e->type);
		if (e->message)
			strcpy(s->recent[i].message, e->message);
	}
	s->recent_count = a->recent_error_count;
	return true;
}

static bool take_histograms(struct snapshot *s, const struct request_stats *f)
{
	return histogram_merge(&s->histograms[SUMMARY_RESPONSE], &f->response_ms) &&
	       histogram_merge(&s->histograms[SUMMARY_TTFT], &f->ttft_ms) &&
	       histogram_merge(&s->histograms[SUMMARY_TPS], &f->tps) &&
	       histogram_merge(&s->histograms[SUMMARY_DECODE_TPS], &f->decode_tps);
}

int snapshot_from_aggregate(const struct aggregate *a, uint64_t in_flight, struct snapshot **out)
{
	struct snapshot *s = snapshot_new();

	*out = NULL;
	if (!s)
		return -ENOMEM;
	set_row(&s->all, "", &a->requests);
	s->in_flight = count_bound(in_flight);
	s->lost = count_bound(a->lost);
	s->rejected = count_bound(a->rejected);
	s->skewed = count_bound(a->skewed);
	s->has.requests = s->has.ok = s->has.priced = s->has.failed = s->has.tokens = true;
	s->has.responses = true;
	if (!take_rows(&s->by[DIMENSION_MODEL], &a->by_model) ||
	    !take_rows(&s->by[DIMENSION_BOT], &a->by_bot) ||
	    !take_rows(&s->by[DIMENSION_PROVIDER], &a->by_provider) ||
	    !take_error_types(s, &a->errors_by_type) || !take_gauges(s, &a->gauges) ||
	    !take_recent(s, a) || !take_histograms(s, &a->requests)) {
		snapshot_unref(s);
		return -ENOMEM;
	}
	*out = s;
	return 0;
}
