/*
 * time_parse.c: a point in time as a person types it.
 */
#include "time_parse.h"
#include "base/clock.h"
#include "base/parse.h"
#include "base/wall_time.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static bool at(const struct wall_time *t, enum moment_use use, uint64_t *out)
{
	uint64_t first, last;

	if (wall_time_find(false, t, &first, &last) == -EINVAL)
		return false;
	*out = use == MOMENT_SINCE ? first : last;
	return true;
}

static bool day_begins(const struct wall_time *date, uint64_t *out)
{
	uint64_t end;

	return wall_day_find(false, date->year, date->month, date->day, out, &end) == 0;
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

static bool parse_wall_time(
    const char *text, const struct wall_time *now, enum moment_use use, uint64_t *out)
{
	struct wall_time t = {.year = now->year, .month = now->month, .day = now->day};

	if (has_form(text, "00:00") || has_form(text, "00:00:00")) {
		sscanf(text, "%2d:%2d:%2d", &t.hour, &t.minute, &t.second);
		return at(&t, use, out);
	}
	if (has_form(text, "0000-00-00")) {
		sscanf(text, "%4d-%2d-%2d", &t.year, &t.month, &t.day);
		return day_begins(&t, out);
	}
	if (!has_form(text, "0000-00-00T00:00") && !has_form(text, "0000-00-00T00:00:00"))
		return false;
	sscanf(text, "%4d-%2d-%2d%*c%2d:%2d:%2d", &t.year, &t.month, &t.day, &t.hour, &t.minute,
	    &t.second);
	return at(&t, use, out);
}

/* A bare number is refused: it could be seconds ago, or seconds since 1970. */
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

/* "yesterday": the last day before today that exists in the zone. */
static bool parse_word(
    const char *text, uint64_t now_ns, const struct wall_time *now, uint64_t *out)
{
	struct wall_time day = *now;
	int word;

	if (parse_choice(text, "now|today|yesterday", &word) < 0)
		return false;
	*out = now_ns;
	if (word == 0)
		return true;
	if (!day_begins(&day, out))
		return false;
	if (word == 1)
		return true;
	wall_time_at(false, *out - 1, &day);
	return day_begins(&day, out);
}

int time_parse(const char *text, uint64_t now_ns, enum moment_use use, uint64_t *out)
{
	struct wall_time now;

	wall_time_at(false, now_ns, &now);
	if (parse_word(text, now_ns, &now, out) || clock_parse_rfc3339(text, out) ||
	    parse_wall_time(text, &now, use, out) || parse_ago(text, now_ns, out))
		return 0;
	return -EINVAL;
}
