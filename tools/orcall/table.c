/*
 * table.c: models compared, in the form of a Markdown table.
 */
#include "table.h"
#include "base/ratings.h"
#include "common/print.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

enum { MODEL_WIDTH = 24, RESPONSE_WIDTH = 17, TPS_WIDTH = 11, TTFT_WIDTH = 6, OK_WIDTH = 6 };

static void cell(FILE *out, bool colour, const char *text, int width, enum tone tone)
{
	fprintf(out, " %s", tone_start(tone, colour));
	print_cell(out, text, width, false);
	fprintf(out, "%s |", tone_end(tone, colour));
}

static void rule(FILE *out, int width)
{
	for (int i = 0; i < width + 2; i++)
		fputc('-', out);
	fputc('|', out);
}

static void print_head(FILE *out, bool colour)
{
	fputc('|', out);
	cell(out, colour, "Model", MODEL_WIDTH, TONE_STRONG);
	cell(out, colour, "Avg Response Time", RESPONSE_WIDTH, TONE_STRONG);
	cell(out, colour, "TPS", TPS_WIDTH, TONE_STRONG);
	cell(out, colour, "TTFT", TTFT_WIDTH, TONE_STRONG);
	cell(out, colour, "OK", OK_WIDTH, TONE_STRONG);
	fputs("\n|", out);
	rule(out, MODEL_WIDTH);
	rule(out, RESPONSE_WIDTH);
	rule(out, TPS_WIDTH);
	rule(out, TTFT_WIDTH);
	rule(out, OK_WIDTH);
	fputc('\n', out);
}

static void print_row(FILE *out, bool colour, const char *model, const struct request_stats *f)
{
	double response = histogram_mean(&f->response_ms), tps = histogram_mean(&f->tps);
	double ttft = histogram_mean(&f->ttft_ms);
	char text[512];

	fputc('|', out);
	text_sanitise(text, sizeof(text), model);
	cell(out, colour, text, MODEL_WIDTH, TONE_PLAIN);
	snprintf(text, sizeof(text), isnan(response) ? "-" : "%ss (p95 %ss)",
	    format_fixed(response / 1000, 2).text,
	    format_fixed(histogram_quantile(&f->response_ms, 0.95) / 1000, 2).text);
	cell(out, colour, text, RESPONSE_WIDTH, rate_response_ms(response).tone);
	snprintf(text, sizeof(text), isnan(tps) ? "-" : "%s (%s-%s)", format_fixed(tps, 0).text,
	    format_fixed(histogram_quantile(&f->tps, 0.05), 0).text,
	    format_fixed(histogram_quantile(&f->tps, 0.95), 0).text);
	cell(out, colour, text, TPS_WIDTH, rate_tps(tps).tone);
	snprintf(text, sizeof(text), isnan(ttft) ? "-" : "%ss", format_fixed(ttft / 1000, 2).text);
	cell(out, colour, text, TTFT_WIDTH, rate_ttft_ms(ttft).tone);
	snprintf(text, sizeof(text), "%" PRIu64 "/%" PRIu64, f->ok, f->total);
	cell(out, colour, text, OK_WIDTH, f->ok == f->total ? TONE_PLAIN : TONE_BAD);
	fputc('\n', out);
}

void orcall_table_print(
    FILE *out, bool colour, const struct aggregate *stats, char *const models[], size_t model_count)
{
	print_head(out, colour);
	for (size_t i = 0; i < model_count; i++) {
		const struct request_stats *f = name_table_find(&stats->by_model, models[i]);

		if (f)
			print_row(out, colour, models[i], f);
	}
}
