/*
 * sparks.c: the last sixty intervals as sparklines.
 *
 * Each has its own scale, from 0 to the highest value that is shown; the figures beside it are
 * those of the last interval that has any, and the highest.
 */
#include "sparks.h"
#include "base/clock.h"
#include "base/ratings.h"

#include <math.h>
#include <stdio.h>

#define LABEL_WIDTH   10
#define FIGURE_WIDTH  10
#define HIGHEST_WIDTH 12

struct spark {
	const char *label;
	double (*value)(const struct history_point *p, double interval_s);
	struct rating (*rate)(double);
	double scale; /* of the value to the figure beside it */
	int digits;
	const char *unit;
};

static double rate_of(const struct history_point *p, double interval_s)
{
	return (double)p->requests / interval_s;
}

static double response_of(const struct history_point *p, double interval_s)
{
	(void)interval_s;
	return p->response_ms;
}

static double ttft_of(const struct history_point *p, double interval_s)
{
	(void)interval_s;
	return p->ttft_ms;
}

static double tps_of(const struct history_point *p, double interval_s)
{
	(void)interval_s;
	return p->tps;
}

static double failed_of(const struct history_point *p, double interval_s)
{
	(void)interval_s;
	return (double)p->failed;
}

static struct rating rate_traffic(double value)
{
	(void)value;
	return (struct rating){"", TONE_PLAIN};
}

static struct rating rate_failed(double value)
{
	return (struct rating){"", value > 0 ? TONE_BAD : TONE_PLAIN};
}

static const struct spark sparks[SPARKS_COUNT] = {
    {"Requests", rate_of, rate_traffic, 1, 1, "/s"},
    {"Response", response_of, rate_response_ms, 1000, 2, "s"},
    {"TTFT", ttft_of, rate_ttft_ms, 1000, 2, "s"},
    {"TPS", tps_of, rate_tps, 1, 1, ""},
    {"Errors", failed_of, rate_failed, 1, 0, ""},
};

static void draw_figure(struct canvas *c, int row, int column, int width, const char *before,
    const struct spark *s, double value)
{
	char text[64];

	if (isnan(value))
		snprintf(text, sizeof(text), "%s-", before);
	else
		snprintf(
		    text, sizeof(text), "%s%.*f%s", before, s->digits, value / s->scale, s->unit);
	canvas_text_right(c, row, column, width, *before ? TONE_FAINT : s->rate(value).tone, text);
}

static void draw_spark(struct canvas *c, int row, int height, const struct spark *s,
    const struct history_point *points, double interval_s)
{
	bool wide = c->columns >= LABEL_WIDTH + HISTORY_INTERVALS + FIGURE_WIDTH + HIGHEST_WIDTH;
	int room = c->columns - LABEL_WIDTH - FIGURE_WIDTH;
	int shown = room < HISTORY_INTERVALS ? room : HISTORY_INTERVALS;
	double highest = 0, last = NAN;

	for (int i = HISTORY_INTERVALS - shown; i < HISTORY_INTERVALS; i++) {
		double value = s->value(&points[i], interval_s);

		if (isnan(value))
			continue;
		last = value;
		highest = value > highest ? value : highest;
	}
	canvas_text(c, row, 0, LABEL_WIDTH, TONE_STRONG, s->label);
	for (int i = 0; i < shown; i++) {
		double value = s->value(&points[HISTORY_INTERVALS - shown + i], interval_s);
		int level = history_level(value, highest, 8 * height);

		if (level >= 0)
			canvas_bar_up(c, row, LABEL_WIDTH + i, height, level, s->rate(value).tone);
	}
	draw_figure(c, row, LABEL_WIDTH + shown, FIGURE_WIDTH, "", s, last);
	if (wide)
		draw_figure(c, row, LABEL_WIDTH + shown + FIGURE_WIDTH, HIGHEST_WIDTH, "max ", s,
		    highest > 0 ? highest : NAN);
}

void sparks_draw(struct canvas *c, int top, int count, int height,
    const struct history_point points[HISTORY_INTERVALS], uint64_t interval_ns)
{
	for (int i = 0; i < count; i++)
		draw_spark(c, top + (i + 1) * height - 1, height, &sparks[i], points,
		    (double)interval_ns / (double)NS_PER_SECOND);
}
