/*
 * lane_levels.h: lanes by how many requests they have in flight.
 *
 * Lanes that have equally many form a list, a level. So a change of a lane's count costs the same
 * however many lanes there are, and the fullest lane is known at once.
 */
#ifndef ORBUS_LIVE_LANE_LEVELS_H
#define ORBUS_LIVE_LANE_LEVELS_H

#include "base/data_limits.h"

#include <assert.h>
#include <stdint.h>

#define LANE_LEVEL_MAX 1024

struct lane_level {
	uint32_t count;
	/* The lanes before and after it in its level, plus one; 0: none. */
	uint16_t previous, next;
};
static_assert(ORBUS_LANES_MAX < UINT16_MAX, "lanes are linked by 16 bits");

/* All zero: no lane has any. */
struct lane_levels {
	struct lane_level lanes[ORBUS_LANES_MAX];
	uint64_t used[ORBUS_LANES_MAX / 64]; /* bit n: lane n has some */
	uint16_t first[LANE_LEVEL_MAX + 1];  /* a lane that has so many, plus one; 0: none */
	uint32_t fullest;                    /* the highest level that is not empty */
};

static inline uint32_t lane_levels_count(const struct lane_levels *l, uint32_t lane)
{
	return l->lanes[lane].count;
}

/* One of the lanes that have the most. There must be one that has any. */
static inline uint32_t lane_levels_fullest(const struct lane_levels *l)
{
	return l->first[l->fullest] - 1u;
}

/* Moves a lane to its new count, at most LANE_LEVEL_MAX, which is one more or less than before. */
void lane_levels_set(struct lane_levels *l, uint32_t lane, uint32_t count);

/* The first lane from `lane` on that has any; ORBUS_LANES_MAX: none. */
uint32_t lane_levels_next(const struct lane_levels *l, uint32_t lane);

#endif
