/*
 * ortail_lines.h: what is to be printed, collected and put in the order of its times.
 */
#ifndef ORBUS_ORTAIL_LINES_H
#define ORBUS_ORTAIL_LINES_H

#include "orbus.h"

struct line {
	uint64_t ts;
	size_t order; /* of arrival: keeps samples of one time apart */
	char *text;
	struct orbus_sample *figures; /* for the summaries; NULL: not counted */
};

struct lines {
	struct line *all; /* in order after lines_sort() only */
	size_t capacity, count, arrived;
};

/*
 * Adds a line, and takes over its malloc'ed text and figures. False: out of memory, or `text` is
 * NULL since there was none for it; both are freed then.
 */
bool lines_add(struct lines *l, uint64_t ts, char *text, struct orbus_sample *figures);

/* By time, then as they came. */
void lines_sort(struct lines *l);

/* Keeps the newest `keep`. */
void lines_drop_older(struct lines *l, size_t keep);

/* Drops all. */
void lines_clear(struct lines *l);

void lines_free(struct lines *l);

#endif
