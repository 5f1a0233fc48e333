/*
 * calendar.c: the hours and days that files are of, and the names that they give to files.
 *
 * Clocks on the wall are asked through wall_time.h alone. A wall time is a number here: seconds
 * since the epoch, read as if it were UTC. Widths divide the day, so a period's label is that
 * number rounded down.
 */
#include "calendar.h"
#include "clock.h"
#include "wall_time.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define HOUR_S INT64_C(3600)
#define DAY_NS (UINT64_C(86400) * NS_PER_SECOND)
/* Offsets from UTC lie between these. */
#define OFFSET_MIN_S (-12 * HOUR_S)
#define OFFSET_MAX_S (14 * HOUR_S)

static int64_t wall_at(const struct calendar *c, uint64_t ts_ns)
{
	return wall_seconds_at(c->utc, ts_ns);
}

/* Rounded down, also before 1970. */
static int64_t divide(int64_t seconds, int64_t unit)
{
	return seconds / unit - (seconds % unit < 0);
}

static int64_t width_of(const struct calendar *c, enum period_kind kind)
{
	return kind == PERIOD_DAILY ? DAY_S : c->hours * HOUR_S;
}

uint32_t calendar_label(const struct calendar *c, enum period_kind kind, uint64_t ts_ns)
{
	int64_t unit = kind == PERIOD_DAILY ? DAY_S : HOUR_S;

	return calendar_label_of(divide(wall_at(c, ts_ns), unit) * unit);
}

bool calendar_can_tell(uint64_t ts_ns)
{
	return ts_ns >= DAY_NS && ts_ns <= (uint64_t)INT64_MAX - 2 * DAY_NS;
}

/* The first moment at which clocks show this time, or a later one. */
static uint64_t first_shown(bool utc, int64_t wall)
{
	uint64_t first, last;

	(void)wall_seconds_find(utc, wall, &first, &last);
	return first;
}

/*
 * Both bounds are first moments, of the label and of the one after it: where two periods meet, both
 * compute the same moment. After clocks went back the later label may have been shown before.
 */
void calendar_span(
    const struct calendar *c, enum period_kind kind, uint64_t ts_ns, struct period_span *out)
{
	int64_t width = width_of(c, kind), wall = divide(wall_at(c, ts_ns), width) * width;
	uint64_t end;

	/* Goes on once for each width that clocks go back, so it ends. */
	while ((end = first_shown(c->utc, wall + width)) <= ts_ns)
		wall += width;
	*out = (struct period_span){
	    .kind = kind, .label = calendar_label_of(wall), .mark = PERIOD_UNMARKED, .end_ns = end};
	out->start_ns = first_shown(c->utc, wall);
	/* No real zone gets here, but the moment must be in its period. */
	if (out->start_ns > ts_ns)
		out->start_ns = ts_ns / NS_PER_SECOND * NS_PER_SECOND;
	calendar_name(out);
}

/* --- Names ------------------------------------------------------------------------------------ */

void calendar_name(struct period_span *span)
{
	char mark[PERIOD_MARK_BYTES];

	calendar_mark_format(span->mark, mark);
	if (span->kind == PERIOD_DAILY)
		snprintf(
		    span->name, PERIOD_NAME_BYTES, "daily_%08u%s.json", span->label / 100, mark);
	else
		snprintf(span->name, PERIOD_NAME_BYTES, "hourly_%08u_%02u%s.json",
		    span->label / 100, span->label % 100, mark);
}

void calendar_snapshot_name(const struct calendar *c, uint64_t ts_ns, char out[PERIOD_NAME_BYTES])
{
	struct tm tm;

	wall_time_tm(c->utc, ts_ns, &tm);
	strftime(out, PERIOD_NAME_BYTES, "metrics_%Y%m%d_%H%M%S.json", &tm);
}

/* --- What a label may mean -------------------------------------------------------------------- */

/*
 * The most hours that the file of an unmarked label covers on the wall: widths divide the day, and
 * periods start at a multiple of theirs.
 */
static unsigned label_hours(uint32_t label)
{
	unsigned hour = label % 100;

	for (unsigned hours = 24; hours > 1; hours--)
		if (24 % hours == 0 && hour % hours == 0)
			return hours;
	return 1;
}

static int64_t label_seconds(enum period_kind kind, uint32_t label)
{
	return kind == PERIOD_DAILY ? DAY_S : label_hours(label) * HOUR_S;
}

void calendar_label_span(
    bool utc, enum period_kind kind, uint32_t label, uint64_t *start_ns, uint64_t *end_ns)
{
	int64_t wall = calendar_label_seconds(label);
	uint64_t first;

	*start_ns = first_shown(utc, wall);
	(void)wall_seconds_find(utc, wall + label_seconds(kind, label), &first, end_ns);
}

static uint64_t ns_of(int64_t seconds)
{
	return seconds > 0 ? (uint64_t)seconds * NS_PER_SECOND : 0;
}

/*
 * An unmarked one starts when clocks show its label. A marked one starts within its first hour, or
 * day, by the offset that it names, and may be of any width.
 */
void calendar_label_reach(
    enum period_kind kind, uint32_t label, uint32_t mark, uint64_t *start_ns, uint64_t *end_ns)
{
	int64_t wall = calendar_label_seconds(label);
	int64_t length = mark == PERIOD_UNMARKED ? label_seconds(kind, label) : 2 * DAY_S;

	*start_ns = ns_of(
	    wall - (mark == PERIOD_UNMARKED ? OFFSET_MAX_S : calendar_mark_offset(mark) + 60));
	*end_ns = ns_of(wall + length - OFFSET_MIN_S);
}

/* --- Numbers ---------------------------------------------------------------------------------- */

int64_t calendar_wall_hour(const struct calendar *c, uint64_t ts_ns)
{
	return divide(wall_at(c, ts_ns), HOUR_S);
}

int64_t calendar_wall_day(const struct calendar *c, uint64_t ts_ns)
{
	return divide(wall_at(c, ts_ns), DAY_S);
}
