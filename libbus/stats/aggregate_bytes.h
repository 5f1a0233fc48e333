/*
 * aggregate_bytes.h: how much memory an aggregate takes, so that many of them can be bounded.
 *
 * It follows what aggregate.c, name_table.c, histogram.c and kmv_sketch.c allocate, and adds what
 * the allocator needs for each piece. It is not for other parts of the agent's memory.
 */
#ifndef ORBUS_STATS_AGGREGATE_BYTES_H
#define ORBUS_STATS_AGGREGATE_BYTES_H

#include "aggregate.h"

/* All that the aggregate has allocated, without the struct itself. */
size_t aggregate_bytes(const struct aggregate *a);

/*
 * The same of only those parts of `a` that merging `delta` into it can change: what a merge has
 * added is the difference before and after. That costs as much as the delta is large, not as `a`
 * is. Where names of the delta share "(other)", its growth is counted for each of them.
 */
size_t aggregate_bytes_beside(const struct aggregate *a, const struct aggregate *delta);

#endif
