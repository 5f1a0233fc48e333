/*
 * pace.c: publishing many samples no faster than an agent counts them.
 *
 * An agent's board tells since when everything published has been read. orpub notes the time after
 * each quarter of its lane, and goes on to the next one only once all but the last two are read: so
 * at most three quarters wait, and none is overwritten. The agent comes in time, since each quarter
 * rings its bell. Without an agent nothing waits: a shell that fills a bus for ortail needs none.
 */
#include "pace.h"
#include "base/clock.h"
#include "board/board.h"
#include "orbus.h"

#include <string.h>
#include <time.h>

#define LOOK_NS 1000000

void pace_begin(struct pace *p, const char *bus)
{
	struct orbus_bus_info info;

	*p = (struct pace){.bus = bus};
	if (orbus_inspect(bus, &info) != 0)
		return;
	p->slots = info.slots;
	p->quarter = info.slots / PACE_MARKS;
}

/* Takes over what the agent says that it has read. True: it lives. */
static bool look_at_agent(struct pace *p)
{
	uint64_t now = p->published / p->quarter;
	struct board_snapshot board;

	if (board_peek(p->bus, &board) != 0 || !board.is_live)
		return false;
	/* One of an earlier version does not say: it is believed to keep up, as it was before. */
	if (board.drained_ns == 0)
		p->counted = p->published;
	for (uint64_t quarter = now; quarter > 0 && quarter + PACE_MARKS > now; quarter--) {
		if (p->marks_ns[quarter % PACE_MARKS] > board.drained_ns)
			continue;
		if (quarter * p->quarter > p->counted)
			p->counted = quarter * p->quarter;
		break;
	}
	return true;
}

/* An agent that lives and reads nothing for so long is not waited for again. */
static void wait_for_agent(struct pace *p, uint64_t wanted)
{
	const struct timespec pause = {0, LOOK_NS};
	uint64_t started_ns = clock_monotonic_ns();

	while (look_at_agent(p) && p->counted < wanted && !p->gave_up) {
		nanosleep(&pause, NULL);
		p->gave_up = clock_monotonic_ns() - started_ns > BOARD_STALE_NS;
	}
}

static void take_losses(struct pace *p)
{
	if (p->published - p->counted <= p->slots)
		return;
	p->lost += p->published - p->slots - p->counted;
	p->counted = p->published - p->slots;
}

void pace_published(struct pace *p)
{
	p->published++;
	if (p->quarter == 0 || p->published % p->quarter != 0)
		return;
	p->marks_ns[p->published / p->quarter % PACE_MARKS] = now_ns_of(CLOCK_BOOTTIME);
	wait_for_agent(p, p->published > 2 * p->quarter ? p->published - 2 * p->quarter : 0);
	take_losses(p);
}

uint64_t pace_lost(struct pace *p)
{
	if (p->quarter == 0)
		return 0;
	(void)look_at_agent(p);
	take_losses(p);
	return p->lost;
}
