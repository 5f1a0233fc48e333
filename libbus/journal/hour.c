/*
 * hour.c: what time the name of a journal's file may stand for.
 */
#include "hour.h"
#include "base/calendar.h"

struct stretch {
	uint64_t start, end;
};

static bool overlaps(struct stretch s, uint64_t since_ns, uint64_t until_ns)
{
	return s.start < until_ns && s.end > since_ns;
}

static bool holds(struct stretch s, uint64_t ts_ns)
{
	return ts_ns >= s.start && ts_ns < s.end;
}

/* Of an unmarked label, where clocks are set by the local zone, or by UTC. */
static struct stretch here(const struct journal_name *name, bool utc)
{
	struct stretch s;

	calendar_label_span(utc, PERIOD_HOURLY, name->label, &s.start, &s.end);
	return s;
}

enum journal_hour journal_hour_may_hold(
    const struct journal_name *name, uint64_t since_ns, uint64_t until_ns)
{
	struct stretch anywhere;

	calendar_label_reach(
	    PERIOD_HOURLY, name->label, name->mark, &anywhere.start, &anywhere.end);
	if (!overlaps(anywhere, since_ns, until_ns))
		return JOURNAL_HOUR_NO;
	/* A mark says the zone. */
	if (name->mark != PERIOD_UNMARKED || overlaps(here(name, true), since_ns, until_ns) ||
	    overlaps(here(name, false), since_ns, until_ns))
		return JOURNAL_HOUR_YES;
	return JOURNAL_HOUR_ELSEWHERE;
}

bool journal_hour_is_known(const struct journal_name *name, uint64_t ts_ns)
{
	return holds(here(name, true), ts_ns) || holds(here(name, false), ts_ns);
}
