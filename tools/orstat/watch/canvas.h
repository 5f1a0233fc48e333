/*
 * canvas.h: a screen as a grid of characters with tones, before any terminal sees it.
 *
 * All text is sanitised on its way in, so that nothing on a canvas can steer a terminal, and
 * clipped to where it was put. It knows no terminal: terminal.c shows it, tests read it.
 */
#ifndef ORBUS_ORSTAT_WATCH_CANVAS_H
#define ORBUS_ORSTAT_WATCH_CANVAS_H

#include "common/print.h"

#include <wchar.h>

/* A character, what joins it, and a terminating 0. */
#define CELL_CHARACTERS 4

struct cell {
	wchar_t text[CELL_CHARACTERS]; /* empty: the second half of a wide character */
	unsigned char tone;            /* enum tone */
	bool reverse;
};

struct canvas {
	int rows, columns;
	bool utf8; /* else everything on it is ASCII */
	struct cell *cells;
};

void canvas_init(struct canvas *c, bool utf8);
void canvas_free(struct canvas *c);

/* Makes it blank and of this size. False: out of memory, it is as it was. */
bool canvas_clear(struct canvas *c, int rows, int columns);

/*
 * Puts text at a place, cut with an ellipsis where it takes more than `width` columns or runs off
 * the canvas; returns the columns taken.
 */
int canvas_text(struct canvas *c, int row, int column, int width, enum tone tone, const char *text);

/* The same, at the right of the `width` columns. */
void canvas_text_right(
    struct canvas *c, int row, int column, int width, enum tone tone, const char *text);

/* Turns light and dark around in part of a row. */
void canvas_reverse(struct canvas *c, int row, int column, int width);

/*
 * A bar that grows upwards from `row` over `height` rows, in eighths of a row: `eighths` of
 * 8 * height. ASCII has eight characters of growing weight instead.
 */
void canvas_bar_up(struct canvas *c, int row, int column, int height, int eighths, enum tone tone);

/* A bar that grows to the right, in eighths of a column. */
void canvas_bar_right(struct canvas *c, int row, int column, int eighths, enum tone tone);

/* A row as UTF-8 without blanks at its end; malloc'ed, NULL: out of memory. For tests. */
char *canvas_row(const struct canvas *c, int row);

/* --- A line of pieces ------------------------------------------------------------------------- */

/* What does not fit is left out as a whole, and so is all that comes after. */
struct line {
	struct canvas *canvas;
	int row, column, end;
};

/* Appends a piece; false where it was left out. */
__attribute__((format(printf, 3, 4))) bool line_add(
    struct line *l, enum tone tone, const char *format, ...);

#endif
