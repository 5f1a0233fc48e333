/*
 * calendar_label.c: the labels and marks of periods.
 */
#include "calendar_label.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/* A mark is (offset in minutes + this) * 1000 + number, which is more than 0. */
#define MARK_BIAS    (24 * 60)
#define MARK_NUMBERS (PERIOD_MARK_NUMBERS_MAX + 1)

uint32_t calendar_label_of(int64_t wall)
{
	time_t t = (time_t)wall;
	struct tm tm;

	gmtime_r(&t, &tm);
	return (uint32_t)((tm.tm_year + 1900) * 1000000 + (tm.tm_mon + 1) * 10000 +
			  tm.tm_mday * 100 + tm.tm_hour);
}

int64_t calendar_label_seconds(uint32_t label)
{
	struct tm tm = {.tm_year = (int)(label / 1000000) - 1900,
	    .tm_mon = (int)(label / 10000 % 100) - 1,
	    .tm_mday = (int)(label / 100 % 100),
	    .tm_hour = (int)(label % 100)};

	return (int64_t)timegm(&tm);
}

uint32_t calendar_mark(int64_t offset_seconds, unsigned number)
{
	return (uint32_t)(offset_seconds / 60 + MARK_BIAS) * MARK_NUMBERS + number;
}

int64_t calendar_mark_offset(uint32_t mark)
{
	return ((int64_t)(mark / MARK_NUMBERS) - MARK_BIAS) * 60;
}

void calendar_mark_format(uint32_t mark, char out[PERIOD_MARK_BYTES])
{
	int minutes = (int)(mark / MARK_NUMBERS % (2 * MARK_BIAS)) - MARK_BIAS;
	unsigned number = mark % MARK_NUMBERS, size = (unsigned)abs(minutes);

	*out = '\0';
	if (mark == PERIOD_UNMARKED)
		return;
	if (number > 1)
		snprintf(out, PERIOD_MARK_BYTES, "%c%02u%02u_%u", minutes < 0 ? '-' : '+',
		    size / 60 % 100, size % 60, number);
	else
		snprintf(out, PERIOD_MARK_BYTES, "%c%02u%02u", minutes < 0 ? '-' : '+',
		    size / 60 % 100, size % 60);
}

static bool is_digits(const char *text, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (text[i] < '0' || text[i] > '9')
			return false;
	return true;
}

const char *calendar_mark_parse(const char *text, uint32_t *mark)
{
	const char *rest = text + 5;
	unsigned hours, minutes, number = 1;
	int64_t offset;
	char *end;

	*mark = PERIOD_UNMARKED;
	if ((*text != '+' && *text != '-') || !is_digits(text + 1, 4))
		return text;
	hours = (unsigned)(text[1] - '0') * 10 + (unsigned)(text[2] - '0');
	minutes = (unsigned)(text[3] - '0') * 10 + (unsigned)(text[4] - '0');
	if (*rest == '_' && rest[1] > '0' && rest[1] <= '9') {
		number = (unsigned)strtoul(rest + 1, &end, 10);
		if (end - rest > 4 || number < 2)
			return text;
		rest = end;
	}
	if (hours > 23 || minutes > 59 || (*text == '-' && hours == 0 && minutes == 0))
		return text;
	offset = (int64_t)(hours * 60 + minutes) * 60;
	*mark = calendar_mark(*text == '-' ? -offset : offset, number);
	return rest;
}

bool calendar_mark_exists(uint32_t mark)
{
	char text[PERIOD_MARK_BYTES];
	uint32_t again;

	calendar_mark_format(mark, text);
	return *calendar_mark_parse(text, &again) == '\0' && again == mark;
}

/* What it says is written again: the 31st of June comes out as another day. */
bool calendar_label_exists(uint32_t label)
{
	return calendar_label_of(calendar_label_seconds(label)) == label;
}

int64_t calendar_label_day(uint32_t label)
{
	int64_t seconds = calendar_label_seconds(label);

	return seconds / DAY_S - (seconds % DAY_S < 0); /* rounded down, also before 1970 */
}
