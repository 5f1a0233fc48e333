/*
 * state.c: what a person has chosen to see, and what each key does to that.
 */
#include "state.h"
#include "base/utf8.h"

#include <stdlib.h>
#include <string.h>

void state_init(struct watch_state *s, const struct orstat_settings *settings)
{
	*s = (struct watch_state){.window = settings->window,
	    .by = settings->by,
	    .sort = COLUMN_REQUESTS,
	    .columns_shown = UINT32_MAX};
}

/* Names go from a to z, figures from the highest down, unless turned around. */
static void sort_by(struct watch_state *s, enum column column)
{
	s->sort = column;
	s->ascending = column == COLUMN_NAME;
	s->scroll = 0;
}

/* The next column that is on the screen. */
static void sort_further(struct watch_state *s, int step)
{
	int column = (int)s->sort;

	for (int i = 0; i < COLUMNS_COUNT; i++) {
		column = (column + step + COLUMNS_COUNT) % COLUMNS_COUNT;
		if (s->columns_shown & UINT32_C(1) << column) {
			sort_by(s, (enum column)column);
			return;
		}
	}
}

static void scroll_by(struct watch_state *s, int step)
{
	int last = s->rows - s->rows_shown;

	s->scroll += step;
	if (s->scroll > last)
		s->scroll = last;
	if (s->scroll < 0)
		s->scroll = 0;
}

static void show_by(struct watch_state *s, int by)
{
	s->by = (by + DIMENSIONS) % DIMENSIONS;
	s->scroll = 0;
}

static enum watch_effect choose_window(struct watch_state *s, int window)
{
	/* What stands still is of one window; another one's figures would be of another time. */
	if (s->paused) {
		s->notice = "paused: press space to go on, then choose the window";
		return EFFECT_DRAW;
	}
	s->window = window;
	return EFFECT_READ;
}

/* --- Typing a filter -------------------------------------------------------------------------- */

/* Appends a character as UTF-8, where there is room. */
static void type_character(char draft[FILTER_BYTES], uint32_t c)
{
	size_t length = strlen(draft);
	char bytes[5] = "";

	if (c < 0x80)
		bytes[0] = (char)c;
	else if (c < 0x800)
		memcpy(bytes, (char[]){(char)(0xc0 | c >> 6), (char)(0x80 | (c & 0x3f))}, 2);
	else if (c < 0x10000)
		memcpy(bytes,
		    (char[]){(char)(0xe0 | c >> 12), (char)(0x80 | (c >> 6 & 0x3f)),
			(char)(0x80 | (c & 0x3f))},
		    3);
	else
		memcpy(bytes,
		    (char[]){(char)(0xf0 | c >> 18), (char)(0x80 | (c >> 12 & 0x3f)),
			(char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f))},
		    4);
	if (length + strlen(bytes) < FILTER_BYTES && utf8_is_valid(bytes, strlen(bytes)))
		strcat(draft, bytes);
}

static void rub_out(char *draft)
{
	size_t length = strlen(draft);

	if (length > 0)
		draft[utf8_cut(draft, length, length - 1)] = '\0';
}

static enum watch_effect edit(struct watch_state *s, uint32_t key)
{
	switch (key) {
	case WATCH_KEY_ENTER:
		strcpy(s->filter, s->draft);
		s->scroll = 0;
		s->editing = false;
		break;
	case WATCH_KEY_ESCAPE: s->editing = false; break;
	case WATCH_KEY_BACKSPACE: rub_out(s->draft); break;
	case WATCH_KEY_CLEAR: s->draft[0] = '\0'; break;
	case WATCH_KEY_REPAINT: return EFFECT_REPAINT;
	default:
		if (key >= ' ' && key < WATCH_KEY_FIRST)
			type_character(s->draft, key);
	}
	return EFFECT_DRAW;
}

bool state_matches(const struct watch_state *s, const char *name)
{
	const char *filter = s->editing ? s->draft : s->filter;

	return !*filter || strcasestr(name, filter);
}

/* --- Keys ------------------------------------------------------------------------------------- */

static void go_back(struct watch_state *s)
{
	if (s->picture != PICTURE_FIGURES)
		s->picture = PICTURE_FIGURES;
	else
		s->filter[0] = '\0';
	s->scroll = 0;
}

static enum watch_effect act(struct watch_state *s, const struct watch_key_use *use)
{
	switch (use->action) {
	case ACTION_WINDOW: return choose_window(s, use->argument);
	case ACTION_NEXT_WINDOW: return choose_window(s, (s->window + 1) % STAT_WINDOWS);
	case ACTION_BY: show_by(s, use->argument); break;
	case ACTION_NEXT_BY: show_by(s, s->by + use->argument); break;
	case ACTION_SORT: sort_further(s, use->argument); break;
	case ACTION_TURN: s->ascending = !s->ascending; break;
	case ACTION_FILTER:
		strcpy(s->draft, s->filter);
		s->editing = true;
		break;
	case ACTION_BACK: go_back(s); break;
	case ACTION_SCROLL: scroll_by(s, use->argument); break;
	case ACTION_PAGE: scroll_by(s, use->argument * s->rows_shown); break;
	case ACTION_TOP: s->scroll = 0; break;
	case ACTION_BOTTOM: scroll_by(s, s->rows); break;
	case ACTION_PAUSE: s->paused = !s->paused; return s->paused ? EFFECT_DRAW : EFFECT_RESUME;
	case ACTION_PICTURE: s->picture = (enum picture)((s->picture + 1) % PICTURE_COUNT); break;
	case ACTION_REPAINT: return EFFECT_REPAINT;
	case ACTION_HELP: s->help = true; break;
	case ACTION_QUIT: return EFFECT_QUIT;
	}
	return EFFECT_DRAW;
}

/* What a key still does while the help is shown; any other one closes it. */
static bool works_in_help(const struct watch_key_use *use)
{
	return use && (use->action == ACTION_QUIT || use->action == ACTION_REPAINT);
}

enum watch_effect state_key(struct watch_state *s, uint32_t key)
{
	const struct watch_key_use *use = watch_key_find(key);

	s->notice = NULL;
	if (key == WATCH_KEY_RESIZED)
		return EFFECT_DRAW;
	if (s->editing)
		return edit(s, key);
	if (s->help && !works_in_help(use)) {
		s->help = false;
		return EFFECT_DRAW;
	}
	return use ? act(s, use) : EFFECT_DRAW;
}
