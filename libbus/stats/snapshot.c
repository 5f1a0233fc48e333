/*
 * snapshot.c: the statistics of a window or a period as numbers that can be read.
 */
#include "snapshot.h"

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
	for (uint32_t i = 0; i < s->combination_count; i++)
		for (int k = 0; k < SUMMARY_KINDS; k++)
			histogram_free(&s->combinations[i].histograms[k]);
	free(s->combinations);
	free(s->tags.rows);
	for (uint32_t i = 0; i < s->bot_count; i++)
		free(s->bots[i].gauges);
	free(s->bots);
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
