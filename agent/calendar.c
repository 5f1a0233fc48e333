/*
 * calendar.c: which file a moment belongs to, and what a file's name says.
 */
#include "calendar.h"
#include "clock.h"
#include "journal_name.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Offsets from UTC, and changes of them, come in quarters of an hour. */
#define QUARTER_NS (UINT64_C(900) * NS_PER_SECOND)
#define DAY_NS     (UINT64_C(86400) * NS_PER_SECOND)
/* A change of offset makes a period longer by this at most. */
#define STRETCH_QUARTERS 8

static void wall_time(const struct calendar *c, uint64_t ts_ns, struct tm *tm)
{
	time_t t = (time_t)(ts_ns / NS_PER_SECOND);

	memset(tm, 0, sizeof(*tm));
	if (c->utc)
		gmtime_r(&t, tm);
	else
		localtime_r(&t, tm);
}

uint32_t calendar_label(const struct calendar *c, enum period_kind kind, uint64_t ts_ns)
{
	struct tm tm;
	uint32_t day, hour = 0;

	wall_time(c, ts_ns, &tm);
	day = (uint32_t)((tm.tm_year + 1900) * 10000 + (tm.tm_mon + 1) * 100 + tm.tm_mday);
	if (kind == PERIOD_HOURLY)
		hour = (uint32_t)tm.tm_hour / c->hours * c->hours;
	return day * 100 + hour;
}

bool calendar_can_tell(uint64_t ts_ns)
{
	return ts_ns >= DAY_NS && ts_ns <= (uint64_t)INT64_MAX - 2 * DAY_NS;
}

void calendar_name(enum period_kind kind, uint32_t label, char out[PERIOD_NAME_BYTES])
{
	if (kind == PERIOD_DAILY)
		snprintf(out, PERIOD_NAME_BYTES, "daily_%08u.json", label / 100);
	else
		snprintf(out, PERIOD_NAME_BYTES, "hourly_%08u_%02u.json", label / 100, label % 100);
}

/*
 * The period's bounds are found by walking from the moment in quarters of an hour for as far as a
 * period can reach: no rule about daylight saving needs to be known.
 */
void calendar_span(
    const struct calendar *c, enum period_kind kind, uint64_t ts_ns, struct period_span *out)
{
	uint64_t quarter = ts_ns / QUARTER_NS, first = quarter, last = quarter;
	unsigned reach = (kind == PERIOD_DAILY ? 24 : c->hours) * 4 + STRETCH_QUARTERS;
	uint32_t label = calendar_label(c, kind, ts_ns);

	for (uint64_t i = 1; i <= reach; i++) {
		if (quarter >= i && calendar_label(c, kind, (quarter - i) * QUARTER_NS) == label)
			first = quarter - i;
		if (calendar_label(c, kind, (quarter + i) * QUARTER_NS) == label)
			last = quarter + i;
	}
	*out = (struct period_span){.kind = kind,
	    .label = label,
	    .start_ns = first * QUARTER_NS,
	    .end_ns = (last + 1) * QUARTER_NS};
	calendar_name(kind, label, out->name);
}

static int64_t wall_seconds(const struct calendar *c, uint64_t ts_ns)
{
	struct tm tm;

	wall_time(c, ts_ns, &tm);
	return (int64_t)(ts_ns / NS_PER_SECOND) + tm.tm_gmtoff;
}

/* Rounded down, also before 1970. */
static int64_t divide(int64_t seconds, int64_t unit)
{
	return seconds / unit - (seconds % unit < 0);
}

int64_t calendar_wall_hour(const struct calendar *c, uint64_t ts_ns)
{
	return divide(wall_seconds(c, ts_ns), 3600);
}

int64_t calendar_wall_day(const struct calendar *c, uint64_t ts_ns)
{
	return divide(wall_seconds(c, ts_ns), 86400);
}

void calendar_snapshot_name(const struct calendar *c, uint64_t ts_ns, char out[PERIOD_NAME_BYTES])
{
	struct tm tm;

	wall_time(c, ts_ns, &tm);
	strftime(out, PERIOD_NAME_BYTES, "metrics_%Y%m%d_%H%M%S.json", &tm);
}

/* True when `name` is `prefix`, then digits where the pattern has '0', then ".json". */
static bool has_form(const char *name, const char *pattern)
{
	size_t n = strlen(pattern);

	if (strlen(name) != n)
		return false;
	for (size_t i = 0; i < n; i++) {
		bool digit = name[i] >= '0' && name[i] <= '9';

		if (pattern[i] == '0' ? !digit : name[i] != pattern[i])
			return false;
	}
	return true;
}

static bool parse_date(const char *date, int64_t *day)
{
	struct tm tm = {0}, normal;
	time_t t;

	if (sscanf(date, "%4d%2d%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday) != 3)
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	normal = tm;
	t = timegm(&normal);
	/* The 31st of June is no date, so the name is not ours. */
	if (normal.tm_mday != tm.tm_mday || normal.tm_mon != tm.tm_mon)
		return false;
	*day = (int64_t)t / 86400;
	return true;
}

bool calendar_parse_name(const char *name, int64_t *day)
{
	struct journal_name journal;

	if (!has_form(name, "hourly_00000000_00.json") && !has_form(name, "daily_00000000.json") &&
	    !has_form(name, "metrics_00000000_000000.json") && !journal_name_parse(name, &journal))
		return false;
	return parse_date(strchr(name, '_') + 1, day);
}
