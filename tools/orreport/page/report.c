/*
 * report.c: a report as one page that needs nothing else.
 */
#include "report.h"
#include "base/ratings.h"
#include "common/print.h"
#include "frame.h"
#include "orreport/options.h"
#include "svg.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Percent of requests: what orstat --check warns of. */
#define ERROR_RATE_BAD 5.0

struct view {
	FILE *out;
	const struct report *r;
	int by;
};

/* --- Cells ------------------------------------------------------------------------------------ */

static void cell(FILE *out, enum tone tone, const char *text)
{
	fprintf(out, "<td class=\"n %s\">%s</td>", page_tone(tone), text);
}

static void count_cell(FILE *out, uint64_t n)
{
	char text[COUNT_TEXT_BYTES];

	format_count(n, text);
	cell(out, TONE_PLAIN, text);
}

/* Seconds of milliseconds, rated. */
static void time_cell(FILE *out, double ms, struct rating (*rate)(double))
{
	char text[40];

	snprintf(text, sizeof(text), "%s", format_fixed(ms / 1000, 2).text);
	cell(out, rate(ms).tone, isnan(ms) ? "-" : text);
}

static void tps_cell(FILE *out, const struct histogram *h)
{
	char text[4 * FIGURE_TEXT_BYTES];

	snprintf(text, sizeof(text), "%s <small>%s-%s</small>",
	    format_fixed(histogram_mean(h), 1).text,
	    format_fixed(histogram_quantile(h, 0.05), 0).text,
	    format_fixed(histogram_quantile(h, 0.95), 0).text);
	cell(out, rate_tps(histogram_mean(h)).tone, h->count ? text : "-");
}

static void cost_cell(FILE *out, const struct request_stats *f)
{
	char text[64];

	snprintf(text, sizeof(text), "$%s", format_fixed(exact_figure(f->cost), 4).text);
	cell(out, TONE_PLAIN, f->cost_known ? text : "-");
}

static void error_cells(FILE *out, uint64_t failed, uint64_t total)
{
	double rate = 100 * (double)failed / (double)total;
	char text[40];

	count_cell(out, failed);
	snprintf(text, sizeof(text), "%.1f", rate);
	cell(out, rate >= ERROR_RATE_BAD ? TONE_BAD : TONE_PLAIN, total ? text : "-");
}

/* The figures that a row of either table has behind its requests and errors. */
static void figure_cells(FILE *out, const struct request_stats *f, double mean_ms)
{
	const struct histogram *h = &f->response_ms;

	time_cell(out, mean_ms, rate_response_ms);
	time_cell(out, histogram_quantile(h, 0.50), rate_response_ms);
	time_cell(out, histogram_quantile(h, 0.95), rate_response_ms);
	time_cell(out, histogram_quantile(h, 0.99), rate_response_ms);
	time_cell(out, histogram_mean(&f->ttft_ms), rate_ttft_ms);
	time_cell(out, histogram_quantile(&f->ttft_ms, 0.95), rate_ttft_ms);
	tps_cell(out, &f->tps);
}

/* --- Tables ----------------------------------------------------------------------------------- */

static void table_head(FILE *out, const char *first)
{
	static const char *const heads[] = {"Requests", "Errors", "%", "Avg s", "p50 s", "p95 s",
	    "p99 s", "TTFT s", "TTFT p95", "TPS", "Tokens", "Cost"};

	fprintf(out, "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">%s</th>", first);
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++)
		fprintf(out, "<th scope=\"col\" class=\"n\">%s</th>", heads[i]);
	fputs("</tr></thead>\n<tbody>\n", out);
}

static void row_cells(FILE *out, const struct report_row *row)
{
	const struct request_stats *f = &row->sum.requests;

	count_cell(out, row_requests(row));
	error_cells(out, row_failed(row), row_requests(row));
	figure_cells(out, f, row_mean_ms(row));
	count_cell(out, row_tokens(row));
	cost_cell(out, f);
	fputs("</tr>\n", out);
}

static void print_rows(const struct view *v)
{
	const struct report *r = v->r;
	bool incomplete = false, partial = false;

	table_head(v->out, r->per == PERIOD_DAILY ? "Day" : "Hour");
	for (size_t i = 0; i < r->count; i++) {
		char label[TIME_NAME_BYTES];

		time_label(&r->calendar, r->per, r->rows[i].span.start_ns, label);
		fprintf(v->out, "<tr><th scope=\"row\">%s%s%s</th>", label,
		    r->rows[i].incomplete ? "*" : "", row_lacks_histograms(&r->rows[i]) ? "~" : "");
		if (r->rows[i].files)
			row_cells(v->out, &r->rows[i]);
		else
			fputs("<td class=\"dim\" colspan=\"12\">no file</td></tr>\n", v->out);
		incomplete |= r->rows[i].incomplete;
		partial |= row_lacks_histograms(&r->rows[i]);
	}
	fputs("</tbody><tfoot><tr><th scope=\"row\">All</th>", v->out);
	row_cells(v->out, &r->total);
	fputs("</tfoot></table></div>\n", v->out);
	if (incomplete)
		fputs("<p class=\"dim\">* not over yet, or its agent stopped before the end</p>\n",
		    v->out);
	if (partial)
		fputs(
		    "<p class=\"dim\">~ percentiles, TTFT and TPS are of the files with histograms "
		    "alone</p>\n",
		    v->out);
}

