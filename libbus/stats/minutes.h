/*
 * minutes.h: what is counted about each minute of an hour: a few totals and three histograms of
 * scale 3.
 *
 * A histogram of scale 3 has eight buckets to a doubling, so that its percentiles are wrong by 4.4
 * % at most: a chart's resolution, in a fifth of the bytes.
 */
#ifndef ORBUS_STATS_MINUTES_H
#define ORBUS_STATS_MINUTES_H

#include "request_stats.h"

#define MINUTES_SCALE 3

struct minute_stats {
	uint64_t minute; /* since the epoch */
	uint64_t requests, failed, tokens;
	bool has_cost;                              /* of at least one request */
	struct exact_sum cost;                      /* USD */
	struct histogram response_ms, ttft_ms, tps; /* of scale 3, without min and max */
};

struct minutes {
	struct minute_stats *list; /* by time */
	uint32_t count, capacity;
};

void minutes_free(struct minutes *m);

/* The minute of that number since the epoch, made if need be. NULL: out of memory. */
struct minute_stats *minutes_at(struct minutes *m, uint64_t minute);

/* Adds requests that ended in a minute. False: out of memory. */
bool minutes_add(struct minutes *m, uint64_t minute, const struct request_stats *stats);

/* Adds one minute to another. False: out of memory. */
bool minute_stats_merge(struct minute_stats *to, const struct minute_stats *from);
void minute_stats_init(struct minute_stats *one, uint64_t minute);
void minute_stats_free(struct minute_stats *one);
bool minutes_merge(struct minutes *to, const struct minutes *from);

/* What its requests cost in USD, NaN where no cost is known. */
double minute_stats_cost(const struct minute_stats *one);

#endif
