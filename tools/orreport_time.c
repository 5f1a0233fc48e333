/*
 * orreport_time.c: stretches of time as a person names them.
 *
 * A day is found by its noon and its bounds by the calendar, so that no rule of daylight saving is
 * built in: there are days that begin at one o'clock.
 */
#include "orreport_time.h"
#include "clock.h"
#include "moment.h"
#include "parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NOON 12
/* Years that the agent's files can be of. */
#define YEAR_MIN 1970
#define YEAR_MAX 2500

static void wall_time(const struct calendar *c, uint64_t ns, struct tm *tm)
{
	time_t t = (time_t)(ns / NS_PER_SECOND);

	memset(tm, 0, sizeof(*tm));
	if (c->utc)
		gmtime_r(&t, tm);
	else
		localtime_r(&t, tm);
}

/* The period that holds an hour on the wall; days beyond a month's end are of the next one. */
static void span_at(const struct calendar *c, enum period_kind kind, int year, int month, int day,
    int hour, struct time_span *out)
{
	struct tm tm = {.tm_year = year - 1900,
	    .tm_mon = month - 1,
	    .tm_mday = day,
	    .tm_hour = hour,
	    .tm_isdst = -1};
	struct period_span span;
	time_t t = c->utc ? timegm(&tm) : mktime(&tm);

	calendar_span(c, kind, (uint64_t)(t < 0 ? 0 : t) * NS_PER_SECOND, &span);
	*out = (struct time_span){span.start_ns, span.end_ns};
}

/* From one day, to the end of another. */
static void days_span(
    const struct calendar *c, int year, int month, int first, int last, struct time_span *out)
{
	struct time_span end;

	span_at(c, PERIOD_DAILY, year, month, first, NOON, out);
	span_at(c, PERIOD_DAILY, year, month, last, NOON, &end);
	out->end_ns = end.end_ns;
}

