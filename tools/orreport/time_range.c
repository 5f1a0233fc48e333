/*
 * time_range.c: stretches of time as a person names them.
 *
 * Days are base/wall_time.h's and hours the calendar's: no rule of daylight saving is built in.
 */
#include "time_range.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/wall_time.h"
#include "common/time_parse.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NOON 12

/* From one day, to the end of another; a day that a zone leaves out has no length. */
static void days_span(const struct calendar *c, const struct wall_time *first,
    const struct wall_time *last, struct time_span *out)
{
	uint64_t ignored;

	(void)wall_day_find(
	    c->utc, first->year, first->month, first->day, &out->start_ns, &ignored);
	(void)wall_day_find(c->utc, last->year, last->month, last->day, &ignored, &out->end_ns);
}

/* So many days from one on. */
static void days_from(
    const struct calendar *c, const struct wall_time *first, int days, struct time_span *out)
{
	struct wall_time last = *first;

	wall_date_add(&last, days - 1);
	days_span(c, first, &last, out);
}

static void month_span(const struct calendar *c, int year, int month, struct time_span *out)
{
	struct wall_time first = {.year = year, .month = month, .day = 1}, last = first;

	last.month = month + 1; /* the 13th is the next year's first */
	wall_date_add(&last, -1);
	days_span(c, &first, &last, out);
}

/* Days since Monday. */
static int weekday(const struct tm *tm)
{
	return (tm->tm_wday + 6) % 7;
}

static bool parse_word(
    const struct calendar *c, uint64_t now_ns, const char *text, struct time_span *out)
{
	struct wall_time day;
	struct tm tm;
	int choice;

	if (parse_choice(
		text, "today|yesterday|this-week|last-week|this-month|last-month", &choice))
		return false;
	wall_time_at(c->utc, now_ns, &day);
	wall_time_tm(c->utc, now_ns, &tm);
	switch (choice) {
	case 0: days_from(c, &day, 1, out); break;
	case 1:
		days_from(c, &day, 1, out);
		/* The last day before it that exists in the zone. */
		wall_time_at(c->utc, out->start_ns - 1, &day);
		days_from(c, &day, 1, out);
		break;
	case 2:
	case 3:
		wall_date_add(&day, -weekday(&tm) - (choice == 3 ? 7 : 0));
		days_from(c, &day, 7, out);
		break;
	case 4: month_span(c, day.year, day.month, out); break;
	default:
		day.day = 1;
		wall_date_add(&day, -1);
		month_span(c, day.year, day.month, out);
	}
	return true;
}

/* The days of an ISO 8601 week: the first is the one that has 4 January. */
static bool week_span(const struct calendar *c, int year, int week, struct time_span *out)
{
	struct tm fourth = {.tm_year = year - 1900, .tm_mday = 4, .tm_hour = NOON}, thursday;
	struct wall_time monday = {.year = year, .month = 1};

	timegm(&fourth);
	wall_date_add(&monday, 4 - weekday(&fourth) + (week - 1) * 7);
	/* A week is of the year that its Thursday is in: there may be no 53rd. */
	thursday = (struct tm){.tm_year = monday.year - 1900,
	    .tm_mon = monday.month - 1,
	    .tm_mday = monday.day + 3,
	    .tm_hour = NOON};
	timegm(&thursday);
	if (week < 1 || thursday.tm_year != year - 1900)
		return false;
	days_from(c, &monday, 7, out);
	return true;
}

/* The period that holds an hour of the wall, both passes of it. One that clocks skip is none. */
static bool hour_span(const struct calendar *c, const struct wall_time *hour, struct time_span *out)
{
	struct period_span span;
	uint64_t first, last;

	if (wall_time_find(c->utc, hour, &first, &last) != 0)
		return false;
	calendar_span(c, PERIOD_HOURLY, first, &span);
	out->start_ns = span.start_ns;
	calendar_span(c, PERIOD_HOURLY, last, &span);
	out->end_ns = span.end_ns;
	return true;
}

