/*
 * orstat_source.h: where the statistics come from: the agent's board, or else the ring itself.
 */
#ifndef ORBUS_ORSTAT_SOURCE_H
#define ORBUS_ORSTAT_SOURCE_H

#include "orstat_options.h"

#include <jansson.h>

struct statistics {
	json_t *document; /* the window's */
	json_t *agent;    /* who keeps the board; NULL: no agent runs */
	json_t *alerts;   /* of that agent; NULL: it has none */
	int error;        /* a negative errno of the bus, when there is no document */
};

/* Reads a window's statistics. Release it with statistics_free(). */
void statistics_read(const struct orstat_settings *settings, struct statistics *out);
void statistics_free(struct statistics *s);

#endif
