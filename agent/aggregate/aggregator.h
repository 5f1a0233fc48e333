/*
 * aggregator.h: everything that the agent knows: what it has counted, and how far it has read.
 *
 * The two belong together: saving them in one file, replaced as one, is what makes every sample
 * count exactly once (agent/persist/checkpoint_draft.h). The aggregator is not for files or clocks:
 * it is told the time.
 */
#ifndef ORBUS_AGENT_AGGREGATE_AGGREGATOR_H
#define ORBUS_AGENT_AGGREGATE_AGGREGATOR_H

#include "given_times.h"
#include "live/bots.h"
#include "live/inflight.h"
#include "periods.h"
#include "stats/windows.h"
#include "trend_hours.h"

/* Samples of one stretch of 5 s, not yet added to the periods and windows. */
struct delta {
	bool used;
	bool replayed;
	bool counted; /* in the periods; the windows from `window` on are yet to get it */
	enum window window;
	uint64_t stretch; /* ts / 5 s */
	uint64_t shown;   /* likewise of the time that the windows have it at */
	struct aggregate sum;
};

#define AGGREGATOR_DELTAS 16

/* What becomes of a request beside being counted. */
enum aggregator_kept { AGGREGATOR_KEPT, AGGREGATOR_NOT_KEPT, AGGREGATOR_NO_MEMORY };
/* Told of every request that is counted, with the time that it counts at. */
typedef enum aggregator_kept aggregator_request_fn(void *context, const struct orbus_sample *s);

struct aggregator {
	struct periods periods;
	struct windows *windows;
	struct inflight *inflight;
	struct bots *bots;
	struct given_times *given;
	struct trend_hours hours;
	struct aggregate lifetime;
	uint64_t lifetime_since_ns;
	const struct tag_names *tags; /* by whose values requests are counted; NULL: none */
	unsigned retention_days;
	uint64_t reference_ns; /* the time that retention goes by, 0: the wall clock's */
	struct delta deltas[AGGREGATOR_DELTAS];
	uint64_t changes;            /* grows with everything that is worth a checkpoint */
	uint64_t last_request_ns;    /* when the newest request ended, 0: none is known */
	bool last_is_restored;       /* that is of the checkpoint, and of what came since */
	uint64_t crowded_out;        /* samples that were rejected for want of room (periods.h) */
	unsigned generation;         /* grows with each aggregator_restart() */
	aggregator_request_fn *keep; /* the journal; NULL: none */
	void *keep_context;
	/*
	 * A sample was counted in part or not at all: nothing here is to be kept, and all since the
	 * last checkpoint must be read again.
	 */
	bool out_of_memory;
};

int aggregator_init(struct aggregator *l, const struct calendar *calendar, unsigned retention_days,
    uint64_t now_ns);
void aggregator_free(struct aggregator *l);

/*
 * Forgets all that was counted and begins anew, also the first time (all zero). Who is told of
 * requests, the tags, and the time that retention goes by stay. -ENOMEM.
 */
int aggregator_restart(struct aggregator *l, const struct calendar *calendar,
    unsigned retention_days, uint64_t now_ns);

/* Counts a sample that was read at `origin`. */
void aggregator_add(struct aggregator *l, const struct orbus_sample *s,
    const struct sample_origin *origin, uint64_t now_ns);

/* Counts samples that were lost or rejected just now. */
void aggregator_add_losses(struct aggregator *l, uint64_t lost, uint64_t rejected, uint64_t now_ns);

/*
 * Adds what has come since the last time to the periods, and to the windows where that is soon
 * done; else aggregator_show() is left to do.
 */
void aggregator_fold(struct aggregator *l, uint64_t now_ns);

/*
 * A step of adding to the windows what the periods have: one merge. False: there is nothing to do.
 * Windows are in no checkpoint, so they need not keep up with the periods.
 */
bool aggregator_show(struct aggregator *l, uint64_t now_ns);

/* True when a day is so long ago that its files are to go, by the earlier of the two clocks. */
bool aggregator_is_expired(const struct aggregator *l, int64_t wall_day, uint64_t now_ns);

/* The trends of a period as of now. */
void aggregator_trends(
    const struct aggregator *l, const struct period *p, uint64_t now_ns, struct trends *out);

#endif
