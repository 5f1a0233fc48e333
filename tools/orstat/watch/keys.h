/*
 * keys.h: the keys of the live screen, in one table. It gives what a key does (state.c), the last
 * row of the screen and its help (head.c), and the part of the man page on keys (man/optdoc.c).
 */
#ifndef ORBUS_ORSTAT_WATCH_KEYS_H
#define ORBUS_ORSTAT_WATCH_KEYS_H

#include <stddef.h>
#include <stdint.h>

/* Keys are characters, and these. */
enum watch_key {
	WATCH_KEY_NONE = 0,
	WATCH_KEY_TAB = '\t',
	WATCH_KEY_ENTER = '\n',
	WATCH_KEY_REPAINT = 'L' & 0x1f,
	WATCH_KEY_CLEAR = 'U' & 0x1f,
	WATCH_KEY_ESCAPE = 0x1b,
	WATCH_KEY_BACKSPACE = 0x7f,
	WATCH_KEY_FIRST = 0x110000, /* beyond all characters */
	WATCH_KEY_UP = WATCH_KEY_FIRST,
	WATCH_KEY_DOWN,
	WATCH_KEY_LEFT,
	WATCH_KEY_RIGHT,
	WATCH_KEY_PAGE_UP,
	WATCH_KEY_PAGE_DOWN,
	WATCH_KEY_HOME,
	WATCH_KEY_END,
	WATCH_KEY_BACK_TAB,
	WATCH_KEY_RESIZED,
	WATCH_KEY_OTHER, /* none that means anything here */
};

enum watch_action {
	ACTION_WINDOW, /* `argument`: enum statistics_window */
	ACTION_NEXT_WINDOW,
	ACTION_BY,      /* enum dimension */
	ACTION_NEXT_BY, /* 1, or -1: the one before */
	ACTION_SORT,    /* by the next column, or the one before */
	ACTION_TURN,    /* the order around */
	ACTION_FILTER,
	ACTION_BACK,   /* to the table; from there, to all names */
	ACTION_SCROLL, /* rows */
	ACTION_PAGE,   /* 1 or -1 */
	ACTION_TOP,
	ACTION_BOTTOM,
	ACTION_PAUSE,
	ACTION_PICTURE,
	ACTION_REPAINT,
	ACTION_HELP,
	ACTION_QUIT,
};

struct watch_key_use {
	uint32_t key; /* 0: no more */
	enum watch_action action;
	int argument;
};

#define WATCH_KEYS_IN_ROW 10

/* Keys that the documentation tells in one line. */
struct watch_key_row {
	struct watch_key_use keys[WATCH_KEYS_IN_ROW + 1];
	int help_keys;       /* so many of them, the first, are named in the help */
	int foot_keys;       /* the same in the screen's last row */
	const char *foot;    /* one word there; NULL: it is not there */
	const char *help;    /* half a line, for the help */
	const char *details; /* sentences for the man page, in scdoc */
};

/* In the order in which the last row and the help show them. */
extern const struct watch_key_row watch_key_rows[];
extern const size_t watch_key_row_count;

/* What a key does; NULL: nothing. */
const struct watch_key_use *watch_key_find(uint32_t key);

/* "q", "space", "Ctrl-L", "PgUp" */
#define WATCH_KEY_NAME_BYTES 16
void watch_key_name(uint32_t key, char out[WATCH_KEY_NAME_BYTES]);

/* The names of a row's first keys: "s > <", or "1-5" where characters follow each other. */
#define WATCH_LABEL_BYTES ((WATCH_KEYS_IN_ROW)*WATCH_KEY_NAME_BYTES)
void watch_key_label(const struct watch_key_row *row, int keys, char out[WATCH_LABEL_BYTES]);

#endif
