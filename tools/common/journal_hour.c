/*
 * journal_hour.c: what time the label in a journal file's name may stand for.
 */
#include "journal_hour.h"
#include "now.h"

#include <string.h>
#include <time.h>

#define HOUR_S INT64_C(3600)
/* Between UTC and any time zone lie 14 hours at most. */
#define ZONES_S (14 * HOUR_S)

/* The most hours that a file of this label may cover: they divide the day, and it starts them. */
static int64_t hours_of(uint32_t label)
{
	unsigned hour = label % 100;

	for (unsigned hours = 24; hours > 1; hours--)
		if (24 % hours == 0 && hour % hours == 0)
			return hours;
	return 1;
}

static struct tm wall_of(uint32_t label)
{
	return (struct tm){.tm_year = (int)(label / 1000000) - 1900,
	    .tm_mon = (int)(label / 10000 % 100) - 1,
	    .tm_mday = (int)(label / 100 % 100),
	    .tm_hour = (int)(label % 100),
	    .tm_isdst = -1};
}

static long offset_at(time_t t)
{
	struct tm tm;

	localtime_r(&t, &tm);
	return tm.tm_gmtoff;
}

struct stretch {
	int64_t start, end; /* seconds since the epoch */
};

static struct stretch in_utc(uint32_t label)
{
	struct tm tm = wall_of(label);
	int64_t start = timegm(&tm);

	return (struct stretch){start, start + hours_of(label) * HOUR_S};
}

/* Where the clocks are changed nearby, the hour may come twice, or be another. */
static struct stretch here(uint32_t label)
{
	struct tm tm = wall_of(label);
	int64_t start = mktime(&tm), end = start + hours_of(label) * HOUR_S;
	bool changes = offset_at(start - 3 * HOUR_S) != offset_at(end + 3 * HOUR_S);
	int64_t slack = changes ? 2 * HOUR_S : 0;

	return (struct stretch){start - slack, end + slack};
}

static bool overlaps(struct stretch s, uint64_t since_ns, uint64_t until_ns)
{
	const int64_t last = until_ns == 0 ? -1 : (int64_t)((until_ns - 1) / NS_PER_SECOND);

	return s.start <= last && s.end > (int64_t)(since_ns / NS_PER_SECOND);
}

enum journal_hour journal_hour_may_hold(uint32_t label, uint64_t since_ns, uint64_t until_ns)
{
	struct stretch utc = in_utc(label), anywhere = {utc.start - ZONES_S, utc.end + ZONES_S};

	if (overlaps(utc, since_ns, until_ns) || overlaps(here(label), since_ns, until_ns))
		return JOURNAL_HOUR_YES;
	return overlaps(anywhere, since_ns, until_ns) ? JOURNAL_HOUR_ELSEWHERE : JOURNAL_HOUR_NO;
}

bool journal_hour_is_known(uint32_t label, uint64_t ts_ns)
{
	int64_t ts = (int64_t)(ts_ns / NS_PER_SECOND);
	struct stretch utc = in_utc(label), local = here(label);

	return (ts >= utc.start && ts < utc.end) || (ts >= local.start && ts < local.end);
}
