/*
 * current.h: the statistics of a window, from the agent's board, or else from the ring itself.
 */
#ifndef ORBUS_BOARD_CURRENT_H
#define ORBUS_BOARD_CURRENT_H

#include "stats/snapshot.h"
#include "stats/windows.h"

#include <jansson.h>
#include <stdbool.h>

/* False: no window has that name. */
bool statistics_window_from_name(const char *name, enum statistics_window *out);

/*
 * A window's statistics, to be read; any thread may. *board_error is why the board is of no use, so
 * that they are the ring's; 0: it is of use. A new snapshot: 0, or a negative errno of the bus.
 */
int statistics_snapshot(
    const char *bus, enum statistics_window window, struct snapshot **out, int *board_error);

/* --- As documents, for who hands them on ------------------------------------------------------ */

struct statistics {
	json_t *document; /* the window's, with the keys of the files */
	json_t *agent;    /* who keeps the board; NULL: no agent runs */
	json_t *alerts;   /* of that agent; NULL: it has none */
	int error;        /* a negative errno of the bus, when there is no document */
	int board_error;  /* why the board cannot be used; 0: it can, or was not asked for */
};

/* The same as above. Release it with statistics_free(). */
void statistics_read(const char *bus, enum statistics_window window, struct statistics *out);
void statistics_free(struct statistics *s);

/*
 * The whole as one new object: the document, with `source` ("agent" or "ring"), and `agent` and
 * `alerts` (null where there are none) beside its keys. NULL: out of memory.
 */
json_t *statistics_to_json(const struct statistics *s);

#endif
