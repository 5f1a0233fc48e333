/*
 * sparks.h: the last sixty intervals as sparklines.
 */
#ifndef ORBUS_ORSTAT_WATCH_SPARKS_H
#define ORBUS_ORSTAT_WATCH_SPARKS_H

#include "canvas.h"
#include "history.h"

#define SPARKS_COUNT 5

/* Draws the first `count`, each `height` rows tall. */
void sparks_draw(struct canvas *c, int top, int count, int height,
    const struct history_point points[HISTORY_INTERVALS], uint64_t interval_ns);

#endif
