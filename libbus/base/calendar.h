/*
 * calendar.h: the hours and days that files are of: their start and end, their labels, and the
 * names that they give to files.
 *
 * A period is its start and its end, in UTC. Its label is what clocks on the wall show at its
 * start, in the zone that they had then; the label is for people, and makes the file's name. In one
 * zone, a period lasts from the first moment at which clocks show its label until they show a later
 * one. So periods follow each other without gap or overlap, also where clocks go back: an hour that
 * is shown twice is one period of two hours, and one that is skipped has none.
 *
 * It is not for what a label is by itself (calendar_label.h), for reading a file's name
 * (file_name.h), for what a folder holds (agent/aggregate/period_index.h), nor for times that
 * people type (wall_time.h, common/time_parse.h).
 */
#ifndef ORBUS_BASE_CALENDAR_H
#define ORBUS_BASE_CALENDAR_H

#include "calendar_label.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum period_kind { PERIOD_HOURLY, PERIOD_DAILY };
#define PERIOD_KINDS 2

struct calendar {
	bool utc;
	unsigned hours; /* of an "hourly" period, dividing 24 */
};

#define PERIOD_NAME_BYTES 40

struct period_span {
	enum period_kind kind;
	uint32_t label; /* YYYYMMDDHH; HH is 0 for a day */
	uint32_t mark;  /* PERIOD_UNMARKED, or calendar_mark() */
	uint64_t start_ns, end_ns;
	char name[PERIOD_NAME_BYTES]; /* of its file */
};

/*
 * Whether a moment has a period: its bounds are signed 64-bit nanoseconds in the checkpoint, and on
 * no clock on the wall is it before 1970. Others come of clocks that are not set.
 */
bool calendar_can_tell(uint64_t ts_ns);

/* The period that holds a moment, by this zone and width alone. Its label is unmarked. */
void calendar_span(
    const struct calendar *c, enum period_kind kind, uint64_t ts_ns, struct period_span *out);

/* The label that clocks show at a moment, of the whole hour or the day. */
uint32_t calendar_label(const struct calendar *c, enum period_kind kind, uint64_t ts_ns);

/* --- Names ------------------------------------------------------------------------------------ */

/* The file name of a period; span->name is filled in. */
void calendar_name(struct period_span *span);

/* "metrics_YYYYMMDD_HHMMSS.json" */
void calendar_snapshot_name(const struct calendar *c, uint64_t ts_ns, char out[PERIOD_NAME_BYTES]);

/* --- What a label may mean -------------------------------------------------------------------- */

/*
 * The moments [start, end) that an unmarked label may stand for where clocks are set by `utc` or
 * the local zone: from the first time that they show it until the last time that they show what
 * follows it.
 */
void calendar_label_span(
    bool utc, enum period_kind kind, uint32_t label, uint64_t *start_ns, uint64_t *end_ns);

/* The moments [start, end) that a file of this label and mark may cover, in any zone. */
void calendar_label_reach(
    enum period_kind kind, uint32_t label, uint32_t mark, uint64_t *start_ns, uint64_t *end_ns);

/* --- Numbers ---------------------------------------------------------------------------------- */

/*
 * The number of the hour on the wall: consecutive, the same for both passes through a repeated
 * one.
 */
int64_t calendar_wall_hour(const struct calendar *c, uint64_t ts_ns);

/* The number of the day on the wall, consecutive. */
int64_t calendar_wall_day(const struct calendar *c, uint64_t ts_ns);

#endif
