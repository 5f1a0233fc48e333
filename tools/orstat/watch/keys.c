/*
 * keys.c: the table of the live screen's keys.
 */
#include "keys.h"
#include "stats/dimensions.h"
#include "stats/windows.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* One digit a window and one letter a dimension, out of their lists. */
#define WINDOW_KEY(ID, ...)             {'1' + STAT_##ID, ACTION_WINDOW, STAT_##ID},
#define DIMENSION_KEY(ID, name, letter) {letter, ACTION_BY, DIMENSION_##ID},
/* Their words in a sentence, before "one key each". */
#define WINDOW_SENTENCE(ID, name, part_s, parts, title, words, span) words ", "
#define DIMENSION_PHRASE(ID, name, letter)                           #name ", "

_Static_assert(STAT_WINDOWS <= 9, "a window without a digit to choose it by");
_Static_assert(STAT_WINDOWS <= WATCH_KEYS_IN_ROW && DIMENSIONS + 2 <= WATCH_KEYS_IN_ROW,
    "more keys than a row of the table holds");

const struct watch_key_row watch_key_rows[] = {
    {.keys = {{'q', ACTION_QUIT, 0}, {'Q', ACTION_QUIT, 0}},
	.help_keys = 1,
	.foot_keys = 1,
	.foot = "quit",
	.help = "quit",
	.details = "Quit."},
    {.keys = {{'?', ACTION_HELP, 0}},
	.help_keys = 1,
	.foot_keys = 1,
	.foot = "help",
	.help = "this help",
	.details = "All keys; the next key closes the list."},
    {.keys = {WINDOWS_LIST(WINDOW_KEY)},
	.help_keys = STAT_WINDOWS,
	.foot_keys = STAT_WINDOWS,
	.foot = "window",
	.help = WINDOW_TITLES,
	.details = "The window: " WINDOWS_LIST(WINDOW_SENTENCE) "one key each, in this order."},
    {.keys = {{'w', ACTION_NEXT_WINDOW, 0}},
	.help_keys = 1,
	.help = "the next of these windows",
	.details = "The next of these windows."},
    {.keys = {DIMENSIONS_LIST(DIMENSION_KEY){WATCH_KEY_TAB, ACTION_NEXT_BY, 1},
	 {WATCH_KEY_BACK_TAB, ACTION_NEXT_BY, -1}},
	.help_keys = DIMENSIONS,
	.foot_keys = DIMENSIONS,
	.foot = "by",
	.help = "the table by " DIMENSIONS_LIST(DIMENSION_PHRASE) "Tab: the next",
	.details = "The table by " DIMENSIONS_LIST(
	    DIMENSION_PHRASE) "one key each, in this order; *Tab*: by the next, *Shift-Tab*: by the one before."},
    {.keys = {{'s', ACTION_SORT, 1}, {'>', ACTION_SORT, 1}, {'<', ACTION_SORT, -1},
	 {'S', ACTION_SORT, -1}, {WATCH_KEY_RIGHT, ACTION_SORT, 1},
	 {WATCH_KEY_LEFT, ACTION_SORT, -1}},
	.help_keys = 3,
	.foot_keys = 1,
	.foot = "sort",
	.help = "sort by the next column, or the one before",
	.details = "Sort by the next column (*s*, *>*, *Right*), or by the one before."},
    {.keys = {{'r', ACTION_TURN, 0}},
	.help_keys = 1,
	.help = "turn the order around",
	.details = "Turn the order around."},
    {.keys = {{'/', ACTION_FILTER, 0}, {WATCH_KEY_ESCAPE, ACTION_BACK, 0}},
	.help_keys = 1,
	.foot_keys = 1,
	.foot = "filter",
	.help = "show only names that contain a text; Esc: all again",
	.details = "Show only names that contain a text, in the table, in flight and among the "
		   "errors. Enter keeps it, *Esc* cancels; *Esc* later shows all again."},
    {.keys = {{'j', ACTION_SCROLL, 1}, {'k', ACTION_SCROLL, -1}, {WATCH_KEY_DOWN, ACTION_SCROLL, 1},
	 {WATCH_KEY_UP, ACTION_SCROLL, -1}, {WATCH_KEY_PAGE_DOWN, ACTION_PAGE, 1},
	 {WATCH_KEY_PAGE_UP, ACTION_PAGE, -1}, {WATCH_KEY_HOME, ACTION_TOP, 0},
	 {WATCH_KEY_END, ACTION_BOTTOM, 0}},
	.help_keys = 2,
	.help = "move down and up in the table; so do arrows and pages",
	.details = "Move down and up in the table: a row, a page, to its ends."},
    {.keys = {{' ', ACTION_PAUSE, 0}},
	.help_keys = 1,
	.foot_keys = 1,
	.foot = "pause",
	.help = "let the screen stand still, and go on",
	.details = "Pause the screen, and go on. What happens meanwhile is counted."},
    {.keys = {{'h', ACTION_PICTURE, 0}},
	.help_keys = 1,
	.foot_keys = 1,
	.foot = "histogram",
	.help = "histogram of response times, TTFT, TPS, and back",
	.details = "The histograms of response times, TTFT and TPS in the window, one after the "
		   "other, with the share of requests up to each bar, and where the percentiles "
		   "lie. *Esc*: back to the table."},
    {.keys = {{WATCH_KEY_REPAINT, ACTION_REPAINT, 0}},
	.help_keys = 1,
	.help = "draw all anew",
	.details = "Draw all anew."},
};

