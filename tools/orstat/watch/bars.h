/*
 * bars.h: a histogram as bars, a row each.
 */
#ifndef ORBUS_ORSTAT_WATCH_BARS_H
#define ORBUS_ORSTAT_WATCH_BARS_H

#include "canvas.h"
#include "state.h"

#include <jansson.h>

struct bar {
	double low, high; /* ms, or tokens a second: values in (low, high] */
	uint64_t count;
};

/*
 * The buckets of one of a document's histograms, joined until at most `most` bars are left; empty
 * ones at the ends are left out. malloc'ed; *count is 0 where there is no such histogram, or it
 * is damaged. NULL: out of memory.
 */
struct bar *bars_of(const json_t *histogram, size_t most, size_t *count);

/* Draws the one that `picture` names. */
void bars_draw(struct canvas *c, int top, int height, const json_t *document, enum picture picture);

#endif
