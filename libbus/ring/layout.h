/*
 * layout.h: every byte of the ring, with its invariants. The one place that states them.
 *
 *   page 0   header: written before the object is linked into place, never changed after
 *   page 1   shared page: the bell, and the bitmap of reserved lanes
 *   then     lanes, each starting on a page: a lane header, then its slots
 *
 * All integers are little-endian and naturally aligned. Everything here may be scribbled over by
 * whoever may write the object: readers copy, then validate, then use; producers never compute
 * with a shared word after they have claimed their lane.
 */
#ifndef ORBUS_RING_LAYOUT_H
#define ORBUS_RING_LAYOUT_H

#include "base/data_limits.h"

#include <assert.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ORBUS_MAGIC          "ORBUSRNG"
#define ORBUS_LAYOUT_VERSION 1u
#define ORBUS_ENDIAN_MARK    0x01020304u

#define ORBUS_SLOTS_MIN        64u
#define ORBUS_SLOTS_MAX        1048576u
#define ORBUS_SLOT_BYTES_MIN   128u
#define ORBUS_SLOT_BYTES_MAX   65536u
#define ORBUS_SLOT_BYTES_ALIGN 64u

#define ORBUS_LANES_DEFAULT      256u
#define ORBUS_SLOTS_DEFAULT      4096u
#define ORBUS_SLOT_BYTES_DEFAULT 512u

/* Page 0. `checksum` is XXH3-64 of the bytes before it. */
struct ring_header {
	char magic[8];
	uint32_t layout_version;
	uint32_t endian;
	uint64_t incompatible_features; /* a reader that meets an unknown bit refuses the ring */
	uint8_t bus_id[16];
	uint64_t created_ns;
	uint64_t locks_inode; /* of the lock object that belongs to this ring */
	uint32_t page_bytes;
	uint32_t lane_count;
	uint32_t slots_per_lane; /* a power of two */
	uint32_t slot_bytes;
	uint64_t lanes_offset;
	uint64_t lane_stride;
	uint64_t ring_bytes;
	uint64_t checksum;
};
static_assert(offsetof(struct ring_header, layout_version) == 8, "layout");
static_assert(offsetof(struct ring_header, bus_id) == 24, "layout");
static_assert(offsetof(struct ring_header, locks_inode) == 48, "layout");
static_assert(offsetof(struct ring_header, page_bytes) == 56, "layout");
static_assert(offsetof(struct ring_header, lanes_offset) == 72, "layout");
static_assert(offsetof(struct ring_header, checksum) == 96, "layout");
static_assert(sizeof(struct ring_header) == 104, "layout");

/* Page 1. Written by every producer, with atomic read-modify-write only; results are ignored. */
struct ring_shared {
	/* A futex word. A producer adds 1 and wakes when its lane has advanced by a quarter. */
	_Atomic uint32_t bell;
	uint8_t pad[124];
	/*
	 * Bit n is set once lane n's memory is reserved, and never cleared. Readers touch no other
	 * lane: a mere read of a hole in tmpfs allocates it.
	 */
	_Atomic uint64_t reserved[ORBUS_LANES_MAX / 64];
};
static_assert(offsetof(struct ring_shared, reserved) == 128, "layout");
static_assert(sizeof(struct ring_shared) == 640, "layout");

/*
 * The start of a lane. Written by the lane's owner only, and all of it with each publish: whatever
 * somebody else scribbles here lasts until then.
 *
 * Owners continue each other's count. One who finds a head that nobody can have reached, or that
 * the slots do not bear out, begins a new count, with an id of its own: readers take all of its
 * records, whatever they had believed before. Both hold while the claim fits them and the epoch;
 * producers before 1.1 leave the three of them as they are.
 */
struct lane_header {
	_Atomic uint64_t head; /* samples ever published in this lane, by all owners */
	_Atomic uint64_t
	    epoch; /* of the owner: another one for each, not to be foretold, 32 bits */
	_Atomic uint64_t claim;      /* head_claim_word() of the epoch and the next two words */
	_Atomic uint64_t count_id;   /* random, never 0 */
	_Atomic uint64_t count_head; /* the count's first record */
	uint8_t pad[88];
};
static_assert(offsetof(struct lane_header, claim) == 16, "layout");
static_assert(offsetof(struct lane_header, count_id) == 24, "layout");
static_assert(offsetof(struct lane_header, count_head) == 32, "layout");
static_assert(sizeof(struct lane_header) == 128, "layout");

/*
 * A slot; `slot_bytes` in all. Record n (0, 1, ...) lies in slot n % slots_per_lane. Written by the
 * lane's owner only:
 *   sequence = 2n + 1 while record n is being written, 2n + 2 once it is whole.
 */
struct slot {
	_Atomic uint64_t sequence;
	_Atomic uint64_t owner; /* epoch << 32 | payload length in bytes */
	_Atomic uint64_t payload[];
};
static_assert(sizeof(struct slot) == 16, "layout");

/* 64-bit atomics must be plain instructions: a lock would live in one process only. */
static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "64-bit atomics are not lock-free");
static_assert(sizeof(_Atomic uint64_t) == 8, "atomics carry hidden state");

/*
 * The lock object, NAME.lanes, holds no data: its bytes are locked by open-file-description locks.
 * Byte n is held by the owner of lane n. It is a second object because whoever may read a file may
 * also lock it, and readers of the ring must not be able to shut a producer out.
 */
#define ORBUS_LOCK_CREATE ((int64_t)ORBUS_LANES_MAX)     /* held while the ring is made */
#define ORBUS_LOCK_AGENT  ((int64_t)ORBUS_LANES_MAX + 1) /* held by the bus's agent */
#define ORBUS_LOCK_BYTES  8192u                          /* the object's size */

#endif
