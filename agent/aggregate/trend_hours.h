/*
 * trend_hours.h: messages and errors of the last hours, for `hourly_trends` of every open period.
 */
#ifndef ORBUS_AGENT_AGGREGATE_TREND_HOURS_H
#define ORBUS_AGENT_AGGREGATE_TREND_HOURS_H

#include "doc/doc_source.h"
#include "doc/document.h"

/* Three days: yesterday's files still get late samples, and look back a day themselves. */
#define TREND_HOURS_KEPT 72

struct trend_hours {
	int64_t first;                       /* the earliest hour that is known; INT64_MAX: none */
	int64_t newest;                      /* wall hour of the last entry */
	uint64_t messages[TREND_HOURS_KEPT]; /* by wall hour modulo TREND_HOURS_KEPT */
	uint64_t errors[TREND_HOURS_KEPT];
};

void trend_hours_init(struct trend_hours *h);

/* Counts what a delta of that hour holds. An hour that is no longer kept is passed over. */
void trend_hours_add(struct trend_hours *h, int64_t hour, const struct aggregate *delta);

/* The day up to `hour`. False: that hour is no longer kept, *out is not touched. */
bool trend_hours_get(const struct trend_hours *h, int64_t hour, struct trends *out);

/* The clock shows `hour`: what was entered for hours far beyond, by one that was ahead, goes. */
void trend_hours_turn_back(struct trend_hours *h, int64_t hour);

/* The same by a period's own record, for one that the table no longer reaches. */
void trends_add(
    struct trends *t, int64_t current_hour, int64_t hour, const struct aggregate *delta);

void trend_hours_write(const struct trend_hours *h, struct writer *w, const char *key);

/* Into an empty one. Untrusted: 0, -EBADMSG. */
int trend_hours_read(struct trend_hours *h, struct doc_source *s);

/* Every hour is another number of hours further on, by a clock in another zone. */
void trend_hours_shift(struct trend_hours *h, int64_t hours);

#endif
