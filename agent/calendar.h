/*
 * calendar.h: which file a moment belongs to, in local time or UTC, and what a file's name says.
 *
 * A period is named by its label, the date and hour that clocks on the wall show at its start. The
 * two passes through the hour that daylight saving repeats bear one label, so they are one period;
 * an hour that it skips never occurs, so it has none.
 */
#ifndef ORBUS_AGENT_CALENDAR_H
#define ORBUS_AGENT_CALENDAR_H

#include <stdbool.h>
#include <stdint.h>

enum period_kind { PERIOD_HOURLY, PERIOD_DAILY };

struct calendar {
	bool utc;
	unsigned hours; /* of an "hourly" period, dividing 24 */
};

#define PERIOD_NAME_BYTES 40

struct period_span {
	enum period_kind kind;
	uint32_t label; /* YYYYMMDDHH; HH is 0 for a day */
	uint64_t start_ns, end_ns;
	char name[PERIOD_NAME_BYTES]; /* of its file */
};

/* The label of the period that holds a moment: cheap, for every delta. */
uint32_t calendar_label(const struct calendar *c, enum period_kind kind, uint64_t ts_ns);

/*
 * Whether a moment has a period: its bounds are signed 64-bit nanoseconds in the checkpoint, and on
 * no clock on the wall is it before 1970. Others come of clocks that are not set.
 */
bool calendar_can_tell(uint64_t ts_ns);

/* The file name of a period. */
void calendar_name(enum period_kind kind, uint32_t label, char out[PERIOD_NAME_BYTES]);

/* The whole period that holds a moment. */
void calendar_span(
    const struct calendar *c, enum period_kind kind, uint64_t ts_ns, struct period_span *out);

/*
 * The number of the hour on the wall: consecutive, the same for both passes through a repeated
 * one.
 */
int64_t calendar_wall_hour(const struct calendar *c, uint64_t ts_ns);

/* The number of the day on the wall, consecutive. */
int64_t calendar_wall_day(const struct calendar *c, uint64_t ts_ns);

/* "metrics_YYYYMMDD_HHMMSS.json" */
void calendar_snapshot_name(const struct calendar *c, uint64_t ts_ns, char out[PERIOD_NAME_BYTES]);

/*
 * True when `name` is exactly one that the agent gives: hourly_, daily_, metrics_ or requests_.
 * *day is the number of the day that it names, as of calendar_wall_day().
 */
bool calendar_parse_name(const char *name, int64_t *day);

#endif
