/*
 * moment.c: a point in time as a person types it.
 */
#include "moment.h"
#include "clock.h"
#include "parse.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* A day of local time that exists, at a clock time; one that daylight saving skips is the next. */
static bool at(int year, int month, int day, int hour, int minute, int second, uint64_t *out)
{
	struct tm tm = {.tm_year = year - 1900,
	    .tm_mon = month - 1,
	    .tm_mday = day,
	    .tm_hour = hour,
	    .tm_min = minute,
	    .tm_sec = second,
	    .tm_isdst = -1};
	struct tm date = {.tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day};
	time_t t;

	if (hour > 23 || minute > 59 || second > 60)
		return false;
	(void)timegm(&date);
	if (date.tm_mday != day || date.tm_mon != month - 1)
		return false;
	t = mktime(&tm);
	if (t < 0 || (uint64_t)t >= UINT64_MAX / NS_PER_SECOND)
		return false;
	*out = (uint64_t)t * NS_PER_SECOND;
	return true;
}

/* Digits where the form has '0'; a 'T' may be a blank. */
static bool has_form(const char *text, const char *form)
{
	for (; *form; form++, text++) {
		bool digit = *text >= '0' && *text <= '9';

		if (*form == '0' ? !digit : *text != *form && !(*form == 'T' && *text == ' '))
			return false;
	}
	return *text == '\0';
}

static bool parse_wall_time(const char *text, const struct tm *today, uint64_t *out)
{
	int year = today->tm_year + 1900, month = today->tm_mon + 1, day = today->tm_mday;
	int hour = 0, minute = 0, second = 0;

	if (has_form(text, "00:00") || has_form(text, "00:00:00"))
		sscanf(text, "%2d:%2d:%2d", &hour, &minute, &second);
	else if (has_form(text, "0000-00-00") || has_form(text, "0000-00-00T00:00") ||
		 has_form(text, "0000-00-00T00:00:00"))
		sscanf(text, "%4d-%2d-%2d%*c%2d:%2d:%2d", &year, &month, &day, &hour, &minute,
		    &second);
	else
		return false;
	return at(year, month, day, hour, minute, second, out);
}

/* A bare number of seconds is no time that anyone means. */
static bool parse_ago(const char *text, uint64_t now_ns, uint64_t *out)
{
	size_t n = strlen(text);
	uint64_t ago_ns;

	if (n == 0 || (text[n - 1] >= '0' && text[n - 1] <= '9') ||
	    parse_duration(text, 0, now_ns, &ago_ns) < 0)
		return false;
	*out = now_ns - ago_ns;
	return true;
}

int parse_moment(const char *text, uint64_t now_ns, uint64_t *out)
{
	time_t now = (time_t)(now_ns / NS_PER_SECOND);
	struct tm today;
	int word;

	localtime_r(&now, &today);
	if (parse_choice(text, "now|today|yesterday", &word) == 0) {
		*out = now_ns;
		if (word == 0)
			return 0;
		/* By its noon, which every day has. */
		today.tm_mday -= word - 1;
		today.tm_hour = 12;
		today.tm_isdst = -1;
		(void)mktime(&today);
		return at(today.tm_year + 1900, today.tm_mon + 1, today.tm_mday, 0, 0, 0, out)
		           ? 0
		           : -EINVAL;
	}
	if (clock_parse_rfc3339(text, out) || parse_wall_time(text, &today, out) ||
	    parse_ago(text, now_ns, out))
		return 0;
	return -EINVAL;
}
