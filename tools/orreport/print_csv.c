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

#define FIGURES_HEADER                                                                             \
	"requests,ok,errors,timeouts,cancelled,orphaned,streaming,total_tokens,prompt_tokens,"     \
	"completion_tokens,cost_usd,priced," HISTOGRAM_HEADER("response_ms") "," HISTOGRAM_HEADER( \
	    "ttft_ms") "," HISTOGRAM_HEADER("tps")
#define HISTOGRAM_HEADER(name)                                                            \
	name "_avg," name "_min," name "_max," name "_p5," name "_p50," name "_p95," name \
	     "_p99," name "_count"

static void csv_figures(FILE *out, const struct request_stats *f)
{
	const uint64_t counts[] = {f->total, f->ok, f->errors, f->timeouts, f->cancelled,
	    f->orphaned, f->streaming, f->tokens.total, f->tokens.prompt, f->tokens.completion};

	for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
		csv_count(out, counts[i]);
	csv_figure(out, request_stats_cost(f));
	csv_count(out, f->cost_known);
	csv_histogram(out, &f->response_ms);
	csv_histogram(out, &f->ttft_ms);
	csv_histogram(out, &f->tps);
}

void trend_print_csv(FILE *out, const struct report *r)
{
	fputs("start,end,files,complete," FIGURES_HEADER
	      ",unmerged_requests,unmerged_response_ms_avg,unmerged_errors,unmerged_tokens\r\n",
	    out);
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
		csv_figures(out, &row->sum.requests);
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

	fprintf(out, "%s," FIGURES_HEADER "\r\n", heading);
	for (uint32_t i = 0; list && i < s->count; i++) {
		csv_text(out, list[i]->name);
		csv_figures(out, list[i]->value);
		fputs("\r\n", out);
	}
	free(list);
}
