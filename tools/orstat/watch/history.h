/*
 * history.h: what happened in each of the last sixty intervals, for sparklines.
 *
 * An interval begins at a multiple of its length on the clock, so that a sample belongs to one by
 * its own time: what the ring still holds when the screen is opened fills the past.
 */
#ifndef ORBUS_ORSTAT_WATCH_HISTORY_H
#define ORBUS_ORSTAT_WATCH_HISTORY_H

#include "orbus.h"

#define HISTORY_INTERVALS 60

/* One interval. */
struct history_point {
	uint64_t requests;
	uint64_t failed;    /* errors and timeouts */
	double response_ms; /* the median, of requests that ended with ok; NaN: there were none */
	double ttft_ms;     /* the average; NaN: there were none */
	double tps;         /* the average; NaN: there were none */
};

struct history;

/* NULL: out of memory. */
struct history *history_new(uint64_t interval_ns);
void history_free(struct history *h);

/* Counts a request by its ts, one from the future as of now. False: out of memory. */
bool history_add(struct history *h, const struct orbus_sample *s, uint64_t now_ns);

/* The last sixty whole intervals before `now_ns`, oldest first. */
void history_get(
    const struct history *h, uint64_t now_ns, struct history_point out[HISTORY_INTERVALS]);

/*
 * How tall to draw a value: 1 to `levels`, in proportion to `highest`; 0 for 0, -1 where it is
 * unknown. A value over 0 is never drawn as 0.
 */
int history_level(double value, double highest, int levels);

#endif
