/*
 * rows.c: the figures of a report.
 */
#include "rows.h"
#include "base/clock.h"
#include "options.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void row_init(struct report_row *row, const struct time_span *span)
{
	*row = (struct report_row){.span = *span};
	aggregate_init(&row->sum);
}

void row_free(struct report_row *row)
{
	aggregate_free(&row->sum);
}

void report_free(struct report *r)
{
	for (size_t i = 0; i < r->count; i++)
		row_free(&r->rows[i]);
	free(r->rows);
	row_free(&r->total);
	notes_free(&r->notes);
	*r = (struct report){0};
}

uint64_t row_requests(const struct report_row *row)
{
	return row->sum.requests.total + row->unmerged.answered + row->unmerged.failed;
}

uint64_t row_failed(const struct report_row *row)
{
	return request_stats_failed(&row->sum.requests) + row->unmerged.failed;
}

uint64_t row_tokens(const struct report_row *row)
{
	return row->sum.requests.tokens.total + row->unmerged.tokens.total;
}

double row_error_rate(const struct report_row *row)
{
	uint64_t n = row_requests(row);

	return n ? 100 * (double)row_failed(row) / (double)n : NAN;
}

double row_mean_ms(const struct report_row *row)
{
	const struct histogram *h = &row->sum.requests.response_ms;
	uint64_t n = h->count + row->unmerged.timed;

	return n ? (exact_figure(h->sum) + row->unmerged.sum_ms) / (double)n : NAN;
}

double row_cost(const struct report_row *row)
{
	return request_stats_cost(&row->sum.requests);
}

double row_hours(const struct report_row *row)
{
	return (double)row->covered_ns / (3600.0 * (double)NS_PER_SECOND);
}

bool row_lacks_histograms(const struct report_row *row)
{
	return row->unmerged.answered > 0;
}

const struct name_table *series_by(const struct aggregate *a, int by)
{
	return by == BY_NOTHING ? NULL : dimension_table(a, (enum dimension)by);
}

static int by_requests(const void *a, const void *b)
{
	const struct name_table_entry *x = *(const struct name_table_entry *const *)a;
	const struct name_table_entry *y = *(const struct name_table_entry *const *)b;
	uint64_t n = ((const struct request_stats *)x->value)->total;
	uint64_t m = ((const struct request_stats *)y->value)->total;

	return n != m ? (n < m) - (n > m) : strcmp(x->name, y->name);
}

const struct name_table_entry **series_sorted(const struct name_table *s)
{
	const struct name_table_entry **list = calloc((size_t)s->count + 1, sizeof(*list));

	if (!list)
		return NULL;
	for (uint32_t i = 0; i < s->count; i++)
		list[i] = &s->entries[i];
	qsort(list, s->count, sizeof(*list), by_requests);
	return list;
}
