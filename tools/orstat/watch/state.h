/*
 * state.h: what a person has chosen to see, and what each key does to that. It knows
 * neither terminal nor figures.
 */
#ifndef ORBUS_ORSTAT_WATCH_STATE_H
#define ORBUS_ORSTAT_WATCH_STATE_H

#include "keys.h"
#include "orstat/options.h"
#include "stats/dimensions.h"
#include "stats/windows.h"

#include <stdint.h>

/* The table's columns, in their order on the screen. */
enum column {
	COLUMN_NAME,
	COLUMN_REQUESTS,
	COLUMN_AVG,
	COLUMN_P50,
	COLUMN_P95,
	COLUMN_P99,
	COLUMN_TTFT,
	COLUMN_TPS,
	COLUMN_ERRORS,
	COLUMN_ERROR_RATE,
	COLUMN_TOKENS,
	COLUMN_COST,
	COLUMNS_COUNT
};

/* What fills the screen below its head. */
enum picture {
	PICTURE_FIGURES,
	PICTURE_RESPONSE, /* histograms */
	PICTURE_TTFT,
	PICTURE_TPS,
	PICTURE_COUNT
};

#define FILTER_BYTES 64

struct watch_state {
	int window; /* enum statistics_window */
	int by;     /* enum dimension */
	enum column sort;
	bool ascending;
	enum picture picture;
	bool help;
	bool paused;
	int scroll;                /* rows of the table above the first one shown */
	char filter[FILTER_BYTES]; /* UTF-8; "": everything is shown */
	bool editing;
	char draft[FILTER_BYTES]; /* the filter while it is being typed */
	const char *notice;       /* what the last key could not do; NULL */
	/* Noted by the code that draws: */
	uint32_t columns_shown; /* a bit a column */
	int rows_shown, rows;   /* of the table, and what it has in all */
};

/* What the caller has to do then. */
enum watch_effect {
	EFFECT_DRAW,    /* draw what is known, in its new order */
	EFFECT_READ,    /* another window: read its figures */
	EFFECT_RESUME,  /* show what has come meanwhile */
	EFFECT_REPAINT, /* draw all anew, also what the terminal seems to show already */
	EFFECT_QUIT,
};

void state_init(struct watch_state *s, const struct orstat_settings *settings);

enum watch_effect state_key(struct watch_state *s, uint32_t key);

/* Whether the name contains the filter, with ASCII letters of either case. */
bool state_matches(const struct watch_state *s, const char *name);

#endif
