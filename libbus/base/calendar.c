/*
 * calendar.c: the hours and days that files are of, and the names of their files.
 *
 * Clocks on the wall are asked through wall_time.h alone. A wall time is a number here: seconds
 * since the epoch, read as if it were UTC. Widths divide the day, so a period's label is that
 * number rounded down.
 */
#include "calendar.h"
#include "clock.h"
#include "journal_name.h"
#include "wall_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define HOUR_S INT64_C(3600)
#define DAY_S  INT64_C(86400)
#define DAY_NS (UINT64_C(86400) * NS_PER_SECOND)
/* Offsets from UTC lie between these. */
#define OFFSET_MIN_S (-12 * HOUR_S)
#define OFFSET_MAX_S (14 * HOUR_S)
/* A mark is (offset in minutes + this) * 1000 + number, which is more than 0. */
#define MARK_BIAS    (24 * 60)
#define MARK_NUMBERS (PERIOD_MARK_NUMBERS_MAX + 1)

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
 * Both bounds are first moments, of the label and of the one after it: where two periods meet, they
 * have asked for the same. After clocks went back the later label may have been shown before.
 */
void calendar_span(
    const struct calendar *c, enum period_kind kind, uint64_t ts_ns, struct period_span *out)
{
	int64_t width = width_of(c, kind), wall = divide(wall_at(c, ts_ns), width) * width;
	uint64_t end;

	/* As many times as clocks go back in widths: it ends, since labels of the future come. */
	while ((end = first_shown(c->utc, wall + width)) <= ts_ns)
		wall += width;
	*out = (struct period_span){
	    .kind = kind, .label = calendar_label_of(wall), .mark = PERIOD_UNMARKED, .end_ns = end};
	out->start_ns = first_shown(c->utc, wall);
	/* In no zone of this world; but the moment must be in its period. */
	if (out->start_ns > ts_ns)
		out->start_ns = ts_ns / NS_PER_SECOND * NS_PER_SECOND;
	calendar_name(out);
}

/* --- Names ------------------------------------------------------------------------------------ */

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
	return divide(calendar_label_seconds(label), DAY_S);
}

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

/*
 * What follows `form` at the front of a text, which has digits where the form has '0'. NULL: the
 * text is not of that form.
 */
static const char *after_form(const char *text, const char *form)
{
	for (; *form; form++, text++)
		if (*form == '0' ? *text < '0' || *text > '9' : *text != *form)
			return NULL;
	return text;
}

static bool parse_period(const char *name, struct period_name *out)
{
	const char *rest = after_form(name, "hourly_00000000_00");
	unsigned day, hour = 0;

	out->file = PERIOD_FILE_HOURLY;
	if (!rest) {
		rest = after_form(name, "daily_00000000");
		out->file = PERIOD_FILE_DAILY;
	}
	if (!rest)
		return false;
	rest = calendar_mark_parse(rest, &out->mark);
	if (strcmp(rest, ".json") != 0 || sscanf(strchr(name, '_'), "_%8u_%2u", &day, &hour) < 1)
		return false;
	out->label = day * 100 + (out->file == PERIOD_FILE_HOURLY ? hour : 0);
	return true;
}

static bool parse_other(const char *name, struct period_name *out)
{
	const char *rest = after_form(name, "metrics_00000000_000000.json");
	struct journal_name journal;
	unsigned day;

	out->file = PERIOD_FILE_OTHER;
	out->mark = PERIOD_UNMARKED;
	if (journal_name_parse(name, &journal)) {
		out->label = journal.label;
		out->mark = journal.mark;
		return true;
	}
	if (!rest || *rest || sscanf(name, "metrics_%8u", &day) != 1)
		return false;
	out->label = day * 100;
	return true;
}

bool calendar_parse_name(const char *name, struct period_name *out)
{
	if ((!parse_period(name, out) && !parse_other(name, out)) ||
	    !calendar_label_exists(out->label))
		return false;
	out->day = calendar_label_day(out->label);
	return true;
}

/* --- What a label may mean -------------------------------------------------------------------- */

/* Widths divide the day, and periods start at a multiple of theirs. */
unsigned calendar_label_hours(uint32_t label)
{
	unsigned hour = label % 100;

	for (unsigned hours = 24; hours > 1; hours--)
		if (24 % hours == 0 && hour % hours == 0)
			return hours;
	return 1;
}

static int64_t label_seconds(enum period_kind kind, uint32_t label)
{
	return kind == PERIOD_DAILY ? DAY_S : calendar_label_hours(label) * HOUR_S;
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
