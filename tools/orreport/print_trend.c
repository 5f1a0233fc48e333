/*
 * print_trend.c: the trend as a person reads it, in 80 columns.
 */
#include "print_trend.h"
#include "base/ratings.h"
#include "common/print.h"
#include "common/sparkline.h"
#include "row_stats.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LABEL_WIDTH 10
/* Of the sparklines; what is left of the line is for figures. */
#define SPARK_COLUMNS 31

struct view {
	FILE *out;
	bool colour;
	const struct report *r;
	double *values; /* one of each row, for sparklines */
};

void head_print(FILE *out, const struct report *r, bool colour)
{
	char name[TIME_NAME_BYTES];

	time_name(&r->calendar, &r->total.span, name);
	fprintf(out, "%sorreport%s  %s%s  %" PRIu64 " file%s\n", tone_start(TONE_STRONG, colour),
	    tone_end(TONE_STRONG, colour), name, r->calendar.utc ? " UTC" : "", r->total.files,
	    r->total.files == 1 ? "" : "s");
}

/* --- The figures of all, with sparklines ------------------------------------------------------ */

static double p95(const struct histogram *h)
{
	return histogram_quantile(h, 0.95);
}

static void start_line(const struct view *v, const char *label, row_figure of)
{
	int used;

	for (size_t i = 0; i < v->r->count; i++)
		v->values[i] = of(&v->r->rows[i]);
	fprintf(v->out, "%s%-*s%s%s", tone_start(TONE_STRONG, v->colour), LABEL_WIDTH, label,
	    tone_end(TONE_STRONG, v->colour), tone_start(TONE_FAIR, v->colour));
	used = sparkline_print(v->out, v->values, v->r->count, SPARK_COLUMNS);
	fputs(tone_end(TONE_FAIR, v->colour), v->out);
	fputs(used ? "  " : "", v->out);
}

static void print_count(FILE *out, uint64_t n)
{
	char text[COUNT_TEXT_BYTES];

	format_count(n, text);
	fputs(text, out);
}

static void print_rating(const struct view *v, struct rating rating)
{
	fprintf(v->out, "  %s%s%s\n", tone_start(rating.tone, v->colour), rating.word,
	    tone_end(rating.tone, v->colour));
}

/* Average and percentiles; rated by the average, as everywhere. */
static void print_times(
    const struct view *v, const struct histogram *h, double mean, struct rating (*rate)(double))
{
	if (isnan(mean)) {
		fputs("-\n", v->out);
		return;
	}
	fprintf(v->out, "avg %ss", format_fixed(mean / 1000, 2).text);
	if (h->count)
		fprintf(v->out, "  p95 %ss", format_fixed(p95(h) / 1000, 2).text);
	print_rating(v, rate(mean));
}

static void print_rate_of_tokens(const struct view *v, const struct histogram *h)
{
	if (h->count == 0) {
		fputs("-\n", v->out);
		return;
	}
	fprintf(v->out, "avg %s  p5 %s", format_fixed(histogram_mean(h), 1).text,
	    format_fixed(histogram_quantile(h, 0.05), 1).text);
	print_rating(v, rate_tps(histogram_mean(h)));
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)(*(const struct name_table_entry *const *)a)->value;
	uint64_t y = *(const uint64_t *)(*(const struct name_table_entry *const *)b)->value;

	return (x < y) - (x > y);
}

/* On a line of their own, as many as it takes. */
static void print_error_types(const struct view *v, const struct name_table *types)
{
	const struct name_table_entry **list = calloc((size_t)types->count + 1, sizeof(*list));
	char name[64], count[COUNT_TEXT_BYTES];
	int used = LABEL_WIDTH;

	if (!list || types->count == 0) {
		free(list);
		return;
	}
	for (uint32_t i = 0; i < types->count; i++)
		list[i] = &types->entries[i];
	qsort(list, types->count, sizeof(*list), by_number);
	fprintf(v->out, "%*s", LABEL_WIDTH, "");
	for (uint32_t i = 0; i < types->count; i++) {
		text_sanitise(name, sizeof(name), list[i]->name);
		format_count(*(const uint64_t *)list[i]->value, count);
		used += text_width(name) + 1 + (int)strlen(count) + 2;
		if (used > OUTPUT_COLUMNS - (int)strlen(", ...")) {
			fputs(i ? ", ..." : "...", v->out);
			break;
		}
		fprintf(v->out, "%s%s %s", i ? ", " : "", name, count);
	}
	fputc('\n', v->out);
	free(list);
}

static void print_losses(const struct view *v)
{
	const struct aggregate *a = &v->r->total.sum;
	const uint64_t counts[] = {a->lost, a->rejected, a->skewed, a->journal_lost};
	static const char *const words[] = {"Lost", "Rejected", "Skewed", "Journal"};

	for (size_t i = 0; i < 4; i++) {
		if (counts[i] == 0)
			continue;
		fprintf(v->out, "%s%-*s%s%s", tone_start(TONE_STRONG, v->colour), LABEL_WIDTH,
		    words[i], tone_end(TONE_STRONG, v->colour), tone_start(TONE_POOR, v->colour));
		print_count(v->out, counts[i]);
		fprintf(v->out, " %s%s\n", i < 3 ? "samples" : "requests are not in it",
		    tone_end(TONE_POOR, v->colour));
	}
}

