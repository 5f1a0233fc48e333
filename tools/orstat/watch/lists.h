/*
 * lists.h: the requests in flight, and the last that failed.
 */
#ifndef ORBUS_ORSTAT_WATCH_LISTS_H
#define ORBUS_ORSTAT_WATCH_LISTS_H

#include "canvas.h"
#include "data.h"
#include "state.h"

/* The oldest requests in flight; `height` rows with the heading. */
void flights_draw(
    struct canvas *c, int top, int height, const struct watch_data *d, const struct watch_state *s);

/* The newest failures; `height` rows with the heading. */
void failures_draw(
    struct canvas *c, int top, int height, const struct watch_data *d, const struct watch_state *s);

#endif
