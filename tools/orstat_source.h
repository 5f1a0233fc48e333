/*
 * orstat_source.h: where the statistics come from: the agent's board, or else the ring itself.
 */
#ifndef ORBUS_ORSTAT_SOURCE_H
#define ORBUS_ORSTAT_SOURCE_H

#include "board.h"
#include "inflight.h"
#include "orstat_options.h"

#include <jansson.h>

struct statistics {
	json_t *document; /* the window's */
	json_t *agent;    /* who keeps the board; NULL: no agent runs */
	int error;        /* a negative errno of the bus, when there is no document */
};

/* Reads a window's statistics. Release both with statistics_free(). */
void statistics_read(const struct orstat_settings *settings, struct statistics *out);
void statistics_free(struct statistics *s);

/* One source alone: 0, and *out to be released, or a negative errno. */
int statistics_from_board(const struct orstat_settings *settings,
    const struct board_snapshot *board, struct statistics *out);
int statistics_from_ring(const struct orstat_settings *settings, struct statistics *out);

/* Forgets requests in flight of processes that have died. */
void ring_drop_dead(struct orbus_reader *r, struct inflight *inflight);

#endif
