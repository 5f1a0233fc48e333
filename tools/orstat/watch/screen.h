/*
 * screen.h: what lies where on the screen, from 1 row to as many as there are.
 */
#ifndef ORBUS_ORSTAT_WATCH_SCREEN_H
#define ORBUS_ORSTAT_WATCH_SCREEN_H

#include "canvas.h"
#include "data.h"
#include "state.h"

/* Rows of each part; 0: the part is left out. They do not depend on what there is to show, so that
 * nothing moves. */
struct layout {
	int head;         /* bus; agent; last response */
	int spark_count;  /* sparklines */
	int spark_height; /* rows of each */
	int table;        /* heading and all included */
	int flights;      /* heading included */
	int failures;     /* heading included */
	int foot;
};

struct layout layout_of(int rows);

/* Draws everything on a canvas of its present size, and notes in *s what fitted. */
void screen_draw(struct canvas *c, const struct orstat_settings *settings,
    const struct watch_data *d, struct watch_state *s);

#endif
