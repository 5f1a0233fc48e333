/*
 * head.c: the first rows of the screen, its last one, and its help.
 */
#include "head.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/ratings.h"
#include "live/bus_error.h"
#include "stats/name_table.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* How long it is said that the agent was restarted, or the bus made anew. */
#define NEWS_NS (60 * NS_PER_SECOND)
/* From here on figures are called old. */
#define OLD_NS (3 * NS_PER_SECOND)

void format_age(uint64_t ns, char out[AGE_BYTES])
{
	uint64_t s = ns / NS_PER_SECOND;

	if (ns < 10 * NS_PER_SECOND)
		snprintf(out, AGE_BYTES, "%.1fs", (double)ns / (double)NS_PER_SECOND);
	else if (s < 60)
		snprintf(out, AGE_BYTES, "%" PRIu64 "s", s);
	else if (s < 3600)
		snprintf(out, AGE_BYTES, "%" PRIu64 "m %" PRIu64 "s", s / 60, s % 60);
	else if (s < 86400)
		snprintf(out, AGE_BYTES, "%" PRIu64 "h %" PRIu64 "m", s / 3600, s / 60 % 60);
	else
		snprintf(out, AGE_BYTES, "%" PRIu64 "d %" PRIu64 "h", s / 86400, s / 3600 % 24);
}

void format_since(uint64_t then_ns, uint64_t now_ns, char out[AGE_BYTES])
{
	format_age(now_ns > then_ns ? now_ns - then_ns : 0, out);
}

static bool is_news(uint64_t then_ns, uint64_t now_ns)
{
	return then_ns != 0 && now_ns - then_ns < NEWS_NS;
}

/* --- The bus ---------------------------------------------------------------------------------- */

static uint32_t bot_count(const struct snapshot *s)
{
	const struct stats_rows *bots = &s->by[DIMENSION_BOT];

	return bots->count - (stats_rows_find(bots, NAME_TABLE_OTHER) != NULL);
}

/* At the right: the window and the time; returns where that starts. */
static int draw_time(struct canvas *c, const struct watch_data *d, const struct watch_state *s)
{
	const struct window_names *window = &window_names[s->window];
	time_t now = (time_t)(d->now_ns / NS_PER_SECOND);
	char text[64], at[16];
	struct tm tm;
	int width;

	localtime_r(&now, &tm);
	strftime(at, sizeof(at), "%H:%M:%S", &tm);
	snprintf(text, sizeof(text), "%s%s  %s", s->paused ? "PAUSED  " : "",
	    c->columns >= 60 ? window->title : window->name, at);
	width = (int)strlen(text);
	canvas_text_right(c, 0, 0, c->columns, s->paused ? TONE_POOR : TONE_PLAIN, text);
	if (s->paused)
		canvas_reverse(c, 0, c->columns - width, 6);
	return c->columns - width;
}

static void draw_bus(struct canvas *c, const struct orstat_settings *settings,
    const struct watch_data *d, const struct watch_state *s)
{
	struct line l = {c, 0, 0, draw_time(c, d, s) - 2};
	const struct snapshot *stats = watch_stats(d);
	uint32_t bots = bot_count(stats);
	char text[512];

	line_add(&l, TONE_STRONG, "orbus");
	bus_display_name(settings->bus, text, sizeof(text));
	line_add(&l, TONE_PLAIN, "  bus %s", text);
	if (d->health.state == AGENT_LIVE && stats->agent.present) {
		uint64_t of_ns = stats->agent.updated_ns;
		uint64_t since_s = d->now_ns > of_ns ? (d->now_ns - of_ns) / NS_PER_SECOND : 0;

		clock_format_uptime(d->health.uptime_seconds + since_s, text, sizeof(text));
		line_add(&l, TONE_PLAIN, "  up %s", text);
	}
	line_add(&l, TONE_PLAIN, "  %" PRIu32 " bot%s", bots, bots == 1 ? "" : "s");
	if (d->connected >= 0)
		line_add(&l, TONE_FAINT, ", %d connected", d->connected);
}

/* --- The agent -------------------------------------------------------------------------------- */

