/*
 * orreport_html.c: a report as one page that needs nothing else.
 */
#include "orreport_html.h"
#include "orreport_options.h"
#include "orreport_svg.h"
#include "output.h"
#include "ratings.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* report/assets.S */
extern const char asset_page_css[], asset_page_js[];
extern const char asset_uplot_css[], asset_uplot_js[], asset_uplot_license[];

/* Percent of requests: what orstat --check warns of. */
#define ERROR_RATE_BAD 5.0

struct page {
	FILE *out;
	const struct report *r;
	int by;
	char nonce[33];
};

/* --- Escaping --------------------------------------------------------------------------------- */

/* Text between tags: as a terminal would see it, with what HTML gives a meaning spelled out. */
static void html_text(FILE *out, const char *text)
{
	char safe[8192];

	text_sanitise(safe, sizeof(safe), text);
	for (const char *c = safe; *c; c++) {
		switch (*c) {
		case '&': fputs("&amp;", out); break;
		case '<': fputs("&lt;", out); break;
		case '>': fputs("&gt;", out); break;
		case '"': fputs("&quot;", out); break;
		case '\'': fputs("&#39;", out); break;
		default: fputc(*c, out);
		}
	}
}

/*
 * JSON within a script element. In JSON '<', '>' and '&' stand within strings alone, where an
 * escape says the same; without them nothing there can end the element.
 */
static bool html_json(FILE *out, const json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENSURE_ASCII | JSON_REAL_PRECISION(6));

	if (!text)
		return false;
	for (const char *c = text; *c; c++) {
		if (strchr("<>&", *c))
			fprintf(out, "\\u%04x", (unsigned)*c);
		else
			fputc(*c, out);
	}
	free(text);
	return true;
}

/* --- Cells ------------------------------------------------------------------------------------ */

static const char *tone_class(enum tone tone)
{
	static const char *const classes[] = {"", "good", "fair", "poor", "bad", "dim", ""};

	return classes[tone];
}

static void cell(FILE *out, enum tone tone, const char *text)
{
	fprintf(out, "<td class=\"n %s\">%s</td>", tone_class(tone), text);
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

	snprintf(text, sizeof(text), "%.2f", ms / 1000);
	cell(out, rate(ms).tone, isnan(ms) ? "-" : text);
}

static void tps_cell(FILE *out, const struct histogram *h)
{
	char text[96];

	snprintf(text, sizeof(text), "%.1f <small>%.0f-%.0f</small>", histogram_mean(h),
	    histogram_quantile(h, 0.05), histogram_quantile(h, 0.95));
	cell(out, rate_tps(histogram_mean(h)).tone, h->count ? text : "-");
}

static void cost_cell(FILE *out, const struct request_figures *f)
{
	char text[64];

	snprintf(text, sizeof(text), "$%.4f", f->cost_usd);
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
static void figure_cells(FILE *out, const struct request_figures *f, double mean_ms)
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
	const struct request_figures *f = &row->sum.requests;

	count_cell(out, row_requests(row));
	error_cells(out, row_failed(row), row_requests(row));
	figure_cells(out, f, row_mean_ms(row));
	count_cell(out, row_tokens(row));
	cost_cell(out, f);
	fputs("</tr>\n", out);
}

static void print_rows(const struct page *p)
{
	const struct report *r = p->r;
	bool incomplete = false, partial = false;

	table_head(p->out, r->per == PERIOD_DAILY ? "Day" : "Hour");
	for (size_t i = 0; i < r->count; i++) {
		char label[TIME_NAME_BYTES];

		time_label(&r->calendar, r->per, r->rows[i].span.start_ns, label);
		fprintf(p->out, "<tr><th scope=\"row\">%s%s%s</th>", label,
		    r->rows[i].incomplete ? "*" : "", row_lacks_histograms(&r->rows[i]) ? "~" : "");
		if (r->rows[i].files)
			row_cells(p->out, &r->rows[i]);
		else
			fputs("<td class=\"dim\" colspan=\"12\">no file</td></tr>\n", p->out);
		incomplete |= r->rows[i].incomplete;
		partial |= row_lacks_histograms(&r->rows[i]);
	}
	fputs("</tbody><tfoot><tr><th scope=\"row\">All</th>", p->out);
	row_cells(p->out, &r->total);
	fputs("</tfoot></table></div>\n", p->out);
	if (incomplete)
		fputs("<p class=\"dim\">* not over yet, or its agent stopped before the end</p>\n",
		    p->out);
	if (partial)
		fputs(
		    "<p class=\"dim\">~ percentiles, TTFT and TPS are of the files with histograms "
		    "alone</p>\n",
		    p->out);
}

static bool print_names(const struct page *p)
{
	static const char *const heads[] = {"Model", "Bot", "Provider"};
	static const char *const words[] = {"model", "bot", "provider"};
	const struct series *s = series_by(&p->r->total.sum, p->by);
	const struct series_entry **list = series_sorted(s);

	fprintf(p->out, "<section><h2>Performance by %s</h2>\n", words[p->by]);
	table_head(p->out, heads[p->by]);
	for (uint32_t i = 0; list && i < s->count; i++) {
		const struct request_figures *f = list[i]->value;

		fputs("<tr><th scope=\"row\">", p->out);
		html_text(p->out, list[i]->name);
		fputs("</th>", p->out);
		count_cell(p->out, f->total);
		error_cells(p->out, request_figures_failed(f), f->total);
		figure_cells(p->out, f, histogram_mean(&f->response_ms));
		count_cell(p->out, f->tokens.total);
		cost_cell(p->out, f);
		fputs("</tr>\n", p->out);
	}
	fputs("</tbody></table></div></section>\n", p->out);
	free(list);
	return list;
}

/* --- Sections --------------------------------------------------------------------------------- */

