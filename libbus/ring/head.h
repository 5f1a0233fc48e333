/*
 * head.h: how many records a lane can hold by now, at most. The rule stands here once, for the
 * producer that claims a lane and for the readers: readers must believe every head that a producer
 * continues.
 */
#ifndef ORBUS_RING_HEAD_H
#define ORBUS_RING_HEAD_H

#include <stdbool.h>
#include <stdint.h>

/* No producer is faster: reading the clock for a sample's time takes longer than this. */
#define HEAD_NS_PER_RECORD 4

/* What can have been published in `ns` nanoseconds. */
static inline uint64_t head_possible_in(uint64_t ns)
{
	return ns / HEAD_NS_PER_RECORD;
}

/*
 * Whether a head can have been reached since the machine was started (CLOCK_BOOTTIME; shared memory
 * does not outlive a boot). Readers allow twice as much as claimants, so that they never doubt a
 * head that a claimant went on from, be it in a time namespace of its own.
 */
static inline bool head_is_claimable(uint64_t head, uint64_t boottime_ns)
{
	return head <= head_possible_in(boottime_ns);
}

static inline bool head_is_credible(uint64_t head, uint64_t boottime_ns)
{
	return head <= 2 * head_possible_in(boottime_ns);
}

/*
 * The checksum in an owner's claim: it no longer fits when another process overwrites one of these
 * words. It is no signature: any process that may write the ring can compute it.
 */
static inline uint64_t head_claim_word(uint64_t epoch, uint64_t count_id, uint64_t count_head)
{
	uint64_t x = epoch * UINT64_C(0x9e3779b97f4a7c15) ^ count_id;

	x = (x ^ x >> 29) * UINT64_C(0xbf58476d1ce4e5b9) ^ count_head;
	x = (x ^ x >> 32) * UINT64_C(0x94d049bb133111eb);
	return x ^ x >> 31;
}

#endif
