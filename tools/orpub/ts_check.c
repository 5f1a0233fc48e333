/*
 * ts_check.c: timestamps that the agent will not take as they are.
 *
 * The agent goes by days on the wall: it rejects a sample of a day that is more than its retention
 * before today, in local time or UTC as it was started. Here a sample is old only where both say
 * so: nothing is said of one that is counted.
 */
#include "ts_check.h"
#include "base/clock.h"
#include "base/wall_time.h"
#include "board/agent_info.h"
#include "stats/windows.h"

#include <inttypes.h>
#include <stdio.h>

#define TOOL "orpub"
/* Of an agent that was not told otherwise: agent/options.c. */
#define RETENTION_DAYS_PRESET 30
#define DAY_SECONDS           86400

void ts_check_begin(struct ts_check *c, const char *bus)
{
	*c = (struct ts_check){.bus = bus};
}

/* The board is read only once a sample is a day old: the least that an agent keeps. */
static void ask_agent(struct ts_check *c)
{
	struct agent_info agent;

	if (c->has_looked)
		return;
	c->has_looked = true;
	c->is_sure = agent_info_read(c->bus, &agent) == 0 && agent.is_live && agent.has_retention;
	c->retention_days = c->is_sure ? agent.retention_days : RETENTION_DAYS_PRESET;
}

static bool is_older(bool utc, uint64_t ts_ns, uint64_t now_ns, uint64_t days)
{
	int64_t day = wall_seconds_at(utc, ts_ns) / DAY_SECONDS,
		today = wall_seconds_at(utc, now_ns) / DAY_SECONDS;

	return today > day && (uint64_t)(today - day) > days;
}

/* "orpub: line 3: ts 2026-11-29T04:00:00Z" */
static void say_which(uint64_t ts_ns, unsigned long line)
{
	char shown[RFC3339_BYTES], where[32] = "--ts";

	if (line > 0)
		snprintf(where, sizeof(where), "line %lu", line);
	clock_format_rfc3339(ts_ns, shown);
	fprintf(stderr, TOOL ": %s: ts %s", where, shown);
}

static void look_at_old(struct ts_check *c, uint64_t ts_ns, uint64_t now_ns, unsigned long line)
{
	ask_agent(c);
	if (c->retention_days == 0 || !is_older(false, ts_ns, now_ns, c->retention_days) ||
	    !is_older(true, ts_ns, now_ns, c->retention_days) || c->old++ > 0)
		return;
	say_which(ts_ns, line);
	if (c->is_sure)
		fprintf(stderr,
		    " is older than the agent keeps files (%" PRIu64
		    " days): it will be rejected; start oragent with a longer --retention-days "
		    "first\n",
		    c->retention_days);
	else
		fprintf(stderr,
		    " is older than %" PRIu64
		    " days: an agent rejects it unless it is started with a longer "
		    "--retention-days\n",
		    c->retention_days);
}

static void look_at_ahead(struct ts_check *c, uint64_t ts_ns, unsigned long line)
{
	if (c->ahead++ > 0)
		return;
	say_which(ts_ns, line);
	fputs(" is in the future: it will be counted as of now, and as skewed; look at the clock, "
	      "or at the time zone of the ts\n",
	    stderr);
}

void ts_check_look(struct ts_check *c, uint64_t ts_ns, unsigned long line)
{
	uint64_t now_ns = ts_ns == 0 ? 0 : clock_realtime_ns();

	if (ts_ns == 0)
		return;
	if (ts_ns <= now_ns) {
		if (now_ns - ts_ns > DAY_SECONDS * NS_PER_SECOND)
			look_at_old(c, ts_ns, now_ns, line);
	} else if (ts_ns - now_ns > WINDOWS_SKEW_NS) {
		look_at_ahead(c, ts_ns, line);
	}
}

bool ts_check_end(const struct ts_check *c, uint64_t published)
{
	if (c->old > 1)
		fprintf(stderr,
		    TOOL ": %" PRIu64 " of %" PRIu64 " samples are older than %" PRIu64 " days\n",
		    c->old, published, c->retention_days);
	if (c->ahead > 1)
		fprintf(stderr, TOOL ": %" PRIu64 " of %" PRIu64 " samples are in the future\n",
		    c->ahead, published);
	return !(c->is_sure && c->old > 0);
}
