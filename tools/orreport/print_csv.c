/*
 * print_csv.c: reports as CSV (RFC 4180).
 */
#include "print_csv.h"
#include "base/clock.h"
#include "common/csv.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

static void csv_count(FILE *out, uint64_t n)
{
	fprintf(out, ",%" PRIu64, n);
}

static void csv_histogram(FILE *out, const struct histogram *h)
{
	csv_figure(out, histogram_mean(h));
	csv_figure(out, h->min);
	csv_figure(out, h->max);
	csv_figure(out, histogram_quantile(h, 0.05));
	csv_figure(out, histogram_quantile(h, 0.50));
	csv_figure(out, histogram_quantile(h, 0.95));
	csv_figure(out, histogram_quantile(h, 0.99));
	csv_count(out, h->count);
}

/* --- The columns of statistics, in their order ------------------------------------------------ */

/* Each: X(column, key, member): the key of a document (doc/schema.def), the member of
 * request_stats. */
#define COUNT_COLUMNS(X)                                             \
	X(requests, "requests.total", total)                         \
	X(ok, "requests.ok", ok)                                     \
	X(errors, "requests.errors", errors)                         \
	X(timeouts, "requests.timeouts", timeouts)                   \
	X(cancelled, "requests.cancelled", cancelled)                \
	X(orphaned, "requests.orphaned", orphaned)                   \
	X(streaming, "requests.streaming", streaming)                \
	X(total_tokens, "token_usage.total_tokens", tokens.total)    \
	X(prompt_tokens, "token_usage.prompt_tokens", tokens.prompt) \
	X(completion_tokens, "token_usage.completion_tokens", tokens.completion)
#define HISTOGRAM_COLUMNS(X)                          \
	X(response_ms, "response_times", response_ms) \
	X(ttft_ms, "ttft", ttft_ms)                   \
	X(tps, "tps", tps)

#define COUNT_COLUMN(column, key, member) {#column, key},
/* Documents have no 5th percentile. */
#define HISTOGRAM_COLUMN(column, key, member)                                                     \
	{#column "_avg", key ".avg"}, {#column "_min", key ".min"}, {#column "_max", key ".max"}, \
	    {#column "_p5", NULL}, {#column "_p50", key ".p50"}, {#column "_p95", key ".p95"},    \
	    {#column "_p99", key ".p99"}, {#column "_count", key ".count"},

const struct csv_column csv_columns[] = {COUNT_COLUMNS(COUNT_COLUMN){"cost_usd", "cost_usd"},
    {"priced", "requests.priced"}, HISTOGRAM_COLUMNS(HISTOGRAM_COLUMN)};

const size_t csv_column_count = sizeof(csv_columns) / sizeof(csv_columns[0]);

static void csv_stats_header(FILE *out)
{
	for (size_t i = 0; i < csv_column_count; i++)
		fprintf(out, ",%s", csv_columns[i].name);
}

static void csv_stats(FILE *out, const struct request_stats *f)
{
#define COUNT_VALUE(column, key, member)     csv_count(out, f->member);
#define HISTOGRAM_VALUE(column, key, member) csv_histogram(out, &f->member);
	COUNT_COLUMNS(COUNT_VALUE)
	csv_figure(out, request_stats_cost(f));
	csv_count(out, f->cost_known);
	HISTOGRAM_COLUMNS(HISTOGRAM_VALUE)
}

/* ---------------------------------------------------------------------------------------------- */

void trend_print_csv(FILE *out, const struct report *r)
{
	fputs("start,end,files,complete", out);
	csv_stats_header(out);
	fputs(
	    ",unmerged_requests,unmerged_response_ms_avg,unmerged_errors,unmerged_tokens\r\n", out);
	for (size_t i = 0; i < r->count; i++) {
		const struct report_row *row = &r->rows[i];
		const struct unmerged *u = &row->unmerged;
		char start[RFC3339_BYTES], end[RFC3339_BYTES];

		clock_format_rfc3339_local(row->span.start_ns, r->calendar.utc, start);
		clock_format_rfc3339_local(row->span.end_ns, r->calendar.utc, end);
		fprintf(out, "%s,%s,%" PRIu64 ",%s", start, end, row->files,
		    row->files == 0   ? ""
		    : row->incomplete ? "false"
				      : "true");
		csv_stats(out, &row->sum.requests);
		csv_count(out, u->answered + u->failed);
		csv_figure(out, u->timed ? u->sum_ms / (double)u->timed : NAN);
		csv_count(out, u->failed);
		csv_count(out, u->tokens.total);
		fputs("\r\n", out);
	}
}

void series_print_csv(FILE *out, const struct name_table *s, const char *heading)
{
	const struct name_table_entry **list = series_sorted(s);

	fputs(heading, out);
	csv_stats_header(out);
	fputs("\r\n", out);
	for (uint32_t i = 0; list && i < s->count; i++) {
		csv_text(out, list[i]->name);
		csv_stats(out, list[i]->value);
		fputs("\r\n", out);
	}
	free(list);
}
