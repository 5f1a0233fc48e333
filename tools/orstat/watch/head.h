/*
 * head.h: the first rows of the screen, its last one, and its help.
 */
#ifndef ORBUS_ORSTAT_WATCH_HEAD_H
#define ORBUS_ORSTAT_WATCH_HEAD_H

#include "canvas.h"
#include "data.h"
#include "state.h"

/* The bus; the agent; the last response: as many of these as there are rows. */
void head_draw(struct canvas *c, int rows, const struct orstat_settings *settings,
    const struct watch_data *d, const struct watch_state *s);

/* What the keys do, the filter while it is typed, or what is the matter. */
void foot_draw(struct canvas *c, int row, const struct watch_state *s);

void help_draw(struct canvas *c, int top, int height);

/* "0.4s", "12s", "3m 12s", "2h 5m", "3d 4h": at most two units. */
#define AGE_BYTES 32
void format_age(uint64_t ns, char out[AGE_BYTES]);

/* The same of the time since `then_ns`; none where that lies ahead. */
void format_since(uint64_t then_ns, uint64_t now_ns, char out[AGE_BYTES]);

#endif
