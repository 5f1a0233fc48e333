/*
 * wall_time.h: between moments and what clocks on the wall show, in local time or UTC.
 *
 * The one place that does so. A wall time occurs once as a rule. Where clocks go back it occurs
 * twice, and where they go forward it does not occur: nothing here guesses, so each caller says
 * which pass it means. No rule of daylight saving is built in: the C library is asked for local
 * time alone (localtime_r(), which reads $TZ and the zone database; tzset() is the program's to
 * call).
 *
 * It is not for the hours and days that files are of (calendar.h), nor for texts (clock.h,
 * common/time_parse.h).
 */
#ifndef ORBUS_BASE_WALL_TIME_H
#define ORBUS_BASE_WALL_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Years of which wall times are looked up. */
#define WALL_YEAR_MIN 1970
#define WALL_YEAR_MAX 2500

/* What a clock shows. `month` is 1 to 12, `day` 1 to 31, `second` 0 to 59. */
struct wall_time {
	int year, month, day, hour, minute, second;
};

/* What clocks show at a moment, in ns since the epoch: seconds, read as if they showed UTC. */
int64_t wall_seconds_at(bool utc, uint64_t ns);

/* The same as a date and a time. */
void wall_time_at(bool utc, uint64_t ns, struct wall_time *out);

/* The same with the day of the week and the offset from UTC. */
void wall_time_tm(bool utc, uint64_t ns, struct tm *out);

/* True for a date that the calendar has, of the years above. */
bool wall_date_exists(int year, int month, int day);

/* The date that is `days` after (or before) another. */
void wall_date_add(struct wall_time *date, int days);

/*
 * When clocks show a time: *first and *last, which are the same but where clocks went back. 0, or
 * -EINVAL for a time of no date, or -ENOENT where clocks never show it: *first and *last are then
 * the moment at which they skip it.
 */
int wall_time_find(bool utc, const struct wall_time *t, uint64_t *first, uint64_t *last);

/* The same for a time that is given as wall_seconds_at() gives it: 0 or -ENOENT. */
int wall_seconds_find(bool utc, int64_t wall, uint64_t *first, uint64_t *last);

/*
 * The moments [start, end) of a date: from the first moment at which clocks show it until they show
 * a later one. 0, -EINVAL for no date, -ENOENT for one that a zone skips.
 */
int wall_day_find(bool utc, int year, int month, int day, uint64_t *start, uint64_t *end);

#endif