static bool day_span(const struct calendar *c, const struct wall_time *day, struct time_span *out)
{
	return wall_day_find(
		   c->utc, day->year, day->month, day->day, &out->start_ns, &out->end_ns) == 0;
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
	struct wall_time t = {.month = 1, .day = 1};

	if (has_form(text, "0000-W00") && sscanf(text, "%4d-W%2d", &t.year, &t.month) == 2)
		return wall_date_exists(t.year, 1, 1) && week_span(c, t.year, t.month, out);
	sscanf(text, "%4d-%2d-%2dT%2d", &t.year, &t.month, &t.day, &t.hour);
	if (!wall_date_exists(t.year, t.month, t.day))
		return false;
	if (has_form(text, "0000-00")) {
		month_span(c, t.year, t.month, out);
		return true;
	}
	if (has_form(text, "0000-00-00"))
		return day_span(c, &t, out);
	return (has_form(text, "0000-00-00T00") ||
		   (has_form(text, "0000-00-00T00:00") && strcmp(text + 13, ":00") == 0)) &&
	       hour_span(c, &t, out);
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
	uint64_t first, last;

	if (time_parse_period(c, now_ns, text, out) == 0)
		return 0;
	if (time_parse(text, now_ns, MOMENT_SINCE, &first) < 0 ||
	    time_parse(text, now_ns, MOMENT_UNTIL, &last) < 0)
		return -EINVAL;
	/* A clock time is local, so with --utc it is refused. */
	if (c->utc && strchr(text, ':') && !clock_parse_rfc3339(text, &first))
		return -EINVAL;
	calendar_span(c, PERIOD_HOURLY, first, &hour);
	out->start_ns = hour.start_ns;
	calendar_span(c, PERIOD_HOURLY, last, &hour);
	out->end_ns = hour.end_ns;
	return 0;
}

void time_last_days(const struct calendar *c, uint64_t now_ns, uint64_t days, struct time_span *out)
{
	struct wall_time today, first;

	wall_time_at(c->utc, now_ns, &today);
	first = today;
	wall_date_add(&first, 1 - (int)days);
	days_span(c, &first, &today, out);
}

void time_label(
    const struct calendar *c, enum period_kind kind, uint64_t ns, char out[TIME_NAME_BYTES])
{
	struct tm tm;

	wall_time_tm(c->utc, ns, &tm);
	strftime(
	    out, TIME_NAME_BYTES, kind == PERIOD_DAILY ? "%a %Y-%m-%d" : "%a %m-%d %H:%M", &tm);
}

/* Writes the day of a moment; true where it is that day's first moment. */
static bool day_of(const struct calendar *c, uint64_t ns, char out[TIME_NAME_BYTES])
{
	struct period_span day;
	struct tm tm;

	calendar_span(c, PERIOD_DAILY, ns, &day);
	wall_time_tm(c->utc, ns, &tm);
	strftime(out, TIME_NAME_BYTES, "%Y-%m-%d", &tm);
	return day.start_ns == ns;
}

static void moment_of(const struct calendar *c, uint64_t ns, char out[TIME_NAME_BYTES])
{
	struct tm tm;

	wall_time_tm(c->utc, ns, &tm);
	strftime(out, TIME_NAME_BYTES, "%Y-%m-%d %H:%M", &tm);
}

void time_name(const struct calendar *c, const struct time_span *span, char out[TIME_NAME_BYTES])
{
	char first[TIME_NAME_BYTES], last[TIME_NAME_BYTES], ignored[TIME_NAME_BYTES];
	bool from_midnight = day_of(c, span->start_ns, first);
	bool whole_days = from_midnight && day_of(c, span->end_ns, ignored);

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

struct time_span time_span_before(
    const struct calendar *c, const struct time_span *span, uint64_t now_ns)
{
	const uint64_t hour = 3600 * NS_PER_SECOND, length = span->end_ns - span->start_ns;
	struct time_span before = {
	    span->start_ns > length ? span->start_ns - length : 0, span->start_ns};
	char ignored[TIME_NAME_BYTES];
	uint64_t passed;

	/* Days of 23 and 25 hours count as days. */
	if (span->start_ns > length && day_of(c, span->start_ns, ignored) &&
	    day_of(c, span->end_ns, ignored))
		time_last_days(c, span->start_ns - 1, (length + 12 * hour) / (24 * hour), &before);
	if (now_ns <= span->start_ns || now_ns >= span->end_ns)
		return before;
	passed = (now_ns - span->start_ns + hour - 1) / hour * hour;
	if (passed < before.end_ns - before.start_ns)
		before.end_ns = before.start_ns + passed;
	return before;
}
