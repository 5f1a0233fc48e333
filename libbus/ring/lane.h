/*
 * lane.h: owning one lane of a ring: claimed, mapped, given back.
 *
 * It is not for what is published (producer.c), nor for reading (reader.c).
 */
#ifndef ORBUS_RING_LANE_H
#define ORBUS_RING_LANE_H

#include "segment.h"
#include "slot.h"

/*
 * A lane and everything a producer computes with. All of it is private but what `header`, `slots`
 * and `shared` point at, and those are only ever stored to.
 */
struct lane {
	struct ring_shape shape;
	uint32_t index;
	uint32_t epoch;
	uint64_t head;                        /* own count of records published in this lane */
	uint64_t count_id, count_head, claim; /* as the header says them */
	struct lane_header *header;
	uint8_t *slots;
	struct ring_shared *shared;
	void *lock;            /* a mapping whose only use is that the lane's lock lives in it */
	const uint64_t *alive; /* a private word that reads 0 in a forked child */
};

/* What a claim may cost. A publish has no time to wait, nor to ask for thousands of locks. */
struct lane_effort {
	unsigned wait_ms; /* as segment_attach() has it */
	uint64_t walk_ns; /* CPU time of asking which lane is free; 0: as long as it takes */
	/* In and out: the first lane to ask for. A walk that was cut off goes on from there. */
	uint32_t from;
};

/*
 * Claims a free lane of the bus, which is made where it does not exist. -EUSERS: all are taken;
 * -EAGAIN: the walk was cut off; -ENOSPC: no room to reserve its memory; errors of
 * segment_attach().
 */
int lane_claim(const struct bus_paths *paths, struct lane_effort *effort, struct lane *out);

/* Says who owns the lane and how far it is: the header, whole. */
static inline void lane_store_header(struct lane_header *h, const struct lane *lane)
{
	atomic_store_explicit(&h->count_head, lane->count_head, memory_order_relaxed);
	atomic_store_explicit(&h->count_id, lane->count_id, memory_order_relaxed);
	atomic_store_explicit(&h->claim, lane->claim, memory_order_relaxed);
	/* Release: a reader that sees the epoch sees its claim. Pairs with lane_view_read(). */
	atomic_store_explicit(&h->epoch, lane->epoch, memory_order_release);
	/* Release: a reader that sees this head sees the whole slot. Pairs with lane_view_read().
	 */
	atomic_store_explicit(&h->head, lane->head, memory_order_release);
}

/* Tells readers that the lane's memory is there; again from time to time: any process that may
 * write the ring can clear it. */
void lane_say_reserved(const struct lane *lane);

/* Gives the lane back. In a forked child, whose mappings do not exist, it only forgets them. */
void lane_release(struct lane *lane);

static inline bool lane_is_mine(const struct lane *lane)
{
	return *(const volatile uint64_t *)lane->alive != 0;
}

#endif
