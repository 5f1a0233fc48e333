/*
 * data.h: all that the screen shows, as of one instant, and where it comes from: the
 * statistics from the agent's board (or, where no agent runs, from the ring), the rest from the
 * ring.
 */
#ifndef ORBUS_ORSTAT_WATCH_DATA_H
#define ORBUS_ORSTAT_WATCH_DATA_H

#include "board/current.h"
#include "feed.h"
#include "health.h"
#include "orstat/options.h"

struct watch_data {
	uint64_t now_ns;           /* CLOCK_REALTIME */
	struct snapshot *snapshot; /* of the window; NULL: there was none yet; see watch_stats() */
	uint64_t stats_ns;         /* when it was read */
	struct health health;
	uint64_t gone_ns, remade_ns; /* of the bus: see feed_gone_ns() */
	int connected;               /* producers; -1: unknown */
	uint64_t missed;             /* samples that this screen was too slow for */
	struct history_point points[HISTORY_INTERVALS];
	struct seen_request last;
	struct failures failures;
	struct flight *flights; /* oldest first */
	size_t flight_count;
};

void watch_data_free(struct watch_data *d);

/* The statistics of the window; of no request as long as there are none. */
const struct snapshot *watch_stats(const struct watch_data *d);

/* How a request in flight is doing. */
enum pace {
	PACE_USUAL,
	PACE_SLOW,    /* longer under way than 99 % of its model's requests took */
	PACE_STALLED, /* that, or of a model of which too little is known, and 30 s at least */
};

/* *p99_ms is its model's, NaN where fewer than 20 requests of the window tell. */
enum pace flight_pace(const struct watch_data *d, const struct flight *f, double *p99_ms);

size_t stalled_count(const struct watch_data *d);

/* --- Where it comes from ---------------------------------------------------------------------- */

struct watch_source;

/* The errors of orbus_reader_open(). `settings` must live as long as the source. */
int watch_source_open(const struct orstat_settings *settings, struct watch_source **out);
void watch_source_close(struct watch_source *w);

/* Reads what has come to the ring; often, so that nothing is missed. 1: there is more; or -ENOMEM.
 */
int watch_source_drain(struct watch_source *w);

/*
 * Looks at the agent, the bus and the statistics of settings->window: at most a hundredth of the
 * time goes into reading these, unless `at_once` is asked for. True where the agent or the bus came
 * or went.
 */
bool watch_source_look(struct watch_source *w, bool at_once);

/*
 * Fills in *out, which is zeroed or filled before, with what is known now. -ENOMEM: it is
 * unchanged.
 */
int watch_source_take(const struct watch_source *w, struct watch_data *out);

/*
 * The same statistics as documents, for --json. With --json watch_source_look() reads nothing but
 * these. They belong to the source and live until it looks again.
 */
const struct statistics *watch_source_documents(const struct watch_source *w);

#endif
