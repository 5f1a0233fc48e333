/*
 * print_by.c: models, bots or providers compared: average response time, TPS and TTFT, each with
 * the range from its 5th to its 95th percentile, as a person reads them in 80 columns.
 */
#include "base/ratings.h"
#include "common/print.h"
#include "print_trend.h"
#include "stats/dimensions.h"

#include <math.h>
#include <stdlib.h>

enum { NAME_WIDTH = 26, RESPONSE_WIDTH = 15, TPS_WIDTH = 13, TTFT_WIDTH = 15 };

/* Half the digits of a range are enough: "7.76s (1.9-15)". */
static int digits_of(double value)
{
	return value < 9.95 ? 1 : 0;
}

static void print_range(FILE *out, bool colour, const struct histogram *h, double unit,
    const char *suffix, int width, struct rating (*rate)(double))
{
	double mean = histogram_mean(h) / unit;
	double low = histogram_quantile(h, 0.05) / unit, high = histogram_quantile(h, 0.95) / unit;
	bool whole = unit == 1;
	enum tone tone = rate(histogram_mean(h)).tone;
	char text[4 * FIGURE_TEXT_BYTES];

	if (h->count == 0)
		snprintf(text, sizeof(text), "-");
	else
		snprintf(text, sizeof(text), "%s%s (%s-%s)",
		    format_fixed(mean, whole        ? 0
				       : mean < 100 ? 2
						    : 1)
			.text,
		    suffix, format_fixed(low, whole ? 0 : digits_of(low)).text,
		    format_fixed(high, whole ? 0 : digits_of(high)).text);
	fprintf(out, "  %s", tone_start(tone, colour));
	print_cell(out, text, width, false);
	fputs(tone_end(tone, colour), out);
}

void by_print_series(FILE *out, const struct name_table *s, const char *heading, bool colour)
{
	const struct name_table_entry **list = series_sorted(s);
	char text[1024];

	fprintf(out, "\n%s%-*s %8s  %-*s  %-*s  %s%s\n", tone_start(TONE_STRONG, colour),
	    NAME_WIDTH, heading, "REQUESTS", RESPONSE_WIDTH, "AVG RESPONSE", TPS_WIDTH, "TPS",
	    "TTFT", tone_end(TONE_STRONG, colour));
	for (uint32_t i = 0; list && i < s->count; i++) {
		const struct request_stats *f = list[i]->value;
		char count[COUNT_TEXT_BYTES];

		text_sanitise(text, sizeof(text), list[i]->name);
		print_cell(out, text, NAME_WIDTH, false);
		format_count(f->total, count);
		fprintf(out, " %8s", count);
		print_range(
		    out, colour, &f->response_ms, 1000, "s", RESPONSE_WIDTH, rate_response_ms);
		print_range(out, colour, &f->tps, 1, "", TPS_WIDTH, rate_tps);
		print_range(out, colour, &f->ttft_ms, 1000, "s", TTFT_WIDTH, rate_ttft_ms);
		fputc('\n', out);
	}
	free(list);
	fputs("In brackets: from the 5th to the 95th percentile, of answered requests.\n", out);
}

void by_print(FILE *out, const struct report *r, int by, bool colour)
{
	const struct name_table *s = series_by(&r->total.sum, by);

	head_print(out, r, colour);
	by_print_series(out, s, dimension_names[by].heading, colour);
}
