/*
 * compare.c: two periods compared, as a page.
 */
#include "orreport/compare.h"
#include "frame.h"
#include "orreport/options.h"
#include "report.h"

#include <stdlib.h>

static void table_start(FILE *out, const char *a, const char *b)
{
	fprintf(out,
	    "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Figure</th>"
	    "<th scope=\"col\" class=\"n\">%s</th><th scope=\"col\" class=\"n\">%s</th>"
	    "<th scope=\"col\" class=\"n\">Change</th><th scope=\"col\">Verdict</th></tr></thead>\n"
	    "<tbody>\n",
	    a, b);
}

static void print_items(FILE *out, const struct comparison *items, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char a[64], b[64], change[64];

		comparison_format(&items[i], a, b, change);
		fprintf(out,
		    "<tr><th scope=\"row\">%s</th><td class=\"n\">%s</td><td class=\"n\">%s</td>"
		    "<td class=\"n\">%s</td><td class=\"%s\">%s</td></tr>\n",
		    items[i].name, a, b, change, page_tone(verdict_tone(items[i].verdict)),
		    verdict_name(items[i].verdict));
	}
	fputs("</tbody></table></div>\n", out);
}

static void print_name(
    void *context, const char *name, const struct request_stats *a, const struct request_stats *b)
{
	struct comparison items[COMPARISONS_MAX];
	FILE *out = context;

	fputs("<section><h2>", out);
	page_text(out, name);
	fputs("</h2>\n", out);
	table_start(out, "A", "B");
	print_items(out, items, compare_stats(a, b, items));
	fputs("</section>\n", out);
}

static void print_notes(FILE *out, const struct report *r)
{
	for (size_t i = 0; i < r->notes.count; i++) {
		fputs("<p class=\"dim\">", out);
		page_text(out, r->notes.items[i].text);
		fputs("</p>\n", out);
	}
}

bool html_print_comparison(FILE *out, const struct report *a, const struct report *b, int by)
{
	struct comparison items[COMPARISONS_MAX];
	char first[TIME_NAME_BYTES], second[TIME_NAME_BYTES], title[2 * TIME_NAME_BYTES + 32];
	struct page page;
	bool fine = true;

	time_name(&a->calendar, &a->span, first);
	time_name(&b->calendar, &b->span, second);
	snprintf(title, sizeof(title), "A: %s%s, B: %s%s", first, a->total.incomplete ? "*" : "",
	    second, b->total.incomplete ? "*" : "");
	page_start(&page, out, title, title);
	table_start(out, "A", "B");
	print_items(out, items, compare_rows(&a->total, &b->total, items));
	fputs(
	    "<p class=\"dim\">better, worse: certain at 1 %, and beyond the histograms' error. no clear "
	    "change: chance may do as much. too few: the samples are too small to tell. counted: no "
	    "sample, all of it.</p>\n",
	    out);
	if (a->total.incomplete || b->total.incomplete)
		fputs(
		    "<p class=\"dim\">* not over yet, or its agent stopped before the end: look at "
		    "figures an hour</p>\n",
		    out);
	fputs("<section id=\"plots\"></section>\n", out);
	if (by != BY_NOTHING)
		fine = compare_each_name(a, b, by, print_name, out);
	print_notes(out, a);
	print_notes(out, b);
	return page_end(&page, html_comparison_plots(a, b)) && fine;
}
