/*
 * lists.c: the requests in flight, and the last that failed.
 */
#include "lists.h"
#include "base/clock.h"
#include "head.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define DAY_NS (86400 * NS_PER_SECOND)

/* Columns of a list: what they are cut to, 0: left out. */
struct widths {
	int model, bot;
};

static struct widths widths_of(int columns)
{
	if (columns < 60)
		return (struct widths){columns - 26 > 8 ? columns - 26 : 8, 0};
	return (struct widths){columns < 100 ? 28 : 40, columns < 100 ? 12 : 20};
}

static bool passes(
    const struct watch_state *s, const char *model, const char *bot, const char *provider)
{
	return state_matches(s, model) || state_matches(s, bot) || state_matches(s, provider);
}

static void heading(struct canvas *c, int row, enum tone tone, const char *text)
{
	canvas_text(c, row, 0, c->columns, tone, text);
}

/* --- In flight -------------------------------------------------------------------------------- */

static void draw_flight(
    struct canvas *c, int row, const struct watch_data *d, const struct flight *f)
{
	static const enum tone tones[] = {TONE_PLAIN, TONE_POOR, TONE_BAD};
	static const char *const words[] = {"", "slow", "stalled"};
	struct widths w = widths_of(c->columns);
	double p99_ms;
	enum pace pace = flight_pace(d, f, &p99_ms);
	int column = 10;
	struct line l;
	char age[AGE_BYTES];

	format_since(f->ts, d->now_ns, age);
	canvas_text_right(c, row, 0, 8, tones[pace], age);
	canvas_text(c, row, column, w.model, TONE_PLAIN, *f->model ? f->model : "-");
	column += w.model + 1;
	canvas_text(c, row, column, w.bot, TONE_PLAIN, f->bot);
	column += w.bot ? w.bot + 1 : 0;
	l = (struct line){c, row, column, c->columns};
	if (c->columns >= 60)
		line_add(&l, TONE_FAINT, "%s", f->stream ? "stream  " : "        ");
	line_add(&l, tones[pace], "%s", words[pace]);
	if (!isnan(p99_ms))
		line_add(&l, TONE_FAINT, "%sp99 %.1fs", pace ? ", " : "", p99_ms / 1000);
}

void flights_draw(
    struct canvas *c, int top, int height, const struct watch_data *d, const struct watch_state *s)
{
	size_t stalled = stalled_count(d);
	struct line l = {c, top, 0, c->columns};
	int row = top + 1;

	line_add(&l, TONE_STRONG, "In flight");
	line_add(&l, TONE_PLAIN, " %zu", d->flight_count);
	if (stalled)
		line_add(&l, TONE_BAD, ", %zu stalled", stalled);
	for (size_t i = 0; i < d->flight_count && row < top + height; i++) {
		const struct flight *f = &d->flights[i];

		if (passes(s, f->model, f->bot, f->provider))
			draw_flight(c, row++, d, f);
	}
}

/* --- Failures --------------------------------------------------------------------------------- */

/* The time of day; of an older request, the day. */
static void format_time(uint64_t ns, uint64_t now_ns, char *out, size_t bytes)
{
	time_t t = (time_t)(ns / NS_PER_SECOND);
	struct tm tm = {0};

	localtime_r(&t, &tm);
	strftime(out, bytes, now_ns - ns < DAY_NS ? "%H:%M:%S" : "   %m-%d", &tm);
}

static void draw_failure(
    struct canvas *c, int row, const struct watch_data *d, const struct seen_request *r)
{
	struct widths w = widths_of(c->columns);
	int column = 10, type_width = c->columns < 60 ? 14 : 20;
	char at[32];

	format_time(r->ts, d->now_ns, at, sizeof(at));
	canvas_text(c, row, 0, 8, TONE_PLAIN, at);
	canvas_text(c, row, column, type_width, TONE_BAD,
	    *r->error_type ? r->error_type : orbus_status_name(r->status));
	column += type_width + 1;
	if (*r->model) {
		canvas_text(c, row, column, w.model, TONE_PLAIN, r->model);
		column += w.model + 1;
		if (w.bot && *r->bot)
			column += canvas_text(c, row, column, w.bot, TONE_PLAIN, r->bot) + 1;
	}
	canvas_text(c, row, column, c->columns - column, TONE_FAINT,
	    strcmp(r->error_type, "orphaned") == 0 ? "its process died" : r->error_message);
}

void failures_draw(
    struct canvas *c, int top, int height, const struct watch_data *d, const struct watch_state *s)
{
	int row = top + 1;

	heading(c, top, TONE_STRONG, "Last errors");
	for (size_t i = 0; i < d->failures.count && row < top + height; i++) {
		const struct seen_request *r = &d->failures.items[i];

		if (passes(s, r->model, r->bot, r->provider))
			draw_failure(c, row++, d, r);
	}
}
