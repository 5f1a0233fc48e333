/*
 * lane.h: owning one lane of a ring: claimed, mapped, given back.
 *
 * It is not for what is published (producer.c), nor for reading (reader.c).
 */
#ifndef ORBUS_LANE_H
#define ORBUS_LANE_H

#include "segment.h"

/*
 * A lane and everything a producer computes with. All of it is private but what `header`, `slots`
 * and `shared` point at, and those are only ever stored to.
 */
struct lane {
	struct ring_shape shape;
	uint32_t index;
	uint32_t epoch;
	uint64_t head; /* own count of records published in this lane */
	struct lane_header *header;
	uint8_t *slots;
	struct ring_shared *shared;
	void *lock;            /* a mapping whose only use is that the lane's lock lives in it */
	const uint64_t *alive; /* a private word that reads 0 in a forked child */
};

/*
 * Claims a free lane of the bus, which is made where it does not exist. -EUSERS: all are taken;
 * -ENOSPC: no room to reserve its memory; errors of segment_attach().
 */
int lane_claim(const struct bus_paths *paths, struct lane *out);

/* Gives the lane back. In a forked child, whose mappings do not exist, it only forgets them. */
void lane_release(struct lane *lane);

static inline bool lane_is_mine(const struct lane *lane)
{
	return *(const volatile uint64_t *)lane->alive != 0;
}

#endif