static void print_summary(const struct view *v)
{
	const struct report_row *t = &v->r->total;
	const struct request_stats *f = &t->sum.requests;
	uint64_t failed = row_failed(t);

	start_line(v, "Requests", figure_requests);
	print_count(v->out, row_requests(t));
	fputc('\n', v->out);
	start_line(v, "Response", figure_response_p95);
	print_times(v, &f->response_ms, row_mean_ms(t), rate_response_ms);
	start_line(v, "TTFT", figure_ttft_p95);
	print_times(v, &f->ttft_ms, histogram_mean(&f->ttft_ms), rate_ttft_ms);
	start_line(v, "TPS", figure_tps);
	print_rate_of_tokens(v, &f->tps);
	start_line(v, "Tokens", figure_tokens);
	print_count(v->out, row_tokens(t));
	fputc('\n', v->out);
	if (f->cost_known) {
		start_line(v, "Cost", figure_cost);
		fprintf(v->out, "$%s\n", format_fixed(exact_figure(f->cost), 4).text);
	}
	start_line(v, "Errors", figure_failed);
	fputs(tone_start(failed ? TONE_BAD : TONE_PLAIN, v->colour), v->out);
	print_count(v->out, failed);
	if (row_requests(t))
		fprintf(v->out, ", %.1f %%", row_error_rate(t));
	fprintf(v->out, "%s\n", tone_end(failed ? TONE_BAD : TONE_PLAIN, v->colour));
	print_error_types(v, &t->sum.errors_by_type);
	print_losses(v);
}

/* --- The rows --------------------------------------------------------------------------------- */

static void print_figure(
    const struct view *v, int width, int digits, double value, struct rating rating)
{
	fputc(' ', v->out);
	print_rated(v->out, v->colour, width, digits, value, rating);
}

/* "$12.42" in eight columns, also where the amount is large. */
static void print_cost(const struct view *v, double cost)
{
	char text[40];

	snprintf(text, sizeof(text), "$%s",
	    format_fixed(cost, cost < 1000     ? 3
			       : cost < 100000 ? 1
					       : 0)
		.text);
	fprintf(v->out, " %8s", isnan(cost) ? "-" : text);
}

static void print_row(const struct view *v, const struct report_row *row, const char *label)
{
	const struct request_stats *f = &row->sum.requests;
	double p50 = histogram_quantile(&f->response_ms, 0.5), high = p95(&f->response_ms);
	double ttft = histogram_mean(&f->ttft_ms), tps = histogram_mean(&f->tps);
	char text[COUNT_TEXT_BYTES];

	fprintf(v->out, "%-14s%c%c", label, row->incomplete ? '*' : ' ',
	    row_lacks_histograms(row) ? '~' : ' ');
	if (row->files == 0) {
		fprintf(v->out, "%s      no file%s\n", tone_start(TONE_FAINT, v->colour),
		    tone_end(TONE_FAINT, v->colour));
		return;
	}
	format_count(row_requests(row), text);
	fprintf(v->out, " %8s", text);
	print_figure(v, 6, 2, p50 / 1000, rate_response_ms(p50));
	print_figure(v, 6, 2, high / 1000, rate_response_ms(high));
	print_figure(v, 6, 2, ttft / 1000, rate_ttft_ms(ttft));
	print_figure(v, 6, 1, tps, rate_tps(tps));
	format_count(row_tokens(row), text);
	fprintf(v->out, " %11s", text);
	print_cost(v, row_cost(row));
	format_count(row_failed(row), text);
	fprintf(v->out, " %5s\n", text);
}

static void print_rows(const struct view *v)
{
	bool incomplete = false, partial = false;
	char label[TIME_NAME_BYTES];

	fprintf(v->out, "\n%s%-16s %8s %6s %6s %6s %6s %11s %8s %5s%s\n",
	    tone_start(TONE_STRONG, v->colour), v->r->per == PERIOD_DAILY ? "DAY" : "HOUR",
	    "REQUESTS", "P50 s", "P95 s", "TTFT s", "TPS", "TOKENS", "COST", "ERR",
	    tone_end(TONE_STRONG, v->colour));
	for (size_t i = 0; i < v->r->count; i++) {
		const struct report_row *row = &v->r->rows[i];

		time_label(&v->r->calendar, v->r->per, row->span.start_ns, label);
		print_row(v, row, label);
		incomplete |= row->incomplete;
		partial |= row_lacks_histograms(row);
	}
	if (v->r->count > 1)
		print_row(v, &v->r->total, "All");
	if (incomplete)
		fputs("* not over yet, or its agent stopped before the end\n", v->out);
	if (partial)
		fputs(
		    "~ percentiles, TTFT and TPS are of the files with histograms alone\n", v->out);
}

void trend_print(FILE *out, const struct report *r, bool colour)
{
	struct view v = {out, colour, r, calloc(r->count + 1, sizeof(double))};

	if (!v.values)
		return;
	head_print(out, r, colour);
	fputc('\n', out);
	print_summary(&v);
	print_rows(&v);
	free(v.values);
}

/* --- Advice and notes ------------------------------------------------------------------------- */

void advice_section_print(FILE *out, const struct advice *a, bool colour)
{
	fprintf(
	    out, "\n%sAdvice%s\n", tone_start(TONE_STRONG, colour), tone_end(TONE_STRONG, colour));
	advice_print(out, a, colour);
}

void notes_print(FILE *out, const struct report_notes *n, bool colour)
{
	const char *separator = "\n";
	char safe[1024];

	for (size_t i = 0; i < n->count; i++) {
		if (n->items[i].wrong)
			continue;
		text_sanitise(safe, sizeof(safe), n->items[i].text);
		fprintf(out, "%s%sNote:%s ", separator, tone_start(TONE_FAINT, colour),
		    tone_end(TONE_FAINT, colour));
		print_wrapped(out, safe, 6);
		separator = "";
	}
}