static void add_agent(struct line *l, const struct watch_data *d)
{
	const struct health *h = &d->health;
	char age[AGE_BYTES];

	switch (h->state) {
	case AGENT_NONE:
		line_add(l, TONE_POOR, "no agent");
		line_add(l, TONE_POOR, ": figures of what the ring holds");
		break;
	case AGENT_LOST:
		format_since(h->heartbeat_ns, d->now_ns, age);
		line_add(l, TONE_BAD, "agent %d lost", (int)h->pid);
		line_add(l, TONE_BAD, ", heartbeat %s ago", age);
		line_add(l, TONE_POOR, ": figures of what the ring holds");
		break;
	case AGENT_LIVE:
		line_add(l, TONE_PLAIN, "agent %d ", (int)h->pid);
		line_add(l, TONE_GOOD, "ok");
		break;
	}
}

static void add_life(struct line *l, const struct watch_data *d)
{
	const struct health *h = &d->health;
	char age[AGE_BYTES];

	if (h->state != AGENT_LIVE)
		return;
	if (is_news(h->restarted_ns, d->now_ns)) {
		format_since(h->restarted_ns, d->now_ns, age);
		line_add(l, TONE_POOR, "  restarted %s ago", age);
	}
	format_since(h->heartbeat_ns, d->now_ns, age);
	line_add(l, TONE_PLAIN, "  heartbeat %s ago", age);
}

static void add_bus(struct line *l, const struct watch_data *d)
{
	char age[AGE_BYTES];

	if (d->gone_ns) {
		format_since(d->gone_ns, d->now_ns, age);
		line_add(l, TONE_BAD, "bus removed %s ago  ", age);
	} else if (is_news(d->remade_ns, d->now_ns)) {
		format_since(d->remade_ns, d->now_ns, age);
		line_add(l, TONE_POOR, "bus made anew %s ago  ", age);
	}
}

static void add_losses(struct line *l, const struct watch_data *d)
{
	static const char *const words[] = {"lost", "rejected", "skewed"};
	const struct snapshot *s = watch_stats(d);
	const uint64_t counts[] = {s->lost, s->rejected, s->skewed};

	for (size_t i = 0; i < 3; i++) {
		uint64_t n = counts[i];
		char text[COUNT_TEXT_BYTES];

		format_count(n, text);
		if (n > 0 || i < 2)
			line_add(l, n > 0 ? TONE_BAD : TONE_PLAIN, "  %s %s", words[i], text);
	}
}

/* At the right, where there is room to spare: how often; returns where that starts. */
static int draw_interval(struct canvas *c, uint64_t interval_ns)
{
	char every[32], text[48];
	int width;

	format_duration(interval_ns, every, sizeof(every));
	width = snprintf(text, sizeof(text), "every %s", every);
	if (c->columns < 60)
		return c->columns;
	canvas_text_right(c, 1, 0, c->columns, TONE_FAINT, text);
	return c->columns - width - 2;
}

static void draw_agent(
    struct canvas *c, const struct orstat_settings *settings, const struct watch_data *d)
{
	struct line l = {c, 1, 0, draw_interval(c, settings->watch_ns)};
	char age[AGE_BYTES];

	add_bus(&l, d);
	add_agent(&l, d);
	add_losses(&l, d);
	add_life(&l, d);
	if (d->stats_ns && d->now_ns > d->stats_ns + OLD_NS + settings->watch_ns) {
		format_since(d->stats_ns, d->now_ns, age);
		line_add(&l, TONE_POOR, "  figures %s old", age);
	}
	if (d->missed)
		line_add(&l, TONE_POOR, "  %" PRIu64 " not seen here", d->missed);
}

/* --- The last response ------------------------------------------------------------------------ */

static void add_figure(
    struct line *l, const char *before, double value, int digits, const char *unit, struct rating r)
{
	if (isnan(value))
		return;
	line_add(l, TONE_PLAIN, "  %s", before);
	line_add(l, r.tone, "%.*f%s %s", digits, value, unit, r.word);
}

/* The model, without its vendor where there is no room for both, leaving some for what follows. */
static void add_model(struct line *l, const char *model, int left_free)
{
	int room = l->end - l->column - 2 - left_free;
	const char *name = strrchr(model, '/');

	if (name && text_width(model) > room)
		model = name + 1;
	if (*model && room > 8)
		l->column +=
		    2 + canvas_text(l->canvas, l->row, l->column + 2, room, TONE_PLAIN, model);
}

