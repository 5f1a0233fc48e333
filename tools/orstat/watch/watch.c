/*
 * watch.c: the loop of orstat --watch: read, look, draw, listen.
 *
 * It reads the ring four times a second at least, so that its sixty intervals miss nothing, and
 * looks at the agent once a second at least; what is shown changes when an interval ends, when the
 * agent or the bus came or went, and when a key is pressed.
 */
#include "watch.h"
#include "base/clock.h"
#include "base/options.h"
#include "common/print.h"
#include "common/stop.h"
#include "data.h"
#include "live/bus_error.h"
#include "orstat/view.h"
#include "plain.h"
#include "screen.h"
#include "state.h"
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define TOOL          "orstat"
#define READ_EVERY_NS (NS_PER_SECOND / 4)
#define LOOK_EVERY_NS NS_PER_SECOND
/* Plain lines between headings. */
#define HEADING_EVERY 20
/* In one turn, so that the ring and those who ask to end get theirs. */
#define KEYS_MAX 64

struct watch {
	struct orstat_settings settings;
	struct watch_source *source;
	struct watch_data data;
	struct watch_state state;
	struct canvas canvas;
	uint64_t interval;     /* number of the present one */
	uint64_t look_next_ns; /* CLOCK_MONOTONIC */
	bool is_behind;        /* there was more to read than fits in one turn */
};

/* Reads what has come. 1 where what is shown is to change, 0, or -ENOMEM. */
static int follow(struct watch *w)
{
	uint64_t interval = clock_realtime_ns() / w->settings.watch_ns;
	uint64_t monotonic_ns = clock_monotonic_ns();
	bool due = interval != w->interval, changed = false;
	int more = watch_source_drain(w->source);

	if (more < 0)
		return more;
	w->is_behind = more;
	w->interval = interval;
	if (due || monotonic_ns >= w->look_next_ns) {
		changed = watch_source_look(w->source, false);
		w->look_next_ns = monotonic_ns + LOOK_EVERY_NS;
	}
	return due || changed;
}

/* How long there is nothing to do: milliseconds, rounded up. */
static int quiet_ms(const struct watch *w)
{
	uint64_t left_ns = w->settings.watch_ns - clock_realtime_ns() % w->settings.watch_ns;

	if (w->is_behind)
		return 0;
	if (left_ns > READ_EVERY_NS)
		left_ns = READ_EVERY_NS;
	return (int)((left_ns + 999999) / 1000000);
}

/* --- On a terminal ---------------------------------------------------------------------------- */

static int draw(struct watch *w, bool anew)
{
	int rows, columns;

	term_size(&rows, &columns);
	if (!canvas_clear(&w->canvas, rows, columns))
		return -ENOMEM;
	screen_draw(&w->canvas, &w->settings, &w->data, &w->state);
	term_draw(&w->canvas, anew);
	return 0;
}

static int show_news(struct watch *w)
{
	int err = watch_source_take(w->source, &w->data);

	return err ? err : draw(w, false);
}

/* Does what a key asks for. 1: quit; 0, or -ENOMEM. */
static int obey(struct watch *w, uint32_t key)
{
	switch (state_key(&w->state, key)) {
	case EFFECT_DRAW: return draw(w, false);
	case EFFECT_REPAINT: return draw(w, true);
	case EFFECT_RESUME: return show_news(w);
	case EFFECT_READ:
		w->settings.window = w->state.window;
		(void)watch_source_look(w->source, true);
		return show_news(w);
	case EFFECT_QUIT: break;
	}
	return 1;
}

static int obey_all(struct watch *w)
{
	uint32_t key;
	int err = 0;

	for (int n = 0; err == 0 && n < KEYS_MAX && (key = term_key()) != WATCH_KEY_NONE; n++)
		err = obey(w, key);
	return err;
}

static int watch_screen(struct watch *w)
{
	int err = show_news(w);

	while (err == 0) {
		enum term_event event = term_wait(quiet_ms(w));

		if (event == TERM_THE_END)
			return 0;
		if (event == TERM_BACK)
			err = draw(w, true);
		if (err == 0)
			err = obey_all(w);
		if (err == 0 && (err = follow(w)) == 1)
			err = w->state.paused ? 0 : show_news(w);
	}
	return err < 0 ? err : 0;
}

/* --- Plain lines ------------------------------------------------------------------------------ */

static int print_news(struct watch *w, uint64_t *printed)
{
	int err = watch_source_take(w->source, &w->data);

	if (err)
		return err;
	if (w->settings.json)
		return view_print_json(stdout, watch_source_documents(w->source), JSON_COMPACT);
	if ((*printed)++ % HEADING_EVERY == 0)
		plain_heading(stdout);
	plain_line(stdout, &w->data, w->settings.watch_ns);
	return 0;
}

static int watch_lines(struct watch *w)
{
	struct pollfd reader = {.fd = STDOUT_FILENO}; /* to notice that it has gone */
	uint64_t printed = 0, interval = w->interval;
	bool gone = false;
	int err = 0;

	stop_on_signals();
	while (!is_stop_asked() && !gone && err >= 0) {
		if (poll(&reader, 1, quiet_ms(w)) > 0)
			return 0;
		err = follow(w);
		if (err < 0 || w->interval == interval)
			continue;
		interval = w->interval;
		err = print_news(w, &printed);
		if (!err && output_flush(TOOL, &gone) < 0)
			return -EIO;
	}
	return err < 0 ? err : 0;
}

/* ---------------------------------------------------------------------------------------------- */

int watch_run(const struct orstat_settings *settings)
{
	struct watch w = {.settings = *settings};
	int err = watch_source_open(&w.settings, &w.source);

	if (err)
		return bus_error_report(TOOL, settings->bus, err);
	w.interval = clock_realtime_ns() / settings->watch_ns;
	w.look_next_ns = clock_monotonic_ns() + LOOK_EVERY_NS;
	state_init(&w.state, settings);
	canvas_init(&w.canvas, term_speaks_utf8());
	if (!settings->json && term_open(output_wants_colour(stdout)) == 0) {
		err = watch_screen(&w);
		term_close();
	} else {
		err = watch_lines(&w);
	}
	canvas_free(&w.canvas);
	watch_data_free(&w.data);
	watch_source_close(w.source);
	if (err < 0 && err != -EIO)
		return bus_error_report(TOOL, settings->bus, err);
	return err < 0 ? CLI_FAILED : CLI_FINE;
}
