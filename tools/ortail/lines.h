/*
 * lines.h: what is to be printed, collected and put in the order of its times.
 */
#ifndef ORBUS_ORTAIL_LINES_H
#define ORBUS_ORTAIL_LINES_H

#include "base/log_sink.h"
#include "orbus.h"

struct line {
	uint64_t ts;
	size_t order; /* of arrival: keeps samples of one time apart */
	char *text;
	struct orbus_sample *figures; /* for the summaries; NULL: not counted */
	char *fields;                 /* of the journal; NULL: none */
	enum log_level level;
};

struct lines {
	struct line *all; /* in order after lines_sort() only */
	size_t capacity, count, arrived;
};

/*
 * Adds a line, and takes over its malloc'ed text, figures and fields. False: out of memory, or
 * `text` is NULL since there was none for it; all are freed then.
 */
bool lines_add(struct lines *l, const struct line *line);

/* By time, then as they came. */
void lines_sort(struct lines *l);

/* Keeps the newest `keep`. */
void lines_drop_older(struct lines *l, size_t keep);

/* Drops all. */
void lines_clear(struct lines *l);

void lines_free(struct lines *l);

#endif
