/*
 * reaper.h: which requests in flight have died with their process, or lost their end.
 *
 * It looks at the owners of lanes, each about once a second, a few at a time, so that
 * its caller goes on reading the ring meanwhile. It never reads the ring itself: its caller does,
 * between looking and settling. When the table of requests is cleared, or is another one, it begins
 * anew. A caller whose reader has gone to another bus clears the table before it notes anything
 * from there.
 */
#ifndef ORBUS_LIVE_REAPER_H
#define ORBUS_LIVE_REAPER_H

#include "inflight.h"
#include "ring/reader.h"

struct reaper;

/* `all_lanes`: looks at every lane in use, not only at those with requests in flight. */
struct reaper *reaper_new(bool all_lanes);
void reaper_free(struct reaper *p);

/*
 * Checks which owners are alive, in the lanes that are due: for `budget_ns` at most, and then not
 * again for 40 times as long. Forgets begins that are too old on the way. UINT64_MAX: looks at all
 * lanes, at once.
 */
void reaper_look(struct reaper *p, struct orbus_reader *r, struct inflight *f, uint64_t budget_ns);

/*
 * Takes out the dead requests of lanes that were looked at and have since been read as far as they
 * were published then, calling `dead` (may be NULL) with each begin; for about `budget_ns`.
 */
void reaper_settle(struct reaper *p, const struct orbus_reader *r, struct inflight *f,
    uint64_t budget_ns, inflight_gone_fn *dead, void *context);

/*
 * Forgets the requests of lanes that lost samples since the last call, calling `forgotten` (may be
 * NULL) with each: their ends may be among what was lost.
 */
void reaper_note_losses(struct reaper *p, const struct orbus_reader *r, struct inflight *f,
    inflight_gone_fn *forgotten, void *context);

/* Lanes that were looked at and not settled. */
uint32_t reaper_pending(const struct reaper *p);

/* When a round that was begun goes on, by CLOCK_MONOTONIC; UINT64_MAX: none was. */
uint64_t reaper_due_ns(const struct reaper *p);

/*
 * Lanes with a living owner, as of the last time that each was looked at; only where all lanes are.
 * -1: not known, since the process may only read the bus.
 */
int reaper_owned_lanes(const struct reaper *p);

#endif
