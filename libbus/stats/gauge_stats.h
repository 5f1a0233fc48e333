/*
 * gauge_stats.h: the values of a gauge, and gauges by name.
 */
#ifndef ORBUS_STATS_GAUGE_STATS_H
#define ORBUS_STATS_GAUGE_STATS_H

#include "exact_sum.h"
#include "name_table.h"

#include <stdbool.h>

struct gauge_stats {
	double last, min, max;
	/* Of its values above 0, and of the others without their sign: sums that only grow may end,
	 * and are still the same in any order. */
	struct exact_sum above, below;
	uint64_t last_ts;
	uint64_t count;
};

/* A gauge of one value. */
struct gauge_stats gauge_of(double value, uint64_t ts);

/* Adds all of `from`. */
void gauge_stats_merge(struct gauge_stats *to, const struct gauge_stats *from);

/* Makes a table of struct gauge_stats. */
void gauge_table_init(struct name_table *t);

/* Adds to a gauge. False: out of memory. */
bool gauge_table_add(struct name_table *t, const char *name, const struct gauge_stats *g);
bool gauge_table_merge(struct name_table *to, const struct name_table *from);

#endif
