/*
 * bars.h: a histogram as bars, a row each.
 */
#ifndef ORBUS_ORSTAT_WATCH_BARS_H
#define ORBUS_ORSTAT_WATCH_BARS_H

#include "canvas.h"
#include "state.h"
#include "stats/snapshot.h"

struct bar {
	double low, high; /* ms, or tokens a second: values in (low, high] */
	uint64_t count;
};

/*
 * The buckets of a histogram, joined until at most `most` bars are left; empty ones at the ends are
 * left out. malloc'ed; *count is 0 where it is empty. NULL: out of memory.
 */
struct bar *bars_of(const struct histogram *histogram, size_t most, size_t *count);

/* Draws the one that `picture` names. */
void bars_draw(
    struct canvas *c, int top, int height, const struct snapshot *snapshot, enum picture picture);

#endif