static void card(const struct page *p, const char *name, const char *value, struct rating rating)
{
	fprintf(p->out,
	    "<div class=\"card\"><span>%s</span><b>%s</b><i class=\"%s\">%s</i></div>\n", name,
	    value, tone_class(rating.tone), rating.word);
}

static void time_card(
    const struct page *p, const char *name, double ms, struct rating (*rate)(double))
{
	char text[40];

	snprintf(text, sizeof(text), "%.2f s", ms / 1000);
	card(p, name, isnan(ms) ? "-" : text, rate(ms));
}

static void print_cards(const struct page *p)
{
	const struct report_row *t = &p->r->total;
	const struct request_figures *f = &t->sum.requests;
	static const struct rating none = {"", TONE_PLAIN};
	char text[64], count[COUNT_TEXT_BYTES];

	fputs("<div class=\"cards\">\n", p->out);
	format_count(row_requests(t), count);
	card(p, "Requests", count, none);
	time_card(p, "Response, average", row_mean_ms(t), rate_response_ms);
	time_card(p, "Response, p95", histogram_quantile(&f->response_ms, 0.95), rate_response_ms);
	time_card(p, "First token, average", histogram_mean(&f->ttft_ms), rate_ttft_ms);
	snprintf(text, sizeof(text), "%.1f", histogram_mean(&f->tps));
	card(p, "Tokens a second", f->tps.count ? text : "-", rate_tps(histogram_mean(&f->tps)));
	format_count(row_tokens(t), count);
	card(p, "Tokens", count, none);
	snprintf(text, sizeof(text), "$%.2f", f->cost_usd);
	card(p, "Cost", f->cost_known ? text : "-", none);
	snprintf(text, sizeof(text), "%.1f %%", row_error_rate(t));
	card(p, "Failed", row_requests(t) ? text : "-", none);
	fputs("</div>\n", p->out);
}

static void print_advice(const struct page *p, const struct advice *a)
{
	fputs("<section class=\"advice\"><h2>Advice</h2>\n", p->out);
	if (a->silence) {
		fputs("<p class=\"dim\">Nothing to advise: ", p->out);
		html_text(p->out, a->silence);
		fputs("</p>\n", p->out);
	}
	for (size_t i = 0; i < a->count; i++) {
		const struct advice_finding *f = &a->findings[i];
		const char *severity = advice_severity_name(f->severity);

		fprintf(p->out, "<article class=\"%s\"><h3><span>%s</span> %s", severity, severity,
		    f->title);
		if (f->subject) {
			fputs(": ", p->out);
			html_text(p->out, f->subject);
		}
		fputs("</h3><p>", p->out);
		html_text(p->out, f->evidence);
		fputs("</p><p class=\"remedy\">", p->out);
		html_text(p->out, f->remedy);
		fputs("</p></article>\n", p->out);
	}
	fputs("</section>\n", p->out);
}

static void print_notes(const struct page *p)
{
	const struct report_notes *n = &p->r->notes;

	if (n->count == 0)
		return;
	fputs("<section><h2>Notes</h2><ul>\n", p->out);
	for (size_t i = 0; i < n->count; i++) {
		fprintf(p->out, "<li%s>", n->items[i].wrong ? " class=\"bad\"" : "");
		html_text(p->out, n->items[i].text);
		fputs("</li>\n", p->out);
	}
	fputs("</ul></section>\n", p->out);
}

static void print_start(const struct page *p)
{
	char name[TIME_NAME_BYTES];

	time_name(&p->r->calendar, &p->r->total.span, name);
	fprintf(p->out,
	    "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src "
	    "'nonce-%s'; style-src 'nonce-%s'; base-uri 'none'; form-action 'none'\">\n"
	    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
	    "<meta name=\"color-scheme\" content=\"light dark\">\n<title>orbus, %s</title>\n"
	    "<style nonce=\"%s\">%s\n%s</style>\n</head><body>\n"
	    "<header><h1>orbus</h1><p>%s%s, %" PRIu64 " files</p></header>\n<main>\n",
	    p->nonce, p->nonce, name, p->nonce, asset_uplot_css, asset_page_css, name,
	    p->r->calendar.utc ? " UTC" : "", p->r->total.files);
}

static bool print_scripts(const struct page *p)
{
	json_t *plots = html_plots(p->r, p->by);
	bool fine;

	fprintf(p->out, "</main>\n<script nonce=\"%s\" type=\"application/json\" id=\"data\">",
	    p->nonce);
	fine = plots && html_json(p->out, plots);
	json_decref(plots);
	fprintf(p->out,
	    "</script>\n<script nonce=\"%s\">/*\n%s*/\n%s</script>\n<script nonce=\"%s\">%s</script>\n</body></html>\n",
	    p->nonce, asset_uplot_license, asset_uplot_js, p->nonce, asset_page_js);
	return fine;
}

/* A page that has none is as safe as its escaping. */
static void make_nonce(char out[33])
{
	unsigned char bytes[16] = {0};

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		bytes[0] = 1;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(out + 2 * i, 3, "%02x", bytes[i]);
}

bool html_print(FILE *out, const struct report *r, int by, const struct advice *advice)
{
	struct page p = {.out = out, .r = r, .by = by == BY_NOTHING ? BY_MODEL : by};
	bool fine;

	make_nonce(p.nonce);
	print_start(&p);
	print_cards(&p);
	fputs("<section id=\"plots\"></section>\n<noscript>", out);
	svg_print(out, r, false);
	fputs("</noscript>\n", out);
	fine = print_names(&p);
	print_advice(&p, advice);
	fputs("<section><h2>Trend</h2>\n", out);
	print_rows(&p);
	fputs("</section>\n", out);
	print_notes(&p);
	return print_scripts(&p) && fine;
}
