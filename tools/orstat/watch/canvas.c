/*
 * canvas.c: a screen as a grid of characters with tones.
 */
#include "canvas.h"

#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* More than any row shows. */
#define TEXT_BYTES 2048

void canvas_init(struct canvas *c, bool utf8)
{
	*c = (struct canvas){.utf8 = utf8};
}

void canvas_free(struct canvas *c)
{
	free(c->cells);
	c->cells = NULL;
}

bool canvas_clear(struct canvas *c, int rows, int columns)
{
	size_t count = (size_t)rows * (size_t)columns;
	struct cell *cells = realloc(c->cells, (count + 1) * sizeof(*cells));

	if (!cells)
		return false;
	for (size_t i = 0; i < count; i++)
		cells[i] = (struct cell){.text = L" "};
	c->cells = cells;
	c->rows = rows;
	c->columns = columns;
	return true;
}

static struct cell *cell_at(struct canvas *c, int row, int column)
{
	if (row < 0 || row >= c->rows || column < 0 || column >= c->columns)
		return NULL;
	return &c->cells[(size_t)row * (size_t)c->columns + (size_t)column];
}

static void put(struct canvas *c, int row, int column, wchar_t character, enum tone tone)
{
	struct cell *cell = cell_at(c, row, column);

	if (cell)
		*cell = (struct cell){.text = {character}, .tone = (unsigned char)tone};
}

/* Appends a character of no width to the one before it. */
static void join(struct canvas *c, int row, int column, wchar_t character)
{
	struct cell *cell = cell_at(c, row, column);
	size_t n = cell ? wcslen(cell->text) : 0;

	if (n > 0 && n + 1 < CELL_CHARACTERS)
		cell->text[n] = character;
}

/* Puts sanitised text; returns the columns taken. What does not fit in `width` is left out. */
static int put_text(
    struct canvas *c, int row, int column, int width, enum tone tone, const char *text)
{
	int used = 0, last = 0, length;
	uint32_t character;

	for (; (length = text_character(text, &character)) > 0; text += length) {
		int columns = character < 0x80 || c->utf8 ? character_width(character) : 1;

		if (columns == 0) {
			if (used > 0)
				join(c, row, column + last, (wchar_t)character);
			continue;
		}
		if (used + columns > width)
			break;
		put(c, row, column + used, character < 0x80 || c->utf8 ? (wchar_t)character : L'?',
		    tone);
		if (columns == 2) {
			put(c, row, column + used + 1, L' ', tone);
			cell_at(c, row, column + used + 1)->text[0] = L'\0';
		}
		last = used;
		used += columns;
	}
	return used;
}

/* The columns that put_text() would take, given room. */
static int width_of(const struct canvas *c, const char *text)
{
	int width = 0, length;
	uint32_t character;

	if (c->utf8)
		return text_width(text);
	for (; (length = text_character(text, &character)) > 0; text += length)
		width++;
	return width;
}

int canvas_text(struct canvas *c, int row, int column, int width, enum tone tone, const char *text)
{
	char safe[TEXT_BYTES];
	int used;

	if (row < 0 || row >= c->rows || column < 0 || column >= c->columns)
		return 0;
	if (width > c->columns - column)
		width = c->columns - column;
	if (width <= 0)
		return 0;
	text_sanitise(safe, sizeof(safe), text);
	if (width_of(c, safe) <= width)
		return put_text(c, row, column, width, tone, safe);
	used = put_text(c, row, column, width - 1, tone, safe);
	put(c, row, column + used, c->utf8 ? L'\u2026' : L'~', tone);
	return used + 1;
}

void canvas_text_right(
    struct canvas *c, int row, int column, int width, enum tone tone, const char *text)
{
	char safe[TEXT_BYTES];
	int free_columns;

	text_sanitise(safe, sizeof(safe), text);
	free_columns = width - width_of(c, safe);
	if (free_columns < 0)
		free_columns = 0;
	canvas_text(c, row, column + free_columns, width - free_columns, tone, safe);
}

void canvas_reverse(struct canvas *c, int row, int column, int width)
{
	for (int i = 0; i < width; i++) {
		struct cell *cell = cell_at(c, row, column + i);

		if (cell)
			cell->reverse = true;
	}
}

void canvas_bar_up(struct canvas *c, int row, int column, int height, int eighths, enum tone tone)
{
	static const char ascii[] = "_.-:=+*#@";

	for (int i = 0; i < height; i++) {
		int part = eighths - 8 * i;

		if (part <= 0 && i > 0)
			return;
		part = part < 0 ? 0 : part > 8 ? 8 : part;
		if (part == 0)
			put(c, row, column, c->utf8 ? L'\u2581' : L'_', TONE_FAINT);
		else
			put(c, row - i, column,
			    c->utf8 ? (wchar_t)(L'\u2580' + part) : (wchar_t)ascii[part], tone);
	}
}

void canvas_bar_right(struct canvas *c, int row, int column, int eighths, enum tone tone)
{
	for (; eighths > 0; eighths -= 8, column++) {
		int part = eighths < 8 ? eighths : 8;

		/* U+2588 is a whole block, U+258f an eighth. */
		put(c, row, column,
		    c->utf8     ? (wchar_t)(L'\u2590' - part)
		    : part >= 4 ? L'#'
				: L' ',
		    tone);
	}
}

char *canvas_row(const struct canvas *c, int row)
{
	const struct cell *cells = c->cells + (size_t)row * (size_t)c->columns;
	size_t bytes = (size_t)c->columns * CELL_CHARACTERS * MB_LEN_MAX + 1, used = 0, kept = 0;
	char *text = malloc(bytes);
	mbstate_t state = {0};

	for (int i = 0; text && i < c->columns; i++) {
		for (const wchar_t *w = cells[i].text; *w; w++) {
			size_t n = wcrtomb(text + used, *w, &state);

			used += n == (size_t)-1 ? 0 : n;
		}
		if (cells[i].text[0] != L' ')
			kept = used;
	}
	if (text)
		text[kept] = '\0';
	return text;
}

bool line_add(struct line *l, enum tone tone, const char *format, ...)
{
	char text[TEXT_BYTES / 2], safe[TEXT_BYTES];
	va_list args;
	int width;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	text_sanitise(safe, sizeof(safe), text);
	width = width_of(l->canvas, safe);
	if (l->column + width > l->end) {
		l->end = l->column;
		return false;
	}
	l->column += canvas_text(l->canvas, l->row, l->column, width, tone, safe);
	return true;
}
