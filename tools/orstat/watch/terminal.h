/*
 * terminal.h: the terminal, by ncurses: taken, drawn on, listened to, and given back as it
 * was, however the program ends.
 *
 * There is one terminal, so that this is no object. It is for who draws and listens in one thread.
 */
#ifndef ORBUS_ORSTAT_WATCH_TERMINAL_H
#define ORBUS_ORSTAT_WATCH_TERMINAL_H

#include "canvas.h"

/*
 * Takes the terminal of standard output. -ENOTTY where there is none that can be drawn on; nothing
 * is changed then.
 */
int term_open(bool colour);
void term_close(void);

/* Whether the user's locale is of UTF-8; of one that is not installed here its name tells. */
bool term_speaks_utf8(void);

void term_size(int *rows, int *columns);

/* Shows the canvas; only what has changed is sent, or all with `anew`. */
void term_draw(const struct canvas *c, bool anew);

enum term_event {
	TERM_QUIET,   /* nothing came in time */
	TERM_KEYS,    /* ask term_key() */
	TERM_BACK,    /* it was stopped and goes on: draw all anew */
	TERM_THE_END, /* a signal asks to end, or the terminal is gone */
};

enum term_event term_wait(int timeout_ms);

/* The next key: a character or an enum watch_key; WATCH_KEY_NONE: there is none now. */
uint32_t term_key(void);

#endif
