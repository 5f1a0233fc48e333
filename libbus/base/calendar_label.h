/*
 * calendar_label.h: the labels and marks of periods, as numbers and as they stand in file names.
 *
 * A label is the date and the hour that clocks on the wall show at a period's start: YYYYMMDDHH.
 * Two periods of one folder may have one label, after a change of the zone. The one that is made
 * later has the offset from UTC in its name as well: hourly_20261128_10-0500.json; and where that
 * name is taken too, a number: hourly_20261128_10-0500_2.json. This is the label's mark.
 *
 * No zone is asked for here: that is calendar.h.
 */
#ifndef ORBUS_BASE_CALENDAR_LABEL_H
#define ORBUS_BASE_CALENDAR_LABEL_H

#include <stdbool.h>
#include <stdint.h>

#define DAY_S INT64_C(86400)

#define PERIOD_UNMARKED         0u
#define PERIOD_MARK_NUMBERS_MAX 999u
/* "-0500_999" and its NUL */
#define PERIOD_MARK_BYTES 10

/*
 * The mark of an offset, in seconds east of UTC, and a number from 1 to PERIOD_MARK_NUMBERS_MAX.
 * Marks of one offset follow each other by their numbers.
 */
uint32_t calendar_mark(int64_t offset_seconds, unsigned number);

/* The offset of a mark, in seconds: whole minutes. */
int64_t calendar_mark_offset(uint32_t mark);

/* As it stands in a name: "" for PERIOD_UNMARKED, "-0500", "+0530_2". */
void calendar_mark_format(uint32_t mark, char out[PERIOD_MARK_BYTES]);

/* Takes a mark, or none, from the front of a text; returns what follows it. */
const char *calendar_mark_parse(const char *text, uint32_t *mark);

/* False for what calendar_mark() never gives. */
bool calendar_mark_exists(uint32_t mark);

/* True for a date and hour that the calendar has. */
bool calendar_label_exists(uint32_t label);

/*
 * What a label says, as seconds since the epoch as if it were UTC, and the label of the hour that
 * such a number is in.
 */
int64_t calendar_label_seconds(uint32_t label);
uint32_t calendar_label_of(int64_t wall);

/* The number of the day of a label: of days since 1970-01-01. */
int64_t calendar_label_day(uint32_t label);

#endif
