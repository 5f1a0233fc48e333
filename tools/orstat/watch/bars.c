/*
 * bars.c: a histogram as bars, a row each.
 *
 * Its buckets grow by a 32nd of a doubling (stats/histogram.h). As many are joined as make it fit,
 * the same number for all bars: each spans the same ratio, so that a second and a minute fit one
 * screen.
 */
#include "bars.h"
#include "base/ratings.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RANGE_WIDTH   15
#define FIGURES_WIDTH 26

static const struct subject {
	enum summary_kind kind;
	const char *title, *unit, *none;
	double scale; /* of the snapshot's unit to the shown one */
	struct rating (*rate)(double);
} subjects[PICTURE_COUNT] = {
    [PICTURE_RESPONSE] = {SUMMARY_RESPONSE, "Response time", "s", "no request has been answered",
	1000, rate_response_ms},
    [PICTURE_TTFT] = {SUMMARY_TTFT, "Time to first token", "s", "no stream has had a first token",
	1000, rate_ttft_ms},
    [PICTURE_TPS] = {SUMMARY_TPS, "Tokens a second", "", "no tokens have been counted", 1,
	rate_tps},
};

/* --- Buckets ---------------------------------------------------------------------------------- */

/* Rounds down, below 0 too. */
static int32_t group_of(int32_t index, int32_t size)
{
	return index >= 0 ? index / size : -((-index + size - 1) / size);
}

struct bar *bars_of(const struct histogram *histogram, size_t most, size_t *count)
{
	uint32_t first = 0, last = histogram->length;
	int32_t size = 1, low, high;
	struct bar *bars;

	*count = 0;
	while (last > 0 && histogram_bucket(histogram, last - 1) == 0)
		last--;
	while (first < last && histogram_bucket(histogram, first) == 0)
		first++;
	/* Fewer than two will not do: nothing joins what is below 1 with what is above. */
	if (first == last || most < 2)
		return calloc(1, sizeof(*bars));
	low = histogram->offset + (int32_t)first;
	high = histogram->offset + (int32_t)last - 1;
	while ((size_t)(group_of(high, size) - group_of(low, size)) + 1 > most)
		size++;
	*count = (size_t)(group_of(high, size) - group_of(low, size)) + 1;
	bars = calloc(*count, sizeof(*bars));
	for (size_t i = 0; bars && i < *count; i++) {
		double step = (double)(group_of(low, size) + (int32_t)i) * (double)size;

		bars[i].low = exp2(step / (1 << HISTOGRAM_SCALE));
		bars[i].high = exp2((step + (double)size) / (1 << HISTOGRAM_SCALE));
	}
	for (uint32_t i = first; bars && i < last; i++)
		bars[group_of(histogram->offset + (int32_t)i, size) - group_of(low, size)].count +=
		    histogram_bucket(histogram, i);
	return bars;
}

/* --- Drawing ---------------------------------------------------------------------------------- */

/* Three significant digits. */
static void format_bound(double value, char *out, size_t bytes)
{
	snprintf(out, bytes, "%.*f", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value);
}

/* "p50 p95" where those lie within the bar. */
static void name_percentiles(
    const struct summary *summary, const struct bar *bar, char *out, size_t bytes)
{
	static const char *const names[] = {"p50", "p95", "p99"};
	const double values[] = {summary->p50, summary->p95, summary->p99};
	size_t used = 0;

	*out = '\0';
	for (size_t i = 0; i < 3; i++)
		if (values[i] > bar->low && values[i] <= bar->high && used < bytes)
			used += (size_t)snprintf(
			    out + used, bytes - used, "%s%s", used ? " " : "", names[i]);
}

struct sums {
	uint64_t highest, total;
};

static void draw_bar(struct canvas *c, int row, const struct subject *subject,
    const struct summary *summary, const struct bar *bar, const struct sums *sums, uint64_t so_far)
{
	double middle = sqrt(bar->low * bar->high);
	int room = c->columns - RANGE_WIDTH - FIGURES_WIDTH;
	char low[16], high[16], text[64], count[COUNT_TEXT_BYTES];

	format_bound(bar->low / subject->scale, low, sizeof(low));
	format_bound(bar->high / subject->scale, high, sizeof(high));
	snprintf(text, sizeof(text), "%5s - %5s %s", low, high, subject->unit);
	canvas_text(c, row, 0, RANGE_WIDTH, TONE_PLAIN, text);
	if (room > 0) {
		double part = (double)bar->count / (double)sums->highest;

		canvas_bar_right(c, row, RANGE_WIDTH + 1,
		    bar->count ? 1 + (int)(part * (8 * (room - 1) - 1)) : 0,
		    subject->rate(middle).tone);
	}
	format_count(bar->count, count);
	canvas_text_right(c, row, RANGE_WIDTH + room, 10, TONE_PLAIN, count);
	snprintf(text, sizeof(text), "%5.1f %%", 100 * (double)so_far / (double)sums->total);
	canvas_text_right(c, row, RANGE_WIDTH + room + 10, 8, TONE_FAINT, text);
	name_percentiles(summary, bar, text, sizeof(text));
	canvas_text(c, row, RANGE_WIDTH + room + 19, 7, TONE_STRONG, text);
}

static void draw_title(
    struct canvas *c, int row, const struct subject *subject, const struct summary *summary)
{
	static const char *const names[] = {"avg", "min", "p50", "p95", "p99", "max"};
	const double values[] = {
	    summary->avg, summary->min, summary->p50, summary->p95, summary->p99, summary->max};
	struct line l = {c, row, 0, c->columns};
	struct rating rating = subject->rate(summary->avg);

	line_add(&l, TONE_STRONG, "%s", subject->title);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		char text[32];

		if (isnan(values[i]))
			continue;
		format_bound(values[i] / subject->scale, text, sizeof(text));
		line_add(&l, TONE_PLAIN, "  %s %s%s", names[i], text, subject->unit);
	}
	line_add(&l, TONE_PLAIN, "  ");
	line_add(&l, rating.tone, "%s", rating.word);
	canvas_reverse(c, row, 0, c->columns);
}

void bars_draw(
    struct canvas *c, int top, int height, const struct snapshot *snapshot, enum picture picture)
{
	const struct subject *subject = &subjects[picture];
	const struct summary *summary = &snapshot->all.of[subject->kind];
	struct sums sums = {0};
	uint64_t so_far = 0;
	size_t count;
	struct bar *bars = bars_of(
	    &snapshot->histograms[subject->kind], height > 1 ? (size_t)height - 1 : 0, &count);

	draw_title(c, top, subject, summary);
	if (!bars || count == 0)
		canvas_text(c, top + 1, 0, c->columns, TONE_FAINT, subject->none);
	for (size_t i = 0; bars && i < count; i++) {
		sums.total += bars[i].count;
		if (bars[i].count > sums.highest)
			sums.highest = bars[i].count;
	}
	for (size_t i = 0; bars && i < count; i++) {
		so_far += bars[i].count;
		draw_bar(c, top + 1 + (int)i, subject, summary, &bars[i], &sums, so_far);
	}
	free(bars);
}