const size_t watch_key_row_count = sizeof(watch_key_rows) / sizeof(watch_key_rows[0]);

const struct watch_key_use *watch_key_find(uint32_t key)
{
	for (size_t i = 0; i < watch_key_row_count; i++)
		for (const struct watch_key_use *use = watch_key_rows[i].keys; use->key; use++)
			if (use->key == key)
				return use;
	return NULL;
}

/* --- Their names ------------------------------------------------------------------------------ */

void watch_key_name(uint32_t key, char out[WATCH_KEY_NAME_BYTES])
{
	static const struct {
		uint32_t key;
		const char *name;
	} names[] = {{' ', "space"}, {WATCH_KEY_TAB, "Tab"}, {WATCH_KEY_BACK_TAB, "Shift-Tab"},
	    {WATCH_KEY_ESCAPE, "Esc"}, {WATCH_KEY_UP, "Up"}, {WATCH_KEY_DOWN, "Down"},
	    {WATCH_KEY_LEFT, "Left"}, {WATCH_KEY_RIGHT, "Right"}, {WATCH_KEY_PAGE_UP, "PgUp"},
	    {WATCH_KEY_PAGE_DOWN, "PgDn"}, {WATCH_KEY_HOME, "Home"}, {WATCH_KEY_END, "End"}};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].key == key) {
			strcpy(out, names[i].name);
			return;
		}
	}
	if (key < ' ')
		snprintf(out, WATCH_KEY_NAME_BYTES, "Ctrl-%c", (char)(key | 0x40));
	else
		snprintf(out, WATCH_KEY_NAME_BYTES, "%c", (char)key);
}

static bool is_run(const struct watch_key_use *keys, int count)
{
	for (int i = 1; i < count; i++)
		if (keys[i].key != keys[0].key + (uint32_t)i)
			return false;
	return count > 2;
}

void watch_key_label(const struct watch_key_row *row, int keys, char out[WATCH_LABEL_BYTES])
{
	char name[WATCH_KEY_NAME_BYTES];
	bool run = is_run(row->keys, keys);

	*out = '\0';
	for (int i = 0; i < keys; i += run ? keys - 1 : 1) {
		watch_key_name(row->keys[i].key, name);
		if (i > 0)
			strcat(out, run ? "-" : " ");
		strcat(out, name);
	}
}