static bool print_names(const struct view *v)
{
	static const char *const heads[] = {"Model", "Bot", "Provider"};
	static const char *const words[] = {"model", "bot", "provider"};
	const struct name_table *s = series_by(&v->r->total.sum, v->by);
	const struct name_table_entry **list = series_sorted(s);

	fprintf(v->out, "<section><h2>Performance by %s</h2>\n", words[v->by]);
	table_head(v->out, heads[v->by]);
	for (uint32_t i = 0; list && i < s->count; i++) {
		const struct request_stats *f = list[i]->value;

		fputs("<tr><th scope=\"row\">", v->out);
		page_text(v->out, list[i]->name);
		fputs("</th>", v->out);
		count_cell(v->out, f->total);
		error_cells(v->out, request_stats_failed(f), f->total);
		figure_cells(v->out, f, histogram_mean(&f->response_ms));
		count_cell(v->out, f->tokens.total);
		cost_cell(v->out, f);
		fputs("</tr>\n", v->out);
	}
	fputs("</tbody></table></div></section>\n", v->out);
	free(list);
	return list;
}

/* --- Sections --------------------------------------------------------------------------------- */

static void card(const struct view *v, const char *name, const char *value, struct rating rating)
{
	fprintf(v->out,
	    "<div class=\"card\"><span>%s</span><b>%s</b><i class=\"%s\">%s</i></div>\n", name,
	    value, page_tone(rating.tone), rating.word);
}

static void time_card(
    const struct view *v, const char *name, double ms, struct rating (*rate)(double))
{
	char text[40];

	snprintf(text, sizeof(text), "%s s", format_fixed(ms / 1000, 2).text);
	card(v, name, isnan(ms) ? "-" : text, rate(ms));
}

static void print_cards(const struct view *v)
{
	const struct report_row *t = &v->r->total;
	const struct request_stats *f = &t->sum.requests;
	static const struct rating none = {"", TONE_PLAIN};
	char text[64], count[COUNT_TEXT_BYTES];

	fputs("<div class=\"cards\">\n", v->out);
	format_count(row_requests(t), count);
	card(v, "Requests", count, none);
	time_card(v, "Response, average", row_mean_ms(t), rate_response_ms);
	time_card(v, "Response, p95", histogram_quantile(&f->response_ms, 0.95), rate_response_ms);
	time_card(v, "First token, average", histogram_mean(&f->ttft_ms), rate_ttft_ms);
	snprintf(text, sizeof(text), "%s", format_fixed(histogram_mean(&f->tps), 1).text);
	card(v, "Tokens a second", f->tps.count ? text : "-", rate_tps(histogram_mean(&f->tps)));
	format_count(row_tokens(t), count);
	card(v, "Tokens", count, none);
	snprintf(text, sizeof(text), "$%s", format_fixed(exact_figure(f->cost), 2).text);
	card(v, "Cost", f->cost_known ? text : "-", none);
	snprintf(text, sizeof(text), "%.1f %%", row_error_rate(t));
	card(v, "Failed", row_requests(t) ? text : "-", none);
	fputs("</div>\n", v->out);
}

static void print_advice(const struct view *v, const struct advice *a)
{
	fputs("<section class=\"advice\"><h2>Advice</h2>\n", v->out);
	if (a->silence) {
		fputs("<p class=\"dim\">Nothing to advise: ", v->out);
		page_text(v->out, a->silence);
		fputs("</p>\n", v->out);
	}
	for (size_t i = 0; i < a->count; i++) {
		const struct advice_finding *f = &a->findings[i];
		const char *severity = advice_severity_name(f->severity);

		fprintf(v->out, "<article class=\"%s\"><h3><span>%s</span> %s", severity, severity,
		    f->title);
		if (f->subject) {
			fputs(": ", v->out);
			page_text(v->out, f->subject);
		}
		fputs("</h3><p>", v->out);
		page_text(v->out, f->evidence);
		fputs("</p><p class=\"remedy\">", v->out);
		page_text(v->out, f->remedy);
		fputs("</p></article>\n", v->out);
	}
	fputs("</section>\n", v->out);
}

static void print_notes(const struct view *v)
{
	const struct report_notes *n = &v->r->notes;

	if (n->count == 0)
		return;
	fputs("<section><h2>Notes</h2><ul>\n", v->out);
	for (size_t i = 0; i < n->count; i++) {
		fprintf(v->out, "<li%s>", n->items[i].wrong ? " class=\"bad\"" : "");
		page_text(v->out, n->items[i].text);
		fputs("</li>\n", v->out);
	}
	fputs("</ul></section>\n", v->out);
}

static void start(const struct view *v, struct page *page)
{
	char name[TIME_NAME_BYTES], beside[TIME_NAME_BYTES + 48];

	time_name(&v->r->calendar, &v->r->total.span, name);
	snprintf(beside, sizeof(beside), "%s%s, %" PRIu64 " file%s", name,
	    v->r->calendar.utc ? " UTC" : "", v->r->total.files, v->r->total.files == 1 ? "" : "s");
	page_start(page, v->out, name, beside);
}

bool html_print(FILE *out, const struct report *r, int by, const struct advice *advice)
{
	struct view v = {.out = out, .r = r, .by = by == BY_NOTHING ? BY_MODEL : by};
	struct page page;
	bool fine;

	start(&v, &page);
	print_cards(&v);
	fputs("<section id=\"plots\"></section>\n<noscript>", out);
	svg_print(out, r, page.nonce);
	fputs("</noscript>\n", out);
	fine = print_names(&v);
	print_advice(&v, advice);
	fputs("<section><h2>Trend</h2>\n", out);
	print_rows(&v);
	fputs("</section>\n", out);
	print_notes(&v);
	return page_end(&page, html_plots(r, v.by)) && fine;
}
