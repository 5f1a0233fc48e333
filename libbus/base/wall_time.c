/*
 * wall_time.c: between moments and what clocks on the wall show.
 *
 * A wall time read as if it were UTC lies within 26 hours of every moment at which it is shown:
 * offsets go from -12 to +14 hours. The offsets of that stretch are collected a quarter of an hour
 * apart (none has been shorter-lived), and each offset that is in force where it leads gives a
 * moment. Where a look every two hours finds one offset alone, as on nearly all days, that is it.
 */
#include "wall_time.h"
#include "now.h"

#include <errno.h>
#include <string.h>

#define SECONDS_OF_DAY 86400
#define QUARTER        900
#define REACH          (26 * 3600)
#define COARSE         (2 * 3600)
/* More than one change within two days is rare; more than a few have never occurred. */
#define OFFSETS_MAX 8

static void tm_at(bool utc, int64_t seconds, struct tm *out)
{
	time_t t = (time_t)seconds;

	memset(out, 0, sizeof(*out));
	if (utc)
		gmtime_r(&t, out);
	else
		localtime_r(&t, out);
}

static int64_t offset_at(bool utc, int64_t seconds)
{
	struct tm tm;

	tm_at(utc, seconds, &tm);
	return tm.tm_gmtoff;
}

void wall_time_tm(bool utc, uint64_t ns, struct tm *out)
{
	tm_at(utc, (int64_t)(ns / NS_PER_SECOND), out);
}

int64_t wall_seconds_at(bool utc, uint64_t ns)
{
	int64_t seconds = (int64_t)(ns / NS_PER_SECOND);

	return utc ? seconds : seconds + offset_at(utc, seconds);
}

void wall_time_at(bool utc, uint64_t ns, struct wall_time *out)
{
	struct tm tm;

	wall_time_tm(utc, ns, &tm);
	*out = (struct wall_time){
	    tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec};
}

/* Days since 1970-01-01 of the Gregorian calendar; a day beyond the month's end is of the next. */
static int64_t day_number(int year, int month, int day)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};

	return (int64_t)timegm(&tm) / SECONDS_OF_DAY;
}

bool wall_date_exists(int year, int month, int day)
{
	struct tm tm = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};

	if (year < WALL_YEAR_MIN || year > WALL_YEAR_MAX || month < 1 || month > 12 || day < 1)
		return false;
	(void)timegm(&tm);
	return tm.tm_mday == day && tm.tm_mon == month - 1;
}

void wall_date_add(struct wall_time *date, int days)
{
	struct tm tm = {
	    .tm_year = date->year - 1900, .tm_mon = date->month - 1, .tm_mday = date->day + days};

	(void)timegm(&tm);
	date->year = tm.tm_year + 1900;
	date->month = tm.tm_mon + 1;
	date->day = tm.tm_mday;
}

static int collect_every(bool utc, int64_t around, int64_t step, int64_t offsets[OFFSETS_MAX])
{
	int count = 0;

	for (int64_t at = around - REACH; at <= around + REACH; at += step) {
		int64_t offset = offset_at(utc, at);
		int i = 0;

		while (i < count && offsets[i] != offset)
			i++;
		if (i == count && count < OFFSETS_MAX)
			offsets[count++] = offset;
	}
	return count;
}

/* The offsets that are in force around a moment. */
static int collect_offsets(bool utc, int64_t around, int64_t offsets[OFFSETS_MAX])
{
	int count = collect_every(utc, around, utc ? REACH : COARSE, offsets);

	return count == 1 ? count : collect_every(utc, around, QUARTER, offsets);
}

/* The moment between two at which clocks go from before `wall` to behind it: by halving. */
static int64_t skipped_at(bool utc, int64_t wall, int64_t before, int64_t after)
{
	while (after - before > 1) {
		int64_t middle = before + (after - before) / 2;

		*(middle + offset_at(utc, middle) < wall ? &before : &after) = middle;
	}
	return after;
}

/* Moments before the epoch are the epoch: nothing here is older. */
static uint64_t ns_of(int64_t seconds)
{
	return seconds > 0 ? (uint64_t)seconds * NS_PER_SECOND : 0;
}

int wall_seconds_find(bool utc, int64_t wall, uint64_t *first, uint64_t *last)
{
	int64_t offsets[OFFSETS_MAX], low = INT64_MAX, high = INT64_MIN;
	int count = collect_offsets(utc, wall, offsets);

	for (int i = 0; i < count; i++) {
		int64_t at = wall - offsets[i];

		if (offset_at(utc, at) != offsets[i])
			continue;
		low = at < low ? at : low;
		high = at > high ? at : high;
	}
	if (low > high) {
		low = skipped_at(utc, wall, wall - REACH, wall + REACH);
		*first = *last = ns_of(low);
		return -ENOENT;
	}
	*first = ns_of(low);
	*last = ns_of(high);
	return 0;
}

int wall_time_find(bool utc, const struct wall_time *t, uint64_t *first, uint64_t *last)
{
	if (!wall_date_exists(t->year, t->month, t->day) || t->hour < 0 || t->hour > 23 ||
	    t->minute < 0 || t->minute > 59 || t->second < 0 || t->second > 59)
		return -EINVAL;
	return wall_seconds_find(utc,
	    day_number(t->year, t->month, t->day) * SECONDS_OF_DAY + t->hour * 3600 +
		t->minute * 60 + t->second,
	    first, last);
}

int wall_day_find(bool utc, int year, int month, int day, uint64_t *start, uint64_t *end)
{
	int64_t number = day_number(year, month, day);
	uint64_t ignored;

	if (!wall_date_exists(year, month, day))
		return -EINVAL;
	/* Where midnight is skipped the day begins when that happens; where it repeats, the first
	 * time. */
	(void)wall_seconds_find(utc, number * SECONDS_OF_DAY, start, &ignored);
	(void)wall_seconds_find(utc, (number + 1) * SECONDS_OF_DAY, end, &ignored);
	return *start < *end ? 0 : -ENOENT;
}