static int month_days(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

/* Days since Monday. */
static int weekday(const struct tm *tm)
{
	return (tm->tm_wday + 6) % 7;
}

static bool parse_word(
    const struct calendar *c, uint64_t now_ns, const char *text, struct time_span *out)
{
	struct tm tm;
	int year, month, day, choice;

	wall_time(c, now_ns, &tm);
	year = tm.tm_year + 1900;
	month = tm.tm_mon + 1;
	day = tm.tm_mday;
	if (parse_choice(
		text, "today|yesterday|this-week|last-week|this-month|last-month", &choice))
		return false;
	switch (choice) {
	case 0: days_span(c, year, month, day, day, out); break;
	case 1: days_span(c, year, month, day - 1, day - 1, out); break;
	case 2:
	case 3:
		day -= weekday(&tm) + (choice == 3 ? 7 : 0);
		days_span(c, year, month, day, day + 6, out);
		break;
	default:
		if (choice == 5 && --month == 0) {
			month = 12;
			year--;
		}
		days_span(c, year, month, 1, month_days(year, month), out);
	}
	return true;
}

/* The days of an ISO 8601 week: the first is the one that has 4 January. */
static bool week_span(const struct calendar *c, int year, int week, struct time_span *out)
{
	struct tm fourth = {.tm_year = year - 1900, .tm_mday = 4, .tm_hour = NOON}, thursday;
	int monday;

	timegm(&fourth);
	monday = 4 - weekday(&fourth) + (week - 1) * 7;
	/* A week is of the year that its Thursday is in: there may be no 53rd. */
	thursday = (struct tm){.tm_year = year - 1900, .tm_mday = monday + 3, .tm_hour = NOON};
	timegm(&thursday);
	if (week < 1 || thursday.tm_year != year - 1900)
		return false;
	days_span(c, year, 1, monday, monday + 6, out);
	return true;
}

static bool is_date(int year, int month, int day)
{
	return year >= YEAR_MIN && year <= YEAR_MAX && month >= 1 && month <= 12 && day >= 1 &&
	       day <= month_days(year, month);
}

/* An hour that daylight saving skips is none. */
static bool hour_span(
    const struct calendar *c, int year, int month, int day, int hour, struct time_span *out)
{
	struct tm tm;

	if (hour > 23)
		return false;
	span_at(c, PERIOD_HOURLY, year, month, day, hour, out);
	wall_time(c, out->start_ns, &tm);
	return tm.tm_hour == hour;
}

/* Digits where the form has '0', else the form's own characters. */
static bool has_form(const char *text, const char *form)
{
	for (; *form; form++, text++)
		if (*form == '0' ? *text < '0' || *text > '9' : *text != *form)
			return false;
	return *text == '\0';
}

static bool parse_date(const struct calendar *c, const char *text, struct time_span *out)
{
	int year = 0, month = 1, day = 1, hour = 0;

	if (has_form(text, "0000-W00") && sscanf(text, "%4d-W%2d", &year, &month) == 2)
		return is_date(year, 1, 1) && week_span(c, year, month, out);
	sscanf(text, "%4d-%2d-%2dT%2d", &year, &month, &day, &hour);
	if (!is_date(year, month, day))
		return false;
	if (has_form(text, "0000-00"))
		days_span(c, year, month, 1, month_days(year, month), out);
	else if (has_form(text, "0000-00-00"))
		days_span(c, year, month, day, day, out);
	else
		return (has_form(text, "0000-00-00T00") ||
			   (has_form(text, "0000-00-00T00:00") && strcmp(text + 13, ":00") == 0)) &&
		       hour_span(c, year, month, day, hour, out);
	return true;
}

static bool parse_one(
    const struct calendar *c, uint64_t now_ns, const char *text, struct time_span *out)
{
	return parse_word(c, now_ns, text, out) || parse_date(c, text, out);
}

int time_parse_period(
    const struct calendar *c, uint64_t now_ns, const char *text, struct time_span *out)
{
	const char *slash = strchr(text, '/');
	struct time_span last;
	char first[32];

	if (!slash)
		return parse_one(c, now_ns, text, out) ? 0 : -EINVAL;
	if ((size_t)(slash - text) >= sizeof(first))
		return -EINVAL;
	memcpy(first, text, (size_t)(slash - text));
	first[slash - text] = '\0';
	if (!parse_one(c, now_ns, first, out) || !parse_one(c, now_ns, slash + 1, &last) ||
	    last.end_ns <= out->start_ns)
		return -EINVAL;
	out->end_ns = last.end_ns;
	return 0;
}

int time_parse_when(
    const struct calendar *c, uint64_t now_ns, const char *text, struct time_span *out)
{
	struct period_span hour;
	uint64_t ns;

	if (time_parse_period(c, now_ns, text, out) == 0)
		return 0;
	if (parse_moment(text, now_ns, &ns) < 0)
		return -EINVAL;
	/* What clocks on the wall show is local time, and --utc wants none of it. */
	if (c->utc && strchr(text, ':') && !clock_parse_rfc3339(text, &ns))
		return -EINVAL;
	calendar_span(c, PERIOD_HOURLY, ns, &hour);
	*out = (struct time_span){hour.start_ns, hour.end_ns};
	return 0;
}

void time_last_days(const struct calendar *c, uint64_t now_ns, uint64_t days, struct time_span *out)
{
	struct tm tm;

	wall_time(c, now_ns, &tm);
	days_span(c, tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday - (int)days + 1, tm.tm_mday, out);
}

void time_label(
    const struct calendar *c, enum period_kind kind, uint64_t ns, char out[TIME_NAME_BYTES])
{
	struct tm tm;

	wall_time(c, ns, &tm);
	strftime(
	    out, TIME_NAME_BYTES, kind == PERIOD_DAILY ? "%a %Y-%m-%d" : "%a %m-%d %H:%M", &tm);
}

/* The day of a moment, and whether it is one's first. */
static bool day_of(const struct calendar *c, uint64_t ns, char out[TIME_NAME_BYTES])
{
	struct period_span day;
	struct tm tm;

	calendar_span(c, PERIOD_DAILY, ns, &day);
	wall_time(c, ns, &tm);
	strftime(out, TIME_NAME_BYTES, "%Y-%m-%d", &tm);
	return day.start_ns == ns;
}

static void moment_of(const struct calendar *c, uint64_t ns, char out[TIME_NAME_BYTES])
{
	struct tm tm;

	wall_time(c, ns, &tm);
	strftime(out, TIME_NAME_BYTES, "%Y-%m-%d %H:%M", &tm);
}

void time_name(const struct calendar *c, const struct time_span *span, char out[TIME_NAME_BYTES])
{
	char first[TIME_NAME_BYTES], last[TIME_NAME_BYTES], ignored[TIME_NAME_BYTES];
	bool whole_days = day_of(c, span->start_ns, first) & day_of(c, span->end_ns, ignored);

	if (whole_days) {
		day_of(c, span->end_ns - 1, last);
	} else {
		moment_of(c, span->start_ns, first);
		moment_of(c, span->end_ns, last);
	}
	if (strcmp(first, last) == 0)
		snprintf(out, TIME_NAME_BYTES, "%.24s", first);
	else
		snprintf(out, TIME_NAME_BYTES, "%.24s to %.24s", first, last);
}