static void draw_last(struct canvas *c, const struct watch_data *d)
{
	const struct seen_request *r = &d->last;
	struct line l = {c, 2, 0, c->columns};
	char age[AGE_BYTES];

	line_add(&l, TONE_STRONG, "Last");
	if (r->ts == 0) {
		line_add(&l, TONE_FAINT, "  no request has ended yet");
		return;
	}
	if (r->status != ORBUS_STATUS_OK)
		line_add(&l, r->status == ORBUS_STATUS_CANCELLED ? TONE_POOR : TONE_BAD, "  %s",
		    *r->error_type ? r->error_type : orbus_status_name(r->status));
	add_figure(&l, "", r->response_ms / 1000, 2, "s", rate_response_ms(r->response_ms));
	add_figure(&l, "TTFT ", r->ttft_ms / 1000, 2, "s", rate_ttft_ms(r->ttft_ms));
	add_figure(&l, "TPS ", r->tps, 1, "", rate_tps(r->tps));
	format_since(r->ts, d->now_ns, age);
	add_model(&l, r->model, (int)strlen(age) + 6);
	line_add(&l, TONE_FAINT, "  %s ago", age);
	if (*r->bot)
		line_add(&l, TONE_PLAIN, "  %s", r->bot);
}

void head_draw(struct canvas *c, int rows, const struct orstat_settings *settings,
    const struct watch_data *d, const struct watch_state *s)
{
	draw_bus(c, settings, d, s);
	if (rows > 1)
		draw_agent(c, settings, d);
	if (rows > 2)
		draw_last(c, d);
}

/* --- The foot --------------------------------------------------------------------------------- */

/* A key without its word says nothing: false where there is no room for both. */
static bool add_key(struct line *l, const struct watch_key_row *row, bool paused)
{
	const char *word = paused && row->keys[0].action == ACTION_PAUSE ? "go on" : row->foot;
	char label[WATCH_LABEL_BYTES];

	watch_key_label(row, row->foot_keys, label);
	if (l->end - l->column < (int)(strlen(label) + strlen(word)) + 3)
		return false;
	line_add(l, TONE_STRONG, "%s%s", l->column > 0 ? "  " : "", label);
	line_add(l, TONE_FAINT, " %s", word);
	return true;
}

void foot_draw(struct canvas *c, int row, const struct watch_state *s)
{
	struct line l = {c, row, 0, c->columns};

	if (s->editing) {
		line_add(&l, TONE_STRONG, "Filter: ");
		line_add(&l, TONE_PLAIN, "%s", s->draft);
		canvas_reverse(c, row, l.column++, 1);
		line_add(&l, TONE_FAINT, "  enter: keep  esc: cancel");
		return;
	}
	if (s->notice) {
		line_add(&l, TONE_POOR, "%s", s->notice);
		return;
	}
	for (size_t i = 0; i < watch_key_row_count; i++)
		if (watch_key_rows[i].foot && !add_key(&l, &watch_key_rows[i], s->paused))
			break;
}

/* --- Help ------------------------------------------------------------------------------------- */

#define HELP_LABEL_WIDTH 10

void help_draw(struct canvas *c, int top, int height)
{
	static const char *const words[][2] = {
	    {"slow", "a request longer under way than 99 % of its model's took"},
	    {"stalled", "a slow one after 30 s (where little is known: any after 30 s)"},
	    {"lost", "samples overwritten before the agent counted them"},
	};
	const int width = c->columns - HELP_LABEL_WIDTH - 2;
	int row = 0;

	for (size_t i = 0; i < watch_key_row_count && row < height; i++, row++) {
		char label[WATCH_LABEL_BYTES];

		watch_key_label(&watch_key_rows[i], watch_key_rows[i].help_keys, label);
		canvas_text(c, top + row, 1, HELP_LABEL_WIDTH, TONE_STRONG, label);
		canvas_text(
		    c, top + row, HELP_LABEL_WIDTH + 2, width, TONE_PLAIN, watch_key_rows[i].help);
	}
	row++;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) && row < height; i++, row++) {
		canvas_text(c, top + row, 1, HELP_LABEL_WIDTH, TONE_STRONG, words[i][0]);
		canvas_text(c, top + row, HELP_LABEL_WIDTH + 2, width, TONE_PLAIN, words[i][1]);
	}
}
